"""Training on streams: the bits of training in memory, in constant memory, with named faults."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import sparse
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import DataError, NonFiniteLossError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS = 1203
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4))
LABELS = np.array(["low", "middle", "high"])[np.digitize(X[:, 0] - X[:, 1], [-1, 1])]
NUMBERS = X[:, 0] * X[:, 1]
WEIGHTS = RNG.random(N_ROWS)
NAMES = ["a", "b", "c", "d"]
SHARED = {"batch_size": 50, "max_iter": 4, "random_state": 0}
CUTS = (0, 3, 500, 501, 1100, N_ROWS)

MODELS = {
    "classifier": lambda **more: cr.MLPClassifier((5,), **{**SHARED, **more}),
    "regressor": lambda **more: cr.MLPRegressor(hidden_layer_sizes=(5,), **{**SHARED, **more}),
    "logistic": lambda **more: cr.LogisticRegression(solver="adam", **{**SHARED, **more}),
    "autoencoder": lambda **more: cr.Autoencoder(2, (), **{**SHARED, **more}),
    "denoising": lambda **more: cr.DenoisingAutoencoder(2, (), **{**SHARED, **more}),
    "sparse code": lambda **more: cr.SparseAutoencoder(2, (), **{**SHARED, **more}),
}
SUPERVISED = ("classifier", "regressor", "logistic")
ENCODERS = tuple(name for name in MODELS if name not in SUPERVISED)


def targets_of(name):
    return NUMBERS if name == "regressor" else LABELS


def batches_of(name, weighted=False):
    y = targets_of(name)
    parts = [slice(*edges) for edges in pairwise(CUTS)]
    return [(X[part], y[part], *([WEIGHTS[part]] if weighted else [])) for part in parts]


def classifier(**more):
    return MODELS["classifier"](**more)


def assert_same_bits(one, other):
    for mine, its in zip(one._parameters, other._parameters, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert one.history_["loss"] == other.history_["loss"]
    assert one.t_ == other.t_


def write(folder, *, rows_per_group=130, **columns):
    """Three files with several row groups each."""
    table = pa.table({**dict(zip(NAMES, X.T, strict=True)), **columns})
    for number, start in enumerate((0, 400, 800)):
        part = table.slice(start, 400 if number < 2 else None)
        parquet.write_table(part, folder / f"part-{number}.parquet", row_group_size=rows_per_group)
    return folder


# --- the bits of training in memory ------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("name", MODELS)
def test_a_stream_in_order_gives_the_bits_of_the_rows_in_memory(name, engine):
    options = {"shuffle": False, "engine": engine}
    streamed = MODELS[name](**options).fit_stream(batches_of(name), shuffle_buffer=150)
    y = targets_of(name) if name in SUPERVISED else None
    assert_same_bits(streamed, MODELS[name](**options).fit(X, y))


def test_a_variational_auto_encoder_learns_from_a_stream():
    model = cr.VariationalAutoencoder(2, (5,), max_iter=30, random_state=0)
    model.fit_stream(batches_of("autoencoder"))
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.noise_variance_ < 2


@pytest.mark.parametrize(
    "more",
    [
        {"dropout": 0.2},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"n_threads": 2},
        {"accumulate_steps": 3},
        {"solver": "sgd", "learning_rate": "one_cycle"},
    ],
)
def test_every_way_to_train_gives_the_same_bits(more):
    streamed = classifier(shuffle=False, **more).fit_stream(batches_of("classifier"))
    assert_same_bits(streamed, classifier(shuffle=False, **more).fit(X, LABELS))


@pytest.mark.parametrize("name", ["classifier", "regressor", "autoencoder"])
def test_weights_of_rows_come_with_the_batches(name):
    model = MODELS[name](shuffle=False).fit_stream(batches_of(name, weighted=True))
    other = MODELS[name](shuffle=False).fit(X, targets_of(name), sample_weight=WEIGHTS)
    assert_same_bits(model, other)


@pytest.mark.parametrize("name", ["classifier", "logistic"])
@pytest.mark.parametrize("class_weight", ["balanced", {"low": 3.0, "high": 0.0}])
def test_weights_of_classes_are_those_of_all_rows(name, class_weight):
    options = {"shuffle": False, "class_weight": class_weight}
    streamed = MODELS[name](**options).fit_stream(batches_of(name))
    in_memory = MODELS[name](**options).fit(X, LABELS)
    for mine, its in zip(streamed._parameters, in_memory._parameters, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-10, atol=1e-12)


def test_balanced_weights_count_the_weights_of_rows_as_in_memory():
    options = {"shuffle": False, "class_weight": "balanced"}
    streamed = MODELS["logistic"](**options).fit_stream(batches_of("logistic", weighted=True))
    in_memory = MODELS["logistic"](**options).fit(X, LABELS, sample_weight=WEIGHTS)
    np.testing.assert_allclose(streamed.coef_, in_memory.coef_, rtol=1e-10)


def test_several_quantiles_are_learned_at_once():
    options = {"loss": "quantile", "quantile": [0.1, 0.9], "shuffle": False}
    streamed = MODELS["regressor"](**options).fit_stream(batches_of("regressor"))
    in_memory = MODELS["regressor"](**options).fit(X, NUMBERS)
    assert_same_bits(streamed, in_memory)
    assert streamed.quantiles_.tolist() == [0.1, 0.9]


def test_what_follows_the_clock_of_an_epoch_needs_the_number_of_minibatches():
    options = {"accumulate_steps": 3, "shuffle": False}
    source = iter(batches_of("regressor"))
    with pytest.raises(ValueError, match="accumulate_steps and learning_rate need the number"):
        MODELS["regressor"](**options).fit_stream(source)
    streamed = MODELS["regressor"](**options).fit_stream(batches_of("regressor"))
    assert_same_bits(streamed, MODELS["regressor"](**options).fit(X, NUMBERS))


def test_fewer_rows_than_a_minibatch_are_one():
    streamed = classifier(batch_size="auto", shuffle=False).fit_stream([(X[:90], LABELS[:90])])
    other = classifier(batch_size="auto", shuffle=False).fit(X[:90], LABELS[:90])
    assert_same_bits(streamed, other)


def test_single_precision_stays_single():
    batches = [(X[:700].astype("f4"), LABELS[:700]), (X[700:].astype("f4"), LABELS[700:])]
    model = classifier(shuffle=False).fit_stream(batches)
    assert model.coefs_[0].dtype == np.float32
    assert_same_bits(model, classifier(shuffle=False).fit(X.astype("f4"), LABELS))


def test_several_labels_and_several_numbers():
    several = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    batches = [(X[:700], several[:700]), (X[700:], several[700:])]
    assert_same_bits(
        classifier(shuffle=False).fit_stream(batches), classifier(shuffle=False).fit(X, several)
    )
    regressor = MODELS["regressor"]
    batches = [(X[:700], X[:700, :2]), (X[700:], X[700:, :2])]
    assert_same_bits(
        regressor(shuffle=False).fit_stream(batches), regressor(shuffle=False).fit(X, X[:, :2])
    )


# --- sources -----------------------------------------------------------------------------


def test_a_file_a_folder_and_a_list_of_files_are_the_rows_in_them(tmp_path):
    folder = write(tmp_path, label=LABELS)
    (folder / "_metadata.parquet").write_bytes(b"not rows")
    in_memory = classifier(shuffle=False).fit(X, LABELS)
    files = sorted(folder.glob("part-*"))
    for source in (folder, str(folder), files):
        model = classifier(shuffle=False).fit_stream(source, y="label")
        assert_same_bits(model, in_memory)
        assert model.feature_names_in_.tolist() == NAMES
    assert classifier().fit_stream(files[0], y="label").t_ == 4 * 400


def test_columns_are_found_by_name(tmp_path):
    folder = write(tmp_path, label=LABELS, w=WEIGHTS, text=LABELS)
    model = classifier(shuffle=False).fit_stream(
        folder, "label", features=["d", "a"], sample_weight="w"
    )
    assert model.feature_names_in_.tolist() == ["d", "a"]
    assert_same_bits(
        model, classifier(shuffle=False).fit(X[:, [3, 0]], LABELS, sample_weight=WEIGHTS)
    )


def test_an_auto_encoder_reads_all_columns_or_those_that_are_named(tmp_path):
    folder = write(tmp_path, w=WEIGHTS)
    model = MODELS["autoencoder"](shuffle=False).fit_stream(folder, sample_weight="w")
    other = MODELS["autoencoder"](shuffle=False).fit(X, sample_weight=WEIGHTS)
    assert_same_bits(model, other)
    codes = model.set_output(transform="polars").transform(pl.DataFrame(X, NAMES))
    assert codes.columns == ["autoencoder0", "autoencoder1"]


@pytest.mark.parametrize(
    "frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=lambda each: each.__module__
)
def test_batches_may_be_frames(frame):
    columns = {**dict(zip(NAMES, X.T, strict=True)), "label": LABELS}
    batches = [
        frame({name: values[part] for name, values in columns.items()})
        for part in (slice(0, 500), slice(500, None))
    ]
    model = classifier(shuffle=False).fit_stream(batches, y="label")
    assert model.feature_names_in_.tolist() == NAMES
    assert_same_bits(model, classifier(shuffle=False).fit(X, LABELS))


def test_batches_may_be_sparse_lists_and_tensors():
    torch = pytest.importorskip("torch")
    tensors = [[torch.tensor(part), y] for part, y in batches_of("classifier")]
    in_memory = classifier(shuffle=False).fit(X, LABELS)
    assert_same_bits(classifier(shuffle=False).fit_stream(tensors), in_memory)
    rows = [(sparse.csr_matrix(part), y.tolist()) for part, y in batches_of("classifier")]
    assert_same_bits(classifier(shuffle=False).fit_stream(rows), in_memory)


def test_a_function_gives_a_fresh_pass_each_time():
    calls = []

    def fresh():
        calls.append(1)
        yield from batches_of("classifier")

    model = classifier(shuffle=False).fit_stream(fresh)
    assert len(calls) == 1 + 4  # one for the classes, one for each epoch
    assert_same_bits(model, classifier(shuffle=False).fit(X, LABELS))


def test_a_generator_gives_one_epoch_and_says_so():
    with pytest.warns(UserWarning, match=r"gone through once.* 1 epoch of max_iter=4"):
        model = classifier(shuffle=False).fit_stream(
            iter(batches_of("classifier")), classes=["high", "low", "middle"]
        )
    assert model.n_iter_ == 1
    assert_same_bits(model, classifier(shuffle=False, max_iter=1).fit(X, LABELS))
    one = classifier(max_iter=1).fit_stream(
        iter(batches_of("classifier")), classes=["high", "low", "middle"]
    )
    assert one.n_iter_ == 1


@pytest.mark.parametrize(
    "name, message",
    [
        ("classifier", r"classes=\[...\] is not given"),
        ("logistic", "the penalty needs the number of rows"),
    ],
)
def test_a_generator_is_not_used_up_by_a_first_pass(name, message):
    source = iter(batches_of(name))
    with pytest.raises(ValueError, match=message):
        MODELS[name]().fit_stream(source)
    assert len(list(source)) == len(CUTS) - 1


# --- order, epochs, stopping -------------------------------------------------------------


def test_shuffled_streams_learn_are_deterministic_and_follow_the_seed(tmp_path):
    order = np.argsort(X[:, 0] - X[:, 1])  # sorted by class: the hard case
    sorted_rows = [
        pa.table({**dict(zip(NAMES, X[part].T, strict=True)), "label": LABELS[part]})
        for part in np.array_split(order, 6)
    ]
    for number, table in enumerate(sorted_rows):
        parquet.write_table(table, tmp_path / f"{number}.parquet", row_group_size=100)
    options = {"max_iter": 12, "learning_rate_init": 0.05, "batch_size": 20}
    models = [
        classifier(**options, random_state=seed).fit_stream(tmp_path, "label", shuffle_buffer=600)
        for seed in (0, 0, 1)
    ]
    assert models[0].score(pl.DataFrame(X, NAMES), LABELS) > 0.9
    assert_same_bits(models[0], models[1])
    assert not np.array_equal(models[0].coefs_[0], models[2].coefs_[0])


def test_validation_data_is_measured_and_stops_training_early(tmp_path):
    held_out = (X[:200], LABELS[:200])
    options = {"early_stopping": True, "max_iter": 50, "n_iter_no_change": 2, "shuffle": False}
    in_memory = classifier(**options).fit(X, LABELS, validation_data=held_out)
    file = write(tmp_path, label=LABELS) / "part-0.parquet"
    parquet.write_table(parquet.read_table(file).slice(0, 200), tmp_path / "held_out")
    for given in (held_out, [held_out], lambda: iter([held_out])):
        model = classifier(**options).fit_stream(batches_of("classifier"), validation_data=given)
        assert_same_bits(model, in_memory)
        assert model.validation_scores_ == in_memory.validation_scores_
        assert model.n_iter_ < 50
    model = classifier(**options).fit_stream(
        sorted(tmp_path.glob("part-*")), y="label", validation_data=tmp_path / "held_out"
    )
    assert_same_bits(model, in_memory)


def test_scorers_judge_the_rows_of_validation_data(tmp_path):
    file = write(tmp_path, label=LABELS) / "part-0.parquet"
    model = classifier(scoring="balanced_accuracy")
    model.fit_stream(tmp_path, y="label", validation_data=file)
    wanted = classifier(scoring="balanced_accuracy", shuffle=False)
    wanted.fit_stream(batches_of("classifier"), validation_data=(X[:400], LABELS[:400]))
    assert len(model.history_["validation_balanced_accuracy"]) == 4
    model.shuffle = False
    model.fit_stream(tmp_path, y="label", validation_data=file)
    assert (
        model.history_["validation_balanced_accuracy"]
        == wanted.history_["validation_balanced_accuracy"]
    )
    with pytest.raises(ValueError, match="scoring needs rows in memory"):
        model.fit_stream(tmp_path, y="label")


def test_callbacks_are_told_and_may_stop():
    told = []

    def stop(moment):
        told.append(moment)
        return moment.epoch == 2

    model = classifier(callbacks=[stop]).fit_stream(batches_of("classifier"))
    ended = [moment for moment in told if moment.epoch_ended]
    assert [moment.epoch for moment in ended] == [1, 2]
    assert all(moment.step == moment.steps == 25 for moment in ended)
    assert model.n_iter_ == 2


def test_a_warm_start_goes_on():
    model = classifier(warm_start=True, shuffle=False, max_iter=2)
    model.fit_stream(batches_of("classifier"))
    loss = model.loss_
    assert model.fit_stream(batches_of("classifier")).loss_ < loss
    with pytest.raises(DataError, match="has 2 features, but MLPClassifier is expecting 4"):
        model.fit_stream([(X[:, :2], LABELS)])
    with pytest.raises(DataError, match=r"batch 1: y has \['other'\]"):
        model.fit_stream([(X, np.where(LABELS == "low", "other", LABELS))])


def test_a_streamed_model_is_saved_pickled_and_cloned(tmp_path):
    model = classifier().fit_stream(write(tmp_path, label=LABELS), "label")
    model.save(tmp_path / "model")
    frame = pl.DataFrame(X, NAMES)
    for other in (cr.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(frame), model.predict(frame))
    clone(model).fit_stream(batches_of("classifier"))


# --- faults ------------------------------------------------------------------------------


def spoilt(column, row, value):
    columns = {**dict(zip(NAMES, X.T.copy(), strict=True)), "label": LABELS.astype(object)}
    values = columns[column].tolist()
    values[row] = value
    return {**columns, column: values}


@pytest.mark.parametrize(
    "column, value, message",
    [
        ("b", None, r"part-1\.parquet, row group 2, column 'b' has null or NaN in row 40 "),
        ("b", np.nan, r"part-1\.parquet, row group 2, column 'b' has null or NaN in row 40 "),
        ("c", np.inf, r"part-1\.parquet, row group 2, column 'c' has infinity in row 40 "),
        ("label", None, r"part-1\.parquet, row group 2, column 'label' has null.* in row 40 "),
    ],
)
def test_a_missing_value_is_named_with_file_row_group_and_column(tmp_path, column, value, message):
    columns = spoilt(column, 400 + 2 * 130 + 40, value)
    label = columns.pop("label")
    table = pa.table({**columns, "label": label})
    for number, start in enumerate((0, 400)):
        part = table.slice(start, 400)
        parquet.write_table(part, tmp_path / f"part-{number}.parquet", row_group_size=130)
    with pytest.raises(DataError, match=message):
        classifier().fit_stream(tmp_path, y="label")


def test_the_index_of_pandas_is_no_feature(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdefghij")[: X.shape[1]]).assign(y=LABELS)
    frame.sample(frac=1.0, random_state=0).to_parquet(tmp_path / "shuffled.parquet")
    model = classifier().fit_stream(tmp_path / "shuffled.parquet", y="y")
    assert list(model.feature_names_in_) == list(frame.columns[:-1])


def test_files_that_differ_are_refused_before_training(tmp_path):
    write(tmp_path, label=LABELS)
    extra = tmp_path / "part-9.parquet"
    good = dict(zip(NAMES, X.T, strict=True))
    for columns, message in (
        (
            {**good, "c": LABELS, "label": LABELS},
            r"part-9\.parquet: column 'c' is string, but in .*part-0\.parquet it is double",
        ),
        ({**good, "label": np.arange(N_ROWS)}, r"column 'label' is int64, but in .* it is string"),
        (
            {"a": X[:, 0], "label": LABELS},
            r"part-9\.parquet has no column 'b'; it has 'a', 'label'",
        ),
    ):
        parquet.write_table(pa.table(columns), extra)
        with pytest.raises(DataError, match=message):
            classifier().fit_stream(tmp_path, y="label")
    extra.write_bytes(b"PAR1 this is no table")
    with pytest.raises(DataError, match=r"part-9\.parquet cannot be read as Parquet"):
        classifier().fit_stream(tmp_path, y="label")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "the targets in a column: name it, with y='column'"),
        ({"y": "labels"}, "has no column 'labels'; it has 'a', 'b', 'c', 'd', 'label'"),
        ({"y": "label", "features": ["a", "e"]}, "has no column 'e'"),
        ({"y": "label", "features": ["a", "label"]}, "'label' is asked for twice"),
        ({"y": "a"}, "column 'label' holds string, not numbers: leave it out"),
        ({"y": "label", "sample_weight": "w"}, "has no column 'w'"),
    ],
)
def test_columns_that_are_not_there_are_named(tmp_path, arguments, message):
    with pytest.raises(DataError, match=message):
        classifier().fit_stream(write(tmp_path, label=LABELS), **arguments)


NAN = np.where(np.arange(12).reshape(3, 4) == 6, np.nan, 1.0)


@pytest.mark.parametrize(
    "batch, message",
    [
        ((X[:3, :2], LABELS[:3]), "batch 2 has 2 features, but batch 1 has 4"),
        ((X[:3], LABELS[:2]), "batch 2: X has 3 rows, but y has 2 rows"),
        ((X[:3], ["low", "low", "new"]), r"batch 2: y has \['new'\], which are not among"),
        ((NAN, LABELS[:3]), "batch 2: X has NaN in row 1, column 2"),
        ((X[:3].astype(str), LABELS[:2]), "batch 2: X has 3 rows|batch 2: X must hold numbers"),
        ((np.full((3, 4), "x"), LABELS[:3]), "batch 2: X must hold numbers"),
        ((X[0], LABELS[:1]), r"batch 2: X must be a table of rows.* shape is \(4,\)"),
        ((X[:3],), r"batch 2 must be \(X, y\) or \(X, y, sample_weight\), but it is a tuple of 1"),
        (X[:3], r"batch 2 must be \(X, y\).* but it is numpy's ndarray"),
        ((X[:3], None), "batch 2 has no y"),
        ((X[:3], ["low", None, "low"]), "batch 2: y has null"),
        ((X[:3], LABELS[:3], WEIGHTS[:3]), "batch 1 has no weight, but batch 2 has"),
        ((pd.DataFrame(X[:3], columns=NAMES), LABELS[:3]), "batch 2 has the features a, b, c, d"),
        (pd.DataFrame(X[:3], columns=NAMES), "batch 2 is a frame.* name it, with y='column'"),
        ((X[:3], np.stack([LABELS[:3]] * 2, 1)), "batch 2 has targets of shape"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(batch, message):
    classes = ["high", "low", "middle"]
    with pytest.raises(DataError, match=message):
        classifier().fit_stream([(X, LABELS), batch], classes=classes)


def test_precision_may_not_change_to_what_does_not_fit():
    batches = [(X.astype("f4"), LABELS), (X, LABELS)]
    with pytest.raises(DataError, match="batch 2 is in double precision, but batch 1 in single"):
        classifier().fit_stream(batches)
    classifier().fit_stream(batches[::-1])


@pytest.mark.parametrize(
    "source, message",
    [
        (pd.DataFrame(X), "a table in memory: give it to fit"),
        (X, "numpy's ndarray, a table in memory"),
        (3, "must be a Parquet file, a folder of them"),
        ([], "has no rows"),
        ("nowhere.parquet", "There is no file nowhere.parquet"),
    ],
)
def test_a_source_that_cannot_be_one_says_why(source, message):
    y = "label" if isinstance(source, str) else None
    with pytest.raises(DataError, match=message):
        classifier().fit_stream(source, y=y)


@pytest.mark.parametrize(
    "parameters, arguments, message",
    [
        ({"early_stopping": True}, {}, "early_stopping cannot hold out rows of a stream"),
        ({}, {"shuffle_buffer": 0}, "shuffle_buffer must be 'auto' or a number of rows"),
        ({}, {"validation_data": (X,)}, r"validation_data must be \(X, y\)"),
        ({}, {"validation_data": (X[:, :2], LABELS)}, "validation_data has 2 features"),
        ({}, {"validation_data": (X[:1], ["new"])}, r"validation_data: y has \['new'\]"),
        ({}, {"y": LABELS}, "y names columns of the source, but it is ndarray"),
        ({}, {"sample_weight": WEIGHTS}, "sample_weight names columns of the source"),
        (
            {},
            {"y": "label", "features": [0, 1]},
            "features names columns of the source",
        ),
        ({"class_weight": {"low": -1.0}}, {}, "a finite factor of 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(parameters, arguments, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit_stream(batches_of("classifier"), **arguments)


def test_negative_weights_and_counts_are_named():
    with pytest.raises(DataError, match=r"batch 1: the weight of row 2 .* is negative"):
        MODELS["regressor"]().fit_stream([(X[:3], NUMBERS[:3], [1, 1, -1])])
    poisson = MODELS["regressor"](loss="poisson")
    with pytest.raises(DataError, match=r"batch 2: loss='poisson' is for counts"):
        poisson.fit_stream([(X[:2], [1, 2]), (X[:2], [1, -2])])
    with pytest.raises(DataError, match=r"batch 1: loss='log_loss' is for values from 0 to 1"):
        MODELS["autoencoder"](loss="log_loss").fit_stream([X])


def test_numbers_are_not_taken_for_classes():
    def numbers():
        for seed in range(3):
            rows = np.random.default_rng(seed).normal(size=(60_000, 1))
            yield rows, rows[:, 0]

    with pytest.raises(DataError, match="batch 2: y has more than 100,000 different values"):
        classifier().fit_stream(numbers)


def test_one_class_a_row_is_said_of_logistic_regression():
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    with pytest.raises(DataError, match="gives each row one class"):
        MODELS["logistic"]().fit_stream([(X, several)])


def test_lbfgs_has_no_stream():
    assert not hasattr(classifier(solver="lbfgs"), "fit_stream")
    with pytest.raises(AttributeError, match="fit_stream"):
        cr.LogisticRegression().fit_stream([])


def test_a_loss_that_is_not_finite_names_the_row_as_it_came():
    spoilt_rows = X.copy()
    spoilt_rows[700, 1] = 1e300
    batches = [(spoilt_rows[:600], NUMBERS[:600]), (spoilt_rows[600:], NUMBERS[600:])]
    with pytest.raises(NonFiniteLossError, match="row 700 of the data"):
        MODELS["regressor"](shuffle=False).fit_stream(batches)


def test_a_fault_of_the_users_own_reader_is_passed_on_and_leaves_the_weights():
    def broken():
        yield X, LABELS
        raise RuntimeError("disk on fire")

    model = classifier()
    with pytest.raises(RuntimeError, match="disk on fire"):
        model.fit_stream(broken, classes=["high", "low", "middle"])


# --- memory ------------------------------------------------------------------------------

WRITE = """
import sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from pyarrow import parquet
rng = np.random.default_rng(0)
for number in range(4):
    X = rng.standard_normal((40_000, 100), dtype=np.float32)
    columns = {f"x{k}": np.ascontiguousarray(X[:, k]) for k in range(100)}
    parquet.write_table(
        pa.table({**columns, "y": (X[:, 0] > 0).astype(int)}),
        Path(sys.argv[1]) / f"{number}.parquet",
        row_group_size=40_000,
        compression="none",
        use_dictionary=False,
    )
"""

TRAIN = """
import sys, warnings
import numpy as np
import pyarrow.parquet
import chainrule as cr
from tests.helpers.memory import peak_megabytes
warnings.simplefilter("ignore")
model = cr.MLPRegressor(hidden_layer_sizes=(8,), max_iter=1, random_state=0)
files = [f"{sys.argv[1]}/{number}.parquet" for number in range(4)]
model.fit_stream(files, y="y")
before = peak_megabytes()
assert model.fit_stream(3 * files, y="y").t_ == 480_000
print(before, peak_megabytes() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process is read elsewhere")
def test_memory_is_that_of_the_buffer_however_much_there_is_to_read(tmp_path: Path):
    for program in (WRITE, TRAIN):
        command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    megabytes = sum(each.stat().st_size for each in tmp_path.iterdir()) / 1e6
    once, more = map(float, answer.stdout.split())
    assert once < 550
    assert more < 20 < 0.2 * 2 * megabytes
