"""What graphs become: few kernels, state written in place, threads that wait where they must.

The plans here are written out so that a change of fusion shows in a review. A plan that differs
is not wrong for that; look whether it is better, and write it down anew.
"""

from __future__ import annotations

import textwrap

import pytest

import chainrule.graph.functions as fn
from chainrule.engines.base import Program, TrainingStep
from chainrule.engines.native import lowering
from chainrule.engines.native.assembly import assemble
from chainrule.engines.native.effects import loads_of, reads_of, writes_of
from chainrule.engines.native.lowering import lower_program, lower_step
from chainrule.engines.native.plan import Kernel, MatMul, Plan
from chainrule.engines.native.printer import format_plan
from chainrule.engines.native.schedule import Schedule
from chainrule.engines.native.views import whole
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, variable
from tests.helpers.training_steps import TRAINING_CASES, adam, sgd


def network(optimizer: object = sgd) -> TrainingStep:
    """20 inputs, 64 rectified units, one output, squared error."""
    X, y = variable("X", ("rows", 20)), variable("y", ("rows", 1))
    W1, b1 = variable("W1", (20, 64)), variable("b1", (64,))
    W2, b2 = variable("W2", (64, 1)), variable("b2", (1,))
    output = fn.relu(X @ W1 + b1) @ W2 + b2
    return optimizer(fn.mean(fn.square(output - y)), [W1, b1, W2, b2], [X, y])  # type: ignore[operator, no-any-return]


def lines(text: str) -> str:
    return textwrap.dedent(text).strip()


def test_a_step_of_gradient_descent_is_four_products_and_eight_kernels() -> None:
    """Bias, activation and their derivatives ride along; each weight is updated where it lies."""
    expected = """
        phase 0
          product: l8 = g0 @ g2
          kernel (rows, 64): l9 = from l8, g3
          product: l10 = l9 @ g4
          kernel (rows, 1): l12 sum=, l13 =, l21 sum= from l10, g5, g1
          kernel (): l7 = from l12
          kernel (rows, 64): l14 =, l17 sum= from l9, l13, g4
          product: l15 = g0ᵀ @ l14
          kernel state (20, 64): g2 = from g2, g6, l15
          kernel state (64,): g3 = from g3, g6, l17
          product: l19 = l9ᵀ @ l13
          kernel state (64, 1): g4 = from g4, g6, l19
          kernel state (1,): g5 = from g5, g6, l21
    """
    assert format_plan(lower_step(network(), n_threads=1)) == lines(expected)


def test_a_small_state_is_kept_up_to_date_by_every_thread() -> None:
    """Each adds up the sums of all (l12, l15, l17, l19, l21), and updates its own copy."""
    expected = """
        phase 0
          product: l8 = g0 @ g2
          kernel (rows, 64): l9 = from l8, g3
          product: l10 = l9 @ g4
          kernel (rows, 1): l12 sum=, l13 =, l21 sum= from l10, g5, g1
          kernel (rows, 64): l14 =, l17 sum= from l9, l13, g4
          product: l15 = g0ᵀ @ l14
          product: l19 = l9ᵀ @ l13
        phase 1
          kernel (): l7 = from l12
          kernel state (20, 64): g2 = from g2, g6, l15
          kernel state (64,): g3 = from g3, g6, l17
          kernel state (64, 1): g4 = from g4, g6, l19
          kernel state (1,): g5 = from g5, g6, l21
    """
    plan = lower_step(network(), n_threads=2)
    assert plan.own_state
    assert format_plan(plan) == lines(expected)


