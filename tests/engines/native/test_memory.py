"""The memory plan: no two buffers that are needed at the same time share a byte.

When a buffer is needed is worked out here anew, and differently: instructions are unrolled in the
order in which they run, with every step of a loop, and each value lives from where it is written to
where it is last read. Where threads share work, all instructions of a phase run at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Program
from chainrule.engines.native import memory, sharing
from chainrule.engines.native.effects import reads_of, writes_of
from chainrule.engines.native.layout import ROWS_TOTAL
from chainrule.engines.native.lowering import lower_program, lower_step
from chainrule.engines.native.memory import ALIGNMENT, Layout, plan_memory
from chainrule.engines.native.plan import Block, Buffer, LoopOver, Plan
from chainrule.engines.registry import get_engine
from chainrule.graph.node import variable
from chainrule.graph.shape import resolve
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import RandomGraph, smooth_graphs
from tests.helpers.training_steps import TRAINING_CASES, train

WIDTHS = {"float": 8, "int": 8, "bool": 1}


# --- what is needed when -----------------------------------------------------------------


Path = tuple[tuple[LoopOver, int], ...]
Event = tuple[int, Path, set[Buffer], set[Buffer]]


def kept_by(loop: LoopOver) -> set[Buffer]:
    """What holds the same thing, or more of it, from one step of a loop to the next."""
    rings = {buffer for carry in loop.carries for buffer in carry.ring or ()}
    return rings | {carry.initial.buffer for carry in loop.carries} | loop.stacked


def events(block: Block, sizes: Mapping[str, int], path: Path = ()) -> Iterator[Event]:
    """Phase, step, reads and writes of every instruction, in the order in which they run."""
    for each in block.instructions:
        if not isinstance(each, LoopOver):
            yield each.phase, path, set(reads_of(each, block)), set(writes_of(each))
            continue
        pointers = {carry.buffer for carry in each.carries}
        # Two steps show what is carried from one to the next.
        for number in range(min(resolve(each.length, sizes), 2)):
            for _, inner, reads, writes in events(each.block, sizes, (*path, (each, number))):
                # A pointer may point to any of these: to the start at first, then to a step.
                if reads & pointers:
                    starts = {carry.initial.buffer for carry in each.carries}
                    reads = reads | (kept_by(each) - starts if number else starts)
                if any(buffer.place == "carry" for buffer in writes):
                    writes = writes | {b for carry in each.carries for b in carry.ring or ()}
                yield each.phase, inner, reads, writes


def starts_anew(buffer: Buffer, before: Path, now: Path) -> bool:
    """Whether a write in one step of a loop has nothing to do with what was there before."""
    for (loop, one), (other_loop, other) in zip(before, now, strict=False):
        if loop is not other_loop:
            return False
        if one != other:
            return buffer not in kept_by(loop)
    return False


def lives(plan: Plan, sizes: Mapping[str, int]) -> dict[Buffer, list[tuple[int, int]]]:
    """The times, first and last moment, at which each buffer holds something needed."""
    found: dict[Buffer, list[tuple[int, int]]] = {}
    last_path: dict[Buffer, Path] = {}
    phases: dict[int, tuple[int, int]] = {}
    moment = 0
    for phase, path, reads, writes in events(plan.block, sizes):
        moment += 1
        for buffer in reads | writes:
            known = found.setdefault(buffer, [])
            fresh = buffer not in reads and starts_anew(buffer, last_path.get(buffer, ()), path)
            if not known or fresh:
                known.append((moment, moment))
            known[-1] = (known[-1][0], moment)
            last_path[buffer] = path
        start, _ = phases.get(phase, (moment, moment))
        phases[phase] = (start, moment)
    if plan.loss is not None:
        first = found[plan.loss.buffer][0][0]
        found[plan.loss.buffer] = [(first, moment + 1)]
    if plan.n_threads > 1:
        for buffer, times in found.items():
            if buffer.combine is not None or buffer.place in ("shared", "rows"):
                first, last = times[0][0], times[-1][1]
                start = max(a for a, b in phases.values() if a <= first)
                stop = min((b for a, b in phases.values() if b >= last), default=last)
                found[buffer] = [(start, stop)]
    return found


def at_once(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> bool:
    return any(a <= d and c <= b for a, b in one for c, d in other)


def bytes_of(buffer: Buffer, sizes: Mapping[str, int]) -> int:
    rows = sizes[ROWS_TOTAL] if buffer.place == "rows" else sizes["rows"]
    shape = [resolve(each, {**sizes, "rows": rows}) for each in buffer.shape]
    return int(np.prod(shape)) * WIDTHS[buffer.kind]


def assert_apart(plan: Plan, sizes: Mapping[str, int]) -> int:
    """The number of pairs that share bytes at different times."""
    layout: Layout = plan_memory(plan, sizes, 8)
    shared_pairs = 0
    life = lives(plan, sizes)
    for offsets, total in (
        (layout.local, layout.local_size),
        (layout.shared, layout.shared_size),
    ):
        placed = sorted(offsets, key=lambda each: each.index)
        for number, one in enumerate(placed):
            assert offsets[one] % ALIGNMENT == 0
            assert offsets[one] + bytes_of(one, sizes) <= total
            for other in placed[:number]:
                overlap = offsets[one] < offsets[other] + bytes_of(other, sizes) and offsets[
                    other
                ] < offsets[one] + bytes_of(one, sizes)
                if overlap and one in life and other in life:
                    shared_pairs += 1
                    assert not at_once(life[one], life[other]), (
                        f"{one} at {life[one]} and {other} at {life[other]} overlap"
                    )
    needed = {each for each in life if each.place in ("local", "rows", "shared")}
    assert needed <= layout.local.keys() | layout.shared.keys()
    return shared_pairs


def sizes_for(rows: int, n_threads: int, **more: int) -> dict[str, int]:
    return {"rows": -(-rows // n_threads), ROWS_TOTAL: rows, **more}


# --- plans -------------------------------------------------------------------------------


@settings(max_examples=settings().max_examples)
@given(smooth_graphs(), st.sampled_from([1, 2, 3]), st.sampled_from([1, 5, 64]))
def test_buffers_of_random_graphs_and_gradients_stay_apart(
    graph: RandomGraph, n_threads: int, rows: int
) -> None:
    loss = fn.mean(fn.square(graph.output))
    outputs = (loss, *gradient(loss, graph.inputs))
    n_threads = n_threads if sharing.is_shareable(outputs) else 1
    plan = lower_program(Program(graph.inputs, outputs), n_threads)
    assert_apart(plan, sizes_for(rows, n_threads))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_buffers_of_every_operation_and_of_loops_stay_apart(case: OperationCase) -> None:
    inputs, output = case.graph()
    wrt = [each for each in inputs if each.kind == "float"]
    squares = fn.sum(fn.square(fn.convert(output) + 0.3))
    outputs = (output, *(gradient(squares, wrt) if wrt else ()))
    for n_threads in (1, 2) if sharing.is_shareable(outputs) else (1,):
        plan = lower_program(Program(tuple(inputs), outputs), n_threads)
        known = dict.fromkeys(plan.symbols, 4)
        assert_apart(plan, {**known, **sizes_for(9, n_threads)})


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("name", TRAINING_CASES)
def test_buffers_of_training_steps_stay_apart_and_memory_is_used_again(
    name: str, n_threads: int
) -> None:
    plan = lower_step(TRAINING_CASES[name].step, n_threads)
    for rows in (1, 8, 100):
        again = assert_apart(plan, sizes_for(rows, n_threads))
        assert again, "no two buffers share memory: the test shows nothing"


def test_the_checker_catches_buffers_that_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at the start of the arena: some of them are needed at once."""
    original = plan_memory

    def careless(plan: Plan, sizes: Mapping[str, int], item_size: int) -> Layout:
        layout = original(plan, sizes, item_size)
        return Layout(
            dict.fromkeys(layout.local, 0),
            dict.fromkeys(layout.shared, 0),
            layout.local_size,
            layout.shared_size,
        )

    monkeypatch.setitem(globals(), "plan_memory", careless)
    for case in TRAINING_CASES.values():
        with pytest.raises(AssertionError, match="overlap"):
            assert_apart(lower_step(case.step, 1), sizes_for(8, 1))


