"""Equations as MathML: in columns with their signs below one another, or broken into lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.explain.array_text import shape_text, shown_places
from chainrule.explain.equations import Equation, Side
from chainrule.explain.worksheet import Value
from chainrule.notation.formula import Formula
from chainrule.notation.formula_mathml import (
    fenced,
    formula_mathml,
    formula_pieces,
    number_mathml,
    operator,
)
from chainrule.pages.markup import Markup, element, join

__all__ = ["EquationWriter", "math"]

_COLUMNS = ("rule", "numbers", "value")
_NOTHING = Markup("")


class EquationWriter:
    """Writes equations with a number of significant digits."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def aligned(self, equation: Equation, after: str = "") -> Markup:
        """A line of cells: the left side, and each sign with what follows it."""
        # What a line comes to stands below what the others come to.
        *before, last = equation.steps
        places = [*_COLUMNS[: len(before)], "value" if _is_value(last[1]) else "rule"]
        cells = [
            element("span", math(operator(sign), self._coloured(side)), class_=place)
            for (sign, side), place in zip(equation.steps, places, strict=True)
        ]
        right = element("span", *cells, class_="right")
        return join([self._left(equation), right, self._after(after), _remark(equation.note)])

    def flowing(self, equation: Equation, after: str = "") -> Markup:
        """A line that goes on below where it is too long."""
        sides = [self._broken(sign, side) for sign, side in equation.steps]
        flow = element("span", *sides, self._after(after), class_="flow")
        return join([self._left(equation), flow, _remark(equation.note)])

    def line(self, equation: Equation) -> Markup:
        """An equation among words."""
        left = [] if equation.left is None else [formula_mathml(equation.left, self.digits)]
        sides = (join([operator(sign), self._coloured(side)]) for sign, side in equation.steps)
        return math(*left, *sides)

    def value(self, value: Value) -> Markup:
        """A number, or a matrix: the corners of a large one."""
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, bool):
            return element("mtext", str(value).lower())
        return number_mathml(value, self.digits)

    def _left(self, equation: Equation) -> Markup:
        if equation.left is None:
            return _NOTHING
        return element("span", math(formula_mathml(equation.left, self.digits)), class_="left")

    def _after(self, text: str) -> Markup:
        return element("span", text, class_="after") if text else _NOTHING

    def _broken(self, sign: str, side: Side) -> Markup:
        if not isinstance(side, Formula):
            return math(operator(sign), self._coloured(side))
        terms = formula_pieces(side, self.digits)
        terms[0][0] = join([operator(sign), terms[0][0]])
        # A line is broken between terms, and inside of a term only where one line cannot hold it.
        return join(element("span", *map(math, pieces), class_="term") for pieces in terms)

    def _coloured(self, side: Side) -> Markup:
        written = self._side(side)
        return element("mrow", written, class_="result") if _is_value(side) else written

    def _side(self, side: Side) -> Markup:
        return formula_mathml(side, self.digits) if isinstance(side, Formula) else self.value(side)

    def _array(self, array: npt.NDArray[np.generic]) -> Markup:
        shape = element("mtext", shape_text(array.shape), class_="shape")
        if array.ndim not in (1, 2) or not array.size:
            return shape
        matrix = np.atleast_2d(array)
        rows, columns = shown_places(matrix.shape)
        cells = ([element("mtd", self._cell(matrix, i, j)) for j in columns] for i in rows)
        table = element("mtable", *(element("mtr", *row) for row in cells))
        return join([fenced("[", table, "]"), shape])

    def _cell(self, matrix: npt.NDArray[np.generic], row: int | None, column: int | None) -> Markup:
        if row is None:
            return element("mo", "⋱" if column is None else "⋮")
        if column is None:
            return element("mo", "⋯")
        return number_mathml(float(matrix[row, column]), self.digits)


def math(*content: str, **attributes: object) -> Markup:
    """Mathematics in a text."""
    return element("math", *content, **attributes)


def _is_value(side: Side) -> bool:
    return not isinstance(side, Formula)


def _remark(note: str) -> Markup:
    return element("span", f"Note: {note}", class_="remark") if note else _NOTHING
