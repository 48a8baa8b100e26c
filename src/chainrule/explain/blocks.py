"""Parts of computed arrays, worked out from parts of what these are made of.

A recurrent network computes all its gates, and the inputs of all steps, in one product each. On
the blackboard each gate has a product of its own: (h·U)[:, 4:6] is h·U[:, 4:6].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import chainrule.graph.functions as fn
from chainrule.explain.moving import sizes_of
from chainrule.graph.node import Node, make
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import rebuild, with_inputs

__all__ = ["block", "blocks_first", "cuts"]

Ranges = Sequence[tuple[int, int | None] | None]


def blocks_first(output: Node) -> Node:
    """A graph in which parts are taken before anything is computed that has no name.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.notation.writing import format_formula
    >>> h, U = cr.variable("h", (1, 2)), cr.variable("U", (2, 8))
    >>> format_formula(blocks_first(fn.slice_axes(h @ U, [None, (4, 6)])))
    'h·U[:, 4:6]'
    """

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.operation != "slice" or inputs[0].name is not None:
            return with_inputs(node, inputs)
        part = block(inputs[0], node.attributes["ranges"])
        return part.named(node.name) if node.name else part

    return rebuild([output], change)[output]


def block(x: Node, ranges: Ranges) -> Node:
    """What ``slice_axes`` reads of x, from parts of its inputs as far as they have no names."""
    if not any(ranges):
        return x
    if x.operation == "transpose":
        order = x.attributes["permutation"]
        (inner,) = x.inputs
        before = [ranges[order.index(axis)] for axis in range(x.rank)]
        return fn.transpose(_part(inner, before), order)
    if x.operation == "matmul" and all(each.rank == 2 for each in x.inputs):
        a, b = x.inputs
        return _part(a, [ranges[0], None]) @ _part(b, [None, ranges[1]])
    if x.operation == "reshape" and x.rank == 3 and not any(ranges[1:]):
        steps = _steps_of(x, ranges[0])
        if steps is not None:
            return steps
    if OPERATIONS[x.operation].family == "elementwise":
        parts = [_part(each, _aligned(each, ranges)) for each in x.inputs]
        return make(x.operation, *parts, **x.attributes)
    return fn.slice_axes(x, ranges)


def cuts(order: Sequence[Node]) -> dict[Node, int]:
    """Into how many parts each array is cut, itself or when it has been moved; 1 if it is not.

    Parameters
    ----------
    order : sequence of Node
        The nodes of a graph, inputs first.
    """
    number = dict.fromkeys(order, 0)
    for node in reversed(order):
        for each in node.inputs:
            if node.operation == "slice":
                number[each] += 1
            elif each.operation != "variable" and math.prod(sizes_of(node)) == math.prod(
                sizes_of(each)
            ):
                number[each] = max(number[each], number[node])
    return {node: max(1, parts) for node, parts in number.items()}


def _part(x: Node, ranges: Ranges) -> Node:
    return fn.slice_axes(x, ranges) if x.name is not None else block(x, ranges)


def _aligned(x: Node, ranges: Ranges) -> Ranges:
    """The ranges of an input that arithmetic spreads out over the result."""
    own = ranges[len(ranges) - x.rank :]
    return [None if size == 1 else each for size, each in zip(x.shape, own, strict=True)]


def _steps_of(x: Node, steps: tuple[int, int | None] | None) -> Node | None:
    """Some steps of (time, rows, columns), of a matrix whose rows are those of all steps."""
    (inner,) = x.inputs
    time, rows, columns = x.shape
    known = isinstance(time, int) and isinstance(rows, int) and isinstance(columns, int)
    if steps is None or not known or inner.shape != (math.prod((time, rows)), columns):  # type: ignore[arg-type]
        return None
    start, stop, _ = slice(*steps).indices(time)  # type: ignore[arg-type]
    part = _part(inner, [(start * rows, stop * rows), None])  # type: ignore[operator]
    return fn.reshape(part, (stop - start, rows, columns))
