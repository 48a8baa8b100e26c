"""A scan closes its body, hoists what does not depend on the loop, and refuses what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import chainrule.graph.functions as fn
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.checker import check_graph
from chainrule.graph.loop import Loop, close_body, scan, stack_output
from chainrule.graph.node import Node, private_variable, variable
from chainrule.graph.shape import as_shape
from chainrule.graph.traversal import topological_order, variables

sequence = variable("sequence", (5, "rows", 3))
state = variable("state", ("rows", 3))
weights = variable("weights", (3, 3))
number = variable("number")


def recurrent(carries: Any, slices: Any) -> Any:
    new = fn.tanh(carries[0] @ weights + slices[0])
    return [new], [new, fn.sum(new, 1)]


def loop_of(node: Node) -> Loop:
    loop = node.attributes["loop"]
    assert isinstance(loop, Loop)
    return loop


def test_outputs_are_stacked_along_a_new_first_axis() -> None:
    states, sums = scan(recurrent, [state], [sequence])
    assert states.shape == as_shape((5, "rows", 3))
    assert sums.shape == as_shape((5, "rows"))
    assert states.inputs == sums.inputs == (state, sequence, weights)
    assert loop_of(states) is loop_of(sums)
    check_graph([states, sums], inputs={state, sequence, weights})


def test_variables_of_the_body_bear_the_names_of_what_they_stand_for() -> None:
    (states, _) = scan(recurrent, [state], [sequence])
    assert [each.name for each in loop_of(states).variables] == ["state", "sequence", "weights"]
    assert [each.shape for each in loop_of(states).sequences] == [state.shape]


def test_the_length_may_be_symbolic() -> None:
    x = variable("x", ("time", 2))
    (out,) = scan(lambda c, s: ([], [2 * s[0]]), [], [x])
    assert out.shape == x.shape


def test_what_does_not_depend_on_the_loop_is_computed_outside() -> None:
    heavy = fn.exp(weights)

    def body(carries: Any, slices: Any) -> Any:
        new = carries[0] @ (heavy @ heavy) + slices[0] * fn.sin(number)
        return [new], [new]

    (states,) = scan(body, [state], [sequence])
    assert set(states.inputs[2:]) == {heavy @ heavy, fn.sin(number)}
    inside = {node.operation for node in topological_order(loop_of(states).updates)}
    assert inside == {"variable", "matmul", "multiply", "add"}


def test_constants_stay_inside_and_unused_captures_are_dropped() -> None:
    (out,) = scan(lambda c, s: ([c[0]], [2.0 * s[0]]), [number], [sequence])
    assert out.inputs == (number, sequence)
    closed, captured = close_body([number * 0.5, number], [])
    values = dict(captured)
    assert [values[each] for each in closed] == [number * 0.5, number]
    assert len(values) == 2


def test_a_random_draw_in_a_body_is_made_once_outside() -> None:
    mask = fn.uniform(("rows", 3), 0)
    (out,) = scan(lambda c, s: ([], [s[0] * mask]), [], [sequence])
    assert mask in out.inputs


def test_closing_a_body_keeps_its_names() -> None:
    inner = private_variable("h", (), "float")
    named = (inner * number).named("product")
    (closed,), [(captured, outer)] = close_body([named], [inner])
    assert closed.name == "product"
    assert (captured.name, outer) == ("number", number)
    assert closed.inputs == (inner, captured)


def test_the_same_body_twice_is_two_loops_that_print_alike() -> None:
    first, second = (scan(recurrent, [state], [sequence])[0] for _ in range(2))
    assert first is not second
    assert loop_of(first) != loop_of(second)


def test_another_output_of_a_loop_shares_it() -> None:
    states, _ = scan(recurrent, [state], [sequence])
    loop = loop_of(states)
    slopes = stack_output(loop, loop.updates[0].inputs[0], states.inputs)
    assert loop_of(slopes) is loop
    assert slopes.shape == states.shape


def test_a_scan_in_a_scan_captures_through_both() -> None:
    def outer(carries: Any, slices: Any) -> Any:
        (row,) = scan(lambda c, s: ([c[0] + s[0]], [c[0] * number]), [carries[0]], [slices[0]])
        return [fn.sum(row)], [row]

    matrix = variable("matrix", (4, 6))
    (rows,) = scan(outer, [number], [matrix])
    assert rows.shape == (4, 6)
    assert rows.inputs == (number, matrix, number)
    assert variables([rows]) == [number, matrix]
    check_graph([rows], inputs={number, matrix})


def _keep(carries: Any, slices: Any) -> Any:
    return carries, slices


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: scan(_keep, [number], []), "A scan without sequences needs its length"),
        (lambda: scan(_keep, [], [number]), "needs time as its first axis.*number"),
        (lambda: scan(_keep, [], [sequence], length=4), "length 4 was given sequences of length 5"),
        (lambda: scan(lambda c, s: ([], []), [number], [sequence]), "carries 1 .* returns 0"),
        (
            lambda: scan(lambda c, s: ([s[0]], [s[0]]), [number], [sequence]),
            r"'number' starts as float\(\) and becomes float\(rows, 3\)",
        ),
        (
            lambda: scan(lambda c, s: ([c[0] < 1.0], s), [number], [sequence]),
            r"starts as float\(\) and becomes bool\(\)",
        ),
        (
            lambda: scan(_keep, [], [sequence, variable("other", (4, 2))]),
            r"'other' needs float\(5, 2\), but float\(4, 2\) is given",
        ),
    ],
)
def test_a_scan_that_cannot_be_is_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build()


def test_a_scan_checks_its_inputs_against_its_loop() -> None:
    states, _ = scan(recurrent, [state], [sequence])
    loop = loop_of(states)
    with pytest.raises(GraphError, match="3 variables, but 2 inputs"):
        stack_output(loop, loop.updates[0], (state, sequence))
    with pytest.raises(ShapeError, match=r"'sequence' needs float\(5, rows, 3\), but float\(rows"):
        stack_output(loop, loop.updates[0], (state, state, weights))
