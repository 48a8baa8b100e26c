"""The whole calculus: one derivative rule for each operation.

A rule gets ``out_bar`` (the gradient that flows back into the result), the node itself and
its inputs, and returns the gradient that flows back into each input: nodes in, nodes out. So
one rule serves evaluation, compilation, second derivatives and explanation. Rules need not
undo broadcasting nor add up the uses of a value: the driver in ``calculus.reverse`` does both
once, for all. The rule of ``scan`` has a module of its own, ``calculus.through_time``.

``None`` in place of a gradient says that nothing flows into that input.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import chainrule.graph.functions as fn
from chainrule.graph.node import Node
from chainrule.graph.shape import Shape

__all__ = ["NOT_DIFFERENTIABLE", "RULES", "Rule"]

Gradients = tuple[Node | None, ...]
Rule = Callable[..., Gradients]
"""``rule(out_bar, out, *inputs) -> gradients``, one for each input."""


def _reduced_shape(x: Node, axes: tuple[int, ...]) -> Shape:
    return tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))


def _spread(reduced: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """A reduction's result or gradient, stretched back over the axes that it summed."""
    return fn.broadcast_to(fn.reshape(reduced, _reduced_shape(x, axes)), x.shape)


def _power(out_bar: Node, out: Node, x: Node, y: Node) -> Gradients:
    """∂x^y/∂x = y·x^(y-1) and ∂x^y/∂y = x^y·log x."""
    if y.operation == "constant":
        exponent = y.attributes["value"]
        if exponent == 0.0:
            return None, None
        slope = 2.0 * x if exponent == 2.0 else exponent * fn.power(x, exponent - 1.0)
        return out_bar * slope, None
    return out_bar * (y * fn.power(x, y - 1.0)), out_bar * (out * fn.log(x))


def _maximum_over_axes(out_bar: Node, out: Node, x: Node) -> Gradients:
    """The gradient goes to the largest element; equal ones share it evenly."""
    axes = out.attributes["axes"]
    largest = fn.convert(fn.equal(x, _spread(out, x, axes)))
    share = largest / _spread(fn.sum(largest, axes), x, axes)
    return (_spread(out_bar, x, axes) * share,)


def _transpose(out_bar: Node, out: Node, x: Node) -> Gradients:
    permutation = out.attributes["permutation"]
    inverse = sorted(range(len(permutation)), key=permutation.__getitem__)
    return (fn.transpose(out_bar, inverse),)


def _concatenate(out_bar: Node, out: Node, *parts: Node) -> Gradients:
    axis, start, gradients = out.attributes["axis"], 0, []
    for part in parts:
        length = part.shape[axis]
        assert isinstance(length, int)
        ranges = [(start, start + length) if k == axis else None for k in range(out.rank)]
        gradients.append(fn.slice_axes(out_bar, ranges))
        start += length
    return tuple(gradients)


RULES: dict[str, Rule] = {
    "negate": lambda out_bar, out, x: (-out_bar,),
    "reciprocal": lambda out_bar, out, x: (out_bar * (-1.0 / fn.square(x)),),
    "exp": lambda out_bar, out, x: (out_bar * out,),
    "log": lambda out_bar, out, x: (out_bar / x,),
    "log1p": lambda out_bar, out, x: (out_bar / (1.0 + x),),
    "expm1": lambda out_bar, out, x: (out_bar * (out + 1.0),),
    "sqrt": lambda out_bar, out, x: (out_bar * (0.5 / out),),
    "sin": lambda out_bar, out, x: (out_bar * fn.cos(x),),
    "cos": lambda out_bar, out, x: (out_bar * -fn.sin(x),),
    "tanh": lambda out_bar, out, x: (out_bar * (1.0 - fn.square(out)),),
    "logistic": lambda out_bar, out, x: (out_bar * (out * (1.0 - out)),),
    "softplus": lambda out_bar, out, x: (out_bar * fn.logistic(x),),
    "erf": lambda out_bar, out, x: (out_bar * (2.0 / math.sqrt(math.pi) * fn.exp(-fn.square(x))),),
    "absolute": lambda out_bar, out, x: (out_bar * fn.sign(x),),
    "add": lambda out_bar, out, x, y: (out_bar, out_bar),
    "subtract": lambda out_bar, out, x, y: (out_bar, -out_bar),
    "multiply": lambda out_bar, out, x, y: (out_bar * y, out_bar * x),
    "divide": lambda out_bar, out, x, y: (out_bar / y, out_bar * (-x / fn.square(y))),
    "power": _power,
    # x > y just where max(x, y) > y: so the backward pass need not keep x.
    "maximum": lambda out_bar, out, x, y: (
        fn.select(y < out, out_bar, 0.0),
        fn.select(y < out, 0.0, out_bar),
    ),
    "minimum": lambda out_bar, out, x, y: (
        fn.select(out < y, out_bar, 0.0),
        fn.select(out < y, 0.0, out_bar),
    ),
    "select": lambda out_bar, out, condition, x, y: (
        None,
        fn.select(condition, out_bar, 0.0),
        fn.select(condition, 0.0, out_bar),
    ),
    "sum": lambda out_bar, out, x: (_spread(out_bar, x, out.attributes["axes"]),),
    "max": _maximum_over_axes,
    "matmul": lambda out_bar, out, x, y: (
        fn.matmul(out_bar, fn.transpose(y)),
        fn.matmul(fn.transpose(x), out_bar),
    ),
    "transpose": _transpose,
    "reshape": lambda out_bar, out, x: (fn.reshape(out_bar, x.shape),),
    "broadcast": lambda out_bar, out, x: (out_bar,),
    "slice": lambda out_bar, out, x: (fn.pad(out_bar, x.shape, out.attributes["ranges"]),),
    "pad": lambda out_bar, out, x: (fn.slice_axes(out_bar, out.attributes["ranges"]),),
    "concatenate": _concatenate,
    "take": lambda out_bar, out, x, indices: (
        fn.scatter_add(out_bar, indices, x.shape[0]),
        None,
    ),
    "scatter_add": lambda out_bar, out, values, indices: (fn.take(out_bar, indices), None),
}

NOT_DIFFERENTIABLE: dict[str, str] = {
    "variable": "a leaf has no inputs",
    "constant": "a leaf has no inputs",
    "size": "a number of rows does not vary",
    "uniform": "a random draw has no inputs",
    "sign": "it is flat wherever it has a derivative",
    "less": "a truth value is flat",
    "less_equal": "a truth value is flat",
    "equal": "a truth value is flat",
    "convert": "truth values and whole numbers do not vary smoothly",
    "stop_gradient": "it stops the gradient by its meaning",
}
"""Operations through which nothing flows back, with the reason."""
