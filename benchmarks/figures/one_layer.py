"""Figures of networks of one layer, and of the straight line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.linear_model import LinearRegression as LinearPeer
from sklearn.linear_model import LogisticRegression as LogisticPeer
from sklearn.linear_model import Perceptron as PerceptronPeer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import chainrule as cr
from benchmarks.figures.figure import Measured, figure, over_seeds, short

CLASSES = {"iris": load_iris, "breast_cancer": load_breast_cancer, "digits": load_digits}
CLASSES_TEXT = ", ".join(CLASSES)
RELATIVE = "relative to the largest"


def _largest_difference(ours: Any, theirs: Any) -> float:
    """Of a coefficient, relative to the largest one."""
    pairs = ((ours.coef_, theirs.coef_), (ours.intercept_, theirs.intercept_))
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs)


def _on_classes(
    prepare: Callable[[Any], Any], ours: Callable[[], Any], theirs: Callable[[Any], Any]
) -> Measured:
    """The largest difference on three sets of classes; the peer is told of our fitted model."""
    found = {}
    for name, load in CLASSES.items():
        X, y = load(return_X_y=True)
        X = prepare(X)
        model = ours().fit(X, y)
        found[name] = _largest_difference(model, theirs(model).fit(X, y))
    each = ", ".join(f"{name} {short(value)}" for name, value in found.items())
    return Measured(max(found.values()), f"{RELATIVE}; {each}")


# --- linear regression -------------------------------------------------------------------


@figure(
    "LinearRegression",
    "diabetes",
    "largest difference of a coefficient",
    at_most=1e-8,
    source="scikit-learn",
)
def linear_normal_equation() -> Measured:
    """The normal equation against scikit-learn's least squares."""
    X, y = load_diabetes(return_X_y=True)
    ours, theirs = cr.LinearRegression().fit(X, y), LinearPeer().fit(X, y)
    return Measured(_largest_difference(ours, theirs), RELATIVE)


@figure(
    "LinearRegression",
    "diabetes, standardised",
    "largest difference of a coefficient",
    settings='solver="gradient_descent", max_iter=20000, tol=1e-12',
    at_most=1e-4,
    source="scikit-learn",
)
def linear_gradient_descent() -> Measured:
    """Gradient descent against scikit-learn's least squares."""
    X, y = load_diabetes(return_X_y=True)
    X = scale(X)
    ours = cr.LinearRegression("gradient_descent", max_iter=20000, tol=1e-12).fit(X, y)
    return Measured(_largest_difference(ours, LinearPeer().fit(X, y)), RELATIVE)


# --- perceptron and adaline --------------------------------------------------------------


@figure(
    "Perceptron",
    CLASSES_TEXT,
    "largest difference of a weight",
    settings="shuffle=False",
    at_most=0.0,
    source="scikit-learn",
)
def perceptron_weights() -> Measured:
    """The rows in their order: not one bit may differ."""
    return _on_classes(
        lambda X: X, lambda: cr.Perceptron(shuffle=False), lambda _: PerceptronPeer(shuffle=False)
    )


@figure(
    "Perceptron",
    "digits",
    "accuracy on the training rows",
    at_least=0.939,
    source="scikit-learn's documentation",
)
def perceptron_digits() -> Measured:
    """A line between each digit and all others."""
    X, y = load_digits(return_X_y=True)
    values = [cr.Perceptron(random_state=seed).fit(X, y).score(X, y) for seed in range(5)]
    peer = PerceptronPeer(random_state=0).fit(X, y).score(X, y)
    return over_seeds(values, more=f"seed 0: {short(values[0])}, scikit-learn's {short(peer)}")


def _ten_folds(estimator: Callable[..., Any]) -> Measured:
    X, y = load_breast_cancer(return_X_y=True)

    def accuracy(seed: int) -> float:
        model = make_pipeline(StandardScaler(), estimator(random_state=seed))
        return round(float(cross_val_score(model, X, y, cv=10).mean()), 3)

    values = [accuracy(seed) for seed in range(5)]
    return over_seeds(values, more=f"seed 0: {short(values[0])}")


TEN_FOLDS = ("breast_cancer, standardised", "mean accuracy of 10 folds")


@figure("Perceptron", *TEN_FOLDS, at_least=0.963, source="scikit-learn's")
def perceptron_breast_cancer() -> Measured:
    """Ten folds."""
    return _ten_folds(cr.Perceptron)


@figure(
    "Adaline",
    f"{CLASSES_TEXT}, standardised",
    "largest difference of a weight",
    settings="shuffle=False",
    at_most=1e-8,
    source="scikit-learn's SGDClassifier with squared_error",
)
def adaline_weights() -> Measured:
    """Step by step what stochastic gradient descent on the squared error does."""

    def peer(model: cr.Adaline) -> SGDClassifier:
        return SGDClassifier(
            loss="squared_error",
            penalty=None,
            learning_rate="constant",
            eta0=model.eta0_,
            shuffle=False,
        )

    return _on_classes(scale, lambda: cr.Adaline(shuffle=False), peer)


@figure("Adaline", *TEN_FOLDS)
def adaline_breast_cancer() -> Measured:
    """Ten folds."""
    return _ten_folds(cr.Adaline)


# --- logistic regression -----------------------------------------------------------------


@figure(
    "LogisticRegression",
    f"{CLASSES_TEXT}, standardised",
    "largest difference of a coefficient",
    settings="tol=1e-8, max_iter=5000",
    at_most=1e-4,
    source="scikit-learn, same settings",
)
def logistic_coefficients() -> Measured:
    """The minimum of the penalised log loss."""
    exact = {"tol": 1e-8, "max_iter": 5000}
    return _on_classes(
        scale, lambda: cr.LogisticRegression(**exact), lambda _: LogisticPeer(**exact)
    )
