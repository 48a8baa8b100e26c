"""A worksheet as a LaTeX document that compiles as it stands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.explain.equations import BackwardLines, Equation, Equations
from chainrule.explain.latex_rows import MACROS, Line, RowWriter, among_words
from chainrule.explain.worksheet import Chain, ForwardStep, Given, Worksheet
from chainrule.notation.formula_latex import number_latex, symbol_latex, text_latex

__all__ = ["to_latex"]

_HEAD = rf"""\documentclass[11pt, fleqn]{{article}}
\ifdefined\pdftexversion\usepackage[T1]{{fontenc}}\fi
\IfFileExists{{lmodern.sty}}{{\usepackage{{lmodern}}}}{{}}
\usepackage[a4paper, hmargin=22mm, vmargin=18mm]{{geometry}}
\usepackage{{amsmath, amssymb, graphicx}}
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{4pt}}
\setlength{{\mathindent}}{{1.5em}}
\setlength{{\jot}}{{4pt}}
\AtBeginDocument{{\setlength{{\abovedisplayskip}}{{5pt plus 3pt}}
  \setlength{{\belowdisplayskip}}{{5pt plus 3pt}}}}
\raggedright
\allowdisplaybreaks
% Around an exponent, parentheses stay small.
\delimiterfactor=760
% No space between a function and its parenthesis.
\let\growingleft\left
\let\growingright\right
\renewcommand{{\left}}{{\mathopen{{}}\mathclose\bgroup\growingleft}}
\renewcommand{{\right}}{{\aftergroup\egroup\growingright}}
{MACROS}\begin{{document}}
"""

_CHECKED = r"relative distance to the central difference $\bigl(f(x + h) - f(x - h)\bigr)/2h$"

_MOST_IN_ONE_LINE = 2
"""Formulas and values of a derivative that stand in one line of the result."""


def to_latex(sheet: Worksheet, digits: int = 4) -> str:
    """A worksheet as a document that compiles with pdflatex, lualatex and xelatex.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> print(to_latex(cr.explain("x*y", x=2, y=3).worksheet).splitlines()[0])
    \\documentclass[11pt, fleqn]{article}
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
        self.rows = RowWriter(digits)

    def heading(self) -> Iterator[str]:
        sheet = self.sheet
        symbol = among_words(symbol_latex(sheet.symbol))
        yield f"\\section*{{{text_latex(sheet.title) or f'The derivative of {symbol}'}}}"
        yield from self.rows.block(map(Line, self.equations.parts()))
        numbers = [each for each in sheet.given if not isinstance(each.value, np.ndarray)]
        plain = [each for each in numbers if not each.note]
        if plain:
            points = [self.rows.inline(each) for each in self.equations.given(plain)]
            yield f"at {', '.join(points)}"
        yield from self._noted(each for each in numbers if each.note)
        yield from self._noted(each for each in sheet.given if isinstance(each.value, np.ndarray))

    def forward(self) -> Iterator[str]:
        if self.sheet.forward:
            yield r"\subsection*{Forward}"
            yield from self._forward(self.sheet.forward)

    def _forward(self, steps: Iterable[ForwardStep]) -> Iterator[str]:
        yield from self.rows.block(_with_notes(self.equations.forward(steps)))

    def backward(self) -> Iterator[str]:
        symbol = symbol_latex(self.sheet.symbol)
        yield r"\subsection*{Backward}"
        product = f"\\partial {symbol}/\\partial u \\cdot \\partial u/\\partial v"
        yield f"{among_words(product)} for every use $u$ of $v$"
        lines: list[Line] = []
        for each in self.equations.backward():
            *before, last = each.equations
            lines += [*map(Line, before), Line(last, aside=self._remarks(each))]
        yield from self.rows.block(lines)
        for equation in self.equations.definitions():
            yield f"where {self.rows.inline(equation)}\n"

    def _remarks(self, lines: BackwardLines) -> str:
        """The largest terms of a sum over an array, and why nothing flows on."""
        remarks = []
        if lines.largest:
            terms = [self.rows.inline(each) for each in lines.largest]
            more = f", and {lines.n_more:,} more" if lines.n_more else ""
            remarks.append(f"the largest terms: {', '.join(terms)}{more}")
        if lines.end:
            remarks.append(f"Note: nothing flows further back: {text_latex(lines.end)}.")
        return r" \\ ".join(remarks)

    def chains(self) -> Iterator[str]:
        chains = self.equations.chains()
        if chains:
            yield r"\subsection*{Chain rule}"
            yield from self.rows.block(_with_notes(itertools.chain.from_iterable(chains)))

    def result(self) -> Iterator[str]:
        yield r"\subsection*{Result}"
        lines = [Line(self.equations.value())]
        results = [self.equations.result(chain) for chain in self.sheet.chains]
        in_one_line = all(_is_short(each) for each in results)
        for chain, equations in zip(self.sheet.chains, results, strict=True):
            if in_one_line:
                steps = tuple(step for each in equations for step in each.steps)
                equations = [replace(equations[0], steps=steps)]
            lines += map(Line, equations[:-1])
            lines.append(Line(equations[-1], remark=self._check(chain)))
        yield from self.rows.block(lines)
        if any(chain.check.agrees for chain in self.sheet.chains):
            yield f"$\\checkmark$ {_CHECKED}"

    def _check(self, chain: Chain) -> str:
        check = chain.check
        if check.error is None:
            return f"not checked: {text_latex(check.reason or '')}"
        if check.agrees:
            return f"$\\checkmark\\ {number_latex(check.error, 1)}$"
        quotient = number_latex(check.difference_quotient or 0.0, self.digits)
        return f"\\textbf{{differs}}: the central difference is ${quotient}$"

    def update(self) -> Iterator[str]:
        """The step of the optimizer, from the gradient to the new value."""
        update = self.sheet.update
        if update is None:
            return
        yield f"\\subsection*{{Update by {text_latex(update.optimizer)}}}"
        yield from self._noted(update.given)
        yield from self._forward(update.forward)

    def notes(self) -> Iterator[str]:
        for note in self.sheet.notes:
            yield f"Note: {text_latex(note)}\n"

    def _noted(self, given: Iterable[Given]) -> Iterator[str]:
        """Values, with what they stand for."""
        yield from self.rows.block(
            Line(each, remark=text_latex(each.note)) for each in self.equations.given(given)
        )


def _with_notes(equations: Iterable[Equation]) -> Iterator[Line]:
    for each in equations:
        yield Line(each, aside=f"Note: {text_latex(each.note)}" if each.note else "")


def _is_short(equations: Sequence[Equation]) -> bool:
    """Whether a result is one line: at most one formula, and a number."""
    steps = [step for each in equations for step in each.steps]
    return len(steps) <= _MOST_IN_ONE_LINE and not isinstance(steps[-1][1], np.ndarray)
