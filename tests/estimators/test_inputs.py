"""Frames, Arrow tables and arrays of other libraries count as the NumPy arrays that they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import is_regressor

import chainrule as cr
from chainrule.datasets.foreign import as_given
from chainrule.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
NUMBERS = X[:, 0] - X[:, 1]
LABELS = np.array(["no", "yes"])[(NUMBERS > 0).astype(int)]
WEIGHTS = RNG.random(60)
NAMES = ["a", "b", "c"]
COLUMNS = dict(zip(NAMES, X.T, strict=True))


class OnDevice:
    """An array that is known only by what DLPack asks of it."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device, self.dtype = array, device, array.dtype

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


def tensor(values):
    return pytest.importorskip("torch").tensor(values)


def jax_array(values):
    pytest.importorskip("jax")
    import jax

    with jax.enable_x64(True):
        return jax.numpy.asarray(values)


TABLES = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "arrow table": lambda: pa.table(COLUMNS),
    "arrow batch": lambda: pa.record_batch(COLUMNS),
    "dlpack": lambda: OnDevice(X),
    "torch": lambda: tensor(X),
    "jax": lambda: jax_array(X),
}
SERIES = {
    "pandas": pd.Series,
    "polars": pl.Series,
    "arrow": pa.array,
    "arrow chunks": lambda values: pa.chunked_array([pa.array(values)]),
}
ARRAYS = {"dlpack": OnDevice, "torch": tensor, "jax": jax_array}

