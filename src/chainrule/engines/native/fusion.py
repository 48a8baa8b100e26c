"""Fusion: which element-wise values get memory, and which are computed where they are used."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from chainrule.graph.node import Node
from chainrule.graph.operations import OPERATIONS

__all__ = ["choose_stored"]

# What an element-wise operation costs, in units of an addition; the rest cost 1.
_COSTS = {
    "divide": 4,
    "reciprocal": 4,
    "sqrt": 6,
    "uniform": 40,
    "power": 4,
    "exp": 12,
    "expm1": 16,
    "log": 16,
    "log1p": 20,
    "tanh": 20,
    "logistic": 16,
    "softplus": 30,
    "sin": 24,
    "cos": 24,
    "erf": 40,
}
_CHEAP = 3
"""Up to this cost, a value with several readers is computed anew by each."""


def choose_stored(
    order: Sequence[Node], uses: Mapping[Node, Sequence[Node]], wanted: Container[Node]
) -> set[Node]:
    """The element-wise values that must be found in memory by somebody.

    Parameters
    ----------
    order : sequence of Node
        The nodes of a block, inputs first.
    uses : mapping of Node to sequence of Node
        The nodes that take each as an input.
    wanted : container of Node
        What the block must leave in memory.
    """
    stored: set[Node] = set()
    cost: dict[Node, float] = {}
    leaves: dict[Node, int] = {}
    for node in order:
        if not _is_elementwise(node):
            cost[node], leaves[node] = 0, 0 if node.operation == "constant" else 1
            continue
        own = 0 if node.operation == "broadcast" else _COSTS.get(node.operation, 1)
        cost[node] = own + sum(0 if each in stored else cost.get(each, 0) for each in node.inputs)
        leaves[node] = sum(1 if each in stored else leaves.get(each, 1) for each in node.inputs)
        users = uses.get(node, [])
        read_in_memory = any(not _computes_inline(user) for user in users)
        expensive = cost[node] > _CHEAP or leaves[node] > 2
        if node in wanted or read_in_memory or (len(set(users)) > 1 and expensive):
            stored.add(node)
    return stored


def _computes_inline(user: Node) -> bool:
    """Whether a node takes its inputs as formulas, so that they need no memory."""
    family = OPERATIONS[user.operation].family
    return family in ("elementwise", "reduction") or user.operation in (
        "broadcast",
        "concatenate",
        "pad",
    )


def _is_elementwise(node: Node) -> bool:
    return OPERATIONS[node.operation].family == "elementwise" or node.operation in (
        "uniform",
        "broadcast",
    )
