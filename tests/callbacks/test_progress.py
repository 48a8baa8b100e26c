"""Progress where it is shown: terminals, notebooks, log files, other processes."""

from __future__ import annotations

import copy
import io
import os
import pickle
import re
import subprocess
import sys
import textwrap
import types

import joblib
import pytest
from rich.console import Console
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule.callbacks import Moment, ProgressBar
from chainrule.training.history import History

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def terminal(**options):
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None, **options)


def shown(console):
    """What was written, without what moves the cursor."""
    return CONTROL.sub("", console.file.getvalue())


def model(bar, **options):
    return cr.MLPClassifier(5, callbacks=[bar], **{"max_iter": 4, "random_state": 0, **options})


def told(bar, *losses):
    """Tell a bar of some epochs."""
    with bar:
        for epoch, loss in enumerate(losses, 1):
            bar(Moment(epoch, len(losses), 1, 1, loss, True, History()))


def test_a_terminal_gets_a_bar():
    console = terminal()
    model(ProgressBar(console), early_stopping=True).fit(X, Y)
    last = shown(console).splitlines()[-1]
    assert re.search(r"MLPClassifier  epoch 4/4  loss \d\.\d+  validation 0\.\d+ ━{5,}", last)


def test_the_bar_of_a_training_that_ends_early_is_full():
    console = terminal()
    early = model(ProgressBar(console), max_iter=100)
    early.callbacks.append(lambda moment: moment.epoch == 3)
    early.fit(X, Y)
    assert "epoch 3/100" in shown(console)
    assert "━" * 40 in shown(console).splitlines()[-1]


def test_a_log_file_gets_lines(capsys):
    model(ProgressBar()).fit(X, Y)
    assert re.fullmatch(r"MLPClassifier  epoch 4/4  loss \d\.\d+\n", capsys.readouterr().out)


def test_a_log_file_gets_a_line_now_and_then(capsys):
    told(ProgressBar(seconds=0.0), 0.5, 0.25)
    # The last is written when training ends, whenever the one before was.
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1/2  loss 0.5", "epoch 2/2  loss 0.25", "epoch 2/2  loss 0.25"
    ]  # fmt: skip


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    console = terminal()
    model(ProgressBar(console)).fit(X, Y)
    assert console.file.getvalue().count("\n") == 1
    assert "\r" not in console.file.getvalue()


@pytest.mark.parametrize("loss", [1.2345e30, 3e-300, float("inf"), float("nan")])
def test_any_loss_fits_in_the_line(loss, capsys):
    told(ProgressBar(), loss)
    assert len(capsys.readouterr().out) < 40


def test_bars_of_several_threads_share_the_screen():
    console = terminal()
    search = GridSearchCV(
        model(ProgressBar(console), batch_size=2), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2
    )
    with joblib.parallel_config("threading"):
        search.fit(X, Y)
    finished = re.findall(r"epoch 4/4  loss", shown(console))
    assert len(finished) >= 5


def test_a_search_in_other_processes_draws_no_bars(tmp_path):
    # A terminal is claimed there: without looking for a parent process, each would draw bars.
    program = """
        import warnings
        from sklearn.datasets import load_iris
        from sklearn.model_selection import GridSearchCV
        import chainrule as cr
        warnings.simplefilter("ignore")
        X, Y = load_iris(return_X_y=True)
        model = cr.MLPClassifier(5, max_iter=5, callbacks=[cr.callbacks.ProgressBar()])
        if __name__ == "__main__":
            GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2, refit=False).fit(X, Y)
    """
    script = tmp_path / "search.py"
    script.write_text(textwrap.dedent(program))
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_a_bar_gives_way_to_something_else_that_moves():
    from rich.live import Live

    console = terminal()
    with Live("other", console=console):
        model(ProgressBar(console)).fit(X, Y)
    assert "epoch 4/4" in shown(console)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_bar_can_be_copied_before_and_after_training(copied):
    console = terminal()
    bar = ProgressBar(console, seconds=3.0)
    told(bar, 0.5)
    twin = copied(bar)
    assert twin.seconds == 3.0
    told(twin, 0.25)
    assert clone(model(bar)).callbacks[0].console is console


def test_a_notebook_gets_a_bar_of_plain_html(monkeypatch):
    updates = []

    class Handle:
        def update(self, shown):
            updates.append(shown)

    def display(shown, display_id):
        assert display_id is True
        updates.append(shown)
        return Handle()

    fake = types.ModuleType("IPython.display")
    fake.HTML, fake.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    told(ProgressBar(Console(force_jupyter=True)), *[0.5] * 1000)
    assert 2 <= len(updates) < 50  # not at every epoch
    assert '<progress value="1.0000" max="1"' in updates[-1]
    assert "epoch 1000/1000  loss 0.5" in updates[-1]


@pytest.mark.parametrize("level, lines", [(0, 0), (False, 0), (1, 4), (True, 4), (10, 4)])
@pytest.mark.parametrize(
    "learner",
    [
        cr.MLPClassifier(5, max_iter=4),
        cr.MLPClassifier(5, max_iter=4, solver="lbfgs"),
        cr.Adaline(max_iter=4, tol=None),
    ],
)
def test_verbose_prints_a_line_for_each_epoch(learner, level, lines, capsys):
    clone(learner).set_params(verbose=level).fit(X, Y == 0)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert all(line.startswith("Iteration") for line in printed)
