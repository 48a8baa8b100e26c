"""The agreement tests catch what they are for: wrong instructions planted in the native engine.

Each fault is of a kind that a change to the engine could bring in. A check that passes with the
fault in place would be worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.native import (
    assembly,
    blocks,
    kernels,
    layout,
    loop,
    lowering,
    mathematics,
    scalars,
    sharing,
)
from chainrule.engines.native import program as program_module
from chainrule.engines.native.frame import Frame
from chainrule.engines.native.state import StateWriter
from chainrule.graph.node import variable
from tests.engines.test_native_agreement import assert_agree, assert_programs_agree
from tests.helpers.training_steps import TRAINING_CASES, train

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def nothing_is_kept(tmp_path: Path, monkeypatch: Patch) -> Any:
    """Wrong code must not be found by other tests, nor right code by these."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sharing, "_WORTH_A_THREAD", 1)
    loop._compiled.cache_clear()
    yield
    loop._compiled.cache_clear()


# --- what is checked ---------------------------------------------------------------------

x, y = variable("x", ("rows", 3)), variable("y", (3,))
w = variable("w", (3, 4))


def check_programs(n_threads: int = 1) -> None:
    """A small network with its gradients, as the agreement tests run them."""
    output = fn.tanh((x - y) @ w)
    loss = fn.mean(fn.square(output)) - fn.sum(fn.max(x, 0))
    outputs = [output, fn.transpose(x) + fn.expand_dims(y, 1), *gradient(loss, [x, y, w])]
    rng = np.random.default_rng(0)
    points = [
        [rng.normal(size=(rows, 3)), rng.normal(size=3), rng.normal(size=(3, 4))]
        for rows in (1, 3, 8, 33)
    ]
    if n_threads > 1:
        outputs.pop(1)
    assert_programs_agree(outputs, [x, y, w], points, n_threads=n_threads)


def check_training(n_threads: int = 1) -> None:
    for name in ("mlp", "mlp with dropout", "recurrent"):
        case = TRAINING_CASES[name]
        native, reference = case.loop("native", n_threads=n_threads), case.loop("reference")
        losses = [train(each) for each in (native, reference)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10)
        assert_agree(native.state, reference.state)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_without_a_fault_all_is_well(n_threads: int) -> None:
    check_programs(n_threads)
    check_training(n_threads)


# --- one thread --------------------------------------------------------------------------


def swap_the_sides_of_a_difference(patch: Patch) -> None:
    right = scalars.SCALARS["subtract"]
    patch.setitem(scalars.SCALARS, "subtract", lambda m, b, node, p, q: right(m, b, node, q, p))


def make_one_coefficient_wrong(patch: Patch) -> None:
    original = mathematics._taylor_exp

    def wrong(degree: int) -> list[float]:
        found = original(degree)
        found[-5] *= 1.0 + 1e-6
        return found

    patch.setattr(mathematics, "_taylor_exp", wrong)


def start_maxima_at_zero(patch: Patch) -> None:
    writer = kernels._Writer
    patch.setattr(writer, "_neutral", lambda self, store: self.m.number(0.0))


def forget_a_loop_of_a_sum(patch: Patch) -> None:
    """Values of the first pass only: the sum in memory is overwritten, not added to."""
    patch.setattr(kernels._Writer, "_combine", lambda self, mode, total, value: value)


def walk_with_a_wrong_stride(patch: Patch) -> None:
    original = blocks.derive_view

    def wrong(node: Any, view: Any) -> Any:
        right = original(node, view)
        if node.operation != "transpose":
            return right
        return type(right)(right.buffer, right.shape, right.strides[::-1], right.offset)

    patch.setattr(blocks, "derive_view", wrong)


def drop_a_store(patch: Patch) -> None:
    """Of each kernel with two results or more, the last is not written."""
    original = kernels._Writer._store
    layouts: set[tuple[int, int]] = set()

    def store(self: Any, access: Any, index: Any, value: Any) -> None:
        last = self.layout.targets[-1]
        if len(self.layout.targets) > 1 and access is last:
            layouts.add((id(self), id(access)))
            return
        original(self, access, index, value)

    patch.setattr(kernels._Writer, "_store", store)


