"""Models go to a file and back; whatever else is in a file is refused, and never run."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.datasets.features import Feature
from chainrule.datasets.targets import Target

# Five epochs are enough to have something to save.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X_VALUES, Y_VALUES = load_diabetes(return_X_y=True)
LABELS = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
QUICK = {"max_iter": 5, "random_state": 0, "tol": 1.0}

MODELS = {
    "three classes": (cr.MLPClassifier((5, 4), **QUICK), X, Y),
    "two classes by name": (
        cr.MLPClassifier(5, **QUICK),
        X[:100],
        np.array(["no", "yes"])[Y[:100]],
    ),
    "several labels": (cr.MLPClassifier((5,), **QUICK), *LABELS),
    "hinge": (cr.MLPClassifier((), loss="hinge", **QUICK), X, Y),
    "class weights": (cr.MLPClassifier(5, class_weight={0: 1, 1: 2, 2: 3}, **QUICK), X, Y),
    "early stopping": (cr.MLPClassifier(5, early_stopping=True, **QUICK), X, Y),
    "single precision": (cr.MLPClassifier(5, **QUICK), X.astype(np.float32), Y),
    "values": (cr.MLPRegressor(loss="huber", **QUICK), X_VALUES, Y_VALUES),
    "several values": (cr.MLPRegressor(**QUICK), X_VALUES, np.c_[Y_VALUES, -Y_VALUES]),
    "a line": (cr.LinearRegression(), X_VALUES, Y_VALUES),
    "a line through zero": (cr.LinearRegression(fit_intercept=False), X_VALUES, Y_VALUES),
    "two lines": (cr.LinearRegression(), X_VALUES, np.c_[Y_VALUES, -Y_VALUES]),
    "a path": (
        cr.LinearRegression("random_search", n_trials=9, record_path=True, random_state=0),
        X_VALUES,
        Y_VALUES,
    ),
}


@pytest.fixture(name="path")
def a_path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def saved(path: Path) -> Path:
    cr.MLPClassifier((4,), **QUICK).fit(X, Y).save(path)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_with_all_its_bits(path: Path, name: str) -> None:
    model, rows, targets = MODELS[name]
    model.fit(rows, targets)
    model.save(path)
    again = cr.load(path)
    assert type(again) is type(model)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            expected, found = getattr(model, method)(rows), getattr(again, method)(rows)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
    assert repr(again.get_params()) == repr(model.get_params())
    learned = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(again) if name.endswith("_")} == learned
    assert again.history_ == model.history_


def test_training_can_go_on_after_loading(path: Path) -> None:
    again = cr.load(saved(path))
    epochs = len(again.loss_curve_)
    before = [each.copy() for each in again.coefs_]
    again.partial_fit(X, Y)
    assert len(again.loss_curve_) == epochs + 1
    assert any((a != b).any() for a, b in zip(again.coefs_, before, strict=True))


def test_what_was_trained_is_saved_whatever_the_parameters_say_now(path: Path) -> None:
    model = cr.MLPRegressor(hidden_layer_sizes=5, **QUICK).fit(X_VALUES, Y_VALUES)
    before = model.predict(X_VALUES)
    model.set_params(activation="tanh", loss="poisson").save(path)
    again = cr.load(path)
    np.testing.assert_array_equal(again.predict(X_VALUES), before)
    assert again.activation == "tanh"


def test_column_names_are_kept(path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X_VALUES[:, :2], columns=["age", "sex"])
    cr.LinearRegression().fit(frame, Y_VALUES).save(path)
    assert cr.load(path).feature_names_in_.tolist() == ["age", "sex"]
    assert cr.load(path).predict(frame).shape == (442,)


def test_the_file_is_plain_safetensors_with_json(path: Path) -> None:
    with safe_open(saved(path), framework="numpy") as file:
        assert "coefs_.0" in file.keys()  # noqa: SIM118
        description = json.loads(file.metadata()["chainrule"])
    assert description["version"] == 1
    assert description["model"]["estimator"] == "MLPClassifier"


def test_an_unfitted_model_is_not_saved(path: Path) -> None:
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().save(path)
    assert not path.exists()


def squares(y: Any, output: Any) -> Any:
    return cr.sum(cr.square(y - output), 1)


def test_of_a_loss_of_your_own_only_the_name_is_kept(path: Path) -> None:
    model = cr.MLPRegressor(squares, 3, **QUICK).fit(X_VALUES, Y_VALUES)
    model.save(path)
    assert b"squares" in path.read_bytes()
    again = cr.load(path, functions={"squares": squares, "another": max})
    assert again.loss is squares
    np.testing.assert_array_equal(again.predict(X_VALUES), model.predict(X_VALUES))
    again.partial_fit(X_VALUES, Y_VALUES)


@pytest.mark.parametrize("given", [None, {}, {"square": squares}])
def test_the_function_that_lacks_is_named(path: Path, given: Any) -> None:
    cr.MLPRegressor(squares, 3, **QUICK).fit(X_VALUES, Y_VALUES).save(path)
    with pytest.raises(cr.FileError, match=r"load\(path, functions=\{'squares': squares\}\)"):
        cr.load(path, functions=given)


@pytest.mark.parametrize("given", [squares, ["squares"], {"squares": "squares"}])
def test_functions_have_to_be_named_functions(path: Path, given: Any) -> None:
    with pytest.raises(cr.FileError, match="functions must name each function"):
        cr.load(saved(path), functions=given)


@pytest.mark.parametrize("loss", [lambda y, output: squares(y, output), partial(squares)])
def test_a_function_without_a_name_is_refused(path: Path, loss: Any) -> None:
    model = cr.MLPRegressor(loss, 3, **QUICK).fit(X_VALUES, Y_VALUES)
    with pytest.raises(cr.FileError, match=r"loss cannot be saved: .* Define it with def"):
        model.save(path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["os.system", "print", "squares"])
def test_nothing_is_looked_up_by_a_name_in_a_file(path: Path, name: str) -> None:
    changed(saved(path), lambda d, t: d["model"]["parameters"].update(loss={"function": name}))
    with pytest.raises(cr.FileError, match=f"uses a function of yours, '{name}'"):
        cr.load(path)
    changed(saved(path), lambda d, t: d["model"]["learned"].update(loss_={"function": name}))
    with pytest.raises(cr.FileError, match="does not describe a value"):
        cr.load(path, functions={name: squares})


def test_callbacks_are_left_out(path: Path) -> None:
    cr.MLPClassifier(3, callbacks=[print], **QUICK).fit(X, Y).save(path)
    assert cr.load(path).callbacks is None


@pytest.mark.parametrize("length", [0, 1, 7, 8, 50, 500, -1])
def test_a_truncated_file_is_refused(path: Path, length: int) -> None:
    saved(path).write_bytes(path.read_bytes()[:length])
    with pytest.raises(cr.FileError, match=r"not a model file|cannot be read"):
        cr.load(path)


def test_an_absent_file_is_named(path: Path) -> None:
    with pytest.raises(cr.FileError, match=r"model\.safetensors cannot be read"):
        cr.load(path)


def test_a_header_that_claims_gigabytes_is_refused(path: Path) -> None:
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}" + b" " * 100)
    with pytest.raises(cr.FileError, match="not a model file"):
        cr.load(path)


def test_a_pickle_is_refused(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.")
    with pytest.raises(cr.FileError):
        cr.load(path)


def test_a_safetensors_file_of_another_program_is_refused(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path)
    with pytest.raises(cr.FileError, match="not one that chainrule wrote"):
        cr.load(path)


def changed(path: Path, change: Any) -> None:
    """Write the file again with another description."""
    with safe_open(path, framework="numpy") as file:
        description = json.loads(file.metadata()["chainrule"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    description = change(description, tensors) or description
    text = description if isinstance(description, str) else json.dumps(description)
    save_file(tensors, path, {"chainrule": text})


CHANGES = {
    "a later version": (lambda d, t: d.update(version=99), "newer chainrule"),
    "no version": (lambda d, t: d.pop("version") and None, "cannot be read"),
    "no JSON": (lambda d, t: "{", "cannot be read"),
    "JSON without end": (lambda d, t: "[" * 100_000, "cannot be read"),
    "a list": (lambda d, t: "[1]", "cannot be read"),
    "no model": (lambda d, t: d.pop("model") and None, "not complete"),
    "another class": (lambda d, t: d["model"].update(estimator="os.system"), "does not know"),
    "an unknown parameter": (lambda d, t: d["model"]["parameters"].update(x=1), "parameters"),
    "a wild parameter": (lambda d, t: d["model"]["parameters"].update(alpha="x"), "parameters"),
    "an attribute of its own": (lambda d, t: d["model"]["learned"].update(fit=1), "not learn"),
    "a missing array": (lambda d, t: t.pop("coefs_.0") is None, "does not describe"),
    "weights of another shape": (lambda d, t: t.update({"coefs_.0": np.ones((4, 9))}), "shape"),
    "weights of text": (
        lambda d, t: d["model"]["learned"].update(coefs_=["a", "b"]),
        "fit together",
    ),
    "whole numbers": (lambda d, t: t.update({"coefs_.0": np.ones((4, 4), int)}), "not an array"),
    "NaN": (lambda d, t: t.update({"coefs_.0": np.full((4, 4), np.nan)}), "NaN"),
    "another number of columns": (
        lambda d, t: d["model"]["learned"].update(n_features_in_=7),
        "7",
    ),
    "an activation of its own": (
        lambda d, t: d["model"]["learned"].update(_activation="os.system"),
        "not both known",
    ),
    "fewer classes": (lambda d, t: t.update(classes_=np.arange(2)), "classes"),
    "no weights": (lambda d, t: d["model"]["learned"].pop("coefs_") and None, "fit together"),
    "no history": (lambda d, t: d["model"]["learned"].pop("history_") and None, "fit together"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_made_by_hand_is_refused(path: Path, name: str) -> None:
    change, message = CHANGES[name]
    changed(saved(path), change)
    with pytest.raises(cr.FileError, match=message) as caught:
        cr.load(path)
    assert str(path) in str(caught.value)


TABLE_CHANGES = {
    "no columns": lambda table: table.update(features=[]),
    "a column of another kind": lambda table: table["features"][0].update(kind="code"),
    "a column without scale": lambda table: table["features"][0].update(scale=0.0),
    "a fill of another kind": lambda table: table["features"][0].update(fill="text"),
    "more about a column": lambda table: table["features"][0].update(more=1),
    "no target": lambda table: table.pop("target"),
    "another task": lambda table: table["target"].update(task="classification"),
    "a target without scale": lambda table: table["target"].update(scale="1"),
}


@pytest.mark.parametrize("name", TABLE_CHANGES)
def test_a_description_of_columns_made_by_hand_is_refused(path: Path, name: str) -> None:
    features = tuple(Feature(f"column {k}", "number") for k in range(X_VALUES.shape[1]))
    model = cr.LinearRegression().fit(X_VALUES, Y_VALUES)
    cr.TableModel(model, features, Target("y", "regression")).save(path)
    assert cr.load(path).features == features

    def change(description: Any, tensors: Any) -> None:
        TABLE_CHANGES[name](description["table"])

    changed(path, change)
    with pytest.raises(cr.FileError, match="not a sound model file"):
        cr.load(path)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(cr.FileError, match="is a folder"):
        cr.load(tmp_path)


@pytest.mark.parametrize("wanted", [None, 3, b"model.safetensors"])
def test_what_is_no_path_is_named(wanted: Any) -> None:
    with pytest.raises(cr.FileError, match=f"but got {type(wanted).__name__}: give the path"):
        cr.load(wanted)
