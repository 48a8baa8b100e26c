"""Graphs as text: the golden form, and canonical text that is equal just for equal programs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given

import chainrule.graph.functions as fn
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.printer import canonical, format_graph
from chainrule.graph.traversal import rebuild, substitute, variables
from tests.helpers.random_graphs import RandomGraph, any_graphs

x, y, z = variable("x"), variable("y"), variable("z")


def test_the_text_of_a_network() -> None:
    X, W, b = variable("X", ("rows", 4)), variable("W", (4, 3)), variable("b", (3,))
    hidden = fn.relu((X @ W + b).named("h_in")).named("h")
    loss = fn.mean(fn.slice_axes(hidden, [None, (0, 2)]), 0)
    keep = fn.uniform(("rows", 3), 7) < 0.5
    expected = """
        %0 = variable() : float(rows, 4)  # X
        %1 = variable() : float(4, 3)  # W
        %2 = matmul(%0, %1) : float(rows, 3)
        %3 = variable() : float(3,)  # b
        %4 = add(%2, %3) : float(rows, 3)  # h_in
        %5 = constant(value=0.0) : float()
        %6 = maximum(%4, %5) : float(rows, 3)  # h
        %7 = slice(%6, ranges=(None, (0, 2))) : float(rows, 2)
        %8 = sum(%7, axes=(0,)) : float(2,)
        %9 = size(dimension=rows) : float()
        %10 = divide(%8, %9) : float(2,)
        %11 = uniform(stream=7) : float(rows, 3)
        %12 = constant(value=0.5) : float()
        %13 = less(%11, %12) : bool(rows, 3)
        return %10, %13
    """
    assert format_graph([loss, keep]) == dedent(expected).strip()


def test_the_text_of_a_loop() -> None:
    sequence, start, weight = variable("s", (5,)), variable("start"), variable("w")
    (node,) = scan(lambda c, s: ([c[0] * weight + s[0]], [c[0]]), [start], [sequence], reverse=True)
    expected = """
        %0 = variable() : float()  # start
        %1 = variable() : float(5,)  # s
        %2 = variable() : float()  # w
        %3 = scan(%0, %1, %2, loop=0, length=5, reverse=True, variables=1,1,1) : float(5,)
          %0 = variable() : float()  # start
          %1 = variable() : float()  # s
          %2 = variable() : float()  # w
          %3 = multiply(%0, %2) : float()
          %4 = add(%3, %1) : float()
          return %4, %0
        return %3
    """
    assert format_graph(node) == dedent(expected).strip()


# --- canonical text ----------------------------------------------------------------------


def renamed(inputs: Sequence[Node], output: Node) -> tuple[list[Node], Node]:
    """The same program with another name for every value."""
    new_inputs = [
        variable(f"other {number}", each.shape, each.kind) for number, each in enumerate(inputs)
    ]

    names = itertools.count()

    def change(node: Node, args: tuple[Node, ...]) -> Node:
        return make(node.operation, *args, name=f"name {next(names)}", **node.attributes)

    new = rebuild([output], change, known=dict(zip(inputs, new_inputs, strict=True)))
    return new_inputs, new[output]


@given(any_graphs())
def test_names_play_no_part(graph: RandomGraph) -> None:
    inputs, output = renamed(graph.inputs, graph.output)
    assert canonical(inputs, [output]) == canonical(graph.inputs, [graph.output])


@given(any_graphs(), any_graphs())
def test_different_graphs_have_different_text(one: RandomGraph, other: RandomGraph) -> None:
    same = canonical(one.inputs, [one.output]) == canonical(other.inputs, [other.output])
    assert same == (one.output is other.output)


def _scanned(reverse: bool = False, name: str = "h", factor: float = 0.5) -> Node:
    def body(carries: Any, slices: Any) -> Any:
        new = (factor * carries[0] + slices[0]).named(name)
        return [new], [new]

    (node,) = scan(body, [x], [variable("s", (5,))], reverse=reverse)
    return node


def test_names_and_scopes_inside_a_loop_play_no_part() -> None:
    inputs = [x, variable("s", (5,))]
    text = canonical(inputs, [_scanned()])
    assert canonical(inputs, [_scanned()]) == text
    assert canonical(inputs, [_scanned(name="other")]) == text
    assert canonical(inputs, [_scanned(reverse=True)]) != text
    assert canonical(inputs, [_scanned(factor=0.25)]) != text


def test_scans_that_share_a_loop_differ_from_scans_that_only_look_alike() -> None:
    def body(carries: Any, slices: Any) -> Any:
        new = carries[0] + slices[0]
        return [new], [new, carries[0]]

    sequence = variable("s", (5,))
    shared = scan(body, [x], [sequence])
    alike = [scan(body, [x], [sequence])[number] for number in range(2)]
    assert canonical([x, sequence], shared) != canonical([x, sequence], alike)
    again = scan(body, [x], [sequence])
    assert canonical([x, sequence], shared) == canonical([x, sequence], again)


@pytest.mark.parametrize(
    "one, other",
    [
        (([x, y], [x - y]), ([y, x], [x - y])),
        (([x, y], [x - y]), ([x, y], [y - x])),
        (([x, y], [x + y]), ([x, y, z], [x + y])),
        (([x, y], [x, y]), ([x, y], [y, x])),
        (([x], [x]), ([x], [x, x])),
        (([x], [x + 0.0]), ([x], [x + -0.0])),
        (([], [constant(1.0)]), ([], [constant(True)])),
        (([x], [x * 2]), ([x], [x * 3])),
        (([], [fn.uniform((2,), 0)]), ([], [fn.uniform((2,), 1)])),
        (([], [fn.uniform((2,), 0)]), ([], [fn.uniform((3,), 0)])),
        (([x], [fn.broadcast_to(x, (2,))]), ([x], [fn.broadcast_to(x, (3,))])),
    ],
)
def test_programs_that_differ_have_different_text(
    one: tuple[list[Node], list[Node]], other: tuple[list[Node], list[Node]]
) -> None:
    assert canonical(*one) != canonical(*other)


def test_sizes_and_kinds_of_inputs_count() -> None:
    texts = {
        canonical([each], [each])
        for each in [
            variable("v", ("rows",)),
            variable("v", ("time",)),
            variable("v", (3,)),
            variable("v", (3,), "int"),
            variable("v", (3, 1)),
        ]
    }
    assert len(texts) == 5


def test_the_same_graph_on_other_variables_has_the_same_text() -> None:
    q = (x + y) * z
    a, b, c = variable("a"), variable("b"), variable("c")
    (moved,) = substitute([q], {x: a, y: b, z: c})
    assert variables([moved]) == [a, b, c]
    assert canonical([a, b, c], [moved]) == canonical([x, y, z], [q])
