"""A loop written step by step computes the same, and shows each step in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.reference import evaluate
from chainrule.explain.narrowing import narrow
from chainrule.explain.trained import TrainedNetwork, explain_trained
from chainrule.explain.unrolling import unrolled
from chainrule.graph import functions as fn
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order

Carried = Sequence[Node]


def recurrent(reverse: bool = False) -> tuple[Node, dict[Node, np.ndarray]]:
    """The squared error of a recurrent net's last state on one row of three steps."""
    x, W, U = variable("x", (3, 1, 2)), variable("W", (2, 4)), variable("U", (4, 4))
    V, y = variable("V", (4, 1)), variable("y", (1, 1))

    def body(carried: Carried, slices: Carried) -> tuple[list[Node], list[Node]]:
        h_in = (slices[0] @ W + carried[0] @ U).named("h_in")
        h = cr.tanh(h_in).named("h")
        return [h], [h, h_in]

    states, _ = cr.scan(body, [variable("h0", (1, 4))], [x], reverse=reverse)
    last = fn.reshape(fn.slice_axes(states, [(0, 1) if reverse else (2, 3), None, None]), (1, 4))
    output = (last @ V).named("output")
    draw = np.random.default_rng(0)
    nodes = [x, W, U, V, y, *(n for n in topological_order([output]) if n.name == "h0")]
    values = {node: draw.normal(size=tuple(map(int, node.shape))) for node in nodes}
    return fn.sum(cr.square(output - y)).named("loss"), values


@pytest.mark.parametrize("reverse", [False, True])
def test_value_and_gradients_are_the_same(reverse: bool) -> None:
    loss, values = recurrent(reverse)
    flat = unrolled(loss)
    assert all(node.operation != "scan" for node in topological_order([flat]))
    leaves = list(values)
    bars, flat_bars = cr.gradient(loss, leaves), cr.gradient(flat, leaves)
    whole = dict(evaluate([loss, *bars], values))
    written = dict(evaluate([flat, *flat_bars], values))
    np.testing.assert_allclose(written[flat], whole[loss], rtol=1e-13)
    for one, other in zip(bars, flat_bars, strict=True):
        np.testing.assert_allclose(written[other], whole[one], rtol=1e-11, atol=1e-14)


def test_each_step_has_its_number() -> None:
    names = {node.name for node in topological_order([unrolled(recurrent()[0])]) if node.name}
    assert {"h[0]", "h[1]", "h[2]", "h_in[2]", "x[0]"} <= names


def test_a_loop_of_unknown_length_stays() -> None:
    x = variable("x", ("time",))
    (total,) = cr.scan(lambda c, s: ([c[0] + s[0]], [c[0]]), [cr.constant(0.0)], [x])
    assert unrolled(fn.sum(total)) is fn.sum(total)


def test_a_weight_of_a_recurrent_net_is_a_sum_over_the_steps_that_use_it() -> None:
    loss, values = recurrent()
    (bar,) = cr.gradient(loss, [next(each for each in values if each.name == "U")])
    whole = dict(evaluate([bar], values))[bar]
    named = {node.name: node for node in values}
    network = TrainedNetwork(
        loss, values, (named["W"], named["U"], named["V"]), named["x"], named["y"], "RNN"
    )
    work = explain_trained(network, "U[1, 2]")
    assert work.gradients["U[1, 2]"] == pytest.approx(float(whole[1, 2]), rel=1e-10)
    assert work.chains[0].check.agrees
    (step,) = (each for each in work.backward if each.symbol == "U[1, 2]")
    assert len(step.uses) == 3


def test_a_step_in_time_can_be_asked_for() -> None:
    loss, values = recurrent()
    flat = unrolled(loss)
    node = next(each for each in topological_order([flat]) if each.name == "h[1]")
    (bar,) = cr.gradient(flat, [node])
    whole = dict(evaluate([bar], values))[bar]
    narrowed = narrow(flat, node, (0, 3), values)
    (slope,) = cr.gradient(narrowed.output, [narrowed.target])
    found = dict(evaluate([slope], narrowed.given))[slope]
    assert float(found) == pytest.approx(float(whole[0, 3]), rel=1e-11)


def test_spelled_out_a_formula_shows_its_loop() -> None:
    x, w = variable("x", (3,)), variable("w")

    def body(carried: Carried, slices: Carried) -> tuple[list[Node], list[Node]]:
        state = (w * carried[0] + slices[0]).named("h")
        return [state], [state]

    (states,) = cr.scan(body, [variable("h0")], [x])
    work = cr.explain(cr.sum(states), h0=0.1, w=0.5, x=[1, 2, 3], spell_out=True)
    assert {"h[0]", "h[1]", "h[2]"} <= {step.symbol for step in work.forward}
    assert "back_through_time" not in str(work)
    assert all(chain.check.agrees for chain in work.chains)


def test_one_step_of_a_stack_is_read_without_the_stack() -> None:
    x, w = cr.variable("x", (3, 1, 2)), cr.variable("w", (2, 2))

    def body(
        carried: Sequence[cr.Node], slices: Sequence[cr.Node]
    ) -> tuple[list[cr.Node], list[cr.Node]]:
        h = cr.tanh(slices[0] + carried[0] @ w).named("h")
        return [h], [h]

    (states,) = cr.scan(body, [cr.broadcast_to(0.0, (1, 2))], [x])
    last = fn.reshape(fn.slice_axes(states, [(-1, None), None, None]), (1, 2))
    flat = unrolled(cr.sum(last))
    assert "concatenate" not in {node.operation for node in topological_order([flat])}
    given = {x: np.arange(6.0).reshape(3, 1, 2), w: np.array([[0.5, -1.0], [0.3, 0.2]])}
    values = [dict(evaluate([each], given))[each] for each in (cr.sum(last), flat)]
    assert values[0] == values[1]
