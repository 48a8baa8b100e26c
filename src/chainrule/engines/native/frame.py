"""Frames: where code of a plan finds sizes, buffers and the other threads.

A frame belongs to one function that is being written. It turns sizes and views of the plan into
LLVM values: numbers read from the array of sizes, addresses read from the table of pointers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from chainrule.engines.native.allocation import row_length
from chainrule.engines.native.layout import ROW_OFFSET, ROWS_TOTAL, Pointer
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.modules import call_address
from chainrule.engines.native.plan import Buffer, Plan, View
from chainrule.engines.native.scalars import storage_type
from chainrule.graph.shape import Dimension, Size, multiply

__all__ = ["RESULT", "RUNTIME_FIELDS", "SIZE_FIELDS", "Frame"]

Value = Any

_VOID, _I1 = ir.VoidType(), ir.IntType(1)
_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()

RUNTIME_FIELDS = ("gemm", "yield", "barrier", "fault")
"""Pointers that differ from process to process, so cached code gets them on every call."""

SIZE_FIELDS = (ROWS_TOTAL, ROW_OFFSET)
"""The first entries of a thread's array of sizes; the program's symbols follow."""

RESULT = 8
"""Where an exported function leaves its result, after its arguments, all of 64 bits."""

_SPINS = 4000
"""How often a waiting thread looks before it lets others have its core."""


class Frame:
    """The surroundings of one function.

    Parameters
    ----------
    plan : Plan
    mathematics : Mathematics
    function : llvmlite.ir.Function
        Its first arguments are ``runtime``, ``tables``, ``thread`` and ``sizes``.
    passed : llvmlite value, optional
        The address of the number of arrivals at barriers so far; by default a new one.
    """

    def __init__(
        self, plan: Plan, mathematics: Mathematics, function: ir.Function, passed: Value = None
    ) -> None:
        self.plan = plan
        self.m = mathematics
        self.function, self.module = function, function.module
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.runtime, self.tables, self.thread, sizes = function.args[:4]
        self.passed = self.b.alloca(_I64) if passed is None else passed
        self.n_slots = row_length(len(plan.buffers))
        own = self.b.mul(self.thread, self.number(self.n_slots))
        self.table = self.b.gep(self.tables, [own], source_etype=_POINTER)
        self.size_places = {
            name: self.b.gep(sizes, [self.number(position)], source_etype=_I64)
            for position, name in enumerate((*SIZE_FIELDS, *plan.symbols))
        }
        self.symbols: dict[str, Value] = {}
        self.carried: dict[Buffer, Value] = {}

    # --- numbers -------------------------------------------------------------------------

    def number(self, value: int) -> Value:
        """A constant."""
        return ir.Constant(_I64, value)

    def load_sizes(self) -> None:
        """Read all symbols from the array of sizes."""
        for name, place in self.size_places.items():
            self.symbols[name] = self.b.load(place, typ=_I64)

    def size(self, dimension: Dimension) -> Value:
        """A size of the plan."""
        if not isinstance(dimension, Size):
            return self.number(dimension)
        result: Value = self.number(dimension.coefficient)
        for symbol in dimension.symbols:
            result = self.b.mul(result, self.symbols[symbol])
        return result

    def bytes_of(self, elements: Dimension, kind: str) -> Value:
        """The bytes that so many elements take."""
        width = {"float": 4 if self.m.single else 8, "int": 8, "bool": 1}[kind]
        return self.size(multiply(elements, width))

    def smaller(self, x: Value, y: Value) -> Value:
        """The smaller of two numbers."""
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    def share(self, total: Value) -> tuple[Value, Value]:
        """This thread's part of ``range(total)``: where it starts, and where it stops."""

        def start(thread: Value) -> Value:
            return self.b.udiv(self.b.mul(total, thread), self.number(self.plan.n_threads))

        return start(self.thread), start(self.b.add(self.thread, self.number(1)))

    # --- addresses -----------------------------------------------------------------------

    def runtime_pointer(self, name: str) -> Value:
        """One of ``RUNTIME_FIELDS``."""
        return self.entry(self.runtime, RUNTIME_FIELDS.index(name), _POINTER)

    def entry(self, array: Value, position: int, kind: ir.Type) -> Value:
        """An element of an array of numbers or pointers."""
        place = self.b.gep(array, [self.number(position)], source_etype=kind)
        return self.b.load(place, typ=kind)

    def slot_place(self, buffer: Buffer) -> Value:
        """Where this thread's table has the address of a buffer."""
        return self.b.gep(self.table, [self.number(buffer.index)], source_etype=_POINTER)

    def slot(self, buffer: Buffer, thread: int | None = None) -> Value:
        """The start of a buffer, in this thread's memory or in that of another."""
        if thread is None:
            return self.b.load(self.slot_place(buffer), typ=_POINTER)
        return self.entry(self.tables, thread * self.n_slots + buffer.index, _POINTER)

    def address(self, view: View, thread: int | None = None) -> Value:
        """The first element of a view."""
        element = storage_type(self.m, view.buffer.kind)
        base = self.carried.get(view.buffer)
        if base is None:
            base = self.slot(view.buffer, thread)
        terms = list(view.offset)
        if view.buffer.place == "rows":
            terms.append(multiply(Size(1, (ROW_OFFSET,)), *view.buffer.shape[1:]))
        if not terms:
            return base
        offset: Value = self.number(0)
        for term in terms:
            offset = self.b.add(offset, self.size(term))
        return self.b.gep(base, [offset], source_etype=element)

    def pointer(self, pointer: Pointer) -> Value:
        """An argument of a kernel."""
        return self.address(pointer.view, pointer.thread)

    def copy_bytes(self, target: Value, source: Value, size: Value) -> None:
        """Copy memory that does not overlap."""
        name = "llvm.memcpy.p0.p0.i64"
        function = self.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(_VOID, [_POINTER, _POINTER, _I64, _I1])
            function = ir.Function(self.module, kind, name)
        self.b.call(function, [target, source, size, ir.Constant(_I1, 0)])

    # --- threads -------------------------------------------------------------------------

    def synchronise(self) -> None:
        """Wait until all threads have come here."""
        if self.plan.n_threads == 1:
            return
        arrivals = self.b.load(self.passed, typ=_I64)
        target = self.b.add(arrivals, self.number(self.plan.n_threads))
        self.b.store(target, self.passed)
        arguments = [self.runtime_pointer("barrier"), target, self.runtime_pointer("yield")]
        self.b.call(self.module.globals.get("wait") or _define_wait(self.module), arguments)


