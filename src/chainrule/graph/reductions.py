"""Functions that add up or compare along axes, and the matrix product."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.comparing import stop_gradient
from chainrule.graph.elementwise import exp, log
from chainrule.graph.node import Node, constant, make
from chainrule.graph.rearranging import axis_of, reshape
from chainrule.graph.shape import Dimension, Shape, multiply

__all__ = [
    "logsumexp",
    "matmul",
    "max",
    "mean",
    "size",
    "softmax",
    "sum",
]

Axes = int | Sequence[int] | None


def sum(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The sum over some axes, or all.

    Parameters
    ----------
    x : Node
    axes : int, sequence of int or None, default=None
        Which; None for all. Negative ones count from the last.
    keepdims : bool, default=False
        Whether they stay, with size 1.

    Returns
    -------
    Node
        x without these axes.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", ("rows", 3))
    >>> cr.sum(x, 1)
    <Node sum float(rows,)>
    """
    return _reduce("sum", x, axes, keepdims)


def max(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The largest element along some axes, or all.

    Parameters
    ----------
    x : Node
    axes : int, sequence of int or None, default=None
        Which; None for all. Negative ones count from the last.
    keepdims : bool, default=False
        Whether they stay, with size 1.

    Returns
    -------
    Node
        x without these axes.
    """
    return _reduce("max", x, axes, keepdims)


def mean(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The mean over some axes, or all.

    Parameters
    ----------
    x : Node
    axes : int, sequence of int or None, default=None
        Which; None for all. Negative ones count from the last.
    keepdims : bool, default=False
        Whether they stay, with size 1.

    Returns
    -------
    Node
        x without these axes.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", ("rows", 3))
    >>> cr.mean(x, 0).shape
    (3,)
    """
    number = multiply(*(x.shape[axis] for axis in _axes(x, axes)))
    return sum(x, axes, keepdims) / size(number)


def size(dimension: Dimension) -> Node:
    """A size as a number: the number of rows of this minibatch, for one.

    Parameters
    ----------
    dimension : int or Size
        Of the shape of a node.

    Returns
    -------
    Node
        A single number.
    """
    if isinstance(dimension, int):
        return constant(dimension)
    return make("size", dimension=dimension)


def logsumexp(x: Node, axis: int) -> Node:
    """log Σ exp(x) along one axis, which is kept with size 1; the largest term is taken out.

    Parameters
    ----------
    x : Node
    axis : int

    Returns
    -------
    Node
        Of the shape of x, with size 1 along the axis.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (2,))
    >>> f = cr.compile([cr.logsumexp(x, axis=0)], [x])
    >>> f([1000.0, 1000.0])[0]  # 1000 + log 2
    array([1000.69314718])
    """
    largest = stop_gradient(max(x, axis, keepdims=True))
    return log(sum(exp(x - largest), axis, keepdims=True)) + largest


def softmax(x: Node, axis: int) -> Node:
    """exp(x) / Σ exp(x) along one axis, without overflow.

    Parameters
    ----------
    x : Node
    axis : int

    Returns
    -------
    Node
        Of the shape of x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (2,))
    >>> cr.compile([cr.softmax(x, axis=0)], [x])([1000.0, 1000.0])[0]
    array([0.5, 0.5])
    """
    powers = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return powers / sum(powers, axis, keepdims=True)


def matmul(x: Node, y: Node) -> Node:
    """The product of two matrices.

    Parameters
    ----------
    x : Node
        (rows, inner).
    y : Node
        (inner, columns).

    Returns
    -------
    Node
        (rows, columns).

    Raises
    ------
    ShapeError
        If the inner sizes differ, or one of them is no matrix.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3, 2))
    >>> cr.matmul(x, w)  # or x @ w
    <Node matmul float(rows, 2)>
    """
    return make("matmul", x, y)


def _axes(x: Node, axes: Axes) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(x.rank))
    chosen = (axes,) if isinstance(axes, int) else tuple(axes)
    return tuple(sorted(axis_of(x, axis) for axis in chosen))


def _reduce(operation: str, x: Node, axes: Axes, keepdims: bool) -> Node:
    chosen = _axes(x, axes)
    if not chosen:
        return x
    reduced = make(operation, x, axes=chosen)
    if not keepdims:
        return reduced
    kept: Shape = tuple(1 if axis in chosen else size for axis, size in enumerate(x.shape))
    return reshape(reduced, kept)
