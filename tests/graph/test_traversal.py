"""Walks visit each node once, inputs first, and never recurse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import simplify
from chainrule.engines.base import Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.checker import check_graph
from chainrule.graph.node import Node, make, variable
from chainrule.graph.printer import canonical, format_graph
from chainrule.graph.traversal import (
    dependents,
    rebuild,
    substitute,
    topological_order,
    variables,
    with_inputs,
)
from tests.helpers.random_graphs import RandomGraph, any_graphs

DEEP = 50_000
x, y, z = variable("x"), variable("y"), variable("z")


@given(any_graphs())
def test_each_node_comes_once_and_after_its_inputs(graph: RandomGraph) -> None:
    order = topological_order([graph.output])
    place = {node: position for position, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is graph.output
    assert all(place[each] < place[node] for node in order for each in node.inputs)


def test_inputs_are_met_from_left_to_right() -> None:
    total = (y + x) * (x + z)
    assert variables([total]) == [y, x, z]
    assert topological_order([x * y, y + z])[:3] == [x, y, x * y]


def test_a_walk_stops_at_what_is_known() -> None:
    q = x + y
    assert topological_order([q * z], known={q}) == [z, q * z]
    assert topological_order([q], known={q}) == []


def test_a_graph_of_many_paths_is_walked_in_linear_time() -> None:
    node = x
    for _ in range(200):  # 2^200 paths
        node = node + fn.sin(node)
    assert len(topological_order([node])) == 401


def test_dependents_are_what_a_change_would_reach() -> None:
    q = x + y
    out = q * z
    order = topological_order([out])
    assert dependents(order, [x]) == {x, q, out}
    assert dependents(order, [z]) == {z, out}
    assert dependents(order, [q, z]) == {q, z, out}


@given(any_graphs())
def test_rebuilding_without_change_gives_the_same_graph(graph: RandomGraph) -> None:
    assert rebuild([graph.output], with_inputs)[graph.output] is graph.output


@given(any_graphs(), st.integers(0, 4))
def test_substituting_forth_and_back_gives_the_same_graph(graph: RandomGraph, which: int) -> None:
    old = graph.inputs[which]
    new = variable("new", old.shape)
    (there,) = substitute([graph.output], {old: new})
    assert old not in topological_order([there])
    assert substitute([there], {new: old}) == [graph.output]


def test_substitution_keeps_names_and_attributes() -> None:
    matrix = variable("m", (2, 3))
    total = fn.sum(matrix, 1).named("total")
    (replaced,) = substitute([total], {matrix: matrix + 1})
    assert (replaced.name, dict(replaced.attributes)) == ("total", {"axes": (1,)})
    assert replaced.inputs == (matrix + 1,)


@pytest.fixture
def chain() -> list[Node]:
    """x, sin(x), sin(sin(x)), and so on."""
    nodes = [variable("x")]
    for _ in range(DEEP):
        nodes.append(make("sin", nodes[-1]))
    return nodes


def test_a_deep_chain_is_walked_without_recursion(chain: list[Node]) -> None:
    assert topological_order([chain[-1]]) == chain
    assert variables([chain[-1]]) == [chain[0]]
    assert len(dependents(chain, [chain[1]])) == DEEP
    (replaced,) = substitute([chain[-1]], {chain[0]: y})
    assert variables([replaced]) == [y]


def test_a_deep_chain_is_checked_printed_and_forgotten_without_recursion(
    chain: list[Node],
) -> None:
    last = chain[-1]
    chain.clear()  # only the last node holds the others now
    check_graph([last])
    assert format_graph(last).count("\n") == DEEP + 1
    assert canonical([x], [last]).endswith(f"return %{DEEP}")
    del last


def test_a_deep_chain_is_simplified_differentiated_and_run_without_recursion(
    chain: list[Node],
) -> None:
    out = chain[-1]
    assert simplify([out]) == [out]
    (slope,) = gradient(out, [chain[0]])
    value, derivative = ReferenceEngine().compile(Program((chain[0],), (out, slope)), "float64")(1)
    assert 0.0 < value < 0.01
    assert 0.0 < derivative < value
