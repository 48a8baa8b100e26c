"""Sequences are read from whatever form they have, and refused with the place of the fault."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from chainrule.estimators.sequences import read_sequences, unpadded

DRAW = np.random.default_rng(0)
LISTED = [DRAW.normal(size=(steps, 2)) for steps in (3, 1, 4)]


def test_an_array_of_three_axes_is_read_as_it_is() -> None:
    X = DRAW.normal(size=(5, 4, 2))
    read = read_sequences(X)
    assert read.values is X or np.shares_memory(read.values, X)
    np.testing.assert_array_equal(read.lengths, [4] * 5)
    assert (len(read), read.listed, not read.mask.all()) == (5, False, False)


@pytest.mark.parametrize("X", [[[1.0, 2.0], [3.0, 4.0]], np.array([[1, 2], [3, 4]])])
def test_an_array_of_two_axes_holds_univariate_sequences(X: Any) -> None:
    read = read_sequences(X)
    np.testing.assert_array_equal(read.values, [[[1.0], [2.0]], [[3.0], [4.0]]])
    assert read.values.dtype == np.float64


@pytest.mark.parametrize("form", [list, tuple, lambda each: np.array(each, dtype=object)])
def test_sequences_of_several_lengths_stand_side_by_side_with_zeros_after_their_ends(
    form: Any,
) -> None:
    read = read_sequences(form(LISTED))
    assert read.values.shape == (3, 4, 2)
    assert (read.listed, not read.mask.all()) == (True, True)
    np.testing.assert_array_equal(read.lengths, [3, 1, 4])
    np.testing.assert_array_equal(read.mask.sum(axis=1), read.lengths)
    for given, row, mask in zip(LISTED, read.values, read.mask, strict=True):
        np.testing.assert_array_equal(row[: len(given)], given)
        assert not row[len(given) :].any()
        np.testing.assert_array_equal(mask, np.arange(4) < len(given))


def test_what_is_unpadded_is_what_was_given() -> None:
    read = read_sequences(LISTED)
    for ours, given in zip(unpadded(read.values, read.lengths), LISTED, strict=True):
        np.testing.assert_array_equal(ours, given)


def test_lists_of_numbers_of_several_lengths_are_univariate_sequences() -> None:
    read = read_sequences([[1, 2, 3], [4]])
    np.testing.assert_array_equal(read.values[:, :, 0], [[1, 2, 3], [4, 0, 0]])


def test_a_list_of_sequences_of_one_length_is_still_a_list() -> None:
    read = read_sequences([each[:1] for each in LISTED])
    assert (read.listed, not read.mask.all(), read.values.shape) == (True, False, (3, 1, 2))


@pytest.mark.parametrize(
    "dtypes, expected",
    [((np.float32, np.float32), np.float32), ((np.float32, np.float64), np.float64)],
)
def test_single_precision_is_kept_where_all_have_it(dtypes: Any, expected: Any) -> None:
    listed = [np.ones((2, 1), dtype) for dtype in dtypes]
    assert read_sequences(listed).values.dtype == expected
    assert read_sequences(listed).mask.dtype == expected
    assert read_sequences(np.ones((2, 2, 1), dtypes[0])).values.dtype == dtypes[0]


def test_the_precision_that_is_asked_for_wins() -> None:
    assert read_sequences(LISTED, np.float32).values.dtype == np.float32


BROKEN = np.ones((2, 3, 2))
BROKEN[1, 2, 0] = np.nan


@pytest.mark.parametrize(
    "X, message",
    [
        (BROKEN, "X contains NaN at sequence 1, step 2, feature 0"),
        (list(BROKEN), "X[1] contains NaN at step 2, feature 0"),
        ([LISTED[0], np.full((2, 2), np.inf)], "X[1] contains infinity at step 0, feature 0"),
        ([LISTED[0], np.ones((2, 3))], "X[1] has 3 and X[0] has 2"),
        ([LISTED[0], np.ones((0, 2))], "X[1] has no time steps"),
        (np.ones((2, 0, 3)), "X has no time steps"),
        ([LISTED[0], np.ones((2, 2, 2))], "X[1] must be one sequence"),
        (np.ones(4), "a single univariate series is X.reshape(1, -1, 1)"),
        (np.ones((2, 2), complex), "Complex data not supported"),
        ([np.array(["a", "b"]), np.array(["c"])], "X[0] must hold numbers"),
    ],
)
def test_what_is_no_sequence_is_refused_with_its_place(X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_sequences(X)
