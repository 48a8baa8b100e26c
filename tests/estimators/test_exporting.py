"""What an ONNX model of an estimator gives is what the estimator says, as onnxruntime runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.errors import FileError, GraphError
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.loading import ESTIMATORS
from chainrule.graph.node import Node, variable
from chainrule.networks.activations import ACTIVATIONS
from chainrule.training.step import Objective
from tests.helpers.onnx_models import run_model, types_of

# What training comes to is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 4))
NAMES = np.array(["gas", "öl", "none"])
TARGETS = {
    "two classes": (X[:, 0] > 0).astype(int),
    "two texts": np.where(X[:, 0] > 0, "ja", "nein"),
    "truth values": X[:, 0] > 0,
    "several classes": np.digitize(X[:, 1], [-0.5, 0.5]) * 10 - 10,
    "several texts": NAMES[np.digitize(X[:, 1], [-0.5, 0.5])],
    "numbers with decimals": np.digitize(X[:, 1], [-0.5, 0.5]).astype(float),
}
LABELS = (X[:, :3] + 0.5 * X[:, 1:] > 0).astype(int)
ONE = X @ [1.0, -2.0, 0.5, 0.3]
TWO = X @ DRAW.normal(size=(4, 2))


def plain(estimator: Any) -> Any:
    """A copy that is not compiled, which would take most of the time."""
    copy = clone(estimator)
    return copy.set_params(engine="reference") if "engine" in copy.get_params() else copy


def assert_near(found: np.ndarray, expected: Any) -> None:
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def assert_classifies_alike(model: Any, rows: Any, found: dict[str, np.ndarray]) -> None:
    """The same labels, and probabilities or scores."""
    expected = np.asarray(model.predict(rows))
    assert found["label"].shape == expected.shape
    assert found["label"].tolist() == expected.tolist()
    if "probabilities" in found:
        assert_near(found["probabilities"], model.predict_proba(rows))
        assert "scores" not in found
    elif hasattr(model, "decision_function"):
        assert_near(found["scores"], model.decision_function(rows).reshape(len(rows), -1))
    else:
        assert not hasattr(model, "predict_proba")
        assert set(found) == {"label", "scores"}


# --- classifiers ---------------------------------------------------------------------------


@precisions
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    "classifier",
    [
        cr.LogisticRegression(),
        cr.Perceptron(max_iter=5),
        cr.Adaline(max_iter=5),
        cr.RBFClassifier(6, random_state=0),
        cr.RBFClassifier(6, fine_tune=True, max_iter=5, random_state=0, fit_intercept=False),
        cr.MLPClassifier((5,), max_iter=5, random_state=0),
        cr.MLPClassifier((5, 4), max_iter=5, random_state=0, loss="hinge", dropout=0.3),
    ],
    ids=str,
)
def test_a_classifier_gives_its_labels_and_probabilities(
    classifier: Any, kind: str, dtype: str
) -> None:
    rows = X.astype(dtype)
    model = plain(classifier).fit(rows, TARGETS[kind])
    found = run_model(model.to_onnx(), {"X": rows})
    assert_classifies_alike(model, rows, found)
    assert ("probabilities" in found) == hasattr(model, "predict_proba")


@precisions
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_several_labels_are_a_matrix_of_zeros_and_ones(loss: str, dtype: str) -> None:
    rows = X.astype(dtype)
    model = plain(cr.MLPClassifier((5,), loss=loss, max_iter=20, random_state=0)).fit(rows, LABELS)
    found = run_model(model.to_onnx(), {"X": rows})
    assert found["label"].dtype == np.int64
    assert_classifies_alike(model, rows, found)


def test_the_outputs_of_a_classifier_are_declared_as_tools_expect_them() -> None:
    types = onnx.TensorProto
    model = cr.MLPClassifier((5,), max_iter=2).fit(X, TARGETS["several texts"]).to_onnx()
    assert types_of(model.graph.input) == {"X": (types.DOUBLE, ["rows", 4])}
    assert types_of(model.graph.output) == {
        "label": (types.STRING, ["rows"]),
        "probabilities": (types.DOUBLE, ["rows", 3]),
    }


# --- regressors and auto encoders ----------------------------------------------------------


@precisions
@pytest.mark.parametrize("targets", [ONE, TWO], ids=["one output", "two outputs"])
@pytest.mark.parametrize(
    "regressor",
    [
        cr.LinearRegression(),
        cr.LinearRegression(fit_intercept=False),
        cr.RBFRegressor(6, random_state=0),
        cr.RBFRegressor(6, fine_tune=True, max_iter=5, random_state=0),
        cr.MLPRegressor(max_iter=5, random_state=0),
        cr.MLPRegressor("huber", (), max_iter=5, random_state=0),
    ],
    ids=str,
)
def test_a_regressor_gives_its_predictions(regressor: Any, targets: Any, dtype: str) -> None:
    rows = X.astype(dtype)
    model = plain(regressor).fit(rows, targets.astype(dtype))
    found = run_model(model.to_onnx(), {"X": rows})
    assert found.keys() == {"variable"}
    assert found["variable"].dtype == dtype
    assert_near(found["variable"], model.predict(rows).reshape(len(rows), -1))


def test_counts_are_given_as_their_mean() -> None:
    model = cr.MLPRegressor("poisson", (5,), max_iter=20, random_state=0).fit(X, np.abs(ONE))
    assert_near(run_model(model.to_onnx(), {"X": X})["variable"][:, 0], model.predict(X))


@pytest.mark.parametrize("targets", [ONE, TWO], ids=["one target", "two targets"])
def test_several_quantiles_are_given_in_order(targets: Any) -> None:
    model = cr.MLPRegressor("quantile", (5,), quantile=[0.1, 0.45, 0.6, 0.9], max_iter=3)
    model.fit(X, targets)
    found = run_model(model.to_onnx(), {"X": X})
    assert_near(found["variable"], model.predict(X).reshape(len(X), -1))
    assert_near(found["quantiles"], model.predict_quantiles(X).reshape(len(X), -1, 4))
    assert (np.diff(model._outputs(X).reshape(len(X), 4, -1), axis=1) < 0).any()  # they cross


def test_quantiles_of_steps_are_given_in_order() -> None:
    options = {"loss": "quantile", "quantile": [0.2, 0.5, 0.7], "output": "each"}
    model = plain(cr.RNNRegressor(3, max_iter=1, **options)).fit(SEQUENCES, SEQUENCES)
    found = run_model(model.to_onnx(), {"X": SEQUENCES})
    assert_near(found["variable"], model.predict(SEQUENCES))
    assert_near(found["quantiles"], model.predict_quantiles(SEQUENCES))


@precisions
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_written(activation: str, dtype: str) -> None:
    rows = 5.0 * X.astype(dtype)
    model = plain(cr.MLPRegressor(hidden_layer_sizes=(8,), activation=activation, max_iter=2))
    model.fit(rows, ONE)
    assert_near(run_model(model.to_onnx(), {"X": rows})["variable"][:, 0], model.predict(rows))


@precisions
@pytest.mark.parametrize(
    "encoder",
    [
        cr.Autoencoder(2, (5,), max_iter=3, tied_weights=True, random_state=0),
        cr.DenoisingAutoencoder(2, max_iter=3, dropout=0.2, random_state=0),
        cr.SparseAutoencoder(3, max_iter=3, random_state=0),
        cr.VariationalAutoencoder(2, max_iter=3, random_state=0),
        cr.Autoencoder(2, max_iter=3, loss="log_loss", random_state=0),
        cr.VariationalAutoencoder(2, max_iter=3, likelihood="bernoulli", random_state=0),
    ],
    ids=str,
)
def test_an_auto_encoder_gives_codes_and_reconstructions(encoder: Any, dtype: str) -> None:
    rows = (1.0 / (1.0 + np.exp(-X))).astype(dtype)  # from 0 to 1, for the log loss
    model = plain(encoder).fit(rows)
    found = run_model(model.to_onnx(), {"X": rows})
    assert found.keys() == {"reconstruction", "code"}
    assert_near(found["reconstruction"], model.reconstruct(rows))
    assert_near(found["code"], model.transform(rows))


# --- sequences -----------------------------------------------------------------------------

SEQUENCES = DRAW.normal(size=(20, 6, 2))
LENGTHS = DRAW.integers(1, 7, size=20)
RAGGED = [each[:length] for each, length in zip(SEQUENCES, LENGTHS, strict=True)]
OF_EACH = {
    "one": np.where(SEQUENCES[:, 0, 0] > 0, "up", "down"),
    "steps": np.where(SEQUENCES[:, :, 0] > 0, "up", "down"),
}


@pytest.mark.parametrize(
    ("bidirectional", "dtype"), [(False, "float32"), (True, "float64")], ids=["forward", "both"]
)
@pytest.mark.parametrize("output", ["last", "mean", "max", "each"])
@pytest.mark.parametrize(
    "classifier",
    [
        cr.RNNClassifier(3, max_iter=1, num_layers=2, dropout=0.2, activation="relu"),
        cr.LSTMClassifier(3, max_iter=1, num_layers=2),
        cr.GRUClassifier(3, max_iter=1),
        cr.GRUClassifier(3, max_iter=1, reset_after=False, loss="hinge"),
    ],
    ids=str,
)
def test_a_recurrent_network_reads_sequences_complete_and_padded(
    classifier: Any, output: str, bidirectional: bool, dtype: Any
) -> None:
    model = plain(classifier).set_params(output=output, bidirectional=bidirectional)
    rows = SEQUENCES.astype(dtype)
    model.fit(rows, OF_EACH["steps" if output == "each" else "one"])
    found = run_model(model.to_onnx(), {"X": rows})
    assert_classifies_alike(model, rows, found)
    # What stands after the end of a sequence has no influence.
    found = run_model(model.to_onnx(lengths=True), {"X": rows, "lengths": LENGTHS})
    ragged = [each.astype(dtype) for each in RAGGED]
    if output != "each":
        assert_classifies_alike(model, ragged, found)
        return
    for k, labels in enumerate(model.predict(ragged)):
        assert found["label"][k, : LENGTHS[k]].tolist() == labels.tolist()
    if "probabilities" in found:
        for k, probabilities in enumerate(model.predict_proba(ragged)):
            assert_near(found["probabilities"][k, : LENGTHS[k]], probabilities)


def test_steps_may_have_several_labels() -> None:
    labels = (np.concatenate([SEQUENCES, -SEQUENCES[:, :, :1]], axis=2) > 0).astype(int)
    model = plain(cr.GRUClassifier(3, max_iter=1, output="each")).fit(SEQUENCES, labels)
    found = run_model(model.to_onnx(), {"X": SEQUENCES})
    assert found["label"].shape == labels.shape
    assert_classifies_alike(model, SEQUENCES, found)
    assert [each.shape for each in model.predict(RAGGED)] == [(n, 3) for n in LENGTHS]


@precisions
@pytest.mark.parametrize("regressor", [cr.RNNRegressor, cr.LSTMRegressor, cr.GRURegressor])
def test_a_recurrent_regressor_gives_numbers_or_what_it_expects_next(
    regressor: Any, dtype: Any
) -> None:
    rows = SEQUENCES.astype(dtype)
    several = regressor(3, max_iter=1, engine="reference").fit(rows, rows[:, 0])
    assert_near(run_model(several.to_onnx(), {"X": rows})["variable"], several.predict(rows))
    forecaster = regressor(3, max_iter=1, engine="reference").fit(rows)
    assert_near(run_model(forecaster.to_onnx(), {"X": rows})["variable"], forecaster.predict(rows))
    longer = np.concatenate([rows, rows], axis=1)
    assert_near(
        run_model(forecaster.to_onnx(), {"X": longer})["variable"], forecaster.predict(longer)
    )


def test_a_model_of_the_rows_of_a_table_reads_a_table() -> None:
    table, y = SEQUENCES[:, :, 0], SEQUENCES[:, 0, 0]
    model = plain(cr.GRURegressor(3, max_iter=1)).fit(table, y)
    written = model.to_onnx()
    assert types_of(written.graph.input) == {"X": (onnx.TensorProto.DOUBLE, ["rows", "time"])}
    assert_near(run_model(written, {"X": table})["variable"][:, 0], model.predict(table))
    given = {"X": table, "lengths": LENGTHS}
    ragged = [each[:, 0] for each in RAGGED]
    again = plain(cr.GRURegressor(3, max_iter=1)).fit(ragged, y)
    with_lengths = run_model(again.to_onnx(lengths=True), {**given, "X": SEQUENCES[:, :, :1]})
    assert_near(with_lengths["variable"][:, 0], again.predict(ragged))


def test_truncation_changes_nothing_of_what_is_written() -> None:
    model = plain(cr.LSTMRegressor(3, max_iter=1, truncation=2)).fit(SEQUENCES)
    assert_near(run_model(model.to_onnx(), {"X": SEQUENCES})["variable"], model.predict(SEQUENCES))


# --- what holds of all of them -------------------------------------------------------------


def test_every_estimator_can_be_written() -> None:
    assert all(callable(each.to_onnx) for each in ESTIMATORS.values())


@pytest.mark.parametrize("estimator", ESTIMATORS.values())
def test_an_estimator_that_is_not_fitted_says_so(estimator: Any) -> None:
    with pytest.raises(NotFittedError):
        estimator().to_onnx()


class Plane(EvaluatingEstimator):
    """A network of a user's own: X·w, with w given."""

    engine, callbacks, n_threads = "reference", None, None
    _X, _w = variable("X", ("rows", 2)), variable("w", (2, 1))

    def fit(self, w: Any) -> Plane:
        self.w_ = np.asarray(w, dtype=np.float64)
        return self

    @property
    def _parameters(self) -> list[Any]:
        return [self.w_]

    def _description(self) -> str:
        return "plane"

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        return Objective(fn.sum(self._X @ self._w, 1), (self._X,), (self._w,))

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        return (self._X,), self._X @ self._w

    def _score_outputs(self, rows: Any, outputs: Any) -> float:
        return 0.0

    @property
    def _numbers_per_row(self) -> int:
        return 3


