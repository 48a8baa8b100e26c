"""Curves drawn with matplotlib: a history, and the loss over learning rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

__all__ = ["best_epoch", "draw_history", "draw_rates", "spans_decades"]

FIRST, SECOND = "#2f8fc1", "#e07a2f"
"""Blue and orange that can be read on white and on black."""

PANEL = (6.4, 2.5)
NOT_SCORES = ("epoch", "trial", "loss", "validation_loss", "learning_rate", "seconds")
OWN_MEASURES = ("validation_loss", "validation_score")
TRAINING, HELD_OUT = "rows it learns from", "rows held out"

Columns = Mapping[str, Sequence[float]]


def draw_history(history: Columns, ax: Any = None) -> Any:
    """Draw a history over its epochs; see :meth:`chainrule.training.history.History.plot`."""
    if not history.get("loss"):
        raise ValueError("There is nothing to draw: the history has no epoch.")
    scores = [name for name in history if name not in NOT_SCORES]
    rates = history.get("learning_rate", ())
    if ax is not None:
        _draw_losses(history, ax)
        ax.set_xlabel(_across(history))
        _mark_best(history, [ax])
        return ax
    heights = [1.3] + [1.0] * bool(scores) + [0.7] * (len(set(rates)) > 1)
    _, grid = _pyplot().subplots(
        len(heights),
        sharex=True,
        squeeze=False,
        figsize=(PANEL[0], PANEL[1] * sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    panels = list(grid[:, 0])
    _draw_losses(history, panels[0])
    if scores:
        _draw_scores(history, scores, panels[1])
    if len(set(rates)) > 1:
        panels[-1].plot(_epochs(history), rates, color=FIRST)
        _name(panels[-1], "learning rate", rates)
    panels[-1].set_xlabel(_across(history))
    _mark_best(history, panels)
    return panels[0]


def draw_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    ax: Any = None,
) -> Any:
    """Draw the loss over learning rates, and mark the one suggested."""
    if ax is None:
        ax = _pyplot().subplots(figsize=PANEL, layout="constrained")[1]
    ax.plot(rates, losses, color=FIRST, alpha=0.35, linewidth=1.0, label="minibatches")
    ax.plot(rates, smoothed, color=FIRST, label="smoothed")
    ax.axvline(suggestion, color=SECOND, linestyle="--", label=f"suggestion: {suggestion:.2g}")
    ax.set_xscale("log")
    ax.set_xlabel("learning rate")
    low, high = min(smoothed), max(smoothed)
    margin = 0.1 * (high - low or 1.0)
    ax.set_ylim(low - margin, max(smoothed[: len(smoothed) // 2 + 1]) + 4 * margin)
    _name(ax, "loss")
    _legend(ax)
    return ax


def best_epoch(history: Columns) -> int | None:
    """The row with the best score on rows held out, or where there is none their lowest loss.

    That score is the one by which training stops early: the first of the user's own scorers.
    """
    scorers = [
        name for name in history if name.startswith("validation_") and name not in OWN_MEASURES
    ]
    for name in (*scorers[:1], "validation_score", "validation_loss"):
        best = min if name == "validation_loss" else max
        rows = [k for k, value in enumerate(history.get(name, ())) if math.isfinite(value)]
        if rows:
            return int(best(rows, key=history[name].__getitem__))
    return None


def spans_decades(*lines: Sequence[float]) -> bool:
    """Whether values are positive, and so far apart that only a logarithmic scale shows them."""
    values = [value for line in lines for value in line if math.isfinite(value)]
    return bool(values) and min(values) > 0 and max(values) > 20 * min(values)


def _across(history: Columns) -> str:
    return "trial" if "trial" in history else "epoch"


def _epochs(history: Columns) -> Sequence[float]:
    return history.get(_across(history), range(1, len(history["loss"]) + 1))


def _draw_losses(history: Columns, ax: Any) -> None:
    losses = {TRAINING: history["loss"]}
    if "validation_loss" in history:
        losses[HELD_OUT] = history["validation_loss"]
    for (name, values), color in zip(losses.items(), (FIRST, SECOND), strict=False):
        ax.plot(_epochs(history), values, color=color, label=name, **_marker(values))
    _name(ax, "loss", *losses.values())
    if len(losses) > 1:
        _legend(ax)


def _draw_scores(history: Columns, names: Sequence[str], ax: Any) -> None:
    # Each score gets a dash of its own: the colours tell which rows it is measured on.
    styles = ("-", "--", ":", "-.")
    for k, name in enumerate(names):
        held_out = name.startswith("validation_")
        ax.plot(
            _epochs(history),
            history[name],
            color=SECOND if held_out else FIRST,
            linestyle=styles[k % len(styles)],
            label=name.removeprefix("validation_") + (f", {HELD_OUT}" if held_out else ""),
            **_marker(history[name]),
        )
    _name(ax, "score")
    _legend(ax)


def _mark_best(history: Columns, panels: Sequence[Any]) -> None:
    best = best_epoch(history)
    if best is None or len(history["loss"]) < 2:
        return
    epoch = _epochs(history)[best]
    for panel in panels:
        panel.axvline(epoch, color=panel.xaxis.label.get_color(), alpha=0.4, linewidth=1.0)
    panels[0].annotate(
        f"best: epoch {epoch:g}",
        (epoch, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        horizontalalignment="center",
        fontsize="small",
    )


def _name(ax: Any, name: str, *lines: Sequence[float]) -> None:
    """The label of y, a scale that suits, and no more ink than is needed."""
    ax.set_ylabel(name)
    if spans_decades(*lines):
        ax.set_yscale("log")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def _legend(ax: Any) -> None:
    ax.legend(frameon=False, fontsize="small")


def _marker(values: Sequence[float]) -> dict[str, str]:
    """A line of one point needs a dot to be seen."""
    return {"marker": "o"} if len(values) == 1 else {}


def _pyplot() -> ModuleType:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Plotting needs matplotlib: pip install 'chainrule[plot]'") from error
    return plt
