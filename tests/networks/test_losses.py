"""Losses: their values against scikit-learn's, their gradients, and extreme outputs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from sklearn.metrics import mean_absolute_error, mean_pinball_loss
from sklearn.neural_network import _base as peer

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.networks.losses import classification_loss, regression_loss

RNG = np.random.default_rng(0)
RAW = RNG.normal(size=(20, 3)) * 3
TARGETS = RNG.normal(size=(20, 3))
COUNTS = RNG.poisson(2.0, size=(20, 3)).astype(float)
LABELS = RNG.integers(0, 2, size=(20, 3)).astype(float)
CLASSES = np.eye(3)[RNG.integers(0, 3, size=20)]


def evaluate(loss, y, output):
    """The loss of each row, and the gradient of their sum for the raw outputs."""
    y_node = cr.variable("y", ("rows", y.shape[1]))
    output_node = cr.variable("output", ("rows", y.shape[1]))
    losses = loss.per_row(y_node, output_node)
    (slope,) = cr.gradient(cr.sum(losses), [output_node])
    return cr.compile([losses, slope], inputs=[y_node, output_node], engine="reference")(y, output)


def test_squared_error_is_half_the_sum_of_squares():
    losses, slope = evaluate(regression_loss("squared_error"), TARGETS, RAW)
    # scikit-learn reports the mean over the outputs of what it descends.
    np.testing.assert_allclose(losses.mean() / 3, peer.squared_loss(TARGETS, RAW))
    np.testing.assert_allclose(slope, RAW - TARGETS)


def test_poisson_is_scikit_learns_loss_with_its_gradient():
    losses, slope = evaluate(regression_loss("poisson"), COUNTS, RAW)
    np.testing.assert_allclose(losses.mean(), peer.poisson_loss(COUNTS, np.exp(RAW)))
    np.testing.assert_allclose(slope, np.exp(RAW) - COUNTS)


def test_absolute_error_and_quantile_are_those_of_the_metrics():
    losses, _ = evaluate(regression_loss("absolute_error"), TARGETS, RAW)
    np.testing.assert_allclose(losses.mean() / 3, mean_absolute_error(TARGETS, RAW))
    losses, slope = evaluate(regression_loss("quantile", quantiles=(0.9,)), TARGETS, RAW)
    np.testing.assert_allclose(losses.mean() / 3, mean_pinball_loss(TARGETS, RAW, alpha=0.9))
    np.testing.assert_allclose(slope, np.where(RAW > TARGETS, 0.1, -0.9))


def test_huber_is_squared_near_and_linear_far():
    losses, slope = evaluate(regression_loss("huber", huber_delta=0.7), TARGETS, RAW)
    expected = scipy.special.huber(0.7, RAW - TARGETS)
    np.testing.assert_allclose(losses, expected.sum(axis=1))
    np.testing.assert_allclose(slope, np.clip(RAW - TARGETS, -0.7, 0.7))


@pytest.mark.parametrize(
    "exclusive, y, to_probability, expected",
    [
        (False, LABELS, scipy.special.expit, peer.binary_log_loss),
        (True, CLASSES, lambda raw: scipy.special.softmax(raw, axis=1), peer.log_loss),
    ],
)
def test_log_loss_is_scikit_learns_with_its_gradient(exclusive, y, to_probability, expected):
    losses, slope = evaluate(classification_loss("log_loss", exclusive), y, RAW)
    np.testing.assert_allclose(losses.mean(), expected(y, to_probability(RAW)))
    np.testing.assert_allclose(slope, to_probability(RAW) - y, atol=1e-15)


@pytest.mark.parametrize("exclusive", [True, False])
def test_log_loss_of_certain_and_wrong_outputs_is_finite(exclusive):
    raw = np.array([[1e4, -1e4, 0.0]])
    y = np.array([[0.0, 1.0, 0.0]])
    losses, slope = evaluate(classification_loss("log_loss", exclusive), y, raw)
    assert losses[0] >= 2e4
    assert np.isfinite(slope).all()


def test_hinge_counts_what_is_on_the_wrong_side_of_the_margin():
    y = np.array([[1.0], [1.0], [0.0], [0.0]])
    raw = np.array([[2.0], [0.5], [-3.0], [1.0]])
    losses, slope = evaluate(classification_loss("hinge", exclusive=False), y, raw)
    np.testing.assert_allclose(losses, [0.0, 0.5, 0.0, 2.0])
    np.testing.assert_allclose(slope.ravel(), [0.0, -1.0, 0.0, 1.0])


def test_a_loss_of_ones_own_must_give_one_number_per_row():
    loss = regression_loss(lambda y, output: cr.square(output - y))
    with pytest.raises(GraphError, match=r"one number per row.*sum over the outputs"):
        evaluate(loss, TARGETS, RAW)
    with pytest.raises(GraphError, match="returned None"):
        evaluate(regression_loss(lambda y, output: None), TARGETS, RAW)


def test_losses_with_equal_parameters_are_equal():
    # They are keys of what an estimator has compiled.
    assert regression_loss("huber", huber_delta=2.0) == regression_loss("huber", huber_delta=2.0)
    assert regression_loss("huber", huber_delta=2.0) != regression_loss("huber", huber_delta=1.0)
