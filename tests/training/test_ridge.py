"""Ridge regression: against scikit-learn's, and where normal equations lose their digits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from chainrule.training.ridge import ridge

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(3.0, 1.0, (60, 5)), RANDOM.normal(size=(60, 2))
WEIGHTS = RANDOM.uniform(0, 2, 60)


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("intercept", [False, True])
def test_solution_is_scikit_learns(alpha, weights, intercept):
    ours = ridge(X, Y, weights, alpha, intercept)
    theirs = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(X, Y, weights)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_.T, atol=1e-10)
    np.testing.assert_allclose(ours.intercept, theirs.intercept_, atol=1e-10)


def test_the_minimum_is_what_no_other_solution_goes_below():
    best = ridge(X, Y, WEIGHTS, 0.5)

    def value(w, b):
        errors = X @ w + b - Y
        return 0.5 * np.sum(WEIGHTS[:, np.newaxis] * errors**2) + 0.25 * np.sum(w**2)

    assert best.minimum == pytest.approx(value(best.coefficients, best.intercept))
    for _ in range(20):
        w = best.coefficients + 1e-3 * RANDOM.normal(size=best.coefficients.shape)
        assert value(w, best.intercept + 1e-3 * RANDOM.normal(size=2)) > best.minimum


def test_a_condition_number_of_1e9_leaves_half_of_the_digits():
    left, _ = np.linalg.qr(RANDOM.normal(size=(40, 6)))
    right, _ = np.linalg.qr(RANDOM.normal(size=(6, 6)))
    columns = left * np.logspace(0, -9, 6) @ right
    w = RANDOM.normal(size=(6, 1))
    solution = ridge(columns, columns @ w, None, 1e-30, fit_intercept=False)
    np.testing.assert_allclose(solution.coefficients, w, atol=1e-6)


def test_without_a_penalty_the_shortest_of_many_solutions_is_taken():
    solution = ridge(np.ones((3, 2)), np.full((3, 1), 2.0), None, 0.0, fit_intercept=False)
    np.testing.assert_allclose(solution.coefficients, [[1.0], [1.0]])
