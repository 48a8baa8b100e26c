"""The reference loop takes minibatches in order and stops before an update that would be bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.engines.base import TrainingLoop, TrainingStep, minibatch_bounds
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import Node, constant, variable
from tests.helpers.training_steps import N_ROWS, TRAINING_CASES, TrainingCase, train

X, w = variable("X", ("rows", 2)), variable("w", (2,))
seen, rate = variable("seen"), variable("rate")
DATA = np.arange(20.0).reshape(10, 2)


def step(**fields: Any) -> TrainingStep:
    """Adds up the sums of the minibatches, and how many rows were seen."""
    whole: dict[str, Any] = {
        "minibatch": (X,),
        "state": (w, seen),
        "updates": (w + rate * fn.sum(X, 0), seen + fn.size(X.shape[0])),
        "settings": (rate,),
        "loss": fn.mean(X) + fn.sum(w) * 0.0,
    }
    return TrainingStep(**{**whole, **fields})


def loop(of: TrainingStep | None = None, data: Any = None, **changes: Any) -> TrainingLoop:
    arguments: dict[str, Any] = {
        "data": [DATA] if data is None else data,
        "state": [np.zeros(2), np.zeros(())],
        "settings": {"rate": 1.0},
        **changes,
    }
    return ReferenceEngine().compile_step(of or step(), "float64", **arguments)


# --- minibatches -------------------------------------------------------------------------


def test_the_last_minibatch_may_be_smaller() -> None:
    assert [minibatch_bounds(k, 4, 10) for k in range(3)] == [(0, 4), (4, 8), (8, 10)]
    assert minibatch_bounds(0, 100, 10) == (0, 10)


@pytest.mark.parametrize("index", [-1, 3, 10])
def test_there_is_no_minibatch_beyond_the_rows(index: int) -> None:
    with pytest.raises(ShapeError, match=f"10 rows have no minibatch {index} of 4 rows"):
        minibatch_bounds(index, 4, 10)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 5, 10, 99])
@pytest.mark.parametrize("shuffled", [False, True])
def test_an_epoch_sees_every_row_once(batch_size: int, shuffled: bool) -> None:
    order = np.random.default_rng(0).permutation(10) if shuffled else None
    running = loop()
    number = -(-10 // batch_size)
    report = running.run(order, batch_size, 0, number)
    np.testing.assert_array_equal(running.state[0], DATA.sum(axis=0))
    assert running.state[1] == report.rows == 10
    assert (report.steps, report.failed_step) == (number, None)
    # Σ of loss times rows: the ragged minibatch counts by its rows.
    assert report.loss_sum == pytest.approx(DATA.mean() * 10)


def test_rows_are_visited_in_the_order_given() -> None:
    last = variable("last", (2,))
    keeps_last = step(
        state=(last,),
        updates=(fn.reshape(fn.slice_axes(X, [(-1, None), None]), (2,)),),
        settings=(),
        loss=fn.mean(X),
    )
    order = np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    running = loop(keeps_last, state=[np.zeros(2)], settings={})
    for index, expected in [(0, 4), (1, 9), (2, 8), (3, 7)]:
        running.run(order, 3, index, index + 1)
        np.testing.assert_array_equal(running.state[0], DATA[expected])


def test_a_shorter_order_is_a_shorter_epoch_only_up_to_its_rows() -> None:
    running = loop()
    report = running.run(np.array([2, 5, 7, 1]), 2, 0, 2)
    assert report.rows == 4
    np.testing.assert_array_equal(running.state[0], DATA[[2, 5, 7, 1]].sum(axis=0))


def test_an_epoch_may_be_run_in_pieces() -> None:
    case = TRAINING_CASES["mlp with dropout"]
    whole, pieces = case.loop("reference"), case.loop("reference")
    order = np.random.default_rng(0).permutation(N_ROWS)
    whole.run(order, 8, 0, 5)
    for first, last in [(0, 1), (1, 4), (4, 5)]:
        pieces.run(order, 8, first, last)
    for one, other in zip(whole.state, pieces.state, strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.steps_done == pieces.steps_done == 5


# --- state -------------------------------------------------------------------------------


def test_the_state_is_updated_in_place_and_the_data_is_not() -> None:
    state = [np.zeros(2), np.zeros(())]
    data = DATA.copy()
    running = loop(state=state, data=[data])
    running.run(None, 4, 0, 3)
    np.testing.assert_array_equal(state[0], DATA.sum(axis=0))
    np.testing.assert_array_equal(data, DATA)


def test_updates_all_read_the_state_before_the_step() -> None:
    a, b = variable("a", (2,)), variable("b", (2,))
    swap = step(state=(a, b), updates=(b, a + 0.0), settings=(), loss=fn.mean(X))
    running = loop(swap, state=[np.array([1.0, 2.0]), np.array([3.0, 4.0])], settings={})
    running.run(None, 10, 0, 1)
    np.testing.assert_array_equal(running.state, [[3.0, 4.0], [1.0, 2.0]])
    shift = step(state=(a, b), updates=(a + 1.0, a), settings=(), loss=fn.mean(X))
    running = loop(shift, state=[np.zeros(2), np.zeros(2)], settings={})
    running.run(None, 5, 0, 2)
    np.testing.assert_array_equal(running.state, [[2.0, 2.0], [1.0, 1.0]])


def test_settings_are_read_at_each_run() -> None:
    running = loop()
    running.run(None, 10, 0, 1)
    running.settings["rate"] = -1.0
    running.run(None, 10, 0, 1)
    np.testing.assert_array_equal(running.state[0], [0.0, 0.0])


def test_each_step_draws_anew_and_each_seed_its_own() -> None:
    drawn = variable("drawn", (3,))
    draws = step(state=(drawn,), updates=(fn.uniform((3,), 0),), settings=(), loss=fn.mean(X))
    values = set()
    for seed in (0, 1):
        running = loop(draws, state=[np.zeros(3)], settings={}, seed=seed)
        for index in range(3):
            running.run(None, 4, index, index + 1)
            values.add(running.state[0].tobytes())
    assert len(values) == 6


# --- a loss that is not finite -----------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_loss_leaves_the_state_as_it_was_before_that_step(bad: float) -> None:
    data = DATA.copy()
    data[5, 0] = bad  # in the second minibatch of 4
    running = loop(data=[data])
    report = running.run(None, 4, 0, 3)
    assert (report.steps, report.rows, report.failed_step) == (1, 4, 1)
    np.testing.assert_array_equal(running.state[0], DATA[:4].sum(axis=0))
    assert running.state[1] == 4
    assert running.steps_done == 1
    assert report.loss_sum == pytest.approx(4 * DATA[:4].mean())


def test_the_step_that_failed_is_counted_from_the_start_of_the_epoch() -> None:
    data = DATA.copy()
    data[-1] = np.nan
    running = loop(data=[data])
    running.run(None, 4, 0, 1)
    report = running.run(None, 4, 1, 3)
    assert (report.steps, report.failed_step) == (1, 2)


def test_a_bad_update_with_a_good_loss_is_made_and_stops_the_next_step() -> None:
    running = loop(step(updates=(w + fn.log(rate - 1.0), seen)))
    report = running.run(None, 4, 0, 3)
    assert (report.steps, report.failed_step) == (1, 1)


def test_training_lowers_the_loss_and_repeats_to_the_bit() -> None:
    for case in TRAINING_CASES.values():
        first, second = case.loop("reference"), case.loop("reference")
        losses = train(first)
        assert losses[-1] < losses[0]
        assert train(second) == losses
        for one, other in zip(first.state, second.state, strict=True):
            np.testing.assert_array_equal(one, other)


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"data": [DATA, DATA]}, "has 3 inputs, but 4 values"),
        ({"data": [np.ones((4, 3))]}, r"'X' needs shape \(rows, 2\)"),
        ({"state": [np.zeros(3), np.zeros(())]}, r"'w' needs shape \(2,\)"),
        ({"state": [np.zeros(2)]}, "has 3 inputs, but 2 values"),
        ({"settings": {}}, "needs a value for the setting 'rate'"),
    ],
)
def test_data_state_and_settings_must_fit_the_step(changes: Any, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        loop(**changes)


def test_all_data_must_have_as_many_rows() -> None:
    y = variable("y", ("rows",))
    two = step(minibatch=(X, y), loss=fn.mean(X) + fn.mean(y))
    loop(two, data=[DATA, np.zeros(10)]).run(None, 4, 0, 3)
    with pytest.raises(ShapeError, match=r"'y' needs shape \(rows,\) with rows = 10, but \(12,"):
        loop(two, data=[DATA, np.zeros(12)])


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"loss": X}, "The loss must be a single number"),
        ({"loss": constant(True)}, "The loss must be a single number"),
        ({"updates": (fn.sum(w), seen)}, r"cannot be updated with float\(\)"),
        ({"updates": (w, seen < 1.0)}, r"cannot be updated with bool\(\)"),
        ({"settings": ()}, "The variable 'rate' is not among the inputs"),
        ({"minibatch": (X, variable("z", (2, "rows")))}, "needs 'rows' as its first axis"),
        ({"minibatch": (X, variable("z"))}, "needs 'rows' as its first axis"),
    ],
)
def test_steps_that_are_not_well_formed_are_refused(fields: Any, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        step(**fields).check()


def test_every_update_has_a_state_to_go_to() -> None:
    fewer: tuple[Node, ...] = (w,)
    with pytest.raises(GraphError, match="2 state variables, but 1 updates"):
        step(updates=fewer).check()


def test_a_case_starts_each_loop_anew() -> None:
    case: TrainingCase = TRAINING_CASES["recurrent"]
    before = [each.copy() for each in case.state]
    train(case.loop("reference"))
    for one, other in zip(before, case.state, strict=True):
        np.testing.assert_array_equal(one, other)
