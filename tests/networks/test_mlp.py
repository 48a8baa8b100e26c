"""The perceptron as a graph: names, first weights, dropout."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network as peer

import chainrule as cr
from chainrule.graph.traversal import topological_order
from chainrule.networks.layers import dropout
from chainrule.networks.mlp import MLP


def test_layers_have_the_names_that_derivations_print():
    network = MLP((3, 4, 2, 1), "tanh", "identity")
    named = [node.name for node in topological_order([network.raw_output(network.X)]) if node.name]
    assert named == [
        *("X", "W1", "b1", "h1_in", "h1_out"),
        *("W2", "b2", "h2_in", "h2_out"),
        *("W3", "b3", "output"),
    ]


def test_the_formula_is_the_nested_one():
    rng = np.random.default_rng(0)
    network = MLP((3, 4, 1), "logistic", "identity")
    W1, W2, b1, b2 = (rng.normal(size=each.shape) for each in network.parameters)
    X = rng.normal(size=(5, 3))
    output = network.raw_output(network.X)
    f = cr.compile(output, [network.X, *network.parameters], engine="reference")
    (actual,) = f(X, W1, W2, b1, b2)
    np.testing.assert_allclose(actual, 1 / (1 + np.exp(-(X @ W1 + b1))) @ W2 + b2)


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_first_weights_are_those_of_scikit_learn(activation):
    X, y = np.zeros((5, 3)), np.zeros(5)
    model = peer.MLPRegressor(
        hidden_layer_sizes=(4, 2),
        activation=activation,
        solver="sgd",
        learning_rate_init=1e-300,
        max_iter=1,
        random_state=7,
    ).fit(X, y)
    network = MLP((3, 4, 2, 1), activation, "identity")
    first = network.first_values(np.random.RandomState(7), np.float64)
    for mine, theirs in zip(first, model.coefs_ + model.intercepts_, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_dropout_zeroes_its_share_and_keeps_the_mean():
    x = cr.variable("x", ("rows", 50))
    f = cr.compile(dropout(x, 0.3, stream=1), [x], engine="reference")
    (out,) = f(np.ones((400, 50)), seed=5, step=2)
    assert abs((out == 0).mean() - 0.3) < 0.01
    assert abs(out.mean() - 1.0) < 0.02
    np.testing.assert_allclose(np.unique(out), [0.0, 1 / 0.7])


def test_dropout_draws_in_training_only_and_anew_in_each_layer():
    network = MLP((3, 4, 4, 1), "relu", "identity", dropout=0.5)

    def streams(training):
        order = topological_order([network.raw_output(network.X, training)])
        return [node.attributes["stream"] for node in order if node.operation == "uniform"]

    assert streams(training=False) == []
    assert len(set(streams(training=True))) == 2
