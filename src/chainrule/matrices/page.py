"""Matrices on a page, as data: equations with numbers, shapes, marks, and a sum worked out.

What a page of matrices says is put together once, by ``matrix_form`` and ``collapse``; text, HTML
and LaTeX only write it out. Rows and columns are counted from 0, as in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from chainrule.notation.formula import Formula

__all__ = [
    "Calculation",
    "Equation",
    "Mark",
    "Matrix",
    "MatrixPage",
    "Operand",
    "Part",
    "Section",
    "Shapes",
    "Statement",
    "WorkedEntry",
    "fillers",
    "visible_places",
]

Array = npt.NDArray[np.float64]
Mark = Literal["", "row", "column", "entry"]

MOST_ROWS, EDGE = 6, 2


@dataclass(frozen=True, eq=False, slots=True)
class Matrix:
    """A matrix, or a vector that stands in a row, under its name.

    Attributes
    ----------
    name : Formula
    value : array of shape (rows, columns) or (columns,)
    row, column : int or None
        What is marked: a row, a column, or with both one entry.
    """

    name: Formula
    value: Array
    row: int | None = None
    column: int | None = None

    def marked(self, row: int | None = None, column: int | None = None) -> Matrix:
        """The same with a row, a column or an entry marked."""
        return replace(self, row=row, column=column)

    @property
    def rows(self) -> Array:
        """The value with two axes."""
        return np.atleast_2d(self.value)

    @property
    def shape(self) -> str:
        """``4×3``, and ``3 numbers``."""
        if self.value.ndim == 1:
            return f"{len(self.value)} number{'s' * (len(self.value) != 1)}"
        return "×".join(map(str, self.value.shape))

    def mark_at(self, row: int | None, column: int | None) -> Mark:
        """What the entry at a place is part of; None is a place among those left out."""
        if self.row is not None and self.column is not None:
            return "entry" if (row, column) == (self.row, self.column) else ""
        if self.row is not None:
            return "row" if row == self.row else ""
        if self.column is not None:
            return "column" if column == self.column else ""
        return ""


@dataclass(frozen=True, eq=False, slots=True)
class Operand:
    """One matrix of an equation, the sign before it, and what is to be said of it below."""

    sign: str
    matrix: Matrix
    note: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Equation:
    """``result = operand · operand + operand``, in matrices of numbers.

    ``rule`` says where the result comes from if no operands show it: ``relu(h1_in)``.
    """

    result: Matrix
    operands: tuple[Operand, ...] = ()
    rule: Formula | None = None
    relation: str = "="


@dataclass(frozen=True, eq=False, slots=True)
class WorkedEntry:
    """One entry of a product: a row times a column, plus an entry of the bias.

    Attributes
    ----------
    name : Formula
        ``h1_in[0, 1]``.
    left, right : Matrix
        With the row and the column marked.
    factors : tuple of (float, float)
        The numbers that are multiplied, in the order of the row.
    bias : float
    bias_name : Formula
    value : float
        As the engine computed it, not as the sum of these terms.
    activated : tuple (Formula, str, float) or None
        The name of the entry after the activation, the activation's sign, and the value.
    """

    name: Formula
    left: Matrix
    right: Matrix
    factors: tuple[tuple[float, float], ...]
    bias: float
    bias_name: Formula
    value: float
    activated: tuple[Formula, str, float] | None = None

    @property
    def total(self) -> float:
        """The sum of the products and the bias; ``value``, but for the last bits."""
        return math.fsum([*(x * w for x, w in self.factors), self.bias])

    def left_out(self, shown: Sequence[int | None]) -> tuple[int, float]:
        """How many products are not among ``shown``, and what they add up to."""
        rest = set(range(len(self.factors))).difference(
            place for place in shown if place is not None
        )
        return len(rest), math.fsum(math.prod(self.factors[place]) for place in rest)


@dataclass(frozen=True, eq=False, slots=True)
class Calculation:
    """One number with the formula it comes from, if that can be read."""

    name: Formula
    rule: Formula | None
    value: float


@dataclass(frozen=True, eq=False, slots=True)
class Shapes:
    """Equations in symbols, each with the shapes of all that is in it.

    Attributes
    ----------
    rows : tuple of (Formula, Formula, tuple of (str, tuple of int))
        The name, what it is equal to, and signs with shapes: ``("=", (2, 4)), ("·", (3, 4))``.
    """

    rows: tuple[tuple[Formula, Formula, tuple[tuple[str, tuple[int, ...]], ...]], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence; ``holds`` is set where it is the outcome of a check."""

    text: str
    holds: bool | None = None


Part = Equation | WorkedEntry | Calculation | Shapes | Statement


@dataclass(frozen=True, eq=False, slots=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False, slots=True)
class MatrixPage:
    """A whole page."""

    title: str
    sections: tuple[Section, ...]


def visible_places(
    size: int, most: int, marked: int | None = None, edge: int = EDGE
) -> list[int | None]:
    """The places that are shown, with None for those left out between.

    Examples
    --------
    >>> visible_places(9, most=6, marked=4)
    [0, 1, None, 4, None, 7, 8]
    """
    if size <= most:
        return list(range(size))
    kept = {*range(edge), *range(size - edge, size)}
    if marked is not None:
        kept.add(marked)
    places: list[int | None] = []
    before = -1
    for place in (*sorted(kept), size):
        # An ellipsis would take the room of the one place it stands for.
        if place == before + 2:
            places.append(before + 1)
        elif place > before + 2:
            places.append(None)
        if place < size:
            places.append(place)
        before = place
    return places


def fillers(numbers: Sequence[str]) -> list[tuple[str, str]]:
    """What is missing before and after each number of a column for their points to be in line.

    Renderers leave the room that these characters would take; so all cells are equally wide.

    Examples
    --------
    >>> fillers(["2", "−0.53", "1.5"])
    [('−', '.53'), ('', ''), ('−', '3')]
    """
    parts = [each.partition(".") for each in numbers]
    whole = max((before for before, _, _ in parts), key=len, default="")
    fraction = max((f"{point}{after}" for _, point, after in parts), key=len, default="")
    return [
        (whole[: len(whole) - len(before)], fraction[len(point) + len(after) :])
        for before, point, after in parts
    ]
