"""What a derivation starts from: a graph with its values, its gradients and its symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from chainrule.calculus.reverse import gradient, local_gradients
from chainrule.engines.base import Array
from chainrule.engines.reference import evaluate
from chainrule.explain.faults import check_values
from chainrule.explain.symbols import choose_symbols
from chainrule.graph.node import Node, private_variable
from chainrule.graph.traversal import dependents, topological_order

__all__ = ["Board"]


class Board:
    """A scalar graph evaluated at one point, forward and backward.

    Values without a name are called by letters that are none of ``names``.

    Attributes
    ----------
    output : Node
    targets : list of Node
        What the output is derived by.
    order : list of Node
        All nodes, inputs first.
    symbols : dict of Node to str
    values : dict of Node to array
    reached : list of Node
        The nodes on the way from the output back to the targets, inputs first.
    gradients : dict of Node to array
        The gradient that flows back into each node reached, and into each target.
    """

    def __init__(
        self,
        output: Node,
        targets: Sequence[Node],
        given: Mapping[Node, Array],
        names: Iterable[str] = (),
    ) -> None:
        self.output = output
        self.targets = list(targets)
        self.order = topological_order([output])
        self.symbols = choose_symbols(self.order, names)
        self.given = dict(given)
        self.values = dict(evaluate([output], given))
        check_values(self.order, self.values)
        self.reached = _reached(output, self.order, self.targets)
        wanted = list(dict.fromkeys([*self.reached, *self.targets]))
        bars = gradient(output, wanted)
        computed = dict(evaluate(bars, given))
        self.gradients = {node: computed[bar] for node, bar in zip(wanted, bars, strict=True)}
        self._stand_ins: dict[Node, Node] = {}
        self._bars: dict[Node, Node] = {}

    @property
    def noise(self) -> float:
        """How far rounding may move the output, to first order: each value in its last bit."""
        moved = sum(
            float(np.sum(np.abs(self.values[node] * gradient)))
            for node, gradient in self.gradients.items()
        )
        return float(np.finfo(np.float64).eps) * moved

    def stand_in(self, node: Node) -> Node:
        """A variable of the node's symbol in its place: what it is made of does not matter.

        Variables and constants stand for themselves.
        """
        if node.operation in ("variable", "constant"):
            return node
        if node not in self._stand_ins:
            symbol = self.symbols[node]
            self._stand_ins[node] = private_variable(symbol, node.shape, node.kind)
        return self._stand_ins[node]

    def bar(self, node: Node) -> Node:
        """A variable in place of the gradient that flows back into the node."""
        if node not in self._bars:
            name = f"{self.symbols[node]}_bar"
            self._bars[node] = private_variable(name, node.shape, "float")
        return self._bars[node]

    def evaluate(self, nodes: Sequence[Node]) -> list[Array]:
        """The values of graphs over stand-ins, gradients in place of bars included."""
        known = {
            **self.given,
            **{variable: self.values[node] for node, variable in self._stand_ins.items()},
            **{variable: self.gradients[node] for node, variable in self._bars.items()},
        }
        computed = dict(evaluate(nodes, known))
        return [computed[node] for node in nodes]


def _reached(output: Node, order: Sequence[Node], targets: Sequence[Node]) -> list[Node]:
    """The nodes between the output and the targets into which some gradient flows."""
    leading = dependents(order, targets)
    reached = {output}
    for node in reversed(order):
        if node in reached:
            reached.update(each for each in _flows_into(node) if each in leading)
    return [node for node in order if node in reached]


def _flows_into(node: Node) -> list[Node]:
    if node.operation == "scan":
        return [each for each in node.inputs if each.kind == "float"]
    flows = local_gradients(node, private_variable("bar", node.shape, "float"))
    return [each for each, bar in zip(node.inputs, flows, strict=True) if bar is not None]
