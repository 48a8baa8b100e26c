"""What all networks can be asked for in training: penalties, schedules, scorers, and more."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.metrics import accuracy_score, log_loss, make_scorer
from sklearn.preprocessing import StandardScaler

import chainrule as cr

DIABETES = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(DIABETES[0])
VALUES = (DIABETES[1] - DIABETES[1].mean()) / DIABETES[1].std()
IRIS_X, IRIS_Y = load_iris(return_X_y=True)
SEQUENCES = np.random.default_rng(0).normal(size=(90, 6, 2))
SIGNS = (SEQUENCES[:, 0, 0] > 0).astype(int)

STOCHASTIC = ("sgd", "adam", "adamw", "adagrad", "rmsprop")

NETWORKS = {
    "mlp classifier": (cr.MLPClassifier((6,), solver="adam"), IRIS_X, IRIS_Y),
    "mlp regressor": (cr.MLPRegressor(hidden_layer_sizes=(6,), solver="adam"), X, VALUES),
    "logistic": (cr.LogisticRegression(solver="adam"), IRIS_X, IRIS_Y),
    "rbf classifier": (
        cr.RBFClassifier(8, fine_tune=True, solver="adam", random_state=0),
        IRIS_X,
        IRIS_Y,
    ),
    "rbf regressor": (cr.RBFRegressor(8, fine_tune=True, solver="adam"), X, VALUES),
    "rnn": (cr.RNNClassifier(4, alpha=0.1, clip_norm=None), SEQUENCES, SIGNS),
    "lstm": (cr.LSTMRegressor(4, alpha=0.1, clip_norm=None), SEQUENCES, SEQUENCES[:, 0, 0]),
    "autoencoder": (cr.Autoencoder(2, (5,)), IRIS_X, None),
    "sparse autoencoder": (cr.SparseAutoencoder(3, mean_decay=0.0), IRIS_X, None),
}


def quietly(model, *data, **options):
    """Fit for as many epochs as asked for, whether or not they suffice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*data, **options)


def network(name, **parameters):
    model, *data = NETWORKS[name]
    model = model.__class__(**{**model.get_params(), "random_state": 0, "max_iter": 3})
    return model.set_params(**parameters), data


def learned(model):
    return [np.array(each) for each in model._parameters]


