from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.pages.markup import element, raw
from chainrule.pages.plots import Axis, line_plot, scatter_plot

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(FINITE, min_size=1, max_size=9))
def test_all_points_lie_inside_the_picture(values: list[float]) -> None:
    plot = line_plot(range(len(values)), [("a", values)], x_label="x", y_label="y")
    (points,) = re.findall(r'points="([^"]*)"', plot)
    for point in points.split():
        x, y = map(float, point.split(","))
        assert 48 <= x <= 388
        assert 12 <= y <= 212


@given(FINITE, st.floats(1e-6, 1e6))
def test_an_axis_has_a_few_round_ticks(low: float, width: float) -> None:
    ticks = Axis(low, low + width, 0, 100).ticks()
    assert 2 <= len(ticks) <= 7
    assert all(low - 1e-6 * width <= each <= low + width * (1 + 1e-6) for each in ticks)


@given(st.floats(1e-9, 1e3), st.floats(1.44, 1e9))
def test_a_logarithmic_axis_has_ticks_inside(low: float, factor: float) -> None:
    ticks = Axis(low, low * factor, 0, 100, logarithmic=True).ticks()
    assert all(low <= each <= low * factor for each in ticks)
    assert ticks or factor < 2.6


@pytest.mark.parametrize("values", [[math.nan, 1.0, 2.0], [math.inf, 1.0, 0.0], [math.nan] * 3])
def test_what_is_not_finite_is_left_out(values: list[float]) -> None:
    plot = line_plot([1, 2, 3], [("a", values)], x_label="x", y_label="y", logarithmic=True)
    (points,) = re.findall(r'points="([^"]*)"', plot)
    assert len(points.split()) == sum(map(math.isfinite, values))


def test_a_title_tells_of_the_numbers_that_are_there() -> None:
    lines = [
        ("truth", [1.0, 2.0, 3.0]),
        ("forecast", [math.nan, 5.0, math.nan]),
        ("no", [math.nan] * 3),
    ]
    plot = line_plot([1, 2, 3], lines, x_label="x", y_label="y")
    assert "<title>y against x: truth from 1 to 3; forecast from 5 to 5</title>" in plot


def test_equal_predictions_can_be_drawn() -> None:
    assert "circle" in scatter_plot(np.ones(3), np.ones(3), x_label="x", y_label="y")


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "a<b", raw("<i>c</i>"), title='"') == (
        '<p title="&quot;">a&lt;b<i>c</i></p>'
    )
