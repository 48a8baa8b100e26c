"""Windows: every step in one of them, and each goes on where the one before it ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.estimators.rows import Rows
from chainrule.estimators.sequences import read_sequences
from chainrule.estimators.windows import Windows

Array = np.ndarray[Any, Any]

LENGTHS = (7, 3, 4, 1)
SERIES = [100.0 * k + np.arange(length)[:, np.newaxis] for k, length in enumerate(LENGTHS)]


def rows(weight: Array | None = None) -> Rows:
    read = read_sequences(SERIES)
    return Rows((read.values, read.mask), (read.values + 0.5,), weight)


def counted(X: Array, *start: Array) -> list[Array]:
    """A state for tests: the sum of all values so far, and the last value."""
    return [start[0] + X.sum(axis=1), np.broadcast_to(X[:, -1], start[1].shape)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 50])
def test_every_step_is_in_one_window_in_the_order_of_time(size: int) -> None:
    windows = Windows(np.array(LENGTHS), size)
    cut = windows.cut(rows(), 2, 1)
    X, mask, *_ = cut.inputs
    assert X.shape[1] == size
    for number, series in enumerate(SERIES):
        own = windows.series == number
        np.testing.assert_array_equal(windows.place[own], np.arange(own.sum()))
        np.testing.assert_array_equal(X[own][mask[own] > 0], series)
        np.testing.assert_array_equal(cut.targets[0][own][mask[own] > 0], series + 0.5)


def test_only_the_last_window_of_a_series_is_padded() -> None:
    windows = Windows(np.array(LENGTHS), 3)
    mask = windows.cut(rows(), 1, 1).inputs[1]
    last = np.append(np.diff(windows.series) > 0, True)
    assert (mask[~last] == 1).all()
    assert (mask[last].sum(axis=1) == [1, 3, 1, 1]).all()


def test_each_window_starts_from_the_state_at_the_end_of_the_one_before() -> None:
    windows = Windows(np.array(LENGTHS), 2)
    cut = windows.cut(rows(), 2, 1)
    windows.carry(cut, counted)
    sums, last = cut.inputs[2:]
    for number, (series, place) in enumerate(zip(windows.series, windows.place, strict=True)):
        before = SERIES[series][: 2 * place]
        assert sums[number] == before.sum()
        assert last[number] == (before[-1, 0] if place else 0.0)


def test_states_are_carried_anew_in_place_and_windows_that_start_a_series_from_zeros() -> None:
    windows = Windows(np.array(LENGTHS), 2)
    cut = windows.cut(rows(), 2, 1)
    start = cut.inputs[2]
    for _ in range(2):  # what the first time left behind does not count
        windows.carry(cut, counted)
        assert cut.inputs[2] is start
        assert not start[windows.place == 0].any()
        assert start[1] == SERIES[0][:2].sum()


def test_a_window_has_the_weight_of_its_series_and_of_its_steps() -> None:
    windows = Windows(np.array(LENGTHS), 3)
    cut = windows.cut(rows(np.array([1.0, 2.0, 3.0, 4.0])), 1, 1)
    steps = cut.inputs[1].sum(axis=1)
    assert (steps < 3).any()
    np.testing.assert_allclose(cut.weight, (windows.series + 1.0) * steps / 3)
    whole = Windows(np.array([6, 3]), 3)
    assert (
        whole.cut(
            Rows((np.ones((2, 6, 1)), np.array([[1.0] * 6, [1.0] * 3 + [0.0] * 3]))), 1, 1
        ).weight
        is None
    )
