"""A formula in MathML: names with their numbers below, ∂ as a fraction, the rest as it is read."""

from __future__ import annotations

import re

from chainrule.notation.formula import (
    Call,
    Entries,
    Formula,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    Transposed,
)
from chainrule.notation.formula_text import formula_text, number_text
from chainrule.pages.markup import Markup, element, join

__all__ = ["formula_mathml"]

_NAME = re.compile(r"([^\W\d_]+)(\d*)_?(\w*)")


def formula_mathml(formula: Formula, digits: int = 4) -> Markup:
    """A formula as the content of a ``math`` element.

    Examples
    --------
    >>> from chainrule.notation.formula import Symbol
    >>> formula_mathml(Symbol("W1"))
    '<msub><mi>W</mi><mn>1</mn></msub>'
    """

    def write(part: Formula) -> Markup:
        return formula_mathml(part, digits)

    match formula:
        case Symbol(name):
            return _symbol(name)
        case Number(value):
            return element("mn", number_text(value, digits))
        case Negative(of):
            return element("mrow", element("mo", "−", form="prefix"), write(of))
        case Sum(left, right, minus):
            sign = element("mo", "−" if minus else "+")
            return element("mrow", write(left), sign, write(right))
        case Product(left, right, of):
            sign = element("mo", "⊙" if of == "entries" else "·")
            factors = [
                _bracketed(write(each)) if isinstance(each, Sum) else write(each)
                for each in (left, right)
            ]
            return element("mrow", factors[0], sign, factors[1])
        case Quotient(above, below):
            return element("mfrac", write(above), write(below))
        case Power(base, exponent):
            inner = write(base) if isinstance(base, Symbol) else _bracketed(write(base))
            return element("msup", inner, write(exponent))
        case Partial(of, by):
            numerator = element("mrow", element("mo", "∂"), _symbol(of))
            return element("mfrac", numerator, element("mrow", element("mo", "∂"), _symbol(by)))
        case Transposed(of):
            # Upright, as it is no exponent.
            raised = element("mi", "T", mathvariant="normal")
            if isinstance(of, Symbol):
                return _symbol(of.name, raised)
            return element("msup", write(of), raised)
        case Call(function, arguments, primes, index):
            name = element("mi", function + "′" * primes)
            if index:
                name = element("munder", element("mo", function), element("mi", index))
            inside = join((write(each) for each in arguments), element("mo", ","))
            return element("mrow", name, _bracketed(inside))
        case Entries(of, places):
            inside = join((write(each) for each in places), element("mo", ","))
            return element("mrow", write(of), element("mo", "["), inside, element("mo", "]"))
        case _:
            return element("mtext", formula_text(formula, digits))


def _symbol(name: str, raised: Markup | None = None) -> Markup:
    """``h1_in`` as h with 1, in below it; other names as they are."""
    found = _NAME.fullmatch(name)
    stem, number, word = found.groups() if found else (name, "", "")
    below = [element("mn", number)] if number else []
    if number and word:
        below.append(element("mo", ",", separator="true"))
    if word:
        below.append(element("mi", word))
    base = element("mi", stem)
    if not below:
        return base if raised is None else element("msup", base, raised)
    inside = below[0] if len(below) == 1 else element("mrow", *below)
    if raised is None:
        return element("msub", base, inside)
    return element("msubsup", base, inside, raised)


def _bracketed(inside: Markup) -> Markup:
    return element("mrow", element("mo", "("), inside, element("mo", ")"))
