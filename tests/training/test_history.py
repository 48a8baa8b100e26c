"""The history as a table, as a plot, and in a notebook."""

from __future__ import annotations

import math
import sys

import pytest

from chainrule.training.history import History

ROWS = History(
    epoch=[1, 2, 3, 4],
    loss=[8.0, 1.0, 0.2, 0.1],
    validation_loss=[9.0, 2.0, 1.0, 3.0],
    validation_score=[0.5, 0.9, 0.8, math.nan],
    learning_rate=[0.1, 0.1, 0.05, 0.05],
    seconds=[0.1] * 4,
)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def lines_of(ax):
    """What is drawn, by name."""
    return {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()}


def test_a_frame_has_its_columns():
    pandas = pytest.importorskip("pandas")
    frame = ROWS.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame) == list(ROWS)
    assert frame["loss"].tolist() == ROWS["loss"]


def test_a_frame_is_of_polars_where_there_is_no_pandas(monkeypatch):
    polars = pytest.importorskip("polars")
    monkeypatch.setitem(sys.modules, "pandas", None)
    frame = ROWS.to_frame()
    assert isinstance(frame, polars.DataFrame)
    assert frame["epoch"].to_list() == [1, 2, 3, 4]


def test_without_either_the_message_says_what_to_install(monkeypatch):
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install pandas"):
        ROWS.to_frame()


def test_a_plot_has_a_panel_for_losses_scores_and_a_rate_that_changes(plt):
    ax = ROWS.plot()
    losses, scores, rates = ax.figure.axes
    assert losses is ax
    assert lines_of(losses)["rows it learns from"] == ROWS["loss"]
    assert lines_of(losses)["rows held out"] == ROWS["validation_loss"]
    assert lines_of(scores)["score, rows held out"][:3] == [0.5, 0.9, 0.8]
    assert ROWS["learning_rate"] in lines_of(rates).values()
    assert losses.get_yscale() == "log"  # 8 to 0.1
    assert rates.get_yscale() == "linear"
    assert rates.get_xlabel() == "epoch"


def test_a_plot_marks_the_epoch_of_the_best_score(plt):
    (note,) = ROWS.plot().texts
    assert note.get_text() == "best: epoch 2"


def test_of_several_scores_the_users_first_decides_as_it_does_for_early_stopping(plt):
    history = History({**ROWS, "validation_f1": [1, 2, 3, 4], "validation_r2": [2, 1, 1, 1]})
    (note,) = history.plot().texts
    assert note.get_text() == "best: epoch 4"


def test_without_a_score_the_lowest_validation_loss_is_the_best(plt):
    history = History({name: ROWS[name] for name in ("epoch", "loss", "validation_loss")})
    (note,) = history.plot().texts
    assert note.get_text() == "best: epoch 3"


def test_a_history_of_losses_alone_is_one_panel(plt):
    ax = History(epoch=[1, 2], loss=[0.5, 0.4], learning_rate=[0.1, 0.1]).plot()
    assert ax.figure.axes == [ax]
    assert not ax.texts
    assert ax.get_yscale() == "linear"


def test_an_empty_history_cannot_be_drawn():
    with pytest.raises(ValueError, match="the history has no epoch"):
        History().plot()


def test_trials_and_a_single_row_can_be_drawn_too(plt):
    assert History(trial=[1, 2], loss=[0.5, 0.4]).plot().get_xlabel() == "trial"
    assert History(epoch=[1], loss=[0.5]).plot().get_lines()[0].get_marker() == "o"


def test_losses_go_into_axes_that_are_given(plt):
    figure, ax = plt.subplots()
    assert ROWS.plot(ax) is ax
    assert figure.axes == [ax]


def test_losses_that_overflowed_are_drawn_as_far_as_they_go(plt):
    History(epoch=[1, 2], loss=[0.5, math.inf]).plot().figure.canvas.draw()


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[plot\]'"):
        ROWS.plot()


def test_a_notebook_shows_curves_and_the_last_values():
    html = ROWS._repr_html_()
    assert html.count("<polyline") == 2
    assert "After 4 epochs: loss 0.1, validation loss 3, best epoch 2." in html


@pytest.mark.parametrize("history", [History(), History(epoch=[1], loss=[0.5])])
def test_a_notebook_shows_numbers_where_there_is_no_curve(history):
    assert history._repr_html_() == f"<code>{str(history).replace(chr(39), '&#x27;')}</code>"
