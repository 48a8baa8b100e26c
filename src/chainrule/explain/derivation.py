"""``explain``: a formula or a graph, worked out at one point to the last derivative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.errors import FormulaError
from chainrule.explain.board import Board
from chainrule.explain.chains import Chains
from chainrule.explain.closed_forms import LONGEST_FORMULA, closed_forms
from chainrule.explain.dictionary import to_dict
from chainrule.explain.differences import Probe, check_gradient
from chainrule.explain.graph_drawing import to_svg
from chainrule.explain.html import to_fragment, to_html
from chainrule.explain.latex import to_latex
from chainrule.explain.reading import Target, read_expression, read_targets, read_values
from chainrule.explain.slopes import define_primes
from chainrule.explain.spelling import spelled_out
from chainrule.explain.steps import backward_steps, forward_steps
from chainrule.explain.text import to_text
from chainrule.explain.unrolling import unrolled
from chainrule.explain.worksheet import (
    BackwardStep,
    Chain,
    ForwardStep,
    Given,
    Value,
    Worksheet,
    as_value,
)
from chainrule.graph.node import Node
from chainrule.graph.traversal import dependents
from chainrule.notation.formula import Formula
from chainrule.notation.writing import write

__all__ = ["Derivation", "derive", "explain"]


class Derivation:
    """A worked derivation: printed, it is what a teacher would write on the blackboard.

    Made by :func:`explain`.

    Attributes
    ----------
    worksheet : Worksheet
        The derivation as data, which every renderer reads.
    """

    def __init__(self, worksheet: Worksheet) -> None:
        self.worksheet = worksheet

    @property
    def value(self) -> float:
        """The value of the formula."""
        return self.worksheet.value

    @property
    def gradients(self) -> dict[str, Value]:
        """The gradient by each variable asked for: a float, or an array for an array."""
        return {chain.variable: chain.gradient for chain in self.worksheet.chains}

    @property
    def forward(self) -> tuple[ForwardStep, ...]:
        """One step for each operation, from the variables to the result."""
        return self.worksheet.forward

    @property
    def backward(self) -> tuple[BackwardStep, ...]:
        """The gradient of each value as the sum over its uses, from the result backward."""
        return self.worksheet.backward

    @property
    def chains(self) -> tuple[Chain, ...]:
        """For each variable, the partial derivatives from the result back to it."""
        return self.worksheet.chains

    def to_text(self, digits: int = 4, color: bool = False) -> str:
        """The derivation in Unicode, numbers in so many significant digits.

        ``color`` marks headings, values, gradients and checks for a terminal.
        """
        return to_text(self.worksheet, digits, color)

    def to_html(self, digits: int = 4) -> str:
        """The derivation as a page of its own, to look at, to step through and to print."""
        return to_html(self.worksheet, digits)

    def to_latex(self, digits: int = 4) -> str:
        """The derivation as a LaTeX document that compiles as it stands; it needs amsmath."""
        return to_latex(self.worksheet, digits)

    def to_svg(self, digits: int = 4) -> str:
        """The graph with its values and gradients as an SVG file; it needs ``chainrule[draw]``."""
        return to_svg(self.worksheet, digits)

    def to_dict(self) -> dict[str, Any]:
        """The derivation in plain dictionaries, lists, strings and numbers, ready for JSON."""
        return to_dict(self.worksheet)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return to_fragment(self.worksheet)

    def __repr__(self) -> str:
        names = ", ".join(self.gradients)
        return f"<Derivation of {self.worksheet.symbol} by {names or 'nothing'}>"


def explain(
    expression: Node | str,
    values: Mapping[Target, npt.ArrayLike] | None = None,
    /,
    wrt: Target | Sequence[Target] | None = None,
    spell_out: bool = False,
    **named_values: npt.ArrayLike,
) -> Derivation:
    """Work out a formula and its derivatives at one point, as on a blackboard.

    Parameters
    ----------
    expression : Node or str
        A scalar graph, or a formula in text: ``"(x + y) * z"``, ``"q = x + y; q * z"``.
    values : mapping of str or Node to array-like, optional
        Values of variables, by name or node.
    wrt : str, Node, or a sequence of these, optional
        The variables, or parts, to derive by. All variables by default.
    spell_out : bool, default=False
        Write σ, tanh, softplus, log1p and expm1 as what they are made of, exp, log and 1/x,
        and loops over time step by step.
    **named_values : array-like
        Values of variables, by name.

    Returns
    -------
    Derivation
        ``print`` writes it out; ``value`` and ``gradients`` are the results.

    Raises
    ------
    FormulaError
        If the text is no formula, a variable has no value or an unknown one is given a value,
        or the formula has no finite value or derivative at this point.
    GraphError
        If the result is not a single number.

    Notes
    -----
    All values come from the reference engine in double precision, all derivatives from the
    rules of ``chainrule.calculus``; nothing is written per example.

    Examples
    --------
    >>> import chainrule as cr
    >>> work = cr.explain("q = x + y; q * z", x=-2, y=5, z=-4)
    >>> work.value, work.gradients
    (-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
    """
    output = read_expression(expression)
    if spell_out:
        output = spelled_out(unrolled(output))
    given = read_values(output, values or {}, named_values)
    return derive(output, read_targets(output, wrt, given), given)


def derive(
    output: Node,
    targets: Sequence[Node],
    given: Mapping[Node, Array],
    *,
    notes: Mapping[Node, str] | None = None,
    probes: Mapping[Node, Probe] | None = None,
    longest: int = LONGEST_FORMULA,
    names: Iterable[str] = (),
) -> Derivation:
    """Work out a graph and its derivatives by some of its nodes.

    Parameters
    ----------
    output : Node
        A single number.
    targets : sequence of Node
    given : mapping of Node to array
        The value of each variable.
    notes : mapping of Node to str, optional
        What a variable stands for.
    probes : mapping of Node to Probe, optional
        What the derivative by a target is checked against; ``output`` itself by default.
    longest : int, optional
        The most operations and symbols of a derivative that is written as one formula.
    names : iterable of str, optional
        Names that mean something beside this graph: no other value is called so.

    Returns
    -------
    Derivation

    Raises
    ------
    FormulaError
        If there is no finite value or derivative at this point.
    """
    board = Board(output, targets, given, names)
    forward = forward_steps(board)
    backward = backward_steps(board)
    for node in reversed(board.reached):
        if not np.all(np.isfinite(board.gradients[node])):
            name = f"∂{board.symbols[output]}/∂{board.symbols[node]}"
            raise FormulaError(f"{name} is too large to be computed at this point.")
    told = notes or {}
    chains = Chains(board)
    derived = _chains(board, chains, forward, probes or {}, longest)
    return Derivation(
        Worksheet(
            symbol=board.symbols[output],
            parts=_parts(board),
            given=tuple(
                Given(board.symbols[each], as_value(given[each]), told.get(each, ""))
                for each in given
            ),
            forward=tuple(forward),
            backward=tuple(backward),
            chains=tuple(derived),
            definitions=tuple(define_primes(board.reached, board.symbols.values())),
            value=float(board.values[output]),
            notes=()
            if not derived or any(each.paths for each in derived)
            else (chains.why_none(),),
        )
    )


def _parts(board: Board) -> tuple[tuple[str, Formula], ...]:
    named = [node for node in board.order if node.name and node.inputs]
    shown = named if board.output in named else [*named, board.output]
    return tuple((board.symbols[node], write(node)) for node in shown)


def _chains(
    board: Board,
    chains: Chains,
    forward: Sequence[ForwardStep],
    probes: Mapping[Node, Probe],
    longest: int,
) -> list[Chain]:
    forms = closed_forms(board, longest)
    result = []
    for target in board.targets:
        gradient = board.gradients[target]
        probe = probes.get(target) or Probe(board.output, target, board.values)
        result.append(
            Chain(
                variable=board.symbols[target],
                paths=tuple(chains.paths(target)),
                closed_forms=tuple(forms[target]),
                gradient=as_value(gradient),
                check=check_gradient(
                    probe.value,
                    board.values[target],
                    gradient,
                    _kink_between(board, target, forward),
                    probe.sides,
                    board.noise,
                ),
            )
        )
    return result


def _kink_between(board: Board, target: Node, forward: Sequence[ForwardStep]) -> str | None:
    """Why the output has no derivative by the target at this point, if it has none."""
    depending = dependents(board.order, [target])
    kinks = (step.kink.place for step in forward if step.kink and step.node in depending)
    return next(kinks, None)
