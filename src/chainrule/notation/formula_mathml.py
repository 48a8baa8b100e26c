"""A formula as MathML, of the part that browsers show by themselves (MathML Core)."""

from __future__ import annotations

import re

from chainrule.notation.formula import (
    Call,
    Choice,
    Entries,
    Formula,
    Magnitude,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Relation,
    Root,
    Sum,
    Symbol,
    Transposed,
)
from chainrule.notation.formula_text import number_text
from chainrule.notation.names import split_name
from chainrule.pages.markup import Markup, element, join

__all__ = ["formula_mathml", "number_mathml", "operator", "partial_mathml", "symbol_mathml"]

# How tightly a piece of mathematics holds together. A fraction needs parentheses only below an
# exponent.
_CHOICE, _SUM, _NEGATIVE, _PRODUCT, _FRACTION, _POWER, _ATOM = range(7)

_POWER_OF_TEN = re.compile("(.*)10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789−")


def formula_mathml(formula: Formula, digits: int | None = 4) -> Markup:
    """A formula as elements to stand inside ``<math>``.

    Parameters
    ----------
    formula : Formula
    digits : int or None, default=4
        Significant digits of numbers; None for as many as distinguish them.

    Examples
    --------
    >>> formula_mathml(Power(Symbol("x"), Number(2.0)))
    '<msup><mi>x</mi><mn>2</mn></msup>'
    """
    return _Writer(digits).write(formula)[0]


def symbol_mathml(name: str) -> Markup:
    """A name: letters in italics, words upright, what follows below.

    Examples
    --------
    >>> symbol_mathml("w1")
    '<msub><mi>w</mi><mn>1</mn></msub>'
    """
    parts = split_name(name)
    # A browser sets an identifier of one letter in italics, a longer one upright.
    symbol = element("mi", parts.stem)
    if parts.below:
        words = [element("mn" if each.isdecimal() else "mi", each) for each in parts.below]
        below = join(words, operator(",", space=False)) if len(words) > 1 else words[0]
        symbol = element("msub", symbol, element("mrow", below) if len(words) > 1 else below)
    if parts.places:
        symbol = element("mrow", symbol, element("mtext", parts.places))
    return symbol


def number_mathml(value: float, digits: int | None = 4) -> Markup:
    """A number.

    Examples
    --------
    >>> number_mathml(-0.5)
    '<mrow><mo form="prefix">−</mo><mn>0.5</mn></mrow>'
    """
    text = number_text(value, digits)
    sign = element("mo", "−", form="prefix") if text.startswith("−") else Markup("")
    text = text.removeprefix("−")
    if match := _POWER_OF_TEN.fullmatch(text):
        mantissa, exponent = match.groups()
        power = element("msup", element("mn", "10"), element("mn", exponent.translate(_LOWERED)))
        before = join([element("mn", mantissa[:-1]), operator("·")]) if mantissa else Markup("")
        return element("mrow", sign, before, power)
    number = element("mn" if text[:1].isdecimal() else "mtext", text)
    return element("mrow", sign, number) if sign else number


def operator(sign: str, space: bool = True) -> Markup:
    """A sign between two parts."""
    if space:
        return element("mo", sign)
    return element("mo", sign, lspace="0", rspace="0.1em")


