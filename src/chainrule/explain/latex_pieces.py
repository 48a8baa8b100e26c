"""A formula too wide for a line in pieces, between which LaTeX may begin a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.explain.latex_width import latex_width
from chainrule.notation.formula import (
    Call,
    Choice,
    Entries,
    Formula,
    Magnitude,
    Negative,
    Power,
    Product,
    Quotient,
    Relation,
    Root,
    Sum,
    Transposed,
)
from chainrule.notation.formula_latex import formula_latex

__all__ = ["Piece", "formula_pieces"]


_FUNCTION = 2.5
"""The width of a function and its parenthesis in em."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Mathematics that stays on one line.

    Attributes
    ----------
    latex : str
        May open a parenthesis that a later piece closes.
    depth : int
        How deep in the formula the line is broken that begins with this piece.
    """

    latex: str
    depth: int


def formula_pieces(formula: Formula, digits: int, room: float) -> list[Piece]:
    """The pieces of a formula: the terms of a sum, the factors of a product, and so on.

    Parameters
    ----------
    formula : Formula
    digits : int
        Significant digits of numbers.
    room : float
        The width of a line in em; what fits on it is one piece.

    Examples
    --------
    >>> from chainrule.notation.formula import Symbol
    >>> total = Sum(Symbol("x"), Product(Symbol("y"), Symbol("z")))
    >>> [each.latex for each in formula_pieces(total, 4, room=3.0)]
    ['x', '{} + y \\\\cdot z']
    """
    return _Breaker(digits, room).pieces(formula, 0)


class _Breaker:
    def __init__(self, digits: int, room: float) -> None:
        self.digits = digits
        self.room = room

    def pieces(self, formula: Formula, depth: int) -> list[Piece]:
        """A formula as a whole, or in parts where it is too wide."""
        text = self._write(formula)
        if self._fits(text, depth):
            return [Piece(text, depth)]
        return self._broken(formula, text, depth)

    def _broken(self, formula: Formula, text: str, depth: int) -> list[Piece]:
        match formula:
            case Sum(left, right) | Product(left, right):
                return [
                    *self._before_sign(formula, left, text, depth),
                    *self._after_sign(formula, right, text, depth),
                ]
            case Negative(of):
                return _around("-", self._part(formula, of, text.removeprefix("-"), depth), "")
            case Quotient(above, below):
                over = self._inner(above, depth, isinstance(above, Sum | Negative | Choice))
                under = self._inner(below, depth, True)
                return [*over, *_around("/", under, "")]
            case Power(of, _) | Transposed(of) | Entries(of, _):
                head = self._head(of, text)
                return _around("", self._part(formula, of, head, depth), text[len(head) :])
            case Root(of):
                return _around("", self._inner(of, depth, True), "^{1/2}")
            case Magnitude(of):
                return _between("|", self.pieces(of, depth + 1), "|")
            case Call(_, arguments):
                return self._call(arguments, text, depth)
            case Relation(left, _, right):
                return self._relation(left, right, text, depth)
            case _:
                return [Piece(text, depth)]

    def _fits(self, text: str, depth: int) -> bool:
        # Functions that stand around a piece begin, or end, on its line.
        return latex_width(text) <= max(self.room - _FUNCTION * depth, self.room / 2.0)

    def _write(self, formula: Formula) -> str:
        return formula_latex(formula, self.digits)

    def _head(self, part: Formula, text: str) -> str:
        """What a formula that begins with a part has for it: the part, or it in parentheses."""
        bare = self._write(part)
        fenced = f"\\left({bare}\\right)"
        return fenced if text.startswith(fenced) else bare

    def _before_sign(self, whole: Formula, part: Formula, text: str, depth: int) -> list[Piece]:
        head = self._head(part, text)
        if type(part) is type(whole) and head == self._write(part):
            # The terms of a sum, or factors of a product, are broken off one by one.
            return self._broken(part, head, depth)
        return self._part(whole, part, head, depth)

    def _after_sign(self, whole: Formula, part: Formula, text: str, depth: int) -> list[Piece]:
        bare = self._write(part)
        fenced = f"\\left({bare}\\right)"
        tail = fenced if text.endswith(fenced) else bare
        # Without something before it, LaTeX would take a plus for the sign of a number.
        sign = text.removesuffix(tail).split()[-1]
        return _around(f"{{}} {sign} ", self._part(whole, part, tail, depth), "")

    def _part(self, whole: Formula, part: Formula, text: str, depth: int) -> list[Piece]:
        """A part that stands in a formula as this text: in parentheses, or without."""
        if self._fits(text, depth):
            return [Piece(text, depth)]
        # On one line, a/b beside a factor would be read in two ways.
        quotient = isinstance(part, Quotient) and not isinstance(whole, Sum)
        return self._inner(part, depth, quotient or text != self._write(part))

    def _inner(self, part: Formula, depth: int, fenced: bool) -> list[Piece]:
        first, *rest = self.pieces(part, depth + 1)
        pieces = [replace(first, depth=depth), *rest]
        return _between("(", pieces, ")") if fenced else pieces

    def _call(self, arguments: Sequence[Formula], text: str, depth: int) -> list[Piece]:
        *others, last = (self._inner(each, depth, False) for each in arguments)
        inside = [piece for each in others for piece in _around("", each, ",")]
        name = text.partition(r"\left(")[0]
        return _around(name, _between("(", [*inside, *last], ")"), "")

    def _relation(self, left: Formula, right: Formula, text: str, depth: int) -> list[Piece]:
        inside = text.removeprefix(r"\left[").removesuffix(r"\right]")
        sign = inside.removeprefix(self._write(left)).removesuffix(self._write(right))
        before, after = self._inner(left, depth, False), self._inner(right, depth, False)
        return _between("[", [*before, *_around(f"{{}}{sign}", after, "")], "]")


def _between(opening: str, pieces: Sequence[Piece], closing: str) -> list[Piece]:
    """Pieces in parentheses of one size, as those that grow with what they hold need one line."""
    size = "Big" if any(r"\frac" in each.latex for each in pieces) else "big"
    return _around(f"\\{size}l{opening}", pieces, f"\\{size}r{closing}")


def _around(before: str, pieces: Sequence[Piece], after: str) -> list[Piece]:
    first, *rest = pieces
    whole = [replace(first, latex=f"{before}{first.latex}"), *rest]
    whole[-1] = replace(whole[-1], latex=f"{whole[-1].latex}{after}")
    return whole
