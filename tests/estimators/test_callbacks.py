"""Callbacks on every kind of estimator: what they see, and what is left when one of them raises."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.callbacks import ProgressBar

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SERIES = np.random.default_rng(0).normal(size=(40, 6, 2))
RISES = (SERIES[:, :, 0].sum(axis=1) > 0).astype(int)

QUICK = {"max_iter": 6, "random_state": 0}
MODELS = {
    "sgd": (cr.MLPClassifier(5, solver="sgd", **QUICK), (X, Y)),
    "adam": (cr.MLPClassifier(5, **QUICK), (X, Y)),
    "adam, stopping early": (cr.MLPClassifier(5, early_stopping=True, **QUICK), (X, Y)),
    "lbfgs": (cr.MLPClassifier(5, solver="lbfgs", **QUICK), (X, Y)),
    "lbfgs, one layer": (cr.LogisticRegression(max_iter=6), (X, Y)),
    "radial": (cr.RBFClassifier(5, fine_tune=True, **QUICK), (X, Y)),
    "recurrent": (cr.LSTMClassifier(3, **QUICK), (SERIES, RISES)),
    "windows": (
        cr.GRUClassifier(3, output="each", truncation=3, **QUICK),
        (SERIES, (SERIES[:, :, 0] > 0).astype(int)),
    ),
    "forecast": (cr.GRURegressor(3, **QUICK), (SERIES[:, :, :1],)),
    "auto encoder": (cr.Autoencoder(2, **QUICK), (X,)),
    "sparse auto encoder": (cr.SparseAutoencoder(3, **QUICK), (X,)),
    "variational auto encoder": (cr.VariationalAutoencoder(2, **QUICK), (X,)),
    "perceptron": (cr.Perceptron(max_iter=6, tol=None), (X, Y)),
    "adaline": (cr.Adaline(max_iter=6, tol=None), (X, Y == 0)),
}
INCREMENTAL = [name for name in MODELS if "lbfgs" not in name and name != "radial"]


class BrokenError(Exception):
    """What a faulty callback raises."""


class Faulty:
    """Raises the very exception that it is given, at the end of some epoch or in the middle."""

    def __init__(self, error, epoch=3):
        self.error, self.epoch, self.left_with = error, epoch, None

    def __enter__(self):
        self.left_with = None

    def __call__(self, moment):
        if moment.epoch_ended and moment.epoch == self.epoch:
            raise self.error

    def __exit__(self, kind, error, traceback):
        self.left_with = error


def told(name, callback):
    model, data = MODELS[name]
    return type(model)(**{**model.get_params(), "callbacks": [callback]}), data


def use(model, data):
    """All that a user does with a model."""
    assert np.isfinite(model.loss_)
    n_rows = len(data[0])
    answer = model.predict(data[0])
    assert len(answer) == n_rows
    assert np.isfinite(model.score(*data))
    return np.asarray(answer)


@pytest.mark.parametrize("name", MODELS)
def test_a_callback_that_raises_leaves_a_model_that_works(name):
    faulty = Faulty(BrokenError("broken"))
    model, data = told(name, faulty)
    with pytest.raises(BrokenError) as caught:
        model.fit(*data)
    assert caught.value is faulty.error is faulty.left_with
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert model.n_iter_ == 3
    assert model.history_["epoch"] == [1, 2, 3]
    if "early" not in name:
        np.testing.assert_allclose(model.loss_, model.history_["loss"][-1])
    use(model, data)


@pytest.mark.parametrize("name", MODELS)
def test_its_weights_are_those_of_a_training_that_is_stopped_there(name):
    broken, data = told(name, Faulty(BrokenError()))
    with pytest.raises(BrokenError):
        broken.fit(*data)
    stopped, _ = told(name, lambda moment: moment.epoch == 3)
    stopped.fit(*data)
    if name == "perceptron":  # its outputs train one after another, and each is stopped
        np.testing.assert_array_equal(broken.coef_[0], stopped.coef_[0])
        assert not broken.coef_[1:].any()
    else:
        np.testing.assert_array_equal(use(broken, data), use(stopped, data))
    assert broken.t_ == stopped.t_ if hasattr(stopped, "t_") else True


@pytest.mark.parametrize("name", MODELS)
def test_it_can_be_fitted_again(name):
    model, data = told(name, Faulty(BrokenError()))
    with pytest.raises(BrokenError):
        model.fit(*data)
    model.set_params(callbacks=None).fit(*data)
    undisturbed, _ = told(name, lambda moment: None)
    undisturbed.fit(*data)
    np.testing.assert_array_equal(use(model, data), use(undisturbed, data))
    assert model.loss_ == undisturbed.loss_


@pytest.mark.parametrize("name", [each for each in INCREMENTAL if "early" not in each])
def test_partial_fit_goes_on(name):
    model, data = told(name, Faulty(BrokenError()))
    with pytest.raises(BrokenError):
        model.fit(*data)
    rows = model.t_
    model.set_params(callbacks=None).partial_fit(*data)
    assert model.t_ > rows
    assert model.history_["epoch"] == [1, 2, 3, 4]
    use(model, data)


def test_momentum_survives_a_callback_that_raises():
    broken, data = told("adam", Faulty(BrokenError()))
    with pytest.raises(BrokenError):
        broken.fit(*data)
    stopped, _ = told("adam", lambda moment: moment.epoch == 3)
    stopped.fit(*data)
    for model in (broken, stopped):
        model.set_params(callbacks=None, shuffle=False).partial_fit(*data)
    np.testing.assert_array_equal(broken.coefs_[0], stopped.coefs_[0])


def test_gradients_of_an_epoch_that_is_broken_off_are_not_in_the_next(monkeypatch):
    def fail(moment):
        if moment.epoch == 3 and moment.step == 2:  # of 8, and 4 to an update
            raise BrokenError

    monkeypatch.setattr("chainrule.training.loop.CALL_SECONDS", 1e-9)  # told of each step
    settings = {"solver": "sgd", "momentum": 0, "shuffle": False, "engine": "reference", **QUICK}
    model = cr.MLPClassifier(5, batch_size=20, accumulate_steps=4, callbacks=[fail], **settings)
    with pytest.raises(BrokenError):
        model.fit(X, Y)
    model.set_params(callbacks=None, warm_start=True, max_iter=1)
    other = copy.deepcopy(model).fit(X, Y)  # from the same weights, and nothing else
    model.partial_fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], other.coefs_[0])


def test_one_that_raises_in_the_middle_of_the_first_epoch_leaves_the_steps_made():
    def fail(moment):
        raise BrokenError

    model = cr.MLPClassifier(5, batch_size=2, callbacks=[fail], **QUICK)
    with pytest.raises(BrokenError):
        model.fit(X, Y)
    assert model.n_iter_ in (0, 1)  # its first call may come at the end of an epoch
    assert model.predict(X).shape == (150,)
    model.set_params(callbacks=None).partial_fit(X, Y)
    assert len(model.history_["epoch"]) == model.n_iter_ + model.t_ // 150 - 1


def test_with_early_stopping_the_best_weights_are_left():
    model, data = told("adam, stopping early", Faulty(BrokenError(), epoch=5))
    seen = []
    model.callbacks.insert(
        0, lambda moment: seen.append([each.copy() for each in moment.estimator.coefs_])
    )
    with pytest.raises(BrokenError):
        model.fit(*data)
    best = int(np.argmax(model.validation_scores_))
    np.testing.assert_array_equal(model.coefs_[0], seen[best][0])


def test_those_entered_before_one_that_cannot_be_are_left():
    class Locked:
        def __enter__(self):
            raise BrokenError

        def __call__(self, moment): ...
        def __exit__(self, *error): ...

    class Open(Faulty):
        left = False

        def __exit__(self, *error):
            self.left = True

    first = Open(None, epoch=0)
    model = cr.MLPClassifier(5, callbacks=[first, Locked()], **QUICK)
    with pytest.raises(BrokenError):
        model.fit(X, Y)
    assert first.left
    assert model.predict(X).shape == (150,)  # with the weights it started from


@pytest.mark.parametrize("name", MODELS)
def test_a_moment_names_the_estimator_which_can_predict(name):
    moments = []

    def watch(moment):
        if moment.epoch_ended:
            assert moment.estimator is model
            moments.append(moment)

    model, data = told(name, watch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*data)
    has_rate = "learning_rate" in moments[-1].history
    assert np.isnan(moments[-1].learning_rate) != has_rate
    if has_rate:
        assert moments[-1].learning_rate == moments[-1].history["learning_rate"][-1]


@pytest.mark.parametrize("schedule", ["invscaling", "cosine", "one_cycle"])
def test_a_moment_has_the_rate_that_the_schedule_gives(schedule):
    moments = []
    model = cr.MLPClassifier(
        5, solver="sgd", learning_rate=schedule, callbacks=[moments.append], **QUICK
    )
    model.fit(X, Y)
    rates = [each.learning_rate for each in moments if each.epoch_ended]
    assert rates == model.history_["learning_rate"]
    assert len(set(rates)) > 1


SURE = {"max_iter": 30, "learning_rate_init": 0.05, "random_state": 0}


def test_weights_seen_in_training_are_those_of_the_moment():
    scores = []

    def score(moment):
        if moment.epoch_ended:
            scores.append(moment.estimator.score(X, Y))

    for solver in ("adam", "lbfgs"):
        scores.clear()
        model = cr.MLPClassifier(5, solver=solver, callbacks=[score], **SURE)
        model.fit(X, Y)
        assert scores[0] < scores[-1] == model.score(X, Y)


def test_a_callback_without_its_list_or_its_brackets_is_refused():
    with pytest.raises(ValueError, match="put it in brackets"):
        cr.MLPClassifier(callbacks=print).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match=r"write ProgressBar\(\), with its brackets"):
        cr.MLPClassifier(callbacks=[ProgressBar]).fit([[0.0], [1.0]], [0, 1])
