"""Buckets: every row once an epoch, with little padding, and the steps that padding would give."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from chainrule.engines.base import RunReport, TrainingLoop, TrainingStep
from chainrule.engines.registry import get_engine
from chainrule.networks.losses import regression_loss
from chainrule.networks.recurrent import RecurrentNetwork
from chainrule.training.buckets import BucketedLoop, buckets_by_length
from chainrule.training.optimizers import Adam
from chainrule.training.step import Objective, StepRules, initial_state, training_step

Array = np.ndarray[Any, Any]

N_ROWS, BATCH = 50, 8
LENGTHS = np.random.default_rng(0).integers(1, 40, N_ROWS)


# --- the buckets -------------------------------------------------------------------------


@pytest.mark.parametrize("least", [1, 8, 20, 1000])
def test_every_row_is_in_one_bucket(least: int) -> None:
    buckets = buckets_by_length(LENGTHS, least)
    np.testing.assert_array_equal(np.sort(np.concatenate(buckets)), np.arange(N_ROWS))


def test_a_bucket_has_at_least_a_minibatch_of_rows_where_there_are_so_many() -> None:
    for least in (2, 8, 20):
        assert all(len(rows) >= least for rows in buckets_by_length(LENGTHS, least))
    assert len(buckets_by_length(LENGTHS, N_ROWS + 1)) == 1


def test_buckets_go_from_short_to_long() -> None:
    buckets = buckets_by_length(LENGTHS, 4)
    for shorter, longer in pairwise(buckets):
        assert LENGTHS[shorter].max() <= LENGTHS[longer].min()


def test_little_of_a_bucket_is_padding_and_much_of_all_rows_together_would_be() -> None:
    lengths = np.random.default_rng(1).integers(1, 200, 2000)
    buckets = buckets_by_length(lengths, 8)
    padded = sum(len(rows) * lengths[rows].max() for rows in buckets)
    assert lengths.sum() < 0.6 * lengths.max() * len(lengths)
    assert lengths.sum() > 0.85 * padded
    assert len(buckets) < 30


def test_rows_of_one_length_are_one_bucket() -> None:
    (rows,) = buckets_by_length(np.full(9, 5), 2)
    np.testing.assert_array_equal(rows, np.arange(9))


def test_one_row_is_a_bucket() -> None:
    (rows,) = buckets_by_length(np.array([7]), 32)
    np.testing.assert_array_equal(rows, [0])


# --- the loop ----------------------------------------------------------------------------


def step_and_data() -> tuple[TrainingStep, list[Array], list[Array]]:
    """A masked network's training step, its padded rows, and where it starts."""
    network = RecurrentNetwork("gru", 2, 3, 1, 1, masked=True)
    y, losses = network.row_losses(regression_loss("squared_error"))
    objective = Objective(losses, (*network.inputs, y), network.parameters)
    step = training_step(objective, Adam(), StepRules(clip_norm=1.0))
    draw = np.random.default_rng(2)
    mask = (np.arange(LENGTHS.max()) < LENGTHS[:, np.newaxis]).astype(np.float64)
    X = draw.normal(size=(*mask.shape, 2)) * mask[:, :, np.newaxis]
    data = [X, mask, draw.normal(size=(N_ROWS, 1))]
    first = network.initial_parameters(np.random.RandomState(0), np.float64)
    return step, data, initial_state(step, dict(zip(network.parameters, first, strict=True)))


def compiled(
    step: TrainingStep, data: list[Array], state: list[Array], engine: str, n_threads: int = 1
) -> TrainingLoop:
    return get_engine(engine).compile_step(
        step, "float64", data, state, {"learning_rate": 0.01}, 0, n_threads, BATCH
    )


def bucketed(engine: str = "reference", n_threads: int = 1) -> BucketedLoop:
    step, data, state = step_and_data()
    buckets = buckets_by_length(LENGTHS, BATCH)
    assert len(buckets) > 2
    loops = []
    for rows in buckets:
        X, mask, y = (each[rows] for each in data)
        longest = LENGTHS[rows].max()
        part = [np.ascontiguousarray(X[:, :longest]), np.ascontiguousarray(mask[:, :longest]), y]
        loops.append(compiled(step, part, state, engine, n_threads))
    return BucketedLoop(loops, buckets, data)


