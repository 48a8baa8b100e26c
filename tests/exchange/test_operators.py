"""Each operation means in ONNX what the reference engine says that it means.

Over the table of cases and over random graphs, in both precisions, as onnxruntime computes it.
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
from chainrule.engines.base import FloatType
from chainrule.errors import GraphError
from chainrule.exchange.onnx_model import Exported, Value, onnx_model
from chainrule.exchange.operators import OPERATORS, REFUSED
from chainrule.graph.node import Node, make, variable
from chainrule.graph.operations import OPERATIONS
from tests.helpers.onnx_models import run_model, run_reference
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import (
    RandomGraph,
    continuous_graphs,
    looping_graphs,
)

Array = np.ndarray[Any, Any]

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
EXAMPLES = settings().max_examples // 4  # each is loaded by onnxruntime
EXPRESSED = [case for case in CASES if case.operation not in REFUSED]

precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def both(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    point: Sequence[Array],
    dtype: FloatType,
    run: Any = run_model,
) -> tuple[list[Array], list[Array]]:
    """What a runtime gives, onnxruntime by default, and what the reference engine gives."""
    named = {f"output_{k}": Value(each) for k, each in enumerate(outputs)}
    model = onnx_model(Exported(tuple(inputs), {}, named), dtype, "graph")
    values = [
        np.asarray(value, dtype if each.kind == "float" else None)
        for each, value in zip(inputs, point, strict=True)
    ]
    names = [str(each.name) for each in inputs]
    found = run(model, dict(zip(names, values, strict=True)))
    reference = cr.compile(outputs, inputs, engine="reference", dtype=dtype)
    return list(found.values()), reference(*values)


def assert_agree(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    point: Sequence[Array],
    dtype: FloatType,
    run: Any = run_model,
) -> None:
    tolerance = TOLERANCE[dtype]
    for one, other in zip(*both(outputs, inputs, point, dtype, run), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        # Relative to the largest: where terms cancel, the small ones are rounding.
        finite = np.abs(other[np.isfinite(other)])
        scale = max(1.0, float(finite.max(initial=0.0)))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


def test_every_operation_is_expressed_or_refused_with_a_reason() -> None:
    # Variables are given, and loops are the walk's own.
    walked = {"variable", "scan"}
    assert OPERATORS.keys() | REFUSED.keys() | walked == OPERATIONS.keys()
    assert not OPERATORS.keys() & (REFUSED.keys() | walked)
    assert {case.operation for case in CASES} == OPERATIONS.keys()


@precisions
@pytest.mark.parametrize("case", EXPRESSED, ids=str)
def test_an_operation_agrees_with_the_reference_engine(
    case: OperationCase, dtype: FloatType
) -> None:
    inputs, output = case.graph()
    for rows in (1, 3):
        assert_agree([output], inputs, case.values(rows), dtype)


# Of Scan, onnx's own interpreter knows the forward direction only.
@pytest.mark.parametrize("case", [c for c in EXPRESSED if "backward" not in c.label], ids=str)
def test_it_is_what_onnx_itself_says_that_its_operators_mean(case: OperationCase) -> None:
    inputs, output = case.graph()
    assert_agree([output], inputs, case.values(), "float64", run_reference)


@pytest.mark.parametrize("label", ["rows kept", "rows merged", "vector to rows", "columns"])
def test_an_operation_agrees_where_there_are_no_rows(label: str) -> None:
    for case in (each for each in EXPRESSED if each.label == label):
        inputs, output = case.graph()
        assert_agree([output], inputs, case.values(rows=0), "float64")


@precisions
@pytest.mark.parametrize(
    "operation",
    [name for name, each in OPERATIONS.items() if each.family == "elementwise" and each.arity == 1],
)
def test_special_and_extreme_numbers_agree(operation: str, dtype: FloatType) -> None:
    x = variable("x", ("rows",))
    tiny, huge = float(np.finfo(dtype).smallest_normal), float(np.finfo(dtype).max)
    values = np.array([0.0, 1.0, 1e-6, tiny, 0.4, 3.0, 9.5, 30.0, 95.0, huge, np.inf, np.nan])
    assert_agree([make(operation, x)], [x], [np.concatenate([values, -values])], dtype)


@pytest.mark.parametrize("function", [fn.log1p, fn.expm1, fn.softplus])
def test_small_results_keep_their_digits_where_onnx_has_no_operator(function: Any) -> None:
    x = variable("x", ("rows",))
    values = -np.logspace(1, 3) if function is fn.softplus else np.logspace(-30, -1)
    (found,), (expected,) = both([function(x)], [x], [values], "float64")
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@precisions
@pytest.mark.parametrize(
    "operation",
    [name for name, each in OPERATIONS.items() if each.family == "elementwise" and each.arity == 2],
)
def test_pairs_of_special_numbers_agree(operation: str, dtype: FloatType) -> None:
    x, y = variable("x", ("rows", 1)), variable("y", ("rows",))
    values = np.array([0.0, 1.0, -1.0, 2.0, -2.5, 1e30, -1e30, np.inf, -np.inf, np.nan])
    assert_agree([make(operation, x, y)], [x, y], [values[:, np.newaxis], values], dtype)


@pytest.mark.parametrize("operation", ["less", "less_equal", "equal"])
def test_truth_values_are_compared(operation: str) -> None:
    x, y = variable("x", ("rows",), "bool"), variable("y", ("rows",), "bool")
    point = [np.array([True, True, False, False]), np.array([True, False, True, False])]
    assert_agree([make(operation, x, y)], [x, y], point, "float32")


def test_truth_values_are_selected_and_padded() -> None:
    x, y = variable("x", ("rows", 2), "bool"), variable("y", (2,), "bool")
    chosen = fn.select(x, y, fn.less(1.0, fn.convert(x)))
    padded = fn.pad(x, ("rows", 4), [None, (1, 3)])
    point = [np.array([[True, False], [False, False]]), np.array([False, True])]
    assert_agree([chosen, padded], [x, y], point, "float64")


def test_a_sum_or_maximum_over_no_axes_is_the_value_itself() -> None:
    x = variable("x", ("rows", 2))
    outputs = [make("sum", x, axes=()), make("max", x, axes=())]
    assert_agree(outputs, [x], [np.ones((3, 2))], "float64")


def test_an_output_may_be_an_input_and_be_given_twice() -> None:
    x = variable("x", ("rows",))
    assert_agree([x, x, fn.stop_gradient(x)], [x], [np.arange(3.0)], "float64")


@settings(max_examples=EXAMPLES)
@given(continuous_graphs(), st.sampled_from(["float32", "float64"]))
def test_random_graphs_agree(graph: RandomGraph, dtype: FloatType) -> None:
    assert_agree([graph.output], graph.inputs, graph.values(4), dtype)


@settings(max_examples=EXAMPLES)
@given(looping_graphs())
def test_loops_and_their_gradients_agree(graph: RandomGraph) -> None:
    loss = fn.mean(fn.square(graph.output))
    outputs = [graph.output, loss, *gradient(loss, graph.inputs)]
    assert_agree(outputs, graph.inputs, graph.values(3), "float64")


# --- what cannot be expressed --------------------------------------------------------------


def test_a_random_draw_is_refused_by_name_and_with_the_reason() -> None:
    x = variable("x", ("rows", 3))
    noisy = x + fn.uniform(x.shape, stream=0).named("noise")
    with pytest.raises(GraphError, match=r"'uniform', which computes 'noise', .*random draws"):
        onnx_model(Exported((x,), {}, {"y": Value(noisy)}), "float32", "graph")


def test_a_variable_that_is_not_given_is_named() -> None:
    x, w = variable("x", ("rows", 3)), variable("w", (3, 1))
    with pytest.raises(GraphError, match="'w' has no value"):
        onnx_model(Exported((x,), {}, {"y": Value(x @ w)}), "float32", "graph")