def test_a_network_of_a_users_own_is_written_without_more_ado() -> None:
    found = run_model(Plane().fit([[2.0], [3.0]]).to_onnx(), {"X": [[1.0, 1.0], [0.0, 1.0]]})
    assert found.keys() == {"output"}
    assert found["output"].tolist() == [[5.0], [3.0]]


def test_one_row_no_rows_and_many_are_read_by_one_model() -> None:
    model = cr.MLPClassifier((5,), max_iter=2).fit(X, TARGETS["several texts"])
    written = model.to_onnx()
    for rows in (X[:1], X[:7], np.tile(X, (50, 1))):
        assert_classifies_alike(model, rows, run_model(written, {"X": rows}))
    assert run_model(written, {"X": X[:0]})["probabilities"].shape == (0, 3)


def test_another_precision_can_be_asked_for() -> None:
    model = cr.MLPRegressor(max_iter=5, random_state=0).fit(X, ONE)
    found = run_model(model.to_onnx(dtype="float32"), {"X": X.astype(np.float32)})
    assert found["variable"].dtype == np.float32
    assert_near(found["variable"][:, 0], model.predict(X))
    with pytest.raises(GraphError, match=r"dtype must be 'float32' or 'float64', but got 'half'"):
        model.to_onnx(dtype="half")


