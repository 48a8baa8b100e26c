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

from chainrule.engines.native.effects import loads_of
from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.native.plan import Block, Kernel, Store, View, contiguous
from chainrule.engines.native.scalars import (
    SCALARS,
    constant_value,
    emit_stream_key,
    emit_uniform,
    storage_type,
)
from chainrule.engines.native.sharing import ROWS
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Shape, Size, count, divide, multiply
from chainrule.graph.traversal import topological_order

__all__ = ["ROWS_TOTAL", "ROW_OFFSET", "KernelCall", "KernelEmitter", "global_shape"]

Value = Any
Strides = tuple[Dimension, ...]

ROWS_TOTAL = "rows total"
ROW_OFFSET = "row offset"
"""Symbols for all rows of the minibatch, and for the first row of a thread's share."""

_I1, _I64 = ir.IntType(1), ir.IntType(64)
_POINTER = ir.PointerType()
# The order of a sum may be changed, so that it vectorises; NaN and infinity stay.
_SUM_FLAGS = ("reassoc", "nsz", "contract")


@dataclass(frozen=True)
class Pointer:
    """An argument of a kernel: a view, in this thread's memory or that of a given thread."""

    view: View
    thread: int | None = None


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


@dataclass(frozen=True)
class _Access:
    """A value in memory as seen from the loops: where its elements are."""

    pointers: tuple[int, ...]
    """Indices of arguments; several where the threads' parts are added up on reading."""
    combine: str | None
    strides: Strides
    kind: str


class KernelEmitter:
    """Emits the kernels of one module."""

    def __init__(self, module: ir.Module, mathematics: Mathematics, n_threads: int) -> None:
        self.module = module
        self.mathematics = mathematics
        self.n_threads = n_threads
        self._functions: dict[str, ir.Function] = {}

    def emit(self, kernel: Kernel, block: Block) -> KernelCall:
        """The call of a kernel; the function is written unless an equal one exists."""
        layout = _Layout(kernel, block, self.n_threads)
        function = self._functions.get(layout.signature)
        if function is None:
            name = f"kernel_{len(self._functions)}"
            function = _Writer(self.module, self.mathematics, layout).write(name)
            self._functions[layout.signature] = function
        return KernelCall(
            function,
            layout.space[0] if layout.space else 1,
            _shares(kernel.space, layout.space),
            tuple(layout.sizes),
            tuple(layout.pointers),
            layout.draws,
        )


class _Layout:
    """What a kernel reads, computes and writes, seen from loops as few as possible."""

    def __init__(self, kernel: Kernel, block: Block, n_threads: int) -> None:
        self.pointers: list[Pointer] = []
        self.sizes: list[Dimension] = []
        self.stores = kernel.stores
        loads = loads_of(kernel, block)
        self.order = topological_order([store.value for store in kernel.stores], known=set(loads))
        rank = len(kernel.space)
        self.loads: dict[Node, _Access] = {}
        for node in loads:
            view = block.views[node]
            parts = view.buffer.combine is not None and n_threads > 1
            threads = range(n_threads) if parts else (None,)
            pointers = tuple(self._pointer(Pointer(view, thread)) for thread in threads)
            strides = _aligned(view.shape, view.strides, rank)
            combine = view.buffer.combine if parts else None
            self.loads[node] = _Access(pointers, combine, strides, node.kind)
        self.targets: list[_Access] = []
        for store in kernel.stores:
            pointer = self._pointer(Pointer(store.target))
            strides = _target_strides(store, kernel.space)
            self.targets.append(_Access((pointer,), None, strides, store.value.kind))
        self.draw_strides = {
            node: _aligned(node.shape, contiguous(global_shape(node.shape)), rank)
            for node in self.order
            if node.operation == "uniform"
        }
        self.draws = bool(self.draw_strides)
        self._collapse(kernel.space)
        self._collect_sizes()
        self.signature = self._describe()

    def _pointer(self, pointer: Pointer) -> int:
        if pointer not in self.pointers:
            self.pointers.append(pointer)
        return self.pointers.index(pointer)

    def _collapse(self, space: Shape) -> None:
        """Drop axes of size 1 and join neighbours that every access walks through as one."""
        groups: list[list[int]] = []
        every = [each.strides for each in [*self.loads.values(), *self.targets]]
        every += list(self.draw_strides.values())
        for axis, size in enumerate(space):
            if size == 1:
                continue
            if groups:
                last = groups[-1][-1]
                if all(strides[last] == multiply(size, strides[axis]) for strides in every):
                    groups[-1].append(axis)
                    continue
            groups.append([axis])
        self.space = tuple(multiply(*(space[axis] for axis in group)) for group in groups)

        def joined(strides: Strides) -> Strides:
            return tuple(strides[group[-1]] for group in groups)

        self.loads = {
            node: _Access(each.pointers, each.combine, joined(each.strides), each.kind)
            for node, each in self.loads.items()
        }
        self.targets = [
            _Access(each.pointers, each.combine, joined(each.strides), each.kind)
            for each in self.targets
        ]
        self.draw_strides = {node: joined(each) for node, each in self.draw_strides.items()}

    def _collect_sizes(self) -> None:
        """The run-time sizes that the function needs as arguments."""
        wanted: list[Dimension] = list(self.space[1:])
        for each in [*self.loads.values(), *self.targets]:
            wanted.extend(each.strides)
        for node, strides in self.draw_strides.items():
            wanted.extend(strides)
            wanted.append(_draw_offset(node))
        for node in self.order:
            if node.operation == "size":
                wanted.append(global_shape((node.attributes["dimension"],))[0])
        for store in self.stores:
            if store.mode != "set":
                wanted.append(count(store.target.shape))
        for each_size in wanted:
            if isinstance(each_size, Size) and each_size not in self.sizes:
                self.sizes.append(each_size)

    def _describe(self) -> str:
        """Text that is equal for kernels that can be one function."""

        def size(dimension: Dimension) -> str:
            return (
                f"s{self.sizes.index(dimension)}" if isinstance(dimension, Size) else str(dimension)
            )

        def access(each: _Access) -> str:
            return f"{each.pointers}{each.combine}{[size(s) for s in each.strides]}{each.kind}"

        number: dict[Node, str] = {}
        lines = [f"loops {[size(each) for each in self.space[1:]]} of {len(self.space)}"]
        for node, each in self.loads.items():
            number[node] = f"m{len(number)}"
            lines.append(f"{number[node]} {access(each)}")
        for node in self.order:
            number[node] = f"v{len(number)}"
            inputs = [number[each] for each in node.inputs]
            detail = ""
            if node.operation == "constant":
                detail = repr(node.attributes["value"])
            elif node.operation == "size":
                detail = size(global_shape((node.attributes["dimension"],))[0])
            elif node.operation == "uniform":
                strides = [size(each) for each in self.draw_strides[node]]
                detail = f"{node.attributes['stream']} {strides} {size(_draw_offset(node))}"
            lines.append(f"{number[node]} {node.operation} {inputs} {node.kind} {detail}")
        for store, target in zip(self.stores, self.targets, strict=True):
            elements = "" if store.mode == "set" else size(count(store.target.shape))
            lines.append(f"{store.mode} {number[store.value]} {access(target)} {elements}")
        buffers = [pointer.view.buffer for pointer in self.pointers]
        lines.append(str([buffers.index(each) for each in buffers]))
        return "\n".join(lines)

    def level(self, strides: Strides) -> int:
        """The number of loops that must be entered before an access is known."""
        return max((axis + 1 for axis, stride in enumerate(strides) if stride != 0), default=0)


