"""Small plots as SVG, in the colours of the page they stand on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule.pages.markup import Markup, element, join

__all__ = ["Axis", "line_plot", "scatter_plot"]

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 38

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """A scale from values to places on the page.

    Parameters
    ----------
    low, high : float
        The values at its ends.
    start, stop : float
        Where these are drawn.
    logarithmic : bool, default=False
    """

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def place(self, values: npt.ArrayLike) -> Numbers:
        """Where values are drawn."""
        low, high = self._scaled([self.low, self.high])
        share = (self._scaled(values) - low) / (high - low)
        return self.start + share * (self.stop - self.start)

    def _scaled(self, values: npt.ArrayLike) -> Numbers:
        array = np.asarray(values, dtype=np.float64)
        return np.log10(array) if self.logarithmic else array

    def ticks(self) -> list[float]:
        """About five round values between the ends."""
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            steps: tuple[int, ...] = (1,) if len(powers) > 2 else (1, 2, 5)
            lowest = math.floor(math.log10(self.low))
            found = [s * 10.0**p for p in range(lowest, lowest + len(powers) + 2) for s in steps]
            return [each for each in found if self.low <= each <= self.high]
        raw = (self.high - self.low) / 5
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [(first + k) * step for k in range(count)]


def line_plot(
    x: Sequence[float],
    lines: Sequence[tuple[str, Sequence[float]]],
    *,
    x_label: str,
    y_label: str,
    logarithmic: bool = False,
) -> Markup:
    """Lines over a common x; the first is drawn in the colour of the model.

    Parameters
    ----------
    x : sequence of float
    lines : sequence of tuple (name, values)
        What is NaN or infinite is left out, and a line that is nothing else is not told of.
    x_label, y_label : str
    logarithmic : bool, default=False
        The scale of y; only used where all values are positive.
    """
    values = np.array([each for _, each in lines], dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        finite = np.zeros(1)
    logarithmic = logarithmic and bool(finite.min() > 0)
    across = Axis(*_spread(min(x), max(x)), LEFT, WIDTH - RIGHT)
    up = Axis(*_padded(finite, logarithmic), HEIGHT - BOTTOM, TOP, logarithmic)
    drawn = []
    for k, row in enumerate(values):
        shown = np.isfinite(row)
        points = zip(across.place(np.asarray(x)[shown]), up.place(row[shown]), strict=True)
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        drawn.append(element("polyline", points=path, class_=f"line line-{k}"))
    alt = f"{y_label} against {x_label}: " + "; ".join(
        f"{name} from {shown[0]:.4g} to {shown[-1]:.4g}"
        for (name, _), row in zip(lines, values, strict=True)
        if len(shown := row[np.isfinite(row)])
    )
    return _frame(across, up, x_label, y_label, alt, drawn)


def scatter_plot(x: Numbers, y: Numbers, *, x_label: str, y_label: str) -> Markup:
    """Points, and the line on which y equals x; both axes have the same scale."""
    low, high = _padded(np.concatenate([x, y]), logarithmic=False)
    across, up = Axis(low, high, LEFT, WIDTH - RIGHT), Axis(low, high, HEIGHT - BOTTOM, TOP)
    (x0, x1), (y0, y1) = across.place([low, high]), up.place([low, high])
    diagonal = element(
        "line", x1=f"{x0:.1f}", y1=f"{y0:.1f}", x2=f"{x1:.1f}", y2=f"{y1:.1f}", class_="ideal"
    )
    points = [
        element("circle", cx=f"{px:.1f}", cy=f"{py:.1f}", r=2.6, class_="point")
        for px, py in zip(across.place(x), up.place(y), strict=True)
    ]
    alt = f"{y_label} against {x_label}, {len(x)} points"
    return _frame(across, up, x_label, y_label, alt, [diagonal, *points])


def _spread(low: float, high: float) -> tuple[float, float]:
    """The same ends, apart even where all values are one."""
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _padded(values: Numbers, logarithmic: bool) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        return low / 1.2, high * 1.2
    low, high = _spread(low, high)
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _frame(
    across: Axis, up: Axis, x_label: str, y_label: str, alt: str, drawn: Sequence[Markup]
) -> Markup:
    parts = []
    for value in up.ticks():
        y = f"{up.place(value):.1f}"
        parts.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(
            element("text", f"{value:.6g}", x=LEFT - 6, y=y, dy="0.32em", text_anchor="end")
        )
    for value in across.ticks():
        x = f"{across.place(value):.1f}"
        parts.append(
            element("text", f"{value:.6g}", x=x, y=HEIGHT - BOTTOM + 15, text_anchor="middle")
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        element("text", x_label, x=middle, y=HEIGHT - 5, text_anchor="middle", class_="label")
    )
    # The label of y stands in the heading of the figure: turned text is hard to read.
    return element(
        "svg",
        element("title", alt),
        join(parts),
        join(drawn),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="plot",
    )
