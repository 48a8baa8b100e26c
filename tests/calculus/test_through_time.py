"""Back-propagation through time: right, a loop itself, and without doing anything twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.reference import evaluate
from chainrule.graph.checker import check_graph
from chainrule.graph.loop import Loop, scan
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order
from tests.helpers.derivatives import check_derivatives

ROWS, SIZE = 2, 3
X = variable("X", (4, "rows", SIZE))
h = variable("h", ("rows", SIZE))
W = variable("W", (SIZE, SIZE))
b = variable("b", (SIZE,))
s = variable("s")
v = variable("v", (5,))


def point(*nodes: Node) -> dict[Node, Any]:
    rng = np.random.default_rng(0)
    sizes = {"rows": ROWS}
    return {
        node: 0.5 * rng.normal(size=[sizes.get(str(each), each) for each in node.shape])
        for node in nodes
    }


def recurrent(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
    new = fn.tanh(slices[0] + carries[0] @ W + b)
    return [new], [new]


def loops(outputs: Sequence[Node]) -> Iterator[Loop]:
    """The different loops that a graph runs."""
    found = dict.fromkeys(
        (node.attributes["loop"], node.inputs)
        for node in topological_order(outputs)
        if node.operation == "scan"
    )
    return (loop for loop, _ in found)


def inside(loop: Loop, outputs: Sequence[Node] = ()) -> list[str]:
    return [node.operation for node in topological_order([*loop.updates, *outputs])]


# --- right -------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "read",
    [
        lambda states: states,
        lambda states: fn.slice_axes(states, [(3, 4), None, None]),
        lambda states: fn.slice_axes(states, [(0, 1), None, None]),
        lambda states: fn.mean(states, 0),
        lambda states: states * fn.transpose(fn.transpose(states)),
        lambda states: fn.exp(states) + fn.sum(states),
    ],
)
def test_any_use_of_the_states_has_right_derivatives(
    read: Callable[[Node], Node], reverse: bool
) -> None:
    (states,) = scan(recurrent, [h], [X], reverse=reverse)
    check_derivatives(read(states), point(X, h, W, b))


def test_two_layers_one_on_the_other() -> None:
    (lower,) = scan(recurrent, [h], [X])
    (upper,) = scan(recurrent, [h], [lower], reverse=True)
    check_derivatives(fn.sum(upper, 0), point(X, h, W, b))


def test_both_directions_side_by_side() -> None:
    (forward,) = scan(recurrent, [h], [X])
    (backward,) = scan(recurrent, [h], [X], reverse=True)
    check_derivatives(fn.concatenate([forward, backward], 2), point(X, h, W, b), order=1)


def test_several_outputs_of_one_loop_used_apart() -> None:
    def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        one, two = carries
        first, second = fn.sin(two) + slices[0], one * s
        return [first, second], [first, second, first * second, one]

    a, c, d, e = scan(body, [s, variable("t")], [v])
    check_derivatives(fn.sum(a) * fn.sum(c) + fn.sum(d * e), point(v, s, variable("t")))


def test_a_carried_value_that_nothing_reads_has_gradient_zero() -> None:
    t = variable("t")
    (out,) = scan(lambda c, x: ([c[0] * x[0], c[1] + 1.0], [c[0]]), [s, t], [v])
    slope_s, slope_t = gradient(fn.sum(out), [s, t])
    assert dict(evaluate([slope_t], point(v, s, t)))[slope_t] == 0.0
    check_derivatives(out, point(v, s, t))
    assert slope_s is not slope_t


def test_a_loop_that_nothing_wanted_enters_is_not_differentiated() -> None:
    (out,) = scan(lambda c, x: ([c[0] * x[0]], [c[0]]), [s], [v])
    t = variable("t")
    (slope,) = gradient(fn.sum(out) * t, [t])
    assert all(not loop.reverse for loop in loops([slope]))


def test_a_constant_of_the_loop_used_at_every_step_and_outside() -> None:
    scale = fn.exp(s)
    (out,) = scan(lambda c, x: ([c[0] + scale * x[0]], [c[0] * scale]), [scale], [scale * v])
    check_derivatives(scale * fn.sum(out), point(s, v))


def test_an_output_that_is_an_input_of_the_step() -> None:
    t = variable("t")
    before, slices, same = scan(lambda c, x: ([c[0] * t], [c[0], x[0], t]), [s], [v])
    check_derivatives(fn.sum(before * slices) * fn.sum(same), point(s, v, t))


def test_one_step_is_a_loop_too() -> None:
    one = variable("one", (1,))
    (out,) = scan(lambda c, x: ([fn.sin(c[0] * x[0])], [fn.sin(c[0] * x[0])]), [s], [one])
    check_derivatives(out, point(s, one))


def test_symbolic_time() -> None:
    series = variable("series", ("rows",))
    (out,) = scan(lambda c, x: ([fn.tanh(c[0] * s + x[0])], [c[0]]), [s], [series])
    check_derivatives(fn.mean(out), point(s, series))


def test_a_scan_in_a_scan() -> None:
    matrix = variable("matrix", (3, 4))

    def outer(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        (row,) = scan(
            lambda c, x: ([fn.sin(c[0]) + x[0] * s], [c[0] * carries[0]]), [carries[0]], [slices[0]]
        )
        return [fn.mean(row)], [fn.sum(row)]

    (sums,) = scan(outer, [s], [matrix])
    check_derivatives(sums, point(matrix, s))


def test_whole_numbers_and_truth_values_may_be_carried() -> None:
    places = variable("places", (5,), "int")
    place, switch = variable("place", (), "int"), variable("switch", (), "bool")

    def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        total, last, on = carries
        read = fn.take(v, last)
        new = fn.select(on, total * read, total + fn.sin(read))
        return [new, slices[0], fn.less(new, 0.2)], [new]

    (out,) = scan(body, [s, place, switch], [places])
    at = {**point(s, v), places: [4, 0, 2, 2, 1], place: 3, switch: True}
    check_derivatives(out, at)


def test_draws_outside_a_loop_are_the_same_in_the_gradient() -> None:
    keep = fn.convert(fn.uniform((4, "rows", SIZE), stream=0) < 0.6)
    (states,) = scan(recurrent, [h], [X * keep])
    check_derivatives(states, point(X, h, W, b))


# --- economical --------------------------------------------------------------------------


def test_the_gradient_of_weights_leaves_the_loop_as_one_product() -> None:
    (states,) = scan(recurrent, [h], [X])
    slopes = gradient(fn.sum(states), [W, b, X, h])
    check_graph(slopes, inputs={X, h, W, b})
    assert slopes[0].operation == "matmul"
    assert str(slopes[0].inputs[0].shape[1]) == "4·rows"
    backward = [loop for loop in loops(slopes) if loop.reverse]
    assert len(backward) == 1
    # One product a step: the gradient flowing to the step before.
    assert inside(backward[0]).count("matmul") == 1


def test_the_backward_loop_reads_what_the_forward_loop_computed() -> None:
    (states,) = scan(recurrent, [h], [X])
    slopes = gradient(fn.sum(states), [W, b, X, h])
    (backward,) = [loop for loop in loops(slopes) if loop.reverse]
    assert "tanh" not in inside(backward)
    assert len(list(loops(slopes))) == 2


def test_a_loop_that_runs_backward_has_a_gradient_that_runs_forward() -> None:
    (states,) = scan(recurrent, [h], [X], reverse=True)
    slopes = gradient(fn.sum(fn.square(states)), [W])
    assert sorted(loop.reverse for loop in loops(slopes)) == [False, True]


def test_several_outputs_share_one_backward_loop() -> None:
    def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        new = fn.tanh(carries[0] @ W + slices[0])
        return [new], [new, fn.square(new), carries[0]]

    a, c, d = scan(body, [h], [X])
    slopes = gradient(fn.sum(a) + fn.sum(c * d), [W, h, X])
    assert sum(loop.reverse for loop in loops(slopes)) == 1


def test_a_sum_over_rows_for_a_bias_leaves_the_loop() -> None:
    (states,) = scan(recurrent, [h], [X])
    slopes = gradient(fn.sum(fn.square(states)), [b])
    (backward,) = [loop for loop in loops(slopes) if loop.reverse]
    outputs = [
        node.attributes["output"]
        for node in topological_order(slopes)
        if node.operation == "scan" and node.attributes["loop"] is backward
    ]
    assert "sum" not in inside(backward, outputs)
    assert slopes[0].shape == b.shape


def test_nothing_flows_through_a_loop_of_no_steps() -> None:
    nothing = variable("nothing", (0, "rows", SIZE))
    (states,) = scan(recurrent, [h], [nothing])
    slopes = gradient(fn.sum(states) + fn.sum(h), [W, h, nothing])
    values = dict(evaluate(slopes, point(W, h, b, nothing)))
    expected = [np.zeros((SIZE, SIZE)), np.ones((ROWS, SIZE)), np.zeros((0, ROWS, SIZE))]
    for slope, right in zip(slopes, expected, strict=True):
        np.testing.assert_array_equal(values[slope], right, strict=True)
