from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.training.history import History
from chainrule.training.loop import Progress
from chainrule.training.state import TrainingState, generator_from, generator_values


@given(seed=st.integers(0, 2**32 - 1), uniform=st.integers(0, 700), normal=st.integers(0, 3))
def test_a_generator_draws_on_from_where_another_stood(
    seed: int, uniform: int, normal: int
) -> None:
    generator = np.random.RandomState(seed)
    generator.random_sample(uniform)
    generator.normal(size=normal)
    again = generator_from(generator_values(generator))
    for draw in ("normal", "random_sample", "standard_exponential"):
        np.testing.assert_array_equal(getattr(again, draw)(5), getattr(generator, draw)(5))


@pytest.mark.parametrize(
    "change",
    [
        {"position": 625},
        {"position": -1},
        {"position": 2.0},
        {"key": np.zeros(623, np.uint32)},
        {"key": np.zeros(624, np.int64)},
        {"key": None},
        {"has_normal": 2},
        {"normal": None},
    ],
)
def test_a_generator_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    values = generator_values(np.random.RandomState(0))
    with pytest.raises(ValueError, match="random numbers"):
        generator_from({**values, **change})


def test_a_state_is_plain_values_and_comes_back() -> None:
    progress = Progress(
        0.25,
        epochs=2,
        steps=7,
        losses=[2.0, 1.0],
        scores=[float("nan"), 0.5],
        best_parameters=[np.ones(2)],
        stopped_early=True,
        history=History(epoch=[1, 2], loss=[2.0, 1.0]),
    )
    state = TrainingState({"w": np.ones(2)}, progress, np.random.RandomState(1), np.arange(3))
    again = TrainingState.from_values(state.as_values())
    assert again.arrays is state.arrays
    assert again.order is state.order
    assert repr(again.progress) == repr(progress)
    assert [type(each) for each in again.progress.history["epoch"]] == [int, int]
    assert again.random_state is not None
    assert again.random_state.normal() == np.random.RandomState(1).normal()


@pytest.mark.parametrize("missing", ["arrays", "progress", "random_state", "order"])
def test_a_state_without_one_of_its_parts_is_refused(missing: str) -> None:
    values = TrainingState(None, Progress(0.1), None).as_values()
    del values[missing]
    with pytest.raises(ValueError, match="not complete"):
        TrainingState.from_values(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1.5),
        ("epochs", True),
        ("steps", -1),
        ("loss", "1"),
        ("stopped_early", 1),
        ("losses", [1.0]),
        ("scores", np.array(["a"])),
        ("best_parameters", [1.0]),
        ("history", {"loss": 1.0}),
        ("history", {"loss": np.ones(2), "epoch": np.ones(3)}),
        ("unknown", 1),
    ],
)
def test_progress_of_another_kind_is_refused(name: str, value: Any) -> None:
    values = TrainingState(None, Progress(0.1), None).as_values()
    values["progress"][name] = value
    with pytest.raises(ValueError, match=r"progress of training|columns of the history"):
        TrainingState.from_values(values)
