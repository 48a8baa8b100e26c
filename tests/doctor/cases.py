"""Planted illnesses, and healthy fits on real data."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.datasets.sequences import load_sunspots
from chainrule.errors import NonFiniteLossError

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
}


@dataclass
class Case:
    """A fitted model and its rows."""

    model: Any
    X: np.ndarray
    y: np.ndarray | None


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features; a target for regression standardised, too."""
    X, y = LOADERS[name](return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return X, (y - y.mean()) / y.std() if name == "diabetes" else y


def digits_by_rows() -> tuple[np.ndarray, np.ndarray]:
    """Digits read row by row: sequences of 8 steps of 8 pixels."""
    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 8, 8) / 16.0, y


def sunspots() -> np.ndarray:
    numbers = load_sunspots()[1]
    return (numbers - numbers.mean()) / numbers.std()


def fit(model: Any, X: np.ndarray, y: np.ndarray | None) -> Case:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(NonFiniteLossError):
            model.fit(X, y)
    return Case(model, X, y)


def classifier(seed: int, **parameters: Any) -> cr.MLPClassifier:
    defaults = {"hidden_layer_sizes": (32,), "max_iter": 60, "random_state": seed}
    return cr.MLPClassifier(**{**defaults, **parameters})


# --- ten illnesses -----------------------------------------------------------------------


