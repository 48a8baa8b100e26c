"""Regression to quantiles: one, or several at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor

import chainrule as cr

DRAW = np.random.default_rng(0)
X = DRAW.uniform(0, 1, (1500, 2))
Y = X[:, 0] * (1 + DRAW.normal(size=1500))
LEVELS = [0.1, 0.5, 0.8]


def linear(**parameters):
    """A network without hidden layers, trained until nothing moves any more."""
    settings = {
        "loss": "quantile",
        "hidden_layer_sizes": (),
        "alpha": 0.0,
        "learning_rate": cr.CosineSchedule(),
        "learning_rate_init": 0.05,
        "max_iter": 300,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return cr.MLPRegressor(**{**settings, **parameters})


@pytest.fixture(scope="module")
def several():
    return linear(quantile=LEVELS).fit(X, Y)


def test_several_quantiles_are_those_that_linear_programming_finds(several):
    quantiles = several.predict_quantiles(X)
    assert quantiles.shape == (1500, 3)
    for k, level in enumerate(LEVELS):
        peer = QuantileRegressor(quantile=level, alpha=0.0).fit(X, Y).predict(X)
        np.testing.assert_allclose(quantiles[:, k], peer, atol=0.05)
        assert np.mean(quantiles[:, k] > Y) == pytest.approx(level, abs=0.01)


def test_the_prediction_is_the_quantile_nearest_to_the_median(several):
    np.testing.assert_array_equal(several.predict(X), several.predict_quantiles(X)[:, 1])
    np.testing.assert_array_equal(several.quantiles_, LEVELS)


def test_quantiles_never_cross(several):
    far = DRAW.normal(0, 50, (500, 2))
    quantiles = several.predict_quantiles(far)
    raw = several._outputs(far)
    assert (np.diff(raw, axis=1) < 0).any()  # the network's own do
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_one_quantile_is_the_only_column():
    model = cr.MLPRegressor("quantile", (4,), quantile=0.9, max_iter=500, random_state=0)
    model.fit(X, Y)
    np.testing.assert_array_equal(model.predict_quantiles(X)[:, 0], model.predict(X))
    assert model.predict_quantiles(X).shape == (1500, 1)


def test_several_targets_have_several_quantiles_each():
    targets = np.column_stack([Y, 10 + 2 * Y])
    model = cr.MLPRegressor(
        "quantile", (8,), quantile=[0.25, 0.75], solver="lbfgs", max_iter=2000, random_state=0
    )
    model.fit(X, targets)
    quantiles = model.predict_quantiles(X)
    assert quantiles.shape == (1500, 2, 2)
    assert model.predict(X).shape == (1500, 2)
    for target in range(2):
        for k, level in enumerate(model.quantiles_):
            share = np.mean(quantiles[:, target, k] > targets[:, target])
            assert share == pytest.approx(level, abs=0.05)


@pytest.mark.parametrize("output", ["last", "each"])
def test_recurrent_networks_have_quantiles(output):
    sequences = DRAW.normal(size=(120, 5, 1))
    y = sequences[..., 0] if output == "each" else sequences[:, -1, 0]
    model = cr.GRURegressor(
        6, loss="quantile", quantile=[0.2, 0.5, 0.8], output=output, max_iter=3, tol=0.0
    )
    with pytest.warns(match="Maximum iterations"):
        model.fit(sequences, y)
    shape = (120, 5, 3) if output == "each" else (120, 3)
    assert model.predict_quantiles(sequences).shape == shape
    assert model.predict(sequences).shape == shape[:-1]
    assert np.isfinite(model.score(sequences, y))


def test_a_list_of_sequences_gives_a_list_of_quantiles():
    sequences = [DRAW.normal(size=(length, 1)) for length in (3, 5, 4)]
    model = cr.RNNRegressor(3, loss="quantile", quantile=[0.2, 0.8], output="each", max_iter=2)
    with pytest.warns(match="Maximum iterations"):
        model.fit(sequences, [each[:, 0] for each in sequences])
    assert [each.shape for each in model.predict_quantiles(sequences)] == [(3, 2), (5, 2), (4, 2)]


def test_a_saved_model_knows_its_quantiles(several, tmp_path):
    several.save(tmp_path / "quantiles.safetensors")
    again = cr.load(tmp_path / "quantiles.safetensors")
    np.testing.assert_array_equal(again.predict_quantiles(X), several.predict_quantiles(X))


def test_the_derivation_follows_one_of_several_quantiles(several):
    work = several.explain(X[0], Y[0], parameter="W1[1, 2]")
    assert all(chain.check.agrees for chain in work.chains)


def test_other_losses_have_no_quantiles():
    model = cr.MLPRegressor()
    assert not hasattr(model, "predict_quantiles")
    with pytest.raises(AttributeError) as failure:
        model.predict_quantiles(X)
    assert "use loss='quantile'" in str(failure.value.__cause__)


@pytest.mark.parametrize("quantile", [[], [0.5, 0.1], [0.1, 0.1], [0.0, 0.5], [0.5, 1.0], [[0.1]]])
def test_quantiles_that_make_no_sense_are_refused(quantile):
    with pytest.raises(ValueError, match="quantile must be a number between 0 and 1, or several"):
        linear(quantile=quantile).fit(X, Y)


def test_a_forecaster_has_one_value_for_each_step():
    model = cr.RNNRegressor(3, loss="quantile", quantile=[0.1, 0.9])
    with pytest.raises(ValueError, match="give y, or one quantile"):
        model.fit(DRAW.normal(size=(4, 20)))


def test_several_quantiles_of_another_loss_are_refused():
    with pytest.raises(ValueError, match="set loss='quantile'"):
        cr.MLPRegressor(quantile=[0.1, 0.9]).fit(X, Y)
