"""Where a formula has no value or no derivative: what is at fault, and at which numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from chainrule.engines.base import Array
from chainrule.errors import FormulaError
from chainrule.explain.worksheet import Kink
from chainrule.graph.node import Node
from chainrule.graph.traversal import variables
from chainrule.notation.formula import Formula
from chainrule.notation.formula_text import formula_text, number_text
from chainrule.notation.writing import format_formula

__all__ = ["check_slope", "check_values", "find_kink", "has_kink", "side"]


def check_values(order: Sequence[Node], values: Mapping[Node, Array]) -> None:
    """Raise FormulaError at the first node whose value is not a finite number."""
    for node in order:
        if not np.all(np.isfinite(values[node])):
            if node.operation == "variable":
                raise FormulaError(
                    f"{node.name} is {_value(values[node])}, but a derivation needs finite numbers."
                )
            inputs = [values[each] for each in node.inputs]
            raise FormulaError(
                f"{_short(node)} has no finite value{_at(node, values)}: {_cause(node, inputs)}."
            )


def check_slope(
    node: Node, position: int, slope: Formula, value: Array, values: Mapping[Node, Array]
) -> None:
    """Raise FormulaError if a local derivative of ``node`` is not a finite number."""
    if not np.all(np.isfinite(value)):
        by = _short(node.inputs[position])
        raise FormulaError(
            f"{_short(node)} has no finite derivative with respect to {by}{_at(node, values)}: "
            f"its rule, {formula_text(slope)}, gives {_value(value)}."
        )


def find_kink(node: Node, inputs: Sequence[Array]) -> Kink | None:
    """The kink of ``node`` at just these inputs, if it has one there."""
    if node.operation not in _KINKS:
        return None
    is_at_kink, where, rule = _KINKS[node.operation]
    if not np.any(is_at_kink(node, *inputs)):
        return None
    return Kink(f"{_short(node)} has no derivative {where}", rule)


def has_kink(node: Node) -> bool:
    """Whether an operation has no derivative somewhere."""
    return node.operation in _KINKS


def side(node: Node, inputs: Sequence[Array]) -> Array:
    """On which side of its kink each entry of ``node`` is."""
    match node.operation:
        case "absolute" | "sign":
            return np.sign(inputs[0])
        case "max":
            return inputs[0] == np.max(inputs[0], axis=node.attributes["axes"], keepdims=True)
    return np.sign(np.subtract(inputs[0], inputs[1], dtype=np.float64))


Condition = Callable[..., Array | np.bool_ | bool]


def _equal(node: Node, x: Array, y: Array) -> Array:
    return np.equal(x, y)


def _zero(node: Node, x: Array) -> Array:
    return np.equal(x, 0.0)


def _several_largest(node: Node, x: Array) -> Array:
    axes = node.attributes["axes"]
    largest = x == np.max(x, axis=axes, keepdims=True)
    return np.sum(largest, axis=axes) > 1


_SIDES_EQUAL = "where its sides are equal"
_TO_SECOND = "its rule takes the second"
_KINKS: dict[str, tuple[Condition, str, str]] = {
    "maximum": (_equal, _SIDES_EQUAL, _TO_SECOND),
    "minimum": (_equal, _SIDES_EQUAL, _TO_SECOND),
    "max": (_several_largest, "where several are the largest", "its rule lets them share evenly"),
    "absolute": (_zero, "at 0", "its rule takes 0"),
    "sign": (_zero, "at 0, where it jumps", "its rule takes 0"),
    "less": (_equal, _SIDES_EQUAL, "its rule takes 0"),
    "less_equal": (_equal, _SIDES_EQUAL, "its rule takes 0"),
    "equal": (_equal, _SIDES_EQUAL, "its rule takes 0"),
}


def _cause(node: Node, inputs: Sequence[Array]) -> str:
    """What makes the value of an operation infinite or no number."""
    arguments = [_short(each) for each in node.inputs]
    found = [
        f"{text} = {_value(array)}" if text != _value(array) else text
        for text, array in zip(arguments, inputs, strict=True)
    ]
    match node.operation:
        case "reciprocal" if np.any(inputs[0] == 0.0):
            return f"it divides by zero, as {found[0]}"
        case "divide" if np.any(inputs[1] == 0.0):
            return f"it divides by zero, as {found[1]}"
        case "log" if np.any(inputs[0] <= 0.0):
            return f"only positive numbers have a logarithm, but {found[0]}"
        case "log1p" if np.any(inputs[0] <= -1.0):
            return f"only numbers above −1 have a log1p, but {found[0]}"
        case "sqrt" if np.any(inputs[0] < 0.0):
            return f"only numbers from 0 up have a square root, but {found[0]}"
        case "power" if np.any((inputs[0] == 0.0) & (inputs[1] < 0.0)):
            return f"a negative power of zero divides by zero, as {found[0]}"
        case "power" if np.any(inputs[0] < 0.0) and np.any(inputs[1] != np.rint(inputs[1])):
            return f"a negative number has no such power, but {found[0]} and {found[1]}"
    return f"it is too large to be computed (more than 1.8·10³⁰⁸), as {' and '.join(found)}"


def _short(node: Node) -> str:
    """A node as a formula, or by its name where that would be long."""
    text = format_formula(node, expand=True)
    if len(text) > 60:
        text = format_formula(node)
    return text if len(text) <= 60 or not node.name else node.name


def _at(node: Node, values: Mapping[Node, Array]) -> str:
    given = [f"{each.name} = {_value(values[each])}" for each in variables([node])]
    return f" at {', '.join(given)}" if 0 < len(given) <= 8 else ""


def _value(array: Array) -> str:
    if array.ndim:
        smallest, largest = number_text(float(array.min())), number_text(float(array.max()))
        return f"an array from {smallest} to {largest}"
    return number_text(float(array))
