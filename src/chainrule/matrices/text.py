"""A page of matrices as Unicode text, with marks that can be seen without colour."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from chainrule.matrices.worked import equals, worked_lines
from chainrule.notation.formula import Formula
from chainrule.notation.formula_text import formula_text, number_text

__all__ = ["to_text"]

_WIDTH, _INDENT = 100, 2

# How many columns of a matrix are shown, and how many at each edge of a wider one: the first
# choice with which every matrix fits the page is taken.
_COLUMNS = ((8, 2), (7, 2), (6, 2), (5, 2), (4, 1), (3, 1), (1, 0))

_COLOR_CODE = re.compile(r"\x1b\[[\d;]*m")
_COLORS = {"row": "36", "column": "33", "entry": "1;35"}


def to_text(page: MatrixPage, digits: int = 4, color: bool = False) -> str:
    """A page as text, never wider than 100 columns but for names that are themselves longer."""
    writer = _Writer(digits, color)
    sections = [[page.title], *(writer.section(each) for each in page.sections)]
    written = ["\n".join(line.rstrip() for line in section) for section in sections]
    return "\n\n".join(written)


@dataclass(frozen=True, slots=True)
class _Block:
    """A sign and a matrix with its name above and its shape below: lines of one width.

    ``middle`` is the line that the sign stands in, and ``n_names`` how many lines the name takes.
    """

    lines: list[str]
    width: int
    middle: int
    n_names: int


class _Writer:
    def __init__(self, digits: int, color: bool) -> None:
        self.digits = digits
        self.color = color

    def section(self, section: Section) -> list[str]:
        lines = [section.heading]
        for index, part in enumerate(section.parts):
            # Matrices need room around them; single lines belong together.
            if index and (_is_tall(part) or _is_tall(section.parts[index - 1])):
                lines.append("")
            lines += [f"{' ' * _INDENT}{line}" for line in self._part(part)]
        return lines

    def _part(self, part: Part) -> Iterator[str]:
        match part:
            case Equation():
                yield from self._equation(part)
            case WorkedEntry():
                yield from self._worked(part)
            case Calculation(name, rule, value):
                between = "" if rule is None else f"= {self._formula(rule)} "
                yield f"{self._formula(name)} {between}{self._comes_to(value)}"
            case Shapes():
                yield from self._shapes(part)
            case Statement(text, holds):
                sign = {None: "", True: "✓ ", False: "✗ "}[holds]
                yield from textwrap.wrap(
                    text, _WIDTH - _INDENT, initial_indent=sign, subsequent_indent=" " * len(sign)
                )

    # --- equations -----------------------------------------------------------------------

    def _equation(self, equation: Equation) -> Iterator[str]:
        if equation.rule is not None:
            yield f"{self._formula(equation.result.name)} = {self._formula(equation.rule)}"
        matrices = [("", equation.result, "")]
        for operand in equation.operands:
            matrices.append((operand.sign or equation.relation, operand.matrix, operand.note))
        blocks: list[_Block] = []
        for most, edge in _COLUMNS:
            blocks = [self._block(*each, equation.rule is None, most, edge) for each in matrices]
            if all(block.width <= _WIDTH - 2 * _INDENT for block in blocks):
                break
        bands: list[list[_Block]] = [[]]
        for block in blocks:
            used = sum(each.width + 1 for each in bands[-1])
            room = _WIDTH - _INDENT * (2 if len(bands) > 1 else 1)
            if bands[-1] and used + block.width > room:
                bands.append([])
            bands[-1].append(block)
        for index, band in enumerate(bands):
            if index:
                yield ""
            for line in _beside_each_other(band):
                yield f"{' ' * _INDENT if index else ''}{line}"

    def _block(
        self, sign: str, matrix: Matrix, note: str, is_named: bool, most: int, edge: int
    ) -> _Block:
        rows = visible_places(len(matrix.rows), MOST_ROWS, matrix.row)
        columns = visible_places(matrix.rows.shape[1], most, matrix.column, edge)
        arrow, body = self._body(matrix, rows, columns)
        name = self._formula(matrix.name) if is_named else ""
        below = [matrix.shape, *([note] if note else [])]
        wide = len(_plain(body[0]))
        inner = max(map(len, [name, *below]), default=0)
        inner = max(inner, wide)
        lines = [name.center(inner)] if name else []
        # What is coloured has characters that take no room, so all lines are padded alike.
        before = " " * ((inner - wide) // 2)
        after = " " * (inner - wide - len(before))
        lines += [f"{before}{line}{after}" for line in (*([arrow] if arrow else []), *body)]
        lines += [each.center(inner) for each in below]
        middle = len(lines) - len(below) - len(body) + (len(body) - 1) // 2
        if sign:
            # It stands beside the names too: they make the equation in symbols.
            signed = {middle, 0} if name else {middle}
            lines = [f"{sign if k in signed else ' '} {line}" for k, line in enumerate(lines)]
            inner += 2
        return _Block(lines, inner, middle, 1 if name else 0)

    def _body(
        self, matrix: Matrix, rows: Sequence[int | None], columns: Sequence[int | None]
    ) -> tuple[str, list[str]]:
        """The arrow above a marked column, and the lines of numbers."""
        cells = [self._column(matrix, rows, column) for column in columns]
        has_entry = matrix.row is not None and matrix.column is not None
        heads = ["[ "] * len(rows)
        if matrix.row is not None and not has_entry:
            heads = [f"{'▸' if place == matrix.row else ' '} [ " for place in rows]
        body = [
            f"{head}{'  '.join(row)} ]"
            for head, row in zip(heads, zip(*cells, strict=True), strict=True)
        ]
        if matrix.column is None or has_entry:
            return "", body
        marked = columns.index(matrix.column)
        widths = [len(_plain(column[0])) for column in cells]
        before = len(heads[0]) + sum(widths[:marked]) + 2 * marked + widths[marked] // 2
        return f"{' ' * before}▾".ljust(len(_plain(body[0]))), body

    def _column(self, matrix: Matrix, rows: Sequence[int | None], column: int | None) -> list[str]:
        """The cells of a column, all of one width, with their points in one line."""
        if column is None:
            # Where rows are left out as well, one ellipsis says so.
            return [" " if row is None else "…" for row in rows]
        texts = [
            "…" if row is None else self._number(float(matrix.rows[row, column])) for row in rows
        ]
        marks = [matrix.mark_at(row, column) for row in rows]
        cells = []
        for text, (before, after), mark in zip(texts, fillers(texts), marks, strict=True):
            if "entry" in marks:
                # All of the column keep the room that the brackets of one take.
                text = f"⟦{text}⟧" if mark else f" {text} "
            cells.append(f"{' ' * len(before)}{self._painted(text, mark)}{' ' * len(after)}")
        return cells

    def _painted(self, text: str, mark: str) -> str:
        return f"\x1b[{_COLORS[mark]}m{text}\x1b[0m" if self.color and mark else text

    # --- an entry worked out ----------------------------------------------------------------

    def _worked(self, entry: WorkedEntry) -> Iterator[str]:
        yield f"{self._formula(entry.name)} is {_caption(entry)}:"
        head = ""
        for name, sign, terms in worked_lines(entry, self.digits, self._number):
            head = " " * len(head) if name is None else self._formula(name)
            written = ["".join(self._painted(*piece) for piece in term) for term in terms]
            yield from _wrapped(f"{head} {sign} ", written)

    # --- shapes --------------------------------------------------------------------------

    def _shapes(self, shapes: Shapes) -> Iterator[str]:
        rows = []
        for name, rule, parts in shapes.rows:
            shape = " ".join(f"{sign} {'×'.join(map(str, each))}".strip() for sign, each in parts)
            rows.append((self._formula(name), f"= {self._formula(rule)}", shape))
        names, rules = (max(len(row[index]) for row in rows) for index in (0, 1))
        for left, right, shape in rows:
            yield f"{left.ljust(names)} {right.ljust(rules)}   {shape}"

    # --- words of a line -----------------------------------------------------------------

    def _formula(self, formula: Formula) -> str:
        return formula_text(formula, self.digits)

    def _number(self, value: float) -> str:
        return number_text(value, self.digits)

    def _comes_to(self, value: float) -> str:
        return f"{equals(self.digits, [value])} {self._number(value)}"


def _caption(entry: WorkedEntry) -> str:
    """In words, what an entry is made of."""
    left, right = (formula_text(each.name) for each in (entry.left, entry.right))
    return (
        f"row {entry.left.row} of {left} times column {entry.right.column} of {right}, "
        f"plus {formula_text(entry.bias_name)}"
    )


def _is_tall(part: Part) -> bool:
    return not isinstance(part, Statement | Calculation)


def _beside_each_other(blocks: Sequence[_Block]) -> Iterator[str]:
    """Blocks in one band, their names in one line and their middles in another."""
    above = max(block.middle for block in blocks)
    columns: list[list[str]] = []
    for block in blocks:
        gap = [" " * block.width] * (above - block.middle)
        columns.append([*block.lines[: block.n_names], *gap, *block.lines[block.n_names :]])
    height = max(map(len, columns))
    for index in range(height):
        yield " ".join(
            lines[index] if index < len(lines) else " " * block.width
            for lines, block in zip(columns, blocks, strict=True)
        )


def _wrapped(head: str, terms: Sequence[str]) -> Iterator[str]:
    """Terms with a plus between, on as many lines as they take."""
    line = head
    for index, term in enumerate(terms):
        sign = " + " if index else ""
        if index and len(_plain(f"{line}{sign}{term}")) > _WIDTH - _INDENT:
            yield line
            line, sign = " " * len(head), "+ "
        line += f"{sign}{term}"
    yield line


def _plain(text: str) -> str:
    """A text without its colours."""
    return _COLOR_CODE.sub("", text)
