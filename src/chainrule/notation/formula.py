"""A formula as it is written, as data: what a renderer turns into text, LaTeX or MathML.

How a graph is written (which names stand, what becomes a fraction or a raised number) is
decided once, in ``notation.writing``; where parentheses and signs go is a renderer's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

__all__ = [
    "Call",
    "Choice",
    "Entries",
    "Formula",
    "Magnitude",
    "Negative",
    "Number",
    "Partial",
    "Power",
    "Product",
    "Quotient",
    "Relation",
    "Root",
    "Sum",
    "Symbol",
    "Transposed",
    "numbers_in",
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name: of a variable, of a part, or of a number such as e."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, in full precision; how many digits are shown is the renderer's choice."""

    value: float


@dataclass(frozen=True, slots=True)
class Negative:
    """-x."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Sum:
    """left + right, or left - right."""

    left: Formula
    right: Formula
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """left · right: of numbers, of arrays entry by entry, or of matrices."""

    left: Formula
    right: Formula
    of: Literal["numbers", "entries", "matrices"] = "numbers"


@dataclass(frozen=True, slots=True)
class Quotient:
    """above/below."""

    above: Formula
    below: Formula


@dataclass(frozen=True, slots=True)
class Power:
    """base to the power of exponent."""

    base: Formula
    exponent: Formula


@dataclass(frozen=True, slots=True)
class Root:
    """The square root."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Magnitude:
    """|x|."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments: ``primes`` counts its derivatives, ``index`` stands below it."""

    function: str
    arguments: tuple[Formula, ...]
    primes: int = 0
    index: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """left < right and its kin, as a number: 1 where it holds, 0 elsewhere."""

    left: Formula
    sign: str
    right: Formula


@dataclass(frozen=True, slots=True)
class Choice:
    """One formula where a condition holds, another elsewhere."""

    condition: Formula
    when_true: Formula
    when_false: Formula


@dataclass(frozen=True, slots=True)
class Transposed:
    """A matrix with rows and columns exchanged."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Entries:
    """Some entries of an array, by their places."""

    of: Formula
    places: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """∂of/∂by."""

    of: str
    by: str


Formula = (
    Symbol
    | Number
    | Negative
    | Sum
    | Product
    | Quotient
    | Power
    | Root
    | Magnitude
    | Call
    | Relation
    | Choice
    | Transposed
    | Entries
    | Partial
)


def numbers_in(formula: Formula) -> Iterator[float]:
    """The numbers that stand in a formula, from left to right."""
    if isinstance(formula, Number):
        yield formula.value
        return
    for each in fields(formula):
        part = getattr(formula, each.name)
        for inner in part if isinstance(part, tuple) else (part,):
            if isinstance(inner, Formula):
                yield from numbers_in(inner)