def test_a_loss_of_the_users_own_is_not_needed() -> None:
    def loss(y: Node, output: Node) -> Node:
        return fn.sum(fn.absolute(output - y), 1)

    model = cr.MLPRegressor(loss, (5,), max_iter=2).fit(X, ONE)
    assert_near(run_model(model.to_onnx(), {"X": X})["variable"][:, 0], model.predict(X))


def test_the_network_that_was_trained_is_written_whatever_parameters_say_by_now() -> None:
    model = cr.MLPClassifier((5,), "tanh", max_iter=2).fit(X, TARGETS["two texts"])
    expected = run_model(model.to_onnx(), {"X": X})
    model.set_params(activation="relu", hidden_layer_sizes=(9,), dropout=0.5, loss="hinge")
    found = run_model(model.to_onnx(), {"X": X})
    assert found.keys() == expected.keys()
    np.testing.assert_array_equal(found["probabilities"], expected["probabilities"])


@pytest.mark.parametrize("targets", [TARGETS["several texts"], LABELS], ids=["class", "labels"])
def test_a_network_of_scikit_learn_goes_through_as_it_is(targets: Any) -> None:
    theirs = sklearn.neural_network.MLPClassifier((5, 4), max_iter=20, random_state=0)
    theirs.fit(X, targets)
    assert_classifies_alike(theirs, X, run_model(cr.from_sklearn(theirs).to_onnx(), {"X": X}))


