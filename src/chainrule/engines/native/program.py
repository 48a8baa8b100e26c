"""The program: from the instructions of a plan to one function.

All threads run it, each on its share of the rows and with its own table of pointers; between
two phases they wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from chainrule.engines.native.frame import Frame
from chainrule.engines.native.kernels import KernelEmitter, emit_loop
from chainrule.engines.native.layout import global_shape
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.modules import Modules, call_address, call_function
from chainrule.engines.native.plan import (
    Block,
    Kernel,
    LoopOver,
    MatMul,
    Plan,
    ScatterAdd,
    Take,
    View,
)
from chainrule.engines.native.products import Operands, ProductEmitter, is_written_out
from chainrule.graph.shape import Dimension, count, divide, multiply

__all__ = ["ProgramWriter"]

Value = Any

_VOID, _I1, _I8 = ir.VoidType(), ir.IntType(1), ir.IntType(8)
_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()


class ProgramWriter:
    """Writes ``program(runtime, tables, thread, sizes, seed, step, passed)``.

    Its result is whether the loss is finite; where it is not, no state has been written.
    """

    def __init__(self, plan: Plan, modules: Modules, m: Mathematics, vector: tuple[int, int]):
        self.plan = plan
        self.m = m
        self.module = modules.control
        self.kernels = KernelEmitter(m, plan.n_threads)
        kind = ir.FunctionType(_I1, [_POINTER, _POINTER, _I64, _POINTER, _I64, _I64, _POINTER])
        self.function = ir.Function(self.module, kind, "program")
        self.function.linkage = "internal"
        for attribute in ("noinline", "nounwind"):
            self.function.attributes.add(attribute)
        self.seed, self.step, passed = self.function.args[4:]
        self.frame = Frame(plan, m, self.function, passed)
        self.frame.load_sizes()
        self.b = self.frame.b
        self.products = ProductEmitter(self.frame, modules, vector)

    def write(self) -> ir.Function:
        """Write all instructions, phase by phase."""
        phase, checked = 0, self.plan.loss is None
        for instruction in self.plan.block.instructions:
            if instruction.phase > phase:
                phase = instruction.phase
                self.frame.synchronise()
            if not checked and isinstance(instruction, Kernel) and instruction.writes_state:
                checked = True
                self._stop_unless_finite()
            self._emit(instruction, self.plan.block)
        if not checked:
            self._stop_unless_finite()
        self.b.ret(ir.Constant(_I1, 1))
        self.products.finish()
        return self.function

    def _stop_unless_finite(self) -> None:
        assert self.plan.loss is not None
        loss = self.b.load(self.frame.address(self.plan.loss), typ=self.m.type)
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
        arguments = [self.frame.size(each) for each in call.sizes]
        if call.draws:
            arguments += [self.seed, self.step]
        arguments += [self.frame.pointer(each) for each in call.pointers]
        total = self.frame.size(call.outer)
        if kernel.split and self.plan.n_threads > 1:
            start, stop = self.frame.share(self.frame.size(call.shares))
            times = self.frame.size(divide(call.outer, call.shares) or 1)
            start, stop = self.b.mul(start, times), self.b.mul(stop, times)
            with self.b.if_then(self.b.icmp_signed("<", start, stop)):
                call_function(self.b, call.function, [start, stop, *arguments])
        else:
            call_function(self.b, call.function, [self.frame.number(0), total, *arguments])

    def _emit_loop_over(self, loop: LoopOver) -> None:
        current = []
        for carry in loop.carries:
            with self.b.goto_entry_block():
                place = self.b.alloca(_POINTER)
            self.b.store(self.frame.address(carry.initial), place)
            current.append(place)
        length = self.frame.size(loop.length)

        def step(index: Value) -> None:
            last = self.b.sub(length, self.frame.number(1))
            self.frame.symbols[loop.symbol] = self.b.sub(last, index) if loop.reverse else index
            odd = self.b.trunc(index, _I1)
            for carry, place in zip(loop.carries, current, strict=True):
                self.frame.carried[carry.buffer] = self.b.load(place, typ=_POINTER)
                if carry.ring is not None:
                    first, second = (self.frame.slot(each) for each in carry.ring)
                    self.frame.carried[carry.update.buffer] = self.b.select(odd, second, first)
            self._emit_block(loop.block)
            for carry, place in zip(loop.carries, current, strict=True):
                self.b.store(self.frame.address(carry.update), place)

        emit_loop(self.b, self.frame.number(0), length, step)

    # --- matrix products and look-ups ----------------------------------------------------

    def _emit_matmul(self, product: MatMul) -> None:
        """Write a product out, or call BLAS where its width is known only at run time.

        BLAS counts by columns: C = A·B by rows is Cᵀ = Bᵀ·Aᵀ by columns.
        """
        operands = self._operands(product)
        if is_written_out(product):
            self.products.emit(product, operands)
            return
        columns = product.right.shape[1]
        left_flag, left_gap = _orientation(product.left)
        right_flag, right_gap = _orientation(product.right)
        kind = ir.FunctionType(_VOID, [_POINTER] * 13)
        arguments = [
            self._literal(_I8, ord(right_flag)),
            self._literal(_I8, ord(left_flag)),
            self._integer(columns),
            self._in_memory(operands.rows),
            self._in_memory(operands.inner),
            self._literal(self.m.type, 1.0),
            operands.right,
            self._integer(right_gap),
            operands.left,
            self._integer(left_gap),
            self._literal(self.m.type, 0.0),
            operands.target,
            self._integer(product.target.strides[0] if product.left.shape[0] != 1 else columns),
        ]
        call_address(self.b, self.frame.runtime_pointer("gemm"), kind, arguments)

    def _operands(self, product: MatMul) -> Operands:
        """What a thread multiplies; of a product that is split, its share of the lines."""
        rows, inner = product.left.shape
        if not product.split:
            addresses = [
                self.frame.address(each) for each in (product.left, product.right, product.target)
            ]
            return Operands(self.frame.size(rows), self.frame.size(inner), *addresses)
        start, stop = self.frame.share(self.frame.size(rows))
        left = self.frame.slot(product.left.buffer, thread=0)
        right = self.frame.slot(product.right.buffer, thread=0)
        target = self.frame.address(product.target)
        left_start = self.b.mul(start, self.frame.size(product.left.strides[0]))
        target_start = self.b.mul(start, self.frame.size(product.target.strides[0]))
        return Operands(
            self.b.sub(stop, start),
            self.frame.size(global_shape((inner,))[0]),
            self.b.gep(left, [left_start], source_etype=self.m.type),
            right,
            self.b.gep(target, [target_start], source_etype=self.m.type),
        )

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
        return self._in_memory(self.frame.size(dimension))

    def _in_memory(self, number: Value) -> Value:
        with self.b.goto_entry_block():
            place = self.b.alloca(_I32)
        self.b.store(self.b.trunc(number, _I32), place)
        return place

    def _emit_take(self, take: Take) -> None:
        width = multiply(*take.table.shape[1:])
        bytes_of_row = self.frame.bytes_of(width, take.table.buffer.kind)
        table, target = self.frame.address(take.table), self.frame.address(take.target)
        indices = self.frame.address(take.indices)

        def copy(i: Value) -> None:
            row = self.b.load(self.b.gep(indices, [i], source_etype=_I64), typ=_I64)
            with self._if_row_exists(row, take.table.shape[0]):
                source = self.b.gep(table, [self.b.mul(row, bytes_of_row)], source_etype=_I8)
                place = self.b.gep(target, [self.b.mul(i, bytes_of_row)], source_etype=_I8)
                self.frame.copy_bytes(place, source, bytes_of_row)

        emit_loop(self.b, self.frame.number(0), self.frame.size(count(take.indices.shape)), copy)

    def _emit_scatter_add(self, scatter: ScatterAdd) -> None:
        target, values = self.frame.address(scatter.target), self.frame.address(scatter.values)
        indices = self.frame.address(scatter.indices)
        width = self.frame.size(multiply(*scatter.target.shape[1:]))

        def clear(i: Value) -> None:
            self.b.store(self.m.number(0.0), self.b.gep(target, [i], source_etype=self.m.type))

        def add_row(i: Value) -> None:
            row = self.b.load(self.b.gep(indices, [i], source_etype=_I64), typ=_I64)
            into = self.b.gep(target, [self.b.mul(row, width)], source_etype=self.m.type)
            origin = self.b.gep(values, [self.b.mul(i, width)], source_etype=self.m.type)
            with self._if_row_exists(row, scatter.target.shape[0]):
                call_function(self.b, self._line_adder(), [width, into, origin])

        emit_loop(self.b, self.frame.number(0), self.frame.size(count(scatter.target.shape)), clear)
        emit_loop(
            self.b, self.frame.number(0), self.frame.size(count(scatter.indices.shape)), add_row
        )

    def _line_adder(self) -> ir.Function:
        """add_line(width, target, line): add one line to another."""
        module = self.m.module
        if "add_line" in module.globals:
            return module.globals["add_line"]
        kind = ir.FunctionType(_VOID, [_I64, _POINTER, _POINTER])
        function = ir.Function(module, kind, "add_line")
        width, target, line = function.args
        for pointer in (target, line):
            pointer.add_attribute("noalias")
        b = ir.IRBuilder(function.append_basic_block("entry"))

        def add_element(j: Value) -> None:
            place = b.gep(target, [j], source_etype=self.m.type)
            term = b.load(b.gep(line, [j], source_etype=self.m.type), typ=self.m.type)
            b.store(b.fadd(b.load(place, typ=self.m.type), term), place)

        emit_loop(b, self.frame.number(0), width, add_element)
        b.ret_void()
        return function

    @contextmanager
    def _if_row_exists(self, row: Value, rows: Dimension) -> Iterator[None]:
        """Code that runs only for a row within the table; another is reported as a fault."""
        number = self.frame.size(rows)
        inside = self.b.icmp_unsigned("<", row, number)
        with self.b.if_else(inside) as (exists, missing):
            with missing:
                fault = self.frame.runtime_pointer("fault")
                for position, value in enumerate((self.frame.number(1), row, number)):
                    place = self.b.gep(fault, [self.frame.number(position)], source_etype=_I64)
                    self.b.store(value, place)
            with exists:
                yield


def _orientation(view: View) -> tuple[str, Dimension]:
    """How BLAS is told of a matrix: straight or transposed, and the gap between its lines."""
    (rows, columns), (row_step, column_step) = view.shape, view.strides
    if column_step == 1 and (row_step != 1 or columns == 1):
        return "N", row_step if rows != 1 else columns
    if row_step == 1:
        return "T", column_step if columns != 1 else rows
    return ("N", row_step) if columns == 1 else ("T", column_step)
