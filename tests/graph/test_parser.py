"""Formulas in text: what is read, what is refused and how, and that nothing is ever run."""

from __future__ import annotations

import contextlib
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import FormulaError
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.parser import FUNCTIONS, parse_formula

X, Y = variable("x"), variable("y")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("x + y", X + Y),
        ("x - y", X - Y),
        ("x * y", X * Y),
        ("x / y", X / Y),
        ("x ** y", X**Y),
        ("x ^ y", X**Y),
        ("-x", -X),
        ("+x", X),
        ("-2 * x", -2 * X),
        ("-x ^ 2", -(X**2)),
        ("x - y - x", (X - Y) - X),
        ("2 ^ x ^ y", constant(2) ** (X**Y)),
        ("1/x", cr.reciprocal(X)),
        ("2/x", 2 / X),
        ("exp(x)", cr.exp(X)),
        ("e^x", cr.exp(X)),
        ("e**-x", cr.exp(-X)),
        ("2 * pi", constant(2) * constant(math.pi)),
        ("max(x, 0)", cr.relu(X)),
        ("relu(x)", cr.relu(X)),
        ("sig(x)", cr.logistic(X)),
        ("((x))", X),
        ("x # how far", X),
        ("(x +\n  y)", X + Y),
    ],
)
def test_arithmetic_is_read_as_python_reads_it(text: str, node: Node) -> None:
    assert parse_formula(text) is node


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2·x × y ÷ 3", "2*x*y/3"),
        ("x − y", "x - y"),
        ("x² + y³", "x**2 + y**3"),
        ("x⁻¹", "x**-1"),
        ("x¹⁰", "x**10"),
        ("√x", "sqrt(x)"),
        ("2·√(x + y)", "2*sqrt(x + y)"),
        ("√2.5", "sqrt(2.5)"),
        ("|x − |y|·2|²", "abs(x - abs(y)*2)**2"),
        ("σ(x)·π", "sigmoid(x)*pi"),
        ("1.5e−07·x", "1.5e-07*x"),
    ],
)
def test_the_signs_of_the_blackboard_are_read(text: str, plain: str) -> None:
    assert parse_formula(text) is parse_formula(plain)


def test_names_may_be_in_any_alphabet() -> None:
    assert parse_formula("α·기울기") is variable("α") * variable("기울기")


def test_a_part_keeps_its_name_and_serves_later_parts() -> None:
    q = (X + Y).named("q")
    assert parse_formula("q = x + y; q * q") is q * q
    assert parse_formula("q = x + y\n   q * q\n") is q * q
    assert parse_formula("q = x + y") is q


def test_names_can_stand_for_nodes_that_are_given() -> None:
    weights = variable("W", (3, 2))
    inputs = variable("X", ("rows", 3))
    assert parse_formula("2 * Z", {"Z": inputs @ weights}) is 2 * (inputs @ weights)


def test_e_is_a_name_like_any_other_once_it_is_used() -> None:
    assert parse_formula("e = x + 1; e^2").operation == "power"
    assert parse_formula("e^x", {"e": Y}) is Y**X


def test_a_long_sum_is_not_a_deep_one() -> None:
    assert len(cr.format_graph(parse_formula("+".join(["x"] * 2000))).splitlines()) > 1000


