"""Callbacks of scikit-learn on these estimators: alone, and passed on by meta-estimators."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.estimators.fit_task import FitTask

sklearn_callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SERIES = np.random.default_rng(0).normal(size=(40, 6, 2))
RISES = (SERIES[:, :, 0].sum(axis=1) > 0).astype(int)
SURE = {"max_iter": 5, "learning_rate_init": 0.05, "random_state": 0}

MODELS = {
    "adam": (cr.MLPClassifier(5, **SURE), (X, Y), 5),
    "early": (cr.MLPClassifier(5, early_stopping=True, **SURE), (X, Y), 5),
    "lbfgs": (cr.MLPClassifier(5, solver="lbfgs", max_iter=5), (X, Y), 5),
    "numbers": (cr.MLPRegressor(hidden_layer_sizes=5, **SURE), (X, Y), 5),
    "one layer": (cr.LogisticRegression(max_iter=5), (X, Y), 5),
    "radial": (cr.RBFClassifier(5, fine_tune=True, max_iter=5), (X, Y), 5),
    "radial, solved": (cr.RBFRegressor(5), (X, Y), 0),
    "recurrent": (cr.LSTMClassifier(3, **SURE), (SERIES, RISES), 5),
    "auto encoder": (cr.Autoencoder(2, **SURE), (X,), 5),
    "variational": (cr.VariationalAutoencoder(2, **SURE), (X,), 5),
    "adaline": (cr.Adaline(max_iter=5, tol=None), (X, Y == 0), 5),
    "perceptron": (cr.Perceptron(max_iter=5, tol=None), (X, Y), 5 * 3),
    "line": (cr.LinearRegression(), (X, Y), 0),
}


class Recorder:
    """Notes what it is told, with the score that the model had then."""

    def __init__(self, stop_after=None, fail_after=None):
        self.calls, self.scores, self.states = [], [], []
        self.stop_after, self.fail_after = stop_after, fail_after

    def setup(self, estimator, context):
        self.calls.append(("setup", context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(("end", context.task_name))
        assert fitted_estimator is not estimator
        self.scores.append(fitted_estimator.score(X, y))
        self.given, self.metadata = (X, y), metadata
        self.states.append(fitted_estimator)
        if self.fail_after is not None and len(self.scores) == self.fail_after:
            raise RuntimeError("broken")
        return self.stop_after is not None and len(self.scores) >= self.stop_after

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.max_subtasks))


def fresh(name):
    model, data, epochs = MODELS[name]
    return type(model)(**model.get_params()), data, epochs


@pytest.mark.parametrize("name", MODELS)
def test_it_hears_of_the_fit_and_of_every_epoch(name):
    model, data, epochs = fresh(name)
    recorder = Recorder()
    model.set_callbacks(recorder).fit(*data)
    calls = [call for call in recorder.calls if call[1] != "output"]
    told = [("begin", "epoch"), ("end", "epoch")] * epochs
    assert calls[1:-1] == [("begin", "fit"), *told, ("end", "fit")]
    assert [calls[0][0], calls[-1][0]] == ["setup", "teardown"]
    assert recorder.given[0] is data[0]
    assert recorder.scores[-1] == model.score(*data)
    assert not [each for each in vars(model) if "task" in each or "ctx" in each]


@pytest.mark.parametrize("name", MODELS)
def test_it_changes_nothing_of_what_is_learned(name):
    model, data, _ = fresh(name)
    model.set_params(**({"random_state": 0} if hasattr(model, "random_state") else {}))
    watched = type(model)(**model.get_params()).set_callbacks(Recorder()).fit(*data)
    model.fit(*data)
    assert watched.score(*data) == model.score(*data)


def test_a_fitted_estimator_stays_as_it_was_in_its_epoch():
    model, data, _ = fresh("adam")
    recorder = Recorder()
    model.set_callbacks(recorder).fit(*data)
    assert [each.score(*data) for each in recorder.states] == recorder.scores
    assert recorder.scores[0] < recorder.scores[-1]


def test_one_output_after_another_is_a_task_each():
    model, data, _ = fresh("perceptron")
    recorder = Recorder()
    model.set_callbacks(recorder).fit(*data)
    assert recorder.calls[0] == ("setup", 3)
    assert recorder.calls.count(("begin", "output")) == 3
    assert recorder.calls.count(("end", "output")) == 3


def test_it_gets_the_weights_of_rows():
    recorder = Recorder()
    weight = np.linspace(1.0, 2.0, 150)
    fresh("adam")[0].set_callbacks(recorder).fit(X, Y, weight)
    assert recorder.metadata["sample_weight"] is weight


@pytest.mark.parametrize("name", ["adam", "lbfgs", "recurrent", "auto encoder"])
def test_it_may_stop_training(name):
    model, data, _ = fresh(name)
    model.set_callbacks(Recorder(stop_after=2)).fit(*data)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("name", ["adam", "lbfgs", "auto encoder", "perceptron"])
def test_one_that_raises_is_torn_down_and_leaves_a_model_that_works(name):
    model, data, _ = fresh(name)
    recorder = Recorder(fail_after=2)
    with pytest.raises(RuntimeError, match="broken"):
        model.set_callbacks(recorder).fit(*data)
    assert recorder.calls[-1][0] == "teardown"
    assert np.isfinite(model.score(*data))
    model.set_callbacks().fit(*data)
    assert model.n_iter_ == 5


def test_a_scoring_monitor_logs_every_epoch():
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    model = fresh("adam")[0].set_callbacks(monitor).fit(X, Y)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 5
    assert scores[-1] == model.score(X, Y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_over_pipelines_passes_them_on(n_jobs, capsys):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    model = fresh("adam")[0].set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"mlpclassifier__alpha": [0.1, 1.0]},
        cv=2,
        n_jobs=n_jobs,
    )
    search.set_callbacks(sklearn_callback.ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "MLPClassifier - fit" in capsys.readouterr().out
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 5


def test_own_callbacks_go_beside_them():
    told = []
    recorder = Recorder()
    model = fresh("adam")[0].set_params(callbacks=[lambda moment: told.append(moment.epoch)])
    model.set_callbacks(recorder).fit(X, Y)
    assert told == [1, 2, 3, 4, 5]
    assert recorder.calls.count(("end", "epoch")) == 5


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        cr.MLPClassifier().set_callbacks(print)


def test_among_the_own_callbacks_they_are_told_their_place():
    with pytest.raises(ValueError, match="are set with set_callbacks"):
        cr.MLPClassifier(callbacks=[Recorder()]).fit(X, Y)


def test_without_them_nothing_is_made(monkeypatch):
    monkeypatch.setattr(FitTask, "__init__", lambda *_: pytest.fail("a task was made"))
    fresh("adam")[0].fit(X, Y)
