"""A page of matrices as a LaTeX document that needs amsmath alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.matrices.page import (
    MOST_ROWS,
    Calculation,
    Equation,
    Matrix,
    MatrixPage,
    Part,
    Section,
    Shapes,
    Statement,
    WorkedEntry,
    fillers,
    visible_places,
)
from chainrule.matrices.worked import Term, equals, worked_lines
from chainrule.notation.formula import Formula
from chainrule.notation.formula_latex import (
    formula_latex,
    function_latex,
    number_latex,
    numeral_latex,
    text_latex,
)
from chainrule.notation.formula_text import number_text

__all__ = ["to_latex"]

_HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\setlength{\textwidth}{17cm}
\setlength{\textheight}{24cm}
\setlength{\oddsidemargin}{-0.6cm}
\setlength{\topmargin}{-1.5cm}
\setlength{\parindent}{0pt}
\setlength{\fboxsep}{2pt}
\allowdisplaybreaks
\begin{document}
"""

# Widths in points, at ten points: LaTeX breaks no line of mathematics by itself.
_LINE, _DIGIT, _BETWEEN, _AROUND = 470, 5.4, 10, 18

# How many columns of a matrix are shown, and how many at each edge of a wider one.
_COLUMNS = ((8, 2), (6, 2), (5, 2), (4, 1), (3, 1), (1, 0))

_SIGNS = {
    "=": "=",
    "≠": r"\neq",
    "≈": r"\approx",
    "+": "+",
    "·": r"\cdot",
    "⊙": r"\odot",
    "": "",
}


def to_latex(page: MatrixPage, digits: int = 4) -> str:
    """A whole document.

    What is marked is bold, and the marked entry in a box, as colours would need a package.
    """
    writer = _Writer(digits)
    sections = (writer.section(each) for each in page.sections)
    title = f"\\section*{{{text_latex(page.title)}}}"
    return f"{_HEAD}{title}\n\n{''.join(sections)}\\end{{document}}\n"


