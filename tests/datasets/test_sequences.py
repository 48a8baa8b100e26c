"""Real sequences are what their descriptions say."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from chainrule import datasets
from chainrule.datasets.sequences import (
    load_basic_motions,
    load_italy_power_demand,
    load_japanese_vowels,
    load_sunspots,
)
from chainrule.errors import DataError


def test_sunspots_are_yearly_and_complete() -> None:
    years, numbers = load_sunspots()
    assert (years == np.arange(1700, 2009)).all()
    assert numbers.shape == (309,)
    assert (numbers >= 0).all()
    assert numbers[years == 1957] == 190.2  # the highest maximum on record


@pytest.mark.parametrize(
    ("load", "train", "test", "n_features", "n_classes"),
    [
        (load_japanese_vowels, 270, 370, 12, 9),
        (load_italy_power_demand, 67, 1029, 1, 2),
        (load_basic_motions, 40, 40, 6, 4),
    ],
)
def test_the_sets_of_the_archives_have_the_sizes_that_are_known(
    load: Any, train: int, test: int, n_features: int, n_classes: int
) -> None:
    pytest.importorskip("aeon")
    for split, size in (("train", train), ("test", test)):
        X, y = load(split)
        assert len(X) == len(y) == size
        assert {each.shape[1] for each in X} == {n_features}
        assert len(np.unique(y)) == n_classes


def test_without_aeon_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_aeon(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("aeon"):
            raise ImportError(name)
        return imported(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_aeon)
    with pytest.raises(DataError, match="pip install aeon"):
        load_japanese_vowels("train")


def test_the_folder_offers_its_data_by_name() -> None:
    assert {"load_dataset", "load_sunspots", "make_parity"} <= set(datasets.__all__)
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)
    assert set(datasets.__all__) <= set(dir(datasets))
    with pytest.raises(AttributeError, match="no attribute 'load_moon'"):
        datasets.load_moon  # noqa: B018
