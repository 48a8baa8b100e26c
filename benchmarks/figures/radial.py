"""Figures of radial basis networks."""

from __future__ import annotations

from statistics import median

import numpy as np
from scipy.interpolate import RBFInterpolator

import chainrule as cr
from benchmarks.figures.data import FIFTH, digits_and_a_fifth
from benchmarks.figures.figure import Measured, figure, short

WIDTH = 8.0
"""The interpolant's epsilon; for wider bumps neither solution has the digits to compare."""


@figure(
    "RBFRegressor",
    "150 points in the plane",
    "largest difference to the interpolant elsewhere",
    settings='centres="data", gamma=64, alpha=1e-14, fit_intercept=False',
    at_most=1e-6,
    source="SciPy's RBFInterpolator",
)
def radial_interpolant() -> Measured:
    """With a centre on each point it goes through all of them, as SciPy's does."""
    generator = np.random.default_rng(0)
    points, elsewhere = (generator.uniform(-1, 1, (n, 2)) for n in (150, 300))
    values = np.sin(3 * points[:, 0]) + points[:, 1]
    model = cr.RBFRegressor(centres="data", gamma=WIDTH**2, alpha=1e-14, fit_intercept=False)
    peer = RBFInterpolator(points, values, kernel="gaussian", degree=-1, epsilon=WIDTH)
    apart = model.fit(points, values).predict(elsewhere) - peer(elsewhere)
    spread = f"values from {values.min():.1f} to {values.max():.1f}"
    return Measured(float(np.max(np.abs(apart))), spread)


def _digits(n_centres: int) -> Measured:
    """The accuracy with seed 0, and its range over seeds."""
    X, X_test, y, y_test = digits_and_a_fifth()
    values = [
        round(cr.RBFClassifier(n_centres, random_state=seed).fit(X, y).score(X_test, y_test), 3)
        for seed in range(5)
    ]
    spread = f"median {short(median(values))}, {short(min(values))} to {short(max(values))}"
    return Measured(values[0], f"{spread} over {len(values)} seeds of the centres")


BUMPS = (FIFTH[0], f"{FIFTH[1]}, and so the centres")
SOURCE = "k-means with seed 0, least squares"


@figure("RBFClassifier", *BUMPS, settings="n_centres=100", at_least=0.983, source=SOURCE)
def radial_digits_100() -> Measured:
    """A hundred bumps."""
    return _digits(100)


@figure("RBFClassifier", *BUMPS, settings="n_centres=300", at_least=0.989, source=SOURCE)
def radial_digits_300() -> Measured:
    """Three hundred bumps."""
    return _digits(300)


@figure(
    "LogisticRegression",
    *FIFTH,
    settings="max_iter=1000",
    at_least=0.967,
    source="scikit-learn's",
)
def logistic_digits() -> Measured:
    """What the same rows give without bumps."""
    X, X_test, y, y_test = digits_and_a_fifth()
    model = cr.LogisticRegression(max_iter=1000).fit(X, y)
    return Measured(round(model.score(X_test, y_test), 3), "no random start")