def take_the_matrix_as_it_lies(patch: Patch) -> None:
    original = program_module._orientation
    patch.setattr(program_module, "is_written_out", lambda product: False)
    patch.setattr(program_module, "_orientation", lambda view: ("N", original(view)[1]))


FAULTS: list[Callable[[Patch], None]] = [
    swap_the_sides_of_a_difference,
    make_one_coefficient_wrong,
    start_maxima_at_zero,
    forget_a_loop_of_a_sum,
    walk_with_a_wrong_stride,
    drop_a_store,
    take_the_matrix_as_it_lies,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_wrong_values_are_caught(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        check_programs()


# --- training ----------------------------------------------------------------------------


def update_too_soon(patch: Patch) -> None:
    """State is written where it is computed, whoever still reads the old."""

    def finish(self: Any, kernel: Any) -> None:
        kernel.writes_state = True
        self.block.instructions.remove(kernel)
        self.block.instructions.insert(0, kernel)

    patch.setattr(StateWriter, "_finish", finish)


def count_steps_twice(patch: Patch) -> None:
    original = loop.RunReport

    def report(steps: int, loss_sum: float) -> Any:
        return original(steps=2 * steps, loss_sum=loss_sum)

    patch.setattr(loop, "RunReport", report)


def lose_the_last_loss(patch: Patch) -> None:
    patch.setattr(assembly._TrainWriter, "_add_loss", lambda self, rows: None)


def leave_rows_in_order(patch: Patch) -> None:
    original = assembly._TrainWriter._gather

    def gather(self: Any, start: Any, low: Any, rows: Any) -> None:
        told = dict(self.told)
        self.told["order"] = self.frame.number(0)
        original(self, start, low, rows)
        self.told.update(told)

    patch.setattr(assembly._TrainWriter, "_gather", gather)


@pytest.mark.parametrize(
    "fault",
    [update_too_soon, count_steps_twice, lose_the_last_loss, leave_rows_in_order],
    ids=lambda each: each.__name__,
)
def test_wrong_training_is_caught(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        check_training()


# --- threads -----------------------------------------------------------------------------


def take_the_rows_of_the_first_thread(patch: Patch) -> None:
    """Every thread computes the first share of a split kernel."""

    def share(self: Any, total: Any) -> Any:
        n_threads = self.number(self.plan.n_threads)
        return self.number(0), self.b.udiv(total, n_threads)

    patch.setattr(Frame, "share", share)


def ignore_the_parts_of_others(patch: Patch) -> None:
    original = kernels._Writer._load

    def load(self: Any, access: Any, index: Any) -> Any:
        alone = type(access)(access.pointers[:1], access.combine, access.strides, access.kind)
        return original(self, alone, index)

    patch.setattr(kernels._Writer, "_load", load)


def draw_as_if_alone(patch: Patch) -> None:
    """Each thread draws the numbers of the first rows."""
    for module in (kernels, layout):
        patch.setattr(module, "draw_offset", lambda node: 0)


@pytest.mark.parametrize(
    "fault",
    [take_the_rows_of_the_first_thread, ignore_the_parts_of_others, draw_as_if_alone],
    ids=lambda each: each.__name__,
)
def test_wrong_sharing_is_caught(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    monkeypatch.setattr(lowering, "_SMALL", 0)
    with pytest.raises(AssertionError):
        check_training(n_threads=2)


def test_a_state_that_only_one_thread_is_given_is_caught(monkeypatch: Patch) -> None:
    """The other threads' copies are not filled."""
    monkeypatch.setattr(loop, "aligned", lambda size: np.zeros(size, dtype=np.uint8))
    original = loop.NativeLoop._bind

    def bind(self: Any, batch_size: int) -> None:
        original(self, batch_size)
        self._copies.clear()

    monkeypatch.setattr(loop.NativeLoop, "_bind", bind)
    with pytest.raises(AssertionError):
        check_training(n_threads=2)