def dead_relus(seed: int, size: int = 64) -> Case:
    X, y = data("digits")
    case = fit(classifier(seed, hidden_layer_sizes=(size, size), max_iter=20), X, y)
    case.model.intercepts_[1][: size // 2] -= 1000.0
    return case


def saturated_tanh(seed: int, size: int = 32) -> Case:
    X, y = data("wine")
    case = fit(
        classifier(seed, hidden_layer_sizes=(size, size), activation="tanh", max_iter=40), X, y
    )
    for weights in case.model.coefs_[:2]:
        weights *= 60.0
    return case


def rate_times_100(seed: int, size: int = 64) -> Case:
    X, y = data("digits")
    return fit(
        classifier(seed, hidden_layer_sizes=(size, size), learning_rate_init=0.1, max_iter=30), X, y
    )


def unscaled_feature(seed: int, size: int = 32) -> Case:
    X, y = data("wine")
    X[:, 4] = 5_000.0 * (X[:, 4] + 3.0)
    return fit(classifier(seed, hidden_layer_sizes=(size,)), X, y)


def rare_class(seed: int, size: int = 32) -> Case:
    X, y = data("digits")
    keep = np.flatnonzero(y != 7)
    rare = np.random.default_rng(seed).choice(np.flatnonzero(y == 7), 4, replace=False)
    rows = np.concatenate([keep, rare])
    return fit(classifier(seed, hidden_layer_sizes=(size,), max_iter=30), X[rows], y[rows])


def duplicated_column(seed: int, size: int = 32) -> Case:
    X, y = data("wine")
    X = np.column_stack([X, 2.0 * X[:, seed % 13] - 1.0])
    return fit(classifier(seed, hidden_layer_sizes=(size,), max_iter=250), X, y)


def label_noise(seed: int, size: int = 64) -> Case:
    X, y = data("digits")
    draw = np.random.default_rng(seed)
    wrong = draw.random(len(y)) < 0.25
    y = np.where(wrong, draw.integers(0, 10, len(y)), y)
    return fit(classifier(seed, hidden_layer_sizes=(size,)), X, y)


def rate_too_small(seed: int, size: int = 32) -> Case:
    X, y = data("digits")
    return fit(
        classifier(seed, hidden_layer_sizes=(size,), learning_rate_init=1e-6, max_iter=40), X, y
    )


def exploding_stack(seed: int, size: int = 32) -> Case:
    X, y = data("wine")
    case = fit(classifier(seed, hidden_layer_sizes=(size,) * 6, max_iter=20), X, y)
    for weights in case.model.coefs_[1:-1]:
        weights *= 30.0
    return case


def nan_from_log_0(seed: int, size: int = 16) -> Case:
    X, y = data("diabetes")

    def likelihood(target: cr.Node, output: cr.Node) -> cr.Node:
        return -cr.sum(cr.log(cr.relu(output)) * cr.absolute(target), 1)

    model = cr.MLPRegressor(likelihood, hidden_layer_sizes=(size,), max_iter=5, random_state=seed)
    return fit(model, X, y)


def exploding_recurrent_net(seed: int, size: int = 16) -> Case:
    """Trained from a state that grows at each step, with a rate at which that is not mended."""
    X, y = digits_by_rows()
    model = cr.RNNClassifier(
        size,
        activation="relu",
        clip_norm=None,
        learning_rate_init=1e-5,
        max_iter=1,
        random_state=seed,
    )
    case = fit(model, X, y)
    model.weights_["U1"] *= 5.0
    fit(model.set_params(warm_start=True, max_iter=15), X, y)
    return case


ILLNESSES: dict[str, tuple[Callable[..., Case], str]] = {
    "dead ReLUs": (dead_relus, "dead units"),
    "saturated tanh stack": (saturated_tanh, "saturated units"),
    "learning rate x100": (rate_times_100, "learning rate too high"),
    "unscaled feature": (unscaled_feature, "unscaled feature"),
    "one class nearly absent": (rare_class, "class imbalance"),
    "duplicated column": (duplicated_column, "duplicated column"),
    "label noise": (label_noise, "label noise"),
    "too small a learning rate": (rate_too_small, "learning rate too low"),
    "exploding stack": (exploding_stack, "exploding"),
    "exploding recurrent net": (exploding_recurrent_net, "exploding"),
    "NaN from log 0": (nan_from_log_0, "not finite"),
}

# --- healthy fits ------------------------------------------------------------------------

HEALTHY: dict[str, Callable[[int], Case]] = {
    "iris, defaults": lambda seed: fit(cr.MLPClassifier(random_state=seed), *data("iris")),
    "iris, raw columns, defaults": lambda seed: fit(
        cr.MLPClassifier(random_state=seed), *load_iris(return_X_y=True)
    ),
    "iris, L-BFGS": lambda seed: fit(classifier(seed, solver="lbfgs", max_iter=100), *data("iris")),
    "wine, defaults": lambda seed: fit(cr.MLPClassifier(random_state=seed), *data("wine")),
    "wine, tanh": lambda seed: fit(
        classifier(seed, activation="tanh", hidden_layer_sizes=(20, 20), max_iter=150),
        *data("wine"),
    ),
    "wine, SGD": lambda seed: fit(
        classifier(seed, solver="sgd", learning_rate_init=0.05, max_iter=150), *data("wine")
    ),
    "breast cancer, defaults": lambda seed: fit(
        cr.MLPClassifier(random_state=seed), *data("breast_cancer")
    ),
    "breast cancer, logistic": lambda seed: fit(
        classifier(seed, activation="logistic", learning_rate_init=0.01), *data("breast_cancer")
    ),
    "breast cancer, RMSProp": lambda seed: fit(
        classifier(seed, solver="rmsprop", max_iter=40), *data("breast_cancer")
    ),
    "digits, defaults": lambda seed: fit(
        cr.MLPClassifier(random_state=seed, max_iter=60), *data("digits")
    ),
    "digits as pixels, 64-64": lambda seed: fit(
        classifier(seed, hidden_layer_sizes=(64, 64), dropout=0.1),
        load_digits().data / 16,
        load_digits().target,
    ),
    "digits, tanh 64": lambda seed: fit(
        classifier(seed, hidden_layer_sizes=(64,), activation="tanh", max_iter=40),
        *data("digits"),
    ),
    "diabetes": lambda seed: fit(
        cr.MLPRegressor(hidden_layer_sizes=(32,), max_iter=150, random_state=seed),
        *data("diabetes"),
    ),
    "diabetes, L-BFGS": lambda seed: fit(
        cr.MLPRegressor(
            hidden_layer_sizes=(16,), solver="lbfgs", alpha=1.0, max_iter=100, random_state=seed
        ),
        *data("diabetes"),
    ),
    "diabetes, Huber": lambda seed: fit(
        cr.MLPRegressor("huber", hidden_layer_sizes=(32,), max_iter=150, random_state=seed),
        *data("diabetes"),
    ),
    "diabetes above its median: classes that overlap": lambda seed: fit(
        classifier(seed, hidden_layer_sizes=(8,), alpha=1.0, learning_rate_init=0.01),
        data("diabetes")[0],
        (data("diabetes")[1] > np.median(data("diabetes")[1])).astype(int),
    ),
    "digits row by row, RNN": lambda seed: fit(
        cr.RNNClassifier(24, max_iter=20, random_state=seed), *digits_by_rows()
    ),
    "digits row by row, LSTM": lambda seed: fit(
        cr.LSTMClassifier(24, max_iter=20, random_state=seed), *digits_by_rows()
    ),
    "digits row by row, ReLU, both ways": lambda seed: fit(
        cr.RNNClassifier(16, activation="relu", bidirectional=True, max_iter=20, random_state=seed),
        *digits_by_rows(),
    ),
    "sunspots, GRU": lambda seed: fit(
        cr.GRURegressor(8, truncation=30, max_iter=60, random_state=seed), sunspots(), None
    ),
    "digits, deep ReLU": lambda seed: fit(
        classifier(seed, hidden_layer_sizes=(32,) * 5, max_iter=40), *data("digits")
    ),
}
