"""The step graph: loss, penalty and weights of rows, and the state."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.registry import get_engine
from chainrule.training.optimizers import SGD, Adam
from chainrule.training.step import Objective, initial_state, training_step

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 3))
WEIGHTS = RNG.uniform(0.1, 2.0, size=7)
START = np.array([1.0, -2.0, 0.5])
ALPHA = 0.7


def one_step(weighted, penalised, share=1.0):
    """The loss reported, and the gradient: what a step of rate 1 takes off the parameters."""
    x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3,))
    weight = cr.variable("sample_weight", ("rows",)) if weighted else None
    objective = Objective(
        cr.sum(cr.square(x * w), 1),
        (x, weight) if weighted else (x,),
        (w,),
        weight,
        (w,) if penalised else (),
        share,
    )
    step = training_step(objective, SGD())
    step.check()
    state = initial_state(step, {w: START.copy()})
    data = [X, WEIGHTS] if weighted else [X]
    settings = {"learning_rate": 1.0, "alpha": ALPHA}
    loop = get_engine("reference").compile_step(step, "float64", data, state, settings)
    report = loop.run(None, 7, 0, 1)
    return report.loss_sum / 7, START - state[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalised", [False, True])
def test_loss_and_gradient_are_weighted_means_with_scikit_learns_penalty(weighted, penalised):
    weights = WEIGHTS if weighted else np.ones(7)
    alpha = ALPHA if penalised else 0.0
    losses = ((X * START) ** 2).sum(axis=1)
    slopes = 2 * X**2 * START
    loss, gradient = one_step(weighted, penalised)
    penalty = 0.5 * alpha * (START**2).sum()
    np.testing.assert_allclose(loss, (weights @ losses + penalty) / weights.sum())
    np.testing.assert_allclose(gradient, (weights @ slopes + alpha * START) / weights.sum())


def test_a_share_changes_what_is_reported_and_not_what_is_descended():
    whole, gradient = one_step(weighted=True, penalised=False)
    half, same = one_step(weighted=True, penalised=False, share=0.5)
    np.testing.assert_allclose(half, whole / 2)
    np.testing.assert_array_equal(same, gradient)


def test_sums_over_blocks_of_rows_add_up():
    x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3,))
    objective = Objective(cr.sum(cr.square(x * w), 1), (x,), (w,), None, (w,))
    f = get_engine("reference").compile(objective.sums_and_gradients(), "float64")
    whole = f(X, START, ALPHA)
    parts = zip(f(X[:3], START, ALPHA), f(X[3:], START, 0.0), strict=True)
    for all_rows, (first, second) in zip(whole, parts, strict=True):
        np.testing.assert_allclose(all_rows, first + second)


def test_memory_starts_at_zero_and_parameters_are_used_as_they_are():
    x, w = cr.variable("x", ("rows",)), cr.variable("w", (2,))
    step = training_step(Objective(x * cr.sum(w), (x,), (w,)), Adam())
    start = np.ones(2, np.float32)
    state = initial_state(step, {w: start})
    assert [each.name for each in step.state] == ["w", "w_mean", "w_squares", "step_number"]
    assert state[0] is start
    assert all((each == 0).all() and each.dtype == np.float32 for each in state[1:])
