"""The checker accepts what the builders make, and catches planted faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

import chainrule.graph.functions as fn
from chainrule.errors import GraphError
from chainrule.graph.checker import check_graph
from chainrule.graph.loop import Loop, scan
from chainrule.graph.node import Node, make, private_variable, variable
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import RandomGraph, any_graphs

x, y = variable("x"), variable("y")
matrix = variable("matrix", (2, 3))


def planted(good: Node, **fields: Any) -> Node:
    """A copy of a node with other fields, made behind the back of the shape rules."""
    node = object.__new__(Node)
    for field in ("operation", "inputs", "attributes", "shape", "kind", "name"):
        object.__setattr__(node, field, fields.get(field, getattr(good, field)))
    return node


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_operation_passes(case: OperationCase) -> None:
    inputs, output = case.graph()
    check_graph([output], inputs=inputs)


@given(any_graphs())
def test_random_graphs_pass(graph: RandomGraph) -> None:
    check_graph([graph.output], inputs=graph.inputs)


@pytest.mark.parametrize(
    "node, message",
    [
        (planted(x + y, operation="plus"), "of no operation in the table"),
        (planted(x + y, inputs=(x,)), "has 1 inputs, not 2"),
        (planted(x + y, inputs=(x, y, x)), "has 3 inputs, not 2"),
        (planted(x + y, shape=(1,)), r"should be float\(\) by its shape rule"),
        (planted(x + y, kind="bool"), r"should be float\(\) by its shape rule"),
        (planted(x + y, inputs=(x, x < y)), "Input 1 of 'add' has kind 'bool'"),
        (planted(x < y, kind="float"), r"should be bool\(\) by its shape rule"),
        (planted(fn.sum(matrix, 0), attributes={"axes": (1,)}), r"should be float\(2,\)"),
        (planted(fn.sum(matrix, 0), attributes={"axes": (2,)}), "do not name distinct axes"),
        (planted(fn.transpose(matrix), inputs=(fn.transpose(matrix),)), r"should be float\(2, 3\)"),
        (planted(matrix @ fn.transpose(matrix), inputs=(matrix, matrix)), "matrix product needs"),
        (planted(fn.reshape(matrix, (6,)), attributes={"shape": (5,)}), "cannot be reshaped"),
        (planted(fn.reshape(matrix, (6,)), shape=(3, 2)), r"should be float\(6,\)"),
        (planted(fn.broadcast_to(x, (4,)), inputs=(matrix,)), "do not broadcast"),
    ],
)
def test_a_malformed_node_is_caught_wherever_it_is(node: Node, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        check_graph([node])
    above = planted(-x, inputs=(node,), shape=node.shape)
    with pytest.raises(GraphError, match=message):
        check_graph([x, above])


def test_a_variable_that_is_not_given_is_named() -> None:
    check_graph([x + y], inputs=[x, y])
    with pytest.raises(GraphError, match="The variable 'y' is not among the inputs"):
        check_graph([x + y], inputs=[x])


# --- loops -------------------------------------------------------------------------------


def _running_sum() -> Node:
    sequence, start = variable("sequence", (5,)), variable("start")
    (node,) = scan(lambda c, s: ([c[0] + s[0]], [c[0] * s[0]]), [start], [sequence])
    return node


def _with_loop(node: Node, output: Node | None = None, **fields: Any) -> Node:
    loop = dataclasses.replace(node.attributes["loop"], **fields)
    attributes: Mapping[str, Any] = {
        "loop": loop,
        "output": node.attributes["output"] if output is None else output,
    }
    return planted(node, attributes=MappingProxyType(attributes))


def test_a_body_with_another_variable_is_caught() -> None:
    stray = private_variable("stray", (), "float")
    with pytest.raises(GraphError, match="'stray' is not among the inputs"):
        check_graph([_with_loop(_running_sum(), output=stray * 2)])
    with pytest.raises(GraphError, match="'stray' is not among the inputs"):
        check_graph([_with_loop(_running_sum(), updates=(stray,))])


def test_a_body_whose_carried_value_changes_its_type_is_caught() -> None:
    node = _running_sum()
    loop: Loop = node.attributes["loop"]
    wide = fn.broadcast_to(loop.carries[0], (2,))
    with pytest.raises(GraphError, match=r"is carried, but its update is float\(2,\)"):
        check_graph([_with_loop(node, updates=(wide,))])


def test_a_body_with_too_few_updates_is_caught() -> None:
    with pytest.raises(GraphError, match="carries 1 values, but has 0 updates"):
        check_graph([_with_loop(_running_sum(), updates=())])


def test_a_loop_of_another_length_is_caught() -> None:
    with pytest.raises(GraphError, match=r"'sequence' needs float\(4,\), but float\(5,\)"):
        check_graph([_with_loop(_running_sum(), length=4)])


def test_a_loop_with_another_output_than_its_shape_says_is_caught() -> None:
    node = _running_sum()
    wide = fn.broadcast_to(node.attributes["loop"].carries[0], (2,))
    with pytest.raises(GraphError, match=r"should be float\(5, 2\) by its shape rule"):
        check_graph([_with_loop(node, output=wide)])


def test_a_body_that_draws_random_numbers_is_caught() -> None:
    node = _running_sum()
    drawn = node.attributes["output"] * fn.uniform((), 0)
    with pytest.raises(GraphError, match="draw them for all steps outside"):
        check_graph([_with_loop(node, output=drawn)])


def test_a_malformed_node_inside_a_body_is_caught() -> None:
    node = _running_sum()
    wrong = planted(node.attributes["output"], operation="plus")
    with pytest.raises(GraphError, match="of no operation in the table"):
        check_graph([_with_loop(node, output=wrong)])


def test_a_scan_that_misses_an_input_is_caught() -> None:
    node = _running_sum()
    with pytest.raises(GraphError, match="2 variables, but 1 inputs"):
        check_graph([planted(node, inputs=node.inputs[:1])])


def test_planting_itself_is_no_fault() -> None:
    check_graph([planted(x + y), planted(_running_sum()), make("negate", x)])
