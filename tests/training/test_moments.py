"""Moments: right for any number of blocks and threads, in any order of memory, near any offset."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.training import moments
from chainrule.training.moments import column_moments, find_not_finite


def expected_moments(X, Y, weights, centre):
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    weights = np.ones(len(X)) if weights is None else weights
    x_mean = np.average(X, axis=0, weights=weights) * centre
    y_mean = np.average(Y, axis=0, weights=weights) * centre
    x, y = X - x_mean, Y - y_mean
    return x_mean, y_mean, (x.T * weights) @ x, (x.T * weights) @ y, weights @ y**2


@pytest.fixture(params=["C", "F", "strided"])
def layout(request):
    def lay_out(X):
        if request.param == "strided":
            return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
        return np.asarray(X, order=request.param)

    return lay_out


@pytest.mark.parametrize("columns", [1, 5, 130])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_moments_are_those_of_the_definition(
    layout, columns, weighted, centre, n_threads, dtype, monkeypatch
):
    monkeypatch.setattr(moments, "moment_block", lambda n_features: 200)
    random = np.random.default_rng(0)
    X = layout(random.normal(3.0, 1.0, (2500, columns)).astype(dtype))
    Y = random.normal(-2.0, 1.0, (2500, 2))
    weights = random.uniform(0, 2, 2500) * (np.arange(2500) > 1000) if weighted else None
    found = column_moments(X, Y, weights, centre=centre, n_threads=n_threads)
    x_mean, y_mean, xx, xy, yy = expected_moments(X, Y, weights, centre)
    np.testing.assert_allclose(found.x_mean, x_mean, rtol=1e-12)
    np.testing.assert_allclose(found.y_mean, y_mean, rtol=1e-12)
    np.testing.assert_allclose(found.xx, xx, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(found.xy, xy, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(found.yy, yy, rtol=1e-12)
    assert found.weight == pytest.approx(2500 if weights is None else weights.sum())


def test_no_digits_cancel_where_means_are_large_or_drift(monkeypatch):
    monkeypatch.setattr(moments, "moment_block", lambda n_features: 200)
    noise = np.random.default_rng(0).integers(-4, 5, (8192, 2)).astype(np.float64)
    noise[::2] = -noise[1::2]  # so that its mean is 0, exactly
    far = column_moments(noise + 2.0**40, noise, n_threads=2)
    np.testing.assert_array_equal(far.xx, noise.T @ noise)
    drift = np.repeat(np.arange(8.0), 1024)[:, np.newaxis] * 2.0**30
    drifting = column_moments(noise + drift, noise, n_threads=2)
    expected = expected_moments(noise + drift, noise, None, True)[2]
    np.testing.assert_allclose(drifting.xx, expected, rtol=1e-15)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_same_threads_give_the_same_bits(n_threads):
    X = np.random.default_rng(0).normal(size=(300_000, 5))
    first, second = (column_moments(X, X[:, :1], n_threads=n_threads) for _ in range(2))
    np.testing.assert_array_equal(first.xx, second.xx)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 2), (1499, 0), (2499, 2)])
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_one_value_that_is_not_finite_shows_and_is_found(
    value, place, centre, n_threads, monkeypatch
):
    monkeypatch.setattr(moments, "moment_block", lambda n_features: 200)
    X = np.ones((2500, 3))
    assert column_moments(X, X, centre=centre, n_threads=n_threads).finite
    assert find_not_finite(X) is None
    X[place] = value
    assert not column_moments(X, np.ones((2500, 1)), centre=centre, n_threads=n_threads).finite
    assert find_not_finite(X) == place
