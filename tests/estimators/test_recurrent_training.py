"""Recurrent networks train as their solvers, buckets and windows promise."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAW = np.random.default_rng(0)
EQUAL = DRAW.normal(size=(30, 6, 2))
RAGGED = [each[: 1 + k % 6] for k, each in enumerate(EQUAL)]
Y = EQUAL[:, 0, 0]


@pytest.mark.parametrize("X", [EQUAL, RAGGED], ids=["equal lengths", "several lengths"])
def test_lbfgs_fits_sequences(X) -> None:
    model = cr.GRURegressor(5, solver="lbfgs", max_iter=60, random_state=0).fit(X, Y)
    assert model.score(X, Y) > 0.99


def test_lbfgs_fits_a_series() -> None:
    series = np.sin(0.4 * np.arange(80))
    model = cr.RNNRegressor(5, solver="lbfgs", max_iter=150, random_state=0).fit(series)
    expected = np.sin(0.4 * np.arange(80, 85))
    np.testing.assert_allclose(model.forecast(5), expected, atol=0.05)


def test_padding_that_users_see_changes_nothing_that_is_learned() -> None:
    """A longer sequence that weighs nothing makes all others padded."""
    long = [*EQUAL, DRAW.normal(size=(9, 2))]
    weight = np.append(np.ones(30), 0.0)
    settings = {"hidden_size": 4, "solver": "lbfgs", "max_iter": 15, "random_state": 0}
    alone = cr.LSTMRegressor(**settings).fit(EQUAL, Y)
    padded = cr.LSTMRegressor(**settings).fit(long, np.append(Y, 0.0), sample_weight=weight)
    np.testing.assert_allclose(padded.predict(EQUAL), alone.predict(EQUAL), atol=1e-6)