def test_names_of_features_and_the_kind_of_model_are_in_the_metadata() -> None:
    frame = load_iris(as_frame=True)
    model = cr.LogisticRegression(max_iter=500).fit(frame.data, frame.target).to_onnx()
    metadata = {each.key: each.value for each in model.metadata_props}
    assert metadata["estimator"] == "LogisticRegression"
    assert json.loads(metadata["feature_names"]) == list(frame.data.columns)


def test_a_loaded_model_is_written_like_the_one_that_was_saved(tmp_path: Path) -> None:
    model = cr.LSTMClassifier(3, max_iter=1).fit(RAGGED, OF_EACH["one"])
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert again.to_onnx().SerializeToString() == model.to_onnx().SerializeToString()


# --- files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("as_path", [str, Path])
def test_the_file_holds_the_model_that_is_returned(as_path: Any, tmp_path: Path) -> None:
    path = as_path(tmp_path / "model.onnx")
    model = cr.LinearRegression().fit(X, ONE).to_onnx(path)
    assert onnx.load(path) == model
    assert os.listdir(tmp_path) == ["model.onnx"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent/model.onnx", r"absent/model.onnx cannot be written: No such file or directory"),
        (".", "it is a folder"),
        (7, r"path must be the name of a file.*got int"),
    ],
)
def test_a_path_that_cannot_be_written_is_named(
    path: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = cr.LinearRegression().fit(X, ONE)
    with pytest.raises(FileError, match=message):
        model.to_onnx(path)
    assert not os.listdir(tmp_path)


def test_a_file_survives_if_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        cr.LinearRegression().fit(X, ONE).to_onnx(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.onnx"]
