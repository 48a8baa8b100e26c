"""Kernels: one loop nest that computes fused element-wise values and reductions.

Each kernel is a function of its own whose pointers are declared not to overlap: with that
promise LLVM turns the innermost loop into vector instructions, and without it, it does not.
Kernels that are alike but for their pointers and run-time sizes are one function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.native.layout import Access, KernelLayout, Pointer, draw_offset, global_shape
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.plan import Block, Kernel, Store
from chainrule.engines.native.scalars import (
    SCALARS,
    constant_value,
    emit_stream_key,
    emit_uniform,
    storage_type,
)
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Shape, Size, count, divide

__all__ = ["KernelCall", "KernelEmitter", "emit_loop"]

Value = Any
Strides = tuple[Dimension, ...]

_I64 = ir.IntType(64)
_POINTER = ir.PointerType()
# The order of a sum may be changed, so that it vectorises; NaN and infinity stay.
_SUM_FLAGS = ("reassoc", "nsz", "contract")


@dataclass(frozen=True)
class KernelCall:
    """How to call a kernel: its function, and what to pass."""

    function: ir.Function
    outer: Dimension
    shares: Dimension
    """What the threads divide among them; the outermost loop has a multiple of it."""
    sizes: tuple[Dimension, ...]
    pointers: tuple[Pointer, ...]
    draws: bool


class KernelEmitter:
    """Emits the kernels of one program."""

    def __init__(self, mathematics: Mathematics, n_threads: int) -> None:
        self.mathematics = mathematics
        self.n_threads = n_threads
        self._functions: dict[str, ir.Function] = {}

    def emit(self, kernel: Kernel, block: Block) -> KernelCall:
        """The call of a kernel; the function is written unless an equal one exists."""
        layout = KernelLayout(kernel, block, self.n_threads)
        function = self._functions.get(layout.signature)
        if function is None:
            name = f"kernel_{len(self._functions)}"
            function = _Writer(self.mathematics, layout).write(name)
            self._functions[layout.signature] = function
        return KernelCall(
            function,
            layout.space[0] if layout.space else 1,
            _shares(kernel.space, layout.space),
            tuple(layout.sizes),
            tuple(layout.pointers),
            layout.draws,
        )


class _Writer:
    """Writes the function of one kernel."""

    def __init__(self, mathematics: Mathematics, layout: KernelLayout) -> None:
        self.m = mathematics
        self.layout = layout
        self.values: dict[Node, Value] = {}
        self.levels: dict[Node, int] = {}
        self.sums: dict[int, Value] = {}

    def write(self, name: str) -> ir.Function:
        layout = self.layout
        types = [_I64] * (2 + len(layout.sizes) + 2 * layout.draws)
        kind = ir.FunctionType(ir.VoidType(), types + [_POINTER] * len(layout.pointers))
        function = ir.Function(self.m.module, kind, name)
        for attribute in ("noinline", "nounwind"):
            function.attributes.add(attribute)
        arguments = list(function.args)
        self.start, self.stop = arguments[:2]
        self.size_arguments = arguments[2 : 2 + len(layout.sizes)]
        self.pointers = arguments[len(types) :]
        buffers = [pointer.view.buffer for pointer in layout.pointers]
        for argument, pointer in zip(self.pointers, layout.pointers, strict=True):
            # The same buffer through two pointers does overlap; only loads can be alike.
            if buffers.count(pointer.view.buffer) == 1 or pointer.thread is not None:
                argument.add_attribute("noalias")
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        if layout.draws:
            seed, step = arguments[2 + len(layout.sizes) : len(types)]
            self.keys = {
                node: emit_stream_key(self.b, seed, step, node.attributes["stream"])
                for node in layout.draw_strides
            }
        self._find_levels()
        self._start_memory_sums()
        self._nest(0, [])
        self.b.ret_void()
        return function

    # --- loops ---------------------------------------------------------------------------

    def _nest(self, depth: int, index: list[Value]) -> None:
        layout = self.layout
        self._compute(depth, index)
        started = [
            position
            for position, (store, target) in enumerate(
                zip(layout.stores, layout.targets, strict=True)
            )
            if store.mode != "set" and layout.level(target.strides) == depth
        ]
        for position in started:
            if depth < len(layout.space):
                self._start_register(position)
        for position, (store, target) in enumerate(zip(layout.stores, layout.targets, strict=True)):
            if store.mode == "set" and depth == len(layout.space):
                self._store(target, index, self.values[store.value])
            elif store.mode != "set" and depth == len(layout.space):
                self._accumulate(position, store, target, index)
        if depth < len(layout.space):
            size = layout.space[depth]
            if depth == 0:
                bounds = self.start, self.stop
            else:
                bounds = ir.Constant(_I64, 0), self._size(size)
            emit_loop(self.b, *bounds, lambda i: self._nest(depth + 1, [*index, i]))
            for position in started:
                self._flush(position, layout.stores[position], layout.targets[position], index)

    def _compute(self, depth: int, index: list[Value]) -> None:
        """Values that depend on the loops entered so far, and on no loop inside."""
        layout = self.layout
        for node, access in layout.loads.items():
            if self.levels[node] == depth:
                self.values[node] = self._load(access, index)
        for node in layout.order:
            if self.levels[node] == depth:
                self.values[node] = self._value(node, index)

    def _find_levels(self) -> None:
        layout = self.layout
        for node, access in layout.loads.items():
            self.levels[node] = layout.level(access.strides)
        for node in layout.order:
            own = layout.level(layout.draw_strides.get(node, ()))
            self.levels[node] = max([own, *(self.levels[each] for each in node.inputs)])

    def _value(self, node: Node, index: list[Value]) -> Value:
        if node.operation == "constant":
            return constant_value(self.m, node)
        if node.operation == "size":
            dimension = global_shape((node.attributes["dimension"],))[0]
            return self.b.sitofp(self._size(dimension), self.m.type)
        if node.operation == "uniform":
            strides = self.layout.draw_strides[node]
            element = self.b.add(self._offset(strides, index), self._size(draw_offset(node)))
            return emit_uniform(self.m, self.b, self.keys[node], element)
        inputs = [self.values[each] for each in node.inputs]
        return SCALARS[node.operation](self.m, self.b, node, *inputs)

    # --- reductions ----------------------------------------------------------------------

    def _in_memory(self, position: int) -> bool:
        """Whether a reduction adds to memory, since a loop outside its result is summed over."""
        strides = self.layout.targets[position].strides
        level = self.layout.level(strides)
        return any(stride == 0 for stride in strides[:level])

    def _start_memory_sums(self) -> None:
        for position, store in enumerate(self.layout.stores):
            if store.mode != "set" and self._in_memory(position):
                target = self.layout.targets[position]
                pointer = self.pointers[target.pointers[0]]
                elements = self._size(count(store.target.shape))
                neutral = self._neutral(store)

                def fill(i: Value, pointer: Value = pointer, neutral: Value = neutral) -> None:
                    place = self.b.gep(pointer, [i], source_etype=self.m.type)
                    self.b.store(neutral, place)

                emit_loop(self.b, ir.Constant(_I64, 0), elements, fill)

    def _neutral(self, store: Store) -> Value:
        return self.m.number(0.0 if store.mode == "sum" else -math.inf)

    def _combine(self, mode: str, x: Value, y: Value) -> Value:
        if mode == "sum":
            return self.b.fadd(x, y, flags=_SUM_FLAGS)
        return self.m.intrinsic(self.b, "llvm.maximum", x, y)

    def _start_register(self, position: int) -> None:
        with self.b.goto_entry_block():
            self.sums[position] = self.b.alloca(self.m.type)
        self.b.store(self._neutral(self.layout.stores[position]), self.sums[position])

    def _accumulate(self, position: int, store: Store, target: Access, index: list[Value]) -> None:
        value = self.values[store.value]
        if position in self.sums:
            register = self.sums[position]
            total = self.b.load(register, typ=self.m.type)
            self.b.store(self._combine(store.mode, total, value), register)
        elif self._in_memory(position):
            place = self._place(target, 0, index)
            total = self.b.load(place, typ=self.m.type)
            self.b.store(self._combine(store.mode, total, value), place)
        else:
            self._store(target, index, value)

    def _flush(self, position: int, store: Store, target: Access, index: list[Value]) -> None:
        total = self.b.load(self.sums[position], typ=self.m.type)
        place = self._place(target, 0, index)
        if self._in_memory(position):
            total = self._combine(store.mode, self.b.load(place, typ=self.m.type), total)
        self.b.store(total, place)

    # --- memory --------------------------------------------------------------------------

    def _size(self, dimension: Dimension) -> Value:
        if isinstance(dimension, Size):
            return self.size_arguments[self.layout.sizes.index(dimension)]
        return ir.Constant(_I64, dimension)

    def _offset(self, strides: Strides, index: Sequence[Value]) -> Value:
        total: Value = ir.Constant(_I64, 0)
        for position, (stride, i) in enumerate(zip(strides, index, strict=False)):
            if stride == 0:
                continue
            step = i if stride == 1 else self.b.mul(i, self._size(stride), flags=("nsw",))
            total = step if position == 0 else self.b.add(total, step, flags=("nsw",))
        return total

    def _place(self, access: Access, pointer: int, index: Sequence[Value]) -> Value:
        element = storage_type(self.m, access.kind)
        base = self.pointers[access.pointers[pointer]]
        offset = self._offset(access.strides, index)
        return self.b.gep(base, [offset], inbounds=True, source_etype=element)

    def _load(self, access: Access, index: Sequence[Value]) -> Value:
        element = storage_type(self.m, access.kind)
        total: Value = None
        for position in range(len(access.pointers)):
            part = self.b.load(self._place(access, position, index), typ=element)
            if access.kind == "bool":
                part = self.b.icmp_unsigned("!=", part, ir.Constant(element, 0))
            total = part if total is None else self._combine(access.combine or "sum", total, part)
        return total

    def _store(self, access: Access, index: Sequence[Value], value: Value) -> None:
        if access.kind == "bool":
            value = self.b.zext(value, storage_type(self.m, "bool"))
        self.b.store(value, self._place(access, 0, index))


def emit_loop(b: ir.IRBuilder, start: Value, stop: Value, body: Callable[[Value], None]) -> None:
    """``for i in range(start, stop)``."""
    before = b.block
    head, done = b.append_basic_block("loop"), b.append_basic_block("done")
    b.cbranch(b.icmp_signed("<", start, stop), head, done)
    b.position_at_end(head)
    i = b.phi(_I64)
    i.add_incoming(start, before)
    body(i)
    following = b.add(i, ir.Constant(_I64, 1), flags=("nsw",))
    i.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, stop), head, done)
    b.position_at_end(done)


def _shares(space: Shape, loops: Shape) -> Dimension:
    """The first axis, where the outermost loop runs along it, or else that loop."""
    if not loops:
        return 1
    return space[0] if divide(loops[0], space[0]) is not None and space[0] != 1 else loops[0]