def _overlaps(n_threads: int) -> list[str]:
    """The training steps in whose plans buffers overlap."""
    found = []
    for name, case in TRAINING_CASES.items():
        try:
            assert_apart(lower_step(case.step, n_threads), sizes_for(8, n_threads))
        except AssertionError:
            found.append(name)
    return found


def test_the_checker_catches_what_a_loop_needs_being_given_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_temporaries", lambda loop: set(writes_of(loop)))
    assert set(_overlaps(1)) & {"recurrent", "lstm"}


def test_the_checker_catches_what_other_threads_need_being_given_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory._Lifetimes, "_respect_other_threads", lambda self, plan: None)
    assert _overlaps(2)
    assert not _overlaps(1)


# --- sizes that grow ---------------------------------------------------------------------


@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_minibatches_may_grow_and_shrink_from_run_to_run(name: str, n_threads: int) -> None:
    case = TRAINING_CASES[name]
    native = case.loop("native", n_threads=n_threads, batch_size=2)
    reference = case.loop("reference")
    for batch_size in (2, 7, 33, 3, 20, 50):
        for loop in (native, reference):
            train(loop, 1, batch_size)
    for one, other in zip(native.state, reference.state, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_function_may_be_called_with_more_rows_and_with_fewer(n_threads: int) -> None:
    x, w = variable("x", ("rows", 3)), variable("w", (3, 3))
    outputs = (fn.tanh(x @ w) @ w, fn.sum(fn.exp(x @ w), 0))
    function = get_engine("native").compile(Program((x, w), outputs), "float64", n_threads)
    weights: Any = np.eye(3) + 0.1
    for rows in (1, 100, 5, 1000, 1000, 2, 33):
        values = np.random.default_rng(rows).normal(size=(rows, 3))
        first, second = function(values, weights)
        np.testing.assert_allclose(first, np.tanh(values @ weights) @ weights, rtol=1e-12)
        np.testing.assert_allclose(second, np.exp(values @ weights).sum(axis=0), rtol=1e-12)
