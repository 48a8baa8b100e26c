"""The native engine computes what the reference engine defines.

Operation by operation over the table of cases, over gradients of first and second order, over
random graphs, and over whole training trajectories; with one thread and with two, and for
numbers of rows that do and do not divide among threads and vector lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import FloatType, TrainingLoop
from chainrule.engines.native import sharing
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.operations import OPERATIONS
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import (
    RandomGraph,
    continuous_graphs,
    looping_graphs,
    smooth_graphs,
)
from tests.helpers.training_steps import N_ROWS, TRAINING_CASES, TrainingCase, train

Array = np.ndarray[Any, Any]

EXAMPLES = settings().max_examples * 6 // 10  # each is compiled
ROW_COUNTS = (1, 3, 8, 33)
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}
DIFFERENTIABLE = [case for case in CASES if any(each.kind == "float" for each in case.arguments)]


def assert_agree(found: Sequence[Array], expected: Sequence[Array]) -> None:
    """The same shapes, types, NaN, infinities; numbers to the tolerance of their precision."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        if other.dtype not in TOLERANCE:
            np.testing.assert_array_equal(one, other)
            continue
        finite = np.abs(other[np.isfinite(other)])
        # Relative to the largest: where terms cancel, the small ones are rounding.
        scale = max(1.0, float(finite.max(initial=0.0)))
        tolerance = TOLERANCE[other.dtype]
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


def assert_programs_agree(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    points: Sequence[Sequence[Any]],
    dtype: FloatType = "float64",
    n_threads: int = 1,
) -> None:
    """Both engines give the same at every point."""
    native = cr.compile(outputs, inputs, engine="native", dtype=dtype, n_threads=n_threads)
    reference = cr.compile(outputs, inputs, engine="reference", dtype=dtype)
    for step, point in enumerate(points):
        assert_agree(native(*point, seed=11, step=step), reference(*point, seed=11, step=step))


def squares_of(node: Node) -> Node:
    """A number on which every element of a node bears in its own way."""
    return fn.sum(fn.square(fn.convert(node) + 0.3))


def points_of(case: OperationCase) -> list[list[Array]]:
    return [case.values(rows) for rows in ROW_COUNTS]


@pytest.mark.parametrize(
    "found",
    [
        np.array([1.0, np.nan, np.inf, 1e6 * (1 + 2e-10)]),
        np.array([1.0, 0.0, np.inf, 1e6]),
        np.array([1.0, np.nan, -np.inf, 1e6]),
        np.array([1.0, np.nan, 1e300, 1e6]),
        np.array([1.0, np.nan, np.inf, 1e6], dtype=np.float32),
        np.array([[1.0, np.nan, np.inf, 1e6]]),
    ],
)
def test_the_comparison_catches_small_and_special_differences(found: Array) -> None:
    expected = np.array([1.0, np.nan, np.inf, 1e6])
    assert_agree([expected.copy()], [expected])
    with pytest.raises(AssertionError):
        assert_agree([found], [expected])