class _Writer:
    """Writes a formula, and says how tightly it holds together."""

    def __init__(self, digits: int | None) -> None:
        self.digits = digits

    def write(self, formula: Formula) -> tuple[Markup, int]:
        match formula:
            case Symbol(name):
                return symbol_mathml(name), _ATOM
            case Number(value):
                return number_mathml(value, self.digits), self._level(value)
            case Partial(of, by):
                return partial_mathml(of, by), _FRACTION
            case Sum(left, right, minus):
                after = self._at(right, _PRODUCT if minus else _NEGATIVE, True)
                return _row(self._at(left, _SUM), operator("−" if minus else "+"), after), _SUM
            case Negative(of):
                minus_sign = element("mo", "−", form="prefix")
                return _row(minus_sign, self._at(of, _PRODUCT, True)), _NEGATIVE
            case Product(left, right, of):
                kinds = {of, left.of if isinstance(left, Product) else of}
                level = _FRACTION if kinds == {"entries", "matrices"} else _NEGATIVE
                sign = operator("⊙" if of == "entries" else "·")
                return _row(self._at(left, level), sign, self._at(right, _FRACTION, True)), (
                    _PRODUCT
                )
            case Quotient(above, below):
                return element("mfrac", self._bare(above), self._bare(below)), _FRACTION
            case Power(base, exponent):
                return element("msup", self._at(base, _ATOM), self._bare(exponent)), _POWER
            case Root(of):
                return element("msqrt", self._bare(of)), _ATOM
            case Magnitude(of):
                return _fenced("|", self._bare(of), "|"), _ATOM
            case Call():
                return self._call(formula), _ATOM
            case Relation():
                return _fenced("[", self._relation(formula), "]"), _ATOM
            case Choice(condition, when_true, when_false):
                return self._choice(condition, when_true, when_false), _CHOICE
            case Transposed(of):
                return element("msup", self._at(of, _ATOM), element("mo", "⊤")), _POWER
            case Entries(of, places):
                inside = join((self._bare(each) for each in places), element("mo", ","))
                return _row(self._at(of, _ATOM), _fenced("[", inside, "]")), _ATOM

    def _bare(self, formula: Formula) -> Markup:
        return self.write(formula)[0]

    def _at(self, formula: Formula, level: int, follows: bool = False) -> Markup:
        """A part that must hold together as tightly as ``level``; no minus follows a sign."""
        markup, own = self.write(formula)
        if own < level or (follows and own == _NEGATIVE):
            return _fenced("(", markup, ")")
        return markup

    def _call(self, call: Call) -> Markup:
        inside = join((self._bare(each) for each in call.arguments), element("mo", ","))
        if not call.function:
            return _fenced("(", inside, ")")
        name = element("mo" if call.function == "Σ" else "mi", call.function)
        if call.primes:
            name = element("msup", name, element("mo", "′" * call.primes))
        if call.index:
            name = element("msub", name, element("mtext", call.index))
        return _row(name, _fenced("(", inside, ")"))

    def _choice(self, condition: Formula, when_true: Formula, when_false: Formula) -> Markup:
        rows = [
            (self._bare(when_true), _row(element("mtext", "if "), self._relation(condition))),
            (self._bare(when_false), element("mtext", "otherwise")),
        ]
        table = element(
            "mtable",
            *(element("mtr", *(element("mtd", cell) for cell in row)) for row in rows),
        )
        return _row(element("mo", "{", fence="true", form="prefix"), table)

    def _relation(self, formula: Formula) -> Markup:
        if not isinstance(formula, Relation):
            return self._bare(formula)
        return _row(self._bare(formula.left), operator(formula.sign), self._bare(formula.right))

    def _level(self, value: float) -> int:
        text = number_text(value, self.digits)
        if text.startswith("−"):
            return _NEGATIVE
        return _PRODUCT if "·" in text else _POWER if _POWER_OF_TEN.fullmatch(text) else _ATOM


def partial_mathml(of: str, by: str) -> Markup:
    """∂of/∂by as a fraction."""
    sign = element("mo", "∂", lspace="0", rspace="0.05em")
    return element("mfrac", _row(sign, symbol_mathml(of)), _row(sign, symbol_mathml(by)))


def _row(*parts: str) -> Markup:
    return element("mrow", *parts)


def _fenced(left: str, inside: str, right: str) -> Markup:
    opening = element("mo", left, fence="true", form="prefix")
    closing = element("mo", right, fence="true", form="postfix")
    return _row(opening, inside, closing)
