"""Figures of recurrent networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from benchmarks.figures.figure import Measured, Target, figure, over_seeds, short
from chainrule.datasets.generated import make_adding
from chainrule.datasets.sequences import (
    LabelledSequences,
    load_basic_motions,
    load_italy_power_demand,
    load_japanese_vowels,
    load_sunspots,
)

# --- sunspots ----------------------------------------------------------------------------

SUNSPOTS = "sunspots, 1921 to 1955"
AHEAD = "squared error one year ahead / variance of all years"
ORDER = 12
"""Years before that an autoregression reads."""


class _Sunspots:
    """The series, in hundreds, and where the years to be predicted begin and end."""

    def __init__(self) -> None:
        years, numbers = load_sunspots()
        self.variance = float(np.var(numbers / 100.0))
        self.first = int(np.sum(years <= 1920))
        self.series = numbers[years <= 1955] / 100.0

    def error(self, predicted: Any) -> float:
        """Of predictions for the years from 1921 on."""
        return float(np.mean((predicted - self.series[self.first :]) ** 2)) / self.variance

    def target(self) -> Target:
        """The autoregression's error."""
        from statsmodels.tsa.ar_model import AutoReg

        constant, *weights = AutoReg(self.series[: self.first], ORDER).fit().params
        before = np.lib.stride_tricks.sliding_window_view(self.series, ORDER)[:-1]
        predicted = constant + before[self.first - ORDER :, ::-1] @ np.array(weights)
        return Target(self.error(predicted), False, f"AR({ORDER}) of statsmodels, same run")

    @property
    def persistence(self) -> str:
        """The error of expecting the same number again."""
        return f"persistence {short(self.error(self.series[self.first - 1 : -1]))}"


@figure(
    "RNNRegressor",
    SUNSPOTS,
    AHEAD,
    settings=f"hidden_size=8; reads the {ORDER} years before, trained to 1920",
)
def sunspots_windows() -> Measured:
    """Reads what the autoregression reads."""
    data = _Sunspots()
    X = np.lib.stride_tricks.sliding_window_view(data.series, ORDER)[:-1]
    y, known = data.series[ORDER:], data.first - ORDER
    errors = [
        data.error(
            cr.RNNRegressor(8, random_state=seed).fit(X[:known], y[:known]).predict(X[known:])
        )
        for seed in range(10)
    ]
    return over_seeds(errors, data.target(), data.persistence)


@figure(
    "RNNRegressor",
    SUNSPOTS,
    AHEAD,
    settings="hidden_size=8, max_iter=2000, tol=1e-5, n_iter_no_change=100; "
    "reads the series from 1700 on, trained to 1920",
)
def sunspots_series() -> Measured:
    """Reads the series as a whole, and is asked for the next year at each."""
    data = _Sunspots()
    errors = []
    for seed in range(10):
        model = cr.RNNRegressor(
            8, max_iter=2000, tol=1e-5, n_iter_no_change=100, random_state=seed
        ).fit(data.series[: data.first])
        following = np.ravel(model.predict(data.series))
        errors.append(data.error(following[data.first - 1 : -1]))
    return over_seeds(errors, data.target(), data.persistence)


# --- the adding problem ------------------------------------------------------------------

ADDING = "adding problem, 100 steps"
ADDING_SETTINGS = {
    "hidden_size": 8,
    "learning_rate_init": 0.01,
    "max_iter": 60,
    "n_iter_no_change": 60,
}
ADDING_TEXT = (
    "hidden_size=8, learning_rate_init=0.01, max_iter=60, n_iter_no_change=60; "
    "5,000 sequences, single precision"
)


def _adding(estimator: Callable[..., Any]) -> Measured:
    """The squared error on 1,000 sequences of their own."""
    X, y = make_adding(5000, 100, random_state=0)
    X_test, y_test = make_adding(1000, 100, random_state=1)
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    errors = []
    for seed in range(5):
        model = estimator(**ADDING_SETTINGS, random_state=seed).fit(X, y)
        errors.append(float(np.mean((model.predict(X_test) - y_test) ** 2)))
    return over_seeds(errors, more=f"always answering 0: {short(float(np.mean(y_test**2)))}")


@figure(
    "LSTMRegressor",
    ADDING,
    "squared error",
    settings=ADDING_TEXT,
    at_most=0.04,
    source="Hochreiter & Schmidhuber 1997",
)
def adding_lstm() -> Measured:
    """A memory of 8 cells."""
    return _adding(cr.LSTMRegressor)


@figure(
    "GRURegressor",
    ADDING,
    "squared error",
    settings=ADDING_TEXT,
    at_most=0.04,
    source="Hochreiter & Schmidhuber 1997, for the LSTM",
)
def adding_gru() -> Measured:
    """Eight gated units."""
    return _adding(cr.GRURegressor)