class _Writer:
    def __init__(self, digits: int) -> None:
        self.digits = digits

    def section(self, section: Section) -> str:
        parts = "".join(self._part(each) for each in section.parts)
        return f"\\subsection*{{{text_latex(section.heading)}}}\n{parts}\n"

    def _part(self, part: Part) -> str:
        match part:
            case Equation():
                return self._equation(part)
            case WorkedEntry():
                return self._worked(part)
            case Calculation(name, rule, value):
                written = "" if rule is None else f"= {self._formula(rule)} "
                sign = _SIGNS[equals(self.digits, [value])]
                return _display(f"{self._formula(name)} {written}{sign} {self._number(value)}")
            case Shapes():
                return self._shapes(part)
            case Statement(text):
                return f"{text_latex(text)}\n\n"

    def _equation(self, equation: Equation) -> str:
        relation = _SIGNS[equation.relation]
        symbols = [self._formula(equation.result.name)]
        if equation.rule is not None:
            symbols += [relation, self._formula(equation.rule)]
        matrices = [("", equation.result, "")]
        for operand in equation.operands:
            sign = _SIGNS[operand.sign] or relation
            symbols += [sign, self._formula(operand.matrix.name)]
            matrices.append((sign, operand.matrix, operand.note))
        blocks: list[tuple[str, float]] = []
        for most, edge in _COLUMNS:
            blocks = [self._matrix(*each, most, edge) for each in matrices]
            if all(width <= _LINE for _, width in blocks):
                break
        lines, used = [""], 0.0
        for text, width in blocks:
            if lines[-1] and used + width > _LINE:
                lines.append(r"\quad")
                used = 10.0
            lines[-1] += f"\n  {text}"
            used += width
        if len(symbols) == 1:
            return _display(f"{symbols[0]} ={lines[0]}")
        return _display(" ".join(symbols)) + _aligned(f"&{line}" for line in lines)

    def _matrix(
        self, sign: str, matrix: Matrix, note: str, most: int, edge: int
    ) -> tuple[str, float]:
        """A sign and a matrix with its shape below, and about how wide the two are."""
        rows = visible_places(len(matrix.rows), MOST_ROWS, matrix.row)
        columns = visible_places(matrix.rows.shape[1], most, matrix.column, edge)
        width, cells = float(_AROUND + (_AROUND if sign else 0)), []
        for column in columns:
            column_cells, longest = self._column(matrix, rows, column)
            cells.append(column_cells)
            width += longest * _DIGIT + _BETWEEN
        body = r" \\ ".join(" & ".join(row) for row in zip(*cells, strict=True))
        array = f"\\left[\\begin{{array}}{{{'r' * len(columns)}}} {body} \\end{{array}}\\right]"
        shape = _shape(matrix.value.shape)
        if matrix.value.ndim == 1:
            shape = f"\\text{{{matrix.shape}{f', {text_latex(note)}' if note else ''}}}"
        return f"{sign} \\underset{{{shape}}}{{{array}}}", max(width, 4.0 * len(note) + 60)

    def _column(
        self, matrix: Matrix, rows: Sequence[int | None], column: int | None
    ) -> tuple[list[str], int]:
        """The cells of a column, and how many characters wide they are."""
        if column is None:
            return [r"\ddots" if row is None else r"\cdots" for row in rows], 2
        texts = [
            "" if row is None else number_text(float(matrix.rows[row, column]), self.digits)
            for row in rows
        ]
        cells = []
        for row, text, (_, after) in zip(rows, texts, fillers(texts), strict=True):
            if row is None:
                cells.append(r"\multicolumn{1}{c}{\vdots}")
                continue
            number = _marked(numeral_latex(text), matrix.mark_at(row, column))
            cells.append(f"{number}\\phantom{{{numeral_latex(after)}}}" if after else number)
        longest = max(
            len(before) + len(text) + len(after)
            for text, (before, after) in zip(texts, fillers(texts), strict=True)
        )
        return cells, longest

    def _worked(self, entry: WorkedEntry) -> str:
        left, right, bias = (
            f"${self._formula(each)}$"
            for each in (entry.left.name, entry.right.name, entry.bias_name)
        )
        caption = (
            f"Row {entry.left.row} of {left} times column {entry.right.column} of {right}, "
            f"plus {bias}:\n"
        )
        written = []
        for name, sign, terms in worked_lines(
            entry, self.digits, self._number, function_latex, r" \cdot "
        ):
            head = "" if name is None else self._formula(name)
            first, *rest = _sums(terms)
            written.append(f"{head} &{_SIGNS[sign]} {first}")
            written += [f"&\\quad {each}" for each in rest]
        return caption + _aligned(written)

    def _shapes(self, shapes: Shapes) -> str:
        lines = []
        for name, rule, parts in shapes.rows:
            shape = " ".join(f"{_SIGNS[sign]} {_shape(each)}" for sign, each in parts)
            lines.append(f"{self._formula(name)} &= {self._formula(rule)} && {shape.strip()}")
        body = " \\\\\n".join(lines)
        return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"

    def _number(self, value: float) -> str:
        return number_latex(value, self.digits)

    def _formula(self, formula: Formula) -> str:
        return formula_latex(formula, self.digits)


def _shape(shape: tuple[int, ...]) -> str:
    return r" \times ".join(map(str, shape))


def _display(mathematics: str) -> str:
    return f"\\[ {mathematics} \\]\n"


def _aligned(lines: Iterator[str] | Sequence[str]) -> str:
    body = " \\\\\n".join(lines)
    return f"\\[ \\begin{{aligned}}\n{body}\n\\end{{aligned}} \\]\n"


def _sums(terms: Sequence[Term]) -> list[str]:
    """A sum, on as many lines as it takes."""
    lines, used = [""], 120.0
    for index, term in enumerate(terms):
        written = "".join(_marked(text, mark) for text, mark in term)
        written = written.replace(" more: ", r"\text{ more: }")
        width = _DIGIT * sum(len(text) for text, _ in term) + _BETWEEN
        if lines[-1] and used + width > _LINE:
            lines.append("")
            used = 140.0
        lines[-1] += f"{' + ' if index else ''}{written}"
        used += width
    return lines


def _marked(number: str, mark: str) -> str:
    if mark == "entry":
        return f"\\boxed{{{number}}}"
    return f"\\mathbf{{{number}}}" if mark else number
