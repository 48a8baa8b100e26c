"""The lines in which one entry of a product is worked out, for every renderer the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.matrices.page import Mark, WorkedEntry, visible_places
from chainrule.notation.formula import Formula
from chainrule.notation.formula_text import is_rounded

__all__ = ["Line", "Term", "equals", "worked_lines"]

_MOST_TERMS = 8

Term = tuple[tuple[str, Mark], ...]
"""Pieces of text, each with the mark of what it stands for."""

Line = tuple[Formula | None, str, tuple[Term, ...]]
"""What the line is of, if it is the first of its name; its sign; the terms of a sum."""


def worked_lines(
    entry: WorkedEntry,
    digits: int,
    number: Callable[[float], str],
    function: Callable[[str], str] = str,
    dot: str = "·",
) -> list[Line]:
    """The products, what each comes to, the sum, and the activation.

    Parameters
    ----------
    entry : WorkedEntry
    digits : int
        Significant digits of numbers.
    number : callable
        Writes a number.
    function : callable, default=str
        Writes the sign of an activation.
    dot : str, default="·"
        Stands between two factors.
    """
    shown = visible_places(len(entry.factors), _MOST_TERMS)
    factors = [each for pair in entry.factors for each in pair]
    products = [x * w for x, w in entry.factors]

    def following(value: float) -> str:
        """A number after a sign."""
        text = number(value)
        return f"({text})" if text.startswith(("−", "-")) else text

    def terms(term: Callable[[int, bool], Term]) -> tuple[Term, ...]:
        written: list[Term] = []
        for place in shown:
            if place is None:
                count, total = entry.left_out(shown)
                written.append(((f"({count} more: {number(total)})", ""),))
            else:
                written.append(term(place, bool(written)))
        return (*written, ((following(entry.bias), ""),))

    def product(place: int, follows: bool) -> Term:
        x, w = entry.factors[place]
        left = following(x) if follows else number(x)
        return (left, "row"), (dot, ""), (following(w), "column")

    def value(place: int, follows: bool) -> Term:
        return (((following if follows else number)(products[place]), ""),)

    lines: list[Line] = [
        (entry.name, equals(digits, [*factors, entry.bias]), terms(product)),
    ]
    if len(products) > 1:
        lines.append((None, equals(digits, [*products, entry.bias]), terms(value)))
    lines.append((None, equals(digits, [entry.value]), (((number(entry.value), "entry"),),)))
    if entry.activated is not None:
        name, sign, after = entry.activated
        call = f"{function(sign)}({number(entry.value)})"
        lines.append((name, equals(digits, [entry.value]), (((call, ""),),)))
        lines.append((None, equals(digits, [after]), (((number(after), ""),),)))
    return lines


def equals(digits: int, values: Sequence[float]) -> str:
    """``≈`` where one of the numbers is shown without all of its digits."""
    return "≈" if any(is_rounded(each, digits) for each in values) else "="