@figure("RNNRegressor", ADDING, "squared error", settings=ADDING_TEXT)
def adding_rnn() -> Measured:
    """Eight units without gates, which the task is too long for."""
    return _adding(cr.RNNRegressor)


# --- archives ----------------------------------------------------------------------------


def _standardised(
    load: Callable[..., LabelledSequences],
) -> tuple[LabelledSequences, LabelledSequences]:
    """Training and test sequences, each feature by mean and deviation of the training steps."""
    train, test = load("train"), load("test")
    scaler = StandardScaler().fit(np.concatenate(train.X))

    def scaled(part: LabelledSequences) -> LabelledSequences:
        return LabelledSequences([scaler.transform(each) for each in part.X], part.y)

    return scaled(train), scaled(test)


def _accuracies(
    model: Callable[[int], Any], train: LabelledSequences, test: LabelledSequences
) -> list[float]:
    return [model(seed).fit(*train).score(*test) for seed in range(5)]


def _as_rows(part: LabelledSequences) -> tuple[Any, Any]:
    """Sequences of one length as plain rows."""
    return np.stack([each.ravel() for each in part.X]), part.y


def _japanese_vowels(estimator: Callable[..., Any], **settings: Any) -> Measured:
    train, test = _standardised(load_japanese_vowels)
    return over_seeds(
        _accuracies(lambda seed: estimator(random_state=seed, **settings), train, test)
    )


def _above_one_neighbour(
    estimator: Callable[..., Any], load: Callable[..., LabelledSequences], **settings: Any
) -> Measured:
    """Accuracy, to be above that of the nearest training sequence."""
    train, test = _standardised(load)
    values = _accuracies(lambda seed: estimator(random_state=seed, **settings), train, test)
    rows, test_rows = _as_rows(train), _as_rows(test)
    neighbour = KNeighborsClassifier(1).fit(*rows).score(*test_rows)
    perceptron = MLPClassifier(random_state=0).fit(*rows).score(*test_rows)
    return over_seeds(
        values,
        Target(neighbour, True, "nearest neighbour, same run"),
        f"scikit-learn's MLP {short(perceptron)}",
    )


VOWELS = ("JapaneseVowels, standardised", "test accuracy")
VOWELS_TARGET = {"at_least": 0.96, "source": "literature: 0.96 to 0.98"}
POWER = ("ItalyPowerDemand, standardised", "test accuracy")
MOTIONS = ("BasicMotions, standardised", "test accuracy")


@figure("RNNClassifier", *VOWELS, **VOWELS_TARGET)  # type: ignore[arg-type]
def japanese_vowels_rnn() -> Measured:
    """Which of nine speakers?"""
    return _japanese_vowels(cr.RNNClassifier)


@figure("LSTMClassifier", *VOWELS, **VOWELS_TARGET)  # type: ignore[arg-type]
def japanese_vowels_lstm() -> Measured:
    """Which of nine speakers?"""
    return _japanese_vowels(cr.LSTMClassifier)


@figure("LSTMClassifier", *VOWELS, settings="bidirectional=True", **VOWELS_TARGET)  # type: ignore[arg-type]
def japanese_vowels_both_ways() -> Measured:
    """Which of nine speakers?"""
    return _japanese_vowels(cr.LSTMClassifier, bidirectional=True)


@figure("GRUClassifier", *VOWELS, **VOWELS_TARGET)  # type: ignore[arg-type]
def japanese_vowels_gru() -> Measured:
    """Which of nine speakers?"""
    return _japanese_vowels(cr.GRUClassifier)


@figure("RNNClassifier", *POWER)
def italy_power_demand_rnn() -> Measured:
    """Winter or summer?"""
    return _above_one_neighbour(cr.RNNClassifier, load_italy_power_demand)


@figure("LSTMClassifier", *POWER)
def italy_power_demand_lstm() -> Measured:
    """Winter or summer?"""
    return _above_one_neighbour(cr.LSTMClassifier, load_italy_power_demand)


@figure("GRUClassifier", *POWER)
def italy_power_demand_gru() -> Measured:
    """Winter or summer?"""
    return _above_one_neighbour(cr.GRUClassifier, load_italy_power_demand)


@figure("LSTMClassifier", *MOTIONS)
def basic_motions_lstm() -> Measured:
    """Standing, walking, running or badminton?"""
    return _above_one_neighbour(cr.LSTMClassifier, load_basic_motions)


@figure("GRUClassifier", *MOTIONS)
def basic_motions_gru() -> Measured:
    """Standing, walking, running or badminton?"""
    return _above_one_neighbour(cr.GRUClassifier, load_basic_motions)
