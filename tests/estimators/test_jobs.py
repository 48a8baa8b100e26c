"""Jobs beside each other: threads times jobs never exceed the processors, and models travel."""

from __future__ import annotations

import copy
import os
import pickle
import threading

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule.engines.threads import available_threads
from chainrule.training.callbacks import Moment

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = scale(X)


class CountThreads:
    """A callback that notes in a folder how many threads compute in this fit."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, moment: Moment) -> None:
        # The caller of a fit computes, too. A fit that is over may have threads that still wait.
        others = sum(each.name.startswith("chainrule_") for each in threading.enumerate())
        name = f"{os.getpid()} {threading.get_ident()} {others}"
        with open(os.path.join(self.folder, name), "w"):
            pass


def threads_in(folder) -> dict[str, int]:
    """The most threads of each process that ran jobs."""
    most: dict[str, int] = {}
    callers: dict[str, set[str]] = {}
    for name in os.listdir(folder):
        process, caller, others = name.split()
        callers.setdefault(process, set()).add(caller)
        most[process] = max(most.get(process, 0), int(others))
    return {process: most[process] + len(callers[process]) for process in most}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_threads_times_jobs_never_exceed_the_processors(backend, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    model = cr.MLPClassifier((8,), max_iter=3, callbacks=[CountThreads(str(tmp_path))])
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-3]}, cv=2, n_jobs=2, refit=False)
    with joblib.parallel_config(backend):
        search.fit(X, Y)
    found = threads_in(tmp_path)
    assert (str(os.getpid()) in found) == (backend == "threading")
    assert 1 <= sum(found.values()) <= max(2, available_threads())


def test_results_do_not_depend_on_the_number_of_jobs():
    grid = {"alpha": [1e-4, 1e-1], "hidden_layer_sizes": [(4,), (6,)]}
    scores = []
    for jobs, backend in ((1, "sequential"), (2, "loky"), (2, "threading")):
        search = GridSearchCV(
            cr.MLPClassifier(max_iter=30, learning_rate_init=0.02, random_state=0, n_threads=1),
            grid,
            cv=2,
            n_jobs=jobs,
            scoring="neg_log_loss",
        )
        with joblib.parallel_config(backend):
            search.fit(X, Y)
        scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(scores[1], scores[0])
    np.testing.assert_array_equal(scores[2], scores[0])


def test_a_function_that_names_chainrule_is_sent_to_other_processes():
    # By value, as the functions of a notebook are.
    def train(seed):
        return cr.MLPClassifier((4,), max_iter=2, random_state=seed).fit(X, Y)

    models = joblib.Parallel(n_jobs=2)(joblib.delayed(train)(seed) for seed in (0, 1))
    np.testing.assert_array_equal(models[1].coefs_[0], train(1).coefs_[0])


def test_the_package_itself_can_be_pickled():
    assert pickle.loads(pickle.dumps(cr)) is cr


def after_use(model):
    """A model that has also predicted in another process, so that it has machine code there."""
    model.score(X, Y)
    return model


@pytest.mark.parametrize(
    "send",
    [
        lambda model, folder: pickle.loads(pickle.dumps(model)),
        lambda model, folder: copy.deepcopy(model),
        lambda model, folder: joblib.load(joblib.dump(model, folder / "model")[0]),
        # Its arrays are read-only then.
        lambda model, folder: joblib.load(joblib.dump(model, folder / "model")[0], mmap_mode="r"),
        lambda model, folder: joblib.Parallel(n_jobs=2)([joblib.delayed(after_use)(model)])[0],
    ],
    ids=["pickle", "deepcopy", "joblib", "memory-mapped", "another process"],
)
@pytest.mark.parametrize(
    "model",
    [
        cr.MLPClassifier((5,), max_iter=5, random_state=0, batch_size=40),
        cr.MLPRegressor("huber", (5,), max_iter=5, random_state=0, solver="sgd"),
        cr.Autoencoder(n_components=2, max_iter=3, random_state=0),
        cr.GRUClassifier(3, max_iter=2, random_state=0),
        cr.Perceptron(random_state=0),
        cr.RBFRegressor(5, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_fitted_model_survives_the_way(model, send, tmp_path):
    model = clone(model).fit(X, Y)
    sent = send(model, tmp_path)
    use = "predict" if hasattr(model, "predict") else "transform"
    np.testing.assert_array_equal(getattr(sent, use)(X), getattr(model, use)(X))
    if hasattr(model, "partial_fit"):
        for each in (model, sent):
            each.partial_fit(X[:60], Y[:60])
        np.testing.assert_array_equal(getattr(sent, use)(X), getattr(model, use)(X))
