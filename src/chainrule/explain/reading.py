"""What a derivation is asked for: the formula, the point, and what to derive by."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.errors import FormulaError, GraphError
from chainrule.graph.node import Node
from chainrule.graph.parser import parse_formula
from chainrule.graph.shape import format_shape
from chainrule.graph.traversal import topological_order, variables
from chainrule.notation.writing import format_formula

__all__ = ["Target", "read_expression", "read_targets", "read_values"]

Target = Node | str


def read_expression(expression: Node | str) -> Node:
    """A formula in text, or a graph, as a graph of a single number."""
    if isinstance(expression, str):
        expression = parse_formula(expression)
    if not isinstance(expression, Node):
        raise FormulaError(
            f"A formula is text or a node, not {type(expression).__name__}: write "
            f"explain('x*y', x=2, y=3)."
        )
    if expression.shape or expression.kind != "float":
        raise GraphError(
            f"Only a single number is derived, but this is {expression.type}: reduce it with "
            f"sum() or mean() first."
        )
    return expression


def _variables_by_name(output: Node) -> dict[str, Node]:
    named: dict[str, Node] = {}
    for node in variables([output]):
        if node.name in named:
            raise FormulaError(f"Two variables are called {node.name!r}: give them two names.")
        named[node.name or ""] = node
    return named


def read_values(
    output: Node,
    values: Mapping[Target, npt.ArrayLike],
    named_values: Mapping[str, npt.ArrayLike],
) -> dict[Node, Array]:
    """A value for each variable of the graph, given by name or by node, in the order given."""
    leaves = _variables_by_name(output)
    given: dict[str, npt.ArrayLike] = {}
    for key, value in [*values.items(), *named_values.items()]:
        name = key.name or format_formula(key) if isinstance(key, Node) else key
        if name in given:
            raise FormulaError(f"{name!r} is given two values.")
        given[name] = value
    for name in given:
        if name not in leaves:
            raise FormulaError(_unknown(name, leaves, output))
    missing = [name for name in leaves if name not in given]
    if missing:
        raise FormulaError(
            f"There is no value for {_and(missing)}: give one, such as {missing[0]}=1. "
            f"The formula has the variables {_and(leaves)}."
        )
    return {leaves[name]: _read_value(leaves[name], value) for name, value in given.items()}


def _read_value(node: Node, value: npt.ArrayLike) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise FormulaError(f"{node.name!r} needs a number, but it is given {value!r}.")
    if not node.shape and array.shape:
        raise FormulaError(
            f"{node.name!r} is a single number in this formula, but it is given an array of shape "
            f"{format_shape(array.shape)}. Arrays need a graph: "
            f"variable({node.name!r}, {format_shape(array.shape)})."
        )
    return array.astype(np.float64) if node.kind == "float" else array


def read_targets(
    output: Node, wrt: Target | Sequence[Target] | None, given: Iterable[Node]
) -> list[Node]:
    """What to derive by: all variables given, or the variables and parts asked for."""
    if wrt is None:
        if output.operation == "constant":
            raise FormulaError(
                f"The formula {format_formula(output)} has no variable to derive by: write one "
                f"with a letter in it, such as 3*x."
            )
        return [node for node in given if node.kind == "float"]
    order = topological_order([output])
    named = {node.name: node for node in order if node.name}
    targets = []
    wanted = [wrt] if isinstance(wrt, Node | str) else wrt
    if not isinstance(wanted, Iterable) or not all(isinstance(e, Node | str) for e in wanted):
        raise FormulaError(f"wrt takes names or nodes, such as wrt='x', not {wrt!r}.")
    for each in wanted:
        node = named.get(each) if isinstance(each, str) else each
        if node is None or node not in order:
            name = each if isinstance(each, str) else format_formula(each)
            raise FormulaError(_unknown(name, named, output))
        if node.kind != "float":
            raise FormulaError(f"{node.name!r} is of kind {node.kind!r}: it has no derivative.")
        targets.append(node)
    return list(dict.fromkeys(targets))


def _unknown(name: str, known: Iterable[str], output: Node) -> str:
    for node in topological_order([output]):
        if node.name == name and node.inputs and name not in known:
            return f"{name!r} is not a variable: it is computed as {format_formula(node)}."
    if not known:
        return f"There is no {name!r} in the formula, which has no variables."
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no {name!r} in the formula; it has {_and(known)}.{hint}"


def _and(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
