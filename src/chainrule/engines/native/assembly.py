"""Assembly: from a plan to LLVM modules.

They export ``run``, which calls the program once, or for a training step runs many steps: gather
the rows, run the program, add up the loss.
"""

from __future__ import annotations

from typing import Any, Literal

from llvmlite import ir

from chainrule.engines.native.frame import RESULT, Frame
from chainrule.engines.native.kernels import emit_loop
from chainrule.engines.native.layout import ROW_OFFSET, ROWS_TOTAL
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.modules import Modules
from chainrule.engines.native.plan import Plan
from chainrule.engines.native.program import ProgramWriter
from chainrule.engines.native.sharing import ROWS
from chainrule.graph.shape import multiply

__all__ = ["CONTROL_FIELDS", "assemble"]

Value = Any

_VOID, _I8, _I64 = ir.VoidType(), ir.IntType(8), ir.IntType(64)
_DOUBLE, _POINTER = ir.DoubleType(), ir.PointerType()

CONTROL_FIELDS = ("order", "batch_size", "first", "last", "n_rows", "seed", "step")
"""What ``train`` is told, as 64-bit integers; ``order`` is an address, or 0."""


def assemble(
    plan: Plan,
    dtype: Literal["float32", "float64"],
    vector: tuple[int, int],
    minibatch: int | None = None,
) -> Modules:
    """The modules of a plan.

    Parameters
    ----------
    plan : Plan
    dtype : {"float32", "float64"}
    vector : tuple of int
        Bits of a vector register, and how many registers there are.
    minibatch : int, optional
        For a training step, the number of inputs that it gathers.
    """
    modules = Modules()
    mathematics = Mathematics(modules.loops, dtype)
    program = ProgramWriter(plan, modules, mathematics, vector).write()
    if minibatch is None:
        inner = _write_call(program)
    else:
        inner = _TrainWriter(plan, modules, mathematics, minibatch).write(program)
    _export(inner)
    return modules


def _export(inner: ir.Function) -> None:
    """run(arguments): call a function with 64-bit numbers from memory, and leave its result."""
    inner.linkage = "internal"
    function = ir.Function(inner.module, ir.FunctionType(_VOID, [_POINTER]), "run")
    b = ir.IRBuilder(function.append_basic_block("entry"))

    def place(position: int) -> Value:
        index = ir.Constant(_I64, position)
        return b.gep(function.args[0], [index], source_etype=_I64)

    arguments = [b.load(place(position), typ=each.type) for position, each in enumerate(inner.args)]
    b.store(b.call(inner, arguments), place(RESULT))
    b.ret_void()


def _write_call(program: ir.Function) -> ir.Function:
    """call(runtime, tables, thread, sizes, seed, step)."""
    kind = ir.FunctionType(_I64, [_POINTER, _POINTER, _I64, _POINTER, _I64, _I64])
    function = ir.Function(program.module, kind, "call")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    passed = b.alloca(_I64)
    b.store(ir.Constant(_I64, 0), passed)
    b.call(program, [*function.args, passed])
    b.ret(ir.Constant(_I64, 0))
    return function


