"""A worksheet as Unicode text: what a teacher would write on the blackboard."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from chainrule.explain.array_text import array_text, shape_text
from chainrule.explain.coloring import colored
from chainrule.explain.worksheet import (
    CHECKED_AGAINST,
    BackwardStep,
    Chain,
    ForwardStep,
    Given,
    Path,
    Use,
    Value,
    Worksheet,
)
from chainrule.notation.formula import Choice, Formula, Sum, numbers_in
from chainrule.notation.formula_text import formula_text, is_rounded, number_text

__all__ = ["to_text"]

_WIDTH, _SHORT, _MOST_ADDED = 100, 40, 8
_PLACES = re.compile(r"(?<=[\w)])\[[^\[\]]*\]")
_TIE = "\N{NO-BREAK SPACE}"  # a space at which a line is not broken


def to_text(sheet: Worksheet, digits: int = 4, color: bool = False) -> str:
    """A worksheet as text: the formula, the steps forward and backward, the chains, the result.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers; ``≈`` stands where some are left out.
    color : bool, default=False
        Mark headings, values, gradients and checks for a terminal (ANSI escape sequences).
    """
    page = _Page(sheet, digits)
    sections = [
        page.heading(),
        page.forward(),
        page.backward(),
        page.chains(),
        page.result(),
        page.update(),
        page.notes(),
    ]
    written = ["\n".join(line.rstrip() for line in section) for section in sections]
    text = "\n\n".join(each for each in written if each).replace(_TIE, " ")
    return colored(text) if color else text


Row = list[str]


class _Page:
    """The sections of a page, each as its lines."""

    def __init__(self, sheet: Worksheet, digits: int) -> None:
        self.sheet = sheet
        self.digits = digits

    def heading(self) -> Iterator[str]:
        if self.sheet.title:
            yield from (self.sheet.title, "")
        for symbol, formula in zip(
            _aligned([[symbol] for symbol, _ in self.sheet.parts]), self.sheet.parts, strict=True
        ):
            yield from _wrapped(f"{symbol} ", self._is(formula[1]))
        numbers = [each for each in self.sheet.given if not isinstance(each.value, np.ndarray)]
        arrays = [each for each in self.sheet.given if isinstance(each.value, np.ndarray)]
        points = [self._point(each) for each in numbers if not each.note]
        if points:
            yield from _wrapped("at ", ", ".join(points))
        yield from self._noted(each for each in numbers if each.note)
        for given in arrays:
            note = f": {given.note}" if given.note else ""
            yield f"{given.symbol} = {self._value(given.value)}{note}"
            yield from self._matrix(given.value)

    def _point(self, given: Given) -> str:
        return _tied(f"{given.symbol} = {self._value(given.value)}")

    def _noted(self, given: Iterable[Given]) -> Iterator[str]:
        """A line for each of these values, with what it stands for."""
        rows = [[each.symbol, self._comes_to(each.value), f"  {each.note}"] for each in given]
        if rows:
            yield from (f"   {line}" for line in _aligned(rows))

    def forward(self) -> Iterator[str]:
        if self.sheet.forward:
            yield "Forward"
            yield from self._forward(self.sheet.forward)

    def _forward(self, steps: Sequence[ForwardStep]) -> Iterator[str]:
        rows = [self._forward_row(step) for step in steps]
        for step, line in zip(steps, _aligned(rows), strict=True):
            yield f"  {line}"
            yield from self._matrix(step.value)
            if step.kink:
                yield from _wrapped("    Note: ", f"{step.kink.place}; {step.kink.rule}.")

    def _forward_row(self, step: ForwardStep) -> Row:
        rule, value = self._formula(step.rule), self._value(step.value)
        row = [step.symbol, self._is(step.rule), "", self._comes_to(step.value)]
        if step.numbers is not None:
            numbers = self._formula(step.numbers)
            if numbers not in (rule, value):
                row[2] = self._is(step.numbers)
        return row

    def backward(self) -> Iterator[str]:
        yield f"Backward: ∂{self.sheet.symbol}/∂u · ∂u/∂v for every use u of v"
        rows = [self._backward_rows(step) for step in self.sheet.backward]
        lines = iter(_aligned([row for each in rows for row in each]))
        for step, own_rows in zip(self.sheet.backward, rows, strict=True):
            yield from (f"  {line}" for line in itertools.islice(lines, len(own_rows)))
            for use in step.uses:
                yield from self._largest(use)
            yield from self._matrix(step.gradient)
            if step.end:
                yield f"    Note: nothing flows further back: {step.end}."
        for each in self.sheet.definitions:
            yield f"  where {self._formula(each.sign)} {self._is(each.meaning)}"

    def _backward_rows(self, step: BackwardStep) -> list[Row]:
        """A row for each use, and where there are several, one for what they add up to."""
        rows: list[Row] = []
        for use in step.uses:
            rule, numbers = self._formula(use.rule), ""
            if use.slope is not None and use.slope_value is not None:
                upstream = f"∂{self.sheet.symbol}/∂{use.by}"
                rule = _product([upstream, _factor(use.slope, self._formula(use.slope))])
                factors = [float(use.upstream), use.slope_value]
                numbers = _product([self._number(each) for each in factors])
                numbers = f"{self._equals(*factors)} {numbers}"
            sign = "+" if rows else self._equals(*numbers_in(use.rule))
            rows.append(["", f"{sign} {rule}", numbers, self._comes_to(use.product)])
        if 1 < len(rows) <= _MOST_ADDED and not isinstance(step.gradient, np.ndarray):
            added = _sum([self._value(use.product) for use in step.uses])
            equals = self._equals(*(use.product for use in step.uses))
            rows.append(["", f"{equals} {added}", "", self._comes_to(step.gradient)])
        elif len(rows) != 1:
            rows.append(["", "", "", self._comes_to(step.gradient)])
        rows[0][0] = self._partial(step.symbol)
        return rows

    def _largest(self, use: Use) -> Iterator[str]:
        """The largest terms of a sum over an array."""
        if use.largest:
            terms = [
                _tied(f"{self._formula(term.rule)} {self._comes_to(term.value)}")
                for term in use.largest
            ]
            n_more = use.n_terms - len(terms)
            more = f", and {n_more:,} more" if n_more else ""
            yield from _wrapped("    the largest terms: ", ", ".join(terms) + more)

    def chains(self) -> Iterator[str]:
        if not any(chain.paths for chain in self.sheet.chains):
            return
        yield "Chain rule"
        for chain in self.sheet.chains:
            if chain.paths:
                yield from self._chain(chain)

    def _chain(self, chain: Chain) -> Iterator[str]:
        head = f"  {self._partial(chain.variable)} "
        partials, symbols, numbers = [], [], []
        for path in chain.paths:
            names = [f"∂{each.of}/∂{each.by}" for each in path.factors]
            # Beside other paths, the direct one would look like the whole on the left.
            direct = len(names) == 1 < len(chain.paths)
            partials.append(f"{names[0]} (direct)" if direct else _product(names))
            symbols.append(_product(self._slopes(path)))
            numbers.append(_product([self._number(each.value) for each in path.factors]))
        factors = [each for path in chain.paths for each in path.factors]
        constants = [n for each in factors if each.slope for n in numbers_in(each.slope)]
        lines = [
            ("=", _sum(partials)),
            (self._equals(*constants), _sum(symbols)),
            (self._equals(*(each.value for each in factors)), _sum(numbers)),
            (self._equals(chain.gradient), self._value(chain.gradient)),
        ]
        before = head.strip()
        for sign, text in lines:
            if text != before:
                yield from _wrapped(f"{head}{sign} ", text)
                head, before = " " * len(head), text

    def _slopes(self, path: Path) -> list[str]:
        texts = []
        for each in path.factors:
            if each.slope is None:
                texts.append(f"∂{each.of}/∂{each.by}")
            else:
                text = self._formula(each.slope)
                texts.append(text if len(path.factors) == 1 else _factor(each.slope, text))
        return texts

    def result(self) -> Iterator[str]:
        yield "Result"
        chains = self.sheet.chains
        forms = [self._closed_forms(chain) for chain in chains]
        value = self._comes_to(self.sheet.value)
        if all(len(each) <= 1 and len("".join(each)) <= _SHORT for each in forms):
            rows = [[self.sheet.symbol, "", value, ""]]
            for chain, form in zip(chains, forms, strict=True):
                value, check = self._comes_to(chain.gradient), f" {self._check(chain)}"
                rows.append([self._partial(chain.variable), "".join(form), value, check])
            yield from (f"  {line}" for line in _aligned(rows))
        else:
            yield f"  {self.sheet.symbol} {value}"
            for chain, form in zip(chains, forms, strict=True):
                head = f"  {self._partial(chain.variable)} "
                for each in form:
                    yield from _wrapped(head, each)
                    head = " " * len(head)
                yield f"{head}{self._comes_to(chain.gradient)}  {self._check(chain)}"
        if any(chain.check.agrees for chain in chains):
            yield f"  ✓ {CHECKED_AGAINST}"

    def update(self) -> Iterator[str]:
        """The step of the optimizer, from the gradient to the new value."""
        update = self.sheet.update
        if update is None:
            return
        yield f"Update by {update.optimizer}"
        yield from self._noted(update.given)
        yield from self._forward(update.forward)

    def notes(self) -> Iterator[str]:
        for note in self.sheet.notes:
            yield from _wrapped("Note: ", note)

    def _closed_forms(self, chain: Chain) -> list[str]:
        """The closed forms that say more than the number."""
        number = self._value(chain.gradient)
        formulas = [each.formula for each in chain.closed_forms]
        return [self._is(each) for each in formulas if self._formula(each) != number]

    def _check(self, chain: Chain) -> str:
        check = chain.check
        if check.error is None:
            return f"not checked: {check.reason}"
        if check.agrees:
            return f"✓ {number_text(check.error, 1)}"
        return f"✗ the central difference is {self._number(check.difference_quotient or 0.0)}"

    # --- words of a line -----------------------------------------------------------------

    def _formula(self, formula: Formula) -> str:
        return formula_text(formula, self.digits)

    def _is(self, formula: Formula) -> str:
        return f"{self._equals(*numbers_in(formula))} {self._formula(formula)}"

    def _comes_to(self, value: Value) -> str:
        return f"{self._equals(value)} {self._value(value)}"

    def _number(self, value: float) -> str:
        return number_text(value, self.digits)

    def _partial(self, by: str) -> str:
        return f"∂{self.sheet.symbol}/∂{by}"

    def _value(self, value: Value) -> str:
        if isinstance(value, np.ndarray):
            return shape_text(value.shape)
        return str(value).lower() if isinstance(value, bool) else self._number(value)

    def _equals(self, *values: Value) -> str:
        numbers = [each for each in values if not isinstance(each, np.ndarray)]
        return "≈" if any(is_rounded(each, self.digits) for each in numbers) else "="

    def _matrix(self, value: Value) -> Iterator[str]:
        """An array below its line."""
        if isinstance(value, np.ndarray):
            yield from (f"    {line}" for line in array_text(value, self._number))


def _factor(formula: Formula, text: str) -> str:
    """A formula as one factor of a product."""
    return _tied(f"({text})" if isinstance(formula, Sum | Choice) else text)


def _product(factors: Sequence[str]) -> str:
    """Factors with wide dots between."""
    return _joined(" · ", factors)


def _sum(terms: Sequence[str]) -> str:
    """Terms with a plus between."""
    return _joined(" + ", terms)


def _joined(sign: str, parts: Sequence[str]) -> str:
    """Parts with a sign between: no minus follows it, and lines are broken only there."""
    first, *rest = parts
    return sign.join([first, *(f"({each})" if each.startswith("−") else each for each in rest)])


def _tied(text: str) -> str:
    """A text that stays on one line."""
    return text.replace(" ", _TIE)


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Rows of cells as lines, with their cells one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    used = [index for index, width in enumerate(widths) if width]
    return [" ".join(row[index].ljust(widths[index]) for index in used) for row in rows]


def _wrapped(head: str, text: str) -> Iterator[str]:
    """A text after a head, on as many lines as it takes; no name is parted from its places."""
    yield from textwrap.wrap(
        _PLACES.sub(lambda found: _tied(found.group()), text),
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
