"""Functions spelled out in exp, log and 1/x, as they are defined."""

from __future__ import annotations

from collections.abc import Callable

import chainrule.graph.functions as fn
from chainrule.graph.node import Node
from chainrule.graph.traversal import rebuild, with_inputs

__all__ = ["spelled_out"]

_DEFINITIONS: dict[str, Callable[[Node], Node]] = {
    "logistic": lambda x: fn.reciprocal(1.0 + fn.exp(-x)),
    "tanh": lambda x: (fn.exp(x) - fn.exp(-x)) / (fn.exp(x) + fn.exp(-x)),
    "softplus": lambda x: fn.log(1.0 + fn.exp(x)),
    "log1p": lambda x: fn.log(1.0 + x),
    "expm1": lambda x: fn.exp(x) - 1.0,
}


def spelled_out(output: Node) -> Node:
    """A graph with σ, tanh and their kin written as what they are made of.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.notation.writing import format_formula
    >>> format_formula(spelled_out(cr.parse_formula("sigmoid(w*x)")))
    '1/(1 + e^(−w·x))'
    """

    def spelled(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.operation not in _DEFINITIONS:
            return with_inputs(node, inputs)
        meaning = _DEFINITIONS[node.operation](*inputs)
        return meaning.named(node.name) if node.name else meaning

    return rebuild([output], spelled)[output]
