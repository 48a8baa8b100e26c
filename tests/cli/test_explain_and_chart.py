from __future__ import annotations

from pathlib import Path

import pytest

import chainrule as cr
from chainrule.cli.main import main

Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize("formula", ["(x + y) * z", "q = x + y; q * z"])
def test_a_formula_is_worked_out_with_negative_values(formula: str, capsys: Output) -> None:
    assert main(["explain", formula, "x=-2", "y=5", "z=−4"]) == 0
    assert capsys.readouterr().out.strip() == str(cr.explain(formula, x=-2, y=5, z=-4))


def test_a_formula_may_begin_with_a_minus(capsys: Output) -> None:
    assert main(["explain", "-x * h", "x=2", "h=1e-3"]) == 0
    assert "−x·h" in capsys.readouterr().out


def test_help_is_shown_for_h_alone(capsys: Output) -> None:
    assert main(["explain", "-h"]) == 0
    assert "Usage: chainrule explain" in capsys.readouterr().out
    assert main(["explain", "-h*x", "x=2", "h=3", "--digits", "2"]) == 0
    assert "−h·x" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["--wrt", "x,y"], ["--wrt", "x", "--wrt", "y"]])
def test_several_variables_can_be_asked_for(asked: list[str], capsys: Output) -> None:
    assert main(["explain", "x*y*z", "x=1", "y=2", "z=3", *asked]) == 0
    assert capsys.readouterr().out.strip() == str(
        cr.explain("x*y*z", x=1, y=2, z=3, wrt=["x", "y"])
    )


def test_one_variable_and_fewer_digits_can_be_asked_for(capsys: Output) -> None:
    assert main(["explain", "x / y", "x=1", "y=3", "--wrt", "x", "--digits", "2"]) == 0
    written = capsys.readouterr().out
    assert "0.33" in written
    assert "0.333" not in written
    assert "∂f/∂y" not in written


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x + y", "x=1"], 1, "no value for y: give one, such as y=1. "),
        (["3"], 1, "3 has no variable to derive by"),
        (["x + w", "x=1", "y=2"], 1, "no 'y'"),
        (["1 / x", "x=0"], 1, "divi"),
        (["x +", "x=1"], 1, ""),
        (["__import__('os')", "x=1"], 1, ""),
        (["x", "x=one"], 2, "write it as x=-2"),
        (["x", "+", "y"], 2, "in quotation marks"),
        (["x", "x=1", "x=2"], 2, "two values"),
    ],
)
def test_a_fault_is_told_in_words(
    arguments: list[str], code: int, message: str, capsys: Output
) -> None:
    assert main(["explain", *arguments]) == code
    error = " ".join(capsys.readouterr().err.split())
    assert error.startswith("Error: " if code == 1 else "Usage: ")
    assert message in error
    assert "Traceback" not in error


def test_the_mark_points_into_the_formula(capsys: Output) -> None:
    assert main(["explain", "2·x + foo(y)", "x=1", "y=2"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["  2·x + foo(y)", "        ^"]
    assert max(map(len, lines)) <= 88


def test_the_chart_is_listed(capsys: Output) -> None:
    assert main(["chart"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["P", "FF", "RBF"]
    assert any(x.startswith("HN ") and x.endswith("not built yet") for x in lines)
    assert any(x.startswith("DFF ") and x.endswith("MLPClassifier, MLPRegressor") for x in lines)


@pytest.mark.parametrize(
    "name", ["lstm", "LSTM", "Long short-term memory", "long short term  memory"]
)
def test_a_network_is_found_by_code_or_name(name: str, capsys: Output) -> None:
    assert main(["chart", name]) == 0
    written = capsys.readouterr().out
    assert written.startswith("Long short-term memory (LSTM)\n")
    assert "\x1b" not in written, "not a terminal"
    assert "Hochreiter & Schmidhuber" in written
    assert "  c = f ⊙ c_old + i ⊙ g\n" in written


def test_a_network_that_is_not_built_says_so_and_has_no_equations(capsys: Output) -> None:
    assert main(["chart", "hn"]) == 0
    written = capsys.readouterr().out
    assert "Estimators  not built yet" in written
    assert "=" not in written


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lsmt", "Long short-term memory (LSTM)"),
        ("perceptrn", "Did you mean Perceptron (P)?"),
        ("boltzmann", "Boltzmann machine (BM)"),
        ("zzz", "`chainrule chart` lists them."),
        ("", "`chainrule chart` lists them."),
    ],
)
def test_an_unknown_network_is_refused_with_a_hint(name: str, hint: str, capsys: Output) -> None:
    assert main(["chart", name]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"{name!r} is no network of the chart." in error
    assert hint in error


@pytest.mark.parametrize("arguments", [["chart"], ["chart", "vae"]])
@pytest.mark.parametrize(("file", "start"), [("x.svg", "<?xml"), ("x.HTML", "<!DOCTYPE html>")])
def test_drawings_are_written(
    arguments: list[str], file: str, start: str, tmp_path: Path, capsys: Output
) -> None:
    path = tmp_path / file
    assert main([*arguments, "--out", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert path.read_text(encoding="utf-8").startswith(start)


def test_a_drawing_that_cannot_be_written_is_one_error(tmp_path: Path, capsys: Output) -> None:
    assert main(["chart", "--out", str(tmp_path / "no" / "x.svg")]) == 1
    assert "cannot be written: there is no folder" in " ".join(capsys.readouterr().err.split())
    assert main(["chart", "--out", str(tmp_path / "x.png")]) == 2
    assert "must end in .html or .svg." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
