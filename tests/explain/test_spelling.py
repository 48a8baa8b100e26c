"""Spelled out in exp and 1/x, a formula has the same value and the same derivatives."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.cli.main import main
from chainrule.notation.formula_text import formula_text


@pytest.mark.parametrize(
    "formula",
    ["sigmoid(w*x)", "tanh(w*x + 1)", "softplus(x)*w", "log1p(x^2)*w", "expm1(w*x)", "w*x"],
)
def test_value_and_gradients_are_the_same(formula: str) -> None:
    short = cr.explain(formula, w=0.7, x=-0.4)
    long = cr.explain(formula, w=0.7, x=-0.4, spell_out=True)
    assert long.value == pytest.approx(short.value, rel=1e-14)
    assert long.gradients == pytest.approx(short.gradients, rel=1e-12)
    operations = {step.node.operation for step in long.forward}
    assert not operations & {"logistic", "tanh", "softplus", "log1p", "expm1"}


def test_b6_the_slope_of_the_logistic_from_exp_and_reciprocal_on_request() -> None:
    (chain,) = cr.explain("sigmoid(x)", x=0.5, spell_out=True).chains
    first, last = (formula_text(each.formula) for each in chain.closed_forms)
    assert first == "e^(−x)/(1 + e^(−x))²"
    assert last == "σ(x)·(1 − σ(x))"


def test_names_of_parts_stay() -> None:
    work = cr.explain("h = sigmoid(x); h^2", x=0.5, spell_out=True)
    assert [formula_text(each) for _, each in work.worksheet.parts] == ["1/(1 + e^(−x))", "h²"]


def test_the_command_line_spells_out_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "sigmoid(x)", "x=0.5", "--spell-out"]) == 0
    assert "e^(−x)/(1 + e^(−x))²" in capsys.readouterr().out
