from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.cli.main import main
from chainrule.networks.chart import CHART

Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize("formula", ["(x + y) * z", "q = x + y; q * z"])
def test_a_formula_is_worked_out_with_negative_values(formula: str, capsys: Output) -> None:
    assert main(["explain", formula, "x=-2", "y=5", "z=−4"]) == 0
    assert capsys.readouterr().out.strip() == str(cr.explain(formula, x=-2, y=5, z=-4))


def test_a_formula_may_begin_with_a_minus(capsys: Output) -> None:
    assert main(["explain", "-x * h", "x=2", "h=1e-3"]) == 0
    assert "−x·h" in capsys.readouterr().out


def test_one_variable_and_fewer_digits_can_be_asked_for(capsys: Output) -> None:
    assert main(["explain", "x / y", "x=1", "y=3", "--wrt", "x", "--digits", "2"]) == 0
    written = capsys.readouterr().out
    assert "0.33" in written
    assert "0.333" not in written
    assert "∂f/∂y" not in written


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x + y", "x=1"], 1, "no value for y"),
        (["x + w", "x=1", "y=2"], 1, "no 'y'"),
        (["1 / x", "x=0"], 1, "divi"),
        (["x +", "x=1"], 1, ""),
        (["__import__('os')", "x=1"], 1, ""),
        (["x", "x=one"], 2, "write it as x=-2"),
        (["x", "+", "y"], 2, "in quotation marks"),
        (["x", "x=1", "x=2"], 2, "two values"),
    ],
)
def test_a_fault_gets_one_paragraph(
    arguments: list[str], code: int, message: str, capsys: Output
) -> None:
    assert main(["explain", *arguments]) == code
    error = " ".join(capsys.readouterr().err.split())
    assert error.startswith("Error: " if code == 1 else "Usage: ")
    assert message in error
    assert "Traceback" not in error


def test_the_chart_has_27_networks_of_different_codes() -> None:
    assert len({entry.code for entry in CHART}) == len(CHART) == 27


def test_the_chart_is_honest() -> None:
    named = {name for entry in CHART for name in entry.estimators}
    assert named <= set(cr.__all__)
    # Linear regression is not on the chart.
    public = {name for name in cr.__all__ if hasattr(getattr(cr, name), "fit")}
    assert public - named == {"LinearRegression"}


def test_the_chart_is_listed(capsys: Output) -> None:
    assert main(["chart"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 29
    assert any(x.startswith("LSTM ") and x.endswith("not yet") for x in lines)
    assert any(x.startswith("DFF ") and x.endswith("MLPClassifier, MLPRegressor") for x in lines)
