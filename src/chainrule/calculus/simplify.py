"""The simplifier: named rewrites that leave the value of a graph as it is.

Each rewrite looks at one node whose inputs are simple already, and returns a simpler node or
None. The exact ones keep every bit of every result, NaN and infinity included, and are used on
all graphs. The others are algebra on real numbers: they are for formulas that people read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule.graph.functions as fn
from chainrule.graph.node import Node, constant
from chainrule.graph.shape import count
from chainrule.graph.traversal import rebuild, with_inputs

__all__ = ["ALGEBRA", "EXACT", "Rewrite", "simplify"]

Rewrite = Callable[[Node], Node | None]


def simplify(
    outputs: Sequence[Node],
    algebra: bool = False,
    trace: Callable[[str, Node, Node], None] | None = None,
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
    """
    rewrites = {**EXACT, **ALGEBRA} if algebra else EXACT

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        current = with_inputs(node, inputs)
        for _ in range(20):
            for name, rewrite in rewrites.items():
                after = rewrite(current)
                if after is not None and after is not current:
                    if trace is not None:
                        trace(name, current, after)
                    current = after
                    break
            else:
                break
        return current

    new = rebuild(outputs, change)
    return [new[node] for node in outputs]


# --- helpers -----------------------------------------------------------------------------


def _number(node: Node) -> float | None:
    """The value of a constant, also one stretched or reshaped."""
    while node.operation in ("broadcast", "reshape"):
        node = node.inputs[0]
    if node.operation == "constant" and node.kind == "float":
        value = node.attributes["value"]
        assert isinstance(value, float)
        return value
    return None


def _like(node: Node, replacement: Node) -> Node:
    return fn.broadcast_to(replacement, node.shape)


# --- exact -------------------------------------------------------------------------------


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
}


def _fold_constants(node: Node) -> Node | None:
    """2 + 3 = 5: arithmetic on numbers is done beforehand.

    Not on 0.1 + 0.2: in single precision that is another number than 0.3 rounded to it.
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
        if _number(left) == 1.0:
            return _like(node, right)
        if _number(right) == 1.0:
            return _like(node, left)
    return None


def _divide_by_one(node: Node) -> Node | None:
    """x/1 = x, and 1/x is the reciprocal."""
    if node.operation == "divide":
        left, right = node.inputs
        if _number(right) == 1.0:
            return _like(node, left)
        if _number(left) == 1.0 and right.shape == node.shape:
            return fn.reciprocal(right)
    return None


def _multiply_by_minus_one(node: Node) -> Node | None:
    """x·(-1) = -x."""
    if node.operation == "multiply":
        left, right = node.inputs
        if _number(left) == -1.0:
            return _like(node, -right)
        if _number(right) == -1.0:
            return _like(node, -left)
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
    if node.operation == "power" and _number(node.inputs[1]) == 1.0:
        return _like(node, node.inputs[0])
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
        if inner.operation == "broadcast" and (value := _number(inner)) is not None:
            return fn.broadcast_to(constant(value), node.shape)
    return None


def _transpose_twice(node: Node) -> Node | None:
    """(xᵀ)ᵀ = x."""
    if node.operation == "transpose" and node.inputs[0].operation == "transpose":
        outer, inner = node.attributes["permutation"], node.inputs[0].attributes["permutation"]
        return fn.transpose(node.inputs[0].inputs[0], [inner[axis] for axis in outer])
    return None


def _spare_stretch(node: Node) -> Node | None:
    """An element-wise operation stretches its inputs itself."""
    if node.operation not in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        return None
    for position, each in enumerate(node.inputs):
        if each.operation == "broadcast":
            inputs = list(node.inputs)
            inputs[position] = each.inputs[0]
            shorter = with_inputs(node, tuple(inputs))
            if shorter.shape == node.shape:
                return shorter
    return None


def _only_element(node: Node) -> Node | None:
    """What a reduction over axes of size 1 reduces."""
    (x,) = node.inputs
    if all(x.shape[axis] == 1 for axis in node.attributes["axes"]):
        return fn.reshape(x, node.shape)
    return None


def _max_of_one_element(node: Node) -> Node | None:
    """The largest of one element is that element."""
    return _only_element(node) if node.operation == "max" else None


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


# --- algebra -----------------------------------------------------------------------------


def _add_zero(node: Node) -> Node | None:
    """x + 0 = x (not exact: -0 + 0 is +0)."""
    if node.operation in ("add", "subtract"):
        left, right = node.inputs
        if _number(right) == 0.0:
            return _like(node, left)
        if _number(left) == 0.0:
            return _like(node, right if node.operation == "add" else -right)
    return None


def _multiply_by_zero(node: Node) -> Node | None:
    """x·0 = 0 (not exact: NaN·0 is NaN)."""
    if node.operation == "multiply" and 0.0 in (_number(each) for each in node.inputs):
        return _like(node, constant(0.0))
    return None


def _sum_of_one_element(node: Node) -> Node | None:
    """The sum of one element is that element (not exact: a sum begins at +0, and -0 + 0 is +0)."""
    return _only_element(node) if node.operation == "sum" else None


def _sum_of_constant(node: Node) -> Node | None:
    """Σ c = n·c."""
    if node.operation == "sum" and (value := _number(node.inputs[0])) is not None:
        x = node.inputs[0]
        terms = count(tuple(x.shape[axis] for axis in node.attributes["axes"]))
        return _like(node, constant(value) * fn.size(terms))
    return None


def _multiply_reciprocal(node: Node) -> Node | None:
    """x·(1/y) = x/y."""
    if node.operation == "multiply":
        left, right = node.inputs
        if right.operation == "reciprocal":
            return _like(node, left / right.inputs[0])
        if left.operation == "reciprocal":
            return _like(node, right / left.inputs[0])
    return None


def _subtract_itself(node: Node) -> Node | None:
    """x - x = 0."""
    if node.operation == "subtract" and node.inputs[0] is node.inputs[1]:
        return _like(node, constant(0.0))
    return None


def _one_plus_exp(node: Node) -> Node | None:
    """The u of an expression 1 + e^u, or None."""
    if node.operation != "add":
        return None
    left, right = node.inputs
    if _number(left) == 1.0 and right.operation == "exp":
        return right.inputs[0]
    if _number(right) == 1.0 and left.operation == "exp":
        return left.inputs[0]
    return None


def _recognise_logistic(node: Node) -> Node | None:
    """1/(1 + e^(-x)) = σ(x)."""
    if node.operation == "reciprocal" and (power := _one_plus_exp(node.inputs[0])) is not None:
        return _like(node, fn.logistic(simplify([-power])[0]))
    return None


def _recognise_logistic_slope(node: Node) -> Node | None:
    """e^(-x)/(1 + e^(-x))² = σ(x)·(1 - σ(x))."""
    if node.operation == "divide":
        above, below = node.inputs
        if (
            above.operation == "exp"
            and below.operation == "power"
            and _number(below.inputs[1]) == 2.0
            and _one_plus_exp(below.inputs[0]) is above.inputs[0]
        ):
            result = fn.logistic(simplify([-above.inputs[0]])[0])
            return _like(node, result * (1.0 - result))
    return None


ALGEBRA: dict[str, Rewrite] = {
    "plus zero": _add_zero,
    "times zero": _multiply_by_zero,
    "sum of one": _sum_of_one_element,
    "sum of a constant": _sum_of_constant,
    "itself minus itself": _subtract_itself,
    "times a reciprocal": _multiply_reciprocal,
    "logistic": _recognise_logistic,
    "slope of the logistic": _recognise_logistic_slope,
}
