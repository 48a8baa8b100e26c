"""A model saved with the state of its training goes on as if it had never been saved."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.base import clone

import chainrule as cr
from chainrule.files.values import pack
from chainrule.training.loop import Progress
from chainrule.training.state import TrainingState
from tests.helpers.fits import FITS, IRIS_X, IRIS_Y, assert_same, outcome, quietly

INCREMENTAL = [name for name in FITS if name != "bumps"]


@pytest.fixture(name="path")
def a_path(tmp_path):
    return tmp_path / "model.safetensors"


def loaded(model, path):
    model.save(path, training_state=True)
    return cr.load(path)


def a_model(**parameters):
    model, data, _ = FITS["adam"]
    return clone(model).set_params(**parameters), data


@pytest.mark.parametrize("name", INCREMENTAL)
def test_partial_fit_goes_on_with_the_bits_of_the_model_that_was_saved(name, path):
    model, data, options = FITS[name]
    model = clone(model)
    first = {"classes": np.unique(data[1])} if hasattr(model, "predict_proba") else {}
    model.partial_fit(*data, **first, **options)
    model.partial_fit(*data, **options)
    again = loaded(model, path)
    assert_same(again._memory, model._memory)
    for _ in range(2):
        model.partial_fit(*data, **options)
        again.partial_fit(*data, **options)
    assert_same(outcome(again, data[0]), outcome(model, data[0]))


@pytest.mark.parametrize("name", INCREMENTAL)
def test_warm_starts_go_on_with_the_bits_of_the_model_that_was_saved(name, path):
    model, data, options = FITS[name]
    model = quietly(clone(model).set_params(warm_start=True, max_iter=3), *data, **options)
    again = loaded(model, path)
    for each in (model, again):
        quietly(each, *data, **options)
    assert_same(outcome(again, data[0]), outcome(model, data[0]))


def test_a_generator_draws_on_where_it_stood(path):
    model, (rows, y) = a_model(random_state=np.random.RandomState(3), dropout=0.2)
    model.partial_fit(rows, y, classes=np.unique(y))
    model.random_state.normal()  # so that it keeps a second one
    again = loaded(model, path)
    assert again.random_state is not model.random_state
    for each in (model, again):
        each.partial_fit(rows, y)
    assert_same(outcome(again), outcome(model))
    assert again.random_state.normal() == model.random_state.normal()


def test_a_generator_of_another_kind_is_refused(path):
    model, data = a_model(random_state=np.random.RandomState(np.random.PCG64(0)))
    quietly(model, *data)
    model.save(path)
    with pytest.raises(cr.FileError, match="PCG64"):
        model.save(path, training_state=True)


def test_training_that_stopped_early_stays_so(path):
    model, (rows, y) = a_model(early_stopping=True, tol=1.0, n_iter_no_change=2)
    options = {"validation_data": (rows, y), "classes": np.unique(y)}
    while not getattr(model, "_progress", None) or not model._progress.stopped_early:
        model.partial_fit(rows, y, **options)
    again = loaded(model, path)
    with pytest.warns(UserWarning, match="stopped early"):
        again.partial_fit(rows, y, **options)
    assert_same(outcome(again)["parameters"], outcome(model)["parameters"])


def test_without_it_the_optimizer_starts_anew(path):
    model, (rows, y) = a_model()
    model.partial_fit(rows, y, classes=np.unique(y))
    model.save(path)
    assert cr.load(path)._memory is None


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_a_model_whose_optimizer_remembers_nothing_has_a_state_too(solver, path):
    model, data = a_model(solver=solver, momentum=0.0)
    again = loaded(quietly(model, *data), path)
    again.set_params(solver="sgd")
    model.set_params(solver="sgd")
    for each in (model, again):
        each.partial_fit(*data)
    assert_same(outcome(again), outcome(model))


def test_another_solver_starts_anew_after_loading_too(path):
    model, data = a_model()
    again = loaded(quietly(model, *data), path)
    for each in (model, again):
        each.set_params(solver="rmsprop").partial_fit(*data)
    assert_same(outcome(again), outcome(model))


def test_the_step_of_the_optimizer_is_explained_of_a_loaded_model(path):
    model, data = a_model()
    again = loaded(quietly(model, *data), path)
    told = [str(each.explain(IRIS_X[0], IRIS_Y[0], "W1[0, 0]")) for each in (model, again)]
    assert told[0] == told[1]
    assert "starts anew" not in told[1]


@pytest.mark.parametrize("schedule", [cr.StepSchedule(every=2), cr.OneCycleSchedule(rising=0.2)])
def test_schedules_are_saved(schedule, path):
    model, data = a_model(learning_rate=schedule, random_state=np.int64(7))
    quietly(model, *data).save(path)
    again = cr.load(path)
    assert again.learning_rate == schedule
    assert again.random_state == 7


def test_how_to_fit_is_not_saved(path, tmp_path):
    model, data = a_model(checkpoint=cr.Checkpoint(tmp_path / "folder"))
    quietly(model, *data).save(path)
    assert cr.load(path).checkpoint is None


def rewritten(path, change):
    """The file with another state of training, or other tensors."""
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description = json.loads(file.metadata()["chainrule"])
    state = dict(description["model"].get("training", {"dict": []})["dict"])
    change(state, tensors)
    description["model"]["training"] = {"dict": [list(each) for each in state.items()]}
    save_file(tensors, path, {"chainrule": json.dumps(description)})
    return path


def progress(state):
    return state["progress"]["dict"]


HOSTILE = {
    "nothing": lambda state, _: state.clear(),
    "no progress": lambda state, _: state.update(progress=None),
    "progress of more": lambda state, _: progress(state).append(["more", 1]),
    "progress of less": lambda state, _: progress(state).pop(),
    "counts of text": lambda state, _: progress(state)[1].__setitem__(1, "many"),
    "negative counts": lambda state, _: progress(state)[1].__setitem__(1, -1),
    "losses of two axes": lambda _, tensors: tensors.update(
        {"training.progress.losses": np.ones((2, 2))}
    ),
    "columns of two lengths": lambda _, tensors: tensors.update(
        {"training.progress.history.loss": np.ones(2)}
    ),
    "best weights of another network": lambda _, tensors: tensors.update(
        {"training.progress.best_parameters.0": np.ones((2, 2))}
    ),
    "a place beyond the random numbers": lambda state, _: state["random_state"]["dict"][
        1
    ].__setitem__(1, 10**6),
    "too few random numbers": lambda _, tensors: tensors.update(
        {"training.random_state.key": np.ones(3, np.uint32)}
    ),
    "memory that is no array": lambda state, _: state.update(arrays={"dict": [["W1_m", 3]]}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_state_that_is_not_sound_is_refused(what, path):
    model, data = a_model(early_stopping=True, random_state=np.random.RandomState(0))
    quietly(model, *data).save(path, training_state=True)
    with pytest.raises(cr.FileError, match="not a sound model file"):
        cr.load(rewritten(path, HOSTILE[what]))


def test_a_model_that_is_not_trained_step_by_step_has_no_state(path):
    cr.LinearRegression().fit(IRIS_X, IRIS_Y).save(path)
    state = TrainingState(None, Progress(0.1), None).as_values()
    tensors = {}
    packed = pack(state, "training", tensors)

    def add(state, others):
        state.update(packed["dict"])
        others.update(tensors)

    with pytest.raises(cr.FileError, match="a LinearRegression has no state of training"):
        cr.load(rewritten(path, add))


def test_memory_of_other_shapes_is_not_used(path):
    model, data = a_model()
    names = list(quietly(model, *data)._memory)
    model.save(path, training_state=True)
    assert names[0].startswith("W1_")

    def misshape(_, tensors):
        tensors[f"training.arrays.{names[0]}"] = np.ones((2, 2))

    again = cr.load(rewritten(path, misshape))
    again.partial_fit(*data)
    assert again._memory[names[0]].shape == again.coefs_[0].shape
