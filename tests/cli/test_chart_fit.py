from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.cli.main import main
from chainrule.demonstrations.base import Demonstration
from chainrule.networks.chart import CHART

Output = pytest.CaptureFixture[str]


def test_one_network_is_trained_and_its_page_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["chart", "--fit", "dff"]) == 0
    head, *rows, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["network", "data", "rows", "figure", "baseline", "s"]
    assert len(rows) == 2
    assert all(row.startswith("DFF  ") for row in rows)
    assert last == "page written to chart.html"
    assert "Deep feed forward" in Path("chart.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lstn"], 2, "Did you mean Long short-term memory (LSTM)?"),
        (["ntm"], 2, "Neural Turing machine (NTM) is not built yet."),
        (["ff", "--out", "ff.svg"], 2, "'ff.svg' must end in .html"),
        (["ff", "--out", "nowhere/ff.html"], 1, "there is no folder"),
        (["ff", "--seed", "-1"], 2, "-1"),
    ],
)
def test_a_fault_is_told_before_anything_is_trained(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Output,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Demonstration, "run", None)
    assert main(["chart", "--fit", *arguments]) == code
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    page = tmp_path / "old.html"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(Demonstration, "run", interrupted)
    assert main(["chart", "--fit", "--out", str(page)]) == 130
    assert "Interrupted: nothing was written." in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["old.html"]


def test_a_terminal_gets_a_bar_and_then_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["chart", "--fit", "ff", "--out", str(tmp_path / "ff.html")]) == 0
    written, drawn = capsys.readouterr()
    assert "MLPClassifier: digits" in drawn
    assert written.count("\nFF ") == 2


def test_networks_that_are_not_built_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    import dataclasses

    import chainrule.networks.chart as chart

    kept = [entry for entry in CHART if entry.code in ("FF", "VAE")]
    monkeypatch.setattr(
        chart,
        "CHART",
        tuple(dataclasses.replace(e, estimators=()) if e.code == "VAE" else e for e in kept),
    )
    assert main(["chart", "--fit", "--out", str(tmp_path / "page.html")]) == 0
    assert "VAE: not built yet\n" in capsys.readouterr().out
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Not built yet: Variational auto encoder." in written
