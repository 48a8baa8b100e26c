"""What a kernel reads, computes and writes, seen from as few loops as possible."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.engines.native.effects import loads_of
from chainrule.engines.native.plan import Block, Kernel, Store, View, contiguous
from chainrule.engines.native.sharing import ROWS
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Shape, Size, count, multiply
from chainrule.graph.traversal import topological_order

__all__ = [
    "ROWS_TOTAL",
    "ROW_OFFSET",
    "Access",
    "KernelLayout",
    "Pointer",
    "draw_offset",
    "global_shape",
]

Strides = tuple[Dimension, ...]

ROWS_TOTAL = "rows total"
ROW_OFFSET = "row offset"
"""Symbols for all rows of the minibatch, and for the first row of a thread's share."""


@dataclass(frozen=True)
class Pointer:
    """An argument of a kernel: a view, in this thread's memory or that of a given thread."""

    view: View
    thread: int | None = None


@dataclass(frozen=True)
class Access:
    """A value in memory as seen from the loops: where its elements are."""

    pointers: tuple[int, ...]
    """Indices of arguments; several where the threads' parts are added up on reading."""
    combine: str | None
    strides: Strides
    kind: str


class KernelLayout:
    """What a kernel reads, computes and writes, seen from loops as few as possible."""

    def __init__(self, kernel: Kernel, block: Block, n_threads: int) -> None:
        self.pointers: list[Pointer] = []
        self.sizes: list[Dimension] = []
        self.stores = kernel.stores
        loads = loads_of(kernel, block)
        self.order = topological_order([store.value for store in kernel.stores], known=set(loads))
        self.loads: dict[Node, Access] = {}
        for node in loads:
            view = block.views[node]
            parts = view.buffer.combine is not None and n_threads > 1
            threads = range(n_threads) if parts else (None,)
            pointers = tuple(self._pointer(Pointer(view, thread)) for thread in threads)
            strides = _aligned(view.shape, view.strides, kernel.space)
            combine = view.buffer.combine if parts else None
            self.loads[node] = Access(pointers, combine, strides, node.kind)
        self.targets: list[Access] = []
        for store in kernel.stores:
            pointer = self._pointer(Pointer(store.target))
            strides = _target_strides(store, kernel.space)
            self.targets.append(Access((pointer,), None, strides, store.value.kind))
        self.draw_strides = {
            node: _aligned(node.shape, contiguous(global_shape(node.shape)), kernel.space)
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
            if size == 1 and space != (1,):
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
            node: Access(each.pointers, each.combine, joined(each.strides), each.kind)
            for node, each in self.loads.items()
        }
        self.targets = [
            Access(each.pointers, each.combine, joined(each.strides), each.kind)
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
            wanted.append(draw_offset(node))
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

        def access(each: Access) -> str:
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
                detail = f"{node.attributes['stream']} {strides} {size(draw_offset(node))}"
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


# --- strides -----------------------------------------------------------------------------


def _aligned(shape: Shape, strides: Strides, space: Shape) -> Strides:
    """Strides of a value stretched over a space by NumPy's rules."""
    if shape == space == (1,):
        return (1,)  # a line, if a short one: the kernel may be that of a longer one
    own = tuple(0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True))
    return (0,) * (len(space) - len(shape)) + own


def _target_strides(store: Store, space: Shape) -> Strides:
    """Strides of a result over the loops; 0 along the axes that are summed over."""
    target = store.target
    if store.mode == "set":
        return _aligned(target.shape, target.strides, space)
    kept = iter(_aligned(target.shape, target.strides, target.shape))
    return tuple(0 if axis in store.axes else next(kept) for axis in range(len(space)))


def global_shape(shape: Shape) -> Shape:
    """A shape in which the rows are those of the whole minibatch, not of a thread's share."""

    def replace(size: Dimension) -> Dimension:
        if isinstance(size, Size):
            symbols = (ROWS_TOTAL if each == ROWS else each for each in size.symbols)
            return Size(size.coefficient, tuple(sorted(symbols)))
        return size

    return tuple(replace(size) for size in shape)


def draw_offset(node: Node) -> Dimension:
    """Where a thread's share of a random draw starts among the elements of the whole."""
    for axis, size in enumerate(node.shape):
        if isinstance(size, Size) and ROWS in size.symbols:
            return multiply(Size(1, (ROW_OFFSET,)), *global_shape(node.shape[axis + 1 :]))
    return 0
