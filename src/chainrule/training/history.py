"""The history of a fit: one row per epoch."""

from __future__ import annotations

import math
from typing import Any

from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.plots import line_plot
from chainrule.training.curves import best_epoch, draw_history, spans_decades

__all__ = ["History"]


STYLE = """
.chainrule-history { max-width: 30em; font-size: .9em; }
.chainrule-history svg { display: block; width: 100%; height: auto; }
.chainrule-history svg text { font-size: 11.5px; fill: currentColor; opacity: .75; }
.chainrule-history .grid { stroke: currentColor; opacity: .15; }
.chainrule-history .line { fill: none; stroke-width: 2; }
.chainrule-history .line-0 { stroke: #2f8fc1; } .chainrule-history .name-0 { color: #2f8fc1; }
.chainrule-history .line-1 { stroke: #e07a2f; } .chainrule-history .name-1 { color: #e07a2f; }
"""
"""Colours that suit light and dark notebooks, and nothing around the curve."""


class History(dict[str, list[float]]):
    """Columns of equal length, a row for each epoch.

    A notebook shows it as a curve of the loss.

    Examples
    --------
    >>> history = History()
    >>> history.record(epoch=1, loss=0.5)
    >>> history.record(epoch=2, loss=0.4, validation_loss=0.6)
    >>> history["validation_loss"]
    [nan, 0.6]
    >>> history.to_frame().shape
    (2, 3)
    """

    def record(self, **values: float) -> None:
        """Add a row; what is not given is NaN."""
        length = len(next(iter(self.values()), []))
        for name in values:
            if name not in self:
                self[name] = [math.nan] * length
        for name, column in self.items():
            column.append(values.get(name, math.nan))

    def to_frame(self) -> Any:
        """The same as a table.

        Returns
        -------
        pandas.DataFrame
            Of polars, if only that is installed.

        Raises
        ------
        ImportError
            If neither is installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            try:
                from polars import DataFrame
            except ImportError as error:
                raise ImportError("A frame needs pandas or polars: pip install pandas") from error
        return DataFrame(dict(self))

    def plot(self, ax: Any = None) -> Any:
        """Draw losses over epochs, and below them scores, and the learning rate if it changes.

        Where rows are held out, the epoch with the best score (or else the lowest loss) on them is
        marked. The scale of losses is logarithmic if they are far apart.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw the losses alone; by default all is drawn in a figure of its own.

        Returns
        -------
        matplotlib.axes.Axes
            Of the losses; ``history.plot().figure`` is the whole figure.

        Raises
        ------
        ValueError
            If the history is empty.
        ImportError
            If matplotlib is not installed: ``pip install 'chainrule[plot]'``.
        """
        return draw_history(self, ax)

    def _repr_html_(self) -> Markup:
        lines = [(name, self[name]) for name in ("loss", "validation_loss") if name in self]
        if not lines or len(self["loss"]) < 2:
            return element("code", repr(self))
        drawn = line_plot(
            range(1, len(self["loss"]) + 1),
            lines,
            x_label="trial" if "trial" in self else "epoch",
            y_label="loss",
            logarithmic=spans_decades(*(values for _, values in lines)),
        )
        facts = [f"{name.replace('_', ' ')} {values[-1]:.4g}" for name, values in lines]
        if (best := best_epoch(self)) is not None:
            facts.append(f"best epoch {best + 1}")
        names = [
            element("b", name.replace("_", " "), class_=f"name-{k}")
            for k, (name, _) in enumerate(lines)
        ]
        return element(
            "div",
            element("style", raw(STYLE)),
            element("div", join(names, " ")),
            drawn,
            element("div", f"After {len(self['loss'])} epochs: {', '.join(facts)}."),
            class_="chainrule-history",
        )

    def followed_by(self, later: History) -> History:
        """This, and then another whose epochs are counted on from here.

        Examples
        --------
        >>> History(epoch=[1, 2], loss=[0.5, 0.4]).followed_by(History(epoch=[1], loss=[0.3]))
        {'epoch': [1, 2, 3], 'loss': [0.5, 0.4, 0.3]}
        """
        whole = History({name: list(column) for name, column in self.items()})
        for row in zip(*later.values(), strict=True):
            values = dict(zip(later, row, strict=True))
            whole.record(**{**values, "epoch": len(whole.get("epoch", ())) + 1})
        return whole
