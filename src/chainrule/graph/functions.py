"""NumPy-like functions that build nodes; losses, layers and rules are written with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from chainrule.errors import ShapeError
from chainrule.graph.node import Node, Operand, as_node, constant, make
from chainrule.graph.operations import Range, normalise_ranges
from chainrule.graph.shape import (
    Dimension,
    Shape,
    as_shape,
    count,
    divide,
    format_shape,
    multiply,
)

__all__ = [
    "absolute",
    "broadcast_to",
    "concatenate",
    "convert",
    "cos",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logistic",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "minimum",
    "normal",
    "pad",
    "power",
    "reciprocal",
    "relu",
    "reshape",
    "scatter_add",
    "select",
    "sign",
    "sin",
    "size",
    "slice_axes",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stop_gradient",
    "sum",
    "take",
    "tanh",
    "transpose",
    "uniform",
]

Axes = int | Sequence[int] | None


# --- element by element ------------------------------------------------------------------


def exp(x: Operand) -> Node:
    """e to the power of x."""
    return make("exp", as_node(x))


def log(x: Operand) -> Node:
    """The natural logarithm."""
    return make("log", as_node(x))


def log1p(x: Operand) -> Node:
    """log(1 + x), exact for small x."""
    return make("log1p", as_node(x))


def expm1(x: Operand) -> Node:
    """exp(x) - 1, exact for small x."""
    return make("expm1", as_node(x))


def sqrt(x: Operand) -> Node:
    """The square root."""
    return make("sqrt", as_node(x))


def sin(x: Operand) -> Node:
    """The sine of x radians."""
    return make("sin", as_node(x))


def cos(x: Operand) -> Node:
    """The cosine of x radians."""
    return make("cos", as_node(x))


def tanh(x: Operand) -> Node:
    """The hyperbolic tangent."""
    return make("tanh", as_node(x))


def logistic(x: Operand) -> Node:
    """The logistic sigmoid, 1/(1 + exp(-x))."""
    return make("logistic", as_node(x))


def softplus(x: Operand) -> Node:
    """log(1 + exp(x)), without overflow."""
    return make("softplus", as_node(x))


def erf(x: Operand) -> Node:
    """The error function."""
    return make("erf", as_node(x))


def absolute(x: Operand) -> Node:
    """The absolute value."""
    return make("absolute", as_node(x))


def sign(x: Operand) -> Node:
    """-1, 0 or 1."""
    return make("sign", as_node(x))


def reciprocal(x: Operand) -> Node:
    """1/x."""
    return make("reciprocal", as_node(x))


def square(x: Operand) -> Node:
    """x²."""
    return make("power", as_node(x), constant(2.0))


def power(x: Operand, y: Operand) -> Node:
    """x to the power of y."""
    return make("power", as_node(x), as_node(y))


def maximum(x: Operand, y: Operand) -> Node:
    """The larger of two values; where they are equal, the derivative belongs to y."""
    return make("maximum", as_node(x), as_node(y))


def minimum(x: Operand, y: Operand) -> Node:
    """The smaller of two values; where they are equal, the derivative belongs to y."""
    return make("minimum", as_node(x), as_node(y))


def relu(x: Operand) -> Node:
    """max(x, 0), with derivative 0 at 0."""
    return maximum(x, 0.0)


def less(x: Operand, y: Operand) -> Node:
    """True where x < y."""
    return make("less", as_node(x), as_node(y))


def less_equal(x: Operand, y: Operand) -> Node:
    """True where x ≤ y."""
    return make("less_equal", as_node(x), as_node(y))


def equal(x: Operand, y: Operand) -> Node:
    """True where x = y."""
    return make("equal", as_node(x), as_node(y))


def select(condition: Node, when_true: Operand, when_false: Operand) -> Node:
    """``when_true`` where the condition holds, ``when_false`` elsewhere."""
    return make("select", condition, as_node(when_true), as_node(when_false))


def convert(x: Node) -> Node:
    """Booleans and integers as numbers with decimals."""
    return x if x.kind == "float" else make("convert", x)


def stop_gradient(x: Node) -> Node:
    """The value x, taken as constant by the chain rule."""
    return make("stop_gradient", x)


# --- reductions --------------------------------------------------------------------------


def sum(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The sum over some axes, or all."""
    return _reduce("sum", x, axes, keepdims)


