"""Formulas as MathML: every kind of formula, well formed, with the text of users escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.notation.formula import (
    Call,
    Choice,
    Entries,
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
from chainrule.notation.formula_mathml import formula_mathml, number_mathml, symbol_mathml

X, Y = Symbol("x"), Symbol("y")


def text(markup: str) -> str:
    """What is to be read, without the structure."""
    return "".join(ET.fromstring(f"<math>{markup}</math>").itertext())


@pytest.mark.parametrize(
    ("formula", "read", "element"),
    [
        (Sum(X, Y), "x+y", "mo"),
        (Sum(X, Sum(X, Y), minus=True), "x−(x+y)", "mo"),
        (Sum(X, Number(-2.0)), "x+(−2)", "mo"),
        (Product(Sum(X, Y), Number(-0.5)), "(x+y)·(−0.5)", "mo"),
        (Product(X, Y, "entries"), "x⊙y", "mo"),
        (Quotient(Number(1.0), Sum(X, Y)), "1x+y", "mfrac"),
        (Power(Quotient(X, Y), Number(2.0)), "(xy)2", "msup"),
        (Power(Symbol("e"), Negative(X)), "e−x", "msup"),
        (Negative(Sum(X, Y)), "−(x+y)", "mo"),
        (Root(Sum(X, Y)), "x+y", "msqrt"),
        (Magnitude(X), "|x|", "mo"),
        (Call("σ", (X,), primes=1), "σ′(x)", "msup"),
        (Call("Σ", (X,), index="1"), "Σ1(x)", "msub"),
        (Call("", (X, Y)), "(x,y)", "mo"),
        (Relation(Number(0.0), "<", X), "[0<x]", "mo"),
        (Transposed(Symbol("W2")), "W2⊤", "msup"),
        (Entries(X, (Number(3.0),)), "x[3]", "mo"),
        (Partial("loss", "h2_in"), "∂loss∂h2,in", "mfrac"),
        (Choice(Relation(X, "≤", Y), X, Y), "{xif x≤yyotherwise", "mtable"),
    ],
)
def test_each_kind_of_formula(formula: object, read: str, element: str) -> None:
    markup = formula_mathml(formula)  # type: ignore[arg-type]
    assert text(markup) == read
    assert f"<{element}" in markup


@pytest.mark.parametrize(
    ("value", "read"),
    [(2.0, "2"), (-0.25, "−0.25"), (1e-9, "10−9"), (-3.25e12, "−3.25·1012"), (1e400, "∞")],
)
def test_numbers(value: float, read: str) -> None:
    assert text(number_mathml(value)) == read


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_the_text_of_users_is_text(name: str) -> None:
    markup = symbol_mathml(name)
    assert "<script" not in markup
    assert {each.tag for each in ET.fromstring(f"<math>{markup}</math>").iter()} <= {
        "math",
        "mi",
        "mn",
        "mo",
        "msub",
        "mrow",
        "mtext",
    }
