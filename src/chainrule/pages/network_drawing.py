"""A network as circles and lines, wide layers shortened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chainrule.pages.markup import Markup, element, join

__all__ = ["draw_layers"]

WIDTH, ROW, RADIUS = 400, 24, 7.5
MOST_DRAWN = 7
"""Of a wider layer, all but the middle of this many circles are drawn, with dots between."""


def draw_layers(sizes: Sequence[int], names: Sequence[str]) -> Markup:
    """Layers from left to right.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from the inputs to the outputs.
    names : sequence of str
        What stands under each layer, besides its size.
    """
    height = ROW * MOST_DRAWN
    step = (WIDTH - 90) / max(len(sizes) - 1, 1)
    columns = [[(45 + k * step, y) for y in _heights(size, height)] for k, size in enumerate(sizes)]
    wires = [
        element("line", x1=f"{a:.1f}", y1=f"{b:.1f}", x2=f"{c:.1f}", y2=f"{d:.1f}", class_="wire")
        for left, right in pairwise(columns)
        for a, b in left
        for c, d in right
    ]
    units = [
        element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=RADIUS, class_="unit")
        for column in columns
        for x, y in column
    ]
    texts = []
    for size, name, column in zip(sizes, names, columns, strict=True):
        x = f"{column[0][0]:.1f}"
        if size > MOST_DRAWN:
            texts.append(
                element(
                    "text", "⋮", x=x, y=height / 2, dy="0.35em", text_anchor="middle", class_="name"
                )
            )
        for line, (text, kind) in enumerate(((f"{size:,}", "name"), (name, "label"))):
            y = height + 18 + 16 * line
            texts.append(element("text", text, x=x, y=y, text_anchor="middle", class_=kind))
    alt = " to ".join(f"{size} {name}" for size, name in zip(sizes, names, strict=True))
    return element(
        "svg",
        element("title", f"Layers: {alt}"),
        join(wires),
        join(units),
        join(texts),
        viewBox=f"0 0 {WIDTH} {height + 42}",
        role="img",
    )


def _heights(size: int, height: float) -> list[float]:
    """The centres of the circles of a layer; the middle one is left out of a wide layer."""
    drawn = min(size, MOST_DRAWN)
    first = (height - ROW * drawn) / 2 + ROW / 2
    places = [first + ROW * k for k in range(drawn)]
    if size > MOST_DRAWN:
        del places[MOST_DRAWN // 2]
    return places
