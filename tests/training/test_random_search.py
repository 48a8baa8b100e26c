"""Random search: guesses on the scale of the data, and their losses by the graph."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.engines.reference import ReferenceEngine
from chainrule.training import random_search
from chainrule.training.random_search import draw_guesses, guess_losses


@pytest.mark.parametrize("n_guesses", [1, 64, 100])
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("weighted", [True, False])
def test_losses_are_mean_squared_errors(n_guesses, n_targets, weighted, monkeypatch):
    monkeypatch.setattr(random_search, "BLOCK_ROWS", 16)
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(50, 4)), random.normal(size=(50, n_targets))
    w, b = random.normal(size=(n_guesses, 4, n_targets)), random.normal(size=(n_guesses, n_targets))
    weights = random.uniform(0, 2, 50) if weighted else None
    found = guess_losses(X, Y, weights, w, b, ReferenceEngine(), 2)
    errors = np.einsum("nj,gjt->gnt", X, w) + b[:, np.newaxis] - Y
    expected = np.average(np.sum(errors**2, axis=2), axis=1, weights=weights)
    np.testing.assert_allclose(found, expected)


def test_guesses_predict_around_the_targets_and_about_as_widely():
    random = np.random.default_rng(0)
    X = random.normal(1e3, [1e-3, 1.0, 1e3], (500, 3))
    Y = random.normal(-50.0, 7.0, (500, 1))
    w, b = draw_guesses(X, Y, None, 4000, True, np.random.RandomState(0))
    predictions = X @ w[:, :, 0].T + b[:, 0]
    assert predictions.mean() == pytest.approx(Y.mean(), abs=0.5)
    assert np.sqrt(predictions.var(axis=0).mean()) == pytest.approx(Y.std(), rel=0.05)


def test_a_constant_column_is_guessed_to_play_no_part():
    X = np.column_stack([np.arange(10.0), np.ones(10)])
    w, _ = draw_guesses(X, X[:, :1], None, 5, True, np.random.RandomState(0))
    assert w[:, 0].all()
    assert not w[:, 1].any()


def test_rows_of_weight_zero_do_not_set_the_scale():
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(40, 2)), random.normal(size=(40, 1))
    weights = np.repeat([1.0, 0.0], 20)
    outliers = np.where(weights[:, np.newaxis], X, 1e6)
    of_all = draw_guesses(outliers, Y, weights, 3, True, np.random.RandomState(0))
    of_some = draw_guesses(X[:20], Y[:20], None, 3, True, np.random.RandomState(0))
    for found, expected in zip(of_all, of_some, strict=True):
        np.testing.assert_allclose(found, expected)
