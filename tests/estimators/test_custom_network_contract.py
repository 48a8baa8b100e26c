"""scikit-learn's shared checks, on networks of a list of layers."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

# Of everything that works for a single feature, too.
LAYERS = (cr.Dense(20), cr.LayerNorm(), cr.Activation("tanh"), cr.Residual([cr.Dense(20, "relu")]))


@parametrize_with_checks(
    [
        cr.NetworkClassifier(),
        cr.NetworkRegressor(),
        cr.NetworkClassifier(LAYERS, learning_rate_init=0.01),
        cr.MLPRegressor(hidden_layer_sizes=(20,), normalization="batch"),
    ]
)
# The checks cut max_iter to 5.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
