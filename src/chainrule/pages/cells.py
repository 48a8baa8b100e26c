"""The thirteen kinds of cells of the chart of neural networks: names, colours, marks, signs."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.pages.markup import Markup, element, join

__all__ = ["CELL_KINDS", "CELL_STYLE", "FAMILIES", "CellKind", "cell_icon", "draw_cell"]

FAMILIES = {
    "input": "#f4c542",
    "hidden": "#66b984",
    "output": "#ee8d4e",
    "recurrent": "#5f9fe0",
    "kernel": "#a97fd0",
}
"""The colour of each family of cells."""


@dataclass(frozen=True)
class CellKind:
    """How a kind of cell is drawn, in the manner of the chart of neural networks.

    Attributes
    ----------
    label : str
    family : str
        A key of ``FAMILIES``.
    sign : str
        What stands for it where only text can be shown: one shape for each family.
    mark : {"", "circle", "triangle"}
        What stands in the circle.

    References
    ----------
    Van Veen, "The neural network zoo", The Asimov Institute, 2016.
    """

    label: str
    family: str
    sign: str
    mark: str = ""


CELL_KINDS = {
    "backfed_input": CellKind("backfed input", "input", "◎", "circle"),
    "input": CellKind("input", "input", "○"),
    "noisy_input": CellKind("noisy input", "input", "△", "triangle"),
    "hidden": CellKind("hidden", "hidden", "●"),
    "probabilistic_hidden": CellKind("probabilistic hidden", "hidden", "◉", "circle"),
    "spiking_hidden": CellKind("spiking hidden", "hidden", "▲", "triangle"),
    "output": CellKind("output", "output", "■"),
    "match_input_output": CellKind("match input output", "output", "▣", "circle"),
    "recurrent": CellKind("recurrent", "recurrent", "◆"),
    "memory": CellKind("memory", "recurrent", "◈", "circle"),
    "different_memory": CellKind("different memory", "recurrent", "◇", "triangle"),
    "kernel": CellKind("kernel", "kernel", "▮"),
    "convolution": CellKind("convolution or pool", "kernel", "▯", "circle"),
}
"""The thirteen kinds of cells, in the order of the chart's legend."""

CELL_STYLE = "\n".join(
    [
        *(f".network .cell.{name} {{ fill: {colour}; }}" for name, colour in FAMILIES.items()),
        ".network .cell { stroke: #1f2328; stroke-opacity: .55; stroke-width: 1; }",
        ".network .mark { fill: none; stroke: #1f2328; stroke-width: 1; stroke-linejoin: round; }",
    ]
)
"""CSS for drawings of the class ``network``, the same in light and dark."""


def draw_cell(kind: str, x: float, y: float, radius: float) -> Markup:
    """A cell: a circle in the colour of its family, with its mark.

    Parameters
    ----------
    kind : str
        A key of ``CELL_KINDS``.
    x, y, radius : float
    """
    cell = CELL_KINDS[kind]
    half = 0.5 * radius
    circle = element(
        "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:.1f}", class_=f"cell {cell.family}"
    )
    if cell.mark == "circle":
        mark = element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{half:.1f}", class_="mark")
    elif cell.mark == "triangle":
        corners = f"M{x:.1f} {y - half:.1f}l{half:.1f} {1.7 * half:.1f}h{-2 * half:.1f}z"
        mark = element("path", d=corners, class_="mark")
    else:
        return circle
    return join([circle, mark])


def cell_icon(kind: str) -> Markup:
    """A cell to stand in a line of text."""
    return element("svg", draw_cell(kind, 7, 7, 6.0), viewBox="0 0 14 14", class_="network icon")
