"""A worksheet as equations: what LaTeX and HTML set, each in its own way.

Each line of the blackboard is an equation of formulas and values, so that a renderer decides
nothing but how they look.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.explain.array_text import shown_places
from chainrule.explain.worksheet import (
    BackwardStep,
    Chain,
    ForwardStep,
    Given,
    Path,
    Use,
    Value,
    Worksheet,
)
from chainrule.notation.formula import (
    Formula,
    Number,
    Partial,
    Product,
    Sum,
    Symbol,
    numbers_in,
)
from chainrule.notation.formula_text import formula_text, is_rounded

__all__ = ["Equation", "Equations", "Side"]

Side = Formula | Value
"""What stands on one side of a sign: a formula, or a value, which may be an array."""

_MOST_ADDED = 8


@dataclass(frozen=True, eq=False)
class Equation:
    """One line: ``left = right``, with more that it is equal to.

    Attributes
    ----------
    left : Formula or None
        None where the line goes on with what the one before it began.
    steps : tuple of (str, Side)
        Signs, ``=``, ``≈`` or ``+``, each with what follows it.
    note : str
        A remark.
    """

    left: Formula | None
    steps: tuple[tuple[str, Side], ...]
    note: str = ""


@dataclass(frozen=True, eq=False)
class BackwardLines:
    """The lines of one backward step.

    Attributes
    ----------
    symbol : str
        The value whose gradient it is.
    equations : list of Equation
    largest : list of Equation
        The largest terms of a sum over an array.
    n_more : int
        The terms that are not among them.
    end : str or None
        Why nothing flows further back.
    """

    symbol: str
    equations: list[Equation]
    largest: list[Equation]
    n_more: int
    end: str | None


class Equations:
    """The lines of a worksheet.

    Parameters
    ----------
    sheet : Worksheet
    digits : int
        Significant digits of numbers; ``≈`` stands where some are left out.
    """

    def __init__(self, sheet: Worksheet, digits: int) -> None:
        self.sheet = sheet
        self.digits = digits

    def parts(self) -> list[Equation]:
        """The formula, part by part."""
        return [
            Equation(Symbol(symbol), (self._is(formula),)) for symbol, formula in self.sheet.parts
        ]

    def given(self, values: Iterable[Given]) -> list[Equation]:
        """The values of variables, with what they stand for."""
        return [
            Equation(Symbol(each.symbol), ((self._sign(each.value), each.value),), each.note)
            for each in values
        ]

    def forward(self, steps: Iterable[ForwardStep]) -> list[Equation]:
        """One line for each operation; its note is a kink."""
        return [self._forward(step) for step in steps]

    def _forward(self, step: ForwardStep) -> Equation:
        steps: list[tuple[str, Side]] = [self._is(step.rule)]
        if step.numbers is not None:
            written = self._text(step.numbers)
            if written not in (self._text(step.rule), self._text(_side(step.value))):
                steps.append(self._is(step.numbers))
        steps.append((self._sign(step.value), step.value))
        note = f"{step.kink.place}; {step.kink.rule}." if step.kink else ""
        return Equation(Symbol(step.symbol), tuple(steps), note)

    def backward(self) -> Iterator[BackwardLines]:
        """One group of lines for each value."""
        for step in self.sheet.backward:
            terms = [term for use in step.uses for term in use.largest]
            largest = [
                Equation(term.rule, ((self._sign(term.value), term.value),)) for term in terms
            ]
            n_more = sum(use.n_terms for use in step.uses) - len(terms)
            yield BackwardLines(step.symbol, list(self._backward(step)), largest, n_more, step.end)

    def _backward(self, step: BackwardStep) -> Iterator[Equation]:
        left = self._partial(step.symbol)
        if not step.uses:
            yield Equation(left, ((self._sign(step.gradient), step.gradient),))
            return
        several = len(step.uses) > 1
        for place, use in enumerate(step.uses):
            sign = "+" if place else self._sign(*numbers_in(use.rule))
            yield Equation(None if place else left, tuple(self._use(use, sign)))
        if several:
            steps: list[tuple[str, Side]] = []
            if len(step.uses) <= _MOST_ADDED and not isinstance(step.gradient, np.ndarray):
                added = _sum([_side(use.product) for use in step.uses])
                steps.append((self._sign(*(use.product for use in step.uses)), added))
            yield Equation(None, (*steps, (self._sign(step.gradient), step.gradient)))

    def _use(self, use: Use, sign: str) -> Iterator[tuple[str, Side]]:
        if use.slope is None or use.slope_value is None:
            yield sign, use.rule
        else:
            yield sign, Product(self._partial(use.by), use.slope)
            factors = [float(use.upstream), use.slope_value]
            yield self._sign(*factors), Product(Number(factors[0]), Number(factors[1]))
        yield self._sign(use.product), use.product

    def chains(self) -> list[list[Equation]]:
        """For each variable that has some, the products of partial derivatives."""
        return [self._chain(chain) for chain in self.sheet.chains if chain.paths]

    def _chain(self, chain: Chain) -> list[Equation]:
        if len(chain.paths) > _MOST_ADDED:
            value = (self._sign(chain.gradient), chain.gradient)
            note = f"the sum over {len(chain.paths):,} ways, one for each use above."
            return [Equation(self._partial(chain.variable), (value,), note)]
        factors = [each for path in chain.paths for each in path.factors]
        constants = [n for each in factors if each.slope for n in numbers_in(each.slope)]
        sides: list[tuple[str, Side]] = [
            ("=", _sum([_partials(path) for path in chain.paths])),
            (self._sign(*constants), _sum([_slopes(path) for path in chain.paths])),
            (
                self._sign(*(each.value for each in factors)),
                _sum([_numbers(path) for path in chain.paths]),
            ),
            (self._sign(chain.gradient), chain.gradient),
        ]
        left = self._partial(chain.variable)
        # A line that says the same as the one before or the last is left out.
        texts = [self._text(left), *(self._text(_side(side)) for _, side in sides)]
        shown = [
            each
            for each, before, text in zip(sides, texts, texts[1:], strict=False)
            if each is sides[-1] or text not in (before, texts[-1])
        ]
        # Beside other paths, the direct one looks like the whole on the left.
        direct = len(chain.paths) > 1 and any(len(path.factors) == 1 for path in chain.paths)
        note = "the term of one factor is the direct way alone." if direct else ""
        return [
            Equation(None if place else left, (side,), "" if place else note)
            for place, side in enumerate(shown)
        ]

    def value(self) -> Equation:
        """The result."""
        sheet = self.sheet
        return Equation(Symbol(sheet.symbol), ((self._sign(sheet.value), sheet.value),))

    def result(self, chain: Chain) -> list[Equation]:
        """The derivative by one variable: as formulas, and its value."""
        number = self._text(_side(chain.gradient))
        sides: list[tuple[str, Side]] = [
            self._is(form.formula)
            for form in chain.closed_forms
            if self._text(form.formula) != number
        ]
        sides.append((self._sign(chain.gradient), chain.gradient))
        left = self._partial(chain.variable)
        return [Equation(None if place else left, (side,)) for place, side in enumerate(sides)]

    def definitions(self) -> list[Equation]:
        """What the primes stand for."""
        return [Equation(each.sign, (self._is(each.meaning),)) for each in self.sheet.definitions]

    # --- pieces ----------------------------------------------------------------------------

    def _partial(self, by: str) -> Partial:
        return Partial(self.sheet.symbol, by)

    def _is(self, formula: Formula) -> tuple[str, Side]:
        return self._sign(*numbers_in(formula)), formula

    def _sign(self, *values: Value) -> str:
        numbers = (number for each in values for number in _shown_numbers(each))
        return "≈" if any(is_rounded(each, self.digits) for each in numbers) else "="

    def _text(self, side: Formula) -> str:
        return formula_text(side, self.digits)


def _side(value: Side) -> Formula:
    """A value as a formula; an array has a sign of its own, which is no other's."""
    if isinstance(value, Formula):
        return value
    if isinstance(value, np.ndarray):
        return Symbol(f"array {id(value)}")
    return Symbol(str(value).lower()) if isinstance(value, bool) else Number(value)


def _shown_numbers(value: Value) -> list[float]:
    """The numbers of a value that stand on the page."""
    if not isinstance(value, np.ndarray):
        return [value]
    if value.ndim not in (1, 2):
        return []
    matrix = np.atleast_2d(value)
    rows, columns = (
        [each for each in places if each is not None] for places in shown_places(matrix.shape)
    )
    return [float(each) for each in matrix[np.ix_(rows, columns)].flat]


def _product(factors: Sequence[Formula]) -> Formula:
    return functools.reduce(Product, factors)


def _sum(terms: Sequence[Formula]) -> Formula:
    return functools.reduce(Sum, terms)


def _partials(path: Path) -> Formula:
    return _product([Partial(each.of, each.by) for each in path.factors])


def _slopes(path: Path) -> Formula:
    return _product([each.slope or Partial(each.of, each.by) for each in path.factors])


def _numbers(path: Path) -> Formula:
    return _product([Number(each.value) for each in path.factors])
