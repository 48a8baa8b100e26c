"""The simplifier: named rewrites that leave the value of a graph as it is.

The exact ones, here, keep every bit of every result, NaN and infinity included, and are used on
all graphs. Those of ``calculus.algebra`` are for formulas that people read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.algebra import ARITHMETIC, RECOGNITION
from chainrule.calculus.rewriting import Rewrite, Trace, like, number, rewrite
from chainrule.graph.node import Node, constant
from chainrule.graph.traversal import with_inputs

__all__ = ["ALGEBRA", "EXACT", "PLAIN_ALGEBRA", "simplify"]


def simplify(
    outputs: Sequence[Node],
    algebra: bool = False,
    trace: Trace | None = None,
) -> list[Node]:
    """Simplify graphs.

    Parameters
    ----------
    outputs : sequence of Node
    algebra : bool, default=False
        Use the rewrites that hold for real numbers but not for every bit of a computed one.
    trace : callable, optional
        Called as ``trace(name, before, after)`` for each rewrite made.

    Returns
    -------
    list of Node
        The simplified outputs, of the same types.

    Examples
    --------
    >>> import chainrule as cr
    >>> slope = cr.parse_formula("exp(-x) / (1 + exp(-x))^2")
    >>> cr.simplify([slope], algebra=True)[0] is cr.parse_formula("sigmoid(x) * (1 - sigmoid(x))")
    True
    """
    return rewrite(outputs, ALGEBRA if algebra else EXACT, trace)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
}


def _fold_constants(node: Node) -> Node | None:
    """2 + 3 = 5: arithmetic on numbers is done beforehand.

    Not on 0.1 + 0.6: in single precision that is another number than 0.7 rounded to it.
    """
    if node.operation not in _ARITHMETIC or any(
        each.operation != "constant" or each.kind != "float" for each in node.inputs
    ):
        return None
    compute = _ARITHMETIC[node.operation]
    values = [each.attributes["value"] for each in node.inputs]
    with np.errstate(all="ignore"):
        result = float(compute(*values))
        agree = np.float32(result) == compute(*(np.float32(each) for each in values))
    return constant(result) if agree and math.isfinite(result) else None


def _multiply_by_one(node: Node) -> Node | None:
    """x·1 = x."""
    if node.operation == "multiply":
        left, right = node.inputs
        if number(left) == 1.0:
            return like(node, right)
        if number(right) == 1.0:
            return like(node, left)
    return None


def _divide_by_one(node: Node) -> Node | None:
    """x/1 = x, and 1/x is the reciprocal."""
    if node.operation == "divide":
        left, right = node.inputs
        if number(right) == 1.0:
            return like(node, left)
        if number(left) == 1.0 and right.shape == node.shape:
            return fn.reciprocal(right)
    return None


def _multiply_by_minus_one(node: Node) -> Node | None:
    """x·(-1) = -x."""
    if node.operation == "multiply":
        left, right = node.inputs
        if number(left) == -1.0:
            return like(node, -right)
        if number(right) == -1.0:
            return like(node, -left)
    return None


def _negate_twice(node: Node) -> Node | None:
    """-(-x) = x."""
    if node.operation == "negate" and node.inputs[0].operation == "negate":
        return node.inputs[0].inputs[0]
    return None


def _add_negative(node: Node) -> Node | None:
    """x + (-y) = x - y, and x - (-y) = x + y."""
    if node.operation in ("add", "subtract") and node.inputs[1].operation == "negate":
        left, right = node.inputs[0], node.inputs[1].inputs[0]
        return left - right if node.operation == "add" else left + right
    return None


def _power_one(node: Node) -> Node | None:
    """x^1 = x."""
    if node.operation == "power" and number(node.inputs[1]) == 1.0:
        return like(node, node.inputs[0])
    return None


def _merge_shapes(node: Node) -> Node | None:
    """A reshape of a reshape, or a stretch of a stretch, is one."""
    if node.operation in ("reshape", "broadcast") and node.inputs:
        inner = node.inputs[0]
        if inner.shape == node.shape:
            return inner
        if inner.operation == node.operation:
            if node.operation == "reshape":
                return fn.reshape(inner.inputs[0], node.shape)
            return fn.broadcast_to(inner.inputs[0], node.shape)
        if inner.operation != "constant" and (value := number(inner)) is not None:
            return fn.broadcast_to(constant(value), node.shape)
    return None


def _transpose_twice(node: Node) -> Node | None:
    """(xᵀ)ᵀ = x."""
    if node.operation == "transpose" and node.inputs[0].operation == "transpose":
        outer, inner = node.attributes["permutation"], node.inputs[0].attributes["permutation"]
        return fn.transpose(node.inputs[0].inputs[0], [inner[axis] for axis in outer])
    return None


def _spare_stretch(node: Node) -> Node | None:
    """An element-wise operation stretches its inputs itself, single numbers to any shape."""
    if node.operation not in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        return None
    for position, each in enumerate(node.inputs):
        a_number = each.operation == "reshape" and not each.inputs[0].shape
        if each.operation == "broadcast" or a_number:
            inputs = list(node.inputs)
            inputs[position] = each.inputs[0]
            shorter = with_inputs(node, tuple(inputs))
            if shorter.shape == node.shape:
                return shorter
    return None


def _max_of_one_element(node: Node) -> Node | None:
    """The largest of one element is that element."""
    if node.operation == "max":
        (x,) = node.inputs
        if all(x.shape[axis] == 1 for axis in node.attributes["axes"]):
            return fn.reshape(x, node.shape)
    return None


EXACT: dict[str, Rewrite] = {
    "arithmetic": _fold_constants,
    "times one": _multiply_by_one,
    "over one": _divide_by_one,
    "times minus one": _multiply_by_minus_one,
    "double negation": _negate_twice,
    "adding a negative": _add_negative,
    "power one": _power_one,
    "one reshape": _merge_shapes,
    "double transpose": _transpose_twice,
    "spare stretch": _spare_stretch,
    "max of one": _max_of_one_element,
}


# People prefer 1/3 to 0.3333: algebra does arithmetic with numbers itself.
PLAIN_ALGEBRA: dict[str, Rewrite] = {
    **{name: rewrite_ for name, rewrite_ in EXACT.items() if name != "arithmetic"},
    **ARITHMETIC,
}
ALGEBRA: dict[str, Rewrite] = {**PLAIN_ALGEBRA, **RECOGNITION}
