"""The program itself: how it starts, is interrupted, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.cli.main import COMMANDS, SUMMARIES, main

PROGRAM = [sys.executable, "-m", "chainrule"]
LONG = ["--set", "max_iter=1000000", "--set", "tol=0", "--set", "n_iter_no_change=1000000"]


def test_help_imports_neither_numpy_nor_the_commands() -> None:
    code = (
        "import sys; from chainrule.cli.main import main; main(['--help']);"
        "print([name for name in ('numpy', 'rich', 'chainrule.cli.fit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "chainrule fit digits" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: chainrule {command}" in capsys.readouterr().out
    assert command in SUMMARIES


def test_without_a_command_there_is_help_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fitt"]) == 2
    assert "fitt" in capsys.readouterr().err


def test_it_ends_with_the_code_of_the_fault(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "fit", "absent.csv"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no file 'absent.csv'")
    assert not list(tmp_path.iterdir())


def test_a_terminal_without_our_signs_is_no_fault() -> None:
    done = subprocess.run(
        [*PROGRAM, "explain", "x * y", "x=2", "y=3"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert b"?f/?x" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_keeps_the_model_as_far_as_it_got(tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    running = subprocess.Popen(
        [*PROGRAM, "fit", "iris", *LONG, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A terminal would show the bar only once training is under way; a log has no such sign.
        env={**os.environ, "CHAINRULE_CACHE_DIR": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1"},
    )
    # Compiled code appears in the cache just before the first step.
    cache, deadline = tmp_path / "cache", time.monotonic() + 60
    while not any(cache.rglob("*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    written, error = running.communicate(timeout=60)
    assert running.returncode == 0, error
    assert "training was interrupted; the model is kept as far as it got" in written
    assert "Traceback" not in error
    assert len(cr.load(out).predict("iris")) == 150
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "m.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="pipes end in another way on Windows")
def test_a_reader_that_stops_early_is_no_fault(tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    main(["fit", "digits", "--set", "max_iter=1", "--out", str(model)])
    table = tmp_path / "many.csv"
    names = [feature.name for feature in cr.load(model).features]
    row = ",".join(["1"] * len(names)) + "\n"
    table.write_text(",".join(names) + "\n" + row * 20_000, encoding="utf-8")
    program = [*PROGRAM, "predict", str(model), str(table)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0
