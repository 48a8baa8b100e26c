"""Training logged for TensorBoard: what its files hold, and when they are closed."""

from __future__ import annotations

import pickle
import struct
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule.callbacks import TensorBoard

pytest.importorskip("tensorboardX")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


def events_of(folder):
    """The events of all files in a folder, read from their records."""
    from tensorboardX.proto.event_pb2 import Event

    events = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = path.read_bytes()
        place = 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            events.append(Event.FromString(data[place + 12 : place + 12 + length]))
            place += 12 + length + 4  # length and its checksum before, a checksum after
    return events


def scalars_of(folder):
    """For each tag its steps and values."""
    found = {}
    for event in events_of(folder):
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def model(folder, *callbacks, **options):
    options = {"max_iter": 8, "random_state": 0, **options}
    return cr.MLPClassifier(5, callbacks=[TensorBoard(folder), *callbacks], **options)


def only_run(folder):
    (run,) = folder.iterdir()
    return run


def test_the_log_holds_the_history(tmp_path):
    fitted = model(tmp_path, early_stopping=True, learning_rate="invscaling", solver="sgd")
    fitted.fit(X, Y)
    scalars = scalars_of(only_run(tmp_path))
    tags = {
        "loss/training": "loss",
        "loss/validation": "validation_loss",
        "score/validation": "validation_score",
        "learning_rate": "learning_rate",
        "seconds": "seconds",
    }
    assert scalars.keys() == tags.keys()
    assert set(tags.values()) < {*fitted.history_}
    for tag, name in tags.items():
        steps, values = zip(*scalars[tag], strict=True)
        assert list(steps) == fitted.history_["epoch"]
        np.testing.assert_array_equal(np.float32(values), np.float32(fitted.history_[name]))


def test_the_log_holds_the_parameters_once(tmp_path):
    model(tmp_path, alpha=0.25).fit(X, Y)
    values = [each for event in events_of(only_run(tmp_path)) for each in event.summary.value]
    (table,) = [each for each in values if each.tag.startswith("parameters")]
    text = table.tensor.string_val[0].decode()
    assert "| alpha | 0.25 |" in text
    assert "callbacks" not in text
    assert {"_hparams_/session_start_info", "_hparams_/experiment"} <= {each.tag for each in values}


def test_each_fit_is_a_run_of_its_own(tmp_path):
    fitted = model(tmp_path)
    fitted.fit(X, Y).fit(X, Y)
    runs = sorted(tmp_path.iterdir())
    assert len(runs) == 2
    assert all(each.name.startswith("MLPClassifier-20") for each in runs)
    assert [len(scalars_of(each)["loss/training"]) for each in runs] == [8, 8]


def test_partial_fit_goes_on_with_the_run(tmp_path):
    learner = model(tmp_path)
    for _ in range(3):
        learner.partial_fit(X, Y, classes=[0, 1, 2])
    steps = [step for step, _ in scalars_of(only_run(tmp_path))["loss/training"]]
    assert steps == [1, 2, 3]
    assert len(list(only_run(tmp_path).iterdir())) == 1


def test_a_copy_of_a_model_goes_on_with_the_run_in_a_file_of_its_own(tmp_path):
    learner = model(tmp_path).partial_fit(X, Y, classes=[0, 1, 2])
    twin = pickle.loads(pickle.dumps(learner)).partial_fit(X, Y)
    assert twin.history_["epoch"] == [1, 2]
    steps = [step for step, _ in scalars_of(only_run(tmp_path))["loss/training"]]
    assert steps == [1, 2]


def test_the_models_of_a_grid_search_are_runs_of_their_own(tmp_path):
    search = GridSearchCV(model(tmp_path), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2)
    search.fit(X, Y)
    runs = list(tmp_path.iterdir())
    assert len(runs) == 2 * 2 + 1
    assert all(len(scalars_of(each)["loss/training"]) == 8 for each in runs)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_files_are_closed_by_an_error_and_by_ctrl_c(tmp_path, error):
    def fail(moment):
        if moment.epoch_ended and moment.epoch == 3:
            raise error

    failing = model(tmp_path, fail)
    if error is KeyboardInterrupt:
        with pytest.warns(UserWarning, match="interrupted"):
            failing.fit(X, Y)
    else:
        with pytest.raises(error):
            failing.fit(X, Y)
    # All that was logged is in the file: it was closed, not only written now and then.
    assert len(scalars_of(only_run(tmp_path))["loss/training"]) == 3


def test_iterations_of_lbfgs_are_logged(tmp_path):
    fitted = model(tmp_path, solver="lbfgs").fit(X, Y)
    assert len(scalars_of(only_run(tmp_path))["loss/training"]) == fitted.n_iter_


def test_without_tensorboardx_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[tensorboard\]'"):
        TensorBoard()