# --- operation by operation --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_operations_and_their_derivatives_agree(operation: str, dtype: FloatType) -> None:
    """All cases of one operation in one program, with gradients and second derivatives."""
    inputs: list[Node] = []
    outputs: list[Node] = []
    points: list[list[Array]] = [[] for _ in ROW_COUNTS]
    for number, case in enumerate(CASES):
        if case.operation == operation:
            given, output = case.graph(f"x{number}_")
            wrt = [each for each in given if each.kind == "float"]
            slopes = gradient(squares_of(output), wrt) if wrt else []
            along = sum((squares_of(each) for each in slopes), start=constant(0.0))
            inputs += given
            outputs += [output, *slopes, *gradient(along, wrt)]
            for point, values in zip(points, points_of(case), strict=True):
                point += values
    assert_programs_agree(outputs, inputs, points, dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operations_agree_where_threads_share_the_rows(case: OperationCase) -> None:
    inputs, output = case.graph()
    assert_programs_agree([output], inputs, points_of(case), n_threads=2)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_gradients_agree_where_threads_share_the_rows(case: OperationCase) -> None:
    inputs, output = case.graph()
    slopes = gradient(squares_of(output), [each for each in inputs if each.kind == "float"])
    assert_programs_agree(slopes, inputs, points_of(case), n_threads=2)


def test_threads_do_share_the_rows() -> None:
    """Otherwise the tests above would compare one thread with itself."""
    shared = 0
    for case in CASES:
        inputs, output = case.graph()
        wrt = [each for each in inputs if each.kind == "float"]
        slopes = gradient(squares_of(output), wrt) if wrt else []
        shared += sharing.is_shareable([output]) + sharing.is_shareable(slopes)
    assert shared > len(CASES)


ELEMENTWISE = [name for name, each in OPERATIONS.items() if each.family == "elementwise"]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 30.0, -30.0, 800.0, -800.0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("operation", ELEMENTWISE)
def test_nan_infinity_and_overflow_agree(operation: str, dtype: FloatType) -> None:
    x, y = variable("x", ("rows",)), variable("y", ("rows",))
    node = {
        1: lambda: make(operation, x < y if operation == "convert" else x),
        2: lambda: make(operation, x, y),
        3: lambda: make(operation, x < y, x, y),
    }[OPERATIONS[operation].arity or 0]()
    pairs = np.array([(one, other) for one in SPECIAL for other in SPECIAL]).T
    if operation == "power":  # (-1)^∞ is 1 in C, and may be NaN as for any other negative base
        pairs = pairs[:, ~((pairs[0] == -1.0) & np.isinf(pairs[1]))]
    assert_programs_agree([node], [x, y], [pairs], dtype=dtype)


@pytest.mark.parametrize("operation", ["sum", "max"])
def test_reductions_of_nan_and_infinity_agree(operation: str) -> None:
    x = variable("x", ("rows", 3))
    values = np.array([(a, b, c) for a in SPECIAL[:5] for b in SPECIAL[:5] for c in SPECIAL[:5]])
    nodes = [make(operation, x, axes=(0,)), make(operation, x, axes=(1,))]
    for n_threads in (1, 2):
        assert_programs_agree(nodes, [x], [[values], [values[:3]]], n_threads=n_threads)


# --- random graphs -----------------------------------------------------------------------


@settings(max_examples=EXAMPLES)
@given(continuous_graphs(), st.sampled_from([1, 2]), st.sampled_from(["float64", "float32"]))
def test_random_graphs_agree(graph: RandomGraph, n_threads: int, dtype: FloatType) -> None:
    points = [graph.values(rows) for rows in ROW_COUNTS]
    assert_programs_agree([graph.output], graph.inputs, points, dtype, n_threads)


@settings(max_examples=EXAMPLES)
@given(smooth_graphs(), st.sampled_from([1, 2]))
def test_gradients_of_random_graphs_agree(graph: RandomGraph, n_threads: int) -> None:
    loss = fn.mean(fn.square(graph.output))
    points = [graph.values(rows) for rows in ROW_COUNTS]
    outputs = [loss, *gradient(loss, graph.inputs)]
    assert_programs_agree(outputs, graph.inputs, points, n_threads=n_threads)


@settings(max_examples=EXAMPLES // 2)
@given(looping_graphs(), st.sampled_from([1, 2]))
def test_gradients_of_random_loops_agree(graph: RandomGraph, n_threads: int) -> None:
    loss = fn.mean(fn.square(graph.output))
    points = [graph.values(rows) for rows in ROW_COUNTS]
    outputs = [loss, *gradient(loss, graph.inputs)]
    assert_programs_agree(outputs, graph.inputs, points, n_threads=n_threads)


# --- random draws ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_draws_agree_bit_for_bit(n_threads: int, dtype: FloatType) -> None:
    x = variable("x", ("rows",))
    drawn = [
        fn.uniform(("rows",), stream=0),
        fn.uniform(("rows", 3), stream=2**31 + 5),
        fn.transpose(fn.uniform((2, "rows"), stream=0)),
        fn.transpose(fn.uniform((2, "rows", 3), stream=1), (1, 0, 2)),
        fn.uniform((5,), stream=0),
    ]
    for outputs in [drawn[:2], drawn[2:]]:  # threads can share the rows of the first two
        native, reference = (
            cr.compile([*outputs, x], [x], engine=engine, dtype=dtype, n_threads=n_threads)
            for engine in ("native", "reference")
        )
        for rows in ROW_COUNTS:
            for seed, step in [(0, 0), (1, 0), (0, 1), (2**63 - 1, 2**40), (123456789, 2**31)]:
                found = native(np.zeros(rows), seed=seed, step=step)
                expected = reference(np.zeros(rows), seed=seed, step=step)
                for one, other in zip(found, expected, strict=True):
                    np.testing.assert_array_equal(one, other, strict=True)


def test_normal_draws_agree() -> None:
    x = variable("x", ("rows",))
    nodes = [fn.normal(("rows", 3), 4) * fn.expand_dims(x, 1)]
    for n_threads in (1, 2):
        assert_programs_agree(
            nodes, [x], [[np.ones(rows)] for rows in ROW_COUNTS], "float64", n_threads
        )


# --- programs ----------------------------------------------------------------------------


def test_outputs_may_be_inputs_constants_repeated_and_views() -> None:
    x, y = variable("x", ("rows", 3)), variable("y")
    total = fn.sum(x * y)
    outputs = [
        x,
        constant(2.5),
        total,
        total,
        fn.reshape(x, (-1,)),
        fn.transpose(x),
        fn.broadcast_to(y, (2, 3)),
        fn.slice_axes(x, [None, (1, 2)]),
        y,
        constant(True),
    ]
    points = [[np.arange(rows * 3.0).reshape(rows, 3), 0.5] for rows in ROW_COUNTS]
    assert_programs_agree(outputs, [x, y], points)
    assert_programs_agree(outputs, [x, y], points, n_threads=2)


def test_results_are_fresh_arrays() -> None:
    x = variable("x", (3,))
    function = cr.compile([x, x, 2 * x], [x], engine="native")
    given_values = np.ones(3)
    first = function(given_values)
    second = function(np.zeros(3))
    first[0][:] = 7.0
    np.testing.assert_array_equal(first[1], [1, 1, 1])
    np.testing.assert_array_equal(first[2], [2, 2, 2])
    np.testing.assert_array_equal(given_values, [1, 1, 1])
    np.testing.assert_array_equal(second, np.zeros((3, 3)))


def test_inputs_of_any_memory_layout_and_type_are_read_right() -> None:
    x, i = variable("x", ("rows", 3)), variable("i", ("rows",), "int")
    outputs = [2 * x, fn.take(variable("t", (4,)), i)]
    inputs = [x, variable("t", (4,)), i]
    values = np.arange(24).reshape(8, 3)
    table = np.arange(8.0)[::2]
    points = [
        [values, table, np.arange(8) % 4],
        [values.astype(np.float32), list(table), (np.arange(8) % 4).astype(np.int8)],
        [np.asfortranarray(values), table, np.repeat(np.arange(4), 4)[::2]],
        [np.arange(48).reshape(8, 6)[:, ::2], table, [0, 1, 2, 3] * 2],
        [values[::-1], table, (np.arange(8) % 4).astype(np.uint16)],
        [np.arange(24.0).astype(">f8").reshape(8, 3), table, np.arange(8) % 4],
    ]
    assert_programs_agree(outputs, inputs, points)
    assert_programs_agree(outputs, inputs, points, dtype="float32")


def test_a_program_without_inputs_runs() -> None:
    assert_programs_agree([constant(1.5), fn.uniform((3,), 0) + 1.0], [], [[]])


def test_a_deep_chain_runs() -> None:
    x = variable("x", ("rows",))
    node = x
    for _ in range(1000):
        node = 0.5 * node + 0.1
    assert_programs_agree([node, *gradient(fn.sum(node), [x])], [x], [[np.linspace(-1, 1, 9)]])


@pytest.mark.parametrize(
    "engine, arguments, message",
    [
        (engine, arguments, message)
        for arguments, message in [
            ((np.ones((2, 3)),), "3 inputs, but 1 values"),
            ((np.ones((2, 3)), np.ones(4), [0, 1], 5), "3 inputs, but 4 values"),
            ((np.ones((2, 4)), np.ones(4), [0, 1]), r"'x' needs shape \(rows, 3\)"),
            ((np.ones((2, 3)), np.ones(4), [0, 1, 2]), r"'i' needs shape \(rows,\) with"),
            ((np.ones(3), np.ones(4), [0]), r"'x' needs shape .*\(3,\) is given"),
            ((np.ones((2, 3)), np.ones(4), [0.5, 1.0]), "'i' is of kind 'int', but"),
            ((np.ones((2, 3)), np.ones(4), [0, 4]), "no row 4 among 4 rows"),
            ((np.ones((2, 3)), np.ones(4), [0, -1]), "no row -1 among 4 rows"),
            ((np.ones((1, 3)), np.ones(4), [0]), r"too short for <Node slice"),
        ]
        for engine in ("reference", "native")
    ],
)
def test_wrong_values_are_refused_alike(
    engine: str, arguments: tuple[Any, ...], message: str
) -> None:
    x, t, i = variable("x", ("rows", 3)), variable("t", (4,)), variable("i", ("rows",), "int")
    outputs = [fn.slice_axes(x, [(0, 2), None]), fn.take(t, i), fn.scatter_add(x, i, 4)]
    function = cr.compile(outputs, [x, t, i], engine=engine)
    with pytest.raises(cr.ChainruleError, match=message):
        function(*arguments)


# --- training ----------------------------------------------------------------------------


def assert_same_bits(one: TrainingLoop, other: TrainingLoop) -> None:
    for left, right in zip(one.state, other.state, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", TRAINING_CASES)
def test_twenty_steps_of_training_agree(name: str, n_threads: int, dtype: FloatType) -> None:
    case = TRAINING_CASES[name]
    native, reference = case.loop("native", dtype, n_threads), case.loop("reference", dtype)
    losses = [train(loop) for loop in (native, reference)]
    assert native.steps_done == reference.steps_done == 20
    np.testing.assert_allclose(losses[0], losses[1], rtol=TOLERANCE[np.dtype(dtype)])
    assert_agree(native.state, reference.state)
    assert losses[1][-1] < losses[1][0]
    assert not np.allclose(reference.state[1], case.state[1])


@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("name", TRAINING_CASES)
def test_the_steps_can_be_shared(name: str) -> None:
    """Otherwise the tests here would compare one thread with itself."""
    outputs = TRAINING_CASES[name].step.program.outputs
    assert sharing.worthwhile_threads(outputs, rows=8, most=2) == 2


@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_training_twice_gives_the_same_bits(n_threads: int) -> None:
    case = TRAINING_CASES["lstm with dropout"]
    first, second = (case.loop("native", "float32", n_threads) for _ in range(2))
    assert train(first) == train(second)
    assert_same_bits(first, second)


def test_another_seed_draws_other_numbers() -> None:
    case = TRAINING_CASES["mlp with dropout"]
    assert train(case.loop("native", seed=3)) != train(case.loop("native", seed=4))


@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_epoch_in_pieces_is_the_same_epoch(n_threads: int) -> None:
    case = TRAINING_CASES["mlp with dropout"]
    whole, pieces = (case.loop("native", n_threads=n_threads) for _ in range(2))
    order = np.random.default_rng(0).permutation(N_ROWS)
    expected = whole.run(order, 8, 0, 5)
    reports = [pieces.run(order, 8, first, last) for first, last in [(0, 2), (2, 3), (3, 5)]]
    assert_same_bits(whole, pieces)
    assert sum(each.steps for each in reports) == expected.steps == 5
    assert sum(each.rows for each in reports) == expected.rows == N_ROWS
    assert sum(each.loss_sum for each in reports) == pytest.approx(expected.loss_sum, rel=1e-14)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 33, 100])
@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_minibatches_of_any_size_agree(batch_size: int, n_threads: int) -> None:
    case = TRAINING_CASES["recurrent"]
    native = case.loop("native", n_threads=n_threads, batch_size=batch_size)
    reference = case.loop("reference")
    losses = [train(loop, 2, batch_size) for loop in (native, reference)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10)
    assert_agree(native.state, reference.state)


def test_settings_may_change_between_runs() -> None:
    case = TRAINING_CASES["recurrent"]
    loops = [case.loop(engine) for engine in ("native", "reference")]
    for loop in loops:
        loop.run(None, 8, 0, 2)
        loop.settings["learning_rate"] = 0.01
        loop.run(None, 8, 2, 5)
    assert_agree(loops[0].state, loops[1].state)
    steady = case.loop("native")
    steady.run(None, 8, 0, 5)
    assert not np.allclose(steady.state[0], loops[0].state[0])


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.usefixtures("threads_are_worthwhile")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", ["mlp", "recurrent"])
def test_a_loss_that_is_not_finite_stops_before_the_update(
    name: str, engine: str, n_threads: int
) -> None:
    case = TRAINING_CASES[name]
    data = [each.copy() for each in case.data]
    data[0][19, ...] = np.nan  # in the third minibatch
    broken = TrainingCase(case.step, data, case.state, case.settings)
    good, failing = case.loop(engine, n_threads=n_threads), broken.loop(engine, n_threads=n_threads)
    good.run(None, 8, 0, 2)
    report = failing.run(None, 8, 0, 5)
    assert (report.steps, report.rows, report.failed_step) == (2, 16, 2)
    assert failing.steps_done == 2
    assert_same_bits(failing, good)
    # Passing over the broken minibatch, it goes on.
    assert failing.run(None, 8, 3, 5).failed_step is None
