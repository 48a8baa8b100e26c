"""A worksheet as a LaTeX document that compiles as it stands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from chainrule.explain.array_text import shape_text, shown_places
from chainrule.explain.equations import BackwardLines, Equation, Equations, Side
from chainrule.explain.worksheet import CHECKED_AGAINST, Chain, Given, Value, Worksheet
from chainrule.notation.formula import Formula, Negative, Sum
from chainrule.notation.formula_latex import (
    formula_latex,
    number_latex,
    symbol_latex,
    text_latex,
)

__all__ = ["to_latex"]

_HEAD = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[a4paper, margin=22mm]{geometry}
\usepackage{amsmath, graphicx}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
% A formula too wide for the page is made smaller.
\newsavebox{\widebox}
\newcommand{\fit}[1]{\sbox{\widebox}{$\displaystyle #1$}%
  \ifdim\wd\widebox>0.8\linewidth
    \resizebox{0.8\linewidth}{!}{\usebox{\widebox}}\else\usebox{\widebox}\fi}
\begin{document}
"""

_SIGNS = {"=": "=", "≈": r"\approx", "+": "+"}

_WIDE = 78
"""Characters of an equation that fit on one line; beyond, each sign begins a new one."""


def to_latex(sheet: Worksheet, digits: int = 4) -> str:
    """A worksheet as a document for pdflatex, lualatex or xelatex; it needs amsmath.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> print(to_latex(cr.explain("x*y", x=2, y=3).worksheet).splitlines()[0])
    \\documentclass[11pt]{article}
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
    body = "\n\n".join(text for each in sections if (text := "\n".join(each)))
    return f"{_HEAD}\n{body}\n\n\\end{{document}}\n"


class _Page:
    def __init__(self, sheet: Worksheet, digits: int) -> None:
        self.sheet = sheet
        self.digits = digits
        self.equations = Equations(sheet, digits)

    def heading(self) -> Iterator[str]:
        sheet = self.sheet
        title = text_latex(sheet.title) or f"The derivative of ${symbol_latex(sheet.symbol)}$"
        yield f"\\section*{{{title}}}"
        yield from self._aligned(self.equations.parts())
        plain = [each for each in sheet.given if not each.note and _is_number(each)]
        if plain:
            points = [f"${self._side_by_side(each)}$" for each in self.equations.given(plain)]
            yield f"at {', '.join(points)}."
        noted = [each for each in sheet.given if each.note and _is_number(each)]
        yield from self._noted(noted)
        for each in sheet.given:
            if isinstance(each.value, np.ndarray):
                shape = text_latex(shape_text(each.value.shape))
                note = f": {text_latex(each.note)}" if each.note else ""
                yield f"\n${symbol_latex(each.symbol)}$, {shape}{note}"
                yield f"\\[ \\fit{{{self._value(each.value)}}} \\]"

    def forward(self) -> Iterator[str]:
        if self.sheet.forward:
            yield r"\subsection*{Forward}"
            yield from self._aligned(self.equations.forward(self.sheet.forward))

    def backward(self) -> Iterator[str]:
        symbol = symbol_latex(self.sheet.symbol)
        yield r"\subsection*{Backward}"
        yield (
            f"For every use $u$ of $v$: $\\frac{{\\partial {symbol}}}{{\\partial u}} \\cdot "
            f"\\frac{{\\partial u}}{{\\partial v}}$."
        )
        pending: list[Equation] = []
        for lines in self.equations.backward():
            pending += lines.equations
            if lines.largest or lines.end:
                yield from self._aligned(pending)
                yield from self._remarks(lines)
                pending = []
        yield from self._aligned(pending)
        for each in self.equations.definitions():
            yield f"where ${self._side_by_side(each)}$\n"

    def _remarks(self, lines: BackwardLines) -> Iterator[str]:
        if lines.largest:
            terms = [f"${self._side_by_side(each)}$" for each in lines.largest]
            more = f", and {lines.n_more:,} more" if lines.n_more else ""
            yield f"The largest terms: {', '.join(terms)}{more}.\n"
        if lines.end:
            yield f"Nothing flows further back: {text_latex(lines.end)}.\n"

    def chains(self) -> Iterator[str]:
        chains = self.equations.chains()
        if chains:
            yield r"\subsection*{Chain rule}"
            yield from self._aligned(itertools.chain.from_iterable(chains))

    def result(self) -> Iterator[str]:
        yield r"\subsection*{Result}"
        lines = [self.equations.value()]
        for chain in self.sheet.chains:
            lines += self.equations.result(chain)
        yield from self._aligned(lines)
        if self.sheet.chains:
            yield r"\begin{itemize}\setlength{\itemsep}{0pt}"
            yield from (self._check(chain) for chain in self.sheet.chains)
            yield r"\end{itemize}"
        if any(chain.check.agrees for chain in self.sheet.chains):
            yield f"Beside each derivative: {text_latex(CHECKED_AGAINST)}."

    def _check(self, chain: Chain) -> str:
        partial = f"$\\partial {symbol_latex(self.sheet.symbol)}/\\partial "
        partial += f"{symbol_latex(chain.variable)}$"
        check = chain.check
        if check.error is None:
            return f"\\item {partial}: not checked: {text_latex(check.reason or '')}."
        if check.agrees:
            error = number_latex(check.error, 1)
            return f"\\item {partial}: checked; relative distance ${error}$."
        quotient = number_latex(check.difference_quotient or 0.0, self.digits)
        return f"\\item {partial}: \\textbf{{differs}}: the central difference is ${quotient}$."

    def update(self) -> Iterator[str]:
        update = self.sheet.update
        if update is None:
            return
        yield f"\\subsection*{{Update by {text_latex(update.optimizer)}}}"
        yield from self._noted(update.given)
        yield from self._aligned(self.equations.forward(update.forward))

    def notes(self) -> Iterator[str]:
        for note in self.sheet.notes:
            yield f"\\textit{{Note:}} {text_latex(note)}\n"

    # --- pieces ----------------------------------------------------------------------------

    def _noted(self, given: Sequence[Given]) -> Iterator[str]:
        if not given:
            return
        yield r"\begin{center}\begin{tabular}{lll}"
        for equation in self.equations.given(given):
            assert equation.left is not None
            ((sign, value),) = equation.steps
            yield (
                f"${self._side(equation.left)}$ & ${_SIGNS[sign]} {self._side(value)}$ & "
                f"{text_latex(equation.note)} \\\\"
            )
        yield r"\end{tabular}\end{center}"

    def _aligned(self, equations: Iterable[Equation]) -> Iterator[str]:
        """Equations one below the other, with notes between."""
        rows: list[str] = []
        for equation in equations:
            rows += self._rows(equation)
            if equation.note:
                yield from _align(rows)
                yield f"Note: {text_latex(equation.note)}\n"
                rows = []
        yield from _align(rows)

    def _rows(self, equation: Equation) -> Iterator[str]:
        left = "" if equation.left is None else self._side(equation.left)
        written = [(sign, self._side(side)) for sign, side in equation.steps]
        arrays = any(isinstance(side, np.ndarray) for _, side in equation.steps)
        width = sum(_width(text) + 3 for _, text in written) + _width(left)
        if width <= _WIDE and not arrays:
            body = " ".join(f"{_SIGNS[sign]} {text}" for sign, text in written)
            yield f"{left} & {body}"
            return
        for sign, side in equation.steps:
            for text in self._broken(side):
                yield f"{left} & {sign and _SIGNS[sign]} {text}"
                left, sign = "", ""

    def _broken(self, side: Side) -> Iterator[str]:
        """One side on as many lines as it takes: a sum begins a new one at its signs."""
        line = ""
        for sign, term in _terms(side):
            text = self._side(term)
            if sign:
                text = f"{sign} \\left({text}\\right)" if text.startswith("-") else f"{sign} {text}"
            if line and _width(line) + _width(text) > _WIDE:
                yield line
                line = r"\quad "
            line += f" {text}"
        yield line if _width(line) <= _WIDE else f"\\fit{{{line}}}"

    def _side_by_side(self, equation: Equation) -> str:
        left = "" if equation.left is None else self._side(equation.left)
        return " ".join([left, *(f"{_SIGNS[sign]} {self._side(s)}" for sign, s in equation.steps)])

    def _side(self, side: Side) -> str:
        return formula_latex(side, self.digits) if isinstance(side, Formula) else self._value(side)

    def _value(self, value: Value) -> str:
        if isinstance(value, np.ndarray):
            return self._matrix(value)
        if isinstance(value, bool):
            return f"\\text{{{str(value).lower()}}}"
        return number_latex(value, self.digits)

    def _matrix(self, array: np.ndarray) -> str:
        if array.ndim not in (1, 2):
            return f"\\text{{{text_latex(shape_text(array.shape))}}}"
        matrix = np.atleast_2d(array)
        rows, columns = shown_places(matrix.shape)
        cells = (" & ".join(self._cell(matrix, row, column) for column in columns) for row in rows)
        body = r" \\ ".join(cells)
        return f"\\begin{{bmatrix}} {body} \\end{{bmatrix}}"

    def _cell(self, matrix: np.ndarray, row: int | None, column: int | None) -> str:
        if row is None:
            return r"\ddots" if column is None else r"\vdots"
        if column is None:
            return r"\cdots"
        return number_latex(float(matrix[row, column]), self.digits)


def _is_number(given: Given) -> bool:
    return not isinstance(given.value, np.ndarray)


def _terms(side: Side) -> Iterator[tuple[str, Side]]:
    """The terms of a sum with their signs; of anything else, the whole."""
    if isinstance(side, Sum) and not isinstance(side.right, Sum | Negative):
        yield from _terms(side.left)
        yield "-" if side.minus else "+", side.right
    else:
        yield "", side


def _align(rows: Sequence[str]) -> Iterator[str]:
    if rows:
        yield r"\begin{align*}"
        yield " \\\\\n".join(rows)
        yield r"\end{align*}"


def _width(latex: str) -> int:
    """About how many characters wide a piece of mathematics is when it is set."""
    width, skipping = 0, False
    for each in latex:
        if each == "\\":
            skipping, width = True, width + 1
        elif skipping and each.isalpha():
            continue
        else:
            skipping = False
            width += each not in "{}_^ "
    return width
