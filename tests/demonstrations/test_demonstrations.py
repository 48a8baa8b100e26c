"""Every network that is built learns something: it beats its baseline on rows it has not seen."""

from __future__ import annotations

import contextlib
import functools
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from chainrule.demonstrations.base import Demonstration, Outcome
from chainrule.demonstrations.catalogue import DEMONSTRATIONS, demonstrations_of
from chainrule.demonstrations.listing import listing
from chainrule.networks.chart import CHART
from chainrule.reports.training_page import training_page
from chainrule.reports.training_table import HEADS, cells, table_head, table_row
from chainrule.training.callbacks import Moment

BUILT = [each for entry in CHART for each in demonstrations_of(entry)]
few_epochs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
each_built = pytest.mark.parametrize("demonstration", BUILT, ids=lambda each: _name(each))


def _name(demonstration: Demonstration) -> str:
    return f"{demonstration.name}: {demonstration.data}"


@functools.cache
def outcome_of(name: str) -> Outcome:
    """Each is trained once for all tests."""
    (demonstration,) = (each for each in BUILT if _name(each) == name)
    return demonstration.run()


def test_every_built_network_has_a_demonstration() -> None:
    without = [entry.code for entry in CHART if entry.estimators and not demonstrations_of(entry)]
    assert not without
    assert len({_name(each) for each in DEMONSTRATIONS}) == len(DEMONSTRATIONS)


def test_demonstrations_stand_in_the_order_of_the_chart() -> None:
    codes = [entry.code for entry in CHART]
    places = [codes.index(each.network) for each in DEMONSTRATIONS]
    assert places == sorted(places)


@each_built
def test_a_network_beats_its_baseline_on_rows_held_out(demonstration: Demonstration) -> None:
    outcome = outcome_of(_name(demonstration))
    assert np.isfinite(outcome.losses).all()
    assert outcome.is_better, (outcome.figure, outcome.baseline)


@few_epochs
@each_built
def test_the_code_that_is_shown_runs(demonstration: Demonstration) -> None:
    code = listing(demonstration)
    assert max(map(len, code.splitlines())) <= 88
    short = re.sub(r"\b(max_iter|n_iter_no_change)=\d+", r"\1=2", code)
    assert np.isfinite(float(_printed(short)))


@few_epochs
@pytest.mark.parametrize("name", ["FF: ring 1 ≤ ‖x‖ ≤ 2", "GRU: sunspots, next year"])
def test_the_code_that_is_shown_is_what_was_run(name: str) -> None:
    outcome = outcome_of(name)
    assert float(_printed(listing(outcome.demonstration))) == outcome.figure


def _printed(code: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return printed.getvalue()


def test_the_seed_decides_everything() -> None:
    (ring, *_) = (each for each in BUILT if each.data.startswith("ring"))
    figures = {ring.run(seed).losses[-1] for seed in (0, 0, 1)}
    assert len(figures) == 2


def test_ctrl_c_ends_a_demonstration_instead_of_measuring_half_of_it() -> None:
    def press(moment: Moment) -> None:
        raise KeyboardInterrupt

    (ring, *_) = (each for each in BUILT if each.data.startswith("ring"))
    with pytest.raises(KeyboardInterrupt):
        ring.run(0, [press])


def test_the_table_stands_in_columns() -> None:
    outcomes = [outcome_of(_name(each)) for each in BUILT]
    lines = [table_head(BUILT), *(table_row(each, BUILT) for each in outcomes)]
    assert max(map(len, lines)) <= 100
    assert len(set(map(len, lines))) == 1
    assert all(len(cells(each)) == len(HEADS) for each in outcomes)


class _Page(HTMLParser):
    """The sections of a page, and whatever it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[str]] = {}
        self.loaded: list[str] = []
        self._code = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "section":
            self._code = found["id"]
            self.sections[self._code] = []
        self.loaded += [
            value
            for name, value in found.items()
            if name in ("src", "href") and not value.startswith(("data:", "#"))
        ]
        if self._code:
            self.sections[self._code].append(f"{tag}.{found.get('class', '')}")


def test_the_page_has_drawing_curve_picture_and_code_for_each_and_loads_nothing() -> None:
    trained = [
        (entry, [outcome_of(_name(each)) for each in demonstrations_of(entry)])
        for entry in CHART
        if entry.estimators
    ]
    missing = [CHART[-1]]
    text = training_page(trained, missing, "1.2.3")
    page = _Page(text)
    assert list(page.sections) == [entry.code for entry, _ in trained]
    for entry, outcomes in trained:
        found = page.sections[entry.code]
        assert found.count("svg.network") == 1
        assert found.count("div.shown") == found.count("pre.") == len(outcomes)
        # The curve, and at least one picture.
        assert found.count("figure.card") >= 2 * len(outcomes)
        pictures = [each for each in found if each in ("svg.map", "svg.plot") or "pixels" in each]
        assert len(pictures) >= len(outcomes)
        assert str(entry.paper).split(":")[0].replace("&", "&amp;") in text
    assert not page.loaded
    assert "url(" not in text
    assert f"Not built yet: {CHART[-1].name}." in text
    assert "1.2.3" in text
