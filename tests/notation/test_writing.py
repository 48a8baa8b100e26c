"""A graph is written as a person writes it, and what is written can be read back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.engines.base import Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.parser import parse_formula
from chainrule.notation.formula import Number, Power, Product, Sum, Symbol
from chainrule.notation.formula_text import formula_text, is_rounded, number_text
from chainrule.notation.writing import format_formula, write
from tests.helpers.operation_cases import CASES, OperationCase


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("(x + y)*z", "(x + y)·z"),
        ("x + y*z", "x + y·z"),
        ("x - (y - z)", "x − (y − z)"),
        ("x - y - z", "x − y − z"),
        ("x + (y + z)", "x + (y + z)"),
        ("x*(y*z)", "x·(y·z)"),
        ("x/(y*z)", "x/(y·z)"),
        ("x*y/z", "x·y/z"),
        ("x/y*z", "(x/y)·z"),
        ("x/y/z", "(x/y)/z"),
        ("1/x", "1/x"),
        ("1/x*y", "(1/x)·y"),
        ("-x", "−x"),
        ("-(x + y)", "−(x + y)"),
        ("-(x*y)", "−x·y"),
        ("-x**2", "−x²"),
        ("(-x)**2", "(−x)²"),
        ("x*(-y)", "x·(−y)"),
        ("x + (-y)", "x + (−y)"),
        ("-(-x)", "−(−x)"),
        ("x - (-2)", "x − (−2)"),
        ("-0.53*x", "−0.53·x"),
        ("(x + y)**2", "(x + y)²"),
        ("(x**2)**3", "(x²)³"),
        ("x**-1", "x⁻¹"),
        ("x**10", "x¹⁰"),
        ("x**0.5", "x^0.5"),
        ("x**y", "x^y"),
        ("x**(y + 1)", "x^(y + 1)"),
        ("x**y**z", "x^(y^z)"),
        ("(x**y)**z", "(x^y)^z"),
        ("2**x", "2^x"),
        ("(-2)**x", "(−2)^x"),
        ("exp(x)", "e^x"),
        ("exp(-x)", "e^(−x)"),
        ("exp(2)", "e²"),
        ("exp(x)**2", "(e^x)²"),
        ("sigmoid(w*x + b)", "σ(w·x + b)"),
        ("sigmoid(x)**2", "σ(x)²"),
        ("sqrt(x)", "√x"),
        ("sqrt(x + 1)", "√(x + 1)"),
        ("sqrt(x)**2", "(√x)²"),
        ("abs(x)*2", "|x|·2"),
        ("abs(abs(x) - y)", "||x| − y|"),
        ("max(x, -y)", "max(x, −y)"),
        ("relu(x)", "max(x, 0)"),
        ("2*pi*x", "2·π·x"),
        ("log(x)*tanh(y)", "log(x)·tanh(y)"),
        ("0.1234567*x", "0.1235·x"),
        ("x*1e-9", "x·10⁻⁹"),
        ("x*1.5e-9", "x·(1.5·10⁻⁹)"),
        ("(x*1e-9)**2", "(x·10⁻⁹)²"),
    ],
)
def test_formulas_are_written_with_no_more_parentheses_than_they_need(
    formula: str, written: str
) -> None:
    assert format_formula(parse_formula(formula)) == written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-12.0, "−12"),
        (0.1 + 0.2, "0.3"),
        (0.36787944, "0.3679"),
        (-0.5344466, "−0.5344"),
        (1.3678794, "1.368"),
        (12345.678, "12346"),
        (1234567.0, "1234567"),
        (12345678.0, "1.235·10⁷"),
        (1e9, "10⁹"),
        (-1e-9, "−10⁻⁹"),
        (0.00012346, "0.0001235"),
        (0.000012346, "1.235·10⁻⁵"),
        (999.96, "1000"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "no number"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number_text(value) == text


def test_it_is_known_whether_digits_were_left_out() -> None:
    assert [is_rounded(each) for each in (0.5, 0.1 + 0.2, 2.0, 123456.0, 1e30)] == [False] * 5
    assert [is_rounded(each) for each in (1 / 3, 12345.6, 1.00001, -math.pi)] == [True] * 4


def test_a_named_part_is_written_by_its_name_or_written_out() -> None:
    formula = parse_formula("h = w*x + b; σ(h) + h")
    assert format_formula(formula) == "σ(h) + h"
    assert format_formula(formula, expand=True) == "σ(w·x + b) + (w·x + b)"
    assert format_formula(formula.inputs[1]) == "w·x + b"


def test_nodes_can_be_written_as_anything() -> None:
    x, y = variable("x"), variable("y")
    assert formula_text(write(x * y, {x: Number(3.0), y: Number(-4.0)})) == "3·(−4)"
    assert formula_text(write(x, {x: Number(3.0)})) == "3"


def test_a_variable_called_e_is_not_taken_for_the_number() -> None:
    assert format_formula(parse_formula("e^x", {"e": variable("e")})) == "e^x"
    assert format_formula(cr.exp(variable("x")) * variable("e")) == "exp(x)·e"
    assert format_formula(constant(math.pi) * variable("π"), digits=3) == "3.14·π"


def test_products_of_arrays_tell_entries_from_matrices() -> None:
    a, b, s = variable("A", (3, 3)), variable("B", (3, 3)), variable("s")
    assert format_formula(a @ b) == "A·B"
    assert format_formula(a * b) == "A ⊙ B"
    assert format_formula(s * a * b) == "s·A ⊙ B"
    assert format_formula((a @ b) * a) == "(A·B) ⊙ A"
    assert format_formula((a * b) @ a) == "(A ⊙ B)·A"
    assert format_formula(fn.transpose(a) @ b) == "Aᵀ·B"


def test_sums_say_over_what() -> None:
    x = variable("X", ("rows", 3))
    assert format_formula(cr.sum(x)) == "Σ(X)"
    assert format_formula(cr.sum(x, 0)) == "Σ_rows(X)"
    assert format_formula(cr.sum(x, 1)) == "Σ_1(X)"
    assert format_formula(cr.mean(x)) == "Σ(X)/(3·rows)"


def test_comparisons_are_brackets_and_choices_are_said_in_words() -> None:
    x, y = variable("x"), variable("y")
    assert format_formula(fn.convert(x < y) * x) == "[x < y]·x"
    assert format_formula(cr.select(x <= y, x, -y) + 1) == "(x if x ≤ y else −y) + 1"


def test_a_formula_too_long_to_read_ends_in_an_ellipsis() -> None:
    long = parse_formula("+".join(f"x{i}" for i in range(1000)))
    assert format_formula(cr.exp(long)) == "e^…"
    assert len(format_formula(long)) < 1500
    doubled = variable("x")
    for _ in range(60):
        doubled = doubled + doubled
    assert "…" in format_formula(doubled)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_operation_can_be_written(case: OperationCase) -> None:
    _, node = case.graph()
    assert format_formula(node)


def test_the_cases_cover_every_operation() -> None:
    assert {case.operation for case in CASES} | {"variable", "constant", "size", "uniform"} >= set(
        OPERATIONS
    )


# --- there and back ----------------------------------------------------------------------

UNARY = [
    name
    for name, each in OPERATIONS.items()
    if each.family == "elementwise" and each.arity == 1 and name not in ("convert", "stop_gradient")
]
BINARY = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum"]
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 10.0, math.pi, math.e, 1e-7, 1e22]),
    st.floats(allow_nan=False, allow_infinity=False),
)
LEAVES = st.one_of(
    st.sampled_from([variable("x"), variable("y"), variable("w_1")]), NUMBERS.map(constant)
)


def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(make, st.sampled_from(UNARY), inner),
        st.builds(make, st.sampled_from(BINARY), inner, inner),
    )


def zero_divisors(node: Node) -> bool:
    """Whether the formula has the division by the number zero that the parser refuses."""
    stack = [node]
    while stack:
        each = stack.pop()
        if each.operation in ("divide", "reciprocal"):
            below = each.inputs[-1]
            while below.operation == "negate":
                (below,) = below.inputs
            if below.operation == "constant" and below.attributes["value"] == 0.0:
                return True
        stack.extend(each.inputs)
    return False


@given(
    st.recursive(LEAVES, grow, max_leaves=12).filter(lambda node: not zero_divisors(node)),
    st.tuples(*[st.sampled_from([-2.5, -1.0, 0.0, 0.3, 1.0, 3.0])] * 3),
)
def test_what_is_written_is_read_back_to_the_same_value(
    node: Node, point: tuple[float, ...]
) -> None:
    inputs = tuple(variable(name) for name in ("x", "y", "w_1"))
    read = parse_formula(format_formula(node, digits=None))
    program = Program(inputs, (node, read))
    with np.errstate(all="ignore"):
        before, after = ReferenceEngine().compile(program, "float64")(*point)
    np.testing.assert_equal(float(after), float(before))


def test_formulas_are_data_that_can_be_compared() -> None:
    x = Symbol("x")
    assert write(parse_formula("x² + 1")) == Sum(Power(x, Number(2.0)), Number(1.0))
    assert write(parse_formula("x·y")) != Product(x, x)
