"""A network as circles and lines: cells in the colours of the chart, weights as widths of lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from chainrule.pages.cells import CELL_KINDS, cell_icon, draw_cell
from chainrule.pages.markup import Markup, element, join, raw

__all__ = ["draw_network"]

Array = npt.NDArray[np.floating]
NameOfWeight = Callable[[int, int, int], str]

WIDTH, ROW, RADIUS = 440, 26, 8.0
MOST_DRAWN = 9
"""Of a wider layer, all but the middle of this many circles are drawn, with dots between."""

_MOST_TITLES = 400
"""So many lines say their weight to those who point at them."""


def draw_network(
    weights: Sequence[Array],
    *,
    kinds: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    name_of_weight: NameOfWeight | None = None,
) -> Markup:
    """A network of layers from left to right.

    Parameters
    ----------
    weights : sequence of array of shape (units before, units)
        One matrix for each layer after the first.
    kinds : sequence of str, optional
        For each layer a key of ``CELL_KINDS``; inputs, hidden units and outputs by default.
    names : sequence of str, optional
        What stands under each layer besides its size; the kinds by default.
    name_of_weight : callable, optional
        Of the number of the matrix, the unit before and the unit after: what a line is called.
        ``W1[0, 2]`` by default.

    Returns
    -------
    Markup
        A drawing and its legend. The wider a line, the larger is its weight beside the largest
        of the same matrix; its colour is the sign.

    Examples
    --------
    >>> drawing = draw_network([np.ones((2, 3)), -np.ones((3, 1))])
    >>> drawing.count("<line x1"), "W2[2, 0] = -1" in drawing
    (11, True)
    """
    sizes = [len(weights[0]), *(each.shape[1] for each in weights)]
    last = len(sizes) - 1
    if kinds is None:
        kinds = ["input", *["hidden"] * (last - 1), "output"]
    labels = [CELL_KINDS[kind].label for kind in kinds]
    height = ROW * min(max(sizes), MOST_DRAWN)
    columns = [_column(size, height) for size in sizes]
    step = (WIDTH - 90) / max(last, 1)
    places = [45 + k * step for k in range(len(sizes))]
    n_lines = sum(len(a) * len(b) for a, b in pairwise(columns))
    lines = [
        _lines(
            number,
            matrix,
            columns,
            places,
            (name_of_weight or _usual_name) if n_lines <= _MOST_TITLES else None,
        )
        for number, matrix in enumerate(weights)
    ]
    circles = [
        draw_cell(kinds[k], places[k], y, RADIUS)
        for k, column in enumerate(columns)
        for _, y in column
    ]
    texts = [
        join(_texts(sizes[k], (names or labels)[k], places[k], height)) for k in range(len(sizes))
    ]
    alt = " to ".join(f"{size} {label}" for size, label in zip(sizes, labels, strict=True))
    drawing = element(
        "svg",
        element("title", f"Layers: {alt}"),
        join(lines),
        join(circles),
        join(texts),
        viewBox=f"0 0 {WIDTH} {height + 42}",
        class_="network",
        role="img",
    )
    return join([drawing, _legend(kinds)])


def _usual_name(number: int, unit: int, target: int) -> str:
    return f"W{number + 1}[{unit}, {target}]"


def _column(size: int, height: float) -> list[tuple[int, float]]:
    """The units of a layer that are drawn, and their heights; a wide one has a gap."""
    drawn = min(size, MOST_DRAWN)
    first = (height - ROW * drawn) / 2 + ROW / 2
    if size <= MOST_DRAWN:
        return [(unit, first + ROW * unit) for unit in range(size)]
    half = MOST_DRAWN // 2
    top = [(unit, first + ROW * unit) for unit in range(half)]
    bottom = [(size - half + k, first + ROW * (half + 1 + k)) for k in range(half)]
    return [*top, *bottom]


def _lines(
    number: int,
    matrix: Array,
    columns: Sequence[Sequence[tuple[int, float]]],
    places: Sequence[float],
    name_of_weight: NameOfWeight | None,
) -> Markup:
    """The weights between two layers, the strong ones over the weak ones."""
    largest = float(np.max(np.abs(matrix), initial=0.0)) or 1.0
    drawn = []
    for unit, y in columns[number]:
        for target, target_y in columns[number + 1]:
            weight = float(matrix[unit, target])
            share = abs(weight) / largest
            title: Markup | str = ""
            if name_of_weight is not None:
                name = name_of_weight(number, unit, target)
                title = element("title", f"{name} = {weight:.4g}")
            line = element(
                "line",
                title,
                x1=f"{places[number]:.1f}",
                y1=f"{y:.1f}",
                x2=f"{places[number + 1]:.1f}",
                y2=f"{target_y:.1f}",
                stroke_width=f"{0.4 + 2.6 * share:.2f}",
                stroke_opacity=f"{0.12 + 0.78 * share:.2f}",
                class_="weight positive" if weight >= 0 else "weight negative",
            )
            drawn.append((share, line))
    return join(line for _, line in sorted(drawn, key=lambda each: each[0]))


def _texts(size: int, name: str, x: float, height: float) -> list[Markup]:
    place = f"{x:.1f}"
    texts = []
    if size > MOST_DRAWN:
        dots = element("text", "⋮", x=place, y=height / 2, dy="0.35em", text_anchor="middle")
        texts.append(dots)
    for line, (text, kind) in enumerate(((f"{size:,}", "name"), (name, "label"))):
        y = height + 18 + 16 * line
        texts.append(element("text", text, x=place, y=y, text_anchor="middle", class_=kind))
    return texts


def _legend(kinds: Sequence[str]) -> Markup:
    """The kinds of cells, and what lines mean."""
    entries = [
        element("span", cell_icon(kind), f" {CELL_KINDS[kind].label}")
        for kind in dict.fromkeys(kinds)
    ]
    for sign, words in (("positive", "weight above 0"), ("negative", "weight below 0")):
        line = element("line", x1=0, y1=7, x2=14, y2=7, stroke_width=2.4, class_=f"weight {sign}")
        icon = element("svg", line, viewBox="0 0 14 14", class_="network icon")
        entries.append(element("span", icon, f" {words}"))
    return element("div", join(entries, raw(" ")), class_="network-legend")
