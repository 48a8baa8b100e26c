"""The chart as text and as pages: complete, self-contained, plain where no colour is asked for."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from chainrule.networks.chart import CHART, ChartEntry
from chainrule.networks.equations import EQUATIONS, equations_of, lines_of
from chainrule.pages.cells import CELL_KINDS
from chainrule.reports.chart_page import chart_page, entry_page
from chainrule.reports.chart_text import chart_text, entry_text, picture_text

each_entry = pytest.mark.parametrize("entry", CHART, ids=lambda entry: entry.code)

ESCAPES = re.compile(r"\x1b\[[\d;]*m")


@each_entry
def test_a_picture_in_text_shows_every_cell(entry: ChartEntry) -> None:
    drawn = picture_text(entry.picture)
    for kind in entry.kinds:
        n_cells = sum(layer.count(kind) for layer in entry.layers)
        assert drawn.count(CELL_KINDS[kind].sign) == n_cells
    assert max(map(len, drawn.split("\n"))) <= 40


@each_entry
def test_colour_changes_no_sign(entry: ChartEntry) -> None:
    plain = entry_text(entry)
    assert "\x1b" not in plain
    assert ESCAPES.sub("", entry_text(entry, color=True)) == plain
    assert max(map(len, plain.split("\n"))) <= 88


def test_the_list_names_every_network_and_what_every_sign_means() -> None:
    plain = chart_text()
    assert ESCAPES.sub("", chart_text(color=True)) == plain
    for entry in CHART:
        assert re.search(rf"^{entry.code} +{entry.name} ", plain, re.MULTILINE)
    for kind in CELL_KINDS.values():
        assert f"{kind.sign} {kind.label}" in plain


@each_entry
def test_a_page_has_picture_paper_and_an_equation_for_each_line_of_the_graph(
    entry: ChartEntry,
) -> None:
    written = entry_page(entry)
    ET.fromstring(re.sub(r"<!DOCTYPE html>|<meta [^>]*>", "", written))
    assert entry.paper.title in written
    assert ("not built yet" in written) == (not entry.estimators)
    n_lines = sum(len(lines_of(each)) for each in equations_of(entry.code))
    assert written.count("<tr>") == n_lines
    assert bool(n_lines) == (entry.code in EQUATIONS)
    assert "http" not in written


def test_the_page_of_the_chart_shows_all_networks_and_kinds_of_cells() -> None:
    written = chart_page()
    ET.fromstring(re.sub(r"<!DOCTYPE html>|<meta [^>]*>", "", written))
    for entry in CHART:
        assert f">{entry.name}<span>{entry.code}</span>" in written
    for kind in CELL_KINDS.values():
        assert f"</svg> {kind.label}<" in written
    assert "http" not in written
