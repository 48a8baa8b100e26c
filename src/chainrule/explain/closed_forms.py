"""The derivative by each variable as one formula in the variables alone."""

from __future__ import annotations

from chainrule.calculus.reverse import pull_back
from chainrule.explain.board import Board
from chainrule.explain.slopes import Slopes
from chainrule.explain.worksheet import ClosedForm, as_value
from chainrule.graph.node import Node, constant, make
from chainrule.graph.traversal import rebuild, topological_order

__all__ = ["LONGEST_FORMULA", "closed_forms", "length"]

LONGEST_FORMULA = 150
"""Operations and symbols in a formula that can still be read."""


def closed_forms(board: Board, longest: int = LONGEST_FORMULA) -> dict[Node, list[ClosedForm]]:
    """For each target the derivative as a formula, each one simpler than the one before.

    A target whose derivative is too long to read has none, nor has one inside a loop.
    """
    bare = rebuild([board.output], _without_name)
    output = bare[board.output]
    derivatives = pull_back([output], [constant(1.0)], [bare[each] for each in board.targets])
    slopes = Slopes([output])
    stages = {
        target: slopes.stages(derivative)
        for target, derivative in zip(board.targets, derivatives, strict=True)
        if derivative is not None and length(derivative) <= longest
        if all(node.operation != "scan" for node in topological_order([derivative]))
    }
    graphs = [node for each in stages.values() for node, _ in each]
    values = dict(zip(graphs, board.evaluate(graphs), strict=True))
    return {
        target: [
            ClosedForm(formula, as_value(values[node])) for node, formula in stages.get(target, [])
        ]
        for target in board.targets
    }


def length(node: Node) -> int:
    """The number of operations and symbols in the formula of a node, up to a limit."""
    lengths: dict[Node, int] = {}
    for each in topological_order([node]):
        parts = sum(lengths[part] for part in each.inputs)
        lengths[each] = min(1 + parts, LONGEST_FORMULA + 1)
    return lengths[node]


def _without_name(node: Node, inputs: tuple[Node, ...]) -> Node:
    # Two equal parts of different names become one: algebra sees that they are equal.
    if node.operation == "variable":
        return node
    return make(node.operation, *inputs, **node.attributes)
