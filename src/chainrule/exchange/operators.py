"""The operations of the language in the operators of ONNX: one entry for each.

Where runtimes have an operator in single precision only, or ONNX has none, others make up its
value. :mod:`chainrule.exchange.translation` applies the table; loops and variables are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.polynomial.chebyshev as chebyshev
import scipy.special

from chainrule.exchange.builder import GraphBuilder
from chainrule.graph.node import Node
from chainrule.graph.operations import Range
from chainrule.graph.shape import Dimension, Size

__all__ = ["OPERATORS", "REFUSED", "Operator"]

Operator = Callable[..., str]
"""``operator(builder, node, *inputs) -> name``: adds what computes the value of a node."""


def _plain(operator: str) -> Operator:
    """An operator that needs only the values of the inputs."""
    return lambda builder, node, *inputs: builder.add(operator, *inputs, name=_name(node))


def _name(node: Node) -> str:
    return node.name or node.operation


def _same(builder: GraphBuilder, node: Node, x: str) -> str:
    return x


# --- leaves ------------------------------------------------------------------------------


def _constant(builder: GraphBuilder, node: Node) -> str:
    value = node.attributes["value"]
    return builder.constant(value, np.bool_ if node.kind == "bool" else None)


def _size(builder: GraphBuilder, node: Node) -> str:
    size = builder.size(node.attributes["dimension"])
    # A vector of one number becomes a number.
    return _cast(builder, node, builder.add("Squeeze", size, builder.whole(0)))


# --- element by element ------------------------------------------------------------------


def _cast(builder: GraphBuilder, node: Node, x: str) -> str:
    return builder.add("Cast", x, to=builder.element_type(node.kind), name=_name(node))


def _comparison(operator: str) -> Operator:
    def compare(builder: GraphBuilder, node: Node, x: str, y: str) -> str:
        if node.inputs[0].kind == "bool":  # which ONNX does not order
            whole = builder.element_type("int")
            x, y = (builder.add("Cast", each, to=whole) for each in (x, y))
        return builder.add(operator, x, y, name=_name(node))

    return compare


def _select(builder: GraphBuilder, node: Node, condition: str, x: str, y: str) -> str:
    if node.kind != "bool":
        return builder.add("Where", condition, x, y, name=_name(node))
    # Runtimes choose among numbers only.
    first = builder.add("And", condition, x)
    second = builder.add("And", builder.add("Not", condition), y)
    return builder.add("Or", first, second, name=_name(node))


def _log1p(builder: GraphBuilder, node: Node, x: str) -> str:
    """log(u) - ((u - 1) - x)/u with u = 1 + x: what rounding takes from u is given back."""
    add, one = builder.add, builder.constant(1.0)
    u = add("Add", x, one)
    rounded = add("Sub", u, one)
    lost = add("Div", add("Sub", rounded, x), u)
    # Nothing is lost at -1 and at infinity, where the quotient would be NaN.
    lost = add("Where", add("Equal", rounded, x), builder.constant(0.0), lost)
    return add("Sub", add("Log", u), lost, name=_name(node))


def _expm1(builder: GraphBuilder, node: Node, x: str) -> str:
    """tanh(x/2)·(eˣ + 1), which keeps the digits of a small x."""
    add = builder.add
    slope = add("Tanh", add("Mul", x, builder.constant(0.5)))
    return add("Mul", slope, add("Add", add("Exp", x), builder.constant(1.0)), name=_name(node))


def _softplus(builder: GraphBuilder, node: Node, x: str) -> str:
    """max(x, 0) + log(1 + e^(-|x|)): runtimes have Softplus in single precision only."""
    add = builder.add
    rest = _log1p(builder, node, add("Exp", add("Neg", add("Abs", x))))
    return add("Add", add("Max", x, builder.constant(0.0)), rest, name=_name(node))


def _erf(builder: GraphBuilder, node: Node, x: str) -> str:
    """In double precision, for which runtimes have no Erf, sign(x)·(1 - e^(-x²)·t·q(t)).

    With t = 3/(3 + |x|), q is a polynomial: see :func:`_erfcx_by_t`.
    """
    add, number = builder.add, builder.constant
    if builder.dtype == np.float32:
        return add("Erf", x, name=_name(node))
    t = add("Div", number(3.0), add("Add", add("Abs", x), number(3.0)))
    u = add("Sub", add("Mul", t, number(2.0)), number(1.0))
    highest, *others = reversed(_erfcx_by_t())
    value = number(highest)
    for coefficient in others:
        value = add("Add", add("Mul", value, u), number(coefficient))
    bell = add("Exp", add("Neg", add("Mul", x, x)))
    beyond = add("Mul", add("Mul", bell, t), value)
    return add("Mul", add("Sign", x), add("Sub", number(1.0), beyond), name=_name(node))


@cache
def _erfcx_by_t() -> tuple[float, ...]:
    """erfcx(z)/t, with z = 3/t - 3, as a polynomial in u = 2t - 1: its coefficients.

    It is smooth on all of 0 < t ≤ 1, so 21 Chebyshev points leave errors of 1e-14.
    """

    u = chebyshev.chebpts1(21)
    t = 0.5 * (u + 1.0)
    series = chebyshev.chebfit(u, scipy.special.erfcx(3.0 / t - 3.0) / t, deg=20)
    return tuple(chebyshev.cheb2poly(series).tolist())


# --- reductions and movement -------------------------------------------------------------


def _sum(builder: GraphBuilder, node: Node, x: str) -> str:
    axes = node.attributes["axes"]
    if not axes:  # which ONNX takes for all
        return x
    return builder.add("ReduceSum", x, builder.whole(*axes), keepdims=0, name=_name(node))


def _max(builder: GraphBuilder, node: Node, x: str) -> str:
    # ONNX does not say what it is where there is NaN, and onnxruntime passes over it.
    axes = node.attributes["axes"]
    if not axes:
        return x
    return builder.add("ReduceMax", x, axes=list(axes), keepdims=0, name=_name(node))


def _transpose(builder: GraphBuilder, node: Node, x: str) -> str:
    permutation = list(node.attributes["permutation"])
    return builder.add("Transpose", x, perm=permutation, name=_name(node))


def _reshape(builder: GraphBuilder, node: Node, x: str) -> str:
    """A size that is not known follows from the others, where it is the only one."""
    unknown = [each for each in node.shape if isinstance(each, Size)]
    if len(unknown) == 1 and 0 not in node.shape:
        known = (-1 if isinstance(each, Size) else each for each in node.shape)
        return builder.add("Reshape", x, builder.whole(*known), name=_name(node))
    # A size of 0 is one, not a word for the size that the axis has.
    shape = builder.shape(node.shape)
    return builder.add("Reshape", x, shape, allowzero=1, name=_name(node))


def _broadcast(builder: GraphBuilder, node: Node, x: str) -> str:
    return builder.add("Expand", x, builder.shape(node.shape), name=_name(node))


def _slice(builder: GraphBuilder, node: Node, x: str) -> str:
    bounds = [
        (axis, *each) for axis, each in enumerate(node.attributes["ranges"]) if each is not None
    ]
    if not bounds:
        return x
    axes, starts, stops = (builder.whole(*each) for each in zip(*bounds, strict=True))
    return builder.add("Slice", x, starts, stops, axes, name=_name(node))


def _pad(builder: GraphBuilder, node: Node, x: str) -> str:
    sizes = list(zip(node.shape, node.attributes["ranges"], strict=True))
    before = [_before(builder, *each) for each in sizes]
    after = [_after(builder, *each) for each in sizes]
    if not sizes:
        return x
    if node.kind == "bool":  # which runtimes do not pad
        x = builder.add("Cast", x, to=builder.element_type("int"))
    widths = builder.add("Concat", *before, *after, axis=0)
    padded = builder.add("Pad", x, widths, name=_name(node))
    return _cast(builder, node, padded) if node.kind == "bool" else padded


def _before(builder: GraphBuilder, size: Dimension, bounds: Range | None) -> str:
    """How far an axis is padded at its beginning."""
    start = 0 if bounds is None else bounds[0]
    if start >= 0:
        return builder.whole(start)
    return builder.add("Add", builder.size(size), builder.whole(start))


def _after(builder: GraphBuilder, size: Dimension, bounds: Range | None) -> str:
    """How far an axis is padded at its end."""
    stop = None if bounds is None else bounds[1]
    if stop is None:
        return builder.whole(0)
    return builder.add("Sub", builder.size(size), builder.whole(stop))


def _concatenate(builder: GraphBuilder, node: Node, *parts: str) -> str:
    return builder.add("Concat", *parts, axis=node.attributes["axis"], name=_name(node))


# --- indexing ----------------------------------------------------------------------------


def _take(builder: GraphBuilder, node: Node, x: str, indices: str) -> str:
    # A runtime refuses an index that is too large; it counts negative ones from the end.
    return builder.add("Gather", x, indices, axis=0, name=_name(node))


def _scatter_add(builder: GraphBuilder, node: Node, values: str, indices: str) -> str:
    zeros = builder.add("Expand", builder.constant(0.0), builder.shape(node.shape))
    places = builder.add("Unsqueeze", indices, builder.whole(-1))
    return builder.add("ScatterND", zeros, places, values, reduction="add", name=_name(node))


# --- the table ---------------------------------------------------------------------------

OPERATORS: dict[str, Operator] = {
    "constant": _constant,
    "size": _size,
    "negate": _plain("Neg"),
    "reciprocal": _plain("Reciprocal"),
    "exp": _plain("Exp"),
    "log": _plain("Log"),
    "log1p": _log1p,
    "expm1": _expm1,
    "sqrt": _plain("Sqrt"),
    "sin": _plain("Sin"),
    "cos": _plain("Cos"),
    "tanh": _plain("Tanh"),
    "logistic": _plain("Sigmoid"),
    "softplus": _softplus,
    "erf": _erf,
    "absolute": _plain("Abs"),
    "sign": _plain("Sign"),
    "add": _plain("Add"),
    "subtract": _plain("Sub"),
    "multiply": _plain("Mul"),
    "divide": _plain("Div"),
    "power": _plain("Pow"),
    "maximum": _plain("Max"),
    "minimum": _plain("Min"),
    "less": _comparison("Less"),
    "less_equal": _comparison("LessOrEqual"),
    "equal": _comparison("Equal"),
    "select": _select,
    "convert": _cast,
    "stop_gradient": _same,
    "sum": _sum,
    "max": _max,
    "matmul": _plain("MatMul"),
    "transpose": _transpose,
    "reshape": _reshape,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "take": _take,
    "scatter_add": _scatter_add,
}
"""What each operation becomes."""

REFUSED: dict[str, str] = {
    "uniform": "ONNX's random draws are other ones than chainrule's, and differ between runtimes",
}
"""Operations that are not expressed, and why."""
