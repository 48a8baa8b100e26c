"""The chart: complete, honest, and drawn so that every cell and every line can be seen."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import chainrule as cr
from chainrule.networks.chart import CHART, ChartEntry
from chainrule.networks.pictures import COLUMN
from chainrule.pages.cells import CELL_KINDS
from chainrule.reports.chart_drawing import RADIUS, chart_svg, draw_entry, entry_svg

each_entry = pytest.mark.parametrize("entry", CHART, ids=lambda entry: entry.code)

FIRST_ELEVEN = {
    "P": "2 input → 1 output",
    "FF": "2 input → 2 hidden → 1 output",
    "RBF": "2 input → 2 hidden → 1 output",
    "DFF": "3 input → 4 hidden → 4 hidden → 2 output",
    "RNN": "3 input → 3 recurrent → 3 recurrent → 3 output",
    "LSTM": "3 input → 3 memory → 3 memory → 3 output",
    "GRU": "3 input → 3 different memory → 3 different memory → 3 output",
    "AE": "4 input → 2 hidden → 4 match input output",
    "VAE": "4 input → 4 probabilistic hidden → 4 match input output",
    "DAE": "4 noisy input → 4 hidden → 4 match input output",
    "SAE": "2 input → 4 hidden → 2 match input output",
}


def test_the_chart_has_27_networks_of_different_codes_and_names() -> None:
    assert len(CHART) == 27
    assert len({entry.code.lower() for entry in CHART}) == 27
    assert len({entry.name.lower() for entry in CHART}) == 27


def test_the_chart_uses_every_kind_of_cell_and_no_other() -> None:
    assert {kind for entry in CHART for kind in entry.kinds} == set(CELL_KINDS)


@each_entry
def test_every_network_has_a_paper(entry: ChartEntry) -> None:
    assert all(entry.paper.authors)
    assert entry.paper.title
    assert entry.paper.place
    assert 1900 < entry.paper.year < 2017
    assert str(entry.paper.year) in str(entry.paper)
    assert entry.paper.title in str(entry.paper)


def test_named_estimators_exist_and_every_estimator_is_on_the_chart() -> None:
    named = {name for entry in CHART for name in entry.estimators}
    assert named <= set(cr.__all__)
    # The neighbours of the perceptron are not on the chart, and a list of layers may be anything.
    public = {name for name in cr.__all__ if hasattr(getattr(cr, name), "fit")}
    lists = {"NetworkClassifier", "NetworkRegressor"}
    assert public - named == {"Adaline", "LinearRegression", "LogisticRegression", *lists}


@pytest.mark.parametrize(("code", "layers"), FIRST_ELEVEN.items())
def test_the_first_eleven_have_the_cells_of_the_chart(code: str, layers: str) -> None:
    (entry,) = (entry for entry in CHART if entry.code == code)
    assert layers in draw_entry(entry)


@each_entry
def test_a_picture_has_the_cells_of_its_layers_and_no_cell_alone(entry: ChartEntry) -> None:
    picture = entry.picture
    assert sorted(cell.kind for cell in picture.cells) == sorted(
        kind for layer in entry.layers for kind in layer
    )
    joined = {end for link in picture.links for end in (link.source, link.target)}
    assert joined == set(range(len(picture.cells)))
    assert len({(link.source, link.target) for link in picture.links}) == len(picture.links)


@each_entry
def test_no_two_cells_overlap(entry: ChartEntry) -> None:
    for a, b in itertools.combinations(entry.picture.cells, 2):
        assert np.hypot(a.x - b.x, a.y - b.y) > 2.5 * RADIUS


@each_entry
def test_no_line_passes_behind_a_cell_that_it_does_not_join(entry: ChartEntry) -> None:
    cells = entry.picture.cells
    along = np.linspace(0.0, 1.0, 101)
    for link in entry.picture.links:
        source, target = cells[link.source], cells[link.target]
        x = source.x + along * (target.x - source.x)
        y = source.y + along * (target.y - source.y) - 4 * link.rise * along * (1 - along)
        for number, cell in enumerate(cells):
            if number not in (link.source, link.target):
                assert np.hypot(x - cell.x, y - cell.y).min() > RADIUS


def test_a_chain_of_layers_is_joined_completely_and_loops_are_those_of_memory() -> None:
    (lstm,) = (entry for entry in CHART if entry.code == "LSTM")
    assert len(lstm.picture.links) == 3 * 9
    assert lstm.picture.loops == tuple(range(3, 9))
    assert {cell.x for cell in lstm.picture.cells} == {COLUMN * column for column in range(4)}
    (hopfield,) = (entry for entry in CHART if entry.code == "HN")
    assert len(hopfield.picture.links) == 8 * 7 / 2


def test_the_drawings_are_well_formed_and_stand_alone() -> None:
    whole = chart_svg()
    ET.fromstring(whole.encode())
    for entry in CHART:
        assert f">{entry.code}<" in whole
        alone = entry_svg(entry)
        ET.fromstring(alone.encode())
        for kind in entry.kinds:
            assert f">{CELL_KINDS[kind].label}<" in alone
    for kind in CELL_KINDS.values():
        assert f">{kind.label}<" in whole
    assert whole.count("not built yet") == sum(not entry.estimators for entry in CHART)
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in whole
