"""Update rules: against scikit-learn's optimizers, and against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

import chainrule as cr
from chainrule.engines.registry import get_engine
from chainrule.training.optimizers import SGD, AdaGrad, Adam, RMSProp
from chainrule.training.step import Objective, initial_state, training_step

STEPS = 25
GRADIENTS = np.random.default_rng(0).normal(size=(STEPS, 4))
START = np.array([0.5, -1.0, 2.0, 0.0])
RATE, ALPHA = 0.05, 0.3


def trajectory(optimizer, penalised=False):
    """Where each step leads, if row k of the data is the gradient of step k."""
    w, slope = cr.variable("w", (4,)), cr.variable("slope", ("rows", 4))
    objective = Objective(cr.sum(slope * w, 1), (slope,), (w,), None, (w,) if penalised else ())
    step = training_step(objective, optimizer)
    state = initial_state(step, {w: START.copy()})
    settings = {"learning_rate": RATE, "alpha": ALPHA}
    loop = get_engine("reference").compile_step(step, "float64", [GRADIENTS], state, settings)
    path = []
    for k in range(STEPS):
        loop.run(None, 1, k, k + 1)
        path.append(state[0].copy())
    return np.array(path)


def peer_trajectory(optimizer):
    w, path = START.copy(), []
    optimizer = optimizer([w])
    for gradient in GRADIENTS:
        optimizer.update_params([w], [gradient])
        path.append(w.copy())
    return np.array(path)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (SGD(), lambda w: SGDOptimizer(w, RATE, momentum=0.0, nesterov=False)),
        (SGD(0.0, nesterov=True), lambda w: SGDOptimizer(w, RATE, momentum=0.0, nesterov=True)),
        (SGD(0.8), lambda w: SGDOptimizer(w, RATE, momentum=0.8, nesterov=False)),
        (SGD(0.8, nesterov=True), lambda w: SGDOptimizer(w, RATE, momentum=0.8, nesterov=True)),
        (Adam(), lambda w: AdamOptimizer(w, RATE)),
        (Adam(0.7, 0.95, 1e-3), lambda w: AdamOptimizer(w, RATE, 0.7, 0.95, 1e-3)),
    ],
    ids=lambda each: "peer" if callable(each) else str(each),
)
def test_sgd_and_adam_step_as_scikit_learns_do(ours, theirs):
    np.testing.assert_allclose(trajectory(ours), peer_trajectory(theirs), rtol=1e-13, atol=1e-15)


def test_adagrad_divides_by_the_root_of_all_squares():
    squares = np.cumsum(GRADIENTS**2, axis=0)
    moves = RATE * GRADIENTS / (np.sqrt(squares) + 1e-8)
    np.testing.assert_allclose(trajectory(AdaGrad()), START - np.cumsum(moves, axis=0))


def test_rmsprop_divides_by_the_root_of_recent_squares():
    squares, w, path = np.zeros(4), START, []
    for gradient in GRADIENTS:
        squares = 0.8 * squares + 0.2 * gradient**2
        w = w - RATE * gradient / (np.sqrt(squares) + 1e-6)
        path.append(w)
    np.testing.assert_allclose(trajectory(RMSProp(rho=0.8, epsilon=1e-6)), path)


def test_adamw_shrinks_weights_apart_from_the_gradient():
    mean, squares, w, path = np.zeros(4), np.zeros(4), START, []
    for t, gradient in enumerate(GRADIENTS, 1):
        mean = 0.9 * mean + 0.1 * gradient
        squares = 0.999 * squares + 0.001 * gradient**2
        rate = RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w = w * (1 - RATE * ALPHA) - rate * mean / (np.sqrt(squares) + 1e-8)
        path.append(w)
    adamw = Adam(decoupled_decay=True)
    np.testing.assert_allclose(trajectory(adamw, penalised=True), path)
    # Without a penalty it is Adam.
    np.testing.assert_array_equal(trajectory(adamw), trajectory(Adam()))


def test_the_penalty_of_other_optimizers_goes_through_the_gradient():
    w, path = START, []
    for gradient in GRADIENTS:
        w = w - RATE * (gradient + ALPHA * w)
        path.append(w)
    np.testing.assert_allclose(trajectory(SGD(), penalised=True), path)


def test_plain_descent_remembers_nothing():
    assert SGD().memory == ()
    assert SGD(0.5).memory == ("velocity",)
