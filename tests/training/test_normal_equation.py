"""Least squares: as accurate as the decomposition of X itself, and the smallest of many."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from chainrule.training.normal_equation import least_squares


def centred_lstsq(X, Y, **options):
    return scipy.linalg.lstsq(X - X.mean(axis=0), Y - Y.mean(axis=0), **options)[0]


@pytest.mark.parametrize("spread", [0, 2, 4, 5])
def test_ill_conditioned_columns_lose_no_more_digits_than_a_decomposition(spread):
    """The normal equation alone would lose 2·spread digits, of 16."""
    random = np.random.default_rng(0)
    directions, _ = np.linalg.qr(random.normal(size=(6, 6)))
    X = random.normal(size=(500, 6)) @ (directions * np.logspace(0, -spread, 6)) @ directions.T
    w = random.normal(size=(6, 1))
    found = least_squares(X, X @ w)
    assert found.rank == 6
    np.testing.assert_allclose(found.coefficients, w, rtol=0, atol=10.0 ** (spread - 13))


@pytest.mark.parametrize("seed", range(5))
def test_columns_of_other_units_change_nothing(seed):
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(300, 5)), random.normal(size=(300, 2))
    units = 10.0 ** random.integers(-9, 10, 5)
    plain, scaled = least_squares(X, Y), least_squares(X * units, Y)
    assert scaled.rank == 5
    np.testing.assert_allclose(scaled.coefficients * units[:, np.newaxis], plain.coefficients)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_of_many_solutions_the_smallest_is_taken(fit_intercept, weighted):
    random = np.random.default_rng(0)
    one_hot = np.eye(4)[random.integers(0, 4, 200)]
    X = np.column_stack([one_hot, random.normal(size=(200, 2)), np.full(200, 0.1)])
    X = np.column_stack([X, 3 * X[:, 4] - X[:, 5]])
    Y = random.normal(size=(200, 2))
    weights = random.uniform(0, 2, 200) if weighted else None
    found = least_squares(X, Y, weights, fit_intercept=fit_intercept)
    root = np.ones((200, 1)) if weights is None else np.sqrt(weights)[:, np.newaxis]
    share = root[:, 0] ** 2 / np.sum(root**2) * fit_intercept
    expected = scipy.linalg.lstsq(root * (X - share @ X), root * (Y - share @ Y), cond=1e-9)
    np.testing.assert_allclose(found.coefficients, expected[0], atol=1e-12)
    assert found.rank == expected[2]
    if fit_intercept:
        assert set(found.dependent) == {0, 1, 2, 3, 4, 5, 6, 7}


def test_a_constant_column_gets_zero_whatever_its_rounding_errors():
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(size=100_000), np.full(100_000, 1.1)])
    found = least_squares(X, X[:, :1] + 0.1 * random.normal(size=(100_000, 1)), n_threads=2)
    assert found.coefficients[1, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.rank == 1
    assert list(found.dependent) == [1]


def test_columns_that_are_all_constant_give_the_mean():
    found = least_squares(np.ones((5, 2)), np.arange(5.0)[:, np.newaxis])
    np.testing.assert_array_equal(found.coefficients, 0.0)
    assert found.intercept == 2.0
    assert found.rank == 0


@pytest.mark.parametrize("n_rows", [1, 3, 6, 7, 50])
def test_any_number_of_rows_agrees_with_a_decomposition(n_rows):
    random = np.random.default_rng(n_rows)
    X, Y = random.normal(size=(n_rows, 6)), random.normal(size=(n_rows, 2))
    found = least_squares(X, Y)
    np.testing.assert_allclose(found.coefficients, centred_lstsq(X, Y), atol=1e-8)
    residuals = Y - X @ found.coefficients - found.intercept
    assert found.residual == pytest.approx(np.sum(residuals**2), abs=1e-12)


@pytest.mark.parametrize("spread", [0, 3, 9])
@pytest.mark.parametrize("weighted", [True, False])
def test_few_rows_are_met_exactly_whatever_the_units_of_the_columns(spread, weighted):
    random = np.random.default_rng(spread)
    units = 10.0 ** np.linspace(-spread, spread, 8)
    X, Y = random.normal(size=(5, 8)) * units, random.normal(size=(5, 2))
    weights = random.uniform(0.5, 2.0, 5) if weighted else None
    found = least_squares(X, Y, weights)
    assert found.rank == 4
    np.testing.assert_allclose(X @ found.coefficients + found.intercept, Y, atol=1e-10)
    # None is shorter: nothing lies outside the space that the rows span.
    centred = X - np.average(X, axis=0, weights=weights)
    smallest = scipy.linalg.lstsq(centred, centred @ found.coefficients, cond=1e-24)[0]
    assert np.linalg.norm(found.coefficients) <= np.linalg.norm(smallest) * (1 + 1e-6)


@pytest.mark.parametrize("n_rows", [3, 6])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_constant_column_gets_zero_from_few_rows_too(n_rows, weighted):
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(n_rows, 6)), random.normal(size=(n_rows, 1))
    X[:, 2] = 1e6 + 0.1
    found = least_squares(X, Y, random.uniform(0.5, 2.0, n_rows) if weighted else None)
    assert found.rank == n_rows - 1
    assert found.coefficients[2] == 0.0


def test_a_wide_table_agrees_with_a_decomposition():
    random = np.random.default_rng(0)
    X, Y = random.normal(5.0, 1.0, (2000, 300)), random.normal(size=(2000, 1))
    found = least_squares(X, Y, n_threads=2)
    np.testing.assert_allclose(found.coefficients, centred_lstsq(X, Y), atol=1e-12)
    values = scipy.linalg.svdvals(X - X.mean(axis=0))
    np.testing.assert_allclose(found.singular, values, rtol=1e-10)


def test_values_too_large_for_a_mean_are_refused():
    with pytest.raises(ValueError, match="too large to take the mean of"):
        least_squares(np.full((3, 1), 1.7e308), np.ones((3, 1)))
