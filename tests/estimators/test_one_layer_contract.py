"""scikit-learn's shared checks, on the networks of one layer."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import Adaline, LogisticRegression, Perceptron

ROW_BY_ROW = {
    "check_sample_weight_equivalence_on_dense_data": (
        "one step of twice the length is not two steps, and the orders of rows differ"
    )
}


def expected_failures(estimator):
    return ROW_BY_ROW if isinstance(estimator, (Adaline, Perceptron)) else {}


@parametrize_with_checks(
    [Perceptron(), Adaline(), LogisticRegression()],
    expected_failed_checks=expected_failures,
)
# The checks cut max_iter to 5.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
