"""A drawn network: cells, weights as widths and colours, wide layers shortened."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from chainrule.pages.cells import CELL_KINDS, FAMILIES
from chainrule.pages.network_drawing import MOST_DRAWN, draw_network


def lines(drawing: str) -> dict[str, tuple[float, str]]:
    """The width and the sign of each line, by its title."""
    found = re.findall(
        r'<line [^>]*stroke-width="([\d.]+)"[^>]*class="weight (\w+)"><title>(.*?)</title>', drawing
    )
    return {title: (float(width), sign) for width, sign, title in found}


def test_the_larger_a_weight_the_wider_its_line_and_the_sign_is_its_colour() -> None:
    drawn = lines(draw_network([np.array([[2.0, -1.0], [0.0, 0.5]]), np.array([[1.0], [-3.0]])]))
    assert len(drawn) == 6
    widths = [drawn[title][0] for title in ("W1[0, 0] = 2", "W1[0, 1] = -1", "W1[1, 1] = 0.5")]
    assert widths == sorted(widths, reverse=True)
    assert drawn["W1[0, 1] = -1"][1] == "negative"
    assert drawn["W2[0, 0] = 1"][1] == "positive"
    assert drawn["W1[0, 0] = 2"][0] == drawn["W2[1, 0] = -3"][0], "each matrix has its own scale"


def test_strong_weights_are_drawn_over_weak_ones() -> None:
    drawing = draw_network([np.array([[3.0], [0.1], [-2.0]])])
    titles = re.findall(r"W1\[\d, 0\] = ([-\d.]+)", drawing)
    sizes = [abs(float(each)) for each in titles]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("size", [1, MOST_DRAWN, MOST_DRAWN + 1, 784])
def test_a_wide_layer_shows_its_ends_and_says_its_size(size: int) -> None:
    drawing = draw_network([np.ones((size, 2)), np.ones((2, 1))])
    shown = size if size <= MOST_DRAWN else MOST_DRAWN - 1
    # Two of the legend: kinds of cells are drawn there once more.
    assert drawing.count("<circle") == shown + 2 + 1 + 3
    assert ("⋮" in drawing) == (size > MOST_DRAWN)
    assert f">{size:,}<" in drawing
    if size > MOST_DRAWN:
        assert f"W1[{size - 1}, 0]" in drawing


def test_all_thirteen_kinds_of_cells_can_be_drawn() -> None:
    assert len(CELL_KINDS) == 13
    kinds = list(CELL_KINDS)
    drawing = draw_network([np.ones((1, 1))] * 12, kinds=kinds)
    for kind in CELL_KINDS.values():
        assert f" {kind.label}" in drawing
    assert drawing.count("<path") == 2 * sum(k.mark == "triangle" for k in CELL_KINDS.values())


def test_kinds_of_cells_are_told_apart_without_colour() -> None:
    assert len({kind.label for kind in CELL_KINDS.values()}) == 13
    assert len({kind.sign for kind in CELL_KINDS.values()}) == 13
    assert len({(kind.family, kind.mark) for kind in CELL_KINDS.values()}) == 13
    assert {kind.family for kind in CELL_KINDS.values()} == set(FAMILIES)


def test_names_are_escaped_and_the_drawing_is_well_formed() -> None:
    drawing = draw_network([np.ones((2, 2))], names=["<b>", "a & b"])
    ET.fromstring(f"<div>{drawing}</div>")
    assert "&lt;b&gt;" in drawing
    large = draw_network([np.ones((784, 512)), np.ones((512, 512)), np.ones((512, 10))])
    assert len(large) < 60_000


def test_weights_of_zero_are_no_obstacle() -> None:
    assert draw_network([np.zeros((3, 2))]).count("<line") == 6 + 2