def max(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The largest element along some axes, or all."""
    return _reduce("max", x, axes, keepdims)


def mean(x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
    """The mean over some axes, or all."""
    number = multiply(*(x.shape[axis] for axis in _axes(x, axes)))
    return sum(x, axes, keepdims) / size(number)


def size(dimension: Dimension) -> Node:
    """A size as a number: the number of rows of this minibatch, for one."""
    if isinstance(dimension, int):
        return constant(dimension)
    return make("size", dimension=dimension)


def logsumexp(x: Node, axis: int) -> Node:
    """log Σ exp(x) along one axis, which is kept with size 1; the largest term is taken out."""
    largest = stop_gradient(max(x, axis, keepdims=True))
    return log(sum(exp(x - largest), axis, keepdims=True)) + largest


def softmax(x: Node, axis: int) -> Node:
    """exp(x) / Σ exp(x) along one axis, without overflow."""
    powers = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return powers / sum(powers, axis, keepdims=True)


# --- matrices, shapes, indices -----------------------------------------------------------


def matmul(x: Node, y: Node) -> Node:
    """The product of two matrices."""
    return make("matmul", x, y)


def transpose(x: Node, permutation: Sequence[int] | None = None) -> Node:
    """The axes in another order; reversed by default."""
    axes = reversed(range(x.rank)) if permutation is None else permutation
    order = tuple(_axis(x, axis) for axis in axes)
    return x if order == tuple(range(x.rank)) else make("transpose", x, permutation=order)


def reshape(x: Node, shape: Iterable[Dimension | str]) -> Node:
    """The same elements, in order, under another shape; one size may be -1."""
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
    """A new axis of size 1 before ``axis``."""
    position = axis + x.rank + 1 if axis < 0 else axis
    if not 0 <= position <= x.rank:
        raise ShapeError(f"There is no place {axis} for an axis in {format_shape(x.shape)}.")
    return reshape(x, (*x.shape[:position], 1, *x.shape[position:]))


def broadcast_to(x: Operand, shape: Iterable[Dimension | str]) -> Node:
    """x stretched to ``shape`` by NumPy's rules."""
    node, target = as_node(x), as_shape(shape)
    return node if node.shape == target else make("broadcast", node, shape=target)


def slice_axes(x: Node, ranges: Sequence[Range | None]) -> Node:
    """A part of x: for each axis ``(start, stop)``, or None for all of it."""
    bounds = normalise_ranges(x.shape, ranges)
    return x if not any(bounds) else make("slice", x, ranges=bounds)


def pad(x: Node, shape: Iterable[Dimension | str], ranges: Sequence[Range | None]) -> Node:
    """Zeros of ``shape`` with x in the place that ``slice_axes`` with ``ranges`` would read."""
    target = as_shape(shape)
    bounds = normalise_ranges(target, ranges)
    if x.shape == target and not any(bounds):
        return x
    return make("pad", x, shape=target, ranges=bounds)


def concatenate(parts: Sequence[Node], axis: int) -> Node:
    """Arrays joined along an existing axis."""
    if not parts:
        raise ShapeError("There is nothing to concatenate.")
    position = _axis(parts[0], axis)
    return parts[0] if len(parts) == 1 else make("concatenate", *parts, axis=position)


def take(x: Node, indices: Node) -> Node:
    """Rows of x by their numbers."""
    return make("take", x, indices)


def scatter_add(values: Node, indices: Node, size: Dimension) -> Node:
    """``size`` rows of zeros, to which each row of values is added at its index."""
    (rows,) = as_shape([size])
    return make("scatter_add", values, indices, size=rows)


# --- random draws ------------------------------------------------------------------------


def uniform(shape: Iterable[Dimension | str], stream: int) -> Node:
    """Draws from (0, 1), fresh at every step of training.

    The draw is a function of (seed, step, stream, element) alone, so every engine and every
    number of threads draws the same. Different places of a network use different streams.
    """
    return make("uniform", shape=as_shape(shape), stream=stream)


def normal(shape: Iterable[Dimension | str], stream: int) -> Node:
    """Draws from the standard normal distribution (Box & Muller 1958); uses two streams."""
    target = as_shape(shape)
    radius = sqrt(-2.0 * log(uniform(target, 2 * stream)))
    return radius * cos(2.0 * math.pi * uniform(target, 2 * stream + 1))


# --- helpers -----------------------------------------------------------------------------


def _axis(x: Node, axis: int) -> int:
    """An axis counted from the front, whichever end it was counted from."""
    if not -x.rank <= axis < x.rank:
        raise ShapeError(f"There is no axis {axis} in {format_shape(x.shape)}.")
    return axis % x.rank


def _axes(x: Node, axes: Axes) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(x.rank))
    chosen = (axes,) if isinstance(axes, int) else tuple(axes)
    return tuple(sorted(_axis(x, axis) for axis in chosen))


def _reduce(operation: str, x: Node, axes: Axes, keepdims: bool) -> Node:
    chosen = _axes(x, axes)
    if not chosen:
        return x
    reduced = make(operation, x, axes=chosen)
    if not keepdims:
        return reduced
    kept: Shape = tuple(1 if axis in chosen else size for axis, size in enumerate(x.shape))
    return reshape(reduced, kept)
