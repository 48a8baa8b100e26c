"""Updates after every row: the perceptron's rule comes out of the chain rule."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.engines.registry import get_engine
from chainrule.networks.losses import threshold_loss
from chainrule.networks.single_layer import SingleLayer
from chainrule.training.history import History
from chainrule.training.row_by_row import joined, largest_rate, row_step

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 3))
Y = np.where(RANDOM.uniform(size=(50, 1)) < 0.5, 1.0, -1.0)
WEIGHT = RANDOM.uniform(0, 2, 50)


def trained(loss, weighted, engine="reference", judged_without_weights=True):
    layer = SingleLayer(3, 1, threshold_loss(loss))
    step = row_step(layer, weighted, judged_without_weights)
    state = [np.zeros((3, 1)), np.zeros(1)]
    data = [X, Y, WEIGHT] if weighted else [X, Y]
    loop = get_engine(engine).compile_step(
        step, "float64", data, state, {"learning_rate": 0.5}, batch_size=1
    )
    report = loop.run(order=None, batch_size=1, first=0, last=len(X))
    return state, report.loss_sum


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["perceptron", "squared_error"])
def test_steps_are_the_rules_of_the_sources(loss, weighted, engine):
    (w, b), loss_sum = trained(loss, weighted, engine)
    expected_w, expected_b, losses = np.zeros(3), 0.0, 0.0
    for x, (y,), factor in zip(X, Y, WEIGHT if weighted else np.ones(50), strict=True):
        output = x @ expected_w + expected_b
        if loss == "perceptron":
            losses += max(0.0, -y * output)
            error = y if y * output <= 0 else 0.0  # Rosenblatt 1958
        else:
            losses += 0.5 * (y - output) ** 2
            error = y - output  # Widrow & Hoff 1960
        expected_w, expected_b = (
            expected_w + 0.5 * factor * error * x,
            expected_b + 0.5 * factor * error,
        )
    np.testing.assert_allclose(w[:, 0], expected_w, atol=1e-12)
    np.testing.assert_allclose(b, [expected_b], atol=1e-12)
    assert loss_sum == pytest.approx(losses)


def test_weights_are_in_the_loss_by_which_progress_is_judged_if_asked_for():
    state, without = trained("squared_error", True)
    again, with_weights = trained("squared_error", True, judged_without_weights=False)
    np.testing.assert_array_equal(state[0], again[0])
    assert without != with_weights


@pytest.mark.parametrize("intercept", [False, True])
def test_the_largest_rate_brings_the_longest_row_just_to_its_target(intercept):
    rate = largest_rate(X, None, intercept)
    lengths = np.sum(X**2, axis=1) + intercept
    assert rate * lengths.max() == pytest.approx(1.0)
    assert largest_rate(X, WEIGHT, intercept) * (lengths * WEIGHT).max() == pytest.approx(1.0)
    assert largest_rate(np.zeros((3, 2)), None, intercept=False) == 1.0


def test_an_output_that_stopped_earlier_keeps_its_last_loss():
    first = History(
        epoch=[1, 2, 3], loss=[5.0, 3.0, 2.0], learning_rate=[1.0] * 3, seconds=[1.0] * 3
    )
    second = History(epoch=[1], loss=[10.0], learning_rate=[1.0], seconds=[4.0])
    whole = joined([first, second])
    assert whole["loss"] == [15.0, 13.0, 12.0]
    assert whole["epoch"] == [1, 2, 3]
    assert whole["seconds"] == [5.0, 1.0, 1.0]
    assert whole["learning_rate"] == [1.0, 1.0, 1.0]
