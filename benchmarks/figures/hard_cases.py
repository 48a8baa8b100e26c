"""Figures of the lecture's hard cases: what no line can tell apart, and a hidden layer can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score

import chainrule as cr
from benchmarks.figures.figure import Measured, figure, short
from chainrule.datasets.generated import make_parity, make_ring, make_three_modes

SEEDS = range(8)
CASES = {"parity": make_parity, "ring": make_ring, "three modes": make_three_modes}
HARD = ", ".join(CASES)
ROUND = {name: CASES[name] for name in ("ring", "three modes")}
LINES = {"at_most": 0.6, "source": "no better than chance, nearly"}
LAYERS = {"at_least": 0.95, "source": "solved"}
WORST = "balanced accuracy on 2,000 fresh rows, mean over 8 draws of data, lowest case"
BEST = "balanced accuracy on 2,000 fresh rows, mean over 8 draws of data, highest case"


def _cases(
    model: Callable[[int], Any], cases: dict[str, Callable[..., Any]], worst: Callable[..., float]
) -> Measured:
    """The mean accuracy of each case, of which ``worst`` chooses."""
    found = {}
    for name, make in cases.items():
        scores = []
        for seed in SEEDS:
            fitted = model(seed).fit(*make(1000, random_state=seed))
            X, y = make(2000, random_state=100 + seed)
            scores.append(balanced_accuracy_score(y, fitted.predict(X)))
        found[name] = float(np.mean(scores))
    each = ", ".join(f"{name} {short(value)}" for name, value in found.items())
    return Measured(worst(found.values()), each)


@figure("Perceptron", HARD, BEST, **LINES)  # type: ignore[arg-type]
def hard_cases_perceptron() -> Measured:
    """A line."""
    return _cases(lambda seed: cr.Perceptron(random_state=seed), CASES, max)


@figure("Adaline", HARD, BEST, **LINES)  # type: ignore[arg-type]
def hard_cases_adaline() -> Measured:
    """A line."""
    return _cases(lambda seed: cr.Adaline(random_state=seed), CASES, max)


@figure("LogisticRegression", HARD, BEST, **LINES)  # type: ignore[arg-type]
def hard_cases_logistic() -> Measured:
    """A line."""
    return _cases(lambda seed: cr.LogisticRegression(), CASES, max)


@figure(
    "MLPClassifier",
    HARD,
    WORST,
    settings='hidden_layer_sizes=(32,), activation="tanh", learning_rate_init=0.02, max_iter=300',
    **LAYERS,  # type: ignore[arg-type]
)
def hard_cases_mlp() -> Measured:
    """A hidden layer."""
    return _cases(
        lambda seed: cr.MLPClassifier(
            (32,), activation="tanh", learning_rate_init=0.02, max_iter=300, random_state=seed
        ),
        CASES,
        min,
    )


@figure("RBFClassifier", ", ".join(ROUND), WORST, **LAYERS)  # type: ignore[arg-type]
def hard_cases_radial() -> Measured:
    """Bumps, where neighbours are alike."""
    return _cases(lambda seed: cr.RBFClassifier(random_state=seed), ROUND, min)


@figure("RBFClassifier", "parity", WORST)
def hard_cases_radial_parity() -> Measured:
    """A corner's neighbours all have the other parity: bumps have no use here."""
    return _cases(lambda seed: cr.RBFClassifier(random_state=seed), {"parity": make_parity}, min)
