"""A worksheet as HTML: a page of its own, or a piece of a notebook, to step through."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.explain.array_text import shape_text, shown_places
from chainrule.explain.equations import BackwardLines, Equation, Equations, Side
from chainrule.explain.worksheet import CHECKED_AGAINST, Chain, Given, Value, Worksheet
from chainrule.notation.formula import Formula, Partial, Product
from chainrule.notation.formula_mathml import (
    formula_mathml,
    number_mathml,
    operator,
    symbol_mathml,
)
from chainrule.notation.formula_text import number_text
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.page import page

__all__ = ["to_fragment", "to_html"]

_STYLE = Path(__file__).with_name("derivation.css")
_SCRIPT = Path(__file__).with_name("derivation.js")

_MOST = {
    "parts": (80, "parts"),
    "given": (120, "values"),
    "forward": (240, "steps forward"),
    "backward": (240, "steps backward"),
    "chains": (30, "variables"),
}
"""How many of each are shown: nobody reads more, and the page stays below a megabyte."""

_LARGEST_DRAWING = 300_000
"""Characters of a drawing with all its layers; of a larger one, the layers stay closed."""

_COLUMNS = 3
"""A rule, the numbers put in, and what it comes to."""


def to_html(sheet: Worksheet, digits: int = 4) -> str:
    """A worksheet as a page of its own: no network, light and dark, on screen and on paper.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> to_html(cr.explain("x*y", x=2, y=3).worksheet).startswith("<!DOCTYPE html>")
    True
    """
    return page(sheet.title or f"The derivative of {sheet.symbol}", to_fragment(sheet, digits))


def to_fragment(sheet: Worksheet, digits: int = 4) -> Markup:
    """A worksheet as a piece of another page, such as a notebook; it changes nothing around it."""
    sections = _Sections(_shortened(sheet), sheet, digits)
    content = element(
        "div",
        sections.heading(),
        sections.drawing(),
        sections.stepper(),
        sections.forward(),
        sections.backward(),
        sections.chains(),
        sections.result(),
        sections.update(),
        sections.notes(),
        class_="chainrule",
    )
    return join(
        [
            element("style", raw(_STYLE.read_text(encoding="utf-8"))),
            content,
            element("script", raw(_SCRIPT.read_text(encoding="utf-8"))),
        ]
    )


def _shortened(sheet: Worksheet) -> Worksheet:
    """What of a long derivation is shown: its beginning and its end, and a note that says so."""
    kept: dict[str, Any] = {}
    notes = []
    for name, (most, what) in _MOST.items():
        items = getattr(sheet, name)
        if len(items) > most:
            half = most // 2
            kept[name] = (*items[:half], *items[len(items) - half :])
            notes.append(
                f"Of {len(items):,} {what}, the first {half} and the last {half} are shown."
            )
    return dataclasses.replace(sheet, **kept, notes=(*sheet.notes, *notes)) if kept else sheet


class _Sections:
    def __init__(self, sheet: Worksheet, whole: Worksheet, digits: int) -> None:
        self.sheet = sheet
        self.whole = whole
        self.digits = digits
        self.equations = Equations(sheet, digits)
        self.steps = itertools.count()

    def heading(self) -> Markup:
        sheet = self.sheet
        title = sheet.title or join(["The derivative of ", _math(symbol_mathml(sheet.symbol))])
        numbers = [each for each in sheet.given if not isinstance(each.value, np.ndarray)]
        points = [
            _math(self._line(each))
            for each in self.equations.given(each for each in numbers if not each.note)
        ]
        arrays = [each for each in sheet.given if isinstance(each.value, np.ndarray)]
        return element(
            "header",
            element("h1", title),
            self._table(self.equations.parts()),
            element("p", "at ", join(points, ", "), class_="point") if points else "",
            self._noted([each for each in numbers if each.note]),
            self._arrays(arrays),
        )

    def _arrays(self, given: Sequence[Given]) -> Markup:
        """Matrices, folded away where there are many."""
        figures = [
            element(
                "figure",
                element(
                    "figcaption",
                    _math(symbol_mathml(each.symbol)),
                    f" {shape_text(np.shape(each.value))}{f': {each.note}' if each.note else ''}",
                ),
                _math(self._value(each.value)),
            )
            for each in given
        ]
        if not figures:
            return raw("")
        grid = element("div", *figures, class_="arrays")
        if len(figures) <= 3:
            return grid
        return element("details", element("summary", f"{len(figures)} arrays"), grid)

    def drawing(self) -> Markup:
        """The graph, where the package that lays it out is there."""
        if find_spec("igraph") is None or not self.whole.forward:
            return raw("")
        from chainrule.explain.graph_drawing import draw_graph, graph_figure

        drawn = graph_figure(self.whole, self.digits)
        if len(drawn) > _LARGEST_DRAWING:
            drawn = draw_graph(self.whole, self.digits)
        return element(
            "section",
            element("h2", "The graph"),
            element("div", drawn, class_="drawing"),
        )

    def stepper(self) -> Markup:
        """Buttons that lead through the steps; the script shows them."""
        n_steps = len(self.sheet.forward) + len(self.sheet.backward)
        return element(
            "div",
            element("button", "‹", type="button", data_go="-1", aria_label="one step back"),
            element("button", "play", type="button", data_go="play"),
            element("button", "›", type="button", data_go="1", aria_label="one step on"),
            element("input", type="range", min=0, max=n_steps, value=n_steps, aria_label="step"),
            element("output", ""),
            class_="stepper",
            hidden="hidden",
        )

    def forward(self) -> Markup:
        if not self.sheet.forward:
            return raw("")
        return element(
            "section",
            element("h2", "Forward"),
            self._table(
                self.equations.forward(self.sheet.forward),
                [each.symbol for each in self.sheet.forward],
                "forward",
            ),
        )

    def backward(self) -> Markup:
        symbol = self.sheet.symbol
        rows = [row for lines in self.equations.backward() for row in self._backward(lines)]
        definitions = self._table(self.equations.definitions())
        rule = Product(Partial(symbol, "u"), Partial("u", "v"))
        return element(
            "section",
            element("h2", "Backward"),
            element(
                "p",
                "For every use ",
                _math(symbol_mathml("u")),
                " of ",
                _math(symbol_mathml("v")),
                ": ",
                _math(formula_mathml(rule)),
                class_="lead",
            ),
            element("div", element("table", *rows), class_="equations"),
            element("div", "where ", definitions, class_="where") if self.sheet.definitions else "",
            class_="gradients",
        )

    def _backward(self, lines: BackwardLines) -> Iterator[Markup]:
        step = {"data_step": next(self.steps), "data_symbol": lines.symbol, "data_pass": "backward"}
        for equation in lines.equations:
            yield self._row(equation, step)
        remarks = []
        if lines.largest:
            terms = [_math(self._line(each)) for each in lines.largest]
            more = f", and {lines.n_more:,} more" if lines.n_more else ""
            remarks.append(join(["the largest terms: ", join(terms, ", "), more]))
        if lines.end:
            remarks.append(f"nothing flows further back: {lines.end}")
        for remark in remarks:
            yield _remark(remark, step)

    def chains(self) -> Markup:
        chains = self.equations.chains()
        if not chains:
            return raw("")
        tables = [self._table(lines) for lines in chains]
        return element("section", element("h2", "Chain rule"), *tables, class_="gradients")

    def result(self) -> Markup:
        rows = [self._row(self.equations.value())]
        for chain in self.sheet.chains:
            lines = self.equations.result(chain)
            rows += [self._row(each) for each in lines[:-1]]
            rows.append(self._row(lines[-1], after=self._check(chain)))
        checked = any(chain.check.agrees for chain in self.sheet.chains)
        return element(
            "section",
            element("h2", "Result"),
            element("div", element("table", *rows), class_="equations"),
            element("p", f"✓ {CHECKED_AGAINST}", class_="lead") if checked else "",
            class_="gradients",
        )

    def _check(self, chain: Chain) -> Markup:
        check = chain.check
        if check.error is None:
            return element("span", f"not checked: {check.reason}", class_="unchecked")
        if check.agrees:
            return element("span", f"✓ {number_text(check.error, 1)}", class_="right")
        quotient = number_text(check.difference_quotient or 0.0, self.digits)
        return element("span", f"✗ the central difference is {quotient}", class_="wrong")

    def update(self) -> Markup:
        update = self.sheet.update
        if update is None:
            return raw("")
        return element(
            "section",
            element("h2", f"Update by {update.optimizer}"),
            self._noted(update.given),
            self._table(self.equations.forward(update.forward)),
        )

    def notes(self) -> Markup:
        return join(element("p", f"Note: {note}", class_="note") for note in self.sheet.notes)

    # --- pieces ----------------------------------------------------------------------------

    def _noted(self, given: Sequence[Given]) -> Markup:
        """Values with what they stand for."""
        if not given:
            return raw("")
        rows = (
            self._row(Equation(each.left, each.steps), after=each.note)
            for each in self.equations.given(given)
        )
        return element("div", element("table", *rows, class_="noted"), class_="equations")

    def _table(
        self, equations: Iterable[Equation], symbols: Sequence[str] = (), direction: str = ""
    ) -> Markup:
        rows = []
        for place, equation in enumerate(equations):
            step: dict[str, object] = {}
            if symbols:
                step["data_step"] = next(self.steps)
                step["data_symbol"], step["data_pass"] = symbols[place], direction
            rows.append(self._row(equation, step))
            if equation.note:
                rows.append(_remark(f"Note: {equation.note}", step))
        return element("div", element("table", *rows), class_="equations")

    def _row(
        self, equation: Equation, step: Mapping[str, object] | None = None, after: str = ""
    ) -> Markup:
        """A line as cells: the left side, then each sign with what follows it."""
        left = "" if equation.left is None else _math(formula_mathml(equation.left, self.digits))
        cells = [
            element(
                "td",
                _math(operator(sign), self._side(side)),
                class_="rule" if isinstance(side, Formula) else "value",
                colspan=_COLUMNS if len(equation.steps) == 1 else 1,
            )
            for sign, side in equation.steps
        ]
        # What a line comes to stands below what the others come to.
        while 1 < len(cells) < _COLUMNS:
            cells.insert(-1, element("td"))
        return element(
            "tr",
            element("th", left),
            *cells,
            element("td", after, class_="after") if after else "",
            **(step or {}),
        )

    def _line(self, equation: Equation) -> Markup:
        left = "" if equation.left is None else formula_mathml(equation.left, self.digits)
        steps = (join([operator(sign), self._side(side)]) for sign, side in equation.steps)
        return join([left, *steps])

    def _side(self, side: Side) -> Markup:
        return formula_mathml(side, self.digits) if isinstance(side, Formula) else self._value(side)

    def _value(self, value: Value) -> Markup:
        if isinstance(value, np.ndarray):
            return self._matrix(value)
        if isinstance(value, bool):
            return element("mtext", str(value).lower())
        return number_mathml(value, self.digits)

    def _matrix(self, array: np.ndarray) -> Markup:
        if array.ndim not in (1, 2):
            return element("mtext", shape_text(array.shape))
        matrix = np.atleast_2d(array)
        rows, columns = shown_places(matrix.shape)
        table = element(
            "mtable",
            *(
                element("mtr", *(element("mtd", self._cell(matrix, i, j)) for j in columns))
                for i in rows
            ),
        )
        opening = element("mo", "[", fence="true", form="prefix")
        return element("mrow", opening, table, element("mo", "]", fence="true", form="postfix"))

    def _cell(self, matrix: np.ndarray, row: int | None, column: int | None) -> Markup:
        if row is None:
            return element("mo", "⋱" if column is None else "⋮")
        if column is None:
            return element("mo", "⋯")
        return number_mathml(float(matrix[row, column]), self.digits)


def _remark(text: str, step: Mapping[str, object]) -> Markup:
    cell = element("td", text, colspan=_COLUMNS + 1, class_="remark")
    return element("tr", element("th"), cell, **step)


def _math(*content: str) -> Markup:
    return element("math", *content)
