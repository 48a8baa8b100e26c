"""A worksheet as HTML: a page of its own, or a piece of a notebook, to step through."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.explain.array_text import shape_text
from chainrule.explain.equations import BackwardLines, Equation, Equations
from chainrule.explain.graph_drawing import draw_graph, graph_figure
from chainrule.explain.html_equations import EquationWriter, math
from chainrule.explain.worksheet import CHECKED_AGAINST, Chain, Given, Worksheet
from chainrule.notation.formula import Formula, Partial, Product
from chainrule.notation.formula_mathml import formula_mathml, symbol_mathml
from chainrule.notation.formula_text import formula_text, number_text
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

_LARGEST_PAGE = 900_000
"""Bytes: a larger page shows fewer steps."""

_MOST_DRAWN, _LARGEST_DRAWING = 400, 300_000
"""Steps and characters of a drawing; a larger one has its layers closed, or is left out."""

_MOST_NAMED, _MOST_OPEN, _SHORT = 4, 3, 40


def to_html(sheet: Worksheet, digits: int = 4) -> str:
    """A worksheet as a page of its own: no network, light and dark, on screen and on paper.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers; ``≈`` stands where some are left out.

    Returns
    -------
    str
        A document. Its address leads to a step where ``#step=3`` follows it.

    Examples
    --------
    >>> import chainrule as cr
    >>> to_html(cr.explain("x*y", x=2, y=3).worksheet).startswith("<!DOCTYPE html>")
    True
    """
    title = sheet.title or _heading(sheet, [each.variable for each in sheet.chains], sheet.symbol)
    return page(title, _write(sheet, digits, "page", "h1", "h2"))


def to_fragment(sheet: Worksheet, digits: int = 4) -> Markup:
    """A worksheet as a piece of another page, such as a notebook; it changes nothing around it.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

    Returns
    -------
    Markup
        It takes its colours from the page around it. Several can stand on one page.

    Examples
    --------
    >>> import chainrule as cr
    >>> to_fragment(cr.explain("x*y", x=2, y=3).worksheet).count("<script>")
    1
    """
    return _write(sheet, digits, "notebook", "h3", "h4")


def _write(sheet: Worksheet, digits: int, kind: str, title: str, heading: str) -> Markup:
    """All of it, or as much as fits: of long formulas, fewer steps do."""
    for share in (1.0, 0.5, 0.25, 0.1):
        written = _written(_shortened(sheet, share), sheet, digits, kind, title, heading)
        if len(written.encode()) < _LARGEST_PAGE:
            break
    return written


def _written(
    shown: Worksheet, sheet: Worksheet, digits: int, kind: str, title: str, heading: str
) -> Markup:
    sections = _Sections(shown, sheet, digits, title, heading)
    content = element(
        "div",
        sections.head(),
        sections.stage(),
        element("div", sections.forward(), sections.backward(), class_="side-by-side"),
        sections.chains(),
        sections.result(),
        sections.update(),
        sections.notes(),
        class_=f"chainrule {kind}",
    )
    return join(
        [
            element("style", raw(_STYLE.read_text(encoding="utf-8"))),
            content,
            element("script", raw(_SCRIPT.read_text(encoding="utf-8"))),
        ]
    )


def _shortened(sheet: Worksheet, share: float) -> Worksheet:
    """What of a long derivation is shown: its beginning and its end, and a note that says so."""
    kept: dict[str, Any] = {}
    notes = []
    for name, (most, what) in _MOST.items():
        items = getattr(sheet, name)
        if len(items) > share * most:
            half = int(share * most) // 2
            kept[name] = (*items[:half], *items[len(items) - half :])
            notes.append(
                f"Of {len(items):,} {what}, the first {half} and the last {half} are shown."
            )
    return dataclasses.replace(sheet, **kept, notes=(*sheet.notes, *notes)) if kept else sheet


def _heading(sheet: Worksheet, variables: Sequence[str], symbol: str) -> Markup:
    """What is derived by what, in names or in mathematics."""
    noun = "derivative" if len(variables) == 1 else "derivatives"
    if not 0 < len(variables) <= _MOST_NAMED or sheet.symbol in variables:
        return join([f"The {noun} of ", symbol])
    *most, last = variables
    return join(
        [f"The {noun} of ", symbol, " by ", join(most, ", "), " and " if most else "", last]
    )


class _Sections:
    """The sections of a page."""

    def __init__(
        self, sheet: Worksheet, whole: Worksheet, digits: int, title: str, heading: str
    ) -> None:
        self.sheet = sheet
        self.whole = whole
        self.digits = digits
        self.title_tag = title
        self.heading_tag = heading
        self.equations = Equations(sheet, digits)
        self.writer = EquationWriter(digits)
        self.steps = itertools.count(1)

    def head(self) -> Markup:
        """The formula and the point."""
        sheet = self.sheet
        title = sheet.title or _heading(
            sheet,
            [math(symbol_mathml(each.variable)) for each in sheet.chains],
            math(symbol_mathml(sheet.symbol)),
        )
        numbers = [each for each in sheet.given if not isinstance(each.value, np.ndarray)]
        arrays = [each for each in sheet.given if isinstance(each.value, np.ndarray)]
        points = self.equations.given(each for each in numbers if not each.note)
        at = join((element("span", self.writer.line(each), class_="one") for each in points), ", ")
        card = element(
            "div",
            self._flowing(self.equations.parts()),
            element("p", "at ", at, class_="point") if points else "",
            self._noted([each for each in numbers if each.note]),
            self._arrays(arrays),
            class_="card statement",
        )
        return element("header", element(self.title_tag, title, class_="title"), card)

    def _arrays(self, given: Sequence[Given]) -> Markup:
        """Matrices, folded away where there are many."""
        figures = []
        for each, equation in zip(given, self.equations.given(given), strict=True):
            note = element("figcaption", each.note) if each.note else ""
            figures.append(element("figure", self.writer.line(equation), note))
        if not figures:
            return raw("")
        grid = element("div", *figures, class_="arrays")
        if len(figures) <= _MOST_OPEN:
            return grid
        names = ", ".join(f"{each.symbol} {shape_text(np.shape(each.value))}" for each in given)
        return element("details", element("summary", names), grid)

    def stage(self) -> Markup:
        """The buttons that lead through the steps, which the script shows, and the graph."""
        n_steps = len(self.sheet.forward) + len(self.sheet.backward)
        buttons = element(
            "div",
            element("button", "‹", type="button", data_go="-1", aria_label="One step back"),
            element("button", "Play", type="button", data_go="play"),
            element("button", "›", type="button", data_go="1", aria_label="One step on"),
            element(
                "input", type="range", min=0, max=n_steps + 1, value=n_steps + 1, aria_label="Step"
            ),
            element("output"),
            class_="stepper",
            hidden="hidden",
        )
        return element("div", buttons, self._drawing(), class_="stage")

    def _drawing(self) -> Markup:
        """The graph, or why there is none."""
        n_steps = len(self.whole.forward)
        if not n_steps:
            return raw("")
        try:
            for draw in (graph_figure, draw_graph) if n_steps <= _MOST_DRAWN else ():
                drawn = draw(self.whole, self.digits)
                if len(drawn) <= _LARGEST_DRAWING:
                    return element("div", drawn, class_="drawing card")
            reason = "The graph is too large to be drawn here"
        except ChainruleError as error:
            reason = str(error)
        return element("p", f"{reason}.", class_="lead")

    def forward(self) -> Markup:
        forward = self.sheet.forward
        if not forward:
            return raw("")
        steps = [
            self._step(self.writer.aligned(equation), step.symbol, "forward")
            for equation, step in zip(self.equations.forward(forward), forward, strict=True)
        ]
        return self._section("Forward", _scroll(steps), kind="forward")

    def backward(self) -> Markup:
        rule = Product(Partial(self.sheet.symbol, "u"), Partial("u", "v"))
        u, v = (math(symbol_mathml(name)) for name in "uv")
        written = math(formula_mathml(rule), class_="display")
        lead = element("p", "For every use ", u, " of ", v, ": ", written, class_="lead")
        steps = _scroll(self._backward(lines) for lines in self.equations.backward())
        definitions = [self.writer.line(each) for each in self.equations.definitions()]
        where = join(
            element("p", "where ", element("span", each, class_="one"), class_="lead")
            for each in definitions
        )
        return self._section("Backward", lead, steps, where, kind="backward")

    def _backward(self, lines: BackwardLines) -> Markup:
        remarks = []
        if lines.largest:
            terms = (
                element("span", self.writer.line(each), class_="one") for each in lines.largest
            )
            more = f", and {lines.n_more:,} more" if lines.n_more else ""
            remarks.append(join(["The largest terms: ", join(terms, ", "), more, "."]))
        if lines.end:
            remarks.append(join([f"Note: nothing flows further back: {lines.end}."]))
        written = [self.writer.aligned(each) for each in lines.equations]
        written += [element("span", each, class_="remark") for each in remarks]
        return self._step(join(written), lines.symbol, "backward")

    def chains(self) -> Markup:
        chains = self.equations.chains()
        if not chains:
            return raw("")
        cards = (element("div", self._flowing(lines), class_="card") for lines in chains)
        return element(
            "section",
            element(self.heading_tag, "Chain rule"),
            element("div", *cards, class_="side-by-side"),
            class_="backward closing",
        )

    def result(self) -> Markup:
        chains = self.sheet.chains
        results = [self.equations.result(chain) for chain in chains]
        value = self.equations.value()
        if all(self._is_short(lines) for lines in results):
            rows = [self.writer.aligned(value)]
            for chain, lines in zip(chains, results, strict=True):
                line = Equation(lines[0].left, tuple(step for each in lines for step in each.steps))
                rows.append(self.writer.aligned(line, self._check(chain)))
            table = self._grid(rows)
        else:
            rows = [self.writer.flowing(value)]
            for chain, (*forms, last) in zip(chains, results, strict=True):
                written = [self.writer.flowing(each) for each in forms]
                rows.append(join([*written, self.writer.flowing(last, self._check(chain))]))
            table = self._grid(rows, "equations flowing")
        told = element("p", f"✓ {CHECKED_AGAINST}", class_="lead")
        checked = any(chain.check.agrees for chain in chains)
        return self._section(
            "Result", table, told if checked else "", kind="backward closing answers"
        )

    def _is_short(self, lines: Sequence[Equation]) -> bool:
        """Whether a closed form and its value have room on one line."""
        formulas = [side for each in lines for _, side in each.steps if isinstance(side, Formula)]
        written = "".join(formula_text(each, self.digits) for each in formulas)
        return len(formulas) <= 1 and len(written) <= _SHORT

    def _check(self, chain: Chain) -> Markup:
        check = chain.check
        if check.error is None:
            return element("span", f"not checked: {check.reason}", class_="unchecked")
        if check.agrees:
            return element("span", f"✓ {number_text(check.error, 1)}", class_="agrees")
        quotient = number_text(check.difference_quotient or 0.0, self.digits)
        return element("span", f"✗ the central difference is {quotient}", class_="differs")

    def update(self) -> Markup:
        update = self.sheet.update
        if update is None:
            return raw("")
        steps = (self.writer.aligned(each) for each in self.equations.forward(update.forward))
        table = self._grid(steps)
        heading = f"Update by {update.optimizer}"
        return self._section(heading, self._noted(update.given), table, kind="forward closing")

    def notes(self) -> Markup:
        return join(element("p", f"Note: {note}", class_="note") for note in self.sheet.notes)

    # --- pieces ----------------------------------------------------------------------------

    def _section(self, heading: str, *content: str, kind: str) -> Markup:
        return element(
            "section",
            element(self.heading_tag, heading),
            element("div", *content, class_="card"),
            class_=kind,
        )

    def _noted(self, given: Sequence[Given]) -> Markup:
        """Values with what they stand for."""
        if not given:
            return raw("")
        equations = self.equations.given(given)
        rows = (self.writer.aligned(Equation(e.left, e.steps), e.note) for e in equations)
        return self._grid(rows)

    def _flowing(self, equations: Iterable[Equation]) -> Markup:
        return self._grid(map(self.writer.flowing, equations), "equations flowing")

    def _grid(self, rows: Iterable[Markup], kind: str = "equations") -> Markup:
        """Rows with their columns below one another, in a box that can be scrolled."""
        return _scroll((element("div", each, class_="step") for each in rows), kind)

    def _step(self, content: Markup, symbol: str, direction: str) -> Markup:
        step = {"data_step": next(self.steps), "data_symbol": symbol, "data_pass": direction}
        return element("div", content, class_="step", **step)


def _scroll(steps: Iterable[Markup], kind: str = "equations") -> Markup:
    return element("div", element("div", *steps, class_=kind), class_="scroll")
