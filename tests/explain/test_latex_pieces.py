"""A formula in pieces is the same formula, and about as wide as LaTeX sets it."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explain.latex_pieces import formula_pieces
from chainrule.explain.latex_width import latex_width
from chainrule.notation.formula import (
    Call,
    Formula,
    Magnitude,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Root,
    Sum,
    Symbol,
    Transposed,
)
from chainrule.notation.formula_latex import formula_latex

X, Y = Symbol("x"), Symbol("y")


@pytest.mark.parametrize(
    ("formula", "pieces"),
    [
        (Sum(X, Y), ["x", "{} + y"]),
        (Product(Sum(X, Y), X), [r"\bigl(x", r"{} + y\bigr)", r"{} \cdot x"]),
        (Sum(X, Sum(X, Y), minus=True), ["x", r"{} - \bigl(x", r"{} + y\bigr)"]),
        (Negative(Sum(X, Y)), [r"-\bigl(x", r"{} + y\bigr)"]),
        (Call("σ", (Sum(X, Y),), 1), [r"\sigma'\bigl(x", r"{} + y\bigr)"]),
        (Call("max", (X, Y)), [r"\max\bigl(x,", r"y\bigr)"]),
        (Quotient(Sum(X, Y), X), [r"\bigl(x", r"{} + y\bigr)", r"/\bigl(x\bigr)"]),
        (
            Product(X, Quotient(Sum(X, Y), Y)),
            ["x", r"{} \cdot \bigl(\bigl(x", r"{} + y\bigr)", r"/\bigl(y\bigr)\bigr)"],
        ),
        (Root(Sum(X, Y)), [r"\bigl(x", r"{} + y\bigr)^{1/2}"]),
        (Power(Sum(X, Y), Number(2.0)), [r"\bigl(x", r"{} + y\bigr)^{2}"]),
        (Magnitude(Sum(X, Y)), [r"\bigl|x", r"{} + y\bigr|"]),
        (Relation(X, "≤", Y), [r"\bigl[x", r"{} \le y\bigr]"]),
    ],
)
def test_the_pieces_of_each_kind_of_formula(formula: Formula, pieces: list[str]) -> None:
    assert [each.latex for each in formula_pieces(formula, 4, room=1.0)] == pieces


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("x", "x + y"),
        ("x^{10}", "x + 10"),
        (r"\frac{a + b}{c}", "a + b + c"),
        (r"\begin{cases} x & y \\ z & 1 \end{cases}", "x + y + z + 1"),
        (r"\left[\begin{array}{@{}rr@{}} 1 & 2 \\ 3 & 4 \end{array}\right]", "1 + 2 + 3 + 4"),
        (r"\text{\textbackslash{}x}", r"\text{backslash}"),
        (r"\multicolumn{1}{c}{\vdots}", "111"),
        (r"\log", r"\tanh"),
        (r"\beta", r"\beta\beta"),
    ],
)
def test_one_piece_is_wider_than_another(narrow: str, wide: str) -> None:
    assert 0.0 < latex_width(narrow) < latex_width(wide)


def test_a_line_is_rather_broken_between_terms_than_inside_of_one() -> None:
    total = Sum(X, Product(X, Sum(X, Y)))
    depths = [each.depth for each in formula_pieces(total, 4, room=1.0)]
    assert depths == [0, 0, 1, 2]


def combined(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        st.builds(Sum, inner, inner, st.booleans()),
        st.builds(Product, inner, inner, st.sampled_from(["numbers", "entries", "matrices"])),
        st.builds(Negative, inner),
        st.builds(Power, inner, inner),
        st.builds(Magnitude, inner),
        st.builds(Transposed, inner),
        st.builds(Relation, inner, st.sampled_from(["<", "≤", "="]), inner),
        st.builds(Call, st.sampled_from(["σ", "log", "softplus"]), st.tuples(inner, inner)),
    )


SYMBOLS = st.builds(Symbol, st.text(string.printable, min_size=1, max_size=5))
NUMBERS = st.builds(Number, st.floats(-1e300, 1e300))
FORMULAS = st.recursive(st.one_of(SYMBOLS, NUMBERS), combined, max_leaves=12)


SIDES = {"l": "left", "r": "right"}


@given(FORMULAS, st.floats(0.5, 20.0))
def test_the_pieces_of_a_formula_are_the_formula(formula: Formula, room: float) -> None:
    pieces = formula_pieces(formula, 4, room)
    joined = "".join(each.latex for each in pieces)
    flat = re.sub(r"\\[bB]ig([lr])", lambda found: f"\\{SIDES[found[1]]}", joined)
    whole = formula_latex(formula)
    assert flat.replace("{}", "").replace(" ", "") == whole.replace("{}", "").replace(" ", "")


@given(FORMULAS)
def test_what_is_wider_is_measured_as_wider(formula: Formula) -> None:
    alone = latex_width(formula_latex(formula))
    assert 0.0 < alone < latex_width(formula_latex(Call("σ", (formula,))))
