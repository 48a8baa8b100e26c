from __future__ import annotations

import os
import shutil
import time
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import FileError
from chainrule.files.checkpoints import Checkpoint, FitFolder

FIT = {"estimator": "MLPClassifier", "rows": 3}
VALUES: dict[str, Any] = {
    "weights": np.linspace(0, 1, 7),
    "step": np.array(3.0),
    "nothing": np.empty((0, 2), np.float32),
    "loss": float("nan"),
    "names": ["a", "b"],
}


def folder(path: Path, fit: dict[str, Any] = FIT, **options: Any) -> FitFolder:
    return FitFolder(Checkpoint(path, **options), "MLPClassifier", fit)


def read_epoch(path: Path, most: int = 1000) -> Any:
    found = folder(path).latest(most, lambda values: values["epoch"])
    return None if found is None else found[0]


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.glob("*/*") if each.name != "fit.json")


def write(path: Path, *epochs: int, **options: Any) -> None:
    for epoch in epochs:
        folder(path, **options).write(epoch, {**VALUES, "epoch": epoch})


def test_what_was_written_is_read_again_with_all_its_bits(tmp_path: Path) -> None:
    folder(tmp_path).write(5, VALUES)
    found, path = folder(tmp_path).latest(5, lambda values: values) or ({}, None)
    assert path == next(tmp_path.glob("*/epoch-00000005.safetensors"))
    assert list(found) == list(VALUES)
    for name in ("weights", "step", "nothing"):
        assert found[name].tobytes() == VALUES[name].tobytes()
        assert (found[name].dtype, found[name].shape) == (VALUES[name].dtype, VALUES[name].shape)
    assert np.isnan(found["loss"])
    assert found["names"] == VALUES["names"]


def test_a_new_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert read_epoch(tmp_path / "new" / "folder") is None


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_latest_files_are_kept(tmp_path: Path, keep: int) -> None:
    write(tmp_path, 1, 2, 3, 10, 100, keep=keep)
    kept = [1, 2, 3, 10, 100][-keep:]
    assert names(tmp_path) == [f"epoch-{epoch:08d}.safetensors" for epoch in kept]
    assert read_epoch(tmp_path) == 100


def test_later_epochs_of_the_same_fit_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, 8, 9, 2, 3, 4)
    assert read_epoch(tmp_path) == 9
    assert read_epoch(tmp_path, most=8) == 8
    assert read_epoch(tmp_path, most=7) == 4
    assert read_epoch(tmp_path, most=2) is None


