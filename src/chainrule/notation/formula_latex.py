"""A formula as LaTeX mathematics: ``w_{3} \\cdot \\sigma'\\left(h_{2,\\mathrm{in}}\\right)``."""

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
from chainrule.notation.names import GREEK, split_name

__all__ = [
    "formula_latex",
    "function_latex",
    "number_latex",
    "numeral_latex",
    "symbol_latex",
    "text_latex",
]

# How tightly a piece of mathematics holds together. A fraction needs parentheses only below an
# exponent.
_CHOICE, _SUM, _NEGATIVE, _PRODUCT, _FRACTION, _POWER, _ATOM = range(7)

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{each: f"\\{each}" for each in "{}_#$%&"},
}
"""Characters that mean something to TeX, or that old fonts have something else for."""

_MATHEMATICS = {
    **{letter: f"\\{word}" for word, letter in GREEK.items()},
    "ε": r"\varepsilon",
    "φ": r"\varphi",
    "Σ": r"\Sigma",
    "′": "'",
    "∂": r"\partial",
    "·": r"\cdot",
    "×": r"\times",
    "⊙": r"\odot",
    "−": "-",
    "≈": r"\approx",
    "≤": r"\le",
    "→": r"\to",
    "∞": r"\infty",
    "√": r"\surd",
    "…": r"\ldots",
    "≠": r"\ne",
    "²": "^{2}",
}
_FUNCTIONS = {
    "σ": r"\sigma",
    "Σ": r"\sum",
    **{name: f"\\{name}" for name in ("exp", "log", "sin", "cos", "tanh", "max", "min")},
}
_IN_NO_OLD_FONT = "ĦħĸĿŀŉŦŧſ"
_SIGNS = {"<": "<", "≤": r"\le", "=": "="}
_LOWERED = {raised: plain for plain, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")


def formula_latex(formula: Formula, digits: int | None = 4) -> str:
    """A formula for LaTeX's mathematics mode; needs amsmath.

    Parameters
    ----------
    formula : Formula
    digits : int or None, default=4
        Significant digits of numbers; None for as many as distinguish them.

    Examples
    --------
    >>> print(formula_latex(Quotient(Number(1.0), Sum(Symbol("w1"), Symbol("h2_in")))))
    \\frac{1}{w_{1} + h_{2,\\mathrm{in}}}
    """
    return _Writer(digits).write(formula)[0]


def symbol_latex(name: str) -> str:
    """A name: letters in italics, words upright, what follows below; nothing of it is a command.

    Examples
    --------
    >>> print(symbol_latex("W2[3, 1]"), symbol_latex("alpha"), symbol_latex("50%"))
    W_{2}[3, 1] \\alpha \\text{50\\%}
    """
    parts = split_name(name)
    if parts.stem in _MATHEMATICS:
        stem = _MATHEMATICS[parts.stem]
    elif parts.stem.isascii() and parts.stem.isalpha():
        stem = parts.stem if len(parts.stem) == 1 else f"\\mathrm{{{parts.stem}}}"
    else:
        stem = f"\\text{{{text_latex(parts.stem)}}}"
    below = ",".join(each if each.isdecimal() else _word(each) for each in parts.below)
    return f"{stem}{f'_{{{below}}}' if below else ''}{parts.places}"


def _word(text: str) -> str:
    return f"\\mathrm{{{text}}}" if text.isascii() else f"\\text{{{text_latex(text)}}}"


def number_latex(value: float, digits: int | None = 4) -> str:
    """A number.

    Examples
    --------
    >>> print(number_latex(-0.5344466), number_latex(1.5e-9))
    -0.5344 1.5 \\cdot 10^{-9}
    """
    text = number_text(value, digits)
    return r"\text{no number}" if text == "no number" else numeral_latex(text)


def numeral_latex(text: str) -> str:
    """What ``number_text`` has written: ``1.5·10⁻⁹``."""
    text = text.replace("−", "-").replace("·", r" \cdot ").replace("∞", r"\infty")
    return _RAISED.sub(lambda found: f"^{{{_lowered(found.group())}}}", text)


def text_latex(text: str) -> str:
    """Text outside mathematics: no character of it is a command, and every engine knows all.

    Examples
    --------
    >>> print(text_latex("50% of {x}"), text_latex("a − b"))
    50\\% of \\{x\\} a $-$ b
    """
    return "".join(
        f"$^{{{_lowered(part)}}}$" if _RAISED.fullmatch(part) else "".join(map(_character, part))
        for part in re.split(f"({_RAISED.pattern})", text)
    )


def _character(each: str) -> str:
    if each in _SPECIAL:
        return _SPECIAL[each]
    if each in _MATHEMATICS:
        return f"${_MATHEMATICS[each]}$"
    if each.isascii():
        return each if each.isprintable() else " "
    # Western letters are in the fonts of every engine, but for a few; others may be in none.
    known = each.isalpha() and ord(each) < 0x180 and each not in _IN_NO_OLD_FONT
    return each if known else f"[U+{ord(each):04X}]"


def _lowered(raised: str) -> str:
    return "".join("-" if each == "⁻" else str(_LOWERED[each]) for each in raised)


def function_latex(name: str) -> str:
    """The name of a function: ``\\tanh``, ``\\operatorname{softplus}``."""
    return _FUNCTIONS.get(name) or f"\\operatorname{{{text_latex(name)}}}"


class _Writer:
    """Writes a formula, and says how tightly it holds together."""

    def __init__(self, digits: int | None) -> None:
        self.digits = digits

    def write(self, formula: Formula) -> tuple[str, int]:
        match formula:
            case Symbol(name):
                return symbol_latex(name), _ATOM
            case Number(value):
                return self._number(value)
            case Partial(of, by):
                above, below = symbol_latex(of), symbol_latex(by)
                return f"\\frac{{\\partial {above}}}{{\\partial {below}}}", _FRACTION
            case Sum(left, right, minus):
                sign = "-" if minus else "+"
                after = self._at(right, _PRODUCT if minus else _NEGATIVE, True)
                return f"{self._at(left, _SUM)} {sign} {after}", _SUM
            case Negative(of):
                return f"-{self._at(of, _PRODUCT, True)}", _NEGATIVE
            case Product(left, right, of):
                kinds = {of, left.of if isinstance(left, Product) else of}
                level = _FRACTION if kinds == {"entries", "matrices"} else _NEGATIVE
                sign = r"\odot" if of == "entries" else r"\cdot"
                return f"{self._at(left, level)} {sign} {self._at(right, _FRACTION, True)}", (
                    _PRODUCT
                )
            case Quotient(above, below):
                return f"\\frac{{{self._bare(above)}}}{{{self._bare(below)}}}", _FRACTION
            case Power(base, exponent):
                return f"{self._at(base, _ATOM)}^{{{self._bare(exponent)}}}", _POWER
            case Root(of):
                return f"\\sqrt{{{self._bare(of)}}}", _ATOM
            case Magnitude(of):
                return f"\\left|{self._bare(of)}\\right|", _ATOM
            case Call():
                return self._call(formula), _ATOM
            case Relation():
                return f"\\left[{self._relation(formula)}\\right]", _ATOM
            case Choice(condition, when_true, when_false):
                chosen, other = self._bare(when_true), self._bare(when_false)
                holds = self._relation(condition)
                return (
                    f"\\begin{{cases}} {chosen} & \\text{{if }} {holds} \\\\ "
                    f"{other} & \\text{{otherwise}} \\end{{cases}}"
                ), _CHOICE
            case Transposed(of):
                return f"{self._at(of, _ATOM)}^{{\\top}}", _POWER
            case Entries(of, places):
                inside = ", ".join(self._bare(each) for each in places)
                return f"{self._at(of, _ATOM)}[{inside}]", _ATOM

    def _bare(self, formula: Formula) -> str:
        return self.write(formula)[0]

    def _at(self, formula: Formula, level: int, follows: bool = False) -> str:
        """A part that must hold together as tightly as ``level``; no minus follows a sign."""
        text, own = self.write(formula)
        if own < level or (follows and text.startswith("-")):
            return f"\\left({text}\\right)"
        return text

    def _call(self, call: Call) -> str:
        name = function_latex(call.function) if call.function else ""
        index = f"_{{{text_latex(call.index)}}}" if call.index else ""
        inside = ", ".join(self._bare(each) for each in call.arguments)
        return f"{name}{chr(39) * call.primes}{index}\\left({inside}\\right)"

    def _number(self, value: float) -> tuple[str, int]:
        text = number_latex(value, self.digits)
        if text.startswith("-"):
            return text, _NEGATIVE
        return text, _PRODUCT if r"\cdot" in text else _POWER if "^" in text else _ATOM

    def _relation(self, formula: Formula) -> str:
        if not isinstance(formula, Relation):
            return self._bare(formula)
        return f"{self._bare(formula.left)} {_SIGNS[formula.sign]} {self._bare(formula.right)}"
