"""Streams as minibatches: every row once an epoch, in order or mixed, however they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.engines.base import TrainingLoop
from chainrule.engines.registry import get_engine
from chainrule.errors import DataError
from chainrule.graph.node import variable
from chainrule.training.optimizers import SGD
from chainrule.training.step import Objective, initial_state, training_step
from chainrule.training.stream_rows import StreamLoop

Array = np.ndarray[Any, Any]

x, w = variable("x", ("rows",)), variable("w", (1,))
STEP = training_step(Objective(fn.square(x) * fn.sum(w), (x,), (w,)), SGD(0.0))


def loop_of(pieces: list[Array], batch_size: int, capacity: int, seed: int | None) -> StreamLoop:
    def read() -> Iterator[list[Array]]:
        return iter([[piece] for piece in pieces])

    return StreamLoop(
        bound(np.zeros(capacity), batch_size),
        read,
        None if seed is None else np.random.RandomState(seed),
    )


def bound(data: Array, batch_size: int) -> TrainingLoop:
    state = initial_state(STEP, {w: np.ones(1)})
    settings = {"learning_rate": 0.0}
    return get_engine("reference").compile_step(
        STEP, "float64", [data], state, settings, batch_size=batch_size
    )


def minibatches(loop: StreamLoop, batch_size: int) -> list[Array]:
    """The rows of each minibatch of an epoch."""
    found: list[Array] = []
    while not found or len(found) < loop.count_minibatches(None, batch_size):
        index = len(found)
        if not loop.run(None, batch_size, index, index + 1).steps:
            break
        found.append(loop.values_of_minibatch(None, batch_size, index)[0])
        numbers = loop.rows_of_minibatch(None, batch_size, index)
        np.testing.assert_array_equal(found[-1], numbers + 1.0)
    return found


CUTS = st.lists(st.integers(0, 12), min_size=1, max_size=12).filter(any)


@given(CUTS, st.integers(1, 6), st.integers(1, 5))
def test_without_a_random_state_minibatches_are_those_of_all_rows(
    cuts: list[int], batch_size: int, fitting: int
) -> None:
    rows = np.arange(1.0, sum(cuts) + 1)
    pieces = np.split(rows, np.cumsum(cuts)[:-1])
    loop = loop_of(pieces, batch_size, fitting * batch_size, None)
    for _ in range(2):
        found = minibatches(loop, batch_size)
        wanted = np.split(rows, range(batch_size, len(rows), batch_size))
        assert [each.tolist() for each in found] == [each.tolist() for each in wanted]
        assert loop.n_rows == len(rows)


@given(CUTS, st.integers(1, 6), st.integers(1, 5), st.integers(0, 100))
def test_with_one_every_row_comes_once_an_epoch_and_minibatches_are_full(
    cuts: list[int], batch_size: int, fitting: int, seed: int
) -> None:
    rows = np.arange(1.0, sum(cuts) + 1)
    pieces = np.split(rows, np.cumsum(cuts)[:-1])
    loop = loop_of(pieces, batch_size, fitting * batch_size, seed)
    for _ in range(2):
        found = minibatches(loop, batch_size)
        assert sorted(np.concatenate(found).tolist()) == rows.tolist()
        assert [len(each) for each in found[:-1]] == [batch_size] * (len(found) - 1)


def test_orders_depend_on_the_seed_and_differ_between_epochs() -> None:
    pieces = [np.arange(1.0, 101.0)]
    loops = [loop_of(pieces, 5, 40, seed) for seed in (0, 0, 1)]
    first, same, other = ([minibatches(loop, 5) for _ in range(2)] for loop in loops)
    flat = [[np.concatenate(epoch).tolist() for epoch in each] for each in (first, same, other)]
    assert flat[0] == flat[1]
    assert flat[0][0] != flat[0][1]
    assert flat[0] != flat[2]


def test_a_row_may_wait_longer_than_a_buffer_is_long() -> None:
    loop = loop_of([np.arange(1.0, 1001.0)], 10, 100, 0)
    order = np.concatenate(minibatches(loop, 10))
    delay = np.arange(1, 1001) - order
    assert delay.max() > 100
    assert delay.min() > -100  # but none comes before it is read


def test_steps_are_counted_as_they_become_known() -> None:
    loop = loop_of([np.arange(1.0, 51.0)], 10, 20, None)
    assert loop.count_minibatches(None, 10) == 1
    loop.run(None, 10, 0, 1)
    assert loop.count_minibatches(None, 10) == 3
    minibatches(loop, 10)
    assert loop.count_minibatches(None, 10) == 5


def test_an_epoch_may_be_shorter_than_expected() -> None:
    lengths = iter([50, 30])

    def read() -> Iterator[list[Array]]:
        return iter([[np.arange(1.0, next(lengths) + 1.0)]])

    loop = StreamLoop(bound(np.zeros(20), 10), read, None, expected=100)
    assert loop.count_minibatches(None, 10) == 10
    assert loop.run(None, 10, 0, 10).steps == 5
    assert loop.count_minibatches(None, 10) == 5
    assert loop.run(None, 10, 0, 5).steps == 3
    assert loop.n_rows == 30


def test_an_epoch_without_rows_says_so() -> None:
    source = iter([[np.ones(4)]])
    loop = StreamLoop(bound(np.zeros(4), 2), lambda: source, None)
    assert [loop.run(None, 2, step, step + 1).steps for step in (0, 1)] == [1, 1]
    with pytest.raises(DataError, match="no rows in this epoch"):
        loop.run(None, 2, 0, 2)
