"""Small matrix products as machine code of their own.

BLAS is made for large matrices: it copies them into its own order first, and a call costs more
than a small product itself. Where the sizes that do not depend on the rows are small, a tile of
the result is kept in vector registers instead, and one function is written for these sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.native.kernels import emit_loop
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.plan import MatMul, View
from chainrule.graph.shape import Dimension, Size

__all__ = ["ProductEmitter", "is_small"]

Value = Any

_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()
_MOST_ELEMENTS = 8192
"""The product of the two sizes known beforehand; the matrix of that size stays in cache."""
_FLAGS = ("contract",)


@dataclass(frozen=True)
class _Shape:
    """A product C = A·B by its sizes and strides; a size of None is known at run time."""

    rows: int | None
    inner: int | None
    columns: int
    left: tuple[int, int]
    right: tuple[int, int]

    @property
    def is_dots(self) -> bool:
        """Whether each element is a sum along two lines in memory."""
        return self.columns == 1 and self.left[1] == 1 and self.right[0] == 1


def _static(dimension: Dimension) -> int | None:
    return None if isinstance(dimension, Size) else dimension


def _shape_of(product: MatMul) -> tuple[_Shape, bool] | None:
    """The product as the emitter writes it, or None where it cannot."""
    left, right = product.left, product.right
    if not product.target.is_contiguous:
        return None
    # A column of results is a row of the transposed product, which has long vectors.
    turned = right.shape[1] == 1 and left.strides[1] != 1 and not product.split
    if turned:
        left, right = _transposed(right), _transposed(left)
    rows, inner = left.shape
    columns = right.shape[1]
    strides = (*left.strides, *right.strides)
    if isinstance(columns, Size) or any(isinstance(stride, Size) for stride in strides):
        return None
    shape = _Shape(
        None if product.split else _static(rows),
        _static(inner),
        columns,
        tuple(left.strides),  # type: ignore[arg-type]
        tuple(right.strides),  # type: ignore[arg-type]
    )
    return shape, turned


def _transposed(view: View) -> View:
    return View(view.buffer, view.shape[::-1], view.strides[::-1], view.offset)


def is_small(product: MatMul) -> bool:
    """Whether a product is better written out than given to BLAS."""
    found = _shape_of(product)
    if found is None:
        return False
    shape = found[0]
    sizes = (*product.left.shape, shape.columns)
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) < 2:
        return False
    return math.prod(known) <= _MOST_ELEMENTS and (
        shape.right[1] == 1 or shape.inner is not None or shape.is_dots
    )


class ProductEmitter:
    """Emits the small products of one module."""

    def __init__(self, module: ir.Module, mathematics: Mathematics, vector: tuple[int, int]):
        self.module = module
        self.m = mathematics
        bits, self.registers = vector
        self.lanes = max(bits // (32 if mathematics.single else 64), 1)
        self._functions: dict[_Shape, ir.Function] = {}

    def function(self, product: MatMul) -> tuple[ir.Function, bool]:
        """The function (rows, inner, left, right, target), and whether it is given the
        transposed product: left and right exchanged."""
        found = _shape_of(product)
        assert found is not None
        shape, turned = found
        if shape not in self._functions:
            self._functions[shape] = self._write(shape)
        return self._functions[shape], turned

    def _write(self, shape: _Shape) -> ir.Function:
        kind = ir.FunctionType(ir.VoidType(), [_I64, _I64, _POINTER, _POINTER, _POINTER])
        function = ir.Function(self.module, kind, f"product_{len(self._functions)}")
        function.linkage = "internal"
        for attribute in ("noinline", "nounwind"):
            function.attributes.add(attribute)
        rows, inner, self.left, self.right, self.target = function.args
        for argument in function.args[2:]:
            argument.add_attribute("noalias")
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.inner = inner if shape.inner is None else _number(shape.inner)
        self.shape = shape
        count = rows if shape.rows is None else _number(shape.rows)
        if shape.is_dots:
            emit_loop(self.b, _number(0), count, self._dot)
        else:
            self.gap = shape.right[0]
            if shape.right[1] != 1:
                self._turn_right()
            self._tiles(count)
        self.b.ret_void()
        return function

    def _turn_right(self) -> None:
        """Copy B so that its rows lie in memory as vectors are read."""
        b, shape = self.b, self.shape
        inner = shape.inner
        assert inner is not None
        memory = b.alloca(self.m.type, size=ir.Constant(_I32, inner * shape.columns))
        memory.align = 64
        memory.type = _POINTER  # llvmlite would let it hold single numbers only

        lanes = self.lanes
        whole_blocks = inner % lanes == 0 and shape.columns % lanes == 0
        size = lanes if whole_blocks and shape.right[0] == 1 else 1

        def block(j: Value, k: Value) -> None:
            sources = [self._place(self.right, k, b.add(j, _number(n))) for n in range(size)]
            if size == 1:
                lines = [b.load(sources[0], typ=self.m.type)]
            else:
                kind = ir.VectorType(self.m.type, size)
                lines = [b.load(each, align=self._alignment, typ=kind) for each in sources]
            for n, line in enumerate(_transposed_lines(b, lines)):
                goal = b.add(b.mul(b.add(k, _number(n)), _number(shape.columns)), j)
                place = b.gep(memory, [goal], source_etype=self.m.type)
                b.store(line, place, align=self._alignment)

        def blocks(number: Value) -> None:
            j = b.mul(number, _number(size))
            emit_loop(
                b,
                _number(0),
                _number(inner // size),
                lambda other: block(j, b.mul(other, _number(size))),
            )

        emit_loop(b, _number(0), _number(shape.columns // size), blocks)
        self.right, self.gap = memory, shape.columns

    def _place(self, matrix: Value, k: Value, j: Value) -> Value:
        """The address of an element of B as it is given."""
        b, (row_step, column_step) = self.b, self.shape.right
        position = b.add(b.mul(k, _number(row_step)), b.mul(j, _number(column_step)))
        return b.gep(matrix, [position], source_etype=self.m.type)

    # --- tiles of the result in registers ------------------------------------------------

    def _tiles(self, count: Value) -> None:
        """The result in blocks of columns: as many full ones as fit, and the rest."""
        b, full = self.b, 4 * self.lanes
        blocks, rest = divmod(self.shape.columns, full)

        def block(number: Value) -> None:
            start = b.mul(number, _number(full))
            self._column_block(count, start, [self.lanes] * 4)

        if blocks:
            emit_loop(b, _number(0), _number(blocks), block)
        if rest:
            widths = [self.lanes] * (rest // self.lanes)
            widths += [rest % self.lanes] * (rest % self.lanes > 0)
            self._column_block(count, _number(blocks * full), widths)

    def _column_block(self, count: Value, start: Value, widths: list[int]) -> None:
        b = self.b
        height = max(1, min(8, (self.registers // 2) // len(widths)))
        whole = b.udiv(count, _number(height))

        def tile(number: Value) -> None:
            self._tile(b.mul(number, _number(height)), height, start, widths)

        emit_loop(b, _number(0), whole, tile)
        done = b.mul(whole, _number(height))
        emit_loop(b, done, count, lambda row: self._tile(row, 1, start, widths))

    def _tile(self, row: Value, height: int, start: Value, widths: list[int]) -> None:
        """Σ over the inner size, with the sums of ``height`` rows in registers."""
        b, single = self.b, self.m
        before = b.block
        head, done = b.append_basic_block("inner"), b.append_basic_block("sums")
        types = [ir.VectorType(single.type, width) for width in widths]
        zeros = [ir.Constant(each, None) for each in types]
        positive = b.icmp_signed("<", _number(0), self.inner)
        b.cbranch(positive, head, done)
        b.position_at_end(head)
        k = b.phi(_I64)
        k.add_incoming(_number(0), before)
        sums = [[b.phi(each) for each in types] for _ in range(height)]
        for line in sums:
            for register, zero in zip(line, zeros, strict=True):
                register.add_incoming(zero, before)
        columns = self._vectors(k, start, types)
        following = b.add(k, _number(1))
        again = b.icmp_signed("<", following, self.inner)
        totals = []
        for offset, line in enumerate(sums):
            value = self._left_element(b.add(row, _number(offset)), k)
            totals.append(
                [
                    b.fadd(
                        register,
                        b.fmul(_spread(b, value, each), column, flags=_FLAGS),
                        flags=_FLAGS,
                    )
                    for register, column, each in zip(line, columns, types, strict=True)
                ]
            )
        end = b.block
        k.add_incoming(following, end)
        for line, new in zip(sums, totals, strict=True):
            for register, total in zip(line, new, strict=True):
                register.add_incoming(total, end)
        b.cbranch(again, head, done)
        b.position_at_end(done)
        for new in totals:
            for position, total in enumerate(new):
                result = b.phi(types[position])
                result.add_incoming(zeros[position], before)
                result.add_incoming(total, end)
                new[position] = result
        for offset, new in enumerate(totals):
            line_start = b.mul(b.add(row, _number(offset)), _number(self.shape.columns))
            for position, result in enumerate(new):
                column = b.add(start, _number(position * self.lanes))
                place = b.gep(self.target, [b.add(line_start, column)], source_etype=self.m.type)
                b.store(result, place, align=self._alignment)

    def _vectors(self, k: Value, start: Value, types: list[ir.VectorType]) -> list[Value]:
        """A row of B, in vectors."""
        b = self.b
        base = b.mul(k, _number(self.gap))
        vectors = []
        for position, each in enumerate(types):
            column = b.add(base, b.add(start, _number(position * self.lanes)))
            place = b.gep(self.right, [column], source_etype=self.m.type)
            vectors.append(b.load(place, align=self._alignment, typ=each))
        return vectors

    def _left_element(self, row: Value, k: Value) -> Value:
        b = self.b
        row_step, inner_step = (_number(each) for each in self.shape.left)
        position = b.add(b.mul(row, row_step), b.mul(k, inner_step))
        return b.load(b.gep(self.left, [position], source_etype=self.m.type), typ=self.m.type)

    @property
    def _alignment(self) -> int:
        return 4 if self.m.single else 8

    # --- one number a row ----------------------------------------------------------------

    def _dot(self, row: Value) -> None:
        """The product with a single column: LLVM turns the sum into vectors by itself."""
        b = self.b
        with b.goto_entry_block():
            total = b.alloca(self.m.type)
        b.store(self.m.number(0.0), total)
        start = b.mul(row, _number(self.shape.left[0]))

        def add(k: Value) -> None:
            left = b.gep(self.left, [b.add(start, k)], source_etype=self.m.type)
            right = b.gep(self.right, [k], source_etype=self.m.type)
            term = b.fmul(
                b.load(left, typ=self.m.type), b.load(right, typ=self.m.type), flags=_FLAGS
            )
            so_far = b.load(total, typ=self.m.type)
            b.store(b.fadd(so_far, term, flags=("reassoc", "nsz", "contract")), total)

        emit_loop(b, _number(0), self.inner, add)
        place = b.gep(self.target, [row], source_etype=self.m.type)
        b.store(b.load(total, typ=self.m.type), place)


def _number(value: int) -> Value:
    return ir.Constant(_I64, value)


def _transposed_lines(b: ir.IRBuilder, lines: list[Value]) -> list[Value]:
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
