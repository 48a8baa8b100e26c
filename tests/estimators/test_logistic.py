"""Logistic regression: scikit-learn's coefficients, probabilities, solvers, faults."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule import LogisticRegression

SETS = {
    "iris": load_iris(return_X_y=True),
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
}
SETS = {name: (scale(rows)[:400], labels[:400]) for name, (rows, labels) in SETS.items()}
X, Y = SETS["iris"]
TWO = (Y == 1).astype(int)
EXACT = {"tol": 1e-8, "max_iter": 5000}


def assert_same(ours, theirs, tolerance):
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=tolerance)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=tolerance)


# --- the coefficients of scikit-learn ----------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"C": 0.1},
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0, 1: 0.5}},
    ],
    ids=str,
)
def test_coefficients_equal_scikit_learns(name, parameters, weighted):
    rows, labels = SETS[name]
    weight = np.random.default_rng(0).uniform(0, 2, len(labels)) if weighted else None
    ours = LogisticRegression(**parameters).fit(rows, labels, weight)
    theirs = TheirLogisticRegression(**parameters).fit(rows, labels, weight)
    # As soon as both stop at the same iteration, they are as near as rounding allows.
    assert_same(ours, theirs, 1e-4)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(
            getattr(ours, method)(rows), getattr(theirs, method)(rows), rtol=0, atol=1e-3
        )
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_minimum_equals_scikit_learns(name):
    rows, labels = SETS[name]
    assert_same(
        LogisticRegression(**EXACT).fit(rows, labels),
        TheirLogisticRegression(**EXACT).fit(rows, labels),
        1e-6,
    )


def test_no_penalty_equals_scikit_learns():
    # Of a few features, so that the classes overlap and there is a minimum.
    rows, labels = SETS["breast_cancer"][0][:, :2], SETS["breast_cancer"][1]
    assert_same(
        LogisticRegression(C=np.inf, **EXACT).fit(rows, labels),
        TheirLogisticRegression(C=np.inf, **EXACT).fit(rows, labels),
        1e-5,
    )


@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad", "rmsprop"])
@pytest.mark.parametrize("labels", [TWO, Y], ids=["two", "three"])
def test_minibatches_come_near_the_minimum(solver, labels):
    best = LogisticRegression(**EXACT).fit(X, labels)
    rate = 0.3 if solver == "adagrad" else 0.01
    model = LogisticRegression(
        solver=solver,
        learning_rate_init=rate,
        batch_size=50,
        max_iter=400,
        tol=0,
        n_iter_no_change=400,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(X, labels)
    assert model.loss_ == pytest.approx(best.loss_, rel=0.02)
    np.testing.assert_allclose(model.predict_proba(X), best.predict_proba(X), atol=0.1)


def test_a_last_minibatch_of_one_row_has_the_penalty_of_one():
    rows, labels = load_breast_cancer(return_X_y=True)
    rows = scale(rows)
    settings = {"solver": "adam", "max_iter": 1000, "n_iter_no_change": 1000, "random_state": 0}
    for n_rows in (400, 401):
        given = rows[:n_rows], labels[:n_rows]
        with pytest.warns(ConvergenceWarning):
            model = LogisticRegression(batch_size=200, **settings).fit(*given)
        peer = TheirLogisticRegression().fit(*given)
        norms = np.linalg.norm(model.coef_), np.linalg.norm(peer.coef_)
        assert norms[0] == pytest.approx(norms[1], rel=0.05)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_epoch_has_the_penalty_once(weighted, early_stopping):
    rows, labels = X[:101], np.arange(101) % 2
    weight = np.r_[np.full(60, 5.0), np.full(41, 0.25)] if weighted else None
    if early_stopping and weighted:
        weight[:] = 3.0  # which rows are held out is drawn
    settings = {
        "solver": "sgd",
        "batch_size": 50,
        "learning_rate_init": 1e-12,
        "shuffle": False,
        "max_iter": 1,
        "warm_start": True,
        "validation_fraction": 0.5,
        "random_state": 0,
    }
    losses = []
    for strength in (0.5, np.inf):
        model = LogisticRegression(C=strength, **settings)
        model.partial_fit(rows[:50], labels[:50], classes=[0, 1])
        model.set_params(early_stopping=early_stopping).coef_[:] = 1.0
        with pytest.warns(ConvergenceWarning):
            model.fit(rows, labels, weight)
        losses.append(model.loss_)
    n_trained = 50 if early_stopping else 101
    total = n_trained if weight is None else weight[:n_trained].sum()
    assert losses[0] - losses[1] == pytest.approx(4 / total)


def test_the_loss_is_the_mean_log_loss_and_the_penalty():
    weight = np.random.default_rng(0).uniform(0, 2, len(Y))
    model = LogisticRegression(C=2.0).fit(X, Y, weight)
    penalty = 0.5 / 2.0 * np.sum(model.coef_**2) / weight.sum()
    expected = log_loss(Y, model.predict_proba(X), sample_weight=weight) + penalty
    assert model.loss_ == pytest.approx(expected, rel=1e-9)
    assert model.history_["loss"][-1] == pytest.approx(model.loss_)
    assert model.history_["epoch"][-1] == model.n_iter_


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_engines_agree_on_a_whole_fit(solver):
    native, reference = (
        LogisticRegression(solver=solver, max_iter=30, tol=0.5, engine=engine, random_state=0).fit(
            X, Y
        )
        for engine in ("native", "reference")
    )
    assert_same(native, reference, 1e-10)


def test_single_precision_stays_single():
    model = LogisticRegression().fit(X.astype(np.float32), Y)
    assert model.coef_.dtype == model.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert_same(model, LogisticRegression().fit(X, Y), 1e-2)


def test_log_probabilities_stay_finite_where_probabilities_are_zero():
    model = LogisticRegression().fit(X, TWO)
    far = 1e4 * X[:5]
    assert np.isfinite(model.predict_log_proba(far)).all()
    assert (model.predict_proba(far) == 0).any()


def test_warm_start_begins_at_the_minimum_found_before():
    model = LogisticRegression(warm_start=True).fit(X, Y)
    first = model.n_iter_
    assert model.fit(X, Y).n_iter_ < first / 2


# --- explaining, saving, faults ----------------------------------------------------------


@pytest.mark.parametrize("labels", [TWO, Y], ids=["two", "three"])
@pytest.mark.parametrize("parameter", ["w[2, 0]", "b[0]", "x[1]", "output_in[0]", None])
def test_explains_the_loss_of_a_row(labels, parameter):
    model = LogisticRegression().fit(X, labels)
    work = model.explain(X[60], labels[60], parameter=parameter)
    assert work.chains[0].check.agrees
    if parameter == "w[2, 0]":
        error = model.predict_proba(X[60:61])[0, 1 if labels is TWO else 0] - (labels is TWO)
        assert work.gradients["w[2, 0]"] == pytest.approx(error * X[60, 2])


def test_explains_the_step_of_the_optimizer():
    model = LogisticRegression(solver="adam", tol=0.5, random_state=0).fit(X, Y)
    assert "Update by adam" in str(model.explain(X[60], Y[60], parameter="w[2, 0]"))
    assert "L-BFGS" in str(LogisticRegression().fit(X, Y).explain(X[60], Y[60], parameter="b[0]"))


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("labels", [np.array(["no", "yes"])[TWO], Y], ids=["two", "three"])
def test_a_saved_model_predicts_and_goes_on_as_before(labels, intercept, tmp_path):
    model = LogisticRegression(
        fit_intercept=intercept, solver="sgd", tol=0.5, random_state=0, warm_start=True
    ).fit(X, labels)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.fit(X, labels).coef_, model.fit(X, labels).coef_)
    assert again.partial_fit(X, labels).coef_.shape == model.coef_.shape


def test_partial_fit_is_for_minibatches():
    assert not hasattr(LogisticRegression(), "partial_fit")
    model = LogisticRegression(solver="adam", random_state=0)
    for _ in range(200):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert model.score(X, Y) > 0.9


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, np.zeros(len(X)), "one class only"),
        (np.where(X > 2, np.inf, X), Y, "infinity"),
        (X, np.column_stack([TWO, TWO]), "one class, but y has 2 columns"),
    ],
)
def test_bad_data_is_named(rows, labels, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression().fit(rows, labels)


def test_wrong_parameters_and_widths_are_named():
    with pytest.raises(ValueError, match="'C' parameter"):
        LogisticRegression(C=0.0).fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features"):
        LogisticRegression().fit(X, Y).predict_proba(X[:, :3])
    with pytest.raises(ValueError, match="Negative values"):
        LogisticRegression().fit(X, Y, -np.ones(len(X)))
