"""L-BFGS over compiled sums: blocks, threads, and how it ends."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.engines.registry import get_engine
from chainrule.training.lbfgs import Sums, minimise
from chainrule.training.step import Objective

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * RNG.normal(size=50)
ALPHA = 2.0
SOLUTION = np.linalg.solve(X.T @ X + ALPHA * np.eye(3), X.T @ Y)


def ridge(block=50, n_threads=1, share=1.0):
    x, y, w = cr.variable("x", ("rows", 3)), cr.variable("y", ("rows",)), cr.variable("w", (3,))
    losses = 0.5 * cr.square(cr.sum(x * w, 1) - y)
    objective = Objective(losses, (x, y), (w,), None, (w,))
    function = get_engine("reference").compile(objective.sums_and_gradients(), "float64")
    return Sums(function, [X, Y], [np.zeros(3)], ALPHA, share, 50.0, block, n_threads)


def test_it_finds_the_minimum():
    sums = ridge()
    history = minimise(sums, max_iter=100, max_fun=1000, tol=1e-10)
    (w,) = sums.parameters
    np.testing.assert_allclose(w, SOLUTION, rtol=1e-6)
    loss = 0.5 * ((X @ w - Y) ** 2).sum() + 0.5 * ALPHA * (w**2).sum()
    np.testing.assert_allclose(sums.reported, loss / 50)
    assert history["loss"][-1] == sums.reported
    assert history["epoch"] == list(range(1, len(history["epoch"]) + 1))


@pytest.mark.parametrize("block, n_threads", [(7, 1), (7, 2), (50, 2), (20, 3)])
def test_blocks_and_threads_change_nothing_but_rounding(block, n_threads):
    at = np.array([0.3, -0.1, 2.0])
    value, slope = ridge()(at)
    value_of_blocks, slope_of_blocks = ridge(block, n_threads)(at)
    np.testing.assert_allclose(value_of_blocks, value, rtol=1e-14)
    np.testing.assert_allclose(slope_of_blocks, slope, rtol=1e-13)


def test_a_share_changes_what_is_reported_only():
    half, whole = ridge(share=0.5), ridge()
    at = np.ones(3)
    assert half(at)[0] == whole(at)[0]
    penalty = 0.5 * ALPHA * 3 / 50
    np.testing.assert_allclose(half.reported - penalty, (whole.reported - penalty) / 2)


def test_single_precision_stays_single():
    sums = ridge()
    sums.parameters = [np.zeros(3, np.float32)]
    minimise(sums, max_iter=100, max_fun=1000, tol=1e-6)
    (w,) = sums.parameters
    assert w.dtype == np.float32
    np.testing.assert_allclose(w, SOLUTION, rtol=1e-4)


def test_too_few_iterations_warn():
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 1 iteration"):
        minimise(ridge(), max_iter=1, max_fun=1000, tol=1e-12)


def test_a_callback_ends_it_without_a_warning():
    moments = []

    def stop(moment):
        moments.append(moment)
        return moment.epoch == 2

    history = minimise(ridge(), 100, 1000, 1e-12, callbacks=[stop])
    assert [each.epoch for each in moments] == [1, 2]
    assert len(history["loss"]) == 2


def test_ctrl_c_leaves_the_latest_iteration():
    seen = []

    def validate(parameters):
        seen.append(parameters[0].copy())
        if len(seen) == 2:
            raise KeyboardInterrupt
        return {"validation_loss": 0.0, "validation_score": 0.0}

    with pytest.warns(UserWarning, match="interrupted by user"):
        history = minimise(sums := ridge(), 100, 1000, 1e-12, measure=validate)
    np.testing.assert_array_equal(sums.parameters[0], seen[-1])
    assert history["validation_loss"] == [0.0]
