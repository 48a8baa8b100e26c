"""A page of matrices as HTML: MathML, with the marked row, column and entry tinted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

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
from chainrule.notation.formula_mathml import formula_mathml
from chainrule.notation.formula_text import number_text
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.page import page as whole_page

__all__ = ["to_fragment", "to_html"]

STYLE = Path(__file__).with_name("page.css")

_MOST_COLUMNS = 8


def to_html(page: MatrixPage, digits: int = 4) -> str:
    """A whole document, readable in light and dark, on paper and without network."""
    header = element("header", element("p", "chainrule · matrix form"), element("h1", page.title))
    return whole_page(page.title, _style(), header, *_Writer(digits, "h2").sections(page))


def to_fragment(page: MatrixPage, digits: int = 4) -> str:
    """A piece of a page, as notebooks show it."""
    title = element("p", element("b", page.title))
    return element("div", _style(), title, *_Writer(digits, "h4").sections(page), class_="matrices")


def _style() -> Markup:
    return element("style", raw(STYLE.read_text(encoding="utf-8")))


class _Writer:
    def __init__(self, digits: int, heading: str) -> None:
        self.digits = digits
        self.heading = heading

    def sections(self, page: MatrixPage) -> Iterator[Markup]:
        for each in page.sections:
            yield self._section(each)

    def _section(self, section: Section) -> Markup:
        parts = [self._part(part) for part in section.parts]
        card = element("div", *parts, class_="card mx-card")
        return element("section", element(self.heading, section.heading), card)

    def _part(self, part: Part) -> Markup:
        match part:
            case Equation():
                return self._equation(part)
            case WorkedEntry():
                return self._worked(part)
            case Calculation(name, rule, value):
                rules = [_operator("="), formula_mathml(rule, self.digits)] if rule else []
                sign, number = (
                    _operator(equals(self.digits, [value])),
                    element("mn", self._number(value)),
                )
                line = _math(formula_mathml(name, self.digits), *rules, sign, number)
                return element("p", line, class_="mx-line")
            case Shapes():
                return self._shapes(part)
            case Statement(text, holds):
                check = {None: "", True: "✓ ", False: "✗ "}[holds]
                kind = {None: "mx-note", True: "mx-note holds", False: "mx-note fails"}[holds]
                return element("p", f"{check}{text}", class_=kind)

    # --- equations -----------------------------------------------------------------------

    def _equation(self, equation: Equation) -> Markup:
        symbols = [formula_mathml(equation.result.name, self.digits)]
        if equation.rule is None and not equation.operands:
            named = element("span", _math(*symbols, _operator("=")), class_="mx-sign")
            block = self._block("", equation.result, "")
            return element("div", named, block, class_="mx-equation")
        if equation.rule is not None:
            symbols += [_operator(equation.relation), formula_mathml(equation.rule, self.digits)]
        blocks = [self._block("", equation.result, "")]
        for operand in equation.operands:
            sign = operand.sign or equation.relation
            symbols += [_operator(sign), formula_mathml(operand.matrix.name, self.digits)]
            blocks.append(self._block(sign, operand.matrix, operand.note))
        return join(
            (
                element("p", _math(*symbols), class_="mx-line"),
                element("div", *blocks, class_="mx-equation"),
            )
        )

    def _block(self, sign: str, matrix: Matrix, note: str) -> Markup:
        """A sign and a matrix, which stay in one line, with the shape below."""
        below = f"{matrix.shape}, {note}" if note else matrix.shape
        boxed = element(
            "span",
            _math(_operator("["), self._table(matrix), _operator("]")),
            element("span", below, class_="mx-shape"),
            class_="mx-matrix",
        )
        before = [element("span", sign, class_="mx-sign")] if sign else []
        return element("span", *before, boxed, class_="mx-block")

    def _table(self, matrix: Matrix) -> Markup:
        rows = visible_places(len(matrix.rows), MOST_ROWS, matrix.row)
        columns = visible_places(matrix.rows.shape[1], _MOST_COLUMNS, matrix.column)
        cells = [self._column(matrix, rows, column) for column in columns]
        return element(
            "mtable", *(element("mtr", *row) for row in zip(*cells, strict=True)), class_="mx-table"
        )

    def _column(
        self, matrix: Matrix, rows: Sequence[int | None], column: int | None
    ) -> list[Markup]:
        marks = [matrix.mark_at(row, column) for row in rows]
        kinds: list[dict[str, str]] = [{"class_": f"mx-{mark}"} if mark else {} for mark in marks]
        if column is None:
            return [
                element("mtd", element("mo", "⋱" if row is None else "⋯"), **kind)
                for row, kind in zip(rows, kinds, strict=True)
            ]
        texts = [
            "" if row is None else self._number(float(matrix.rows[row, column])) for row in rows
        ]
        cells = []
        for row, text, room, kind in zip(rows, texts, fillers(texts), kinds, strict=True):
            if row is None:
                cells.append(element("mtd", element("mo", "⋮"), **kind))
                continue
            # Browsers differ in how they align cells, so all of a column are made equally wide.
            before, after = (_room(each) for each in room)
            number = element("mrow", *before, element("mn", text), *after)
            cells.append(element("mtd", number, **kind))
        return cells

    # --- an entry worked out ----------------------------------------------------------------

    def _worked(self, entry: WorkedEntry) -> Markup:
        left, right = (formula_mathml(each.name, self.digits) for each in (entry.left, entry.right))
        caption = element(
            "p",
            element("span", f"Row {entry.left.row}", class_="mx-row"),
            " of ",
            _math(left),
            " times ",
            element("span", f"column {entry.right.column}", class_="mx-column"),
            " of ",
            _math(right),
            ", plus ",
            _math(formula_mathml(entry.bias_name, self.digits)),
            ":",
            class_="mx-caption",
        )
        cells: list[Markup] = []
        for name, sign, terms in worked_lines(entry, self.digits, self._number):
            head = [] if name is None else [_math(formula_mathml(name, self.digits))]
            cells += [element("span", *head), element("span", sign)]
            cells.append(element("span", join((_term(each) for each in terms), " + ")))
        return join((caption, element("div", *cells, class_="mx-worked")))

    def _shapes(self, shapes: Shapes) -> Markup:
        rows = []
        for name, rule, parts in shapes.rows:
            shape = " ".join(f"{sign} {'×'.join(map(str, each))}".strip() for sign, each in parts)
            equation = (
                _math(formula_mathml(name, self.digits)),
                _math(_operator("="), formula_mathml(rule, self.digits)),
            )
            cells = [*(element("td", each) for each in equation), element("td", shape)]
            rows.append(element("tr", *cells))
        return element("div", element("table", *rows, class_="mx-shapes"), class_="scroll")

    # --- numbers -------------------------------------------------------------------------

    def _number(self, value: float) -> str:
        return number_text(value, self.digits)


def _math(*parts: Markup) -> Markup:
    return element("math", *parts, displaystyle="true")


def _room(characters: str) -> list[Markup]:
    return [element("mphantom", element("mn", characters))] if characters else []


def _operator(sign: str) -> Markup:
    return element("mo", sign)


def _term(term: Term) -> Markup:
    """One term of a sum, on one line."""
    pieces = [element("span", text, class_=f"mx-{mark}") if mark else text for text, mark in term]
    return element("span", *pieces, class_="mx-term")