class _Writer:
    """Writes the function of one kernel."""

    def __init__(self, module: ir.Module, mathematics: Mathematics, layout: _Layout) -> None:
        self.module = module
        self.m = mathematics
        self.layout = layout
        self.values: dict[Node, Value] = {}
        self.levels: dict[Node, int] = {}
        self.sums: dict[int, Value] = {}

    def write(self, name: str) -> ir.Function:
        layout = self.layout
        types = [_I64] * (2 + len(layout.sizes) + 2 * layout.draws)
        kind = ir.FunctionType(ir.VoidType(), types + [_POINTER] * len(layout.pointers))
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
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
            element = self.b.add(self._offset(strides, index), self._size(_draw_offset(node)))
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

    def _accumulate(self, position: int, store: Store, target: _Access, index: list[Value]) -> None:
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

    def _flush(self, position: int, store: Store, target: _Access, index: list[Value]) -> None:
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

    def _place(self, access: _Access, pointer: int, index: Sequence[Value]) -> Value:
        element = storage_type(self.m, access.kind)
        base = self.pointers[access.pointers[pointer]]
        offset = self._offset(access.strides, index)
        return self.b.gep(base, [offset], inbounds=True, source_etype=element)

    def _load(self, access: _Access, index: Sequence[Value]) -> Value:
        element = storage_type(self.m, access.kind)
        total: Value = None
        for position in range(len(access.pointers)):
            part = self.b.load(self._place(access, position, index), typ=element)
            if access.kind == "bool":
                part = self.b.icmp_unsigned("!=", part, ir.Constant(element, 0))
            total = part if total is None else self._combine(access.combine or "sum", total, part)
        return total

    def _store(self, access: _Access, index: Sequence[Value], value: Value) -> None:
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


# --- strides -----------------------------------------------------------------------------


def _aligned(shape: Shape, strides: Strides, rank: int) -> Strides:
    """Strides of a value stretched over ``rank`` axes by NumPy's rules."""
    own = tuple(0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True))
    return (0,) * (rank - len(shape)) + own


def _target_strides(store: Store, space: Shape) -> Strides:
    """Strides of a result over the loops; 0 along the axes that are summed over."""
    target = store.target
    if store.mode == "set":
        return _aligned(target.shape, target.strides, len(space))
    kept = iter(_aligned(target.shape, target.strides, len(target.shape)))
    return tuple(0 if axis in store.axes else next(kept) for axis in range(len(space)))


def global_shape(shape: Shape) -> Shape:
    """A shape in which the rows are those of the whole minibatch, not of a thread's share."""

    def replace(size: Dimension) -> Dimension:
        if isinstance(size, Size):
            symbols = (ROWS_TOTAL if each == ROWS else each for each in size.symbols)
            return Size(size.coefficient, tuple(sorted(symbols)))
        return size

    return tuple(replace(size) for size in shape)


def _draw_offset(node: Node) -> Dimension:
    """Where a thread's share of a random draw starts among the elements of the whole."""
    for axis, size in enumerate(node.shape):
        if isinstance(size, Size) and ROWS in size.symbols:
            return multiply(Size(1, (ROW_OFFSET,)), *global_shape(node.shape[axis + 1 :]))
    return 0
