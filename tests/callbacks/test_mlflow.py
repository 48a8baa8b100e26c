"""Training logged with MLflow; a stand-in takes its place, which is too large for a test."""

from __future__ import annotations

import contextlib
import sys
import types
from typing import NamedTuple

import pytest
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.callbacks import MLflow

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


class Metric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int


class Store(types.ModuleType):
    """What is called of MLflow, with its signatures, and its rules about runs."""

    def __init__(self):
        super().__init__("mlflow")
        self.entities = types.ModuleType("mlflow.entities")
        self.entities.Metric = Metric
        self.runs, self.open, self.batches = {}, [], []

    def active_run(self):
        return self._run(self.open[-1]) if self.open else None

    def start_run(self, run_id=None, run_name=None, nested=False, tags=None):
        if self.open and not nested:
            raise RuntimeError("a run is active already")
        if run_id is None:
            run_id = f"run-{len(self.runs)}"
            parent = self.open[-1] if self.open else None
            self.runs[run_id] = {
                "name": run_name, "tags": tags, "params": {}, "metrics": [], "parent": parent
            }  # fmt: skip
        self.runs[run_id]["status"] = "RUNNING"
        self.open.append(run_id)
        return self._run(run_id)

    def _run(self, run_id):
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id))

    def log_params(self, params):
        known = self.runs[self.open[-1]]["params"]
        if known:
            raise RuntimeError("parameters cannot be changed")
        known.update(params)

    def end_run(self, status="FINISHED"):
        self.runs[self.open.pop()]["status"] = status

    def MlflowClient(self):
        return self

    def log_batch(self, run_id, metrics):
        if len(metrics) > 1000:
            raise RuntimeError("too many metrics at once")
        self.batches.append(len(metrics))
        self.runs[run_id]["metrics"] += metrics

    def steps(self, run_id, key="loss"):
        return [each.step for each in self.runs[run_id]["metrics"] if each.key == key]


@pytest.fixture
def store(monkeypatch):
    store = Store()
    monkeypatch.setitem(sys.modules, "mlflow", store)
    monkeypatch.setitem(sys.modules, "mlflow.entities", store.entities)
    return store


def model(*callbacks, **options):
    return cr.MLPClassifier(5, callbacks=callbacks, **{"max_iter": 8, **options})


def test_a_run_holds_the_parameters_and_the_history(store):
    fitted = model(MLflow(tags={"team": "blue"}), early_stopping=True, alpha=0.25).fit(X, Y)
    (run,) = store.runs.values()
    assert run["name"] == "MLPClassifier"
    assert run["tags"] == {"team": "blue"}
    assert run["status"] == "FINISHED"
    assert run["params"]["alpha"] == 0.25
    assert "callbacks" not in run["params"]
    for name in fitted.history_.keys() - {"epoch"}:
        logged = [(each.step, each.value) for each in run["metrics"] if each.key == name]
        assert logged == list(zip(fitted.history_["epoch"], fitted.history_[name], strict=True))


def test_partial_fit_goes_on_with_the_run_and_fit_begins_another(store):
    learner = model(MLflow("mine"))
    for _ in range(3):
        learner.partial_fit(X, Y, classes=[0, 1, 2])
    learner.fit(X, Y)
    assert [store.steps(each) for each in store.runs] == [[1, 2, 3], list(range(1, 9))]
    assert not store.open


def test_inside_another_run_it_is_a_child(store):
    store.start_run(run_name="study")
    model(MLflow()).fit(X, Y)
    assert store.open == ["run-0"]
    assert store.runs["run-1"]["parent"] == "run-0"


@pytest.mark.parametrize("error, status", [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
@pytest.mark.filterwarnings("ignore:Training interrupted")
def test_runs_are_closed_by_an_error_and_by_ctrl_c(store, error, status):
    def fail(moment):
        if moment.epoch_ended and moment.epoch == 3:
            raise error

    with contextlib.suppress(RuntimeError):
        model(MLflow(), fail).fit(X, Y)
    assert store.runs["run-0"]["status"] == status
    assert store.steps("run-0") == [1, 2, 3]
    assert not store.open


def test_epochs_that_are_quick_are_sent_together(store):
    model(MLflow(), max_iter=700, tol=0.0, n_iter_no_change=700).fit(X, Y)
    assert store.steps("run-0") == list(range(1, 701))
    assert len(store.batches) < 100


def test_without_mlflow_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[mlflow\]'"):
        MLflow()
