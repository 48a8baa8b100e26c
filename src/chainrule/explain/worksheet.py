"""A derivation as data: everything on the blackboard, for a renderer to write out.

Symbols are strings, formulas are data of ``notation.formula``, and values are floats, or arrays
where a node is one. Every value was computed by the reference engine in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule.graph.node import Node
from chainrule.notation.formula import Formula

__all__ = [
    "CHECKED_AGAINST",
    "BackwardStep",
    "Chain",
    "Check",
    "ClosedForm",
    "Definition",
    "Factor",
    "ForwardStep",
    "Given",
    "Kink",
    "Path",
    "Term",
    "Update",
    "Use",
    "Value",
    "Worksheet",
    "as_value",
]

CHECKED_AGAINST = "relative distance to the central difference (f(x + h) − f(x − h))/2h"
"""What stands beside the sign of a gradient that was checked."""

Value = float | bool | npt.NDArray[np.generic]


def as_value(array: npt.NDArray[np.generic]) -> Value:
    """An array, or what it holds if that is a single number or truth value."""
    value: Value = array if array.ndim else array.item()
    return value


@dataclass(frozen=True, eq=False, slots=True)
class Given:
    """A variable and the value that it was given.

    ``note`` says what it stands for where that is not the variable of that name alone.
    """

    symbol: str
    value: Value
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where an operation has no derivative, and what its rule takes for one."""

    place: str
    rule: str


