"""The chain rule for one variable: every path back to it as a product of partial derivatives.

A path goes through the parts that the user named; where nothing has a name, through every
operation. Between two of these landmarks the derivative is one formula, whatever it is made of.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.calculus.reverse import pull_back
from chainrule.explain.board import Board
from chainrule.explain.closed_forms import LONGEST_FORMULA, length
from chainrule.explain.formula import Formula
from chainrule.explain.slopes import Slopes
from chainrule.explain.worksheet import Factor, Path
from chainrule.graph.node import Node, constant
from chainrule.graph.traversal import dependents, rebuild, topological_order, with_inputs

__all__ = ["Chains"]

# What is longer is no explanation.
_MOST_PATHS, _LONGEST_PATH = 8, 16


@dataclass(frozen=True)
class _Link:
    """The derivative of one landmark by the next: a graph over stand-ins, formula and value."""

    derivative: Node
    formula: Formula | None
    value: float


class Chains:
    """The chains of partial derivatives from the output of a board back to its targets."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._landmarks = _landmarks(board)
        self._links = self._make_links()

    def paths(self, target: Node) -> list[Path]:
        """All ways from the output back to a target; none where arrays are on the way.

        Where there are too many, or too long ones, only the last factor of each stands alone:
        what comes before it is summed up in its value.
        """
        output = self._board.output
        depending = dependents(self._board.order, [target])
        between = [node for node in self._landmarks if node in depending]
        if target not in between or target is output or any(node.shape for node in between):
            return []
        n_routes, longest = {target: 1}, {target: 0}
        for node in between:
            onward = [each for each in self._links[node] if each in n_routes]
            if node is not target and onward:
                n_routes[node] = sum(n_routes[each] for each in onward)
                longest[node] = 1 + max(longest[each] for each in onward)
        if output not in n_routes:
            return []
        if n_routes[output] <= _MOST_PATHS and longest[output] <= _LONGEST_PATH:
            routes = list(self._routes(target, set(n_routes)))
        else:
            routes = [(node, target) for node in n_routes if target in self._links[node]]
        products = self._board.evaluate([self._product(route) for route in routes])
        return [
            Path(self._factors(route), float(product))
            for route, product in zip(routes, products, strict=True)
        ]

    def _routes(self, target: Node, between: set[Node]) -> Iterator[tuple[Node, ...]]:
        stack: list[tuple[Node, ...]] = [(self._board.output,)]
        while stack:
            route = stack.pop()
            if route[-1] is target:
                yield route
            else:
                onward = [each for each in self._links[route[-1]] if each in between]
                stack.extend((*route, each) for each in reversed(onward))

    def _product(self, route: tuple[Node, ...]) -> Node:
        whole = route[0] is self._board.output
        product = constant(1.0) if whole else self._board.bar(route[0])
        for of, by in itertools.pairwise(route):
            product = product * self._links[of][by].derivative
        return product

    def _factors(self, route: tuple[Node, ...]) -> tuple[Factor, ...]:
        board, symbols = self._board, self._board.symbols
        factors = []
        if route[0] is not board.output:
            summed_up = float(board.gradients[route[0]])
            factors.append(Factor(symbols[board.output], symbols[route[0]], None, summed_up))
        for of, by in itertools.pairwise(route):
            link = self._links[of][by]
            factors.append(Factor(symbols[of], symbols[by], link.formula, link.value))
        return tuple(factors)

    def _make_links(self) -> dict[Node, dict[Node, _Link]]:
        board = self._board
        stand_ins = {node: board.stand_in(node) for node in self._landmarks}
        landmark_of = {stand_in: node for node, stand_in in stand_ins.items()}
        found: list[tuple[Node, Node, Node, Formula | None]] = []
        for of in self._landmarks:
            if of.shape or not of.inputs:
                continue
            others = {node: each for node, each in stand_ins.items() if node is not of}
            cut = rebuild([of], with_inputs, known=others)[of]
            ends = [each for each in topological_order([cut]) if each in landmark_of]
            ends = [each for each in ends if not each.shape]
            slopes = Slopes([cut])
            for end, derivative in zip(ends, pull_back([cut], [constant(1.0)], ends), strict=True):
                if derivative is not None:
                    readable = length(derivative) <= LONGEST_FORMULA
                    formula = slopes.write(derivative) if readable else None
                    found.append((of, landmark_of[end], derivative, formula))
        values = board.evaluate([derivative for _, _, derivative, _ in found])
        links: dict[Node, dict[Node, _Link]] = {node: {} for node in self._landmarks}
        for (of, by, derivative, formula), value in zip(found, values, strict=True):
            links[of][by] = _Link(derivative, formula, float(value))
        return links


def _landmarks(board: Board) -> list[Node]:
    """Where the paths stop on their way: named parts, or else every operation."""
    named = {node for node in board.reached if node.name and node.inputs}
    stops = named if named - {board.output} else set(board.reached)
    stops |= {board.output, *board.targets}
    return [node for node in board.reached if node in stops]
