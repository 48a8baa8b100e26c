"""``hidden_activations``: of each network, what its hidden layers make of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
SEQUENCES = np.random.default_rng(0).normal(size=(12, 6, 3))
LABELS = (SEQUENCES.sum(axis=(1, 2)) > 0).astype(int)
QUICK = {"max_iter": 5, "random_state": 0}


def relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


def test_of_a_perceptron_they_are_the_layers_written_out() -> None:
    model = cr.MLPClassifier((8, 5), dropout=0.5, **QUICK).fit(X, Y)
    first = relu(X @ model.coefs_[0] + model.intercepts_[0])
    second = relu(first @ model.coefs_[1] + model.intercepts_[1])
    np.testing.assert_allclose(model.hidden_activations(X, 0), first)
    np.testing.assert_allclose(model.hidden_activations(X), second)
    np.testing.assert_allclose(model.hidden_activations(sparse.csr_matrix(X), -2), first)
    assert not hasattr(model, "transform")


def test_of_a_list_of_layers_each_has_its_place() -> None:
    layers = [cr.BatchNorm(), cr.Dense(6), cr.Dropout(0.5), cr.Activation("tanh")]
    model = cr.NetworkClassifier(layers, **QUICK).fit(X, Y)
    hat = X - model.statistics_["running_mean0"]
    hat = hat / np.sqrt(model.statistics_["running_variance0"] + 1e-5)
    scaled = model.weights_["scale0"] * hat + model.weights_["shift0"]
    sums = scaled @ model.weights_["W1"] + model.weights_["b1"]
    for place, expected in enumerate([scaled, sums, sums, np.tanh(sums)]):
        np.testing.assert_allclose(model.hidden_activations(X, place), expected)
        np.testing.assert_array_equal(
            model.hidden_activations(X, place), model.hidden_activations(X, place - 4)
        )


def test_of_a_radial_basis_network_they_are_its_bumps() -> None:
    model = cr.RBFRegressor(7, random_state=0).fit(X, Y)
    bumps = model.hidden_activations(X)
    apart = ((X[:, None] - model.centres_) ** 2).sum(2)
    np.testing.assert_allclose(bumps, np.exp(-model.gamma_ * apart))
    np.testing.assert_allclose(bumps @ model.coef_[0] + model.intercept_[0], model.predict(X))


@pytest.mark.parametrize(
    "model",
    [
        cr.Autoencoder(2, (6, 4), **QUICK),
        cr.SparseAutoencoder(9, (6, 4), **QUICK),
        cr.VariationalAutoencoder(2, (6, 4), **QUICK),
    ],
    ids=lambda model: type(model).__name__,
)
def test_of_an_auto_encoder_the_code_is_in_the_middle(model: Any) -> None:
    model.fit(X)
    widths = [model.hidden_activations(X, k).shape[1] for k in range(5)]
    assert widths == [6, 4, model.n_components, 4, 6]
    np.testing.assert_array_equal(model.hidden_activations(X, 2), model.transform(X))
    first = relu(X @ model.coefs_[0] + model.intercepts_[0])
    np.testing.assert_allclose(model.hidden_activations(X, 0), first)


def test_of_a_recurrent_network_they_are_its_states() -> None:
    model = cr.RNNClassifier(5, num_layers=2, dropout=0.3, **QUICK).fit(SEQUENCES, LABELS)
    weights, h, expected = model.weights_, np.zeros((12, 5)), []
    for step in range(6):
        sums = SEQUENCES[:, step] @ weights["W1"] + weights["b1"] + h @ weights["U1"]
        h = np.tanh(sums)
        expected.append(h)
    np.testing.assert_allclose(model.hidden_activations(SEQUENCES, 0), np.stack(expected, 1))
    last = model.hidden_activations(SEQUENCES)[:, -1]
    raw = last @ weights["V"] + weights["d"]
    np.testing.assert_allclose(model.predict_proba(SEQUENCES)[:, 1], 1 / (1 + np.exp(-raw[:, 0])))


def test_sequences_of_a_list_have_states_of_their_lengths() -> None:
    parts = [SEQUENCES[k, : 2 + k % 5] for k in range(12)]
    model = cr.LSTMClassifier(4, bidirectional=True, **QUICK).fit(parts, LABELS)
    states = model.hidden_activations(parts)
    assert [each.shape for each in states] == [(len(part), 8) for part in parts]
    np.testing.assert_allclose(states[3], model.hidden_activations([parts[3]])[0], rtol=1e-12)


def test_many_rows_are_evaluated_in_blocks_to_the_same_numbers() -> None:
    model = cr.MLPClassifier((40,), **QUICK).fit(X, Y)
    many = np.tile(X, (60, 1))
    np.testing.assert_allclose(
        model.hidden_activations(many), np.tile(model.hidden_activations(X), (60, 1)), rtol=1e-12
    )


@pytest.mark.parametrize(
    "layer, message",
    [
        (2, "no hidden layer 2: the network has 0 to 1"),
        (-3, "no hidden layer -3"),
        (0.0, "layer must be a whole number"),
        (True, "layer must be a whole number"),
    ],
)
def test_a_layer_that_is_not_there_is_refused(layer: Any, message: str) -> None:
    model = cr.MLPClassifier((8, 5), **QUICK).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.hidden_activations(X, layer)


def test_there_is_nothing_to_look_at_without_layers_or_without_a_fit() -> None:
    with pytest.raises(ValueError, match="the network has none"):
        cr.MLPClassifier((), **QUICK).fit(X, Y).hidden_activations(X)
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().hidden_activations(X)
    with pytest.raises(NotFittedError):
        cr.RNNClassifier().hidden_activations(SEQUENCES)
    with pytest.raises(ValueError, match="2 features, but MLPClassifier is expecting 4"):
        cr.MLPClassifier(3, **QUICK).fit(X, Y).hidden_activations(X[:, :2])
