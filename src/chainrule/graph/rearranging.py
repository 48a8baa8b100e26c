"""Functions that move elements: shapes, parts, rows by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.errors import ShapeError
from chainrule.graph.node import Node, Operand, as_node, make
from chainrule.graph.operations import Range, normalise_ranges
from chainrule.graph.shape import Dimension, as_shape, count, divide, format_shape

__all__ = [
    "axis_of",
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "pad",
    "reshape",
    "scatter_add",
    "slice_axes",
    "take",
    "transpose",
]


def transpose(x: Node, permutation: Sequence[int] | None = None) -> Node:
    """The axes in another order; reversed by default.

    Parameters
    ----------
    x : Node
    permutation : sequence of int, optional
        Which axis of x each axis is; by default the last comes first.

    Returns
    -------
    Node
        Of the sizes of x in that order.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", ("rows", 3))
    >>> cr.transpose(x)
    <Node transpose float(3, rows)>
    """
    axes = reversed(range(x.rank)) if permutation is None else permutation
    order = tuple(axis_of(x, axis) for axis in axes)
    return x if order == tuple(range(x.rank)) else make("transpose", x, permutation=order)


def reshape(x: Node, shape: Iterable[Dimension | str]) -> Node:
    """The same elements, in order, under another shape; one size may be -1.

    Parameters
    ----------
    x : Node
    shape : iterable of int, Size or str
        A str is a size that is known when a program runs, such as "rows".

    Returns
    -------
    Node
        Of that shape.

    Raises
    ------
    ShapeError
        If it has another number of elements.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (2, 6))
    >>> cr.reshape(x, (3, -1))
    <Node reshape float(3, 4)>
    """
    sizes = list(shape)
    if -1 in sizes:
        position = sizes.index(-1)
        known = as_shape(sizes[:position] + sizes[position + 1 :])
        missing = divide(count(x.shape), count(known))
        if missing is None:
            wanted = ", ".join(str(each) for each in sizes)
            raise ShapeError(f"{format_shape(x.shape)} cannot be reshaped to ({wanted}).")
        sizes[position] = missing
    target = as_shape(sizes)
    return x if target == x.shape else make("reshape", x, shape=target)


def expand_dims(x: Node, axis: int) -> Node:
    """A new axis of size 1 before ``axis``.

    Parameters
    ----------
    x : Node
    axis : int

    Returns
    -------
    Node
        Of one axis more.

    Raises
    ------
    ShapeError
        If there is no such place.
    """
    position = axis + x.rank + 1 if axis < 0 else axis
    if not 0 <= position <= x.rank:
        raise ShapeError(f"There is no place {axis} for an axis in {format_shape(x.shape)}.")
    return reshape(x, (*x.shape[:position], 1, *x.shape[position:]))


def broadcast_to(x: Operand, shape: Iterable[Dimension | str]) -> Node:
    """x stretched to ``shape`` by NumPy's rules.

    Parameters
    ----------
    x : Node or number
    shape : iterable of int, Size or str

    Returns
    -------
    Node
        Of that shape.

    Raises
    ------
    ShapeError
        If x cannot be stretched to it.

    Examples
    --------
    >>> import chainrule as cr
    >>> b = cr.variable("b", (3,))
    >>> cr.broadcast_to(b, ("rows", 3))
    <Node broadcast float(rows, 3)>
    """
    node, target = as_node(x), as_shape(shape)
    return node if node.shape == target else make("broadcast", node, shape=target)


def slice_axes(x: Node, ranges: Sequence[Range | None]) -> Node:
    """A part of x: for each axis ``(start, stop)``, or None for all of it.

    Parameters
    ----------
    x : Node
    ranges : sequence of (int, int) or None
        One for each axis.

    Returns
    -------
    Node
        The part.
    """
    bounds = normalise_ranges(x.shape, ranges)
    return x if not any(bounds) else make("slice", x, ranges=bounds)


def pad(x: Node, shape: Iterable[Dimension | str], ranges: Sequence[Range | None]) -> Node:
    """Zeros of ``shape`` with x in the place that ``slice_axes`` with ``ranges`` would read.

    Parameters
    ----------
    x : Node
    shape : iterable of int, Size or str
    ranges : sequence of (int, int) or None
        One for each axis.

    Returns
    -------
    Node
        Of that shape.
    """
    target = as_shape(shape)
    bounds = normalise_ranges(target, ranges)
    if x.shape == target and not any(bounds):
        return x
    return make("pad", x, shape=target, ranges=bounds)


def concatenate(parts: Sequence[Node], axis: int) -> Node:
    """Arrays joined along an existing axis.

    Parameters
    ----------
    parts : sequence of Node
        Of equal sizes along all other axes.
    axis : int

    Returns
    -------
    Node
        As long along the axis as all of them together.

    Raises
    ------
    ShapeError
        If there are none, or their shapes do not fit.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, y = cr.variable("x", ("rows", 3)), cr.variable("y", ("rows", 2))
    >>> cr.concatenate([x, y], axis=1)
    <Node concatenate float(rows, 5)>
    """
    if not parts:
        raise ShapeError("There is nothing to concatenate.")
    position = axis_of(parts[0], axis)
    return parts[0] if len(parts) == 1 else make("concatenate", *parts, axis=position)


def take(x: Node, indices: Node) -> Node:
    """Rows of x by their numbers.

    Parameters
    ----------
    x : Node
        (size, ...).
    indices : Node
        Of kind ``"int"``, from 0 on.

    Returns
    -------
    Node
        The shape of indices, and then that of a row of x.

    Examples
    --------
    >>> import chainrule as cr
    >>> table = cr.variable("table", (10, 4))
    >>> words = cr.variable("words", ("rows",), kind="int")
    >>> cr.take(table, words)
    <Node take float(rows, 4)>
    """
    return make("take", x, indices)


def scatter_add(values: Node, indices: Node, size: Dimension) -> Node:
    """``size`` rows of zeros, to which each row of values is added at its index.

    Parameters
    ----------
    values : Node
        A row for each index.
    indices : Node
        Of kind ``"int"``.
    size : int or Size

    Returns
    -------
    Node
        (size, ...).
    """
    (rows,) = as_shape([size])
    return make("scatter_add", values, indices, size=rows)


def axis_of(x: Node, axis: int) -> int:
    """An axis counted from the front, whichever end it was counted from."""
    if not -x.rank <= axis < x.rank:
        raise ShapeError(f"There is no axis {axis} in {format_shape(x.shape)}.")
    return axis % x.rank
