"""scikit-learn's shared checks, on all auto encoders."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import (
    Autoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)

DRAWS_FOR_EACH_ROW = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "a row that is there twice is given two draws, a row of weight 2 one",
)


def expected_to_fail(estimator):
    draws = isinstance(estimator, (DenoisingAutoencoder, VariationalAutoencoder))
    return DRAWS_FOR_EACH_ROW if draws else {}


@parametrize_with_checks(
    [
        Autoencoder(encoder_sizes=(8,), tied_weights=True),
        DenoisingAutoencoder(n_components=4),
        SparseAutoencoder(n_components=4),
        VariationalAutoencoder(encoder_sizes=()),
    ],
    expected_failed_checks=expected_to_fail,
)
# The checks cut max_iter to 5, and have data of one or two features.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1")
@pytest.mark.filterwarnings("ignore:The code has . components for . features")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)
