"""Finding a learning rate, on every kind of network that has one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X = X / 16
X_SICK, Y_SICK = load_diabetes(return_X_y=True)
X_SICK, Y_SICK = X_SICK / X_SICK.std(), (Y_SICK - Y_SICK.mean()) / Y_SICK.std()
SERIES = np.random.default_rng(0).normal(size=(120, 8, 2)).cumsum(axis=1)
RISES = (SERIES[:, -1, 0] > 0).astype(int)
UNEQUAL = [series[: 3 + k % 6] for k, series in enumerate(SERIES)]

MODELS = {
    "sgd": (cr.MLPClassifier((30,), solver="sgd", random_state=0), (X, Y)),
    "adam": (cr.MLPClassifier((30,), random_state=0), (X, Y)),
    "numbers": (cr.MLPRegressor(hidden_layer_sizes=(30,), random_state=0), (X_SICK, Y_SICK)),
    "one layer": (cr.LogisticRegression(solver="adam", random_state=0), (X, Y)),
    "radial": (cr.RBFClassifier(20, fine_tune=True, solver="adam", random_state=0), (X, Y)),
    "recurrent": (cr.LSTMClassifier(8, random_state=0), (SERIES, RISES)),
    "buckets": (cr.GRUClassifier(8, batch_size=8, random_state=0), (UNEQUAL, RISES)),
    "forecast": (cr.GRURegressor(8, random_state=0), (SERIES[:, :, :1],)),
    "auto encoder": (cr.Autoencoder(8, random_state=0), (X,)),
    "variational": (cr.VariationalAutoencoder(2, random_state=0), (X,)),
}


def loss_at(model, data, rate, epochs=15):
    """The lowest loss of a short training; infinite where it diverges."""
    learner = clone(model).set_params(learning_rate_init=rate, max_iter=epochs)
    try:
        return min(learner.fit(*data).history_["loss"][1:])
    except ValueError:  # a loss or a weight that is not finite
        return np.inf


@pytest.mark.parametrize("name", [each for each in MODELS if each != "radial"])
def test_the_suggestion_trains_better_than_rates_far_from_it(name):
    model, data = MODELS[name]
    rate = model.find_learning_rate(*data).suggestion
    suggested = loss_at(model, data, rate)
    assert suggested < loss_at(model, data, rate / 100)
    assert suggested < loss_at(model, data, rate * 100)


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_untouched_and_the_search_repeatable(name):
    model, data = MODELS[name]
    before = dict(vars(model))
    first, again = (model.find_learning_rate(*data) for _ in range(2))
    assert vars(model) == before
    np.testing.assert_array_equal(first.losses, again.losses)
    assert first.suggestion == again.suggestion


def test_a_fitted_model_is_untouched_and_its_randomness_too():
    model = cr.MLPClassifier((5,), random_state=np.random.RandomState(3), max_iter=3).fit(X, Y)
    weights = model.coefs_[0].copy()
    drawn = model.random_state.get_state()[2]
    model.find_learning_rate(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], weights)
    assert model.random_state.get_state()[2] == drawn


def test_badly_scaled_data_need_small_rates():
    cancer = load_breast_cancer()
    model = cr.MLPClassifier((30,), solver="sgd", random_state=0)
    raw = model.find_learning_rate(cancer.data, cancer.target)
    scaled = model.find_learning_rate(cancer.data / cancer.data.std(axis=0), cancer.target)
    assert raw.diverged
    assert raw.suggestion < scaled.suggestion / 100


def test_nothing_but_the_search_ends_it_and_nobody_is_told():
    told = []
    model = cr.MLPClassifier(
        (5,),
        max_iter=1,
        tol=10.0,
        n_iter_no_change=1,
        early_stopping=True,
        callbacks=[told.append],
        random_state=0,
    )
    found = model.find_learning_rate(X, Y, largest=1e-3, n_steps=50)
    assert len(found.rates) == 50
    assert found.rates[-1] == pytest.approx(1e-3)
    assert not told


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "invscaling"])
def test_the_rates_are_those_of_no_schedule(schedule):
    model = MODELS["adam"][0]
    scheduled = clone(model).set_params(learning_rate=schedule)
    plain = model.find_learning_rate(X, Y)
    np.testing.assert_array_equal(scheduled.find_learning_rate(X, Y).losses, plain.losses)


def test_rows_have_their_weights():
    weight = np.where(Y < 5, 1.0, 0.0)
    model = MODELS["adam"][0]
    of_all = model.find_learning_rate(X, Y)
    of_some = model.find_learning_rate(X, Y, weight)
    assert of_all.losses[0] != of_some.losses[0]


def test_both_engines_find_the_same():
    data = (X[:400], Y[:400])
    native, reference = (
        cr.MLPClassifier((5,), random_state=0, engine=name).find_learning_rate(*data, n_steps=30)
        for name in ("native", "reference")
    )
    np.testing.assert_allclose(native.losses[:15], reference.losses[:15], rtol=1e-9)


@pytest.mark.parametrize(
    "model, options, message",
    [
        (cr.MLPClassifier(solver="lbfgs"), {}, "no learning rate to find for solver='lbfgs'"),
        (cr.RBFClassifier(5, solver="adam"), {}, "This RBFClassifier makes no steps"),
        (cr.MLPClassifier(), {"smallest": 1.0, "largest": 0.1}, "Rates rise from smallest"),
        (cr.MLPClassifier(), {"smallest": 0.0}, "Rates rise from smallest"),
        (cr.MLPClassifier(), {"n_steps": 3}, "n_steps is 3"),
        (
            cr.MLPClassifier((5,), solver="sgd", random_state=0),
            {"smallest": 1e6, "largest": 1e9},
            "diverges at once, at a learning rate of 1e\\+06: scale the data",
        ),
    ],
)
def test_what_cannot_be_is_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.find_learning_rate(X, Y, **options)


def test_data_that_cannot_be_used_are_refused_as_by_fit():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        cr.MLPClassifier().find_learning_rate([[np.nan], [1.0]], [0, 1])
    with pytest.raises(cr.NonFiniteLossError, match="step 1 of epoch 1"):
        cr.MLPRegressor().find_learning_rate([[1e200], [1.0]] * 9, [1e200, 1.0] * 9)
