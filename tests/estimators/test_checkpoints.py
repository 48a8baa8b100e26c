"""A fit that is broken off goes on, and ends with the same bits as one that was not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from tests.helpers.fits import FITS, IRIS_X, IRIS_Y, X, assert_same, outcome, quietly


class BrokenOffError(Exception):
    pass


def at(epoch, ended=True):
    """A callback that breaks off a fit after an epoch, or in the midst of it."""

    def break_off(moment):
        if moment.epoch == epoch and moment.epoch_ended == ended:
            raise BrokenOffError

    return break_off


def broken_off(model, folder, epoch, *data, ended=True, **options):
    """A fit that ends in the midst of its work, as a process does that is killed."""
    checkpoint = folder if isinstance(folder, cr.Checkpoint) else cr.Checkpoint(folder, epochs=1)
    model = clone(model).set_params(checkpoint=checkpoint, callbacks=[at(epoch, ended)])
    with pytest.raises(BrokenOffError):
        quietly(model, *data, **options)


def resumed(model, folder, *data, **options):
    return quietly(clone(model).set_params(checkpoint=folder), *data, **options)


def epochs_trained(model, folder, *data, **options):
    """Those that a fit had still to do, and the fit."""
    seen = []
    model = clone(model).set_params(
        callbacks=[lambda moment: moment.epoch_ended and seen.append(moment.epoch)]
    )
    return resumed(model, folder, *data, **options), seen


def files(folder):
    return sorted(each.name for each in Path(folder).glob("*/epoch-*"))


def a_fit(**parameters):
    model, data, _ = FITS["adam"]
    return clone(model).set_params(**parameters), data


@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_was_broken_off_ends_with_the_bits_of_one_that_was_not(name, tmp_path):
    model, data, options = FITS[name]
    unbroken = outcome(quietly(clone(model), *data, **options), data[0])
    last = unbroken["n_iter_"]
    for epoch in (2, last - 1):
        broken_off(model, tmp_path, epoch, *data, **options)
    again, trained = epochs_trained(model, tmp_path, *data, **options)
    # The epoch whose callbacks raised was not written.
    assert trained == list(range(last - 1, last + 1))
    assert_same(outcome(again, data[0]), unbroken)


def test_a_fit_may_be_broken_off_in_the_midst_of_an_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.training.loop.CALL_SECONDS", 0.0)  # callbacks at each step
    model, data = a_fit(batch_size=8)
    for epoch in (1, 3, 6):
        broken_off(model, tmp_path, epoch, *data, ended=False)
    assert_same(outcome(resumed(model, tmp_path, *data)), outcome(quietly(model, *data)))


def test_a_checkpoint_changes_no_bit_of_a_fit(tmp_path):
    model, data = a_fit(early_stopping=True)
    assert_same(outcome(resumed(model, tmp_path, *data)), outcome(quietly(model, *data)))


@pytest.mark.parametrize("seeded", ["the global generator", "a generator"])
def test_generators_end_where_those_of_an_unbroken_fit_do(seeded, tmp_path):
    def fit(folder, callbacks=None):
        np.random.seed(5)  # noqa: NPY002
        drawn = None if seeded == "the global generator" else np.random.RandomState(5)
        model, data = a_fit(random_state=drawn, early_stopping=True)
        model.set_params(checkpoint=folder, callbacks=callbacks)
        quietly(model, *data)
        return {**outcome(model), "then": model._random_state.normal(size=3)}

    unbroken = fit(None)
    for epoch in (2, 4):
        with pytest.raises(BrokenOffError):
            fit(tmp_path, [at(epoch)])
    assert_same(fit(tmp_path), unbroken)


def test_without_a_seed_a_fit_goes_on_with_the_rows_that_it_had_held_out(tmp_path):
    model, data = a_fit(random_state=None, early_stopping=True)
    held_out = []

    def seen(estimator, rows, y):
        held_out.append(rows.sum())
        return estimator.score(rows, y)

    model.set_params(scoring=seen)
    broken_off(model, tmp_path, 3, *data)
    again, trained = epochs_trained(model, tmp_path, *data)
    assert trained == [3, 4, 5, 6, 7]
    assert len(set(held_out)) == 1
    assert again.history_["epoch"] == list(range(1, 8))


def test_a_fit_that_is_complete_returns_at_once(tmp_path):
    model, data = a_fit(early_stopping=True)
    first = resumed(model, tmp_path, *data)
    again, trained = epochs_trained(model, tmp_path, *data)
    assert trained == []
    assert_same(outcome(again), outcome(first))
    assert again.history_["seconds"] == first.history_["seconds"]


def test_a_fit_that_returns_at_once_warns_as_it_did(tmp_path):
    model, data = a_fit(checkpoint=tmp_path)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning, match=r"iterations \(7\) reached"):
            model.fit(*data)


def test_more_epochs_go_on_from_the_last_and_fewer_start_anew(tmp_path):
    model, data = a_fit()
    resumed(model, tmp_path, *data)
    longer, trained = epochs_trained(model.set_params(max_iter=10), tmp_path, *data)
    assert trained == [8, 9, 10]
    assert_same(outcome(longer), outcome(quietly(clone(model), *data)))
    shorter, trained = epochs_trained(model.set_params(max_iter=3), tmp_path, *data)
    assert trained == [1, 2, 3]
    assert_same(outcome(shorter), outcome(quietly(clone(model), *data)))
    _, trained = epochs_trained(model.set_params(max_iter=10), tmp_path, *data)
    assert trained == []


def test_a_schedule_that_looks_ahead_is_another_with_more_epochs(tmp_path):
    model, data = a_fit(learning_rate="cosine")
    resumed(model, tmp_path, *data)
    longer, trained = epochs_trained(model.set_params(max_iter=9), tmp_path, *data)
    assert trained == list(range(1, 10))
    assert_same(outcome(longer), outcome(quietly(clone(model), *data)))


def test_callbacks_that_ended_a_fit_are_asked_anew(tmp_path):
    def stop(moment):
        return moment.epoch == 4

    model, data = a_fit(callbacks=[stop])
    first = resumed(model, tmp_path, *data)
    assert first.n_iter_ == 4
    assert_same(outcome(resumed(model, tmp_path, *data)), outcome(first))
    further, told = epochs_trained(a_fit()[0], tmp_path, *data)
    assert told == [4, 5, 6, 7]
    assert_same(outcome(further), outcome(quietly(a_fit()[0], *data)))


def test_ctrl_c_ends_a_fit_and_the_next_one_goes_on(tmp_path):
    def press(moment):
        if moment.epoch == 3:
            raise KeyboardInterrupt

    model, data = a_fit(callbacks=[press], checkpoint=cr.Checkpoint(tmp_path, epochs=1))
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*data)
    again, trained = epochs_trained(a_fit()[0], tmp_path, *data)
    assert trained == [3, 4, 5, 6, 7]
    assert_same(outcome(again), outcome(quietly(a_fit()[0], *data)))


# --- another fit -------------------------------------------------------------------------


OTHERS = {
    "a parameter": {"alpha": 0.1},
    "the seed": {"random_state": 1},
    "a schedule": {"learning_rate": cr.StepSchedule(every=3)},
    "the engine": {"engine": "reference"},
    "the number of threads": {"n_threads": 3},
    "the layers": {"hidden_layer_sizes": (6, 2)},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_fit_has_a_folder_of_its_own(what, tmp_path):
    model, data = a_fit(n_threads=2)
    resumed(model, tmp_path, *data)
    before = {path: path.read_bytes() for path in tmp_path.glob("*/epoch-*")}
    _, trained = epochs_trained(model.set_params(**OTHERS[what]), tmp_path, *data)
    assert trained == list(range(1, 8))
    assert len(list(tmp_path.iterdir())) == 2
    assert before.items() <= {path: path.read_bytes() for path in before}.items()


def test_other_data_weights_or_validation_data_are_another_fit(tmp_path):
    model, (rows, y) = a_fit()
    other = rows.copy()
    other[0, 0] = np.nextafter(other[0, 0], 9)
    weights = np.ones(len(rows))
    given = [
        ((rows, y), {}),
        ((other, y), {}),
        ((rows.astype(np.float32), y), {}),
        ((rows[::-1], y[::-1]), {}),
        ((rows, y[::-1]), {}),
        ((rows, y, weights), {}),
        ((rows, y), {"validation_data": (rows[:50], y[:50])}),
        ((rows, y), {"validation_data": (rows[:50], y[:50], weights[:50])}),
    ]
    for count, (data, options) in enumerate(given, 1):
        _, trained = epochs_trained(model, tmp_path, *data, **options)
        assert trained == list(range(1, 8))
        assert len(list(tmp_path.iterdir())) == count


def test_another_loss_of_the_users_own_is_another_fit(tmp_path):
    for factor in (1.0, 2.0):

        def loss(y, output, factor=factor):
            return factor * cr.sum(cr.square(y - output), 1)

        model = cr.MLPRegressor(loss, (3,), max_iter=3, random_state=0)
        _, trained = epochs_trained(model, tmp_path, X, X[:, 0])
        assert trained == [1, 2, 3]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_same_windows_of_other_series_are_another_fit(tmp_path):
    one, two = np.ones((1, 12, 1)), np.ones((2, 6, 1))
    model = cr.RNNRegressor(
        3, output="each", truncation=6, max_iter=2, random_state=0, checkpoint=str(tmp_path)
    )
    for series in (one, two):
        quietly(model, series, series[:, :, 0])
    assert len(list(tmp_path.iterdir())) == 2


def test_what_changes_no_bit_is_the_same_fit(tmp_path, capsys):
    model, data = a_fit(n_threads=2)
    broken_off(model, tmp_path, 5, *data)
    model.set_params(verbose=True, n_threads=np.int64(2), hidden_layer_sizes=[6])
    resumed(model, cr.Checkpoint(str(tmp_path), minutes=3, keep=9), *data)
    assert capsys.readouterr().out.startswith("Going on from epoch 4: ")
    assert len(list(tmp_path.iterdir())) == 1


def test_fits_that_go_on_from_one_another_are_told_apart(tmp_path):
    def fits(folder, callbacks=None):
        model, data = a_fit(warm_start=True, checkpoint=folder)
        quietly(model, *data)
        quietly(model.set_params(callbacks=callbacks), *data)
        return quietly(model.set_params(callbacks=None), *data)

    with pytest.raises(BrokenOffError):
        fits(cr.Checkpoint(tmp_path, epochs=1), [at(4)])
    assert_same(outcome(fits(tmp_path)), outcome(fits(None)))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_candidates_of_a_grid_search_share_a_folder(tmp_path):
    model, data = a_fit(checkpoint=tmp_path, max_iter=2)
    grid = {"alpha": [0.1, 1.0], "max_iter": [2, 4]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=1)
    plain = GridSearchCV(clone(model).set_params(checkpoint=None), grid, cv=2, n_jobs=1)
    first = quietly(search, *data)
    folders = set(tmp_path.iterdir())
    # Two strengths on two halves, and the best on all; more epochs are the same fit.
    assert len(folders) == 5
    again, expected = quietly(clone(search), *data), quietly(plain, *data)
    for name in ("mean_test_score", "params", "rank_test_score"):
        np.testing.assert_array_equal(again.cv_results_[name], first.cv_results_[name])
        np.testing.assert_array_equal(again.cv_results_[name], expected.cv_results_[name])
    assert set(tmp_path.iterdir()) == folders


def test_the_folder_says_what_fit_it_is_of(tmp_path):
    model, data = a_fit(learning_rate=cr.CosineSchedule(warmup=2), scoring=["accuracy"])
    quietly(model.set_params(checkpoint=tmp_path), *data)
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("MLPClassifier-")
    text = (folder / "fit.json").read_text()
    for part in ('"CosineSchedule"', '"max_iter": 7', '"rows": 150', '"solver": "adam"'):
        assert part in text


# --- what can go wrong -------------------------------------------------------------------


def test_a_damaged_checkpoint_is_passed_over_and_the_one_before_it_used(tmp_path):
    model, data = a_fit()
    broken_off(model, tmp_path, 6, *data)
    assert files(tmp_path) == ["epoch-00000004.safetensors", "epoch-00000005.safetensors"]
    (latest,) = tmp_path.glob("*/epoch-00000005.safetensors")
    latest.write_bytes(latest.read_bytes()[:-9])
    with pytest.warns(UserWarning, match=r"passed over.*epoch-00000005\.safetensors"):
        again, trained = epochs_trained(model, tmp_path, *data)
    assert trained == [5, 6, 7]
    assert_same(outcome(again), outcome(quietly(model, *data)))


def test_without_a_sound_checkpoint_a_fit_starts_anew(tmp_path):
    model, data = a_fit()
    broken_off(model, tmp_path, 4, *data)
    for each in tmp_path.glob("*/epoch-*"):
        each.write_bytes(b"")
    with pytest.warns(UserWarning, match="passed over"):
        again, trained = epochs_trained(model, tmp_path, *data)
    assert trained == list(range(1, 8))
    assert_same(outcome(again), outcome(quietly(model, *data)))


def test_a_full_disk_is_a_warning_and_training_goes_on(tmp_path, monkeypatch):
    model, data = a_fit()
    replace, calls = os.replace, []

    def full(source, target):
        calls.append(target)
        if len(calls) in (3, 4, 6):  # of epochs 2, 3 and 5: the first file is fit.json
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="No space left on device") as said:
        model = resumed(model, cr.Checkpoint(tmp_path, epochs=1), *data)
    ours = [str(each.message) for each in said if "Training goes on" in str(each.message)]
    assert ["00000002" in ours[0], "00000005" in ours[1], len(ours)] == [True, True, 2]
    assert files(tmp_path) == ["epoch-00000006.safetensors", "epoch-00000007.safetensors"]
    assert not list(tmp_path.glob("*/.*"))
    assert model.n_iter_ == 7


def test_a_folder_that_cannot_be_is_refused_before_training(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    trained = []
    model, data = a_fit(checkpoint=path, callbacks=[trained.append])
    with pytest.raises(cr.FileError, match=r"checkpoint=.*cannot be used: Not a directory"):
        model.fit(*data)
    assert not trained
    assert path.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_to_is_refused_before_training(tmp_path):
    tmp_path.chmod(0o500)
    model, data = a_fit(checkpoint=tmp_path)
    with pytest.raises(cr.FileError, match="Permission denied"):
        model.fit(*data)


def test_a_full_disk_is_refused_before_training(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    model, data = a_fit(checkpoint=tmp_path)
    with pytest.raises(cr.FileError, match="No space left"):
        model.fit(*data)


@pytest.mark.parametrize("model", [cr.MLPClassifier(solver="lbfgs"), cr.LogisticRegression()])
def test_lbfgs_cannot_be_broken_off(model, tmp_path):
    with pytest.raises(ValueError, match="checkpoint is for training by minibatches"):
        model.set_params(checkpoint=tmp_path).fit(IRIS_X, IRIS_Y)


def test_a_generator_of_another_kind_is_refused(tmp_path):
    generator = np.random.RandomState(np.random.PCG64(0))
    model, data = a_fit(random_state=generator, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="PCG64"):
        model.fit(*data)


@pytest.mark.parametrize("checkpoint", [3, b"folder", ["folder"]])
def test_what_is_no_folder_is_refused(checkpoint):
    model, data = a_fit(checkpoint=checkpoint)
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        model.fit(*data)


def test_a_stream_cannot_be_broken_off(tmp_path):
    model, (rows, y) = a_fit(checkpoint=tmp_path)
    with pytest.raises(ValueError, match="checkpoint is for fit"):
        model.fit_stream([(rows, y)], classes=np.unique(y))


def test_the_search_for_a_learning_rate_writes_no_checkpoint(tmp_path):
    model, data = a_fit(checkpoint=tmp_path / "folder")
    model.find_learning_rate(*data)
    assert not list(tmp_path.iterdir())


def test_partial_fit_writes_no_checkpoint(tmp_path):
    model, (rows, y) = a_fit(checkpoint=tmp_path / "folder")
    model.partial_fit(rows, y, classes=np.unique(y))
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_no_model(tmp_path):
    model, data = a_fit()
    resumed(model, tmp_path, *data)
    with pytest.raises(cr.FileError, match="is a checkpoint, not a model"):
        cr.load(next(tmp_path.glob("*/epoch-*")))


# --- SIGKILL -----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_killed_at_any_moment_a_fit_ends_with_the_bits_of_an_unbroken_one(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.helpers.killed_fits", str(tmp_path), "0"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "the same after 7 kills\n"


def scorer(factor):
    def scored(estimator, rows, y):
        return factor * estimator.score(rows, y)

    return scored


def test_functions_of_one_name_that_differ_are_fits_that_differ(tmp_path):
    rows, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    for factor in (1.0, -1.0, 1.0):
        model = cr.MLPClassifier(
            3,
            scoring=scorer(factor),
            early_stopping=True,
            max_iter=3,
            tol=0.0,
            random_state=0,
            checkpoint=str(tmp_path),
        )
        with pytest.warns(ConvergenceWarning):
            model.fit(rows, y)
        assert np.sign(model.best_validation_score_) in (factor, 0)
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == 2
