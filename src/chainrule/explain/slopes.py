"""Derivatives as a person writes them: simplified, and with σ′ for the slope of σ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.calculus.reverse import local_gradients
from chainrule.calculus.rewriting import rewrite
from chainrule.calculus.simplify import PLAIN_ALGEBRA, simplify
from chainrule.explain.worksheet import Definition
from chainrule.graph.node import Node, make, private_variable, variable
from chainrule.graph.traversal import substitute, topological_order
from chainrule.notation.formula import Call, Formula, Symbol
from chainrule.notation.writing import PRIMED, function_name, write

__all__ = ["Slopes", "define_primes"]


class Slopes:
    """Writes derivatives of some graphs, with primes for the slopes of their functions.

    Parameters
    ----------
    graphs : iterable of Node
        What the derivatives are derivatives of.
    known : mapping of Node to Formula, optional
        How some nodes are written.
    """

    def __init__(self, graphs: Iterable[Node], known: dict[Node, Formula] | None = None) -> None:
        self._known = dict(known or {})
        self._primes: dict[Node, Node] = {}
        for node in topological_order(graphs):
            if node.operation in PRIMED:
                prime = private_variable("slope", node.shape, "float")
                self._primes[_slope(node)] = prime
                inside = write(node.inputs[0], self._known)
                self._known[prime] = Call(function_name(node.operation), (inside,), primes=1)

    def write(self, derivative: Node) -> Formula:
        """A derivative, simplified."""
        (hidden,) = substitute([derivative], self._primes)
        return write(simplify([hidden], algebra=True)[0], self._known)

    def stages(self, derivative: Node) -> list[tuple[Node, Formula]]:
        """A derivative simplified as arithmetic, and then with known functions recognised."""
        hidden = substitute([derivative], self._primes)
        plain = rewrite(hidden, PLAIN_ALGEBRA)
        recognised = simplify(plain, algebra=True)
        shown = {prime: slope for slope, prime in self._primes.items()}
        nodes = plain if recognised == plain else [*plain, *recognised]
        return [(substitute([node], shown)[0], write(node, self._known)) for node in nodes]


def define_primes(nodes: Sequence[Node], names: Iterable[str]) -> list[Definition]:
    """What each prime that the derivatives of ``nodes`` need stands for, by its rule."""
    taken = set(names)
    z = variable(next(each for each in ("z", "u", "t", "v", "ζ") if each not in taken))
    operations = dict.fromkeys(node.operation for node in nodes if node.operation in PRIMED)
    definitions = []
    for operation in operations:
        (meaning,) = simplify([_slope(make(operation, z))], algebra=True)
        sign = Call(function_name(operation), (Symbol(z.name or ""),), primes=1)
        definitions.append(Definition(sign, write(meaning)))
    return definitions


def _slope(node: Node) -> Node:
    """The local derivative of a function of one input, just as its rule writes it."""
    (product,) = local_gradients(node, private_variable("bar", node.shape, "float"))
    assert product is not None
    return product.inputs[1]
