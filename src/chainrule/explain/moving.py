"""Where the entries of an array come from that is only moved: turned, cut, joined or spread."""

from __future__ import annotations

import math

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.operations import OPERATIONS
from chainrule.notation.entries import Index

__all__ = ["block_of", "is_nothing", "moved_from", "sizes_of"]


def moved_from(node: Node, index: Index) -> tuple[Node, Index]:
    """The entry of a variable that an entry of an array is; or of the nearest array with a name.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (1, 3, 2))
    >>> steps = cr.reshape(cr.transpose(x, (1, 0, 2)), (3, 2))
    >>> source, place = moved_from(steps, (2, 1))
    >>> source.name, place
    ('x', (0, 2, 1))
    """
    named = (node, index) if node.name else None
    while (before := _one_move_back(node, index)) is not None:
        node, index = before
        if named is None and node.name:
            named = node, index
    leaf = node.operation in ("variable", "constant")
    return named if named and not leaf else (node, index)


def block_of(node: Node) -> tuple[Node, list[tuple[int, int]]] | None:
    """The part of a variable that an array is, or None: from where to where, for each axis."""
    sizes = sizes_of(node)
    if node.operation == "variable" or math.prod(sizes) == 0:
        return None
    source, first = moved_from(node, (0,) * len(sizes))
    if source.operation != "variable":
        return None
    axes: list[int] = []
    for axis, size in enumerate(sizes):
        if size > 1:
            moved = {_axis_moved(node, axis, end, first) for end in (1, size - 1)}
            axes += [each if each is not None and len(moved) == 1 else -1 for each in moved]
    if axes != sorted(set(axes)) or -1 in axes:
        return None
    long = [size for size in sizes if size > 1]
    extent = dict(zip(axes, long, strict=True))
    return source, [(start, start + extent.get(axis, 1)) for axis, start in enumerate(first)]


def _axis_moved(node: Node, axis: int, end: int, first: Index) -> int | None:
    """Along which axis of what it was moved from an array goes on ``end`` places, if it does."""
    place = tuple(end if each == axis else 0 for each in range(node.rank))
    found = moved_from(node, place)[1]
    if len(found) != len(first):
        return None
    steps = {k: there - here for k, (here, there) in enumerate(zip(first, found, strict=True))}
    moved = [k for k, step in steps.items() if step]
    return moved[0] if len(moved) == 1 and steps[moved[0]] == end else None


def is_nothing(node: Node) -> bool:
    """Whether an array is 0 whatever the variables are: the state before the first step, say."""
    if node.operation == "constant":
        return node.attributes["value"] == 0.0
    if node.operation in ("multiply", "matmul"):
        return any(map(is_nothing, node.inputs))
    moved = OPERATIONS[node.operation].family == "movement"
    return moved and all(map(is_nothing, node.inputs))


def sizes_of(node: Node) -> tuple[int, ...]:
    """The shape of a node: all of it is known."""
    return tuple(int(size) for size in node.shape)  # type: ignore[arg-type]


def _one_move_back(node: Node, index: Index) -> tuple[Node, Index] | None:
    if not node.inputs:
        return None
    before = node.inputs[0]
    sizes = sizes_of(before)
    match node.operation:
        case "transpose":
            order = node.attributes["permutation"]
            return before, tuple(index[order.index(axis)] for axis in range(len(order)))
        case "reshape":
            place = np.ravel_multi_index(index, sizes_of(node)) if index else 0
            found = np.unravel_index(int(place), sizes)
            return before, tuple(int(each) for each in found)
        case "broadcast":
            own = index[len(index) - len(sizes) :]
            return before, tuple(min(each, size - 1) for each, size in zip(own, sizes, strict=True))
        case "slice":
            ranges = zip(node.attributes["ranges"], sizes, index, strict=True)
            starts = (
                slice(*(each or (0, None))).indices(size)[0] + at for each, size, at in ranges
            )
            return before, tuple(starts)
        case "concatenate":
            axis = node.attributes["axis"]
            for part in node.inputs:
                size = sizes_of(part)[axis]
                if index[axis] < size:
                    return part, index
                index = (*index[:axis], index[axis] - size, *index[axis + 1 :])
    return None
