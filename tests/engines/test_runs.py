"""What both engines promise of a run: which rows it may visit, and how its losses add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.engines.base import TrainingLoop, TrainingStep
from chainrule.engines.registry import get_engine
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import variable

X, w = variable("X", ("rows",)), variable("w")
STEP = TrainingStep((X,), (w,), (w + fn.sum(X),), (), fn.mean(fn.square(X)) + 0.1)
engines = pytest.mark.parametrize("engine", ["reference", "native"])


def loop(engine: str, n_rows: int = 10, state: Any = None) -> TrainingLoop:
    data = np.linspace(-1.0, 2.0, n_rows)
    kept = np.zeros(()) if state is None else state
    return get_engine(engine).compile_step(STEP, "float64", [data], [kept], {}, batch_size=4)


@engines
@pytest.mark.parametrize(
    "order, batch_size, first, last, message",
    [
        (None, 4, 0, 4, r"Minibatches 0 to 4 of 4 rows.*10 rows make 3"),
        (None, 4, -1, 2, "Minibatches -1 to 2"),
        (None, 4, 2, 1, "Minibatches 2 to 1"),
        (None, 0, 0, 1, "of 0 rows"),
        ([0, 12, 2], 4, 0, 1, "row 12, but the data has rows 0 to 9"),
        ([0, -1, 2], 4, 0, 1, "row -1, but"),
        ([0, 99_999_999_999], 4, 0, 1, "row 99999999999, but"),
        ([0.0, 1.0], 4, 0, 1, "rows of type float64"),
    ],
)
def test_a_run_that_the_data_does_not_have_is_refused(
    engine: str, order: Any, batch_size: int, first: int, last: int, message: str
) -> None:
    rows = None if order is None else np.array(order)
    running = loop(engine)
    with pytest.raises(ShapeError, match=message):
        running.run(rows, batch_size, first, last)
    assert running.state[0] == 0.0


@engines
def test_an_order_of_any_integer_type_and_layout_is_read_right(engine: str) -> None:
    whole = np.arange(20)
    for order in (whole[::2][:5], whole[:5].astype(np.int32), whole[:10:2].astype(np.uint8)):
        running = loop(engine)
        running.run(order, 2, 0, 3)
        assert running.state[0] == pytest.approx(running.data[0][order].sum())


@engines
def test_state_that_cannot_be_written_is_refused(engine: str) -> None:
    state = np.zeros(())
    state.flags.writeable = False
    with pytest.raises(GraphError, match="'w' is updated in place, but its array is read-only"):
        loop(engine, state=state)


@engines
def test_the_sum_of_losses_does_not_depend_on_how_an_epoch_is_divided(engine: str) -> None:
    n_steps = 250
    whole = loop(engine, 4 * n_steps).run(None, 4, 0, n_steps).loss_sum
    for size in (1, 7, 100):
        running, total = loop(engine, 4 * n_steps), 0.0
        for first in range(0, n_steps, size):
            last = min(first + size, n_steps)
            total = running.run(None, 4, first, last, total).loss_sum
        assert total == whole
