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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_penalty_in_shares_is_there_once_however_rows_are_cut(weighted, engine):
    x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3,))
    weight = cr.variable("sample_weight", ("rows",)) if weighted else None
    objective = Objective(
        cr.sum(cr.square(x * w), 1),
        (x, weight) if weighted else (x,),
        (w,),
        weight,
        (w,),
        penalty_in_shares=True,
    )
    weights = WEIGHTS if weighted else np.ones(7)
    step = training_step(objective, SGD())
    data = [X, WEIGHTS] if weighted else [X]
    settings = {"learning_rate": 1.0, "alpha": ALPHA / weights.sum()}
    descended = np.zeros(3)
    for rows in (np.arange(6), np.array([6])):
        state = initial_state(step, {w: START.copy()})
        loop = get_engine(engine).compile_step(step, "float64", data, state, settings)
        loop.run(rows, 6, 0, 1)
        descended += weights[rows].sum() * (START - state[0])
    np.testing.assert_allclose(descended, weights @ (2 * X**2 * START) + ALPHA * START)


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


def with_term(weighted):
    """An objective whose term is the square of a mean that remembers half of what was before."""
    x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3,))
    weight = cr.variable("sample_weight", ("rows",)) if weighted else None
    outputs = cr.sum(x * w, 1)
    kept = cr.variable("kept")
    mean = cr.mean(outputs)
    now = 0.5 * kept + mean
    return Objective(
        cr.square(outputs),
        (x, weight) if weighted else (x,),
        (w,),
        weight,
        term=10.0 * cr.square(now),
        running=((kept, now),),
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_a_term_of_the_whole_minibatch_is_added_to_the_mean_loss(weighted):
    data = [X, WEIGHTS] if weighted else [X]
    weights = WEIGHTS if weighted else np.ones(7)
    step = training_step(with_term(weighted), SGD())
    step.check()
    state = initial_state(step, {step.state[0]: START.copy()})
    loop = get_engine("reference").compile_step(step, "float64", data, state, {"learning_rate": 1})
    loss = loop.run(None, 7, 0, 1).loss_sum / 7
    outputs = X @ START
    mean = outputs.mean()
    assert loss == pytest.approx(weights @ outputs**2 / weights.sum() + 10 * mean**2)
    gradient = 2 * (weights * outputs) @ X / weights.sum() + 20 * mean * X.mean(axis=0)
    np.testing.assert_allclose(START - state[0], gradient)
    assert state[1] == pytest.approx(mean)
    # The next step starts from what was kept.
    second = loop.run(None, 7, 0, 1).loss_sum / 7
    outputs = X @ (START - gradient)
    now = 0.5 * mean + outputs.mean()
    assert second == pytest.approx(weights @ outputs**2 / weights.sum() + 10 * now**2)


def test_engines_agree_on_a_term_however_many_threads_share_the_rows():
    data = RNG.normal(size=(4000, 3))
    states = []
    for engine, n_threads in (("reference", 1), ("native", 1), ("native", 2)):
        step = training_step(with_term(weighted=False), Adam())
        state = initial_state(step, {step.state[0]: START.copy()})
        loop = get_engine(engine).compile_step(
            step,
            "float64",
            [data],
            state,
            {"learning_rate": 0.01},
            n_threads=n_threads,
            batch_size=1000,
        )
        loop.run(None, 1000, 0, 4)
        states.append(state)
    for other in states[1:]:
        for mine, theirs in zip(other, states[0], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-10)


def test_sums_and_gradients_have_the_term_of_all_rows():
    objective = with_term(weighted=True)
    kept, _ = objective.running[0]
    inputs = [*objective.minibatch, *objective.parameters, objective.alpha, kept]
    program = objective.sums_and_gradients()
    function = cr.compile(list(program.outputs), inputs, engine="reference")
    losses, rest, gradient = function(X, WEIGHTS, START, 0.0, 0.0)
    outputs = X @ START
    assert losses == pytest.approx(WEIGHTS @ outputs**2)
    assert rest == pytest.approx(WEIGHTS.sum() * 10 * outputs.mean() ** 2)
    slopes = 2 * (WEIGHTS * outputs) @ X
    slopes += WEIGHTS.sum() * 20 * outputs.mean() * X.mean(axis=0)
    np.testing.assert_allclose(gradient, slopes)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_statistics_stand_behind_the_parameters_and_are_no_part_of_the_descent(engine):
    x, w, seen = cr.variable("x", ("rows", 3)), cr.variable("w", (3,)), cr.variable("seen", (3,))
    after = 0.5 * seen + cr.sum(x, 0)
    objective = Objective(
        cr.sum(cr.square((x - seen) * w), 1), (x,), (w,), statistics=((seen, after),)
    )
    assert objective.learned == (w, seen)
    step = training_step(objective, Adam())
    assert [node.name for node in step.state[:3]] == ["w", "seen", "w_mean"]
    first = np.array([0.1, 0.2, 0.3])
    state = initial_state(step, {w: START.copy(), seen: first.copy()})
    loop = get_engine(engine).compile_step(step, "float64", [X], state, {"learning_rate": 0.1})
    report = loop.run(None, 7, 0, 1)
    # The loss is that of the statistics before the step.
    np.testing.assert_allclose(report.loss_sum, (((X - first) * START) ** 2).sum())
    np.testing.assert_allclose(state[1], 0.5 * first + X.sum(axis=0))
    np.testing.assert_allclose(np.abs(state[0] - START), 0.1, rtol=1e-6)  # Adam's first step
