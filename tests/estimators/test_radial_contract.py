"""scikit-learn's shared checks, on the radial basis networks."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import RBFClassifier, RBFRegressor


@parametrize_with_checks(
    [RBFClassifier(centres="random", fine_tune=True, n_threads=1), RBFRegressor(n_threads=1)]
)
# The checks cut max_iter to 5.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