@dataclass(frozen=True, eq=False, slots=True)
class ForwardStep:
    """One operation on the way from the variables to the result.

    Attributes
    ----------
    symbol : str
        The name of the result of this step.
    rule : Formula
        The operation, on symbols: ``q·z``.
    numbers : Formula or None
        The same with the numbers put in: ``3·(−4)``; None where an input is an array.
    value : float, bool or array
    kink : Kink or None
        Set where the operation has no derivative just here.
    node : Node
        The node of the graph.
    inputs : tuple of str or float
        Symbols of the inputs, and numbers for constants.
    """

    symbol: str
    rule: Formula
    numbers: Formula | None
    value: Value
    kink: Kink | None
    node: Node
    inputs: tuple[str | float, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """One term of a sum over the entries of an array: its formula and its value."""

    rule: Formula
    value: float


@dataclass(frozen=True, eq=False, slots=True)
class Use:
    """What one use of a value adds to its gradient: upstream gradient times local derivative.

    Attributes
    ----------
    by : str
        The symbol of the node that uses the value.
    upstream : float or array
        The gradient that flows back into that node.
    slope : Formula or None
        The local derivative, ``∂by/∂value``, where it is one number.
    slope_value : float or None
        The same with the numbers put in.
    rule : Formula
        The whole contribution: ``∂f/∂Z·Wᵀ``.
    product : float or array
        Its value.
    largest : tuple of Term
        Where the contribution is a sum over the entries of arrays: its largest terms.
    n_terms : int
        How many terms the sum has.
    """

    by: str
    upstream: Value
    slope: Formula | None
    slope_value: float | None
    rule: Formula
    product: Value
    largest: tuple[Term, ...] = ()
    n_terms: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class BackwardStep:
    """The gradient that flows back into one node: the sum over its uses.

    ``end`` is set where nothing flows on through the node, and says why.
    """

    symbol: str
    uses: tuple[Use, ...]
    gradient: Value
    end: str | None


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """One partial derivative of a chain.

    ``slope`` is None where a part of the chain is summed up in its value.
    """

    of: str
    by: str
    slope: Formula | None
    value: float


@dataclass(frozen=True, eq=False, slots=True)
class Path:
    """One way from the result back to a variable: a product of partial derivatives."""

    factors: tuple[Factor, ...]
    product: float


@dataclass(frozen=True, eq=False, slots=True)
class ClosedForm:
    """The derivative as one formula in the variables alone, and its value."""

    formula: Formula
    value: Value


@dataclass(frozen=True, eq=False, slots=True)
class Check:
    """A derivative beside its central difference, (f(x+h) - f(x-h))/2h.

    Attributes
    ----------
    derivative : float
        The gradient; of an array, along one direction.
    difference_quotient : float or None
        None where it cannot be had.
    accuracy : float
        How far the difference may be from the derivative: it leaves out higher powers of h, and
        is rounded.
    reason : str or None
        Why there is no difference.
    """

    derivative: float
    difference_quotient: float | None
    accuracy: float = 0.0
    reason: str | None = None

    @property
    def distance(self) -> float | None:
        """How far the two are apart."""
        if self.difference_quotient is None:
            return None
        return abs(self.derivative - self.difference_quotient)

    @property
    def error(self) -> float | None:
        """Their distance as a share of the larger one; beside a derivative of 0, as it is."""
        if self.difference_quotient is None or self.distance is None:
            return None
        size = max(abs(self.derivative), abs(self.difference_quotient))
        return self.distance / size if self.derivative else self.distance

    @property
    def agrees(self) -> bool | None:
        """Whether they are as close as the difference is accurate; None if not checked."""
        if self.difference_quotient is None or self.distance is None:
            return None
        size = max(abs(self.derivative), abs(self.difference_quotient))
        return self.distance <= 1e-7 * size + 3.0 * self.accuracy


@dataclass(frozen=True, eq=False, slots=True)
class Chain:
    """All that leads from the result back to one variable.

    Attributes
    ----------
    variable : str
    paths : tuple of Path
        Their products add up to the gradient; empty where arrays are on the way, or where
        the result does not depend on the variable.
    closed_forms : tuple of ClosedForm
        The derivative as one formula, each simpler than the one before; empty where it would
        be too long to read.
    gradient : float or array
    check : Check
    """

    variable: str
    paths: tuple[Path, ...]
    closed_forms: tuple[ClosedForm, ...]
    gradient: Value
    check: Check


@dataclass(frozen=True, eq=False, slots=True)
class Definition:
    """What a sign used above means: ``σ′(z) = σ(z)·(1 − σ(z))``."""

    sign: Formula
    meaning: Formula


@dataclass(frozen=True, eq=False, slots=True)
class Update:
    """What an optimizer makes of a parameter, given its gradient.

    Attributes
    ----------
    optimizer : str
        Its name: ``adam``.
    symbol : str
        The parameter: ``W2[3, 1]``.
    given : tuple of Given
        The parameter, its gradient, the learning rate, and what the optimizer remembers.
    forward : tuple of ForwardStep
        From these to the new value, which is the last.
    before, after : float
        The values of the parameter.
    """

    optimizer: str
    symbol: str
    given: tuple[Given, ...]
    forward: tuple[ForwardStep, ...]
    before: float
    after: float


@dataclass(frozen=True, eq=False, slots=True)
class Worksheet:
    """A whole derivation.

    Attributes
    ----------
    symbol : str
        The name of the result.
    parts : tuple of (str, Formula)
        The named parts and at last the result, each written with the names of the others.
    given : tuple of Given
    forward : tuple of ForwardStep
        From the variables to the result.
    backward : tuple of BackwardStep
        From the result to the variables.
    chains : tuple of Chain
        One for each variable asked for.
    definitions : tuple of Definition
    value : float
        The result.
    title : str
        What this is a derivation of, in words; empty for a formula, which says so itself.
    notes : tuple of str
        Sentences about the whole: what was left out, for one.
    update : Update or None
        Of a trained network: the step that the optimizer takes along the gradient.
    """

    symbol: str
    parts: tuple[tuple[str, Formula], ...]
    given: tuple[Given, ...]
    forward: tuple[ForwardStep, ...]
    backward: tuple[BackwardStep, ...]
    chains: tuple[Chain, ...]
    definitions: tuple[Definition, ...]
    value: float
    title: str = ""
    notes: tuple[str, ...] = ()
    update: Update | None = None