class _TrainWriter:
    """Writes train(runtime, tables, thread, sizes, data, gathered, control, losses).

    It runs the minibatches ``first`` up to ``last``; its result is the number of the step whose
    loss was not finite, or ``last``. Only the first thread adds to the sum of the losses.
    """

    def __init__(self, plan: Plan, modules: Modules, m: Mathematics, minibatch: int) -> None:
        self.plan = plan
        self.m = m
        kind = ir.FunctionType(_I64, [_POINTER, _POINTER, _I64, *[_POINTER] * 5])
        function = ir.Function(modules.control, kind, "train")
        self.frame = Frame(plan, m, function)
        self.b = self.frame.b
        self.sizes, data, gathered, control, self.losses = function.args[3:]
        self.told = {
            name: self.frame.entry(control, position, _I64)
            for position, name in enumerate(CONTROL_FIELDS)
        }
        self.minibatch = plan.inputs[:minibatch]
        self.frame.load_sizes()
        self.widths = [
            self.frame.bytes_of(multiply(*buffer.shape[1:]), buffer.kind)
            for buffer in self.minibatch
        ]
        self.sources = [self.frame.entry(data, k, _POINTER) for k in range(minibatch)]
        self.targets = [self.frame.entry(gathered, k, _POINTER) for k in range(minibatch)]

    def write(self, program: ir.Function) -> ir.Function:
        """Write the loop over the steps, each of which calls ``program``."""
        b, frame, told = self.b, self.frame, self.told
        result = b.alloca(_I64)
        b.store(frame.number(0), frame.passed)
        b.store(told["last"], result)
        stopped = b.append_basic_block("stopped")

        def run_step(index: Value) -> None:
            start = b.mul(index, told["batch_size"])
            stop = frame.smaller(b.add(start, told["batch_size"]), told["n_rows"])
            total = b.sub(stop, start)
            low, high = frame.share(total)
            rows = b.sub(high, low)
            places = frame.size_places
            for name, value in ((ROWS_TOTAL, total), (ROW_OFFSET, low), (ROWS, rows)):
                if name in places:
                    b.store(value, places[name])
            self._gather(b.add(start, low), low, rows)
            step = b.add(told["step"], b.sub(index, told["first"]))
            surroundings = [frame.runtime, frame.tables, frame.thread, self.sizes]
            fine = b.call(program, [*surroundings, told["seed"], step, frame.passed])
            with b.if_then(b.not_(fine)):
                b.store(index, result)
                b.branch(stopped)
                b.position_at_end(b.append_basic_block("unreachable"))
            with b.if_then(b.icmp_signed("==", frame.thread, frame.number(0))):
                self._add_loss(total)
            frame.synchronise()

        emit_loop(b, told["first"], told["last"], run_step)
        b.branch(stopped)
        b.position_at_end(stopped)
        b.ret(b.load(result, typ=_I64))
        return frame.function

    def _add_loss(self, rows: Value) -> None:
        b = self.b
        assert self.plan.loss is not None
        loss = b.load(self.frame.address(self.plan.loss), typ=self.m.type)
        wide = b.fpext(loss, _DOUBLE) if self.m.single else loss
        so_far = b.load(self.losses, typ=_DOUBLE)
        b.store(b.fadd(so_far, b.fmul(wide, b.sitofp(rows, _DOUBLE))), self.losses)

    def _gather(self, start: Value, low: Value, rows: Value) -> None:
        """Bring this thread's rows together, or point to them where they lie in order."""
        b, frame = self.b, self.frame
        order = b.inttoptr(self.told["order"], _POINTER)
        shuffled = b.icmp_unsigned("!=", order, ir.Constant(_POINTER, None))
        with b.if_else(shuffled) as (mixed, in_order):
            with in_order:
                for buffer, width, source in zip(
                    self.minibatch, self.widths, self.sources, strict=True
                ):
                    first = b.gep(source, [b.mul(start, width)], source_etype=_I8)
                    b.store(first, frame.slot_place(buffer))
            with mixed:
                targets = [
                    b.gep(target, [b.mul(low, width)], source_etype=_I8)
                    for target, width in zip(self.targets, self.widths, strict=True)
                ]
                for buffer, target in zip(self.minibatch, targets, strict=True):
                    b.store(target, frame.slot_place(buffer))

                def copy_row(i: Value) -> None:
                    place = b.gep(order, [b.add(start, i)], source_etype=_I64)
                    row = b.load(place, typ=_I64)
                    for width, source, target in zip(
                        self.widths, self.sources, targets, strict=True
                    ):
                        origin = b.gep(source, [b.mul(row, width)], source_etype=_I8)
                        goal = b.gep(target, [b.mul(i, width)], source_etype=_I8)
                        frame.copy_bytes(goal, origin, width)

                emit_loop(b, frame.number(0), rows, copy_row)