def _define_wait(module: ir.Module) -> ir.Function:
    """wait(counter, target, yield): arrive, then stay until all have arrived."""
    kind = ir.FunctionType(_VOID, [_POINTER, _I64, _POINTER])
    function = ir.Function(module, kind, "wait")
    function.linkage = "internal"
    counter, target, let_others = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    look, again = b.append_basic_block("look"), b.append_basic_block("again")
    rest, done = b.append_basic_block("rest"), b.append_basic_block("done")
    entry = b.block
    b.atomic_rmw("add", counter, ir.Constant(_I64, 1), "seq_cst")
    b.branch(look)
    b.position_at_end(look)
    spins = b.phi(_I64)
    spins.add_incoming(ir.Constant(_I64, 0), entry)
    arrived = b.load_atomic(counter, "acquire", 8, typ=_I64)
    b.cbranch(b.icmp_signed(">=", arrived, target), done, again)
    b.position_at_end(again)
    more = b.add(spins, ir.Constant(_I64, 1))
    spins.add_incoming(more, again)
    b.cbranch(b.icmp_signed("<", spins, ir.Constant(_I64, _SPINS)), look, rest)
    b.position_at_end(rest)
    call_address(b, let_others, ir.FunctionType(_I32, []), [])
    spins.add_incoming(more, rest)
    b.branch(look)
    b.position_at_end(done)
    b.ret_void()
    return function
