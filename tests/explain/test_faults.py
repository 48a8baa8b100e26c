"""Where there is no value or no derivative, a derivation says so, and why."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.errors import ChainruleError, FormulaError, GraphError, ShapeError
from chainrule.explain.differences import check_gradient
from chainrule.graph.node import variable


@pytest.mark.parametrize(
    ("formula", "point", "message"),
    [
        (
            "y + 1/(x - 2)",
            {"x": 2, "y": 1},
            "1/(x − 2) has no finite value at x = 2: it divides by zero, as x − 2 = 0.",
        ),
        ("y/x", {"x": 0, "y": 1}, "y/x has no finite value at y = 1, x = 0: it divides by zero"),
        ("log(x*y)", {"x": -1, "y": 2}, "only positive numbers have a logarithm, but x·y = −2"),
        ("log1p(x)", {"x": -1}, "only numbers above −1 have a log1p, but x = −1"),
        ("sqrt(x - 1)", {"x": 0}, "√(x − 1) has no finite value at x = 0: only numbers from 0 up"),
        ("x^0.5", {"x": -3}, "a negative number has no such power, but x = −3"),
        ("x^-2", {"x": 0}, "a negative power of zero divides by zero, as x = 0"),
        ("exp(exp(x))", {"x": 7}, "e^(e^x) has no finite value at x = 7: it is too large"),
        ("x*y*x", {"x": 1e200, "y": 1}, "x·y·x has no finite value"),
    ],
)
def test_a_value_that_is_not_finite_is_traced_to_its_part(
    formula: str, point: dict[str, float], message: str
) -> None:
    with pytest.raises(FormulaError, match=re.escape(message)):
        cr.explain(formula, point)


@pytest.mark.parametrize(
    ("formula", "point", "message"),
    [
        (
            "sqrt(x) + 1",
            {"x": 0},
            "√x has no finite derivative with respect to x at x = 0: its rule, 1/(2·√x), gives ∞.",
        ),
        ("x^y", {"x": -2, "y": 3}, "with respect to y at x = −2, y = 3: its rule, x^y·log(x)"),
        ("1/x", {"x": 1e-200}, "its rule, −1/x², gives −∞"),
    ],
)
def test_a_derivative_that_is_not_finite_is_traced_to_its_rule(
    formula: str, point: dict[str, float], message: str
) -> None:
    with pytest.raises(FormulaError, match=re.escape(message)):
        cr.explain(formula, point)


def test_a_gradient_too_large_to_compute_is_refused() -> None:
    with pytest.raises(FormulaError, match="∂f/∂x is too large to be computed"):
        cr.explain("1e200*(1e200*x)", x=1e-200)


def test_a_derivative_that_is_not_asked_for_need_not_exist() -> None:
    assert cr.explain("x^y", {"x": -2, "y": 3}, wrt="x").gradients == {"x": 12.0}


@pytest.mark.parametrize(
    ("arguments", "values", "message"),
    [
        (("x + y",), {"x": 1}, "There is no value for y: give one, such as y=1."),
        (("x + y",), {}, "There is no value for x and y"),
        (("x + y",), {"x": 1}, "The formula has the variables x and y."),
        (("x + y",), {"x": 1, "y": 2, "z": 3}, "There is no 'z' in the formula; it has x and y."),
        (("alpha + y",), {"alpa": 1, "y": 2}, "Did you mean 'alpha'?"),
        (("q = x + y; q*q",), {"x": 1, "y": 2, "q": 3}, "'q' is not a variable: it is computed as"),
        (("3",), {}, "The formula 3 has no variable to derive by"),
        (("2*3",), {"x": 1}, "There is no 'x' in the formula, which has no variables."),
        (("x + y", {"x": 1}), {"x": 1, "y": 2}, "'x' is given two values."),
        (("x",), {"x": "two"}, "'x' needs a number, but it is given 'two'."),
        (("x",), {"x": 1j}, "'x' needs a number, but it is given 1j."),
        (("x",), {"x": None}, "'x' needs a number, but it is given None."),
        (("x",), {"x": [[1], [1, 2]]}, "'x' needs a number"),
        (("x",), {"x": [1, 2]}, "'x' is a single number in this formula"),
        (("x",), {"x": float("nan")}, "x is no number, but a derivation needs finite numbers."),
        (("x",), {"x": float("inf")}, "x is ∞, but a derivation needs finite numbers."),
        (("x*",), {"x": 1}, "Something is missing at the end"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    arguments: tuple[Any, ...], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormulaError, match=re.escape(message)):
        cr.explain(*arguments, **values)


def test_a_name_to_derive_by_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(FormulaError, match="There is no 'v' in the formula; it has w, x and q"):
        cr.explain("q = w*x; q*q", w=1, x=2, wrt="v")
    with pytest.raises(FormulaError, match="There is no 'u·2' in the formula"):
        cr.explain("w*x", w=1, x=2, wrt=variable("u") * 2)
    taken = cr.sum(cr.take(variable("X", (3,)), variable("k", (2,), kind="int")))
    with pytest.raises(FormulaError, match="'k' is of kind 'int': it has no derivative"):
        cr.explain(taken, X=[1, 2, 3], k=[0, 2], wrt="k")
    np.testing.assert_array_equal(
        cr.explain(taken, X=[1, 2, 3], k=[0, 2]).gradients["X"], [1, 0, 1]
    )


def test_only_a_single_number_is_derived() -> None:
    x = variable("x", (3,))
    with pytest.raises(GraphError, match="single number is derived, but this is float"):
        cr.explain(x * 2, x=[1, 2, 3])
    with pytest.raises(GraphError, match="this is bool"):
        cr.explain(variable("x") < 2, x=1)


def test_arrays_must_have_the_shapes_of_their_variables() -> None:
    x = variable("x", (3,))
    with pytest.raises(ShapeError, match="'x' needs shape"):
        cr.explain(cr.sum(x), x=[1, 2])


def test_two_variables_of_one_name_are_refused() -> None:
    with pytest.raises(FormulaError, match="Two variables are called 'x'"):
        cr.explain(cr.sum(variable("x", (3,))) * variable("x"), x=1)


@pytest.mark.parametrize(
    ("formula", "x", "place", "slope"),
    [
        ("max(x, 2)", 2.0, "max(x, 2) has no derivative where its sides are equal", 0.0),
        ("max(2, x)", 2.0, "max(2, x) has no derivative where its sides are equal", 1.0),
        ("min(x, 2)", 2.0, "min(x, 2) has no derivative where its sides are equal", 0.0),
        ("relu(x)", 0.0, "max(x, 0) has no derivative where its sides are equal", 0.0),
        ("abs(x)", 0.0, "|x| has no derivative at 0", 0.0),
        ("sign(x)", 0.0, "sign(x) has no derivative at 0, where it jumps", 0.0),
    ],
)
def test_at_a_kink_the_derivation_says_which_rule_was_used(
    formula: str, x: float, place: str, slope: float
) -> None:
    work = cr.explain(formula, x=x)
    (step,) = work.forward
    assert step.kink is not None
    assert step.kink.place == place
    assert work.gradients == {"x": slope}
    (chain,) = work.chains
    assert chain.check.agrees is None
    assert chain.check.reason == place
    assert f"Note: {place}; {step.kink.rule}." in str(work)
    assert f"not checked: {place}" in str(work)


def test_beside_a_kink_there_is_nothing_to_say() -> None:
    work = cr.explain("max(x, 2) + |x| + sign(x)", x=2.5)
    assert all(step.kink is None for step in work.forward)
    assert work.chains[0].check.agrees


def test_a_kink_elsewhere_does_not_stop_the_check_of_another_variable() -> None:
    work = cr.explain("|x| + y^2", x=0, y=3)
    assert [chain.check.agrees for chain in work.chains] == [None, True]


def test_ties_of_a_largest_element_are_kinks() -> None:
    x = variable("x", (3,))
    work = cr.explain(fn.max(x), x=[1, 2, 2])
    assert work.forward[0].kink is not None
    np.testing.assert_array_equal(work.gradients["x"], [0, 0.5, 0.5])
    assert cr.explain(fn.max(x), x=[1, 2, 3]).forward[0].kink is None


def test_a_comparison_of_equals_is_a_kink() -> None:
    x, y = variable("x"), variable("y")
    assert cr.explain(cr.select(x < y, x, y), x=1, y=1).forward[0].kink is not None


# --- the check itself --------------------------------------------------------------------


def test_the_check_catches_a_wrong_gradient() -> None:
    def cube(x: np.ndarray[Any, Any]) -> float:
        return float(np.sum(x**3))

    at = np.array(2.0)
    right = check_gradient(cube, at, np.array(12.0))
    assert right.agrees
    assert right.error is not None
    assert right.error < 1e-8
    wrong = check_gradient(cube, at, np.array(12.01))
    assert wrong.agrees is False
    assert wrong.difference_quotient == pytest.approx(12.0)


def test_the_check_of_an_array_catches_one_wrong_element() -> None:
    rng = np.random.default_rng(3)
    at = rng.normal(size=(5, 4))
    gradient = 2.0 * at
    assert check_gradient(lambda x: float(np.sum(x**2)), at, gradient).agrees
    gradient[3, 2] += 0.01
    assert check_gradient(lambda x: float(np.sum(x**2)), at, gradient).agrees is False


def test_near_an_edge_the_check_takes_a_smaller_step() -> None:
    (chain,) = cr.explain("log(x)", x=1e-8).chains
    assert chain.check.difference_quotient == pytest.approx(1e8, rel=1e-8)


def test_at_an_edge_there_is_no_check() -> None:
    (chain,) = cr.explain("x^1.5", x=0).chains
    assert chain.check.agrees is None
    assert chain.check.reason == "the formula has no value on both sides of this point"


def test_what_a_stopped_gradient_is_made_of_is_held() -> None:
    x = variable("x")
    (chain,) = cr.explain(cr.stop_gradient(x) * x, x=3).chains
    assert chain.gradient == 3.0
    assert chain.check.agrees


def test_all_faults_are_of_one_family() -> None:
    assert issubclass(FormulaError, ChainruleError)
    assert issubclass(FormulaError, ValueError)


@pytest.mark.parametrize("wrt", [3, [3], ["x", None]])
def test_what_is_no_name_cannot_be_derived_by(wrt: Any) -> None:
    with pytest.raises(FormulaError, match="wrt takes names or nodes"):
        cr.explain("x", x=1, wrt=wrt)


def test_text_is_no_node() -> None:
    x = variable("x")
    for wrong in (
        lambda: cr.compile(["x"], inputs=[x]),  # type: ignore[list-item]
        lambda: cr.compile(x, inputs=["x"]),  # type: ignore[list-item]
        lambda: cr.gradient("x", [x]),  # type: ignore[arg-type]
        lambda: cr.gradient(x, ["x"]),  # type: ignore[list-item]
    ):
        with pytest.raises(cr.GraphError, match="'x' is not a node"):
            wrong()


def test_where_rounding_hides_the_difference_there_is_no_check() -> None:
    (chain,) = cr.explain("(x + 1e16) - 1e16", x=1).chains
    assert chain.check.reason == "rounding hides so small a difference of the formula"


@pytest.mark.parametrize(
    ("formula", "x"),
    [("|x|", 1e-12), ("exp(100*x)", 1.0), ("1/x", 1e-9), ("sin(1e5*x)", 1.0), ("x", 1e300)],
)
def test_steep_formulas_and_near_kinks_are_checked_in_proportion(formula: str, x: float) -> None:
    (chain,) = cr.explain(formula, x=x).chains
    assert chain.check.agrees
    assert chain.check.error is not None
    assert chain.check.error < 1e-6


def test_a_step_never_goes_across_a_kink() -> None:
    (chain,) = cr.explain("max(x, 3*x - 2e-7)", x=0.0).chains
    assert chain.check.agrees
    assert chain.gradient == 1.0


def test_a_difference_that_says_nothing_confirms_nothing() -> None:
    def steep(x: np.ndarray[Any, Any]) -> float:
        return 4e10 + 1e-6 * float(x)

    for wrong in (1e-2, 1e-4, -1e-6, 0.0):
        assert not check_gradient(steep, np.array(1.0), np.array(wrong)).agrees
    (chain,) = cr.explain("exp(x) - 1 - x", x=1e-8).chains
    assert chain.check.agrees is None


def test_a_kink_between_is_seen_from_the_point_itself() -> None:
    (chain,) = cr.explain("x^3/max(x^2, 0.0000000001)", x=0.0).chains
    assert chain.gradient == 0.0
    assert chain.check.agrees is not False
