"""Formulas as MathML: every kind of formula, well formed, with the text of users escaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from chainrule.notation.formula_mathml import (
    formula_mathml,
    formula_pieces,
    number_mathml,
    symbol_mathml,
)

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
        (Sum(X, Product(Number(-2.0), Y)), "x+(−2·y)", "mo"),
        (Negative(Product(Number(-2.0), Y)), "−(−2·y)", "mo"),
        (Quotient(Number(1.0), Sum(X, Y)), "1x+y", "mfrac"),
        (Power(Symbol("w1"), Number(2.0)), "w12", "msubsup"),
        (Power(Quotient(X, Y), Number(2.0)), "(xy)2", "msup"),
        (Power(Symbol("e"), Negative(X)), "e−x", "msup"),
        (Negative(Sum(X, Y)), "−(x+y)", "mo"),
        (Root(Sum(X, Y)), "x+y", "msqrt"),
        (Magnitude(X), "|x|", "mo"),
        (Call("σ", (X,), primes=1), "σ′(x)", "mo"),
        (Call("Σ", (X,), index="1"), "Σ1(x)", "msub"),
        (Call("", (X, Y)), "(x,y)", "mo"),
        (Relation(Number(0.0), "<", X), "[0<x]", "mo"),
        (Transposed(Symbol("W2")), "W2⊤", "msup"),
        (Entries(X, (Number(3.0),)), "x[3]", "mo"),
        (Partial("loss", "h2_in"), "∂loss∂h2,in", "mfrac"),
        (Choice(Relation(X, "≤", Y), X, Y), "{xif x≤yyotherwise", "mtable"),
    ],
)
def test_each_kind_of_formula(formula: Formula, read: str, element: str) -> None:
    markup = formula_mathml(formula)
    assert text(markup) == read
    assert f"<{element}" in markup


OPENING = '<mo form="prefix" stretchy="false">(</mo>'
CLOSING = '<mo form="postfix" stretchy="false">)</mo>'


@pytest.mark.parametrize(
    ("formula", "markup"),
    [
        (Symbol("loss"), "<mi>loss</mi>"),
        (Symbol("alpha"), "<mi>α</mi>"),
        (
            Symbol("h2_in"),
            '<msub><mi>h</mi><mrow><mn>2</mn><mo lspace="0" rspace="0.1em">,</mo><mi>in</mi></mrow>'
            "</msub>",
        ),
        (
            Symbol("W2[3, 1]"),
            "<mrow><msub><mi>W</mi><mn>2</mn></msub><mtext>[3, 1]</mtext></mrow>",
        ),
        (Sum(X, Y), '<mrow><mi>x</mi><mo form="infix">+</mo><mi>y</mi></mrow>'),
        (Product(X, Y), '<mrow><mi>x</mi><mo form="infix">·</mo><mi>y</mi></mrow>'),
        (Negative(X), '<mrow><mo form="prefix">−</mo><mi>x</mi></mrow>'),
        (Quotient(X, Y), "<mfrac><mi>x</mi><mi>y</mi></mfrac>"),
        (Power(X, Quotient(X, Y)), "<msup><mi>x</mi><mfrac><mi>x</mi><mi>y</mi></mfrac></msup>"),
        (
            Power(Symbol("w1"), Number(2.0)),
            "<msubsup><mi>w</mi><mn>1</mn><mn>2</mn></msubsup>",
        ),
        (Root(X), "<msqrt><mi>x</mi></msqrt>"),
        (
            Call("σ", (X,), primes=1),
            f'<mrow><mi>σ</mi><mo lspace="0" rspace="0">′</mo><mrow>{OPENING}<mi>x</mi>{CLOSING}'
            "</mrow></mrow>",
        ),
        (
            Call("Σ", (X,), index="rows"),
            '<mrow><msub><mi mathvariant="normal">Σ</mi><mtext>rows</mtext></msub>'
            f"<mrow>{OPENING}<mi>x</mi>{CLOSING}</mrow></mrow>",
        ),
        (Transposed(X), "<msup><mi>x</mi><mo>⊤</mo></msup>"),
        (
            Partial("f", "w1"),
            '<mfrac><mrow><mo lspace="0" rspace="0.05em">∂</mo><mi>f</mi></mrow><mrow>'
            '<mo lspace="0" rspace="0.05em">∂</mo><msub><mi>w</mi><mn>1</mn></msub></mrow></mfrac>',
        ),
        (Number(1e-9), "<mrow><msup><mn>10</mn><mn>−9</mn></msup></mrow>"),
    ],
)
def test_the_markup_of_a_formula(formula: Formula, markup: str) -> None:
    assert formula_mathml(formula) == markup


def test_parentheses_grow_around_what_is_tall() -> None:
    assert "stretchy" not in formula_mathml(Call("log", (Quotient(X, Y),)))
    assert "stretchy" in formula_mathml(Call("log", (X,)))


def test_a_sum_is_broken_at_its_signs_and_products_at_theirs() -> None:
    formula = Sum(Product(Sum(X, Y), Product(X, Y)), Product(X, Number(-2.0)), minus=True)
    terms = [[text(piece) for piece in term] for term in formula_pieces(formula)]
    assert terms == [["(x+y)", "·(x·y)"], ["−x", "·(−2)"]]
    joined = "".join(piece for term in terms for piece in term)
    assert joined == text(formula_mathml(formula))


names = st.sampled_from(["x", "w1", "h2_in", "loss", "<b>", "W2[3, 1]"])
leaves = st.one_of(
    st.builds(Symbol, names),
    st.builds(Number, st.floats(allow_nan=False)),
    st.builds(Partial, names, names),
)
formulas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Sum, inner, inner, st.booleans()),
        st.builds(Product, inner, inner, st.sampled_from(["numbers", "entries", "matrices"])),
        st.builds(Quotient, inner, inner),
        st.builds(Power, inner, inner),
        *(st.builds(kind, inner) for kind in (Negative, Root, Magnitude, Transposed)),
        st.builds(Relation, inner, st.sampled_from("<≤="), inner),
        st.builds(Choice, inner, inner, inner),
        st.builds(
            Call,
            names,
            st.lists(inner, min_size=1, max_size=3).map(tuple),
            st.integers(0, 2),
            names,
        ),
    ),
    max_leaves=12,
)


@given(formulas, st.one_of(st.none(), st.integers(1, 12)))
def test_any_formula_is_well_formed_whole_and_in_pieces(formula: Formula, digits: int) -> None:
    whole = formula_mathml(formula, digits)
    assert ET.fromstring(f"<math>{whole}</math>").find(".//b") is None
    pieces = [piece for term in formula_pieces(formula, digits) for piece in term]
    for piece in pieces:
        ET.fromstring(f"<math>{piece}</math>")
    assert "".join(map(text, pieces)) == text(whole)


@given(formulas)
def test_no_minus_follows_a_sign(formula: Formula) -> None:
    sign, minus = '">[+·⊙−]</mo>', '<mo form="prefix">−'
    assert not re.search(f"{sign}(<mrow>)*{minus}", formula_mathml(formula))


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
