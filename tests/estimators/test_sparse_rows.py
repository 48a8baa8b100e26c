"""Sparse rows: the same bits as dense ones, and never dense all at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.errors import NonFiniteLossError
from chainrule.estimators import inputs as inputs_module
from chainrule.training import sparse_rows as sparse_rows_module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS, N_FEATURES, BATCH = 203, 40, 16
RNG = np.random.default_rng(0)
SPARSE = sparse.random_array((N_ROWS, N_FEATURES), density=0.1, format="csr", rng=RNG)
LABELS = RNG.integers(0, 3, N_ROWS)
NUMBERS = RNG.normal(size=N_ROWS)
WEIGHTS = RNG.random(N_ROWS)
SHARED = {"batch_size": BATCH, "max_iter": 4, "random_state": 0, "solver": "adam"}

MODELS = {
    "classifier": lambda **more: cr.MLPClassifier((5,), **{**SHARED, **more}),
    "dropout": lambda **more: cr.MLPClassifier((5,), dropout=0.3, **{**SHARED, **more}),
    "regressor": lambda **more: cr.MLPRegressor(hidden_layer_sizes=(5,), **{**SHARED, **more}),
    "logistic": lambda **more: cr.LogisticRegression(**{**SHARED, **more}),
    "autoencoder": lambda **more: cr.Autoencoder(3, (), **{**SHARED, **more}),
    "denoising": lambda **more: cr.DenoisingAutoencoder(3, (), **{**SHARED, **more}),
    "sparse code": lambda **more: cr.SparseAutoencoder(3, (), **{**SHARED, **more}),
    "variational": lambda **more: cr.VariationalAutoencoder(2, (5,), **{**SHARED, **more}),
}


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    """Buffers of three minibatches, and no matrix so small that it is made dense at once."""
    monkeypatch.setattr(inputs_module, "BUFFER_BYTES", 0)
    monkeypatch.setattr(sparse_rows_module, "BUFFER_BYTES", 3 * BATCH * (N_FEATURES + 5) * 8)


def fitted(name, X, y=None, **parameters):
    model = MODELS[name](**parameters)
    targets = NUMBERS if name == "regressor" else LABELS
    return model.fit(X, targets if y is None else y, sample_weight=WEIGHTS)


def assert_same_bits(one, other):
    for mine, its in zip(one._parameters, other._parameters, strict=True):
        np.testing.assert_array_equal(mine, its)
    for column in ("loss", "validation_loss", "validation_score"):
        assert one.history_.get(column) == other.history_.get(column)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_sparse_rows_train_to_the_bits_of_dense_ones(name, shuffle, engine):
    options = {"shuffle": shuffle, "engine": engine}
    dense = fitted(name, SPARSE.toarray(), **options)
    assert_same_bits(fitted(name, SPARSE, **options), dense)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [sparse.csc_matrix, sparse.csr_matrix, sparse.coo_array])
def test_every_form_and_precision_gives_the_bits_of_dense_rows(form, dtype):
    X = form(SPARSE.astype(dtype))
    assert_same_bits(fitted("classifier", X), fitted("classifier", X.toarray()))


@pytest.mark.parametrize("name", ["classifier", "regressor", "logistic", "autoencoder"])
def test_early_stopping_holds_out_the_same_rows(name):
    options = {"early_stopping": True, "max_iter": 6}
    dense = fitted(name, SPARSE.toarray(), **options)
    assert_same_bits(fitted(name, SPARSE, **options), dense)


@pytest.mark.parametrize("name", ["classifier", "regressor", "logistic", "autoencoder"])
def test_lbfgs_goes_through_blocks_of_sparse_rows(name):
    dense = fitted(name, SPARSE.toarray(), solver="lbfgs")
    assert_same_bits(fitted(name, SPARSE, solver="lbfgs"), dense)


def test_partial_fit_and_validation_data_take_sparse_rows():
    model, other = MODELS["classifier"](), MODELS["classifier"]()
    for start in (0, 100):
        part = SPARSE[start : start + 100]
        model.partial_fit(part, LABELS[start : start + 100], classes=[0, 1, 2])
        other.partial_fit(part.toarray(), LABELS[start : start + 100], classes=[0, 1, 2])
    assert_same_bits(model, other)
    held_out = (SPARSE[:50], LABELS[:50])
    model = MODELS["classifier"]().fit(SPARSE, LABELS, validation_data=held_out)
    held_out = (SPARSE[:50].toarray(), LABELS[:50])
    other = MODELS["classifier"]().fit(SPARSE.toarray(), LABELS, validation_data=held_out)
    assert_same_bits(model, other)


@pytest.mark.parametrize(
    "name, methods",
    [
        ("classifier", ("predict", "predict_proba", "predict_log_proba")),
        ("regressor", ("predict",)),
        ("logistic", ("predict", "predict_proba", "decision_function")),
        ("autoencoder", ("transform", "reconstruct", "score_samples", "predict")),
        ("variational", ("transform", "score_samples")),
    ],
)
def test_every_method_reads_sparse_rows_as_dense_ones(name, methods):
    model = fitted(name, SPARSE)
    for method in methods:
        sparse_values = getattr(model, method)(SPARSE)
        np.testing.assert_array_equal(sparse_values, getattr(model, method)(SPARSE.toarray()))


def test_a_loss_that_is_not_finite_names_the_row_of_the_sparse_matrix():
    spoilt = SPARSE.copy()
    spoilt.data[spoilt.indptr[150]] = 1e300
    messages = []
    for X in (spoilt, spoilt.toarray()):
        with pytest.raises(NonFiniteLossError, match="row 150 of the data") as caught:
            fitted("regressor", X, shuffle=False)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_row_by_row_learner_refuses_sparse_rows():
    with pytest.raises(TypeError, match="dense data is required"):
        cr.Perceptron().fit(SPARSE, LABELS)


def test_diagnose_asks_for_fewer_rows():
    with pytest.raises(ValueError, match=r"203 sparse ones .* X\[:10_000\]"):
        fitted("classifier", SPARSE).diagnose(SPARSE, LABELS)


PROGRAM = """
import sys, warnings
import numpy as np
from scipy import sparse
import chainrule as cr
from tests.helpers.memory import peak_megabytes
warnings.simplefilter("ignore")
n_rows, n_features, per_row = 200_000, 5_000, 10
rng = np.random.default_rng(0)
columns = np.sort(rng.integers(0, n_features, (n_rows, per_row)), axis=1)
X = sparse.csr_matrix(
    (np.ones(n_rows * per_row), columns.ravel(), np.arange(0, n_rows * per_row + 1, per_row)),
    shape=(n_rows, n_features),
)
y = (columns[:, 0] < 300).astype(int)
model = cr.MLPClassifier((4,), solver="{solver}", max_iter=1, random_state=0, {more})
assert model.fit(X, y).predict(X).shape == (n_rows,)
print(peak_megabytes())
"""


@pytest.mark.parametrize("solver, more", [("adam", "early_stopping=True"), ("lbfgs", "max_fun=2")])
def test_a_matrix_of_eight_gigabytes_dense_takes_less_than_one(solver, more):
    program = textwrap.dedent(PROGRAM).format(solver=solver, more=more)
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) < 600