@settings(max_examples=60)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_bit_that_flips_is_found_out(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("bits")
    write(path, 1, 2)
    (latest,) = path.glob("*/epoch-00000002.safetensors")
    content = bytearray(latest.read_bytes())
    place %= len(content)
    assume(chr(content[place]) not in "eE" or bit != 5)  # 1e-05 and 1E-05 are the same number
    content[place] ^= 1 << bit
    latest.write_bytes(content)
    with pytest.warns(UserWarning, match=r"passed over.*epoch-00000002\.safetensors"):
        assert read_epoch(path) == 1


@settings(max_examples=30)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_is_found_out(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    path = tmp_path_factory.mktemp("torn")
    write(path, 1, 2)
    (latest,) = path.glob("*/epoch-00000002.safetensors")
    content = latest.read_bytes()
    latest.write_bytes(content[: int(share * len(content))])
    with pytest.warns(UserWarning, match=r"passed over.*epoch-00000002\.safetensors"):
        assert read_epoch(path) == 1


def test_a_damaged_file_is_removed_once_there_is_a_sound_one_more(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    (latest,) = tmp_path.glob("*/epoch-00000003.safetensors")
    latest.write_bytes(b"torn")
    again = folder(tmp_path)
    with pytest.warns(UserWarning, match="passed over"):
        again.latest(9, lambda values: values)
    again.write(4, VALUES)
    assert names(tmp_path) == ["epoch-00000002.safetensors", "epoch-00000004.safetensors"]


def test_a_file_of_another_fit_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 7, fit={"rows": 4})
    other, mine = (folder(tmp_path, fit).path for fit in ({"rows": 4}, FIT))
    assert other != mine
    (other / "epoch-00000007.safetensors").rename(mine / "epoch-00000007.safetensors")
    with pytest.warns(UserWarning, match="it is of another fit"):
        assert read_epoch(tmp_path) == 1


def test_values_that_cannot_be_used_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)

    def read(values: Any) -> Any:
        if values["epoch"] == 2:
            raise ValueError("two is too many.")
        return values["epoch"]

    with pytest.warns(UserWarning, match=r"two is too many \("):
        found = folder(tmp_path).latest(9, read)
    assert found is not None
    assert found[0] == 1


def test_what_killed_processes_left_is_removed_when_nobody_can_be_writing_it(
    tmp_path: Path,
) -> None:
    write(tmp_path, 1)
    place = folder(tmp_path).path
    old, new = place / ".epoch-00000002.0a.part", place / ".epoch-00000002.0b.part"
    for each in (old, new):
        each.write_bytes(b"half")
    long_ago = time.time() - 3600
    os.utime(old, (long_ago, long_ago))
    folder(tmp_path)
    assert [each.name for each in place.glob(".*")] == [new.name]


def test_checkpoints_are_due_after_epochs_and_after_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def due(**options: Any) -> list[int]:
        """Epochs of 20 s each, after which there is one."""
        now[0] = 0.0
        place, found = folder(tmp_path, **options), []
        for epoch in range(1, 11):
            now[0] += 20
            if place.is_due(epoch):
                found.append(epoch)
                place.write(epoch, VALUES)
        return found

    assert due(epochs=3) == [3, 6, 9]
    assert due(minutes=1) == [3, 6, 9]
    assert due(minutes=0.5) == [2, 4, 6, 8, 10]
    assert due(epochs=4, minutes=1) == [3, 4, 7, 8]
    assert due() == list(range(1, 11))


def test_by_default_writing_takes_at_most_a_tenth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        now[0] += 3.0
        fsync(descriptor)

    place = folder(tmp_path)
    monkeypatch.setattr(os, "fsync", slow)
    written = []
    for epoch in range(1, 101):
        now[0] += 1.0
        if place.is_due(epoch):
            place.write(epoch, VALUES)
            written.append(epoch)
    assert written == [1, 28, 55, 82]
    assert 3.0 * len(written) <= 0.11 * now[0]


@pytest.mark.parametrize(
    "options",
    [
        {"path": 3},
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"minutes": 0},
        {"minutes": -1.0},
        {"minutes": float("nan")},
        {"minutes": float("inf")},
        {"minutes": "1"},
        {"keep": 0},
        {"keep": None},
    ],
)
def test_a_description_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name} must be .* but got "):
        Checkpoint(**{"path": "folder", **options})


def test_a_description_is_a_value(tmp_path: Path) -> None:
    checkpoint = cr.Checkpoint(tmp_path, minutes=2)
    assert checkpoint == cr.Checkpoint(tmp_path, minutes=2)
    model = clone(cr.MLPClassifier(checkpoint=checkpoint))
    assert model.checkpoint == checkpoint
    with pytest.raises(FrozenInstanceError):
        checkpoint.keep = 3  # type: ignore[misc]


def test_too_little_memory_and_an_absent_folder_are_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("chainrule.files.model_file.save", too_much)
        with pytest.warns(UserWarning, match="not enough memory to write .*epoch-00000001"):
            write(tmp_path, 1)
    place = folder(tmp_path)
    shutil.rmtree(place.path)
    with pytest.warns(UserWarning, match="No such file or directory"):
        place.write(2, VALUES)
    place.write(3, VALUES)  # warned of once, until it can be written again
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(FileError, match=r"checkpoint='.*file' cannot be used: Not a directory"):
        folder(path)
