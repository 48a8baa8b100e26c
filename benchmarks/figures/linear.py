"""Figures of linear regression."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression as Peer
from sklearn.preprocessing import scale

import chainrule as cr
from benchmarks.figures.figure import Measured, figure


def _largest_difference(ours: cr.LinearRegression, theirs: Peer) -> Measured:
    pairs = ((ours.coef_, theirs.coef_), (ours.intercept_, theirs.intercept_))
    largest = max(float(np.max(np.abs(a - b) / np.max(np.abs(b)))) for a, b in pairs)
    return Measured(largest, "relative to the largest")


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
    return _largest_difference(cr.LinearRegression().fit(X, y), Peer().fit(X, y))


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
    model = cr.LinearRegression("gradient_descent", max_iter=20000, tol=1e-12)
    return _largest_difference(model.fit(X, y), Peer().fit(X, y))