# --- accumulation ------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("name", ["mlp regressor", "logistic", "rbf classifier", "lstm"])
def test_accumulated_minibatches_are_one_that_is_so_many_times_larger(name, engine):
    # 90, 150 and 442 rows: the last update of an epoch has what is left.
    shared = {"engine": engine, "clip_norm": 0.5, "weight_decay": 0.01, "l1_ratio": 0.3}
    large, data = network(name, batch_size=40, **shared)
    small, _ = network(name, batch_size=10, accumulate_steps=4, **shared)
    quietly(large, *data)
    quietly(small, *data)
    for mine, theirs in zip(learned(small), learned(large), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(small.history_["loss"], large.history_["loss"], rtol=1e-9)


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_every_solver_accumulates_however_many_threads_there_are(solver, n_threads):
    shared = {"solver": solver, "alpha": 0.1, "n_threads": n_threads}
    large, data = network("mlp regressor", batch_size=150, **shared)
    small, _ = network("mlp regressor", batch_size=50, accumulate_steps=3, **shared)
    quietly(large, *data)
    quietly(small, *data)
    for mine, theirs in zip(learned(small), learned(large), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


# --- penalties ---------------------------------------------------------------------------


@pytest.mark.parametrize("solver", STOCHASTIC[:2] + STOCHASTIC[3:])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_an_l1_penalty_ends_at_the_elastic_nets_minimum_with_its_zeros(solver, l1_ratio):
    alpha = 0.08
    peer = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000).fit(X, VALUES)
    model = cr.MLPRegressor(
        hidden_layer_sizes=(),
        activation="identity",
        solver=solver,
        alpha=alpha * len(X),
        l1_ratio=l1_ratio,
        batch_size=len(X),
        learning_rate=cr.CosineSchedule(),
        learning_rate_init=1.0 if solver == "adagrad" else 0.02,
        max_iter=4000,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    quietly(model, X, VALUES)
    found = model.coefs_[0].ravel()
    np.testing.assert_allclose(found, peer.coef_, atol=1e-3)
    assert (peer.coef_ == 0).any()
    np.testing.assert_array_equal(found == 0, peer.coef_ == 0)


def test_logistic_regression_with_an_l1_penalty_is_scikit_learns():
    two = IRIS_Y < 2
    rows, classes = StandardScaler().fit_transform(IRIS_X[two]), IRIS_Y[two]
    peer = TheirLogisticRegression(
        C=0.1, l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=100_000
    ).fit(rows, classes)
    model = cr.LogisticRegression(
        C=0.1,
        l1_ratio=1.0,
        solver="sgd",
        batch_size=len(rows),
        learning_rate_init=0.5,
        tol=0.0,
        max_iter=5000,
    )
    quietly(model, rows, classes)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-6)
    np.testing.assert_array_equal(model.coef_ == 0, peer.coef_ == 0)
    assert (peer.coef_ == 0).any()


def test_the_loss_that_is_reported_has_the_whole_penalty():
    model, data = network("mlp regressor", l1_ratio=0.25, alpha=3.0, batch_size=len(X))
    model.set_params(learning_rate_init=1e-12, max_iter=1)
    quietly(model, *data)
    errors = 0.5 * ((model.predict(X) - VALUES) ** 2).sum()
    sizes = sum(np.abs(each).sum() for each in model.coefs_)
    squares = sum((each**2).sum() for each in model.coefs_)
    penalty = 3.0 * (0.25 * sizes + 0.75 * 0.5 * squares)
    assert model.loss_ == pytest.approx((errors + penalty) / len(X), rel=1e-6)


def test_weight_decay_of_adam_is_adamw():
    decaying, data = network("mlp regressor", solver="adam", alpha=0.0, weight_decay=0.3)
    adamw, _ = network("mlp regressor", solver="adamw", alpha=0.3)
    quietly(decaying, *data)
    quietly(adamw, *data)
    for mine, theirs in zip(learned(decaying), learned(adamw), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_decays_its_weights_and_not_its_biases(name):
    free = {"C": np.inf} if name == "logistic" else {"alpha": 0.0}
    lazy, data = network(name, solver="sgd", learning_rate_init=1e-9, **free)
    decaying = lazy.__class__(**{**lazy.get_params(), "weight_decay": 1e8})
    quietly(lazy, *(each for each in data if each is not None))
    quietly(decaying, *(each for each in data if each is not None))
    weights = [str(each.name) for each in lazy._network.weights]
    names = [str(each.name) for each in lazy._network.parameters]
    for each, before, after in zip(names, learned(lazy), learned(decaying), strict=True):
        if each in weights:
            assert np.abs(after).sum() <= 0.95 * np.abs(before).sum()
        else:
            np.testing.assert_allclose(after, before, atol=1e-6)


# --- schedules ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schedule",
    [
        cr.ConstantSchedule(warmup=2),
        cr.StepSchedule(every=2, gamma=0.5),
        cr.CosineSchedule(warmup=1, final=0.1),
        cr.OneCycleSchedule(rising=0.4),
    ],
)
@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_steps_of_an_epoch_follow_the_schedule(schedule, engine):
    epochs, minibatches = 6, 4
    rows = np.zeros((5 * minibatches, 1))  # so that only the bias moves
    model = cr.MLPRegressor(
        loss=lambda y, output: cr.sum(output + 0.0 * y, 1),  # whose slope is 1
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate=schedule,
        learning_rate_init=2.0,
        batch_size=5,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
        engine=engine,
    )
    biases = []
    model.callbacks = [
        lambda moment: moment.epoch_ended and biases.append(float(model.intercepts_[0][0]))
    ]
    quietly(model, rows, rows.ravel())
    moved = -np.diff(biases)
    between = [2.0]
    for epoch in range(1, epochs):
        between.append(schedule.after_epoch(2.0, between[-1], epoch, 0))
    expected = [
        sum(
            rate * schedule.factor_at(epoch + (step + 1) / minibatches, epochs)
            for step in range(minibatches)
        )
        for epoch, rate in enumerate(between)
    ]
    np.testing.assert_allclose(moved, expected[1:], rtol=1e-9)
    np.testing.assert_allclose(model.history_["learning_rate"], schedule.rates(epochs, 2.0))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_every_feature_at_once(name):
    model, data = network(
        name,
        learning_rate=cr.CosineSchedule(warmup=1),
        clip_norm=1.0,
        accumulate_steps=2,
        l1_ratio=0.1,
        weight_decay=0.01,
        batch_size=16,
        max_iter=15,
        n_iter_no_change=np.inf,
    )
    quietly(model, *(each for each in data if each is not None))
    losses = model.history_["loss"]
    assert losses[-1] < losses[0]
    assert model.history_["learning_rate"][-1] == 0.0


def test_a_schedule_starts_anew_with_each_fit_and_goes_on_with_partial_fit():
    schedule = cr.StepSchedule(every=1, gamma=0.5)
    model, data = network("mlp regressor", learning_rate=schedule, warm_start=True)
    quietly(model, *data)
    quietly(model, *data)
    first = model.learning_rate_init
    np.testing.assert_allclose(
        model.history_["learning_rate"], first * np.array([1, 0.5, 0.25, 1, 0.5, 0.25])
    )
    model.partial_fit(*data)
    assert model.history_["learning_rate"][-1] == pytest.approx(first / 8)


def test_a_rate_that_ends_with_the_last_epoch_has_not_been_cut_off():
    model, data = network("mlp regressor", learning_rate="one_cycle")
    model.fit(*data)  # without a warning
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        model.set_params(learning_rate="step").fit(*data)


# --- scorers -----------------------------------------------------------------------------


def test_scorers_are_asked_after_each_epoch_on_the_validation_data():
    model, _ = network("mlp classifier", scoring=["accuracy", "neg_log_loss"])
    held_out = (IRIS_X[::3], IRIS_Y[::3])
    quietly(model, IRIS_X, IRIS_Y, validation_data=held_out)
    history = model.history_
    assert len(history["validation_accuracy"]) == 3
    assert history["validation_accuracy"] == history["validation_score"]
    probabilities = model.predict_proba(held_out[0])
    assert history["validation_neg_log_loss"][-1] == pytest.approx(
        -log_loss(held_out[1], probabilities)
    )
    np.testing.assert_allclose(
        np.negative(history["validation_neg_log_loss"]), history["validation_loss"]
    )


def right(estimator, rows, y):
    return accuracy_score(y, estimator.predict(rows))


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        ("accuracy", "accuracy"),
        (right, "right"),
        (make_scorer(accuracy_score), "accuracy_score"),
        ({"mine": right}, "mine"),
        (("accuracy",), "accuracy"),
    ],
)
def test_scorers_may_be_given_in_any_form_and_fall_back_on_the_training_rows(scoring, name):
    model, data = network("logistic", scoring=scoring)
    quietly(model, *data)
    assert model.history_[f"training_{name}"][-1] == model.score(*data)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_scored(name):
    def own(estimator, rows, y=None):
        return estimator.score(rows) if y is None else estimator.score(rows, y)

    model, data = network(name, scoring=own, early_stopping=True, batch_size=16)
    quietly(model, *(each for each in data if each is not None))
    history = model.history_
    np.testing.assert_allclose(history["validation_own"], history["validation_score"], rtol=1e-9)


