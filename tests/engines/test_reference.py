"""The reference engine computes what NumPy does, in the precision it was compiled for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.engines.base import FloatType, Program, bind_sizes
from chainrule.engines.reference import ReferenceEngine, evaluate
from chainrule.engines.registry import get_engine
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.shape import Size
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import RandomGraph, any_graphs

Array = np.ndarray[Any, Any]
KINDS = {"int": np.int64, "bool": np.bool_}


def run(
    outputs: Node | Sequence[Node],
    inputs: Sequence[Node],
    *values: Any,
    dtype: FloatType = "float64",
) -> list[Array]:
    wanted = (outputs,) if isinstance(outputs, Node) else tuple(outputs)
    return ReferenceEngine().compile(Program(tuple(inputs), wanted), dtype)(*values)


# --- every operation ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("case", [each for each in CASES if each.operation != "uniform"], ids=str)
def test_operations_mean_what_numpy_says(
    case: OperationCase, dtype: FloatType, tolerance: float
) -> None:
    inputs, output = case.graph()
    for rows in (1, 3, 8):
        values = case.values(rows)
        (found,) = run(output, inputs, *values, dtype=dtype)
        expected = np.asarray(case.expected(*values))
        assert found.shape == expected.shape
        assert found.dtype == KINDS.get(output.kind, dtype)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(graph=any_graphs())
def test_no_other_precision_leaks_into_any_value(graph: RandomGraph, dtype: FloatType) -> None:
    """Every value on the way is of the compiled precision, not only the result."""
    values = dict(zip(graph.inputs, graph.values(rows=2), strict=True))
    for node, value in evaluate([graph.output], values, dtype):
        assert isinstance(value, np.ndarray)
        assert value.dtype == KINDS.get(node.kind, dtype)
        assert value.flags.c_contiguous


@pytest.mark.parametrize("operation", ["exp", "log", "tanh", "logistic", "softplus", "erf", "sin"])
def test_single_precision_is_computed_in_single_precision(operation: str) -> None:
    """To an ulp or so; and not the double result rounded, which would hide a float64 inside."""
    x = variable("x", (1000,))
    at = np.linspace(0.1, 5.0, 1000, dtype=np.float32)
    (single,) = run(make(operation, x), [x], at, dtype="float32")
    (double,) = run(make(operation, x), [x], at)
    np.testing.assert_allclose(single, double, rtol=5e-7)


INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    "operation, at, expected",
    [
        ("exp", [-INF, INF, NAN, 1000.0, -1000.0], [0.0, INF, NAN, INF, 0.0]),
        ("log", [0.0, -1.0, INF, NAN, 1.0], [-INF, NAN, INF, NAN, 0.0]),
        ("log1p", [-1.0, -2.0, INF, 1e-300], [-INF, NAN, INF, 1e-300]),
        ("expm1", [-INF, INF, 1e-300], [-1.0, INF, 1e-300]),
        ("sqrt", [-1.0, 0.0, INF], [NAN, 0.0, INF]),
        ("tanh", [-INF, INF, NAN, 100.0], [-1.0, 1.0, NAN, 1.0]),
        ("logistic", [-INF, INF, NAN, -1000.0, 1000.0], [0.0, 1.0, NAN, 0.0, 1.0]),
        ("softplus", [-INF, INF, NAN, -1000.0, 1000.0], [0.0, INF, NAN, 0.0, 1000.0]),
        ("erf", [-INF, INF, NAN], [-1.0, 1.0, NAN]),
        ("sin", [INF, NAN], [NAN, NAN]),
        ("cos", [INF, NAN], [NAN, NAN]),
        ("reciprocal", [0.0, INF, NAN], [INF, 0.0, NAN]),
        ("absolute", [-INF, -0.0, NAN], [INF, 0.0, NAN]),
        ("sign", [-INF, 0.0, 3.0, NAN], [-1.0, 0.0, 1.0, NAN]),
        ("negate", [INF, NAN], [-INF, NAN]),
        ("maximum", [(NAN, 1.0), (1.0, NAN), (INF, 1.0), (-INF, 1.0)], [NAN, NAN, INF, 1.0]),
        ("minimum", [(NAN, 1.0), (1.0, NAN), (INF, 1.0), (-INF, 1.0)], [NAN, NAN, 1.0, -INF]),
        ("divide", [(1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, INF)], [INF, -INF, NAN, 0.0]),
        ("power", [(0.0, 0.0), (NAN, 0.0), (-2.0, 0.5), (0.0, -1.0)], [1.0, 1.0, NAN, INF]),
        ("less", [(NAN, 1.0), (1.0, NAN), (1.0, 1.0), (1.0, INF)], [False, False, False, True]),
        ("less_equal", [(NAN, NAN), (1.0, 1.0), (2.0, 1.0)], [False, True, False]),
        ("equal", [(NAN, NAN), (0.0, -0.0), (INF, INF)], [False, True, True]),
    ],
)
def test_special_values(operation: str, at: list[Any], expected: list[Any]) -> None:
    arity = OPERATIONS[operation].arity or 0
    inputs = [variable(f"x{k}", (len(at),)) for k in range(arity)]
    columns = np.array(at, dtype=float).reshape(len(at), arity).T
    (found,) = run(make(operation, *inputs), inputs, *columns)
    np.testing.assert_array_equal(found, expected)


def test_a_maximum_over_an_axis_with_nan_is_nan() -> None:
    x = variable("x", (2, 3))
    (found,) = run(fn.max(x, 1), [x], [[1.0, NAN, 3.0], [1.0, 2.0, -INF]])
    np.testing.assert_array_equal(found, [NAN, 2.0])


def test_a_branch_not_taken_leaves_no_trace() -> None:
    x = variable("x", (2,))
    (found,) = run(fn.select(x > 0.0, fn.log(x), 0.0), [x], [-1.0, 1.0])
    np.testing.assert_array_equal(found, [0.0, 0.0])


def test_softmax_and_logsumexp_do_not_overflow() -> None:
    x = variable("x", (2, 3))
    at = [[1000.0, 1000.0, -1000.0], [-1e4, -1e4, -1e4]]
    total, share = run([fn.logsumexp(x, 1), fn.softmax(x, 1)], [x], at)
    np.testing.assert_allclose(total[:, 0], [1000.0 + np.log(2.0), -1e4 + np.log(3.0)])
    np.testing.assert_allclose(share, [[0.5, 0.5, 0.0], [1 / 3] * 3])


def test_no_rows_are_rows_too() -> None:
    X, W = variable("X", ("rows", 3)), variable("W", (3, 2))
    product, total, mean = run(
        [X @ W, fn.sum(X, 0), fn.mean(X)], [X, W], np.zeros((0, 3)), np.ones((3, 2))
    )
    assert product.shape == (0, 2)
    np.testing.assert_array_equal(total, np.zeros(3))
    assert np.isnan(mean)


# --- functions ---------------------------------------------------------------------------


def test_the_public_compile_gives_a_function_of_arrays() -> None:
    x, y = variable("x"), variable("y")
    function = cr.compile([x * y, x + y], [x, y], engine="reference")
    product, total = function(3, 4.0)
    assert (product, total) == (12.0, 7.0)
    assert product.dtype == np.float64
    (alone,) = cr.compile(x * y, [y, x], engine="reference", dtype="float32")(2, 5)
    assert alone.dtype == np.float32


def test_rows_may_differ_from_call_to_call() -> None:
    x = variable("x", ("rows", 2))
    function = cr.compile(fn.mean(x, 0), [x], engine="reference")
    for rows in (1, 5, 2):
        np.testing.assert_array_equal(function(np.ones((rows, 2)))[0], [1.0, 1.0])


def test_outputs_are_fresh_and_writable() -> None:
    x = variable("x", (2, 3))
    given_values = np.ones((2, 3))
    outputs = [x, fn.transpose(x), fn.reshape(x, (6,)), x, fn.broadcast_to(fn.sum(x), (4,))]
    found = run(outputs, [x], given_values)
    for each in found:
        each[...] = 7.0
        assert (given_values == 1.0).all()
    assert not np.shares_memory(found[0], found[3])


def test_evaluation_leaves_the_error_state_of_numpy_alone() -> None:
    x = variable("x")
    before = np.geterr()
    for node, _ in evaluate([1.0 / x, fn.log(x)], {x: 0.0}):
        assert np.geterr() == before
        if node.operation == "reciprocal":
            break
    assert np.geterr() == before
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(1) / np.zeros(1)


def test_every_value_comes_in_order_and_the_walk_can_stop_at_the_first_bad_one() -> None:
    x, y = variable("x"), variable("y")
    bad = fn.log(x)
    outputs = [fn.exp(y) * bad]
    values = evaluate(outputs, {x: -1.0, y: 2.0})
    first = next(node for node, value in values if not np.isfinite(value).all())
    assert first is bad


def test_draws_depend_on_seed_and_step() -> None:
    function = cr.compile(fn.uniform((4,), 0), [], engine="reference")
    draws = {function(seed=seed, step=step)[0].tobytes() for seed in (0, 1) for step in (0, 1)}
    assert len(draws) == 4
    np.testing.assert_array_equal(function(seed=1, step=1), function(seed=1, step=1))


def test_a_scan_evaluates_the_constants_of_its_body_in_the_compiled_precision() -> None:
    v = variable("v", (3,))
    (out,) = scan(lambda c, s: ([c[0] * 0.1 + s[0]], [c[0] < 0.1]), [constant(0.1)], [v])
    (found,) = run(out, [v], [1.0, 2.0, 3.0], dtype="float32")
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, [False, False, False])


# --- what is refused ---------------------------------------------------------------------

X, y, n = variable("X", ("rows", 3)), variable("y", ("rows",)), variable("n", (2,), "int")


@pytest.mark.parametrize(
    "values, message",
    [
        ((np.ones((2, 3)),), "has 3 inputs, but 1 values"),
        ((np.ones((2, 3)), [1, 2], [1, 2], 4), "has 3 inputs, but 4 values"),
        (
            (np.ones((2, 4)), [1, 2], [1, 2]),
            r"'X' needs shape \(rows, 3\) with rows = 2, but \(2, 4",
        ),
        (
            (np.ones((2, 3)), [1, 2, 3], [1, 2]),
            r"'y' needs shape \(rows,\) with rows = 2, but \(3,",
        ),
        ((np.ones(3), [1, 2, 3], [1, 2]), r"'X' needs shape \(rows, 3\), but \(3,\) is given"),
        ((np.ones((2, 3)), 1.0, [1, 2]), r"'y' needs shape \(rows,\) with rows = 2, but \(\) is"),
        ((np.ones((2, 3)), [1, 2], [1]), r"'n' needs shape \(2,\)"),
        ((np.ones((2, 3)), [1, 2], [1.0, 2.0]), "'n' is of kind 'int', but got float64"),
        ((np.ones((2, 3)), [1, 2], [True, 1.5]), "'n' is of kind 'int', but got float64"),
        ((np.ones((2, 3)) * 1j, [1, 2], [1, 2]), "'X' is of kind 'float', but got complex128"),
        ((np.ones((2, 3)), ["a", "b"], [1, 2]), "'y' is of kind 'float', but got <U1"),
    ],
)
def test_values_that_do_not_fit_are_named(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        run([fn.sum(X), fn.sum(y), n], [X, y, n], *values)


def test_truth_values_and_whole_numbers_pass_for_numbers() -> None:
    (found,) = run(y * 2.0, [y], [True, False])
    np.testing.assert_array_equal(found, [2.0, 0.0])
    mask = variable("mask", (2,), "bool")
    with pytest.raises(GraphError, match="'mask' is of kind 'bool', but got int64"):
        run(mask, [mask], [0, 1])


def test_sizes_are_read_off_all_arguments() -> None:
    pairs = variable("pairs", (Size(2, ("rows",)), "time"))
    sizes = bind_sizes([pairs, y], [np.ones((6, 5)), np.ones(3)])
    assert sizes == {"rows": 3, "time": 5}
    with pytest.raises(ShapeError, match=r"'pairs' needs shape \(2·rows, time\) with .*rows = 4"):
        bind_sizes([pairs, y], [np.ones((6, 5)), np.ones(4)])


@pytest.mark.parametrize(
    "outputs, inputs, message",
    [
        ([X], [y], "The variable 'X' is not among the inputs"),
        ([X * 2.0], [X, X * 3.0], "An input must be a variable"),
        ([fn.uniform(("rows",), 0)], [], "'rows' of <Node uniform.*cannot be read off the inputs"),
        ([fn.size(Size(3, ("time",)))], [X], "'time' of <Node size"),
        ([], [variable("v", (Size(2, ("rows",)),))], "'rows' of <Node v"),
    ],
)
def test_programs_that_cannot_run_are_refused(
    outputs: list[Node], inputs: list[Node], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        ReferenceEngine().compile(Program(tuple(inputs), tuple(outputs)), "float64")


@pytest.mark.parametrize("index", [-1, 4, 100])
def test_an_index_outside_is_refused_not_wrapped(index: int) -> None:
    v, i = variable("v", (4,)), variable("i", (2,), "int")
    for node in (fn.take(v, i), fn.scatter_add(variable("w", (2,)), i, 4)):
        inputs = [node.inputs[0], i]
        with pytest.raises(ShapeError, match=f"no row {index} among 4 rows"):
            run(node, inputs, np.ones(node.inputs[0].shape), [0, index])


def test_a_slice_longer_than_the_rows_is_refused() -> None:
    first, last = fn.slice_axes(X, [(0, 2), None]), fn.slice_axes(X, [(-2, None), None])
    for node in (first, last):
        assert run(node, [X], np.ones((2, 3)))[0].shape == (2, 3)
        with pytest.raises(ShapeError, match=r"\(1, 3\) is too short for <Node slice"):
            run(node, [X], np.ones((1, 3)))


def test_evaluating_names_a_variable_without_a_value() -> None:
    with pytest.raises(GraphError, match="'y' is not among the inputs"):
        evaluate([X, y], {X: np.ones((1, 3))})


def test_unknown_engines_and_precisions_are_refused() -> None:
    with pytest.raises(GraphError, match="no engine 'numpy'; there are native and reference"):
        get_engine("numpy")
    with pytest.raises(GraphError, match="float32 or float64, not in float16"):
        cr.compile(X, [X], engine="reference", dtype="float16")  # type: ignore[arg-type]
