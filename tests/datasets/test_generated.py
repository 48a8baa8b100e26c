"""Generated data is what it says: the lecture's hard cases are hard for a line only."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

import chainrule as cr
from chainrule.datasets import generated
from chainrule.errors import DataError

HARD: dict[str, Callable[[int], tuple[Any, Any]]] = {
    "parity": lambda seed: generated.make_parity(2000, 8, random_state=seed),
    "ring": lambda seed: generated.make_ring(2000, random_state=seed),
    "three modes": lambda seed: generated.make_three_modes(2000, random_state=seed),
}


@pytest.mark.parametrize("name", HARD)
def test_l7_a_line_stays_near_chance_and_a_network_does_not(name: str) -> None:
    X, y = HARD[name](0)
    X_test, y_test = HARD[name](1)
    line = LogisticRegression().fit(X, y)
    assert balanced_accuracy_score(y_test, line.predict(X_test)) < 0.6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = cr.MLPClassifier(
            (64, 64), learning_rate_init=0.005, max_iter=150, random_state=0
        ).fit(X, y)
    assert balanced_accuracy_score(y_test, network.predict(X_test)) > 0.95


@pytest.mark.parametrize("name", generated.__all__)
def test_the_same_seed_draws_the_same(name: str) -> None:
    make = getattr(generated, name)
    first, second = make(50, random_state=3), make(50, random_state=3)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], make(50, random_state=4)[0])


def test_classes_come_in_halves() -> None:
    for name in ("ring", "three modes"):
        assert HARD[name](0)[1].mean() == pytest.approx(0.5, abs=0.01)


def test_the_marks_of_the_adding_problem_stand_one_in_each_half() -> None:
    X, _ = generated.make_adding(200, 20, random_state=0)
    assert (X[:, :10, 1].sum(axis=1) == 1).all()
    assert (X[:, 10:, 1].sum(axis=1) == 1).all()
    _, y = generated.make_adding(20_000, 20, random_state=0)
    assert float(np.mean(y**2)) == pytest.approx(2 / 3, rel=0.03)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: generated.make_parity(0), "n_samples is 0"),
        (lambda: generated.make_parity(5, 0), "n_pixels is 0"),
        (lambda: generated.make_adding(5, 1), "two steps are marked"),
        (lambda: generated.make_shift_register(5, 4, 4), "from 0 to 3"),
    ],
)
def test_what_cannot_be_drawn_is_told(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        make()