def test_lbfgs_asks_scorers_too():
    model, data = network("mlp classifier", solver="lbfgs", scoring="accuracy", max_iter=20)
    quietly(model, *data)
    assert len(model.history_["training_accuracy"]) == model.n_iter_
    assert model.history_["training_accuracy"][-1] == model.score(*data)


def test_early_stopping_watches_the_first_scorer():
    asked = iter([0.1, 0.9, 0.5, 0.4, 0.3, 0.2])
    model, data = network(
        "mlp classifier",
        scoring={"told": lambda *_: next(asked)},
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=100,
    )
    model.fit(*data)
    assert model.n_iter_ == 6
    assert model.validation_scores_ == [0.1, 0.9, 0.5, 0.4, 0.3, 0.2]
    assert model.best_validation_score_ == 0.9


def test_scorers_do_not_warn_of_the_names_of_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IRIS_X, columns=list("abcd"))
    model, _ = network("mlp classifier", scoring="accuracy", early_stopping=True)
    quietly(model, frame, IRIS_Y)
    assert list(model.feature_names_in_) == list("abcd")


def test_a_score_that_is_nan_is_no_progress():
    scores = iter([0.5, *[math.nan] * 100])
    model, data = network(
        "mlp classifier",
        scoring={"told": lambda *_: next(scores)},
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=100,
    )
    model.fit(*data)
    assert model.n_iter_ == 5
    assert model.best_validation_score_ == 0.5


def test_a_scorer_does_not_take_the_place_of_the_loss():
    model, data = network("mlp classifier", scoring={"loss": "neg_log_loss"})
    with pytest.raises(ValueError, match="give it another name"):
        model.fit(*data)


@pytest.mark.parametrize("scoring", ["nonsense", [], ["accuracy", "nonsense"], 3])
def test_scorers_that_there_are_not_are_refused(scoring):
    model, data = network("mlp classifier", scoring=scoring)
    with pytest.raises(ValueError, match="scor"):
        model.fit(*data)


