"""One formula as one line of Unicode mathematics: ``w3·σ′(h2_in)·σ(w1·x + b1)``."""

from __future__ import annotations

import math

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

__all__ = ["formula_text", "is_rounded", "number_text", "raised"]

# How tightly a piece of text holds together. A quotient is looser than a product, as 1/x·y
# would be read in two ways.
_CHOICE, _SUM, _QUOTIENT, _NEGATIVE, _PRODUCT, _POWER, _ATOM = range(7)

_RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_LARGEST_IN_FULL, _SMALLEST_IN_FULL = 1e7, 1e-4


def formula_text(formula: Formula, digits: int | None = 4) -> str:
    """A formula in Unicode.

    Parameters
    ----------
    formula : Formula
    digits : int or None, default=4
        Significant digits of numbers; None for as many as distinguish them.

    Examples
    --------
    >>> from chainrule.notation.formula import Number, Product, Sum, Symbol
    >>> formula_text(Product(Sum(Symbol("x"), Symbol("y")), Number(-0.53)))
    '(x + y)·(−0.53)'
    """
    return _Writer(digits).write(formula)[0]


def number_text(value: float, digits: int | None = 4) -> str:
    """A number in a few significant digits, but with all digits before the point.

    Examples
    --------
    >>> [number_text(each) for each in (2.0, -0.5344466, 12345.678, 1.5e-9)]
    ['2', '−0.5344', '12346', '1.5·10⁻⁹']
    """
    if digits is None:
        return repr(value).removesuffix(".0").replace("-", "−")
    if not math.isfinite(value):
        return "no number" if math.isnan(value) else "∞" if value > 0 else "−∞"
    shown = _shown(value, digits)
    if shown == 0.0:
        return "0"
    if _SMALLEST_IN_FULL <= abs(shown) < _LARGEST_IN_FULL:
        text = f"{shown:.0f}" if shown.is_integer() else f"{shown:.{digits}g}"
    else:
        mantissa, _, exponent = f"{shown:.{digits - 1}e}".partition("e")
        mantissa = f"{float(mantissa):g}"
        power = f"10{raised(str(int(exponent)))}"
        text = {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa}·{power}")
    return text.replace("-", "−")


def is_rounded(value: float, digits: int = 4) -> bool:
    """Whether ``number_text`` shows another number than ``value``, but for its last bits."""
    return not math.isclose(_shown(value, digits), value, rel_tol=1e-12)


def _shown(value: float, digits: int) -> float:
    """The number that is shown in place of ``value``."""
    if 10.0 ** (digits - 1) <= abs(value) < _LARGEST_IN_FULL:
        return float(round(value))
    shown = float(f"{value:.{digits - 1}e}")
    return shown if math.isfinite(shown) else value  # the largest cannot be rounded up


def raised(digits: str) -> str:
    """A whole number in superscript."""
    return digits.translate(_RAISED)


class _Writer:
    """Writes a formula as text, and says how tightly the text holds together."""

    def __init__(self, digits: int | None) -> None:
        self.digits = digits

    def write(self, formula: Formula) -> tuple[str, int]:
        match formula:
            case Symbol(name):
                return name, _ATOM
            case Number(value):
                return self._number(value)
            case Partial(of, by):
                return f"∂{of}/∂{by}", _POWER
            case Sum(left, right, minus):
                sign = "−" if minus else "+"
                return f"{self._at(left, _SUM)} {sign} {self._at(right, _QUOTIENT, True)}", _SUM
            case Negative(of):
                text, level = self.write(of)
                if level < _QUOTIENT or text.startswith("−"):
                    text, level = f"({text})", _ATOM
                return f"−{text}", min(level, _NEGATIVE)
            case Product(left, right, of):
                kinds = {of, left.of if isinstance(left, Product) else of}
                before = self._at(left, _POWER if kinds == {"entries", "matrices"} else _NEGATIVE)
                sign = " ⊙ " if of == "entries" else "·"
                return f"{before}{sign}{self._at(right, _POWER, True)}", _PRODUCT
            case Quotient(above, below):
                return f"{self._at(above, _NEGATIVE)}/{self._at(below, _POWER, True)}", _QUOTIENT
            case Power(base, exponent):
                return self._at(base, _ATOM) + self._exponent(exponent), _POWER
            case Root(of):
                text = self.write(of)[0]
                bare = isinstance(of, Symbol) or (isinstance(of, Number) and text.isalnum())
                return (f"√{text}" if bare else f"√({text})"), _POWER
            case Magnitude(of):
                return f"|{self.write(of)[0]}|", _ATOM
            case Call(function, arguments, primes, index):
                inside = ", ".join(self.write(each)[0] for each in arguments)
                marks = "′" * primes + (f"_{index}" if index else "")
                return f"{function}{marks}({inside})", _ATOM
            case Relation():
                return f"[{self._relation(formula)}]", _ATOM
            case Choice(condition, when_true, when_false):
                holds = self._relation(condition)
                chosen, other = self.write(when_true)[0], self.write(when_false)[0]
                return f"{chosen} if {holds} else {other}", _CHOICE
            case Transposed(of):
                return f"{self._at(of, _ATOM)}ᵀ", _ATOM
            case Entries(of, places):
                inside = ", ".join(self.write(each)[0] for each in places)
                return f"{self._at(of, _ATOM)}[{inside}]", _ATOM

    def _at(self, formula: Formula, level: int, follows: bool = False) -> str:
        """A part that must hold together as tightly as ``level``; no minus follows a sign."""
        text, own = self.write(formula)
        return f"({text})" if own < level or (follows and text.startswith("−")) else text

    def _number(self, value: float) -> tuple[str, int]:
        text = number_text(value, self.digits)
        if text.startswith("−"):
            return text, _NEGATIVE
        if text.replace(".", "").isdecimal():
            return text, _ATOM
        return text, _PRODUCT if "·" in text else _POWER

    def _exponent(self, exponent: Formula) -> str:
        if isinstance(exponent, Number) and exponent.value.is_integer():
            text = number_text(exponent.value, None)
            if "e" not in text:
                return raised(text)
        return f"^{self._at(exponent, _ATOM)}"

    def _relation(self, formula: Formula) -> str:
        if not isinstance(formula, Relation):
            return self.write(formula)[0]
        left, right = self.write(formula.left)[0], self.write(formula.right)[0]
        return f"{left} {formula.sign} {right}"
