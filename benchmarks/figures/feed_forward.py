"""Figures of feed forward networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier as Peer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from benchmarks.figures.data import FIFTH, digits_and_a_fifth
from benchmarks.figures.figure import Measured, figure, over_seeds, short

FOLDS = "mean accuracy of 5 shuffled folds, standardised, seed 0"
TEN = "hidden_layer_sizes=(10,), max_iter=1000"


def _five_folds(load: Callable[..., Any]) -> Measured:
    """The accuracy with seed 0, its range over seeds, and scikit-learn's."""
    X, y = load(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def accuracy(estimator: Any, seed: int) -> float:
        model = make_pipeline(StandardScaler(), estimator((10,), max_iter=1000, random_state=seed))
        return round(float(cross_val_score(model, X, y, cv=folds).mean()), 3)

    values = [accuracy(cr.MLPClassifier, seed) for seed in range(5)]
    spread = f"median {short(median(values))}, {short(min(values))} to {short(max(values))}"
    peer = f"scikit-learn with seed 0: {short(accuracy(Peer, 0))}"
    return Measured(values[0], f"{spread} over 5 seeds; {peer}")


@figure("MLPClassifier", "iris", FOLDS, settings=TEN, at_least=0.947, source="scikit-learn's")
def iris() -> Measured:
    """Ten hidden units."""
    return _five_folds(load_iris)


@figure("MLPClassifier", "wine", FOLDS, settings=TEN, at_least=0.977, source="scikit-learn's")
def wine() -> Measured:
    """Ten hidden units."""
    return _five_folds(load_wine)


@figure(
    "MLPClassifier", "breast_cancer", FOLDS, settings=TEN, at_least=0.986, source="scikit-learn's"
)
def breast_cancer() -> Measured:
    """Ten hidden units."""
    return _five_folds(load_breast_cancer)


@figure(
    "MLPClassifier",
    *FIFTH,
    settings="hidden_layer_sizes=(64, 64)",
    at_least=0.969,
    source="scikit-learn's",
)
def digits() -> Measured:
    """Two hidden layers of 64."""
    X, X_test, y, y_test = digits_and_a_fifth()
    values = [
        cr.MLPClassifier((64, 64), random_state=seed).fit(X, y).score(X_test, y_test)
        for seed in range(5)
    ]
    peer = Peer((64, 64), random_state=0).fit(X, y).score(X_test, y_test)
    return over_seeds(values, more=f"seed 0: {short(values[0])}, scikit-learn's {short(peer)}")


@figure(
    "MLPClassifier",
    "XOR",
    "median accuracy on its four rows",
    settings='hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs"',
    at_least=1.0,
    source="solved",
)
def xor() -> Measured:
    """The task that one layer cannot learn."""
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float), np.array([0, 1, 1, 0])
    return over_seeds(
        [
            cr.MLPClassifier((4,), activation="tanh", solver="lbfgs", random_state=seed)
            .fit(X, y)
            .score(X, y)
            for seed in range(10)
        ]
    )


@figure(
    "MLPClassifier",
    "symmetry of 6 bits (Rumelhart 1986)",
    "largest relative difference of the weights to ratios of 1 : 2 : 4, best start",
    settings='hidden_layer_sizes=(2,), activation="logistic", solver="sgd", '
    "learning_rate_init=0.1, batch_size=64, max_iter=20000 without stopping",
    at_most=0.05,
    source="the paper's weights",
)
def symmetry() -> Measured:
    """Is a row of six bits its own mirror image? Two hidden units are enough, and only just."""
    X = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    y = np.equal(X, X[:, ::-1]).all(axis=1).astype(int)
    solved, found = 0, []
    for seed in range(8):
        model = cr.MLPClassifier(
            (2,),
            activation="logistic",
            solver="sgd",
            learning_rate_init=0.1,
            batch_size=64,
            max_iter=20000,
            tol=0.0,
            n_iter_no_change=20000,
            random_state=seed,
        ).fit(X, y)
        if model.score(X, y) < 1.0:
            continue
        solved += 1
        left, right = model.coefs_[0][:3], model.coefs_[0][:2:-1]
        sizes = np.sort(np.abs(left), axis=0)
        ratios = sizes / sizes[0]
        mirrored = np.max(np.abs(left + right)) / np.max(np.abs(left))
        apart = max(float(np.max(np.abs(ratios.T / [1.0, 2.0, 4.0] - 1.0))), float(mirrored))
        found.append((apart, ratios[:, 0]))
    if not found:
        return Measured(np.inf, "no start solved it")
    found.sort(key=lambda each: each[0])
    ratios = "; ".join(" : ".join(f"{each:.2f}" for each in ratio) for _, ratio in found)
    return Measured(found[0][0], f"{solved} of 8 starts solve it, with ratios {ratios}")