HOSTILE = [
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "x.y",
    "x.real",
    "x[0]",
    "x[0:1]",
    "lambda: x",
    "(lambda: x)()",
    "[x for x in y]",
    "{x for x in y}",
    "{x: y for x in y}",
    "(x for x in y)",
    "[x, y]",
    "(x, y)",
    "{x}",
    "{}",
    "x := 2",
    "(x := 2)",
    "f'{x}'",
    "f'{__import__(\"os\")}'",
    "'text'",
    "b'bytes'",
    "'%s' % x",
    "3j",
    "...",
    "None",
    "True",
    "not x",
    "x and y",
    "x or y",
    "x if y else x",
    "x < y",
    "x == y",
    "x in y",
    "x is y",
    "x | y",
    "x & y",
    "x @ y",
    "x % y",
    "x // y",
    "x << y",
    "~x",
    "*x",
    "exp(*x)",
    "exp(**x)",
    "exp(x=y)",
    "exp()",
    "exp(x, y)",
    "max(x)",
    "exp",
    "exp + x",
    "exp(x)(y)",
    "2(x)",
    "(x + y)(x)",
    "print(x)",
    "eval('x')",
    "open('x')",
    "import os",
    "from os import path",
    "x; import os",
    "del x",
    "x += 1",
    "x: int = 3",
    "def f(): pass",
    "class A: pass",
    "if x: y",
    "while x: y",
    "for x in y: x",
    "with x: y",
    "raise x",
    "assert x",
    "global x",
    "return x",
    "yield x",
    "await x",
    "pass",
    "x = y = x + 1",
    "x, y = y, x",
    "x.y = 3",
    "x[0] = 3",
    "exp = x + y",
    "q = x",
    "q = q + 1",
    "q = x + y; q = x * y",
    "f(x) = x * 2",
    "x = ",
    "x +",
    "(x",
    "x)",
    "|x",
    "x|",
    "√",
    "√sin(x)",
    "²",
    "x y",
    "2 x",
    "2x",
    "x $ y",
    "x ? y",
    "x\\y",
    "@",
    "x\x00y",
    "\ud800",
    "x/0",
    "x/0.0",
    "1e999",
    "9" * 400,
    "9" * 5000,
    "0x" + "f" * 2000,
    "",
    " \n\t",
    "# nothing",
    ";",
    "(" * 300 + "x" + ")" * 300,
    "(" * 5000,
    "-" * 9000 + "x",
    "exp(" * 150 + "x" + ")" * 150,
    "x**" * 150 + "x",
    "√(" * 150 + "x" + ")" * 150,
    "|" * 3000,
    "[" * 3000,
    "x+" * 6000 + "x",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_whatever_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(text)


def test_a_number_is_no_formula() -> None:
    with pytest.raises(FormulaError, match="text, not float"):
        parse_formula(3.5)  # type: ignore[arg-type]


@given(st.text(alphabet="xy01.e+-*/^()|√²·−=;, \nσ[]'", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with contextlib.suppress(FormulaError):
            assert isinstance(parse_formula(text), Node)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("α·foo(x)", "There is no function 'foo'"),
        ("sqr(x)", "Did you mean 'sqrt'?"),
        ("x*(x + 1) + x(2)", r"'x' is no function: write x\*\(...\) for a product"),
        ("x(y + 1)", r"For a product, write x\*\(...\)"),
        ("2 x", "a product is written with"),
        ("sin x", r"The brackets of 'sin' are missing: write sin\(x\)"),
        ("2*(y + log x)", r"The brackets of 'log' are missing: write log\(x\)"),
        ("x + ", "Something is missing at the end"),
        ("x y +", "a product is written with"),
        ("x·", "Something is missing at the end"),
        ("q = ", "Something is missing at the end"),
        ("2(x + y)", "A product is written with"),
        ("(x + y", "'\\(' was never closed"),
        ("max(x)", r"max\(\) takes 2 arguments"),
        ("sin(x, y)", r"sin\(\) takes 1 argument:"),
        ("sin + 1", r"'sin' is a function: write sin\(...\)"),
        ("q = x", "'x' would have two names"),
        ("q = x; q = x + 1; q", "'q' is defined twice"),
        ("q = x + 1; q = q + x; q", "'q' is defined twice"),
        ("q = q + 1", "'q' is defined by itself"),
        ("y*x/0", "Division by the number zero"),
        ("9" * 400, "This number is too large"),
    ],
)
def test_a_message_names_the_fault(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse_formula(text)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("x² + foo(y)", "x² + foo(y)", 5),
        ("α·β + foo(α)", "α·β + foo(α)", 6),
        ("q = x^2\n  q + foo(q)", "q + foo(q)", 4),
        ("√x·|y|·foo(x)", "√x·|y|·foo(x)", 7),
        ("2·x y", "2·x y", 4),
    ],
)
def test_a_message_points_into_what_the_user_wrote(text: str, line: str, column: int) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    *_, shown, mark = str(caught.value).splitlines()
    assert shown == f"  {line}"
    assert mark.index("^") - 2 == column


def test_a_message_shows_no_more_than_a_line_of_a_long_formula() -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula("+".join(["x"] * 1000) + "+ foo(x)")
    assert max(map(len, str(caught.value).splitlines()[1:])) < 100


def test_every_function_is_read() -> None:
    for name in FUNCTIONS:
        arguments = "x, y" if name in ("max", "min") else "x"
        assert parse_formula(f"{name}({arguments})").inputs


def test_a_bar_that_is_not_closed_is_called_a_bar() -> None:
    with pytest.raises(FormulaError, match=r"'\|' was never closed"):
        parse_formula("|x| + |y")
