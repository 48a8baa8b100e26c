"""A formula as MathML, of the part that browsers show by themselves (MathML Core)."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
from chainrule.notation.names import Name, split_name
from chainrule.pages.markup import Markup, element, join

__all__ = [
    "fenced",
    "formula_mathml",
    "formula_pieces",
    "number_mathml",
    "operator",
    "partial_mathml",
    "symbol_mathml",
]

# How tightly a piece of mathematics holds together. A fraction needs parentheses only below an
# exponent.
_CHOICE, _SUM, _NEGATIVE, _PRODUCT, _FRACTION, _POWER, _ATOM = range(7)

_POWER_OF_TEN = re.compile("(.*)10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789−")
_MINUS_FIRST = re.compile('(<mrow>)*<mo form="prefix">−')
_TALL = ("<mfrac", "<mtable")


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


def formula_pieces(formula: Formula, digits: int | None = 4) -> list[list[Markup]]:
    """A formula in pieces, as browsers do not break mathematics into lines by themselves.

    Parameters
    ----------
    formula : Formula
    digits : int or None, default=4
        Significant digits of numbers; None for as many as distinguish them.

    Returns
    -------
    list of list of Markup
        The terms of its sum, each in its factors; every piece but the first begins with its sign.

    Examples
    --------
    >>> formula_pieces(Sum(Product(Symbol("a"), Symbol("b")), Symbol("c")))
    [['<mi>a</mi>', '<mo form="infix">·</mo><mi>b</mi>'], ['<mo form="infix">+</mo><mi>c</mi>']]
    """
    return _Writer(digits).terms(formula)


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
        symbol = element("msub", symbol, _below(parts.below))
    if parts.places:
        symbol = element("mrow", symbol, element("mtext", parts.places))
    return symbol


def _below(words: Sequence[str]) -> Markup:
    written = [element("mn" if each.isdecimal() else "mi", each) for each in words]
    return written[0] if len(written) == 1 else _row(join(written, operator(",", space=False)))


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
        # At the beginning of a piece, a browser would take a plus for the sign of a number.
        return element("mo", sign, form="infix")
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
            case Sum(left, right):
                after = self._at(right, _NEGATIVE, True)
                return _row(self._at(left, _SUM), _sign(formula), after), _SUM
            case Negative(of):
                minus_sign = element("mo", "−", form="prefix")
                return _row(minus_sign, self._at(of, _PRODUCT, True)), _NEGATIVE
            case Product(left, right):
                after = self._at(right, _FRACTION, True)
                return _row(self._at(left, _before(formula)), _sign(formula), after), _PRODUCT
            case Quotient(above, below):
                return element("mfrac", self._bare(above), self._bare(below)), _FRACTION
            case Power(Symbol(name), exponent) if _is_indexed(parts := split_name(name)):
                stem, index = element("mi", parts.stem), _below(parts.below)
                return element("msubsup", stem, index, self._bare(exponent)), _POWER
            case Power(base, exponent):
                return element("msup", self._at(base, _ATOM), self._bare(exponent)), _POWER
            case Root(of):
                return element("msqrt", self._bare(of)), _ATOM
            case Magnitude(of):
                return fenced("|", self._bare(of), "|"), _ATOM
            case Call():
                return self._call(formula), _ATOM
            case Relation():
                return fenced("[", self._relation(formula), "]"), _ATOM
            case Choice(condition, when_true, when_false):
                return self._choice(condition, when_true, when_false), _CHOICE
            case Transposed(of):
                return element("msup", self._at(of, _ATOM), element("mo", "⊤")), _POWER
            case Entries(of, places):
                inside = join((self._bare(each) for each in places), element("mo", ","))
                return _row(self._at(of, _ATOM), fenced("[", inside, "]")), _ATOM

    def terms(self, formula: Formula) -> list[list[Markup]]:
        """The terms of a sum, each in its factors."""
        if not isinstance(formula, Sum):
            return [self._factors(formula, _CHOICE)]
        left, right = formula.left, formula.right
        before = self.terms(left) if isinstance(left, Sum) else [self._factors(left, _SUM)]
        first, *rest = self._factors(right, _NEGATIVE, True)
        return [*before, [join([_sign(formula), first]), *rest]]

    def _factors(self, formula: Formula, level: int, follows: bool = False) -> list[Markup]:
        """The factors of a part, unless it is in parentheses."""
        whole = self._at(formula, level, follows)
        if not isinstance(formula, Product) or whole != self._bare(formula):
            return [whole]
        after = join([_sign(formula), self._at(formula.right, _FRACTION, True)])
        return [*self._factors(formula.left, _before(formula)), after]

    def _bare(self, formula: Formula) -> Markup:
        return self.write(formula)[0]

    def _at(self, formula: Formula, level: int, follows: bool = False) -> Markup:
        """A part that must hold together as tightly as ``level``; no minus follows a sign."""
        markup, own = self.write(formula)
        if own < level or (follows and _MINUS_FIRST.match(markup)):
            return fenced("(", markup, ")")
        return markup

    def _call(self, call: Call) -> Markup:
        inside = join((self._bare(each) for each in call.arguments), element("mo", ","))
        if not call.function:
            return fenced("(", inside, ")")
        upright = {"mathvariant": "normal"} if call.function == "Σ" else {}
        name = element("mi", call.function, **upright)
        if call.index:
            name = element("msub", name, element("mtext", call.index))
        # The sign of a prime is a raised one already, which browsers would raise once more.
        primes = element("mo", "′" * call.primes, lspace="0", rspace="0") if call.primes else ""
        return _row(name, primes, fenced("(", inside, ")"))

    def _choice(self, condition: Formula, when_true: Formula, when_false: Formula) -> Markup:
        rows = [
            (self._bare(when_true), _row(element("mtext", "if "), self._relation(condition))),
            (self._bare(when_false), element("mtext", "otherwise")),
        ]
        table = element(
            "mtable",
            *(element("mtr", *(element("mtd", cell) for cell in row)) for row in rows),
        )
        return _row(element("mo", "{", form="prefix"), table)

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


def fenced(left: str, inside: str, right: str) -> Markup:
    """Mathematics between signs that are as tall as it is."""
    # Around one line of symbols, a browser draws signs made to stretch a little too wide.
    options = {} if any(each in inside for each in _TALL) else {"stretchy": "false"}
    opening = element("mo", left, form="prefix", **options)
    return _row(opening, inside, element("mo", right, form="postfix", **options))


def _sign(formula: Sum | Product) -> Markup:
    if isinstance(formula, Sum):
        return operator("−" if formula.minus else "+")
    return operator("⊙" if formula.of == "entries" else "·")


def _before(product: Product) -> int:
    """How tightly what stands before the sign of a product must hold together."""
    left = product.left
    kinds = {product.of, left.of if isinstance(left, Product) else product.of}
    return _FRACTION if kinds == {"entries", "matrices"} else _NEGATIVE


def _is_indexed(name: Name) -> bool:
    """Whether a number below is all that a name ends in: w1."""
    return bool(name.below) and not name.places
