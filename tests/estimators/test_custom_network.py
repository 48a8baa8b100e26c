"""Networks of a list of layers: as perceptrons where they are one, and all that these can do."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

# A few epochs show whether two fits go the same way.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
VALUES = np.c_[X[:, 0] * X[:, 1], np.sin(X[:, 2])]


def waves(x: Any, W: Any, a: Any) -> Any:
    return a * cr.sin(x @ W)


OWN = cr.Layer(waves, {"W": ("features", 6), "a": (6,)}, first={"a": 1.0})
LAYERS = (
    cr.Dense(8, "relu"),
    cr.Dropout(0.1),
    cr.LayerNorm(),
    cr.BatchNorm(),
    cr.Activation("tanh"),
    cr.GaussianNoise(0.1),
    cr.Residual([cr.Dense(5, "silu"), cr.Dense(8)]),
)


def network(layers: Any = LAYERS, **options: Any) -> cr.NetworkClassifier:
    given = {"max_iter": 6, "batch_size": 40, "learning_rate_init": 0.01, "random_state": 0}
    return cr.NetworkClassifier(layers, **{**given, **options})


# --- learning ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_dense_layers_alone_are_the_perceptron_bit_for_bit(solver: str, activation: str) -> None:
    options = {"solver": solver, "max_iter": 8, "random_state": 3, "n_threads": 1}
    layers = [cr.Dense(7, activation), cr.Dense(5, activation)]
    mine = cr.NetworkRegressor(layers, **options).fit(X, VALUES)
    theirs = cr.MLPRegressor(hidden_layer_sizes=(7, 5), activation=activation, **options)
    theirs.fit(X, VALUES)
    assert list(mine.weights_) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for k in range(3):
        np.testing.assert_array_equal(mine.weights_[f"W{k + 1}"], theirs.coefs_[k])
        np.testing.assert_array_equal(mine.weights_[f"b{k + 1}"], theirs.intercepts_[k])
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))


def test_lbfgs_takes_the_path_that_it_takes_with_a_perceptron() -> None:
    # It adds up over all parameters together, and their order is another one.
    options = {"solver": "lbfgs", "max_iter": 8, "random_state": 3}
    mine = cr.NetworkRegressor([cr.Dense(7, "tanh")], **options).fit(X, VALUES)
    theirs = cr.MLPRegressor(hidden_layer_sizes=(7,), activation="tanh", **options).fit(X, VALUES)
    np.testing.assert_allclose(mine.history_["loss"], theirs.history_["loss"], rtol=1e-9)


def test_both_engines_learn_the_same() -> None:
    layers = (*LAYERS, OWN)
    native, reference = (network(layers, engine=each).fit(X, Y) for each in ("native", "reference"))
    # A shift before a batch normalisation changes nothing, and Adam makes steps of its rounding.
    for name, values in reference.weights_.items():
        np.testing.assert_allclose(native.weights_[name], values, rtol=1e-9, atol=1e-9)
    for name, values in reference.statistics_.items():
        np.testing.assert_allclose(native.statistics_[name], values, rtol=1e-10)


def test_each_kind_of_layer_helps_to_learn() -> None:
    layers = (*LAYERS, OWN)
    model = network(layers, max_iter=150, early_stopping=True, n_iter_no_change=30).fit(X, Y)
    assert model.score(X, Y) > 0.93
    assert model.predict_proba(X).shape == (150, 3)


def test_without_layers_it_is_a_linear_model() -> None:
    model = cr.NetworkRegressor([], solver="lbfgs", alpha=0.0, tol=1e-10, random_state=0)
    line = X @ [1.0, 2.0, 3.0, 4.0] + 5.0
    np.testing.assert_allclose(model.fit(X, line).predict(X), line, atol=1e-4)


def test_the_penalty_counts_weights_alone() -> None:
    weights = cr.NetworkRegressor([OWN, cr.BatchNorm()], alpha=1.0, max_iter=1)
    weights.fit(X, VALUES)
    assert [node.name for node in weights._objective(False).penalised] == ["W1", "W2"]


# --- batch normalisation -----------------------------------------------------------------


def test_threads_share_the_moments_of_a_minibatch() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(403, 64))
    target, weight = np.sin(wide @ rng.normal(size=64)), rng.uniform(0.5, 2, 403)
    layers = [cr.Dense(300), cr.BatchNorm(), cr.Activation("relu"), cr.Dropout(0.1)]
    one, two = (
        cr.NetworkRegressor(layers, max_iter=3, batch_size=100, random_state=0, n_threads=n).fit(
            wide, target, sample_weight=weight
        )
        for n in (1, 2)
    )
    for mine, theirs in zip(one._parameters, two._parameters, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10)


def test_a_last_minibatch_of_one_row_is_no_harm() -> None:
    layers = [cr.Dense(8), cr.BatchNorm(), cr.Activation("relu")]
    model = network(layers, batch_size=149).fit(X, Y)
    assert np.isfinite(model.statistics_["running_variance1"]).all()
    # Rows one by one never have moments of their own.
    by_row = network(layers, batch_size=1, max_iter=1).fit(X, Y)
    np.testing.assert_array_equal(by_row.statistics_["running_mean1"], 0.0)
    np.testing.assert_array_equal(by_row.statistics_["running_variance1"], 1.0)


def test_running_moments_are_those_of_the_rows_seen() -> None:
    model = network([cr.BatchNorm(momentum=1.0)], batch_size=150, max_iter=1).fit(X + 3.0, Y)
    np.testing.assert_allclose(model.statistics_["running_mean0"], 3.0)
    np.testing.assert_allclose(model.statistics_["running_variance0"], 150 / 149)


def test_early_stopping_brings_back_the_statistics_of_the_best_weights() -> None:
    seen: list[tuple[float, dict[str, np.ndarray]]] = []

    def look(moment: Any) -> None:
        if moment.epoch_ended:
            kept = {name: each.copy() for name, each in model.statistics_.items()}
            seen.append((moment.history["validation_score"][-1], kept))

    model = network(
        [cr.Dense(8), cr.BatchNorm(), cr.Activation("tanh")],
        max_iter=30,
        n_iter_no_change=30,
        early_stopping=True,
        callbacks=[look],
        tol=0.0,
    )
    model.fit(X, Y)
    best = max(range(len(seen)), key=lambda k: seen[k][0])
    assert best < len(seen) - 1, "else this test shows nothing"
    for name, values in seen[best][1].items():
        np.testing.assert_array_equal(model.statistics_[name], values)
    assert any((seen[-1][1][name] != model.statistics_[name]).any() for name in model.statistics_)


def test_partial_fit_and_warm_start_go_on_with_the_statistics() -> None:
    layers = [cr.Dense(8), cr.BatchNorm(), cr.Activation("relu")]
    options = {"shuffle": False, "n_threads": 1, "tol": 0.0, "n_iter_no_change": 100}
    whole = network(layers, max_iter=4, **options).fit(X, Y)
    parts = network(layers, **options)
    for _ in range(4):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    for mine, theirs in zip(parts._parameters, whole._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    warm = network(layers, max_iter=2, warm_start=True, **options).fit(X, Y)
    middle = warm.statistics_["running_mean1"].copy()
    warm.fit(X, Y)
    assert (warm.statistics_["running_mean1"] != middle).all()


# --- as data -----------------------------------------------------------------------------


def test_it_is_saved_with_its_layers_and_statistics(tmp_path: Path) -> None:
    model = network(max_iter=3).fit(X, Y)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert again.layers == model.layers == LAYERS
    assert list(again.statistics_) == ["running_mean1", "running_variance1"]
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.summary() == model.summary()
    again.set_params(warm_start=True).fit(X, Y)


def test_a_file_whose_layers_learn_other_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for change in (
        {"_layers": (cr.Dense(8),)},
        {"_layers": (cr.Dense(8, "relu"), cr.Dense(3))},
        {"_layers": 3},
        {"n_features_in_": 0},
        {"n_features_in_": 5},
        {"weights_": {}},
        {"statistics_": {}},
        {"out_activation_": "sin"},
    ):
        model = network(max_iter=1).fit(X, Y)
        for name, value in change.items():
            setattr(model, name, value)
        model.save(path)
        with pytest.raises(cr.FileError, match="not a sound model file"):
            cr.load(path)


def test_it_is_loaded_as_it_was_trained_whatever_its_parameter_says_by_then(tmp_path: Path) -> None:
    model = network(max_iter=3).fit(X, Y).set_params(layers=[cr.Dense(99)])
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_pipelines_and_searches_take_lists_of_layers() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network()),
        {"networkclassifier__layers": [[cr.Dense(4, "tanh")], list(LAYERS), []]},
        cv=2,
    ).fit(X, Y)
    assert len(search.cv_results_["mean_test_score"]) == 3
    copied = clone(search.best_estimator_)
    assert copied[-1].layers == search.best_params_["networkclassifier__layers"]


# --- explanations ------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["W2[3, 1]", "scale1[2]", "a4[1]", "x[0]", "h3_sum[4]", None])
def test_each_number_is_derived_and_checked(parameter: str | None) -> None:
    model = network((*LAYERS, OWN)).fit(X, Y)
    work = model.explain(X[0], Y[0], parameter=parameter)
    assert work.chains[0].check.agrees
    if parameter is not None:
        assert "running means" in work.to_text()


def test_the_update_on_the_board_is_the_step_that_follows() -> None:
    layers = [cr.Dense(6), cr.BatchNorm(), cr.Activation("tanh")]
    model = network(layers, shuffle=False, n_threads=1, alpha=0.1).fit(X, Y)
    work = model.explain(X[7], Y[7], parameter="W1[1, 2]")
    model.set_params(batch_size=1).partial_fit(X[7:8], Y[7:8])
    assert work.to_dict()["update"]["after"] == pytest.approx(model.weights_["W1"][1, 2], rel=1e-9)


def test_a_sick_layer_is_found() -> None:
    model = network([cr.Dense(8, "tanh"), cr.Dense(8, "relu")], max_iter=60).fit(X, Y)
    assert "layer" in str(model.diagnose(X, Y))
    model.weights_["W2"][:], model.weights_["b2"][:] = 0.0, -1.0
    found = model.diagnose(X, Y).findings
    assert ("dead units", "layer 2") in [(each.illness, each.where) for each in found]


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layers, solver, message",
    [
        ([cr.Dense(3), cr.Dropout], "adam", r"layers\[1\] is no layer"),
        ("relu", "adam", r"layers must be a list of layers, such as \[Dense\(64, 'relu'\)"),
        (None, "adam", r"layers must be a list of layers.*but got None"),
        ([cr.Residual([cr.Dense(3)])], "adam", r"layers\[0\], Residual.*Dense\(4\)"),
        ([cr.Dense(3), cr.BatchNorm()], "lbfgs", r"layers\[1\], BatchNorm\(\).*LayerNorm\(\)"),
        (
            [cr.Residual([cr.Dense(4), cr.Dropout(0.1)])],
            "lbfgs",
            r"layers\[0\]\.layers\[1\], Dropout\(0.1\): it draws anew",
        ),
    ],
)
def test_layers_that_cannot_be_trained_are_refused(layers: Any, solver: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(layers, solver=solver).fit(X, Y)


def test_lbfgs_takes_what_neither_draws_nor_needs_minibatches() -> None:
    layers = [cr.Dense(8), cr.LayerNorm(), cr.Activation("tanh"), cr.Dropout(0.0), OWN]
    assert network(layers, solver="lbfgs", max_iter=60).fit(X, Y).score(X, Y) > 0.95


def test_training_does_not_go_on_from_other_layers() -> None:
    model = network([cr.Dense(4, "relu")], warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"goes on from layers \[Dense\(4, 'relu'\)\].*Dense\(5\)"):
        model.set_params(layers=[cr.Dense(5)]).fit(X, Y)
    # What learns the same arrays may take their place.
    model.set_params(layers=[cr.Dense(4, "tanh"), cr.Dropout(0.1)]).fit(X, Y)


def test_a_summary_needs_a_fit() -> None:
    with pytest.raises(NotFittedError):
        network().summary()


def test_a_file_keeps_the_name_of_a_function_and_is_given_it_back(tmp_path: Path) -> None:
    model = network([cr.Dropout(0.1), OWN]).fit(X, Y)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = cr.load(path, functions={"waves": waves})
    assert again.layers == [cr.Dropout(0.1), OWN]
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    with pytest.raises(cr.FileError, match="waves"):
        cr.load(path)


@pytest.mark.parametrize(
    "model",
    [
        network((*LAYERS, OWN)),
        cr.MLPClassifier(5, normalization="batch", max_iter=5, random_state=0),
        cr.MLPClassifier(5, normalization="layer", max_iter=5, random_state=0),
    ],
    ids=["of layers", "batch", "layer"],
)
def test_onnx_runtime_predicts_the_same(model: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    written = model.fit(X, Y).to_onnx(dtype="float64").SerializeToString()
    session = onnxruntime.InferenceSession(written)
    _, probabilities = session.run(["label", "probabilities"], {"X": X})
    np.testing.assert_allclose(probabilities, model.predict_proba(X), rtol=1e-9)


def test_a_function_without_a_name_is_not_saved(tmp_path: Path) -> None:
    model = network([cr.Layer(lambda x: cr.sin(x), name="sine")]).fit(X, Y)
    with pytest.raises(cr.FileError, match=r"layers.*function cannot be saved"):
        model.save(tmp_path / "model.safetensors")


@pytest.mark.parametrize("accumulate_steps", [1, 3])
def test_streams_are_learned_from_as_rows_in_memory(accumulate_steps: int) -> None:
    layers = [cr.Dense(8), cr.BatchNorm(), cr.Activation("tanh")]
    options = {"shuffle": False, "n_threads": 1, "accumulate_steps": accumulate_steps}
    whole = network(layers, **options).fit(X, Y)
    batches = [(X[start : start + 50], Y[start : start + 50]) for start in (0, 50, 100)]
    stream = network(layers, **options).fit_stream(batches, classes=[0, 1, 2])
    for mine, theirs in zip(stream._parameters, whole._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_running_moments_follow_each_minibatch_also_where_updates_wait() -> None:
    layers = [cr.BatchNorm(momentum=1.0)]
    model = network(layers, shuffle=False, accumulate_steps=3, max_iter=1).fit(X, Y)
    last = X[120:]  # of minibatches of 40 rows
    np.testing.assert_allclose(model.statistics_["running_mean0"], last.mean(0))
    np.testing.assert_allclose(model.statistics_["running_variance0"], last.var(0, ddof=1))


def test_warnings_are_those_of_the_perceptron() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            network(max_iter=1).fit(X, Y)
