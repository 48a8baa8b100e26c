"""scikit-learn's shared checks, on both perceptrons."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import MLPClassifier, MLPRegressor


@parametrize_with_checks(
    [MLPClassifier(), MLPRegressor(), MLPClassifier((), solver="lbfgs", engine="reference")]
)
# The checks cut max_iter to 5.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
