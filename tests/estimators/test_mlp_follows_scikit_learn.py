"""With the same random_state, the perceptron learns scikit-learn's weights to 1e-8.

The peers start from the same weights and visit the rows in the same order, so what differs is
rounding alone. L-BFGS makes rounding grow from iteration to iteration, by a factor of about ten
in two, so it is followed for fifteen.
"""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network as peer
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.preprocessing import scale

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn's own arithmetic, on data that makes it overflow.
    pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning:sklearn"),
]

IRIS = load_iris(return_X_y=True)
IRIS = (scale(IRIS[0]), IRIS[1])
BINARY = (IRIS[0], (IRIS[1] == 1).astype(int))
DIABETES = load_diabetes(return_X_y=True)
DIABETES = (scale(DIABETES[0]), DIABETES[1] / 100)
LABELS = make_multilabel_classification(90, 6, n_classes=4, random_state=0)
OUTPUTS = (DIABETES[0][:120], np.stack([DIABETES[1][:120], DIABETES[0][:120, 2]], axis=1))

ATTRIBUTES = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
CURVES = ("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")


def both(estimator, **parameters):
    """Our estimator and scikit-learn's, with the same parameters."""
    engine = parameters.pop("engine", "native")
    parameters = {"random_state": 3, "hidden_layer_sizes": (8, 5), "max_iter": 15, **parameters}
    ours = getattr(cr, estimator)(engine=engine, **parameters)
    return ours, getattr(peer, estimator)(**parameters)


def assert_same(ours, theirs, X, tolerance=1e-8):
    for mine, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=tolerance, atol=tolerance)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(
            ours.predict_proba(X), theirs.predict_proba(X), rtol=tolerance, atol=tolerance
        )
    for name in ATTRIBUTES:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in CURVES:
        assert hasattr(ours, name) == hasattr(theirs, name), name
        expected = getattr(theirs, name, None)
        actual = getattr(ours, name, None)
        assert (actual is None) == (expected is None), name
        if expected is not None:
            np.testing.assert_allclose(actual, expected, rtol=tolerance, err_msg=name)


def compare(estimator, data, sample_weight=None, **parameters):
    X, y = data
    ours, theirs = both(estimator, **parameters)
    ours.fit(X, y, sample_weight=sample_weight)
    theirs.fit(X, y, sample_weight=sample_weight)
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_classifier(engine, solver, activation):
    parameters = {"activation": activation, "solver": solver, "batch_size": 32}
    compare("MLPClassifier", IRIS, engine=engine, **parameters)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_regressor(engine, solver, activation):
    parameters = {"activation": activation, "solver": solver, "batch_size": 100}
    compare("MLPRegressor", DIABETES, engine=engine, **parameters)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("data", [BINARY, LABELS], ids=["two classes", "labels"])
def test_classifiers_of_two_classes_and_of_labels(solver, data):
    compare("MLPClassifier", data, solver=solver)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_several_outputs(solver):
    compare("MLPRegressor", OUTPUTS, solver=solver, batch_size=50)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_poisson(solver):
    data = (DIABETES[0], np.round(DIABETES[1]))
    compare("MLPRegressor", data, loss="poisson", solver=solver, alpha=0.1)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize(
    "estimator, data", [("MLPClassifier", IRIS), ("MLPRegressor", DIABETES)], ids=["class", "value"]
)
def test_sample_weights(estimator, data, solver):
    weight = np.random.default_rng(0).uniform(0.1, 2.0, size=len(data[1]))
    compare(estimator, data, weight, solver=solver, alpha=0.5, batch_size=64)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "estimator, data",
    [
        ("MLPClassifier", IRIS),
        ("MLPClassifier", BINARY),
        ("MLPClassifier", LABELS),
        ("MLPRegressor", DIABETES),
    ],
    ids=["classes", "two classes", "labels", "values"],
)
def test_early_stopping(engine, estimator, data, solver):
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(data[1]))
    compare(
        estimator,
        data,
        weight,
        engine=engine,
        solver=solver,
        early_stopping=True,
        validation_fraction=0.2,
        learning_rate_init=0.02,
        n_iter_no_change=3,
        max_iter=40,
        batch_size=40,
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd", "momentum": 0.0},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
        {"solver": "adam", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-4},
        {"solver": "adam", "learning_rate": "invscaling"},
        {"shuffle": False, "batch_size": 40},
        {"alpha": 0.0},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 6},
        {"max_iter": 200},
        {"n_iter_no_change": np.inf},
        {"tol": 0.1, "n_iter_no_change": 2, "learning_rate_init": 0.1},
    ],
    ids=str,
)
def test_parameters(parameters):
    compare("MLPClassifier", IRIS, **parameters)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "estimator, data, classes",
    [
        ("MLPClassifier", IRIS, [0, 1, 2]),
        ("MLPClassifier", LABELS, [0, 1, 2, 3]),
        ("MLPRegressor", OUTPUTS, None),
    ],
    ids=["classes", "labels", "outputs"],
)
def test_partial_fit(estimator, data, classes, parameters, weighted):
    X, y = data
    weight = np.random.default_rng(1).uniform(0.2, 3.0, len(y)) if weighted else np.ones(len(y))
    named = {} if classes is None else {"classes": classes}
    ours, theirs = both(estimator, batch_size=20, **parameters)
    for rows in (slice(0, 60), slice(50, 90), slice(0, len(y)), slice(0, 60), slice(0, len(y))):
        for model in (ours, theirs):
            model.partial_fit(X[rows], y[rows], sample_weight=weight[rows], **named)
        assert_same(ours, theirs, X)


def test_partial_fit_goes_on_from_fit():
    X, y = DIABETES
    ours, theirs = both("MLPRegressor")
    for model in (ours, theirs):
        model.fit(X, y)
        model.partial_fit(X[:100], y[:100]).partial_fit(X, y)
    assert_same(ours, theirs, X)


# Without early stopping: there, scikit-learn goes on training the very arrays that it keeps as
# the best, and where no score is better it ends with the latest weights.
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_warm_start(solver, learning_rate):
    X, y = BINARY
    parameters = {"learning_rate": learning_rate, "tol": 0.05, "n_iter_no_change": 1}
    ours, theirs = both("MLPClassifier", warm_start=True, solver=solver, max_iter=5, **parameters)
    for _ in range(3):
        ours.fit(X, y)
        theirs.fit(X, y)
        assert_same(ours, theirs, X)


@pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive"])
def test_early_stopping_under_a_schedule(learning_rate):
    parameters = {"learning_rate": learning_rate, "solver": "sgd", "learning_rate_init": 0.05}
    stopping = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 60}
    compare("MLPRegressor", DIABETES, **parameters, **stopping, batch_size=50)


def test_single_precision_stays_single_and_near():
    X, y = IRIS[0].astype(np.float32), IRIS[1]
    ours, theirs = both("MLPClassifier")
    ours.fit(X, y)
    theirs.fit(X, y)
    assert {each.dtype for each in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    assert ours.predict_proba(X).dtype == np.float32
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_random_state_may_be_shared_with_what_comes_after():
    X, y = IRIS
    states = [np.random.RandomState(5), np.random.RandomState(5)]
    for model, state in zip(both("MLPClassifier", early_stopping=True), states, strict=True):
        model.set_params(random_state=state).fit(X, y)
    assert states[0].randint(10**9) == states[1].randint(10**9)
