"""Networks of scikit-learn come over as they are, training state included, and go back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X_VALUES, Y_VALUES = load_diabetes(return_X_y=True)
LABELS = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
QUICK: dict[str, Any] = {"max_iter": 12, "random_state": 0}

THEIRS = {
    "three classes": (MLPClassifier((6, 5), **QUICK), X, Y),
    "classes by name": (MLPClassifier(5, **QUICK), X, np.array(["no", "yes", "never"])[Y]),
    "two classes": (MLPClassifier(5, activation="tanh", **QUICK), X[:100], Y[:100] == 1),
    "several labels": (MLPClassifier(5, **QUICK), *LABELS),
    "no hidden layer": (MLPClassifier((), **QUICK), X, Y),
    "single precision": (MLPClassifier(5, **QUICK), X.astype(np.float32), Y),
    "gradient descent": (MLPClassifier(5, solver="sgd", **QUICK), X, Y),
    "without momentum": (
        MLPClassifier(5, solver="sgd", momentum=0, learning_rate="invscaling", **QUICK),
        X,
        Y,
    ),
    "a rate that was lowered": (
        MLPClassifier(5, solver="sgd", learning_rate="adaptive", tol=1.0, **QUICK).set_params(
            max_iter=30
        ),
        X,
        Y,
    ),
    "early stopping": (MLPClassifier((), early_stopping=True, **QUICK), X, Y),
    "lbfgs": (MLPRegressor(hidden_layer_sizes=5, solver="lbfgs", **QUICK), X_VALUES, Y_VALUES),
    "values": (
        MLPRegressor(hidden_layer_sizes=5, activation="logistic", **QUICK),
        X_VALUES,
        Y_VALUES,
    ),
    "several values": (
        MLPRegressor(hidden_layer_sizes=5, **QUICK),
        X_VALUES,
        np.c_[Y_VALUES, -Y_VALUES],
    ),
    "counts": (
        MLPRegressor(hidden_layer_sizes=5, loss="poisson", **QUICK),
        X_VALUES,
        np.round(Y_VALUES / 100),
    ),
}
PREDICTIONS = ("predict", "predict_proba", "predict_log_proba")


def same_predictions(one: Any, other: Any, rows: Any) -> None:
    single = np.asarray(rows).dtype == np.float32
    for method in PREDICTIONS:
        if hasattr(one, method):
            expected, found = getattr(one, method)(rows), getattr(other, method)(rows)
            assert found.dtype == expected.dtype
            if found.dtype.kind == "f":
                tolerance = 1e-5 if single else 1e-12
                np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
            else:
                np.testing.assert_array_equal(found, expected)


def same_weights(one: Any, other: Any) -> None:
    tolerance = 1e-5 if one.coefs_[0].dtype == np.float32 else 1e-10
    for name in ("coefs_", "intercepts_"):
        for expected, found in zip(getattr(one, name), getattr(other, name), strict=True):
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def taken_over(theirs: Any) -> Any:
    """To train on: at most a few steps, which are not worth compiling."""
    return cr.from_sklearn(theirs).set_params(engine="reference")


def learned(model: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


@pytest.mark.parametrize("name", THEIRS)
def test_predicts_and_knows_what_theirs_does(name: str, tmp_path: Path) -> None:
    model, rows, targets = THEIRS[name]
    theirs = clone(model).fit(rows, targets)
    ours = cr.from_sklearn(theirs)
    assert type(ours).__name__ == type(theirs).__name__
    same_predictions(theirs, ours, rows)
    assert ours.score(rows, targets) == pytest.approx(theirs.score(rows, targets), rel=1e-6)
    known = learned(ours)
    assert len(known.pop("history_").get("loss", ())) == len(getattr(theirs, "loss_curve_", ()))
    np.testing.assert_equal(known, learned(theirs))
    for parameter, value in theirs.get_params().items():
        assert ours.get_params()[parameter] is value
    ours.save(tmp_path / "model.safetensors")
    same_predictions(theirs, cr.load(tmp_path / "model.safetensors"), rows)


STOCHASTIC = [
    name
    for name, (model, *_) in THEIRS.items()
    if model.solver != "lbfgs" and not model.early_stopping
]


@pytest.mark.parametrize("name", STOCHASTIC)
def test_partial_fit_goes_on_as_theirs(name: str) -> None:
    model, rows, targets = THEIRS[name]
    theirs = clone(model).fit(rows, targets)
    ours = taken_over(theirs)
    for _ in range(3):
        theirs.partial_fit(rows, targets)
        ours.partial_fit(rows, targets)
    same_weights(theirs, ours)
    assert ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize("name", [*STOCHASTIC, "early stopping"])
def test_a_warm_start_goes_on_as_theirs(name: str) -> None:
    model, rows, targets = THEIRS[name]
    theirs = clone(model).set_params(warm_start=True).fit(rows, targets)
    ours = taken_over(theirs)
    theirs.fit(rows, targets)
    ours.fit(rows, targets)
    same_weights(theirs, ours)
    assert ours.n_iter_ == theirs.n_iter_


def test_theirs_is_left_alone() -> None:
    theirs = MLPClassifier(5, **QUICK).fit(X, Y)
    before = [each.copy() for each in theirs.coefs_]
    cr.from_sklearn(theirs).partial_fit(X, Y)
    np.testing.assert_equal(theirs.coefs_, before)
    assert len(theirs.loss_curve_) == 12


def test_names_of_columns_come_along() -> None:
    frame = pd.DataFrame(X_VALUES[:, :2], columns=["age", "sex"])
    theirs = MLPRegressor(hidden_layer_sizes=3, **QUICK).fit(frame, Y_VALUES)
    ours = cr.from_sklearn(theirs)
    assert ours.feature_names_in_.tolist() == ["age", "sex"]
    same_predictions(theirs, ours, frame)


@pytest.mark.parametrize(
    "given, message",
    [
        (Ridge().fit(X, Y), "but got Ridge"),
        (MLPClassifier, r"got MLPClassifier\. It is a class: give an instance"),
        (make_pipeline(MLPClassifier()), r"last step of the pipeline, pipeline\[-1\]"),
        (GridSearchCV(MLPClassifier(), {}).fit, "but got method"),
        (cr.MLPClassifier(), "chainrule's already"),
        (type("Mine", (MLPClassifier,), {})(), "derived from one of them"),
        (None, "but got NoneType"),
    ],
)
def test_other_objects_are_refused(given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        cr.from_sklearn(given)


def test_a_search_is_asked_for_what_it_found() -> None:
    search = GridSearchCV(MLPClassifier(3, **QUICK), {"alpha": [0.1]}, cv=2).fit(X, Y)
    with pytest.raises(TypeError, match="Give its best_estimator_"):
        cr.from_sklearn(search)
    same_predictions(search, cr.from_sklearn(search.best_estimator_), X)


def test_nothing_unfitted_goes_either_way() -> None:
    with pytest.raises(NotFittedError):
        cr.from_sklearn(MLPClassifier())
    with pytest.raises(NotFittedError):
        cr.to_sklearn(cr.MLPClassifier())


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match="knows one class only, 4"):
        cr.from_sklearn(MLPClassifier(3, **QUICK).fit(X, np.full(len(X), 4)))


@pytest.mark.parametrize("name", THEIRS)
def test_goes_back(name: str, tmp_path: Path) -> None:
    model, rows, targets = THEIRS[name]
    own = getattr(cr, type(model).__name__)(**model.get_params(), engine="reference").fit(
        rows, targets
    )
    theirs = cr.to_sklearn(own)
    assert type(theirs) is type(model)
    same_predictions(own, theirs, rows)
    known = learned(own)
    known.pop("history_")
    np.testing.assert_equal(learned(theirs), known)
    own.save(tmp_path / "model.safetensors")
    same_predictions(own, cr.to_sklearn(cr.load(tmp_path / "model.safetensors")), rows)


@pytest.mark.parametrize("name", ["three classes", "early stopping", "values"])
def test_what_went_back_learns_on(name: str) -> None:
    model, rows, targets = THEIRS[name]
    own = getattr(cr, type(model).__name__)(**model.get_params(), engine="reference")
    own.set_params(warm_start=True)
    theirs = cr.to_sklearn(own.fit(rows, targets))
    same_weights(own.fit(rows, targets), theirs.fit(rows, targets))


@pytest.mark.parametrize(
    "parameters, lacking",
    [
        ({"activation": "gelu"}, "activation='gelu'"),
        ({"loss": "hinge"}, "loss='hinge'"),
        ({"solver": "adamw"}, "solver='adamw'"),
        ({"dropout": 0.1}, "dropout=0.1"),
        ({"normalization": "batch"}, "normalization='batch'"),
        ({"class_weight": "balanced"}, "class_weight='balanced'"),
    ],
)
def test_what_theirs_cannot_be_is_named(parameters: dict[str, Any], lacking: str) -> None:
    own = cr.MLPClassifier(3, **QUICK, **parameters).fit(X, Y)
    with pytest.raises(ValueError, match=f"has no {lacking}"):
        cr.to_sklearn(own)


def test_the_activation_is_that_of_the_fit() -> None:
    own = cr.MLPClassifier(3, activation="gelu", **QUICK).fit(X, Y).set_params(activation="tanh")
    with pytest.raises(ValueError, match="activation='gelu'"):
        cr.to_sklearn(own)


def test_only_perceptrons_go_back() -> None:
    with pytest.raises(TypeError, match="but got LinearRegression"):
        cr.to_sklearn(cr.LinearRegression().fit(X, Y))
