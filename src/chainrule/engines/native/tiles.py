"""What matrix products are made of: blocks of columns, panels, and sums along lines.

Each is one function of a module, for all products that need it. Sizes, and the steps from one
element to the next, are arguments: a network has many products, and code is paid for once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from chainrule.engines.native.kernels import emit_loop
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.modules import Modules

__all__ = ["Tiles"]

Value = Any

_VOID, _I32, _I64, _POINTER = ir.VoidType(), ir.IntType(32), ir.IntType(64), ir.PointerType()
_FLAGS = ("contract",)


class Tiles:
    """The functions of one program.

    Parameters
    ----------
    modules : Modules
    mathematics : Mathematics
    vector : tuple of int
        Bits of a vector register, and how many registers there are.
    """

    def __init__(self, modules: Modules, mathematics: Mathematics, vector: tuple[int, int]) -> None:
        self.modules, self.m = modules, mathematics
        bits, self.registers = vector
        self.width = 4 if mathematics.single else 8
        self.lanes = max(bits // (8 * self.width), 1)
        self._functions: dict[str, ir.Function] = {}

    @property
    def columns(self) -> int:
        """The columns of a full block: four vectors."""
        return 4 * self.lanes

    def place(self, b: ir.IRBuilder, start: Value, offset: Value) -> Value:
        """The address of an element so many elements on."""
        return b.gep(start, [offset], source_etype=self.m.type)

    def zeros(self) -> Value:
        """The address of as many zeros as a block has columns."""
        found = self.modules.control.globals.get("zeros")
        if found is None:
            kind = ir.ArrayType(self.m.type, self.columns)
            found = ir.GlobalVariable(self.modules.control, kind, "zeros")
            found.linkage, found.global_constant, found.align = "internal", True, 64
            found.initializer = ir.Constant(kind, None)
        return found

    # --- C = start + A·B -----------------------------------------------------------------

    def block(self, columns: int) -> ir.Function:
        """Some columns of a product, in tiles of rows whose sums are in registers.

        block(rows, inner, left, left_row, left_inner, right, right_inner, target, target_row,
        start, start_row): the steps are in elements, and from column to column they are 1.
        """
        types = [_I64, _I64, _POINTER, _I64, _I64, _POINTER, _I64, _POINTER, _I64, _POINTER, _I64]
        function = self._functions.get(f"block_{columns}")
        if function is None:
            function = self.new_function(f"block_{columns}", types)
            _BlockWriter(self, function, self._widths(columns)).write()
        return function

    def _widths(self, columns: int) -> list[int]:
        """The widths of the vectors that so many columns are read in."""
        whole, rest = divmod(columns, self.lanes)
        return [self.lanes] * whole + [rest] * (rest > 0)

    def new_function(
        self, name: str, types: list[ir.Type], module: ir.Module | None = None
    ) -> ir.Function:
        """A function that returns nothing, without a body."""
        module = module or self.modules.control
        function = ir.Function(module, ir.FunctionType(_VOID, types), name)
        if module is self.modules.control:
            function.linkage = "internal"
        for attribute in ("noinline", "nounwind"):
            function.attributes.add(attribute)
        self._functions[name] = function
        return function

    # --- panels --------------------------------------------------------------------------

    def copy(self, columns: int) -> ir.Function:
        """copy(lines, source, step, panel): lines side by side, as they are read."""
        name = f"copy_{columns}"
        if name in self._functions:
            return self._functions[name]
        function = self.new_function(name, [_I64, _POINTER, _I64, _POINTER])
        lines, source, step, panel = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        widths = self._widths(columns)

        def line(k: Value) -> None:
            origin = self.place(b, source, b.mul(k, step))
            goal = self.place(b, panel, b.mul(k, _number(columns)))
            for position, lanes in enumerate(widths):
                shift = _number(position * self.lanes)
                kind = ir.VectorType(self.m.type, lanes)
                vector = b.load(self.place(b, origin, shift), align=self.width, typ=kind)
                b.store(vector, self.place(b, goal, shift), align=self.width)

        emit_loop(b, _number(0), lines, line)
        b.ret_void()
        return function

    def turn(self, columns: int) -> ir.Function:
        """turn(lines, source, step, panel): the columns are lines of the source, so far apart."""
        name = f"turn_{columns}"
        if name in self._functions:
            return self._functions[name]
        function = self.new_function(name, [_I64, _POINTER, _I64, _POINTER])
        lines, source, step, panel = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        size = self.lanes

        def square(j: Value, k: Value) -> None:
            kind = ir.VectorType(self.m.type, size)
            loaded = []
            for n in range(size):
                position = b.add(b.mul(b.add(j, _number(n)), step), k)
                origin = self.place(b, source, position)
                loaded.append(b.load(origin, align=self.width, typ=kind))
            for n, vector in enumerate(_transposed(b, loaded)):
                position = b.add(b.mul(b.add(k, _number(n)), _number(columns)), j)
                b.store(vector, self.place(b, panel, position), align=self.width)

        def squares(n: Value) -> None:
            j = b.mul(n, _number(size))
            emit_loop(b, _number(0), whole, lambda m: square(j, b.mul(m, _number(size))))

        done = _number(0)
        if columns % size == 0:
            whole = b.udiv(lines, _number(size))
            done = b.mul(whole, _number(size))
            emit_loop(b, _number(0), _number(columns // size), squares)
        b.call(self._turn_singly(), [done, lines, source, step, panel, _number(columns)])
        b.ret_void()
        return function

    def _turn_singly(self) -> ir.Function:
        """turn_singly(first, last, source, step, panel, columns): one element after another."""
        name = "turn_singly"
        if name in self._functions:
            return self._functions[name]
        function = self.new_function(name, [_I64, _I64, _POINTER, _I64, _POINTER, _I64])
        # Elements so far apart gain nothing from vectors, which take long to compile.
        function.attributes.add("optsize")
        first, last, source, step, panel, columns = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))

        def element(j: Value, k: Value) -> None:
            origin = self.place(b, source, b.add(b.mul(j, step), k))
            goal = self.place(b, panel, b.add(b.mul(k, columns), j))
            b.store(b.load(origin, typ=self.m.type), goal)

        emit_loop(
            b,
            first,
            last,
            lambda k: emit_loop(b, _number(0), columns, lambda j: element(j, k)),
        )
        b.ret_void()
        return function

    # --- one number a row ----------------------------------------------------------------

    def dots(self, inner: int | None) -> ir.Function:
        """dots(rows, inner, left, left_row, right, target): a sum along two lines for each row.

        LLVM turns the sum into vectors by itself, and better where it knows how long it is.
        """
        name = f"dots_{'any' if inner is None else inner}"
        if name in self._functions:
            return self._functions[name]
        types = [_I64, _I64, _POINTER, _I64, _POINTER, _POINTER]
        function = self.new_function(name, types, self.modules.loops)
        rows, length, left, step, right, target = function.args
        for pointer in (left, right, target):
            pointer.add_attribute("noalias")
        b = ir.IRBuilder(function.append_basic_block("entry"))
        total = b.alloca(self.m.type)

        def dot(row: Value) -> None:
            b.store(self.m.number(0.0), total)
            line = self.place(b, left, b.mul(row, step))

            def add(k: Value) -> None:
                factors = [
                    b.load(self.place(b, each, k), typ=self.m.type) for each in (line, right)
                ]
                so_far = b.load(total, typ=self.m.type)
                term = b.fmul(*factors, flags=_FLAGS)
                b.store(b.fadd(so_far, term, flags=("reassoc", "nsz", "contract")), total)

            emit_loop(b, _number(0), length if inner is None else _number(inner), add)
            b.store(b.load(total, typ=self.m.type), self.place(b, target, row))

        emit_loop(b, _number(0), rows, dot)
        b.ret_void()
        return function


class _BlockWriter:
    """Writes the function of one block of columns."""

    def __init__(self, tiles: Tiles, function: ir.Function, widths: list[int]) -> None:
        self.tiles = tiles
        self.kinds = [ir.VectorType(tiles.m.type, width) for width in widths]
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        (
            self.rows,
            self.inner,
            self.left,
            self.left_row,
            self.left_inner,
            self.right,
            self.right_inner,
            self.target,
            self.target_row,
            self.start,
            self.start_row,
        ) = function.args
        self.height = max(1, min(8, (tiles.registers // 2) // len(widths)))

    def write(self) -> None:
        """As many tiles as fit, and then the rest row by row."""
        b, height = self.b, _number(self.height)
        whole = b.udiv(self.rows, height)
        emit_loop(b, _number(0), whole, lambda n: self._tile(b.mul(n, height), self.height))
        emit_loop(b, b.mul(whole, height), self.rows, lambda row: self._tile(row, 1))
        b.ret_void()

    def _tile(self, row: Value, height: int) -> None:
        b, place = self.b, self.tiles.place
        rows = [b.add(row, _number(n)) for n in range(height)]
        sums = [self._vectors(place(b, self.start, b.mul(each, self.start_row))) for each in rows]
        lines = [place(b, self.left, b.mul(each, self.left_row)) for each in rows]
        totals = self._add_products(lines, sums)
        for each, results in zip(rows, totals, strict=True):
            goal = place(b, self.target, b.mul(each, self.target_row))
            for position, result in enumerate(results):
                shift = _number(position * self.tiles.lanes)
                b.store(result, place(b, goal, shift), align=self.tiles.width)

    def _add_products(self, lines: list[Value], sums: list[list[Value]]) -> list[list[Value]]:
        """The sums, with A·B added along the inner size."""
        b = self.b
        before = b.block
        head, done = b.append_basic_block("inner"), b.append_basic_block("sums")
        b.cbranch(b.icmp_signed("<", _number(0), self.inner), head, done)
        b.position_at_end(head)
        k, left, right = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        registers = [[b.phi(kind) for kind in self.kinds] for _ in lines]
        columns = self._vectors(self.tiles.place(b, self.right, right))
        new = []
        for line, row in zip(lines, registers, strict=True):
            value = b.load(self.tiles.place(b, line, left), typ=self.tiles.m.type)
            new.append(
                [
                    b.fadd(
                        register,
                        b.fmul(_spread(b, value, kind), column, flags=_FLAGS),
                        flags=_FLAGS,
                    )
                    for register, column, kind in zip(row, columns, self.kinds, strict=True)
                ]
            )
        steps = (k, _number(1)), (left, self.left_inner), (right, self.right_inner)
        following = []
        for counter, step in steps:
            counter.add_incoming(_number(0), before)
            following.append(b.add(counter, step, flags=("nsw",)))
            counter.add_incoming(following[-1], head)
        totals: list[list[Value]] = []
        for row, starts, ends in zip(registers, sums, new, strict=True):
            for register, start, end in zip(row, starts, ends, strict=True):
                register.add_incoming(start, before)
                register.add_incoming(end, head)
        b.cbranch(b.icmp_signed("<", following[0], self.inner), head, done)
        b.position_at_end(done)
        for starts, ends in zip(sums, new, strict=True):
            totals.append([])
            for start, end in zip(starts, ends, strict=True):
                total = b.phi(end.type)
                total.add_incoming(start, before)
                total.add_incoming(end, head)
                totals[-1].append(total)
        return totals

    def _vectors(self, address: Value) -> list[Value]:
        b, tiles = self.b, self.tiles
        return [
            b.load(
                tiles.place(b, address, _number(position * tiles.lanes)),
                align=tiles.width,
                typ=kind,
            )
            for position, kind in enumerate(self.kinds)
        ]


def _number(value: int) -> Value:
    return ir.Constant(_I64, value)


def _transposed(b: ir.IRBuilder, lines: list[Value]) -> list[Value]:
    """The columns of a square of registers, whose lines are given.

    To interleave line i with line i + n/2, log n times, is to exchange rows and columns.
    """
    size, half = len(lines), len(lines) // 2
    if size == 1:
        return lines
    kind = ir.VectorType(_I32, size)
    masks = [
        ir.Constant(kind, [start + k // 2 + size * (k % 2) for k in range(size)])
        for start in (0, half)
    ]
    for _ in range(size.bit_length() - 1):
        pairs = zip(lines[:half], lines[half:], strict=True)
        lines = [b.shuffle_vector(*pair, mask) for pair in pairs for mask in masks]
    return lines


def _spread(b: ir.IRBuilder, value: Value, kind: ir.VectorType) -> Value:
    """A vector with the same number everywhere."""
    first = b.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, kind.count), None)
    return b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)
