"""``chainrule explain MODEL DATA``: one number of a saved network, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainrule.cli.main import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "iris.safetensors"
    assert main(["fit", "iris", "--set", "max_iter=20", "--out", str(path)]) == 0
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["explain", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, " ".join(err.split())


def test_a_weight_is_derived_checked_and_updated(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, model, "iris", "--row", 70, "--parameter", "W2[3, 1]")
    assert code == 0
    for words in ("W2[3, 1] in one row's loss", "Forward", "Backward", "Update by adam", "✓"):
        assert words in out
    assert "\x1b" not in out, "colours are for terminals"


def test_inputs_go_by_the_names_of_columns(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, model, "iris", "--parameter", "petal length (cm)")
    assert code == 0
    assert "∂loss/∂x[2]" in out
    assert "petal length (cm)" in out


def test_json_and_files(model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = said(capsys, model, "iris", "--format", "json")
    assert code == 0
    assert json.loads(out)["update"]["optimizer"] == "adam"
    target = tmp_path / "one.json"
    code, _, err = said(capsys, "x^2", "x=3", "--out", target)
    assert (code, err) == (0, f"written to {target}")
    assert json.loads(target.read_text(encoding="utf-8"))["gradients"] == {"x": 6.0}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("iris", "--row", 150), 1, "There is no row 150 in iris: it has 150 rows"),
        (("iris", "--row", -1), 2, "--row"),
        (("iris", "--parameter", "W7[0]"), 1, "There is no 'W7[0]' in the network"),
        ((), 2, "is a model: give one DATA"),
        (("iris", "--wrt", "x"), 2, "--wrt and --spell-out are for formulas"),
        (("nosuch.csv",), 1, "nosuch.csv"),
        (("wine",), 1, "species"),
    ],
)
def test_what_is_wrong_is_said(
    model: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    code: int,
    words: str,
) -> None:
    got, _, err = said(capsys, model, *arguments)
    assert got == code
    assert words in err


def test_a_formula_takes_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "x*y", "x=1", "y=2", "--row", 1)
    assert code == 2
    assert "--row and --parameter are for a MODEL" in err


def test_the_model_is_never_written_over(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = model.read_bytes()
    code, _, _ = said(capsys, model, "iris", "--format", "text", "--out", model)
    assert code == 1
    assert model.read_bytes() == before


def test_an_unknown_ending_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = said(capsys, "x*y", "x=1", "y=2", "--out", tmp_path / "a.pdf")
    assert code == 2
    assert "say --format" in err
    code, _, _ = said(capsys, "x*y", "x=1", "y=2", "--out", tmp_path / "a.pdf", "--format", "svg")
    assert code == 0
