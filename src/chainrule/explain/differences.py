"""A gradient checked against central differences: the definition of a derivative itself.

A difference has two errors: it leaves out what is of the order of h², and it magnifies rounding by
1/h. Several steps h are tried, and the one is taken whose error is estimated to be the smallest,
before the derivative is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.engines.base import Array
from chainrule.engines.registry import compile as compile_graph
from chainrule.explain.faults import has_kink, side
from chainrule.explain.worksheet import Check
from chainrule.graph.node import Node, private_variable
from chainrule.graph.traversal import dependents, substitute, topological_order
from chainrule.notation.entries import Index

__all__ = ["Probe", "Sides", "check_gradient"]

_STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
"""Steps h, as a share of the size of what is moved."""

_HIDDEN = 1e-3
"""A difference whose error may be more than this share of it supports nothing."""

_NOTHING = 1e-6
"""A derivative of 0 is confirmed by a difference that is accurate to this."""

Sides = Sequence[Array]
"""For each operation with a kink, the side of it on which each of its entries is."""


class Probe:
    """A graph of one number as a function of one of its nodes, or of one entry of it.

    Parameters
    ----------
    output, target : Node
    values : mapping of Node to array
        The values of all nodes of the graph: what does not depend on the target is not
        computed again.
    index : tuple of int, optional
        The entry of the target that is moved; the whole target by default.
    """

    def __init__(
        self, output: Node, target: Node, values: Mapping[Node, Array], index: Index | None = None
    ) -> None:
        order = topological_order([output])
        # What a stopped gradient is made of is held, as the gradient holds it.
        flowing = [node for node in order if node.operation != "stop_gradient"]
        depending = dependents(flowing, [target])
        moving = [node for node in order if node in depending]
        around = dict.fromkeys(
            part for node in moving if node is not target for part in node.inputs
        )
        fixed = {
            node: private_variable("fixed", node.shape, node.kind)
            for node in around
            if node not in depending and node.operation not in ("constant", "size")
        }
        free = private_variable("free", target.shape, target.kind)
        self._kinks = [node for node in moving if node is not target and has_kink(node)]
        operands = [part for node in self._kinks for part in node.inputs]
        outputs = substitute([output, *operands], {target: free, **fixed})
        self._function = compile_graph(outputs, [free, *fixed.values()], engine="reference")
        self._fixed = [values[node] for node in fixed]
        self._start, self._index = values[target], index
        self._latest: tuple[Array, float, Sides] | None = None

    def value(self, at: Array) -> float:
        """The output where the target is ``at``."""
        return self._evaluate(at)[1]

    def sides(self, at: Array) -> Sides:
        """On which side of each kink it is there."""
        return self._evaluate(at)[2]

    def _evaluate(self, at: Array) -> tuple[Array, float, Sides]:
        if self._latest is None or self._latest[0] is not at:
            moved = at
            if self._index is not None:
                moved = self._start.copy()
                moved[self._index] = at
            value, *operands = self._function(moved, *self._fixed)
            remaining = iter(operands)
            sides = [side(node, [next(remaining) for _ in node.inputs]) for node in self._kinks]
            self._latest = at, float(value), sides
        return self._latest


@dataclass(frozen=True)
class _Difference:
    """A central difference, and how far its rounding may have moved it."""

    quotient: float
    rounding: float


def check_gradient(
    function: Callable[[Array], float],
    at: Array,
    gradient: Array,
    kink: str | None = None,
    sides: Callable[[Array], Sides] | None = None,
    noise: float = 0.0,
) -> Check:
    """Compare a gradient with (f(x+h) - f(x-h))/2h.

    Parameters
    ----------
    function : callable
        f, from an array of the shape of ``at`` to a number.
    at : array
        x, a number or an array.
    gradient : array
        The derivative of f at x, of the same shape.
    kink : str, optional
        Why f has no derivative there, if it has none: then there is nothing to check.
    sides : callable, optional
        Where f is made of several pieces, which of them holds at some x: a difference across the
        border of two pieces is that of neither.
    noise : float, default=0.0
        How far rounding may move a value of f; at least that of its last bit is assumed.

    Returns
    -------
    Check

    Notes
    -----
    An array is moved along one random direction, the same in every run, so that the check of a
    large matrix costs no more than that of a number.
    """
    direction = _direction(at.shape)
    derivative = float(np.sum(gradient * direction))
    if kink is not None:
        return Check(derivative, None, reason=kink)
    found = list(_differences(function, at, direction, sides, noise))
    differences = [each for each in found if isinstance(each, _Difference)]
    if not differences:
        reason = "the formula has no value on both sides of this point"
        if "kink" in found:
            reason = "a kink lies closer to this point than the steps of a difference"
        return Check(derivative, None, reason=reason)
    accuracy, quotient = min(_estimates(differences), key=_relative)
    size = max(abs(derivative), abs(quotient))
    # A derivative of exactly 0 has no size to compare with.
    if accuracy > (_HIDDEN * size if derivative else _NOTHING):
        return Check(derivative, None, reason="rounding hides so small a difference of the formula")
    return Check(derivative, quotient, accuracy)


def _differences(
    function: Callable[[Array], float],
    at: Array,
    direction: Array,
    sides: Callable[[Array], Sides] | None,
    noise: float,
) -> Iterator[_Difference | str]:
    """Differences of smaller and smaller steps, or what stands in their way."""
    size = float(np.max(np.abs(at), initial=0.0))
    here = sides(at) if sides else ()
    # Where the formula has no value so far away, a step in proportion may fit in.
    scales = [max(1.0, size)] if not 0.0 < size < 1e-6 else [1.0, size]
    for scale in scales:
        for step in _STEPS:
            ahead, behind = at + step * scale * direction, at - step * scale * direction
            run = float(np.sum((ahead - behind) * direction))
            if run <= 0.0:
                continue
            above, on_this_side = function(ahead), sides(ahead) if sides else ()
            below, on_that_side = function(behind), sides(behind) if sides else ()
            if not np.isfinite(above - below):
                yield "no value"
            elif any(map(_differ, here, on_this_side)) or any(map(_differ, here, on_that_side)):
                yield "kink"
            else:
                last_bit = float(np.finfo(np.float64).eps) * max(abs(above), abs(below))
                yield _Difference((above - below) / run, 2.0 * max(last_bit, noise) / run)


def _estimates(differences: Sequence[_Difference]) -> Iterator[tuple[float, float]]:
    """Of each difference its error, by the next smaller step and by rounding, and its value."""
    if len(differences) == 1:
        yield differences[0].rounding, differences[0].quotient
    for each, smaller in pairwise(differences):
        change = abs(each.quotient - smaller.quotient)
        yield change + each.rounding, each.quotient
        # What is left out shrinks a hundredfold with a step ten times smaller: say tenfold.
        yield 0.1 * change + smaller.rounding, smaller.quotient


def _relative(estimate: tuple[float, float]) -> tuple[float, float]:
    """The error as a share of the value, 1 at most, and the error itself."""
    accuracy, quotient = estimate
    return accuracy / max(accuracy, abs(quotient), 1e-300), accuracy


def _differ(this: Array, that: Array) -> bool:
    return not np.array_equal(this, that)


def _direction(shape: tuple[int, ...]) -> Array:
    if not shape:
        return np.ones(())
    draw = np.random.default_rng(0).normal(size=shape)
    direction: Array = draw / np.linalg.norm(draw)
    return direction
