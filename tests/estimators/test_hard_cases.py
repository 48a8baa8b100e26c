"""The lecture's hard cases: what no line can tell apart, and a hidden layer can."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from chainrule import Adaline, LogisticRegression, MLPClassifier, Perceptron, RBFClassifier
from chainrule.datasets.generated import make_parity, make_ring, make_three_modes

CASES = [make_parity, make_ring, make_three_modes]


def held_out_score(model, make, seed=0):
    model.fit(*make(1000, random_state=seed))
    rows, labels = make(2000, random_state=100 + seed)
    return balanced_accuracy_score(labels, model.predict(rows))


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("kind", [Perceptron, Adaline, LogisticRegression])
def test_a_line_cannot_tell_them_apart(kind, make):
    # Where all lines are about as bad, which one it is is chance: so the mean of several.
    assert np.mean([held_out_score(kind(), make, seed) for seed in range(8)]) < 0.6


@pytest.mark.parametrize("make", CASES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_hidden_layer_can(make):
    model = MLPClassifier(
        (32,), activation="tanh", learning_rate_init=0.02, max_iter=300, random_state=0
    )
    assert held_out_score(model, make) > 0.95


@pytest.mark.parametrize("make", [make_ring, make_three_modes])
def test_bumps_can_where_neighbours_are_alike(make):
    assert held_out_score(RBFClassifier(random_state=0, n_threads=1), make) > 0.95


def test_bumps_learn_parity_by_heart_only():
    # A corner's neighbours all have the other parity: narrow bumps remember each corner.
    corners = np.unique(make_parity(1000, random_state=0)[0], axis=0)
    assert (
        held_out_score(RBFClassifier(centres=corners, gamma=1.0, n_threads=1), make_parity) > 0.95
    )
    assert held_out_score(RBFClassifier(centres=corners, n_threads=1), make_parity) < 0.7
