"""The worked examples of the lecture come out right, to the printed digit (slides L3, B2 to B8)."""

from __future__ import annotations

import math

import pytest

import chainrule as cr
from chainrule.explain.derivation import Derivation
from chainrule.explain.worksheet import BackwardStep, Chain, ForwardStep
from chainrule.notation.formula_text import formula_text

SIGMOID_OF_A_SUM = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
SLIDE_B7 = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
TWO_LAYERS = "w3*sig(w2*sig(w1*x + b1) + b2) + b3 - y"
NAMED_LAYERS = "H2_in = w2*sig(w1*x + b1) + b2; H2_out = sig(H2_in); loss = w3*H2_out + b3 - y"
WEIGHTS = {"x": 2, "w1": 0.5, "b1": 0.1, "w2": -0.3, "b2": 0.2, "w3": 0.7, "b3": 0.1, "y": 1}


def sigma(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


def forward(work: Derivation, symbol: str) -> ForwardStep:
    return next(step for step in work.forward if step.symbol == symbol)


def backward(work: Derivation, symbol: str) -> BackwardStep:
    return next(step for step in work.backward if step.symbol == symbol)


def chain(work: Derivation, variable: str) -> Chain:
    return next(each for each in work.chains if each.variable == variable)


def partials(work: Derivation, variable: str) -> list[str]:
    (path,) = chain(work, variable).paths
    return [f"∂{each.of}/∂{each.by}" for each in path.factors]


def slopes(work: Derivation, variable: str) -> list[str | None]:
    (path,) = chain(work, variable).paths
    return [None if each.slope is None else formula_text(each.slope) for each in path.factors]


def closed_forms(work: Derivation, variable: str) -> list[str]:
    return [formula_text(each.formula) for each in chain(work, variable).closed_forms]


def test_l3_the_loss_of_a_guess_is_exact() -> None:
    work = cr.explain("(w*x + b - y)^2 / n", w=2, b=2, x=3, y=0.5 * 3 + 4, n=1)
    assert work.value == 6.25
    assert work.gradients["w"] == 15.0
    assert work.gradients["b"] == 5.0


@pytest.mark.parametrize("formula", ["(x + y) * z", "q = x + y; q * z"])
def test_b4_the_product_of_a_sum(formula: str) -> None:
    work = cr.explain(formula, x=-2, y=5, z=-4)
    assert work.value == -12.0
    assert work.gradients == {"x": -4.0, "y": -4.0, "z": 3.0}
    q = "q" if "q" in formula else "a"
    assert forward(work, q).value == 3.0
    assert backward(work, q).gradient == -4.0
    assert partials(work, "x") == [f"∂f/∂{q}", f"∂{q}/∂x"]
    assert slopes(work, "x") == ["z", "1"]
    assert closed_forms(work, "z") == ["x + y"]


def test_b2_the_derivatives_of_two_layers_are_found_from_the_formula_alone() -> None:
    work = cr.explain(TWO_LAYERS, WEIGHTS)
    assert closed_forms(work, "w3") == ["σ(w2·σ(w1·x + b1) + b2)"]
    assert closed_forms(work, "b3") == ["1"]
    assert closed_forms(work, "w2") == ["w3·σ′(w2·σ(w1·x + b1) + b2)·σ(w1·x + b1)"]
    assert closed_forms(work, "b2") == ["w3·σ′(w2·σ(w1·x + b1) + b2)"]
    assert closed_forms(work, "w1") == ["w3·σ′(w2·σ(w1·x + b1) + b2)·w2·σ′(w1·x + b1)·x"]
    inner = sigma(0.5 * 2 + 0.1)
    outer = sigma(-0.3 * inner + 0.2)
    assert work.gradients["w3"] == pytest.approx(outer, rel=1e-15)
    assert work.gradients["b3"] == 1.0
    assert work.gradients["w2"] == pytest.approx(0.7 * outer * (1 - outer) * inner, rel=1e-14)


def test_b5_the_chain_goes_through_the_names_that_the_user_gave() -> None:
    work = cr.explain(NAMED_LAYERS, WEIGHTS)
    assert partials(work, "w2") == ["∂loss/∂H2_out", "∂H2_out/∂H2_in", "∂H2_in/∂w2"]
    assert slopes(work, "w2") == ["w3", "σ′(H2_in)", "σ(w1·x + b1)"]
    assert slopes(work, "w1") == ["w3", "σ′(H2_in)", "w2·σ′(w1·x + b1)·x"]
    (path,) = chain(work, "w2").paths
    inner = sigma(0.5 * 2 + 0.1)
    outer = sigma(-0.3 * inner + 0.2)
    assert [each.value for each in path.factors] == pytest.approx([0.7, outer * (1 - outer), inner])
    assert path.product == pytest.approx(work.gradients["w2"], rel=1e-15)
    (definition,) = work.worksheet.definitions
    assert formula_text(definition.sign) == "σ′(z)"
    assert formula_text(definition.meaning) == "σ(z)·(1 − σ(z))"


@pytest.mark.parametrize("x", [-30.0, -1.5, 0.0, 0.3, 4.0])
def test_b6_the_slope_of_the_logistic_is_derived_from_exp_plus_and_reciprocal(x: float) -> None:
    work = cr.explain("1/(1 + exp(-x))", x=x)
    assert [step.node.operation for step in work.forward] == ["negate", "exp", "add", "reciprocal"]
    assert slopes(work, "x") == ["−1/c²", "1", "e^a", "−1"]
    assert closed_forms(work, "x") == ["e^(−x)/(1 + e^(−x))²", "σ(x)·(1 − σ(x))"]
    plain, recognised = (each.value for each in chain(work, "x").closed_forms)
    assert plain == pytest.approx(work.gradients["x"], rel=1e-13)
    assert recognised == pytest.approx(work.gradients["x"], rel=1e-13)
    assert work.gradients["x"] == pytest.approx(cr.explain("sig(x)", x=x).gradients["x"], rel=1e-13)


def test_b7_every_value_above_and_every_gradient_below_an_edge() -> None:
    work = cr.explain(SIGMOID_OF_A_SUM, SLIDE_B7)
    operations = [step.node.operation for step in work.forward]
    assert operations == [
        "multiply",
        "multiply",
        "add",
        "add",
        "negate",
        "exp",
        "add",
        "reciprocal",
    ]
    values = [step.value for step in work.forward]
    e = math.exp(-1.0)
    assert values == pytest.approx([-2, 6, 4, 1, -1, e, 1 + e, 1 / (1 + e)], rel=1e-15)
    assert [f"{value:.2f}" for value in values][4:] == ["-1.00", "0.37", "1.37", "0.73"]
    gradients = {step.symbol: step.gradient for step in work.backward}
    symbols = [step.symbol for step in work.forward]
    flowing = [f"{gradients[symbol]:.2f}" for symbol in reversed(symbols)]
    assert flowing == ["1.00", "-0.53", "-0.53", "-0.20", "0.20", "0.20", "0.20", "0.20"]
    rounded = {name: f"{gradient:.2f}" for name, gradient in work.gradients.items()}
    assert rounded == {
        "w0": "-0.20",
        "x0": "0.39",
        "w1": "-0.39",
        "x1": "-0.59",
        "w2": "0.20",
    }


def test_b7_each_step_is_written_as_on_the_slide() -> None:
    work = cr.explain(SIGMOID_OF_A_SUM, SLIDE_B7)
    rules = [f"{step.symbol} = {formula_text(step.rule)}" for step in work.forward]
    assert rules == [
        "a = w0·x0",
        "b = w1·x1",
        "c = a + b",
        "g = c + w2",
        "h = −g",
        "k = e^h",
        "m = 1 + k",
        "f = 1/m",
    ]
    uses = [(step.symbol, formula_text(use.slope)) for step in work.backward for use in step.uses]
    assert uses[:5] == [("m", "−1/m²"), ("k", "1"), ("h", "e^h"), ("g", "−1"), ("c", "1")]
    assert uses[-5:] == [("w0", "x0"), ("x0", "w0"), ("w1", "x1"), ("x1", "w1"), ("w2", "1")]


def test_b8_the_product_of_partial_derivatives() -> None:
    work = cr.explain(
        "α = -(w0*x0 + w1*x1 + w2); β = exp(α); r = 1 + β; loss = 1/r", SLIDE_B7, wrt="w0"
    )
    assert [forward(work, symbol).value for symbol in "αβr"] == pytest.approx(
        [-1.0, math.exp(-1.0), 1.0 + math.exp(-1.0)]
    )
    assert partials(work, "w0") == ["∂loss/∂r", "∂r/∂β", "∂β/∂α", "∂α/∂w0"]
    assert slopes(work, "w0") == ["−1/r²", "1", "e^α", "−x0"]
    (path,) = chain(work, "w0").paths
    numbers = [f"{each.value:.4f}" for each in path.factors]
    assert numbers == ["-0.5344", "1.0000", "0.3679", "1.0000"]
    assert f"{path.product:.4f}" == "-0.1966"
