"""Which threads hold what: can a program be run with each thread on its share of the rows?

Every thread takes some rows of the minibatch and runs the same program on them. A value whose
shape has the symbolic size ``rows`` is then spread over the threads. A value without it is
either the same for all, or, where rows were summed over, each thread holds a part of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Shape, Size, count, divide, multiply, resolve
from chainrule.graph.traversal import topological_order

__all__ = ["ROWS", "has_rows", "is_shareable", "part_of", "worthwhile_threads"]

ROWS = "rows"


def has_rows(shape: Shape) -> bool:
    """Whether a shape depends on the number of rows."""
    return any(ROWS in _symbols(size) for size in shape)


def part_of(node: Node) -> Literal["sum", "max"] | None:
    """How the threads' values of this node combine, if each computes only a part of it."""
    if has_rows(node.shape):
        return None
    if node.operation in ("sum", "max") and has_rows(node.inputs[0].shape):
        return "sum" if node.operation == "sum" else "max"
    if node.operation in ("matmul", "scatter_add") and has_rows(node.inputs[0].shape):
        return "sum"
    if node.operation == "scan":
        return part_of(node.attributes["output"])
    return None


def is_shareable(outputs: Sequence[Node]) -> bool:
    """Whether the rows can be divided among threads without changing any value."""
    return _Rows().fit(outputs)


_WORTH_A_THREAD = 1_000_000
"""Operations of one step for which another thread gains more than it costs to wait for it."""


def worthwhile_threads(outputs: Sequence[Node], rows: int, most: int) -> int:
    """The number of threads, up to ``most``, that a step over so many rows can use."""
    if most == 1 or rows < 2 or not is_shareable(outputs):
        return 1
    operations = _operations(outputs, defaultdict(lambda: 1, {ROWS: rows}))
    return max(1, min(most, rows, 1 + operations // _WORTH_A_THREAD))


def _operations(outputs: Iterable[Node], sizes: Mapping[str, int]) -> int:
    """About how many arithmetic operations an evaluation takes; matrix products count most."""
    total = 0
    for node in topological_order(outputs):
        elements = resolve(count(node.shape), sizes)
        if node.operation == "matmul":
            total += 2 * elements * resolve(node.inputs[0].shape[1], sizes)
        elif node.operation == "scan":
            loop: Loop = node.attributes["loop"]
            steps = resolve(loop.length, sizes)
            total += steps * _operations([*loop.updates, node.attributes["output"]], sizes)
        else:
            total += elements
    return total


class _Rows:
    """Follows the rows through a graph.

    For each value it keeps how many elements of the axis with the rows belong to one row:
    1 for ``rows`` itself and for time·rows, 5 for rows·5.
    """

    def __init__(self) -> None:
        self.inner: dict[Node, Dimension] = {}

    def fit(self, outputs: Iterable[Node]) -> bool:
        return all(self._fits(node) for node in topological_order(outputs, known=self.inner))

    def _fits(self, node: Node) -> bool:
        axes = [axis for axis, size in enumerate(node.shape) if ROWS in _symbols(size)]
        if len(axes) > 1 or any(_symbols(node.shape[axis]).count(ROWS) > 1 for axis in axes):
            return False
        if node.operation == "scan" and not self._fits_loop(node):
            return False
        if not axes:
            return not self._reads_across_rows(node)
        size = node.shape[axes[0]]
        inner: Dimension | None = 1
        known = {self.inner[each] for each in node.inputs if each in self.inner}
        if node.operation == "reshape":
            before = node.inputs[0]
            old = next(a for a, size in enumerate(before.shape) if ROWS in _symbols(size))
            stride = multiply(self.inner[before], *before.shape[old + 1 :])
            inner = divide(stride, multiply(*node.shape[axes[0] + 1 :]))
        elif len(known) > 1:
            return False
        elif known:
            inner = known.pop()
        if inner is None or divide(size, inner) is None:
            return False
        if size == Size(1, (ROWS,)) and inner != 1:
            return False
        if node.operation == "uniform" and size != Size(1, (ROWS,)):
            return False
        self.inner[node] = inner
        return not self._reads_across_rows(node)

    def _reads_across_rows(self, node: Node) -> bool:
        """Whether one row of the result needs other rows, in a way no sum can mend."""
        match node.operation:
            case "slice" | "pad":
                whole = node.inputs[0] if node.operation == "slice" else node
                return any(
                    bounds is not None and ROWS in _symbols(size)
                    for size, bounds in zip(whole.shape, node.attributes["ranges"], strict=True)
                )
            case "take":
                return has_rows(node.inputs[0].shape)
            case "scatter_add":
                return has_rows(node.shape)
            case "reshape" | "transpose" | "broadcast":
                return has_rows(node.inputs[0].shape) and not has_rows(node.shape)
            case _:
                return False

    def _fits_loop(self, node: Node) -> bool:
        loop: Loop = node.attributes["loop"]
        if ROWS in _symbols(loop.length):
            return False
        body = [*loop.updates, node.attributes["output"]]
        # Inside the loop threads cannot wait for each other, so no part may be used there.
        order = topological_order(body)
        used = {each for inner in order for each in inner.inputs} | set(loop.updates)
        return not any(part_of(each) for each in used) and _Rows().fit(body)


def _symbols(size: Dimension) -> tuple[str, ...]:
    return size.symbols if isinstance(size, Size) else ()
