"""New state is written over the old only where nobody reads the old any more.

Each update here would go wrong if it were written too soon: it swaps, turns, repeats or reads
other state, before the update or after it. The reference engine, which computes all updates
before it writes any, says what must come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.engines.base import RunReport, TrainingStep
from chainrule.engines.native.lowering import lower_step
from chainrule.engines.native.plan import Kernel
from chainrule.engines.registry import get_engine
from chainrule.graph.node import Node, constant, variable

Array = np.ndarray[Any, Any]

X, rate = variable("X", ("rows", 3)), variable("rate")
a, b, c = (variable(name, (3,)) for name in "abc")
M, N = variable("M", (3, 3)), variable("N", (3, 3))
s, t = variable("s"), variable("t")
STATE = (a, b, c, M, N, s, t)
_rng = np.random.default_rng(0)
START = {each: _rng.normal(size=tuple(int(str(size)) for size in each.shape)) for each in STATE}
DATA = np.random.default_rng(1).normal(size=(10, 3))

total = fn.sum(X, 0)
turned = fn.concatenate(
    [fn.slice_axes(M, [(1, 3), None]), fn.slice_axes(M, [(0, 1), None])], axis=0
)
row_of_M = fn.reshape(fn.slice_axes(M, [(1, 2), None]), (3,))
last_row = fn.reshape(fn.slice_axes(X, [(-1, None), None]), (3,))

UPDATES: dict[str, dict[Node, Node]] = {
    "swap": {a: b, b: a},
    "swap after arithmetic": {a: b + total, b: a - total},
    "swap of scalars": {s: t, t: s + 1.0},
    "rotate": {a: b, b: c, c: a},
    "shift": {a: a + 1.0, b: a, c: b},
    "shift back": {c: b, b: a, a: a + 1.0},
    "a circle of sums": {a: a + b, b: b + c, c: c + a},
    "one value for two": {a: c + total, b: c + total},
    "one value for two and itself": {M: M + N, N: M + N},
    "the new value of another": {a: a - rate * total, b: b + 2.0 * (a - rate * total)},
    "a sum of the new value of another": {a: a - rate * total, s: fn.sum(a - rate * total)},
    "a view of the new value of another": {M: M + 1.0, N: fn.transpose(M + 1.0)},
    "constants": {a: fn.broadcast_to(2.0, (3,)), s: constant(1.5)},
    "a setting": {s: rate, a: a * rate},
    "a size": {s: fn.size(X.shape[0]), t: t + fn.size(X.shape[0])},
    "itself transposed": {M: fn.transpose(M)},
    "the other transposed": {M: fn.transpose(N), N: fn.transpose(M)},
    "plus itself transposed": {M: M + rate * fn.transpose(M)},
    "plus the other transposed": {M: M + fn.transpose(N), N: N + fn.transpose(M)},
    "its own rows in turn": {M: turned},
    "a row of another": {M: M + 1.0, a: row_of_M},
    "a reshaped sum": {M: fn.reshape(2.0 * fn.reshape(M, (9,)), (3, 3))},
    "products of both": {M: M @ N, N: N @ M},
    "a square of itself": {M: M @ M},
    "one stretched over the other": {a: 2.0 * a, M: M * fn.expand_dims(a, 1)},
    "each stretched or summed": {a: 2.0 * a + fn.sum(M, 0), M: M + a},
    "a row of the data": {a: last_row},
    "sums over the data": {a: total, s: fn.max(X)},
    "a draw": {a: fn.uniform((3,), stream=4), b: a},
    "nothing": {},
}
OLD_LOSS = fn.mean(fn.square(X @ M + a * b)) + fn.sum(N) * s
"""Reads the state before the update."""


def new_loss(changes: dict[Node, Node]) -> Node:
    """Reads the state after the update."""
    return fn.mean(X) + sum((fn.sum(fn.sin(each)) for each in changes.values()), start=s)


def step_of(changes: dict[Node, Node], loss: Node) -> TrainingStep:
    return TrainingStep((X,), STATE, tuple(changes.get(v, v) for v in STATE), (rate,), loss)


def run(step: TrainingStep, engine: str, n_threads: int = 1) -> tuple[RunReport, list[Array]]:
    """Two minibatches of four rows and one of two."""
    state = [np.array(START[each]) for each in step.state]
    loop = get_engine(engine).compile_step(
        step, "float64", [DATA], state, {"rate": 0.3}, n_threads=n_threads, batch_size=4
    )
    return loop.run(None, 4, 0, 3), state


def assert_engines_agree(step: TrainingStep, n_threads: int) -> None:
    expected_report, expected = run(step, "reference")
    report, state = run(step, "native", n_threads)
    assert report.loss_sum == pytest.approx(expected_report.loss_sum, rel=1e-12)
    assert (report.steps, report.failed_step) == (3, None)
    for variable_, one, other in zip(step.state, state, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=str(variable_.name))


pytestmark = pytest.mark.usefixtures("threads_are_worthwhile")


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", UPDATES)
def test_all_updates_read_the_state_before_the_step(name: str, n_threads: int) -> None:
    changes = UPDATES[name]
    assert_engines_agree(step_of(changes, OLD_LOSS), n_threads)
    assert_engines_agree(step_of(changes, new_loss(changes)), n_threads)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    "changes, loss",
    [
        ({s: OLD_LOSS}, OLD_LOSS),
        ({s: 0.5 * s}, 0.5 * s),
        ({s: 0.5 * s, t: 0.5 * s}, 0.5 * s),
        ({s: t + 1.0, t: 0.5 * s}, s),
        ({s: t + 1.0, t: s}, s),
        ({s: t + 1.0}, rate),
        ({s: t + 1.0}, constant(0.5)),
    ],
    ids=["new", "new scalar", "new twice", "old", "old and moved", "setting", "constant"],
)
def test_the_loss_may_itself_be_state_or_become_it(
    changes: dict[Node, Node], loss: Node, n_threads: int
) -> None:
    assert_engines_agree(step_of(changes, loss), n_threads)


def kernels_that_write_state(step: TrainingStep) -> Sequence[Kernel]:
    instructions = lower_step(step, n_threads=1).block.instructions
    return [each for each in instructions if isinstance(each, Kernel) and each.writes_state]


def test_ordinary_updates_are_made_in_place_by_the_kernel_that_computes_them() -> None:
    """Gradient descent with momentum: one kernel, no copies."""
    velocity = 0.9 * N - rate * fn.transpose(X) @ (X @ M)
    step = step_of({M: M + velocity, N: velocity}, OLD_LOSS)
    assert sum(len(each.stores) for each in kernels_that_write_state(step)) == 2
    copies = [
        store
        for kernel in kernels_that_write_state(step)
        for store in kernel.stores
        if store.value not in kernel.computed
    ]
    assert not copies


def test_a_name_that_looks_like_a_value_kept_aside_is_left_alone() -> None:
    disguised = variable("a, kept aside", (3,))
    step = TrainingStep(
        (X,), (a, b, disguised), (b, a, disguised + a), (rate,), fn.mean(X) + fn.sum(disguised)
    )
    results = []
    for engine in ("native", "reference"):
        state = [np.arange(3.0), np.ones(3), np.full(3, 5.0)]
        loop = get_engine(engine).compile_step(step, "float64", [DATA], state, {"rate": 0.0})
        loop.run(None, 4, 0, 3)
        results.append(state)
    np.testing.assert_allclose(*results)