# What is read does not depend on the engine, and this one has nothing to compile.
SHORT = {"max_iter": 2, "random_state": 0, "engine": "reference"}
CLASSIFIERS = {
    "mlp": lambda: cr.MLPClassifier((4,), **SHORT),
    "logistic": lambda: cr.LogisticRegression(engine="reference"),
    "perceptron": lambda: cr.Perceptron(**SHORT),
    "adaline": lambda: cr.Adaline(**SHORT),
    "radial": lambda: cr.RBFClassifier(n_centres=5, random_state=0, engine="reference"),
    "gru": lambda: cr.GRUClassifier(3, **SHORT),
}
REGRESSORS = {
    "mlp": lambda: cr.MLPRegressor(hidden_layer_sizes=(4,), **SHORT),
    "linear": lambda: cr.LinearRegression(),
    "radial": lambda: cr.RBFRegressor(n_centres=5, random_state=0, engine="reference"),
    "lstm": lambda: cr.LSTMRegressor(3, **SHORT),
}
ENCODERS = {
    "autoencoder": lambda: cr.Autoencoder(2, (), **SHORT),
    "denoising": lambda: cr.DenoisingAutoencoder(2, (), **SHORT),
    "sparse": lambda: cr.SparseAutoencoder(2, (), **SHORT),
    "variational": lambda: cr.VariationalAutoencoder(2, (), **SHORT),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("form", TABLES)
def test_classifiers_read_every_table(form, name):
    table = TABLES[form]()
    model = CLASSIFIERS[name]().fit(table, LABELS)
    wanted = CLASSIFIERS[name]().fit(X, LABELS)
    np.testing.assert_array_equal(model.predict(table), wanted.predict(X))
    assert model.score(table, LABELS) == wanted.score(X, LABELS)
    known = getattr(model, "feature_names_in_", np.array([])).tolist()
    assert known == (NAMES if form in ("pandas", "polars", "arrow table", "arrow batch") else [])


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("form", TABLES)
def test_regressors_read_every_table(form, name):
    table = TABLES[form]()
    model = REGRESSORS[name]().fit(table, NUMBERS)
    wanted = REGRESSORS[name]().fit(X, NUMBERS).predict(X)
    # A frame is read column by column, so a product adds up in another order.
    np.testing.assert_allclose(model.predict(table), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("form", TABLES)
def test_auto_encoders_read_every_table(form, name):
    table = TABLES[form]()
    model, wanted = ENCODERS[name]().fit(table), ENCODERS[name]().fit(X)
    codes = model.transform(table)
    np.testing.assert_array_equal(codes, wanted.transform(X))
    np.testing.assert_array_equal(model.score_samples(table), wanted.score_samples(X))
    np.testing.assert_array_equal(
        model.inverse_transform(OnDevice(codes)), wanted.inverse_transform(codes)
    )


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("form", [*SERIES, "categories", "dictionary"])
def test_classes_may_be_any_series_of_text(form, name):
    kinds = {
        "categories": lambda values: pl.Series(values).cast(pl.Categorical),
        "dictionary": lambda values: pa.array(values).dictionary_encode(),
    }
    y = {**SERIES, **kinds}[form](LABELS)
    model = CLASSIFIERS[name]().fit(X, y)
    wanted = CLASSIFIERS[name]().fit(X, LABELS)
    assert model.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(model.predict(X), wanted.predict(X))
    assert model.score(X, y) == wanted.score(X, LABELS)


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("form", [*SERIES, *ARRAYS])
def test_targets_may_be_any_series_or_array(form, name):
    y = {**SERIES, **ARRAYS}[form](NUMBERS)
    model, wanted = REGRESSORS[name]().fit(X, y), REGRESSORS[name]().fit(X, NUMBERS)
    np.testing.assert_array_equal(model.predict(X), wanted.predict(X))


LEARNERS = {**CLASSIFIERS, **ENCODERS}


@pytest.mark.parametrize(
    "form, name",
    [*((form, "mlp") for form in (*SERIES, *ARRAYS)), *(("polars", name) for name in LEARNERS)],
)
def test_weights_may_be_any_series_or_array(form, name):
    weights = {**SERIES, **ARRAYS}[form](WEIGHTS)
    model = LEARNERS[name]().fit(X, LABELS, sample_weight=weights)
    wanted = LEARNERS[name]().fit(X, LABELS, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(model.predict(X), wanted.predict(X))
    assert model.loss_ == wanted.loss_


@pytest.mark.parametrize("form", TABLES)
def test_validation_data_and_partial_fit_read_every_table(form):
    table = TABLES[form]()
    y = pl.Series(LABELS)
    model = CLASSIFIERS["mlp"]().fit(table, y, validation_data=(table, y, pa.array(WEIGHTS)))
    wanted = CLASSIFIERS["mlp"]().fit(X, LABELS, validation_data=(X, LABELS, WEIGHTS))
    assert model.history_["validation_loss"] == wanted.history_["validation_loss"]
    model = CLASSIFIERS["mlp"]().partial_fit(table, y, classes=pa.array(["no", "yes"]))
    wanted = CLASSIFIERS["mlp"]().partial_fit(X, LABELS, classes=["no", "yes"])
    np.testing.assert_array_equal(model.predict_proba(table), wanted.predict_proba(X))


def test_sequences_may_be_tensors_one_or_many():
    series = RNG.normal(size=(20, 7, 2))
    y = (series[:, :, 0].sum(axis=1) > 0).astype(int)
    wanted = cr.RNNClassifier(3, **SHORT).fit(series, y)
    for given in (OnDevice(series), tensor(series)):
        model = cr.RNNClassifier(3, **SHORT).fit(given, y)
        np.testing.assert_array_equal(model.predict_proba(given), wanted.predict_proba(series))
    lengths = RNG.integers(2, 7, 20)
    listed = [each[:length] for each, length in zip(series, lengths, strict=True)]
    wanted = cr.RNNClassifier(3, **SHORT).fit(listed, y)
    model = cr.RNNClassifier(3, **SHORT).fit([OnDevice(each) for each in listed], y)
    np.testing.assert_array_equal(model.predict_proba(listed), wanted.predict_proba(listed))


def test_explanations_and_diagnoses_read_them_too():
    model = CLASSIFIERS["mlp"]().fit(X, LABELS)
    assert str(model.explain(OnDevice(X[0]), "yes")) == str(model.explain(X[0], "yes"))
    assert str(model.diagnose(tensor(X), pl.Series(LABELS))) == str(model.diagnose(X, LABELS))


# --- what is given back ------------------------------------------------------------------


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("kind, frame", [("polars", pl.DataFrame), ("pandas", pd.DataFrame)])
@pytest.mark.parametrize("form", ["polars", "arrow table"])
def test_set_output_gives_frames(form, kind, frame, name):
    table = TABLES[form]()
    model = ENCODERS[name]().set_output(transform=kind)
    codes = model.fit(table).transform(table)
    assert isinstance(codes, frame)
    assert list(codes.columns) == model.get_feature_names_out().tolist()
    np.testing.assert_array_equal(codes.to_numpy(), ENCODERS[name]().fit(X).transform(X))


def test_names_are_held_to_across_libraries():
    model = CLASSIFIERS["mlp"]().fit(pa.table(COLUMNS), LABELS)
    model.predict(pl.DataFrame(COLUMNS))
    with pytest.raises(ValueError, match="names should match"):
        model.predict(pa.table({"b": X[:, 1], "a": X[:, 0], "c": X[:, 2]}))


# --- thrift ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_other_libraries_are_not_copied(dtype):
    rows = X.astype(dtype)
    assert np.shares_memory(as_given(OnDevice(rows), "X"), rows)
    model = CLASSIFIERS["mlp"]()
    read, _ = model._validate_rows(OnDevice(rows), LABELS, (np.float64, np.float32), reset=True)
    assert np.shares_memory(read, rows)


def test_a_tensor_is_read_where_it_is():
    rows = tensor(X)
    assert as_given(rows, "X").ctypes.data == rows.data_ptr()
    assert as_given(rows.requires_grad_(), "X").ctypes.data == rows.data_ptr()


def test_single_precision_stays_single():
    columns = {name: values.astype(np.float32) for name, values in COLUMNS.items()}
    frames = [frame(columns) for frame in (pd.DataFrame, pl.DataFrame, pa.table)]
    for given in (*frames, OnDevice(X.astype(np.float32))):
        assert CLASSIFIERS["mlp"]().fit(given, LABELS).coefs_[0].dtype == np.float32
    mixed = pl.DataFrame({**columns, "b": COLUMNS["b"]})
    assert CLASSIFIERS["mlp"]().fit(mixed, LABELS).coefs_[0].dtype == np.float64


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [*CLASSIFIERS.values(), *REGRESSORS.values()], ids=[*CLASSIFIERS, *REGRESSORS]
)
def test_an_array_on_a_gpu_is_asked_to_move(make):
    y = NUMBERS if is_regressor(make()) else LABELS
    with pytest.raises(DataError, match=r"X is .*OnDevice in the memory of device 1.*X\.cpu\(\)"):
        make().fit(OnDevice(X, (2, 1)), y)
    with pytest.raises(DataError, match=r"y\.cpu\(\)"):
        make().fit(X, OnDevice(NUMBERS, (2, 0)))
    with pytest.raises(DataError, match=r"X\.cpu\(\)"):
        make().fit(X, y).predict(OnDevice(X, (10, 0)))


def test_numbers_that_numpy_does_not_have_are_named():
    torch = pytest.importorskip("torch")
    with pytest.raises(DataError, match=r"torch's Tensor of torch.bfloat16.*convert it to float32"):
        CLASSIFIERS["mlp"]().fit(torch.tensor(X).bfloat16(), LABELS)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_column_of_text_or_with_a_hole_is_named(frame):
    text = frame({**COLUMNS, "b": np.array(["x"] * 60, dtype=object).tolist()})
    with pytest.raises(DataError, match=r"column 'b' of X is not one of numbers"):
        CLASSIFIERS["mlp"]().fit(text, LABELS)
    holes = frame({**COLUMNS, "b": [*X[:7, 1].tolist(), None, *X[8:, 1].tolist()]})
    with pytest.raises(DataError, match=r"(?s)contains NaN.*in column 'b' of X, row 7 counted"):
        CLASSIFIERS["mlp"]().fit(holes, LABELS)
    model = CLASSIFIERS["mlp"]().fit(frame(COLUMNS), LABELS)
    with pytest.raises(DataError, match=r"in column 'b' of X, row 7"):
        model.predict(holes)


def test_a_lazy_frame_has_to_be_collected():
    with pytest.raises(DataError, match=r"LazyFrame.*X\.collect\(\)"):
        CLASSIFIERS["mlp"]().fit(pl.DataFrame(COLUMNS).lazy(), LABELS)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_of_dates_are_refused_by_name(library):
    days = np.arange("2026-01-01", "2026-01-21", dtype="datetime64[D]").astype("datetime64[ms]")
    columns = {"day": days, "b": np.arange(20.0)}
    module = pytest.importorskip(library)
    frame = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    with pytest.raises(cr.DataError, match="'day' of X holds Datetime"):
        cr.MLPRegressor().fit(frame, np.arange(20.0))
