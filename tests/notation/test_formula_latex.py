"""Formulas as LaTeX: every kind of formula, and nothing a user wrote is ever a command."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
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
from chainrule.notation.formula_latex import (
    formula_latex,
    number_latex,
    symbol_latex,
    text_latex,
)
from chainrule.notation.writing import write

X, Y = Symbol("x"), Symbol("y")


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (Sum(X, Y), "x + y"),
        (Sum(X, Y, minus=True), "x - y"),
        (Sum(X, Sum(X, Y), minus=True), r"x - \left(x + y\right)"),
        (Sum(X, Number(-2.0)), r"x + \left(-2\right)"),
        (Product(Sum(X, Y), Number(-0.5)), r"\left(x + y\right) \cdot \left(-0.5\right)"),
        (Product(X, Y, "entries"), r"x \odot y"),
        (Quotient(Number(1.0), Sum(X, Y)), r"\frac{1}{x + y}"),
        (Power(Quotient(X, Y), Number(2.0)), r"\left(\frac{x}{y}\right)^{2}"),
        (Power(Symbol("e"), Negative(X)), "e^{-x}"),
        (Negative(Sum(X, Y)), r"-\left(x + y\right)"),
        (Root(Sum(X, Y)), r"\sqrt{x + y}"),
        (Magnitude(X), r"\left|x\right|"),
        (Call("σ", (X,), primes=1), r"\sigma'\left(x\right)"),
        (Call("Σ", (X,), index="1"), r"\sum_{1}\left(x\right)"),
        (Call("softplus", (X,)), r"\operatorname{softplus}\left(x\right)"),
        (Call("", (X, Y)), r"\left(x, y\right)"),
        (Relation(Number(0.0), "<", X), r"\left[0 < x\right]"),
        (Transposed(Symbol("W2")), r"W_{2}^{\top}"),
        (Entries(X, (Number(3.0),)), "x[3]"),
        (Partial("loss", "h2_in"), r"\frac{\partial \mathrm{loss}}{\partial h_{2,\mathrm{in}}}"),
        (
            Choice(Relation(X, "≤", Y), X, Y),
            r"\begin{cases} x & \text{if } x \le y \\ y & \text{otherwise} \end{cases}",
        ),
    ],
)
def test_each_kind_of_formula(formula: object, latex: str) -> None:
    assert formula_latex(formula) == latex  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("w1", "w_{1}"),
        ("W2[3, 1]", "W_{2}[3, 1]"),
        ("loss", r"\mathrm{loss}"),
        ("α", r"\alpha"),
        ("rest1", r"\mathrm{rest}_{1}"),
        (r"\input{/etc/passwd}", r"\text{\textbackslash{}input\{/etc/passwd\}}"),
        ("$x$", r"\text{\$x\$}"),
        ("50%", r"\text{50\%}"),
        ("가격", r"\text{[U+AC00][U+ACA9]}"),
        ("W[a__b]", r"\text{W[a\_\_b]}"),
        ("x٣", r"\text{x[U+0663]}"),
        ("größe", r"\text{größe}"),
        ("ħ", r"\text{[U+0127]}"),
    ],
)
def test_names(name: str, latex: str) -> None:
    assert symbol_latex(name) == latex


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (2.0, "2"),
        (-0.25, "-0.25"),
        (1e-9, "10^{-9}"),
        (-3.25e12, r"-3.25 \cdot 10^{12}"),
        (float("inf"), r"\infty"),
        (float("nan"), r"\text{no number}"),
    ],
)
def test_numbers(value: float, latex: str) -> None:
    assert number_latex(value) == latex


def balanced(latex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\.", "", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


@given(st.text(max_size=30))
def test_no_text_of_a_user_is_a_command(text: str) -> None:
    written = symbol_latex(text) + text_latex(text)
    assert balanced(written)
    commands = set(re.findall(r"\\([a-zA-Z]+)", written))
    allowed = {"text", "mathrm", "textbackslash", "textasciitilde", "textasciicircum"}
    allowed |= {"textless", "textgreater", "textbar", "textquotedbl"}
    from chainrule.notation.formula_latex import _MATHEMATICS

    allowed |= {value[1:] for value in _MATHEMATICS.values() if value.startswith("\\")}
    assert commands <= allowed
    assert not re.search(r"(?<!\\)[%#&~]", written)


def test_the_slope_of_two_layers() -> None:
    graph = cr.parse_formula("w3*sig(w2*sig(w1*x + b1) + b2) + b3 - y")
    (slope,) = cr.simplify(cr.gradient(graph, [cr.variable("b3")]))
    assert formula_latex(write(slope)) == "1"
    assert balanced(formula_latex(write(graph)))
