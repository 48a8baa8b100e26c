"""The reverse driver adds up all uses of a value and undoes all stretching, for every rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient, local_gradients, pull_back, unbroadcast
from chainrule.engines.reference import evaluate
from chainrule.errors import GraphError
from chainrule.graph.checker import check_graph
from chainrule.graph.node import Node, constant, private_variable, variable
from chainrule.graph.shape import as_shape, broadcast_shapes, resolve_shape
from chainrule.graph.traversal import topological_order
from tests.helpers.derivatives import check_derivatives
from tests.helpers.random_graphs import RandomGraph, smooth_graphs

x, y, z = variable("x"), variable("y"), variable("z")


def value(node: Node, values: dict[Node, Any]) -> np.ndarray[Any, Any]:
    return dict(evaluate([node], values))[node]


# --- the lecture's own examples ----------------------------------------------------------


def test_the_gradient_of_the_blackboard() -> None:
    q = (x + y).named("q")
    slopes = gradient(q * z, [x, y, z, q])
    at = {x: -2.0, y: 5.0, z: -4.0}
    assert [float(value(each, at)) for each in slopes] == [-4.0, -4.0, 3.0, -4.0]


def test_a_derivative_is_a_graph_of_the_same_nodes() -> None:
    assert gradient(x * y, [x, y]) == [y, x]
    assert gradient(fn.exp(x), [x]) == [fn.exp(x)]
    assert gradient(fn.sin(x) * y, [x]) == [y * fn.cos(x)]
    assert gradient(x + y, [x, y]) == [constant(1.0), constant(1.0)]


# --- fan-out -----------------------------------------------------------------------------


@pytest.mark.parametrize("uses", [1, 2, 3, 10])
def test_all_uses_of_a_value_are_added_up(uses: int) -> None:
    total = constant(0.0)
    for k in range(uses):
        total = total + (k + 1.0) * x
    (slope,) = gradient(total, [x])
    assert value(slope, {}) == sum(range(1, uses + 1))


def test_the_same_input_twice_counts_twice() -> None:
    assert value(gradient(x * x, [x])[0], {x: 3.0}) == 6.0
    assert value(gradient(x / x, [x])[0], {x: 3.0}) == 0.0
    matrix = variable("m", (3, 3))
    check_derivatives(fn.matmul(matrix, matrix), {matrix: np.arange(9.0).reshape(3, 3) / 9})


def test_paths_of_different_length_are_all_counted() -> None:
    a = fn.sin(x)
    b = a * x
    check_derivatives(fn.exp(b) * a + x * b, {x: 0.3})


def test_a_graph_of_many_paths_is_differentiated_in_linear_size() -> None:
    node = x
    for _ in range(60):
        node = fn.sin(node) + 0.5 * node
    (slope,) = gradient(node, [x])
    assert len(topological_order([slope])) < 60 * 10
    check_derivatives(node, {x: 0.2}, order=1)


def test_gradients_with_respect_to_values_inside_are_total() -> None:
    h = fn.tanh(x * y)
    out = h * h + x
    slope_x, slope_h = gradient(out, [x, h])
    at = {x: 0.4, y: 1.5}
    assert value(slope_h, at) == pytest.approx(2 * np.tanh(0.6))
    assert value(slope_x, at) == pytest.approx(1 + 2 * np.tanh(0.6) * 1.5 / np.cosh(0.6) ** 2)


def test_one_wanted_twice_is_given_twice() -> None:
    assert gradient(x * y, [x, y, x]) == [y, x, y]


# --- stretching --------------------------------------------------------------------------

small = st.sampled_from([1, 2, 3, "rows"])


@given(st.lists(small, max_size=3), st.lists(st.booleans(), min_size=3, max_size=3), st.data())
def test_unbroadcasting_is_the_transpose_of_broadcasting(
    full: list[int | str], ones: list[bool], data: st.DataObject
) -> None:
    shape = as_shape(full)
    dropped = data.draw(st.integers(0, len(shape)))
    small_shape = tuple(1 if one else size for one, size in zip(ones, shape, strict=False))[
        dropped:
    ]
    assert broadcast_shapes(shape, small_shape) == shape
    u = variable("u", small_shape)
    bar = variable("bar", shape)
    returned = unbroadcast(bar, small_shape)
    assert returned.shape == small_shape
    rng = np.random.default_rng(0)
    at = {
        u: rng.normal(size=resolve_shape(small_shape, {"rows": 4})),
        bar: rng.normal(size=resolve_shape(shape, {"rows": 4})),
        variable("rows", ("rows",)): np.zeros(4),
    }
    # <stretched u, bar> = <u, unbroadcast bar>
    left = value(fn.sum(fn.broadcast_to(u, shape) * bar), at)
    assert left == pytest.approx(value(fn.sum(u * returned), at))


def test_what_was_not_stretched_is_left_alone() -> None:
    bar = variable("bar", ("rows", 1))
    assert unbroadcast(bar, bar.shape) is bar


def test_stretched_inputs_get_gradients_of_their_own_shape() -> None:
    X, W, b = variable("X", ("rows", 3)), variable("W", (3, 2)), variable("b", (2,))
    loss = fn.mean(fn.square(X @ W + b))
    assert [each.shape for each in gradient(loss, [X, W, b])] == [X.shape, W.shape, b.shape]


# --- what does not flow ------------------------------------------------------------------


def test_what_the_output_does_not_depend_on_has_gradient_zero() -> None:
    v = variable("v", ("rows", 2))
    slope_y, slope_v = gradient(x * x, [y, v])
    assert slope_y is constant(0.0)
    assert slope_v.shape == v.shape
    assert (value(slope_v, {v: np.ones((3, 2))}) == 0.0).all()


def test_nothing_flows_through_a_stopped_gradient() -> None:
    stopped = fn.stop_gradient(fn.exp(x))
    assert gradient(stopped * y, [x, y]) == [constant(0.0), stopped]
    (slope,) = gradient(stopped * x, [x])
    assert slope is stopped


def test_nothing_flows_through_comparisons_conversions_and_draws() -> None:
    drawn = fn.uniform((3,), 0)
    v = variable("v", (3,))
    loss = fn.sum(fn.convert(v < drawn) + fn.sign(v))
    assert (value(gradient(loss, [v])[0], {v: np.ones(3)}) == 0.0).all()
    (slope,) = gradient(fn.sum(drawn * v), [v])
    assert slope.operation == "uniform"


def test_only_what_is_needed_is_built() -> None:
    W, X = variable("W", (3, 2)), variable("X", ("rows", 3))
    (slope,) = gradient(fn.sum(X @ W), [W])
    assert fn.transpose(W) not in topological_order([slope])


def test_the_gradient_of_an_output_by_itself_is_one() -> None:
    assert gradient(x, [x]) == [constant(1.0)]
    total = x + y
    assert gradient(total, [total]) == [constant(1.0)]
    assert gradient(constant(3.0), [x]) == [constant(0.0)]


# --- the whole ---------------------------------------------------------------------------


@given(smooth_graphs())
def test_gradients_are_well_formed_graphs_of_the_right_types(graph: RandomGraph) -> None:
    slopes = gradient(fn.sum(graph.output), graph.inputs)
    check_graph(slopes, inputs=graph.inputs)
    assert [each.type for each in slopes] == [each.type for each in graph.inputs]


@given(smooth_graphs(), smooth_graphs())
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients(
    one: RandomGraph, other: RandomGraph
) -> None:
    first, second = fn.mean(one.output), fn.mean(other.output)
    whole = gradient(2.0 * first - 3.0 * second, one.inputs)
    at = dict(zip(one.inputs, one.values(rows=3), strict=True))
    for slope, left, right in zip(
        whole, gradient(first, one.inputs), gradient(second, one.inputs), strict=True
    ):
        expected = 2.0 * value(left, at) - 3.0 * value(right, at)
        np.testing.assert_allclose(value(slope, at), expected, rtol=1e-9, atol=1e-9)


def test_third_derivatives_of_a_number() -> None:
    cube = fn.sin(x) * fn.exp(2.0 * x)
    derivative = cube
    for _ in range(3):
        (derivative,) = gradient(derivative, [x])
    at = 0.3
    expected = np.exp(2 * at) * (2 * np.sin(at) + 11 * np.cos(at))
    assert value(derivative, {x: at}) == pytest.approx(expected, rel=1e-12)


def test_pulling_back_several_outputs_at_once_adds_them_up() -> None:
    a, b = private_variable("a", (), "float"), private_variable("b", (), "float")
    (bar,) = pull_back([x * y, fn.sin(x)], [a, b], [x])
    assert bar is not None
    assert value(bar, {x: 0.5, y: 3.0, a: 2.0, b: 10.0}) == pytest.approx(6 + 10 * np.cos(0.5))
    assert pull_back([x * y], [a], [z]) == [None]


def test_the_rule_of_one_operation_can_be_asked_alone() -> None:
    bar = variable("bar")
    assert local_gradients(x * y, bar) == (bar * y, bar * x)
    assert local_gradients(x < y, bar) == (None, None)


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "output, message",
    [
        (variable("v", (3,)), r"Only a single number has a gradient, but this is float\(3,\)"),
        (variable("v", (1, 1)), r"this is float\(1, 1\): reduce it with sum"),
        (x < y, r"this is bool\(\)"),
    ],
)
def test_only_a_single_number_has_a_gradient(output: Node, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        gradient(output, [x])


@pytest.mark.parametrize("fixed", [constant(2.0), variable("n", (), "int"), x < y])
def test_there_is_no_derivative_by_what_cannot_vary(fixed: Node) -> None:
    with pytest.raises(GraphError, match="cannot vary smoothly"):
        gradient(x**2, [x, fixed])
