"""Planes as SVG: which class a network gives to each point, and where codes lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule.pages.markup import Markup, element, join
from chainrule.pages.pixels import tint

__all__ = ["CLASS_COLOURS", "code_map", "decision_map"]

SIZE = 300
COLOURS = ("#d1661f", "#0b6e99")

CLASS_COLOURS = (
    "#d1495b",
    "#e07b39",
    "#c49a12",
    "#7a9e2e",
    "#2f9e6e",
    "#1f9aa8",
    "#3f83d1",
    "#6c6fd6",
    "#a45fc9",
    "#c9569a",
)
"""For ten classes, as far apart as they can be and still be read on light and on dark paper."""

Numbers = npt.NDArray[np.float64]


def decision_map(
    share: Numbers, extent: Sequence[float], X: Numbers, y: npt.NDArray[np.int64], alt: str
) -> Markup:
    """A plane in the colours of two classes, and points in those of their own.

    Parameters
    ----------
    share : array of shape (height, width)
        How much the network holds each place for class 1; the first row is the lowest.
    extent : sequence (left, right, bottom, top)
    X : array of shape (n_points, 2)
    y : array of shape (n_points,)
        0 or 1.
    alt : str
    """
    image = element(
        "image",
        href=tint(share[::-1], COLOURS),
        width=SIZE,
        height=SIZE,
        preserveAspectRatio="none",
    )
    across, up = _places(X, extent)
    points = [
        element("circle", cx=f"{px:.1f}", cy=f"{py:.1f}", r=2.1, class_=f"of-class-{label}")
        for px, py, label in zip(across, up, y, strict=True)
    ]
    return _plane(alt, image, *points)


def code_map(codes: Numbers, labels: npt.NDArray[np.int64], alt: str) -> Markup:
    """Points as the digit that each of them is, in a colour for each digit.

    Parameters
    ----------
    codes : array of shape (n_points, 2)
    labels : array of shape (n_points,)
        From 0 to 9.
    alt : str
    """
    # A few far outliers must not press all others together.
    low, high = np.quantile(codes, [0.003, 0.997], axis=0)
    margin = 0.05 * (high - low)
    low, high = low - margin, high + margin
    shown = np.all((codes >= low) & (codes <= high), axis=1)
    across, up = _places(codes, (low[0], high[0], low[1], high[1]))
    groups = []
    for k in np.unique(labels):
        marks = [
            element("text", str(k), x=f"{px:.1f}", y=f"{py:.1f}")
            for px, py in zip(*(each[shown & (labels == k)] for each in (across, up)), strict=True)
        ]
        groups.append(element("g", *marks, style=f"fill:{CLASS_COLOURS[k]}", class_="codes"))
    return _plane(alt, *groups)


def _places(X: Numbers, extent: Sequence[float]) -> tuple[Numbers, Numbers]:
    left, right, bottom, top = extent
    return SIZE * (X[:, 0] - left) / (right - left), SIZE * (top - X[:, 1]) / (top - bottom)


def _plane(alt: str, *content: Markup) -> Markup:
    return element(
        "svg",
        element("title", alt),
        join(content),
        element("rect", width=SIZE, height=SIZE, class_="border"),
        viewBox=f"0 0 {SIZE} {SIZE}",
        class_="map",
        role="img",
    )
