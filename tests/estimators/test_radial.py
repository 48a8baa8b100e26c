"""Radial basis networks: SciPy's interpolant, figures, centres and widths, fine-tuning, faults."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule import RBFClassifier, RBFRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = scale(X)
TWO = (Y == 1).astype(int)
VALUES_X, VALUES = load_diabetes(return_X_y=True)
VALUES_X, VALUES = scale(VALUES_X), scale(VALUES)


# --- peers and figures -------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    # Wider bumps are so much alike that neither solution has the digits.
    ("n_points", "n_features", "epsilon"),
    [(40, 1, 25.0), (150, 2, 8.0), (150, 3, 4.0)],
)
def test_with_the_data_as_centres_it_is_scipys_interpolant(n_points, n_features, epsilon, engine):
    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, (n_points, n_features))
    if n_features == 1:  # at random, some would be next to the same
        points = np.linspace(-1, 1, n_points)[:, np.newaxis] + 0.01 * points
    values = np.column_stack([np.sin(3 * points[:, 0]), np.sum(points, axis=1)])
    model = RBFRegressor(
        centres="data", gamma=epsilon**2, alpha=1e-14, fit_intercept=False, engine=engine
    ).fit(points, values)
    peer = RBFInterpolator(points, values, kernel="gaussian", degree=-1, epsilon=epsilon)
    elsewhere = random.uniform(-1, 1, (300, n_features))
    np.testing.assert_allclose(model.predict(elsewhere), peer(elsewhere), rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.predict(points), values, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("n_centres", "figure", "unit"), [(100, 0.983, 1.0), (300, 0.989, 1.0), (100, 0.983, 1e4)]
)
def test_accuracy_on_digits_in_whatever_unit(n_centres, figure, unit):
    rows, labels = load_digits(return_X_y=True)
    rows, others, labels, truth = train_test_split(
        rows * unit, labels, test_size=0.2, stratify=labels, random_state=0
    )
    model = RBFClassifier(n_centres, random_state=0, n_threads=1).fit(rows, labels)
    assert model.score(others, truth) >= figure


def test_bumps_add_up_to_a_wave():
    rows = np.linspace(-3, 3, 100)[:, np.newaxis]
    wave = np.sin(2 * rows[:, 0])
    assert RBFRegressor(15, random_state=0).fit(rows, wave).score(rows, wave) > 0.999


# --- centres, widths, weights ------------------------------------------------------------


def test_weights_are_the_minimum_of_the_penalised_squares():
    weight = np.random.default_rng(0).uniform(0, 2, len(VALUES))
    model = RBFRegressor(30, alpha=0.5, random_state=0).fit(VALUES_X, VALUES, weight)
    apart = VALUES_X[:, np.newaxis] - model.centres_
    bumps = np.exp(-model.gamma_ * np.sum(apart**2, axis=2))
    errors = weight * (model.predict(VALUES_X) - VALUES)
    np.testing.assert_allclose(bumps.T @ errors, -0.5 * model.coef_[0], atol=1e-9)
    assert errors.sum() == pytest.approx(0.0, abs=1e-9)
    squares = 0.5 * np.sum(weight * (model.predict(VALUES_X) - VALUES) ** 2)
    penalty = 0.25 * np.sum(model.coef_**2)
    assert model.loss_ == pytest.approx((squares + penalty) / weight.sum())


def test_widths_follow_the_distance_of_neighbouring_centres():
    centres = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    model = RBFRegressor(centres=centres).fit(X[:, :2], VALUES[: len(X)])
    np.testing.assert_allclose(model.gamma_, 1 / (2 * 2.0**2))
    np.testing.assert_array_equal(model.centres_, centres)
    scaled = RBFRegressor(centres=centres, gamma="scale").fit(X[:, :2], VALUES[: len(X)])
    np.testing.assert_allclose(scaled.gamma_, 1 / (2 * X[:, :2].var()))
    each = RBFRegressor(centres=centres, gamma=[1, 2, 3, 4]).fit(X[:, :2], VALUES[: len(X)])
    np.testing.assert_allclose(each.gamma_, [1, 2, 3, 4])


def test_random_centres_are_different_rows():
    rows = np.repeat(X[:20], 3, axis=0)
    model = RBFClassifier(18, centres="random", random_state=0).fit(rows, np.arange(60) % 2)
    assert len(np.unique(model.centres_, axis=0)) == 18
    assert all((rows == centre).all(axis=1).any() for centre in model.centres_)


def test_rows_without_weight_are_as_if_they_were_not_there():
    weight = (np.arange(len(X)) % 3 > 0).astype(float)
    some = RBFClassifier(20, random_state=0).fit(X, Y, weight)
    fewer = RBFClassifier(20, random_state=0).fit(X[weight > 0], Y[weight > 0])
    np.testing.assert_allclose(some.coef_, fewer.coef_, rtol=1e-6, atol=1e-8)


def test_all_rows_alike_give_a_constant():
    model = RBFRegressor().fit(np.ones((5, 2)), [1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_allclose(model.predict([[1.0, 1.0]]), [3.0])


# --- probabilities and fine-tuning -------------------------------------------------------


@pytest.mark.parametrize("fine_tune", [False, True])
@pytest.mark.parametrize("labels", [TWO, Y], ids=["two", "three"])
def test_probabilities_go_with_the_classes(labels, fine_tune):
    model = RBFClassifier(15, fine_tune=fine_tune, random_state=0).fit(X, labels)
    probabilities = model.predict_proba(np.vstack([X, 3 * X]))
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(
        model.classes_[probabilities.argmax(axis=1)], model.predict(np.vstack([X, 3 * X]))
    )
    assert model.score(X, labels) > 0.9


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
def test_fine_tuning_lowers_the_loss_and_moves_centres_and_widths(solver):
    model = RBFRegressor(10, random_state=0, alpha=0.1).fit(VALUES_X, VALUES)
    tuned = RBFRegressor(
        10, random_state=0, alpha=0.1, fine_tune=True, solver=solver, max_iter=30, n_threads=1
    ).fit(VALUES_X, VALUES)
    assert tuned.loss_ < model.loss_
    assert (tuned.gamma_ > 0).all()
    assert (tuned.gamma_ != model.gamma_).any()
    assert (tuned.centres_ != model.centres_).any()


def test_a_last_minibatch_of_one_row_has_the_penalty_of_one():
    norms = []
    for n_rows in (400, 401):
        model = RBFRegressor(
            20,
            fine_tune=True,
            solver="sgd",
            alpha=5.0,
            batch_size=200,
            max_iter=200,
            n_iter_no_change=200,
            random_state=0,
        ).fit(VALUES_X[:n_rows], VALUES[:n_rows])
        norms.append(np.linalg.norm(model.coef_))
    assert norms[1] == pytest.approx(norms[0], rel=0.15)


def test_fine_tuning_leaves_users_centres_and_rows_alone():
    rows, centres = X.copy(), X[:12].copy()
    RBFClassifier(centres=centres, fine_tune=True, max_iter=5).fit(rows, Y)
    RBFClassifier(centres="data", fine_tune=True, solver="sgd", max_iter=1).fit(rows, Y)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(centres, X[:12])


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_engines_agree_on_a_whole_fit(solver):
    models = [
        RBFClassifier(
            8, fine_tune=True, solver=solver, max_iter=10, random_state=0, engine=engine
        ).fit(X, Y)
        for engine in ("native", "reference")
    ]
    for name in ("centres_", "gamma_", "coef_", "intercept_"):
        first, second = (getattr(each, name) for each in models)
        np.testing.assert_allclose(first, second, rtol=1e-7, atol=1e-9)


def test_single_precision_stays_single():
    rows = VALUES_X.astype(np.float32)
    model = RBFRegressor(20, random_state=0).fit(rows, VALUES)
    assert model.predict(rows).dtype == model.gamma_.dtype == np.float32
    double = RBFRegressor(centres=model.centres_, gamma=model.gamma_).fit(VALUES_X, VALUES)
    np.testing.assert_allclose(model.predict(rows), double.predict(VALUES_X), atol=1e-3)


# --- explaining, saving, faults ----------------------------------------------------------


@pytest.mark.parametrize("fine_tune", [False, True])
@pytest.mark.parametrize("labels", [TWO, Y], ids=["two", "three"])
def test_explains_centres_widths_and_weights(labels, fine_tune):
    model = RBFClassifier(6, fine_tune=fine_tune, max_iter=5, random_state=0).fit(X, labels)
    for parameter in ("C[3, 1]", "gamma[3]", "log_gamma[3]", "w[3, 0]", "b[0]", "x[2]", None):
        assert model.explain(X[60], labels[60], parameter=parameter).chains[0].check.agrees


def test_explains_a_regressor_and_why_there_is_no_step():
    model = RBFRegressor(6, random_state=0).fit(VALUES_X, VALUES)
    work = model.explain(VALUES_X[0], VALUES[0], parameter="C[3, 1]")
    assert work.chains[0].check.agrees
    assert "solved for" in str(work)
    tuned = RBFRegressor(6, random_state=0, fine_tune=True, solver="adam", max_iter=5)
    work = tuned.fit(VALUES_X, VALUES).explain(VALUES_X[0], VALUES[0], parameter="log_gamma[2]")
    assert "Update by adam" in str(work)


@pytest.mark.parametrize(
    "model",
    [
        RBFClassifier(7, random_state=0),
        RBFClassifier(7, random_state=0, fine_tune=True, max_iter=5, fit_intercept=False),
        RBFClassifier(3, gamma=[0.5, 1.0, 2.0], random_state=0),
        RBFRegressor(centres=X[:5], fine_tune=True, solver="adam", max_iter=3),
    ],
    ids=str,
)
def test_a_saved_model_predicts_as_before(model, tmp_path):
    model.fit(X, Y)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.gamma_, model.gamma_)
    if isinstance(model, RBFClassifier):
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    first, second = (each.explain(X[0], Y[0], parameter="C[0, 0]") for each in (again, model))
    assert first.value == second.value


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_centres": 151}, "n_centres asks for 151 centres, but X has"),
        ({"centres": np.zeros((151, 4))}, "centres asks for 151 centres, but X has 150 rows"),
        ({"centres": np.zeros((3, 2))}, "centres has 2 columns, but X has 4"),
        ({"centres": [[np.nan] * 4]}, "centres contains NaN"),
        ({"gamma": 0.0}, "'gamma' parameter"),
        ({"gamma": -1.0}, "'gamma' parameter"),
        ({"n_centres": 3, "gamma": [1.0, 0.0, 2.0]}, r"gamma\[1\] is 0"),
        ({"n_centres": 3, "gamma": [1.0, 2.0]}, "there are 3 centres"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"n_centres": 0}, "'n_centres' parameter"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        RBFClassifier(**parameters).fit(X, Y)


def test_more_centres_than_different_rows_are_named():
    with pytest.raises(ValueError, match="has 2 different rows"):
        RBFRegressor(3).fit(np.repeat([[0.0], [1.0]], 5, axis=0), np.arange(10.0))


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, np.zeros(len(X)), "one class only"),
        (np.where(X > 2, np.nan, X), Y, "NaN"),
    ],
)
def test_bad_data_is_named(rows, labels, message):
    with pytest.raises(ValueError, match=message):
        RBFClassifier().fit(rows, labels)


def test_rows_of_another_width_are_named():
    with pytest.raises(ValueError, match="X has 3 features"):
        RBFClassifier(random_state=0).fit(X, Y).predict(X[:, :3])


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_fine_tuning_converges_by_default_and_does_no_harm_to_unseen_rows(load):
    rows, labels = load(return_X_y=True)
    rows = rows / 16 if load is load_digits else scale(rows)
    train, test, y, y_test = train_test_split(rows, labels, random_state=0, stratify=labels)
    solved = RBFClassifier(random_state=0).fit(train, y).score(test, y_test)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tuned = RBFClassifier(fine_tune=True, random_state=0).fit(train, y)
    assert 1 < tuned.n_iter_ < tuned.max_iter
    assert tuned.score(test, y_test) > solved - 0.015


@pytest.mark.parametrize(("factor", "dtype"), [(1e200, np.float64), (1e25, np.float32)])
def test_distances_that_no_number_can_hold_are_told_of(factor, dtype):
    with pytest.raises(ValueError, match="squared distances between its rows are too large"):
        RBFClassifier().fit((X * factor).astype(dtype), Y)
