"""Narrowed to one number, a graph has the value and the derivative of the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.calculus.reverse import gradient
from chainrule.engines.reference import evaluate
from chainrule.explain.narrowed import Narrowed
from chainrule.explain.narrowing import narrow
from chainrule.explain.unrolling import unrolled
from chainrule.graph import functions as fn
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order
from chainrule.networks.activations import ACTIVATIONS
from chainrule.networks.losses import classification_loss, regression_loss
from chainrule.networks.mlp import MLP

Values = dict[Node, np.ndarray]


def network(
    sizes: tuple[int, ...], activation: str, softmax: bool, seed: int
) -> tuple[Node, Values, Node, Node]:
    """A loss of one row, the values of its variables, the row and its target."""
    loss = classification_loss("log_loss", True) if softmax else regression_loss("squared_error")
    mlp = MLP(sizes, activation, loss.output_activation)
    row, target = variable("x", (1, sizes[0])), variable("y", (1, sizes[-1]))
    squares = fn.sum(fn.square(mlp.weights[0]))
    output = (fn.sum(loss.per_row(target, mlp.raw_output(row))) + 0.01 * squares).named("loss")
    draw = np.random.default_rng(seed)
    leaves = [row, target, *mlp.parameters]
    values = {leaf: draw.normal(size=tuple(map(int, leaf.shape))) for leaf in leaves}
    if softmax:
        values[target] = np.eye(sizes[-1])[[0]]
    return output, values, row, target


def derivative(narrowed: Narrowed) -> tuple[float, float]:
    (bar,) = gradient(narrowed.output, [narrowed.target])
    values = dict(evaluate([narrowed.output, bar], narrowed.given))
    return float(values[narrowed.output]), float(values[bar])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    softmax=st.booleans(),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_every_entry_has_the_derivative_of_the_whole_network(
    sizes: tuple[int, ...], activation: str, softmax: bool, seed: int, data: st.DataObject
) -> None:
    output, values, row, target = network(sizes, activation, softmax, seed)
    leaf = data.draw(st.sampled_from([each for each in values if each is not target]))
    index = tuple(data.draw(st.integers(0, int(size) - 1)) for size in leaf.shape)
    (bar,) = gradient(output, [leaf])
    whole = dict(evaluate([output, bar], values))
    value, slope = derivative(narrow(output, leaf, index, values, (row, target)))
    assert value == pytest.approx(float(whole[output]), rel=1e-12, abs=1e-12)
    assert slope == pytest.approx(float(whole[bar][index]), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", ["h1_in", "h1_out", "h2_in", "h2_out", "output_in", "output"])
def test_a_unit_has_the_gradient_that_flows_back_into_it(name: str) -> None:
    softmax = name == "output_in"
    output, values, row, target = network((4, 6, 5, 3), "tanh", softmax, 0)
    nodes = {node.name: node for node, _ in evaluate([output], values)}
    node = nodes[name]
    (bar,) = gradient(output, [node])
    whole = dict(evaluate([bar], values))[bar]
    for unit in range(int(node.shape[1])):  # type: ignore[call-overload]
        _, slope = derivative(narrow(output, node, (0, unit), values, (row, target)))
        assert slope == pytest.approx(float(whole[0, unit]), rel=1e-10)


def test_what_is_not_on_the_path_is_one_number() -> None:
    output, values, row, target = network((40, 30, 1), "relu", False, 1)
    leaf = next(each for each in values if each.name == "W1")
    narrowed = narrow(output, leaf, (3, 7), values, (row, target))
    sizes = [math.prod(np.shape(value)) for value in narrowed.given.values()]
    assert max(sizes) == 1
    assert narrowed.n_computed > 100 > narrowed.n_kept
    named = {each.name: note for each, note in narrowed.notes.items()}
    assert named["rest1"] == "Σ x[k]·W1[k, 7] over the other 39 k"


def test_entries_have_the_names_of_their_arrays() -> None:
    output, values, row, target = network((4, 3, 1), "tanh", False, 0)
    leaf = next(each for each in values if each.name == "W1")
    narrowed = narrow(output, leaf, (2, 1), values, (row, target))
    assert narrowed.target.name == "W1[2, 1]"
    names = {node.name for node, _ in evaluate([narrowed.output], narrowed.given) if node.name}
    assert {"W1[2, 1]", "x[2]", "b1[1]", "h1_in[1]", "h1_out[1]", "W2[1, 0]", "output"} <= names
    assert "y" in names, "a target of one number needs no place"


def test_where_no_gradient_flows_the_output_is_given() -> None:
    x, w = variable("x", (1, 2)), variable("w", (2, 1))
    output = fn.sum(cr.stop_gradient(x @ w))
    values = {x: np.ones((1, 2)), w: np.ones((2, 1))}
    narrowed = narrow(output, w, (1, 0), values)
    assert derivative(narrowed) == (2.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_moved_and_reduced_entries_are_followed(seed: int) -> None:
    draw = np.random.default_rng(seed)
    a, b = variable("a", (2, 3)), variable("b", (3,))
    moved = fn.slice_axes(fn.transpose(a), [(1, None), None])
    joined = fn.concatenate([moved, fn.slice_axes(fn.reshape(b, (3, 1)), [(0, 2), None])], 1)
    padded = fn.pad(joined, (4, 3), [(1, 3), None])
    parts = [cr.exp(joined), fn.slice_axes(padded, [(1, 3), None]), -joined]
    output = fn.sum(fn.max(sum(parts[1:], start=parts[0]) * 0.3, 1))
    values = {a: draw.normal(size=(2, 3)), b: draw.normal(size=3)}
    for leaf in (a, b):
        (bar,) = gradient(output, [leaf])
        whole = dict(evaluate([bar], values))[bar]
        for index in np.ndindex(whole.shape):
            _, slope = derivative(narrow(output, leaf, index, values))
            assert slope == pytest.approx(float(whole[index]), rel=1e-10, abs=1e-12)


def test_a_named_movement_of_the_entry_keeps_its_name() -> None:
    x = variable("x", (1, 4))
    output = fn.sum(cr.square(fn.reshape(x, (2, 2)).named("image")))
    narrowed = narrow(output, x, (0, 1), {x: np.array([[1.0, 2.0, 3.0, 4.0]])})
    assert derivative(narrowed) == (30.0, 4.0)


def test_a_condition_on_the_entry_is_held() -> None:
    c, P = variable("c", (1, 1)), variable("P", (1, 6))
    output = fn.sum(cr.select(c < 0.5, P * c, cr.square(P) * c))
    values = {c: np.array([[0.3]]), P: np.arange(6.0)[None]}
    (bar,) = gradient(output, [c])
    assert derivative(narrow(output, c, (0, 0), values))[1] == pytest.approx(
        float(dict(evaluate([bar], values))[bar][0, 0])
    )


def test_ties_of_a_largest_entry_share_the_gradient() -> None:
    x = variable("x", (5,))
    output = fn.max(cr.square(x))
    values = {x: np.array([2.0, 2.0, 2.0, 1.0, 0.0])}
    assert derivative(narrow(output, x, (0,), values))[1] == pytest.approx(4 / 3)


def test_an_entry_of_a_sequence_of_a_loop_is_followed() -> None:
    x, w = variable("x", (4, 1, 2)), variable("w")

    def body(carried: list[Node], slices: list[Node]) -> tuple[list[Node], list[Node]]:
        state = cr.tanh(w * carried[0] + slices[0])
        return [state], [state]

    (states,) = cr.scan(body, [variable("start", (1, 2))], [x])
    output = unrolled(fn.sum(cr.square(states)))
    start = next(node for node in topological_order([output]) if node.name == "start")
    values = {x: np.arange(8.0).reshape(4, 1, 2) / 9, w: np.array(0.7), start: np.ones((1, 2))}
    (bar,) = gradient(output, [x])
    whole = dict(evaluate([bar], values))[bar]
    for index in np.ndindex(4, 1, 2):
        assert derivative(narrow(output, x, index, values))[1] == pytest.approx(whole[index])


def test_a_few_numbers_of_a_row_are_each_times_their_row_of_a_matrix() -> None:
    x, W = variable("x", (1, 3)), variable("W", (3, 2))
    V = variable("V", (2, 9))
    code = cr.tanh(x @ W).named("code")
    output = fn.sum(cr.tanh(code @ V))
    values = {x: np.array([[0.3, -0.2, 0.5]]), W: np.ones((3, 2)), V: np.arange(18.0).reshape(2, 9)}
    narrowed = narrow(output, x, (0, 1), values, (x,))
    (bar,) = gradient(output, [x])
    whole = float(dict(evaluate([bar], values))[bar][0, 1])
    assert derivative(narrowed)[1] == pytest.approx(whole)
    assert {"V[0, :]", "V[1, :]"} <= {each.name for each in narrowed.given}
    assert not any("elsewhere" in note for note in narrowed.notes.values())
