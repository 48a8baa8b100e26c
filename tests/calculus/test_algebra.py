"""Algebra keeps the value of a formula, and gives it the form that a person would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.calculus.algebra import RECOGNITION
from chainrule.calculus.rewriting import rewrite
from chainrule.calculus.simplify import PLAIN_ALGEBRA, simplify
from chainrule.engines.base import Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.functions import convert
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.parser import parse_formula
from tests.helpers.random_graphs import RandomGraph, smooth_graphs


def simplified(text: str) -> Node:
    return simplify([parse_formula(text)], algebra=True)[0]


@pytest.mark.parametrize(
    ("formula", "simpler"),
    [
        ("3·x·(2/x²)", "6/x"),
        ("x·x", "x²"),
        ("x/x", "1"),
        ("x·x·x/x²", "x"),
        ("(x²)³", "x⁶"),
        ("(1/x)²", "1/x²"),
        ("(x·y)²", "(x·y)²"),
        ("(x^0.5)²", "(x^0.5)²"),
        ("x·(1/y)", "x/y"),
        ("1/x/y", "1/(x·y)"),
        ("x/(y/z)", "x·z/y"),
        ("-x·(-y)", "x·y"),
        ("-x/y", "-(x/y)"),
        ("x·3·2", "6·x"),
        ("x·0", "0"),
        ("0/x", "0"),
        ("6·x/4", "3·x/2"),
        ("x/2", "x/2"),
        ("1/3·x·2", "2·x/3"),
        ("0.5·x", "0.5·x"),
        ("0.5/√x", "1/(2·√x)"),
        ("x/(-2)", "-(x/2)"),
        ("x + 2 + 3·x - 2", "4·x"),
        ("x + 0", "x"),
        ("0 - x", "-x"),
        ("x - x", "0"),
        ("x - (y - x)", "2·x - y"),
        ("-x + y", "y - x"),
        ("-x - y", "-(x + y)"),
        ("x + -2·y", "x - 2·y"),
        ("(x + y) + (x + y)", "2·(x + y)"),
        ("x - 1 + y", "x - 1 + y"),
        ("x/2 - x/2", "0"),
        ("1 - tanh(x)²", "1 - tanh(x)²"),
    ],
)
def test_sums_and_products_take_their_usual_form(formula: str, simpler: str) -> None:
    assert simplified(formula) is parse_formula(simpler)


@pytest.mark.parametrize(
    ("formula", "simpler"),
    [
        ("1/(1 + exp(-x))", "σ(x)"),
        ("1/(exp(-x) + 1)", "σ(x)"),
        ("exp(x)/(1 + exp(x))", "σ(x)"),
        ("exp(-x)/(1 + exp(-x))", "1 - σ(x)"),
        ("1/(1 + exp(x))", "σ(-x)"),
        ("exp(-x)/(1 + exp(-x))²", "σ(x)·(1 - σ(x))"),
        ("exp(x)/(1 + exp(x))²", "σ(x)·(1 - σ(x))"),
        ("3·y·exp(-x)/(1 + exp(-x))²", "3·y·σ(x)·(1 - σ(x))"),
        ("exp(-(w·x + b))·x/(1 + exp(-(w·x + b)))²", "σ(w·x + b)·(1 - σ(w·x + b))·x"),
        ("exp(-x)²/(1 + exp(-x))", "exp(-x)²/(1 + exp(-x))"),
        ("1/(1 + exp(-x))^y", "1/(1 + exp(-x))^y"),
    ],
)
def test_the_logistic_is_recognised(formula: str, simpler: str) -> None:
    assert simplified(formula) is parse_formula(simpler)


def test_arithmetic_alone_recognises_nothing() -> None:
    formula = parse_formula("exp(-x)/(1 + exp(-x))²")
    assert rewrite([formula], PLAIN_ALGEBRA) == [formula]


def test_a_choice_between_a_value_and_nothing_is_a_factor() -> None:
    x = variable("x")
    (slope,) = simplify(cr.gradient(5 * cr.relu(x), [x]), algebra=True)
    assert slope is 5 * convert(constant(0.0) < x)
    other = cr.select(x < 1, 0.0, x)
    assert simplify([other], algebra=True)[0] is x * convert(x >= 1)


def test_a_named_part_is_kept_where_nothing_changes() -> None:
    q = parse_formula("q = x + y")
    assert simplify([q], algebra=True) == [q]
    assert simplify([q * q * 1.0], algebra=True) == [q**2]
    assert simplify([q + variable("x")], algebra=True) == [q + variable("x")]


def test_each_change_is_told() -> None:
    told: list[str] = []
    simplify(
        [parse_formula("exp(-x)/(1 + exp(-x))²")], algebra=True, trace=lambda *e: told.append(e[0])
    )
    assert told == ["logistic"]
    assert told[0] in RECOGNITION


def test_numbers_that_grow_too_large_are_left_alone() -> None:
    formula = parse_formula("1e300·x·1e300")
    assert simplify([formula], algebra=True) == [formula]


def test_a_product_of_a_thousand_factors_is_no_trouble() -> None:
    assert simplified("·".join(["x"] * 500)) is parse_formula("x^500")


@given(smooth_graphs())
def test_values_stay_as_they_are(graph: RandomGraph) -> None:
    (simpler,) = simplify([graph.output], algebra=True)
    assert simpler.type == graph.output.type
    program = Program(graph.inputs, (graph.output, simpler))
    before, after = ReferenceEngine().compile(program, "float64")(*graph.values(rows=3))
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