# --- validation data and early stopping ----------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_measures_itself_on_rows_of_the_users_own(name):
    model, data = network(name, early_stopping=True, n_iter_no_change=2, max_iter=50)
    rows, y = data
    held_out = (rows[::4],) if y is None else (rows[::4], y[::4])
    rest = np.arange(len(rows)) % 4 != 0
    quietly(model, rows[rest], *(() if y is None else (y[rest],)), validation_data=held_out)
    history = model.history_
    assert np.isfinite(history["validation_loss"]).all()
    assert model.score(*held_out) == pytest.approx(max(history["validation_score"]), rel=1e-9)


@pytest.mark.parametrize("name", ["mlp classifier", "logistic", "autoencoder", "rnn"])
def test_partial_fit_stops_early_and_returns_to_the_best_weights(name):
    model, (rows, y) = network(
        name,
        early_stopping=True,
        n_iter_no_change=3,
        learning_rate_init=0.1,
        tol=0.01,
        shuffle=False,
    )
    held_out = (rows[::4],) if y is None else (rows[::4], y[::4])
    options = {"validation_data": held_out}
    if y is not None:
        options["classes"] = np.unique(y)
    calls = 0
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        while not any("stopped early" in str(each.message) for each in said) and calls < 200:
            model.partial_fit(rows, y, **options)
            calls += 1
    assert calls < 200
    assert len(model.history_["loss"]) == calls - 1
    assert model.score(*held_out) == pytest.approx(model.best_validation_score_)
    before = learned(model)
    with pytest.warns(ConvergenceWarning, match="stopped early"):
        model.partial_fit(rows, y, **options)
    for mine, kept in zip(learned(model), before, strict=True):
        np.testing.assert_array_equal(mine, kept)
    model.set_params(early_stopping=False).partial_fit(rows, y)
    assert any((mine != kept).any() for mine, kept in zip(learned(model), before, strict=True))


def test_partial_fit_holds_some_rows_back_where_none_are_given():
    model, (rows, y) = network("mlp classifier", early_stopping=True)
    for _ in range(4):
        model.partial_fit(rows, y, classes=[0, 1, 2])
    assert len(model.validation_scores_) == 4
    assert model.t_ == 4 * 135


# --- what does not go together -------------------------------------------------------------


@pytest.mark.parametrize("name", ["mlp regressor", "logistic", "autoencoder"])
@pytest.mark.parametrize("parameter", ["l1_ratio", "weight_decay"])
def test_lbfgs_refuses_what_is_done_apart_from_the_gradient(name, parameter):
    model, data = network(name, solver="lbfgs", **{parameter: 0.5})
    with pytest.raises(ValueError, match=f"{parameter} changes weights apart from the gradient"):
        model.fit(*(each for each in data if each is not None))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("clip_norm", 0.0),
        ("clip_norm", -1.0),
        ("accumulate_steps", 0),
        ("accumulate_steps", 1.5),
        ("l1_ratio", 1.1),
        ("weight_decay", -0.1),
        ("learning_rate", "sinus"),
        ("learning_rate", 0.1),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_values_that_make_no_sense_are_refused_by_name(name, parameter, value):
    model, data = network(name, **{parameter: value})
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of"):
        model.fit(*(each for each in data if each is not None))


def test_the_derivation_shows_the_step_with_all_that_is_asked_for():
    model, data = network(
        "mlp regressor",
        solver="adam",
        learning_rate=cr.CosineSchedule(),
        max_iter=8,
        alpha=0.5,
        l1_ratio=0.5,
        weight_decay=0.2,
        accumulate_steps=3,
    )
    for _ in range(3):
        model.partial_fit(*data)
    update = model.explain(X[0], VALUES[0], parameter="W1[2, 3]").worksheet.update
    assert update.before == model.coefs_[0][2, 3]
    model.partial_fit(X[:1], VALUES[:1])
    assert update.after == pytest.approx(model.coefs_[0][2, 3], rel=1e-12)


def test_history_has_one_row_for_each_epoch_whatever_is_measured():
    model, data = network("mlp classifier", scoring=["accuracy"], early_stopping=True)
    quietly(model, *data)
    columns = model.history_
    assert all(len(one) == len(other) for one, other in pairwise(columns.values()))


@pytest.mark.parametrize("name", ["rbf classifier", "rbf regressor"])
def test_a_solved_network_is_measured_once(name):
    model, (rows, y) = network(name, fine_tune=False)
    model.fit(rows, y, validation_data=(rows[::4], y[::4]))
    assert model.history_["validation_score"] == [model.score(rows[::4], y[::4])]
    with pytest.raises(ValueError, match="scor"):
        model.set_params(scoring="nonsense").fit(rows, y)