def test_two_threads_share_the_update_of_a_large_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over the rows (l12, l17, l21) are added up by those who read them."""
    monkeypatch.setattr(lowering, "_SMALL", 0)
    expected = """
        phase 0
          product: l8 = g0 @ g2
          kernel (rows, 64): r9 = from l8, g3
          product: l10 = r9 @ g4
          kernel (rows, 1): l12 sum=, r13 =, l21 sum= from l10, g5, g1
          kernel (rows, 64): r14 =, l17 sum= from r9, r13, g4
        phase 1
          kernel (): l7 = from l12
          product split: s15 = g0ᵀ @ r14
          kernel state split (20, 64): g2 = from g2, g6, s15
          kernel state split (64,): g3 = from g3, g6, l17
          product split: s19 = r9ᵀ @ r13
          kernel state split (64, 1): g4 = from g4, g6, s19
          kernel state split (1,): g5 = from g5, g6, l21
    """
    plan = lower_step(network(), n_threads=2)
    assert not plan.own_state
    assert format_plan(plan) == lines(expected)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_adam_updates_a_weight_and_its_two_moments_in_one_kernel(n_threads: int) -> None:
    plan = lower_step(network(adam), n_threads)
    writers = [
        [store.target.buffer.index for store in each.stores]
        for each in plan.block.instructions
        if isinstance(each, Kernel) and each.writes_state
    ]
    # Inputs 2 to 14: the number of steps, and W, mean and square for each of four.
    assert sorted(sorted(each) for each in writers) == [
        [2],
        [3, 4, 5],
        [6, 7, 8],
        [9, 10, 11],
        [12, 13, 14],
    ]
    assert plan.phases == (1 if n_threads == 1 else 2)


def test_a_loop_carries_a_pointer_instead_of_copying() -> None:
    """Each step writes right into the sequence of results and reads where the last one wrote."""
    x, w = variable("x", (7, "rows", 3)), variable("w", (3, 3))

    def body(carries: list[Node], slices: list[Node]) -> tuple[list[Node], list[Node]]:
        new = fn.tanh(slices[0] + carries[0] @ w)
        return [new], [new]

    (states,) = scan(body, [fn.broadcast_to(0.0, ("rows", 3))], [x])  # type: ignore[arg-type]
    expected = """
        phase 0
          kernel (rows, 3): l3 =
          loop over time 1 < 7: c4 from l3
            product: l6 = c4 @ g1
            kernel (rows, 3): l5[..] = from g0[..], l6
          kernel (7, rows, 3): g2 = from l5
    """
    plan = lower_program(Program((x, w), (states,)), n_threads=1)
    assert format_plan(plan) == lines(expected)


def test_views_cost_nothing() -> None:
    x = variable("x", (4, 6))
    turned = fn.transpose(fn.slice_axes(fn.reshape(x, (6, 4)), [(1, 5), None]))
    plan = lower_program(Program((x,), (turned + 1.0,)), n_threads=1)
    assert format_plan(plan) == "phase 0\n  kernel (4, 4): g1 = from g0[..]"


def test_what_is_cheap_is_computed_again_rather_than_kept() -> None:
    x = variable("x", ("rows", 5))
    shifted = x + 1.0
    dear = fn.exp(x)
    plan = lower_program(
        Program((x,), (fn.sum(shifted, 0), fn.sum(shifted, 1), fn.sum(dear, 0) * fn.sum(dear))),
        n_threads=1,
    )
    kernels = [each for each in plan.block.instructions if isinstance(each, Kernel)]
    stored = [store.value for each in kernels for store in each.stores if store.mode == "set"]
    assert shifted not in stored


# --- waiting -----------------------------------------------------------------------------


def read_too_soon(plan: Plan) -> list[str]:
    """Reads, in one phase, of what another thread writes in that very phase."""
    found = []
    instructions = plan.block.instructions
    for reader in instructions:
        views = (
            [plan.block.views[node] for node in loads_of(reader, plan.block)]
            if isinstance(reader, Kernel)
            else [reader.left, reader.right]
            if isinstance(reader, MatMul)
            else [whole(each) for each in reads_of(reader, plan.block)]
        )
        for view in views:
            for writer in instructions:
                if writer.phase != reader.phase or view.buffer not in writes_of(writer):
                    continue
                own = (
                    isinstance(reader, Kernel)
                    and reader.split
                    and view.shape == reader.space
                    and view.is_contiguous
                )
                in_parts = view.buffer.combine is not None
                by_others = getattr(writer, "split", False) and not own
                of_all = isinstance(reader, MatMul) and reader.split
                if reader is not writer and (in_parts or by_others or of_all):
                    found.append(f"{reader} reads {view} of {writer}")
    return found


STEPS = {name: case.step for name, case in TRAINING_CASES.items()} | {
    "wide": network(),
    "wide with Adam": network(adam),
}


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("name", STEPS)
def test_no_thread_reads_what_another_may_not_have_written(name: str, n_threads: int) -> None:
    assert not read_too_soon(lower_step(STEPS[name], n_threads))


def test_reading_without_waiting_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of values might win the race."""
    monkeypatch.setattr(Schedule, "_ready", lambda self, view, shares: 0)
    for step in STEPS.values():
        assert read_too_soon(lower_step(step, 2))


@pytest.mark.parametrize("name", STEPS)
def test_threads_wait_between_phases_and_after_each_step(name: str) -> None:
    def waits(n_threads: int) -> int:
        plan = lower_step(STEPS[name], n_threads)
        minibatch = len(STEPS[name].minibatch)
        text = str(assemble(plan, "float32", (128, 16), minibatch))
        return text.count('call void @"wait"')

    assert waits(2) == lower_step(STEPS[name], 2).phases >= 2
    assert waits(1) == 0


def test_every_kind_of_instruction_can_be_printed() -> None:
    table, i, x = variable("t", (5, 2)), variable("i", ("rows",), "int"), variable("x", (5, 2))
    rows = fn.take(table, i)
    outputs = (fn.scatter_add(rows, i, 5), fn.max(rows, 0), fn.transpose(x) @ table)
    text = format_plan(lower_program(Program((table, i, x), outputs), n_threads=1))
    for wanted in ("take: l", "= rows g1 of g0", "scatter: g3 += l", "max=", "@ g0", "g2ᵀ"):
        assert wanted in text
