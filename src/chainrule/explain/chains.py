"""The chain rule for one variable: every path back to it as a product of partial derivatives.

A path goes through the parts that the user named; where nothing has a name, through every
operation. Between two of these landmarks the derivative is one formula, whatever it is made of.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.calculus.reverse import pull_back
from chainrule.explain.board import Board
from chainrule.explain.closed_forms import LONGEST_FORMULA, length
from chainrule.explain.slopes import Slopes
from chainrule.explain.worksheet import Factor, Path
from chainrule.graph.node import Node, constant
from chainrule.graph.traversal import dependents, rebuild, topological_order, with_inputs
from chainrule.notation.formula import Formula

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
        """All ways from the output back to a number; none back to an array.

        Where a way leads through arrays, and where there are too many ways or too long ones, it
        begins further down: what comes before is summed up in its value.
        """
        output = self._board.output
        depending = dependents(self._board.order, [target])
        between = [node for node in self._landmarks if node in depending]
        if target not in between or target is output or target.shape:
            return []
        users = {node: [each for each in between if node in self._links[each]] for node in between}
        gates = {node for node in between if node is output or self._meets_array(node, depending)}
        routes = self._routes(target, users, gates)
        if len(routes) > _MOST_PATHS or any(len(route) > _LONGEST_PATH for route in routes):
            routes = [(node, target) for node in users[target]]
        else:
            routes.sort(key=self._in_order)
        routes = [route for route in routes if len(route) > 1]
        products = self._board.evaluate([self._product(route) for route in routes])
        return [
            Path(self._factors(route), float(product))
            for route, product in zip(routes, products, strict=True)
        ]

    def why_none(self) -> str:
        """Why there is no way back to any target, in a sentence."""
        board = self._board
        symbols = [board.symbols[each] for each in board.targets]
        if all(each not in board.reached for each in board.targets):
            return f"There is no chain rule: nothing flows from {board.symbols[board.output]} back."
        if board.targets == [board.output]:
            return f"There is no chain rule: {symbols[0]} is the result itself."
        way = "back to" if all(each.shape for each in board.targets) else "through"
        return (
            f"The chain rule is left out: it leads {way} arrays, with ways for each of their "
            f"entries; Backward goes all of them at once."
        )

    def _in_order(self, route: tuple[Node, ...]) -> list[int]:
        """Routes in the order in which formulas use their parts."""
        start = self._landmarks.index(route[0])
        links = itertools.pairwise(route)
        return [start, *(list(self._links[of]).index(by) for of, by in links)]

    def _meets_array(self, node: Node, depending: set[Node]) -> bool:
        """Whether the next landmark after a number is an array."""
        landmarks = set(self._landmarks)
        met = {node}
        for each in self._board.order:
            if each in depending and any(part in met for part in each.inputs):
                if each not in landmarks:
                    met.add(each)
                elif each.shape:
                    return True
        return False

    def _routes(
        self, target: Node, users: Mapping[Node, list[Node]], gates: set[Node]
    ) -> list[tuple[Node, ...]]:
        """The ways up from the target to the output, or to where arrays begin."""
        found: list[tuple[Node, ...]] = []
        stack: list[tuple[Node, ...]] = [(target,)]
        while stack and len(found) <= _MOST_PATHS:
            route = stack.pop()
            if route[0] in gates or len(route) > _LONGEST_PATH:
                found.append(route)
            else:
                stack.extend((each, *route) for each in users[route[0]])
        return found

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
