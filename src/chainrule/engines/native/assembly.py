"""Assembly: from a plan to one LLVM module.

The module exports ``call``, which runs the program once, and for a training step ``train``,
which runs many steps: gather the rows, run the program, add up the loss. All threads run the
same function, each with its own share of the rows and its own table of pointers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from llvmlite import ir

from chainrule.engines.native.kernels import (
    ROW_OFFSET,
    ROWS_TOTAL,
    KernelEmitter,
    Pointer,
    emit_loop,
    global_shape,
)
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.plan import (
    Block,
    Buffer,
    Kernel,
    LoopOver,
    MatMul,
    Plan,
    ScatterAdd,
    Take,
    View,
)
from chainrule.engines.native.products import ProductEmitter, is_small
from chainrule.engines.native.scalars import storage_type
from chainrule.engines.native.sharing import ROWS
from chainrule.graph.shape import Dimension, Size, count, divide, multiply

__all__ = ["CONTROL_FIELDS", "RUNTIME_FIELDS", "SIZE_FIELDS", "assemble"]

Value = Any

_VOID, _I1, _I8 = ir.VoidType(), ir.IntType(1), ir.IntType(8)
_I32, _I64, _DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_POINTER = ir.PointerType()

RUNTIME_FIELDS = ("gemm", "yield", "barrier", "fault")
"""Pointers that differ from process to process, so cached code gets them on every call."""

SIZE_FIELDS = (ROWS_TOTAL, ROW_OFFSET)
"""The first entries of a thread's array of sizes; the program's symbols follow."""

CONTROL_FIELDS = ("order", "batch_size", "first", "last", "n_rows", "seed", "step", "barrier")
"""What ``train`` is told, as 64-bit integers; ``order`` is an address, or 0."""

_SPINS = 2000
"""How often a waiting thread looks before it lets others have its core."""


def assemble(
    plan: Plan,
    dtype: Literal["float32", "float64"],
    vector: tuple[int, int],
    minibatch: int | None = None,
) -> ir.Module:
    """The module of a plan.

    Parameters
    ----------
    plan : Plan
    dtype : {"float32", "float64"}
    vector : tuple of int
        Bits of a vector register, and how many registers there are.
    minibatch : int, optional
        For a training step, the number of inputs that it gathers.
    """
    return _Assembler(plan, dtype, vector).assemble(minibatch)


class _Assembler:
    def __init__(
        self, plan: Plan, dtype: Literal["float32", "float64"], vector: tuple[int, int]
    ) -> None:
        self.plan = plan
        self.module = ir.Module("chainrule")
        self.m = Mathematics(self.module, dtype)
        self.kernels = KernelEmitter(self.module, self.m, plan.n_threads)
        self.products = ProductEmitter(self.module, self.m, vector)
        self.wait = self._define_wait()
        self.symbols: dict[str, Value] = {}
        self.carried: dict[Buffer, Value] = {}

    def assemble(self, minibatch: int | None) -> ir.Module:
        program = self._define_program()
        if minibatch is None:
            self._define_call(program)
        else:
            self._define_train(program, minibatch)
        return self.module

    # --- the program ---------------------------------------------------------------------

    def _define_program(self) -> ir.Function:
        """program(runtime, tables, thread, sizes, seed, step, barrier) -> is the loss finite."""
        kind = ir.FunctionType(_I1, [_POINTER, _POINTER, _I64, _POINTER, _I64, _I64, _POINTER])
        function = ir.Function(self.module, kind, "program")
        function.linkage = "internal"
        function.attributes.add("noinline")
        function.attributes.add("nounwind")
        self.runtime, self.tables, self.thread, sizes, self.seed, self.step, self.passed = (
            function.args
        )
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.n_slots = len(self.plan.buffers)
        own = self.b.mul(self.thread, self._i64(self.n_slots))
        self.table = self.b.gep(self.tables, [own], source_etype=_POINTER)
        for position, name in enumerate((*SIZE_FIELDS, *self.plan.symbols)):
            place = self.b.gep(sizes, [self._i64(position)], source_etype=_I64)
            self.symbols[name] = self.b.load(place, typ=_I64)
        self.gemm = self._runtime_pointer("gemm")

        phase, checked = 0, self.plan.loss is None
        for instruction in self.plan.block.instructions:
            if instruction.phase > phase:
                phase = instruction.phase
                self._synchronise()
            if not checked and isinstance(instruction, Kernel) and instruction.writes_state:
                checked = True
                self._stop_unless_finite()
            self._emit(instruction, self.plan.block)
        if not checked:
            self._stop_unless_finite()
        self.b.ret(ir.Constant(_I1, 1))
        return function

    def _stop_unless_finite(self) -> None:
        assert self.plan.loss is not None
        loss = self.b.load(self._address(self.plan.loss), typ=self.m.type)
        difference = self.b.fsub(loss, loss)
        finite = self.b.fcmp_ordered("==", difference, self.m.number(0.0))
        with self.b.if_then(self.b.not_(finite)):
            self.b.ret(ir.Constant(_I1, 0))

    def _emit_block(self, block: Block) -> None:
        for instruction in block.instructions:
            self._emit(instruction, block)

    def _emit(self, instruction: Any, block: Block) -> None:
        match instruction:
            case Kernel():
                self._emit_kernel(instruction, block)
            case MatMul():
                self._emit_matmul(instruction)
            case Take():
                self._emit_take(instruction)
            case ScatterAdd():
                self._emit_scatter_add(instruction)
            case LoopOver():
                self._emit_loop_over(instruction)

    def _emit_kernel(self, kernel: Kernel, block: Block) -> None:
        call = self.kernels.emit(kernel, block)
        arguments = [self._size(each) for each in call.sizes]
        if call.draws:
            arguments += [self.seed, self.step]
        arguments += [self._pointer(each) for each in call.pointers]
        total = self._size(call.outer)
        if kernel.split and self.plan.n_threads > 1:
            start, stop = self._share(call.shares)
            times = self._size(divide(call.outer, call.shares) or 1)
            start, stop = self.b.mul(start, times), self.b.mul(stop, times)
            with self.b.if_then(self.b.icmp_signed("<", start, stop)):
                self.b.call(call.function, [start, stop, *arguments])
        else:
            self.b.call(call.function, [self._i64(0), total, *arguments])

    def _share(self, total: Dimension) -> tuple[Value, Value]:
        """This thread's part of a range."""
        number = self._size(total)
        following = self.b.add(self.thread, self._i64(1))
        return self._part(number, self.thread), self._part(number, following)

    def _smaller(self, x: Value, y: Value) -> Value:
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    def _emit_loop_over(self, loop: LoopOver) -> None:
        current = []
        for carry in loop.carries:
            with self.b.goto_entry_block():
                place = self.b.alloca(_POINTER)
            self.b.store(self._address(carry.initial), place)
            current.append(place)
        length = self._size(loop.length)

        def step(index: Value) -> None:
            last = self.b.sub(length, self._i64(1))
            self.symbols[loop.symbol] = self.b.sub(last, index) if loop.reverse else index
            odd = self.b.trunc(index, _I1)
            for carry, place in zip(loop.carries, current, strict=True):
                self.carried[carry.buffer] = self.b.load(place, typ=_POINTER)
                if carry.ring is not None:
                    first, second = (self._slot(each) for each in carry.ring)
                    self.carried[carry.update.buffer] = self.b.select(odd, second, first)
            self._emit_block(loop.block)
            for carry, place in zip(loop.carries, current, strict=True):
                self.b.store(self._address(carry.update), place)

        emit_loop(self.b, self._i64(0), length, step)

    # --- matrix products and look-ups ----------------------------------------------------

    def _emit_matmul(self, product: MatMul) -> None:
        """BLAS counts by columns: C = A·B by rows is Cᵀ = Bᵀ·Aᵀ by columns."""
        if is_small(product):
            self._emit_small_product(product)
            return
        rows, inner, left, right, target = self._operands(product)
        columns = product.right.shape[1]
        left_flag, left_gap = _orientation(product.left)
        right_flag, right_gap = _orientation(product.right)
        kind = ir.FunctionType(_VOID, [_POINTER] * 13)
        arguments = [
            self._literal(_I8, ord(right_flag)),
            self._literal(_I8, ord(left_flag)),
            self._integer(columns),
            self._in_memory(rows),
            self._in_memory(inner),
            self._literal(self.m.type, 1.0),
            right,
            self._integer(right_gap),
            left,
            self._integer(left_gap),
            self._literal(self.m.type, 0.0),
            target,
            self._integer(product.target.strides[0] if product.left.shape[0] != 1 else columns),
        ]
        self.b.call(_Callable(self.gemm, kind), arguments)

    def _operands(self, product: MatMul) -> tuple[Value, Value, Value, Value, Value]:
        """Lines, inner size, and the addresses of left, right and target."""
        rows, inner = product.left.shape
        if not product.split:
            addresses = [
                self._address(each) for each in (product.left, product.right, product.target)
            ]
            return self._size(rows), self._size(inner), *addresses
        start, stop = self._share(rows)
        left = self._slot(product.left.buffer, thread=0)
        right = self._slot(product.right.buffer, thread=0)
        target = self._address(product.target)
        left_start = self.b.mul(start, self._size(product.left.strides[0]))
        target_start = self.b.mul(start, self._size(product.target.strides[0]))
        return (
            self.b.sub(stop, start),
            self._size(global_shape((inner,))[0]),
            self.b.gep(left, [left_start], source_etype=self.m.type),
            right,
            self.b.gep(target, [target_start], source_etype=self.m.type),
        )

    def _emit_small_product(self, product: MatMul) -> None:
        function, turned = self.products.function(product)
        rows, inner, left, right, target = self._operands(product)
        if turned:
            columns = self._size(product.right.shape[1])
            self.b.call(function, [columns, inner, right, left, target])
        else:
            self.b.call(function, [rows, inner, left, right, target])

    def _literal(self, kind: ir.Type, value: float) -> Value:
        """The address of a constant."""
        name = f"literal_{kind}_{value}".replace(".", "_").replace("-", "m")
        found = self.module.globals.get(name)
        if found is None:
            found = ir.GlobalVariable(self.module, kind, name)
            found.linkage, found.global_constant = "internal", True
            found.initializer = ir.Constant(kind, value)
        return found

    def _integer(self, dimension: Dimension) -> Value:
        """The address of a size as a 32-bit integer, as Fortran wants it."""
        if isinstance(dimension, int):
            return self._literal(_I32, dimension)
        return self._in_memory(self._size(dimension))

    def _in_memory(self, number: Value) -> Value:
        with self.b.goto_entry_block():
            place = self.b.alloca(_I32)
        self.b.store(self.b.trunc(number, _I32), place)
        return place

    def _emit_take(self, take: Take) -> None:
        width = multiply(*take.table.shape[1:])
        bytes_of_row = self._bytes(width, take.table.buffer.kind)
        table, target = self._address(take.table), self._address(take.target)
        indices = self._address(take.indices)

        def copy(i: Value) -> None:
            row = self.b.load(self.b.gep(indices, [i], source_etype=_I64), typ=_I64)
            with self._if_row_exists(row, take.table.shape[0]):
                source = self.b.gep(table, [self.b.mul(row, bytes_of_row)], source_etype=_I8)
                place = self.b.gep(target, [self.b.mul(i, bytes_of_row)], source_etype=_I8)
                self._copy_bytes(place, source, bytes_of_row)

        emit_loop(self.b, self._i64(0), self._size(count(take.indices.shape)), copy)

    def _emit_scatter_add(self, scatter: ScatterAdd) -> None:
        target, values = self._address(scatter.target), self._address(scatter.values)
        indices = self._address(scatter.indices)
        width = self._size(multiply(*scatter.target.shape[1:]))

        def clear(i: Value) -> None:
            self.b.store(self.m.number(0.0), self.b.gep(target, [i], source_etype=self.m.type))

        def add_row(i: Value) -> None:
            row = self.b.load(self.b.gep(indices, [i], source_etype=_I64), typ=_I64)
            into, origin = self.b.mul(row, width), self.b.mul(i, width)

            def add_element(j: Value) -> None:
                place = self.b.gep(target, [self.b.add(into, j)], source_etype=self.m.type)
                source = self.b.gep(values, [self.b.add(origin, j)], source_etype=self.m.type)
                total = self.b.fadd(
                    self.b.load(place, typ=self.m.type), self.b.load(source, typ=self.m.type)
                )
                self.b.store(total, place)

            with self._if_row_exists(row, scatter.target.shape[0]):
                emit_loop(self.b, self._i64(0), width, add_element)

        emit_loop(self.b, self._i64(0), self._size(count(scatter.target.shape)), clear)
        emit_loop(self.b, self._i64(0), self._size(count(scatter.indices.shape)), add_row)

    @contextmanager
    def _if_row_exists(self, row: Value, rows: Dimension) -> Iterator[None]:
        """Code that runs only for a row within the table; another is reported as a fault."""
        number = self._size(rows)
        inside = self.b.icmp_unsigned("<", row, number)
        with self.b.if_else(inside) as (exists, missing):
            with missing:
                fault = self._runtime_pointer("fault")
                for position, value in enumerate((self._i64(1), row, number)):
                    place = self.b.gep(fault, [self._i64(position)], source_etype=_I64)
                    self.b.store(value, place)
            with exists:
                yield

    # --- sizes and addresses -------------------------------------------------------------

    def _i64(self, value: int) -> Value:
        return ir.Constant(_I64, value)

    def _size(self, dimension: Dimension) -> Value:
        if not isinstance(dimension, Size):
            return self._i64(dimension)
        result: Value = self._i64(dimension.coefficient)
        for symbol in dimension.symbols:
            result = self.b.mul(result, self.symbols[symbol])
        return result

    def _bytes(self, elements: Dimension, kind: str) -> Value:
        width = {"float": 4 if self.m.single else 8, "int": 8, "bool": 1}[kind]
        return self._size(multiply(elements, width))

    def _runtime_pointer(self, name: str) -> Value:
        position = self._i64(RUNTIME_FIELDS.index(name))
        return self.b.load(
            self.b.gep(self.runtime, [position], source_etype=_POINTER), typ=_POINTER
        )

    def _slot(self, buffer: Buffer, thread: int | None = None) -> Value:
        """The start of a buffer, in this thread's memory or in that of another."""
        if thread is None:
            place = self.b.gep(self.table, [self._i64(buffer.index)], source_etype=_POINTER)
        else:
            position = self._i64(thread * self.n_slots + buffer.index)
            place = self.b.gep(self.tables, [position], source_etype=_POINTER)
        return self.b.load(place, typ=_POINTER)

    def _address(self, view: View, thread: int | None = None) -> Value:
        base = self.carried.get(view.buffer)
        if base is None:
            base = self._slot(view.buffer, thread)
        if view.buffer.place == "rows":
            own = self._size(multiply(Size(1, (ROW_OFFSET,)), *view.buffer.shape[1:]))
            base = self.b.gep(base, [own], source_etype=storage_type(self.m, view.buffer.kind))
        if not view.offset:
            return base
        offset: Value = self._i64(0)
        for term in view.offset:
            offset = self.b.add(offset, self._size(term))
        return self.b.gep(base, [offset], source_etype=storage_type(self.m, view.buffer.kind))

    def _pointer(self, pointer: Pointer) -> Value:
        return self._address(pointer.view, pointer.thread)

    def _copy_bytes(self, target: Value, source: Value, size: Value) -> None:
        kind = ir.FunctionType(_VOID, [_POINTER, _POINTER, _I64, _I1])
        function = self.module.globals.get("llvm.memcpy.p0.p0.i64")
        if function is None:
            function = ir.Function(self.module, kind, "llvm.memcpy.p0.p0.i64")
        self.b.call(function, [target, source, size, ir.Constant(_I1, 0)])

    # --- threads -------------------------------------------------------------------------

    def _define_wait(self) -> ir.Function:
        """wait(counter, target, yield): arrive, then stay until all have arrived."""
        kind = ir.FunctionType(_VOID, [_POINTER, _I64, _POINTER])
        function = ir.Function(self.module, kind, "wait")
        function.linkage = "internal"
        counter, target, let_others = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        look, again = b.append_basic_block("look"), b.append_basic_block("again")
        rest, done = b.append_basic_block("rest"), b.append_basic_block("done")
        entry = b.block
        b.atomic_rmw("add", counter, self._i64(1), "seq_cst")
        b.branch(look)
        b.position_at_end(look)
        spins = b.phi(_I64)
        spins.add_incoming(self._i64(0), entry)
        arrived = b.load_atomic(counter, "acquire", 8, typ=_I64)
        b.cbranch(b.icmp_signed(">=", arrived, target), done, again)
        b.position_at_end(again)
        more = b.add(spins, self._i64(1))
        spins.add_incoming(more, again)
        b.cbranch(b.icmp_signed("<", spins, self._i64(_SPINS)), look, rest)
        b.position_at_end(rest)
        b.call(_Callable(let_others, ir.FunctionType(_I32, [])), [])
        spins.add_incoming(more, rest)
        b.branch(look)
        b.position_at_end(done)
        b.ret_void()
        return function

    def _synchronise(self) -> None:
        if self.plan.n_threads == 1:
            return
        target = self.b.add(self.b.load(self.passed, typ=_I64), self._i64(self.plan.n_threads))
        self.b.store(target, self.passed)
        arguments = [self._runtime_pointer("barrier"), target, self._runtime_pointer("yield")]
        self.b.call(self.wait, arguments)

    # --- entry points --------------------------------------------------------------------

    def _define_call(self, program: ir.Function) -> None:
        """call(runtime, tables, thread, sizes, seed, step)."""
        kind = ir.FunctionType(_VOID, [_POINTER, _POINTER, _I64, _POINTER, _I64, _I64])
        function = ir.Function(self.module, kind, "call")
        b = ir.IRBuilder(function.append_basic_block("entry"))
        passed = b.alloca(_I64)
        b.store(self._i64(0), passed)
        b.call(program, [*function.args, passed])
        b.ret_void()

    def _define_train(self, program: ir.Function, minibatch: int) -> None:
        """train(runtime, tables, thread, sizes, data, gathered, control, loss_sum) -> last step.

        Runs the minibatches ``first`` to ``last``; the result is the number of the step whose
        loss was not finite, or ``last``.
        """
        kind = ir.FunctionType(_I64, [_POINTER, _POINTER, _I64, *[_POINTER] * 5])
        function = ir.Function(self.module, kind, "train")
        self.runtime, self.tables, self.thread, sizes, data, gathered, control, losses = (
            function.args
        )
        b = self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.passed = b.alloca(_I64)
        result = b.alloca(_I64)
        own = b.mul(self.thread, self._i64(self.n_slots))
        self.table = b.gep(self.tables, [own], source_etype=_POINTER)
        told = {
            name: b.load(b.gep(control, [self._i64(k)], source_etype=_I64), typ=_I64)
            for k, name in enumerate(CONTROL_FIELDS)
        }
        b.store(told["barrier"], self.passed)
        b.store(told["last"], result)
        size_places = {
            name: b.gep(sizes, [self._i64(k)], source_etype=_I64)
            for k, name in enumerate((*SIZE_FIELDS, *self.plan.symbols))
        }
        self.symbols = {
            name: b.load(place, typ=_I64)
            for name, place in size_places.items()
            if name in self.plan.symbols and name != ROWS
        }
        order = b.inttoptr(told["order"], _POINTER)
        stopped = b.append_basic_block("stopped")

        def run_step(index: Value) -> None:
            start = b.mul(index, told["batch_size"])
            stop = self._smaller(b.add(start, told["batch_size"]), told["n_rows"])
            total = b.sub(stop, start)
            low, high = (
                self._part(total, self.thread),
                self._part(total, b.add(self.thread, self._i64(1))),
            )
            b.store(total, size_places[ROWS_TOTAL])
            b.store(low, size_places[ROW_OFFSET])
            rows = b.sub(high, low)
            if ROWS in size_places:
                b.store(rows, size_places[ROWS])
            self._gather(minibatch, data, gathered, order, b.add(start, low), low, rows)
            step = b.add(told["step"], b.sub(index, told["first"]))
            arguments = [self.runtime, self.tables, self.thread, sizes, told["seed"], step]
            fine = b.call(program, [*arguments, self.passed])
            with b.if_then(b.not_(fine)):
                b.store(index, result)
                b.branch(stopped)
                b.position_at_end(b.append_basic_block("unreachable"))
            first_thread = b.icmp_signed("==", self.thread, self._i64(0))
            with b.if_then(first_thread):
                assert self.plan.loss is not None
                loss = b.load(self._address(self.plan.loss), typ=self.m.type)
                wide = b.fpext(loss, _DOUBLE) if self.m.single else loss
                so_far = b.load(losses, typ=_DOUBLE)
                b.store(b.fadd(so_far, b.fmul(wide, b.sitofp(total, _DOUBLE))), losses)
            self._synchronise()

        emit_loop(b, told["first"], told["last"], run_step)
        b.branch(stopped)
        b.position_at_end(stopped)
        b.ret(b.load(result, typ=_I64))

    def _part(self, total: Value, thread: Value) -> Value:
        """Where the share of a thread starts among ``total`` rows."""
        return self.b.udiv(self.b.mul(total, thread), self._i64(self.plan.n_threads))

    def _gather(
        self,
        minibatch: int,
        data: Value,
        gathered: Value,
        order: Value,
        start: Value,
        low: Value,
        rows: Value,
    ) -> None:
        """Bring this thread's rows together, or point to them where they lie in order."""
        b = self.b
        shuffled = b.icmp_unsigned("!=", order, ir.Constant(_POINTER, None))
        widths = [
            self._bytes(multiply(*buffer.shape[1:]), buffer.kind)
            for buffer in self.plan.inputs[:minibatch]
        ]
        sources = [
            b.load(b.gep(data, [self._i64(k)], source_etype=_POINTER), typ=_POINTER)
            for k in range(minibatch)
        ]
        with b.if_else(shuffled) as (mixed, in_order):
            with in_order:
                for k, (width, source) in enumerate(zip(widths, sources, strict=True)):
                    place = b.gep(source, [b.mul(start, width)], source_etype=_I8)
                    b.store(place, self._slot_place(self.plan.inputs[k]))
            with mixed:
                targets = [
                    b.gep(
                        b.load(
                            b.gep(gathered, [self._i64(k)], source_etype=_POINTER), typ=_POINTER
                        ),
                        [b.mul(low, width)],
                        source_etype=_I8,
                    )
                    for k, width in enumerate(widths)
                ]
                for k, target in enumerate(targets):
                    b.store(target, self._slot_place(self.plan.inputs[k]))

                def copy_row(i: Value) -> None:
                    place = b.gep(order, [b.add(start, i)], source_etype=_I64)
                    row = b.load(place, typ=_I64)
                    for width, source, target in zip(widths, sources, targets, strict=True):
                        origin = b.gep(source, [b.mul(row, width)], source_etype=_I8)
                        goal = b.gep(target, [b.mul(i, width)], source_etype=_I8)
                        self._copy_bytes(goal, origin, width)

                emit_loop(b, self._i64(0), rows, copy_row)

    def _slot_place(self, buffer: Buffer) -> Value:
        return self.b.gep(self.table, [self._i64(buffer.index)], source_etype=_POINTER)


def _orientation(view: View) -> tuple[str, Dimension]:
    """How BLAS is told of a matrix: straight or transposed, and the gap between its lines."""
    (rows, columns), (row_step, column_step) = view.shape, view.strides
    if column_step == 1 and (row_step != 1 or columns == 1):
        return "N", row_step if rows != 1 else columns
    if row_step == 1:
        return "T", column_step if columns != 1 else rows
    return ("N", row_step) if columns == 1 else ("T", column_step)


class _Callable:
    """A pointer as a function of known type: LLVM's pointers know no type, calls need one."""

    def __init__(self, pointer: Value, kind: ir.FunctionType) -> None:
        self.function_type = kind
        self.type = pointer.type
        self.get_reference = pointer.get_reference