def orders(n: int) -> list[Array]:
    draw = np.random.default_rng(3)
    return [draw.permutation(N_ROWS) for _ in range(n)]


def run_epoch(loop: TrainingLoop, order: Array | None) -> RunReport:
    return loop.run(order, BATCH, 0, loop.count_minibatches(order, BATCH))


@pytest.mark.parametrize("order", [None, *orders(2), orders(1)[0][:17]])
def test_every_row_of_the_order_is_visited_once_an_epoch(order: Array | None) -> None:
    loop = bucketed()
    visited = [
        loop.rows_of_minibatch(order, BATCH, index)
        for index in range(loop.count_minibatches(order, BATCH))
    ]
    expected = np.arange(N_ROWS) if order is None else np.sort(order)
    np.testing.assert_array_equal(np.sort(np.concatenate(visited)), expected)
    assert run_epoch(loop, order).rows == len(expected)


def test_rows_of_a_minibatch_are_of_one_bucket_and_at_most_a_batch() -> None:
    loop, (order,) = bucketed(), orders(1)
    buckets = [set(rows.tolist()) for rows in buckets_by_length(LENGTHS, BATCH)]
    for index in range(loop.count_minibatches(order, BATCH)):
        rows = set(loop.rows_of_minibatch(order, BATCH, index).tolist())
        assert 0 < len(rows) <= BATCH
        assert any(rows <= bucket for bucket in buckets)


@pytest.mark.parametrize("engine, n_threads", [("reference", 1), ("native", 1), ("native", 2)])
def test_steps_are_those_of_the_same_minibatches_with_all_of_the_padding(
    engine: str, n_threads: int
) -> None:
    loop = bucketed(engine, n_threads)
    step, data, state = step_and_data()
    padded = compiled(step, data, state, "reference")
    for order in orders(2):
        report = run_epoch(loop, order)
        loss_sum = 0.0
        for index in range(loop.count_minibatches(order, BATCH)):
            rows = loop.rows_of_minibatch(order, BATCH, index)
            loss_sum = padded.run(rows, len(rows), 0, 1, loss_sum).loss_sum
        assert report.loss_sum == pytest.approx(loss_sum, rel=1e-9)
    assert loop.steps_done == padded.steps_done
    for ours, theirs in zip(loop.state, padded.state, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_same_order_gives_the_same_bits_and_another_order_other_ones() -> None:
    first, again, other = bucketed(), bucketed(), bucketed()
    one, two = orders(2)
    for loop, order in ((first, one), (again, one.copy()), (other, two)):
        run_epoch(loop, order)
    for a, b in zip(first.state, again.state, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first.state, other.state, strict=True))


def test_an_epoch_in_several_calls_is_the_epoch_in_one() -> None:
    whole, parts = bucketed("native"), bucketed("native")
    (order,) = orders(1)
    expected = run_epoch(whole, order)
    n_steps, loss_sum, rows = parts.count_minibatches(order, BATCH), 0.0, 0
    for start in range(0, n_steps, 3):
        report = parts.run(order, BATCH, start, min(start + 3, n_steps), loss_sum)
        loss_sum, rows = report.loss_sum, rows + report.rows
    assert (loss_sum, rows) == (expected.loss_sum, expected.rows)
    for a, b in zip(whole.state, parts.state, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_that_is_not_finite_is_reported_at_its_minibatch() -> None:
    loop, (order,) = bucketed(), orders(1)
    bad = order[-1]
    for number, rows in enumerate(buckets_by_length(LENGTHS, BATCH)):
        if bad in rows:
            loop.loops[number].data[2][np.flatnonzero(rows == bad)] = np.nan
    report = run_epoch(loop, order)
    assert report.failed_step is not None
    assert bad in loop.rows_of_minibatch(order, BATCH, report.failed_step)
