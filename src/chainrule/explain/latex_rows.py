"""Equations as rows of LaTeX: in columns with their signs below one another, or broken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from chainrule.explain.array_text import shape_text, shown_places
from chainrule.explain.equations import Equation, Side
from chainrule.explain.latex_pieces import Piece, formula_pieces
from chainrule.explain.latex_width import latex_width
from chainrule.explain.worksheet import Value
from chainrule.notation.formula import Formula
from chainrule.notation.formula_latex import formula_latex, number_latex, text_latex

__all__ = ["MACROS", "Line", "RowWriter", "among_words"]

MACROS = r"""% Mathematics on one line: made smaller if nothing else helps.
\newsavebox{\fitbox}
\newcommand{\fit}[2]{\sbox{\fitbox}{$\displaystyle #2$}%
  \ifdim\wd\fitbox>#1\relax\resizebox{#1}{!}{\usebox{\fitbox}}\else\usebox{\fitbox}\fi}
\newcommand{\piece}[1]{\fit{\dimexpr\linewidth-2em}{#1}}
% Pieces on as many lines as it takes.
\newcommand{\pieces}[2]{\parbox[t]{#1}{\raggedright\hangindent=2em
  \lineskip=4pt\lineskiplimit=3pt\leavevmode #2}}
% What does not widen its column.
\newcommand{\free}[1]{\hbox to 0pt{$\displaystyle {} #1$\hss}}
"""
"""What the rows need in the preamble."""

_SIGNS = {"=": "=", "≈": r"\approx", "+": "+"}

# Widths in em; a line is as long as the page leaves it, less what equations are indented.
_LINE, _WIDEST_LEFT, _WIDEST_REMARK, _BETWEEN, _HANGING = 41.0, 16.0, 20.0, 1.0, 4.0

_RULE, _VALUE, _REMARK = 0, 2, 3
"""Columns: the rule, its numbers, its value, a remark."""

_BEGIN_ARRAY, _NEXT_IN_ARRAY = r"\begin{array}", r" \\ "

_MOST_TOGETHER = 8
"""Lines that stay on one page if they belong together."""

_PIECES_OF_A_ROW = 40
"""A page cannot end inside of a row."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """An equation, with a remark at its end and what is said below it, both as LaTeX's text."""

    equation: Equation
    remark: str = ""
    aside: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    column: int
    latex: str
    formula: tuple[str, Formula] | None = None
    """A sign and what follows it, where that can be broken."""

    @property
    def width(self) -> float:
        return min(latex_width(self.latex), _WIDEST_REMARK if self.column == _REMARK else math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    left: str
    cells: tuple[_Cell, ...]
    aside: str

    @property
    def left_width(self) -> float:
        return latex_width(self.left)

    @property
    def width(self) -> float:
        return sum(each.width for each in self.cells)

    @property
    def has_array(self) -> bool:
        return any(_BEGIN_ARRAY in each.latex for each in self.cells)


class RowWriter:
    """Writes equations with a number of significant digits."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def inline(self, equation: Equation) -> str:
        """An equation among words."""
        steps = (self._step(*each) for each in equation.steps)
        return among_words(" ".join([self._left(equation), *steps]))

    def block(self, lines: Iterable[Line]) -> Iterator[str]:
        """Equations one below the other, in a display that may go on on the next page."""
        lines = list(lines)
        if not lines:
            return
        rows = self._rows(lines)
        groups = _groups(rows)
        left = max((w for each in rows if (w := each.left_width) <= _WIDEST_LEFT), default=0.0)
        aligned = _aligned(rows, left)
        aligned &= {row for group in groups if aligned.issuperset(group) for row in group}
        columns = sorted({each.column for row in aligned for each in row.cells}) or [_RULE]
        written = []
        for group in groups:
            texts: list[str] = []
            for row in group:
                if row in aligned:
                    texts.append(_in_columns(row, columns))
                else:
                    texts += self._stacked(row, _LINE - left)
            written.append(texts)
        asides = [" ".join(row.aside for row in group if row.aside) for group in groups]
        yield f"\\begin{{alignat*}}{{{len(columns)}}}"
        yield _joined(written, asides)
        yield r"\end{alignat*}"
        if asides[-1]:
            yield f"{asides[-1]}\n"

    def _rows(self, lines: Sequence[Line]) -> list[_Row]:
        # Where no line has more than one sign, there is nothing to stand in columns.
        flowing = all(len(each.equation.steps) == 1 for each in lines)
        continued = any(each.equation.left is None for each in lines)
        return [self._row(each, flowing, continued) for each in lines]

    def _row(self, line: Line, flowing: bool, continued: bool) -> _Row:
        steps, cells = line.equation.steps, []
        for place, (sign, side) in enumerate(steps):
            is_formula = isinstance(side, Formula)
            # What a line comes to stands below what the others come to.
            is_value = place == len(steps) - 1 and not is_formula and not flowing
            column = _VALUE if is_value else _RULE + place
            formula = (_SIGNS[sign], side) if isinstance(side, Formula) else None
            cells.append(_Cell(column, self._step(sign, side), formula))
        if line.remark and flowing and continued:
            # Beside the lines above it, a remark would stand far away.
            cells[-1] = _Cell(_RULE, f"{cells[-1].latex}{_remark(line.remark)}")
        elif line.remark:
            cells.append(_Cell(_REMARK, _remark(line.remark)))
        return _Row(self._left(line.equation), tuple(cells), line.aside)

    def _left(self, equation: Equation) -> str:
        return "" if equation.left is None else formula_latex(equation.left, self.digits)

    def _step(self, sign: str, side: Side) -> str:
        written = (
            formula_latex(side, self.digits) if isinstance(side, Formula) else self._value(side)
        )
        return f"{_SIGNS[sign]} {written}"

    def _value(self, value: Value) -> str:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, bool):
            return f"\\text{{{str(value).lower()}}}"
        return number_latex(value, self.digits)

    def _array(self, array: npt.NDArray[np.generic]) -> str:
        shape = f"\\text{{{text_latex(shape_text(array.shape))}}}"
        if array.ndim not in (1, 2) or not array.size:
            return shape
        matrix = np.atleast_2d(array)
        rows, columns = shown_places(matrix.shape)
        body = _NEXT_IN_ARRAY.join(
            " & ".join(self._cell(matrix, row, column) for column in columns) for row in rows
        )
        array_columns = f"{{@{{}}{'r' * len(columns)}@{{}}}}"
        matrix_latex = f"{_BEGIN_ARRAY}{array_columns} {body} \\end{{array}}"
        return f"\\left[{matrix_latex}\\right]_{{{shape}}}"

    def _cell(self, matrix: npt.NDArray[np.generic], row: int | None, column: int | None) -> str:
        if column is None:
            return r"\ddots" if row is None else r"\cdots"
        if row is None:
            return r"\multicolumn{1}{c}{\vdots}"
        return number_latex(float(matrix[row, column]), self.digits)

    def _stacked(self, row: _Row, room: float) -> Iterator[str]:
        """A row too wide for the columns, on as many lines as it takes."""
        left = row.left
        if row.left_width > _WIDEST_LEFT:
            yield f" & \\free{{\\fit{{{_LINE:g}em}}{{{left}}}}}"
            left = ""
        for each in self._broken(row.cells, room):
            yield f"{left} & \\free{{{each}}}"
            left = ""

    def _broken(self, cells: Iterable[_Cell], room: float) -> Iterator[str]:
        line, used = "", 0.0
        for each in cells:
            if line and used + each.width > room:
                yield line
                line, used = "", 0.0
            if each.width <= room:
                line += f"{each.latex} "
                used += each.width
            elif each.formula is None:
                yield f"\\fit{{{room:g}em}}{{{{}} {each.latex}}}"
            else:
                yield from self._pieces(*each.formula, room)
        if line:
            yield line

    def _pieces(self, sign: str, formula: Formula, room: float) -> Iterator[str]:
        pieces = formula_pieces(formula, self.digits, room - _HANGING)
        pieces[0] = replace(pieces[0], latex=f"{{}} {sign} {pieces[0].latex}")
        for start in range(0, len(pieces), _PIECES_OF_A_ROW):
            written = "%\n".join(map(_breakable, pieces[start : start + _PIECES_OF_A_ROW]))
            yield f"\\pieces{{{room:g}em}}{{{written}}}"


def among_words(latex: str) -> str:
    """Mathematics in a text; LaTeX breaks none of it but at a sign."""
    if latex_width(latex) <= _LINE:
        return f"$\\displaystyle {latex}$" if r"\frac" in latex else f"${latex}$"
    return f"\\fit{{0.98\\linewidth}}{{{latex}}}"


def _aligned(rows: Iterable[_Row], left: float) -> set[_Row]:
    """As many rows as fit on a line when their cells stand in columns."""
    fitting = [
        each
        for each in rows
        if each.left_width <= _WIDEST_LEFT and left + each.width + _BETWEEN * 3 <= _LINE
    ]
    # An array can as well follow its sign; numbers are compared down a column.
    fitting.sort(key=lambda each: (each.has_array, each.width))
    while fitting:
        widths: dict[int, float] = {}
        for row in fitting:
            for each in row.cells:
                widths[each.column] = max(widths.get(each.column, 0.0), each.width)
        if left + sum(widths.values()) + _BETWEEN * (len(widths) - 1) <= _LINE:
            break
        fitting.pop()
    return set(fitting)


def _groups(rows: Iterable[_Row]) -> list[list[_Row]]:
    """Rows that belong together: one with a left side, and those without that go on."""
    groups: list[list[_Row]] = []
    for row in rows:
        if row.left or not groups:
            groups.append([])
        groups[-1].append(row)
    return groups


def _joined(groups: Sequence[Sequence[str]], asides: Sequence[str]) -> str:
    """Rows one below the other, with what is said between; few stay on one page."""
    between = _end([row for group in groups for row in group])
    joined = [f"{_end(group)}\n".join(group) for group in groups]
    for place, aside in enumerate(asides[:-1]):
        joined[place] += between + (f"\n\\intertext{{{aside}}}" if aside else "")
    return "\n".join(joined)


def _end(rows: Sequence[str]) -> str:
    """The end of each of these rows, at which a page may end if they are many."""
    n_lines = sum(1 + row.count(_NEXT_IN_ARRAY) for row in rows)
    return r" \\*" if n_lines <= _MOST_TOGETHER else r" \\"


def _in_columns(row: _Row, columns: Sequence[int]) -> str:
    written = {each.column: each.latex for each in row.cells}
    last = max(written)
    cells = [written.get(column, "") for column in columns if column <= last]
    return f"{row.left} & " + r" &\quad& ".join(cells)


def _remark(text: str) -> str:
    written = f"\\text{{{text}}}"
    if latex_width(written) > _WIDEST_REMARK:
        written = f"\\parbox[t]{{{_WIDEST_REMARK:g}em}}{{\\raggedright {text}}}"
    return f"\\quad {written}"


def _breakable(piece: Piece) -> str:
    # A line ends inside of a term only where the term is longer than a line.
    return f"\\penalty{50 * piece.depth}\\piece{{{piece.latex}}}"
