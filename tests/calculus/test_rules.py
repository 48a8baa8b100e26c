"""Every derivative rule is right to second order, and the check of that catches wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import chainrule.graph.functions as fn
from chainrule.calculus import reverse, through_time
from chainrule.calculus.reverse import gradient
from chainrule.calculus.rules import NOT_DIFFERENTIABLE, RULES
from chainrule.engines.base import Program
from chainrule.engines.reference import MEANINGS, ReferenceEngine
from chainrule.errors import GraphError
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import topological_order
from tests.helpers.derivatives import DerivativeError, check_derivatives
from tests.helpers.operation_cases import CASES, OperationCase
from tests.helpers.random_graphs import RandomGraph, looping_graphs, smooth_graphs

# What it sends back is zero by its meaning, not by differences.
SMOOTH = [
    case
    for case in CASES
    if case.operation != "stop_gradient" and any(each.kind == "float" for each in case.arguments)
]


def check_case(case: OperationCase, rows: int = 3, order: int = 2) -> None:
    inputs, output = case.graph()
    check_derivatives(output, dict(zip(inputs, case.values(rows), strict=True)), order)


# --- completeness ------------------------------------------------------------------------


def test_each_operation_has_a_rule_or_a_reason_for_none() -> None:
    assert RULES.keys() | NOT_DIFFERENTIABLE.keys() | {"scan"} == OPERATIONS.keys()
    assert not RULES.keys() & NOT_DIFFERENTIABLE.keys()
    assert "scan" not in RULES.keys() | NOT_DIFFERENTIABLE.keys()
    assert all(len(reason.split()) > 2 for reason in NOT_DIFFERENTIABLE.values())


def test_each_operation_but_a_variable_has_a_meaning() -> None:
    assert MEANINGS.keys() == OPERATIONS.keys() - {"variable"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_notation_can_be_written(name: str) -> None:
    entry = OPERATIONS[name]
    assert entry.name == name
    number = entry.arity or 0
    written = entry.notation.replace("{*}", "all").format(
        *"abc"[:number], name="x", value="1", dimension="rows", ranges="0:2"
    )
    assert written
    assert "{" not in written
    assert 1 <= entry.precedence <= 5
    positions = {"{0}", "{1}", "{2}"}
    used = {each for each in positions if each in entry.notation}
    unread = {"scatter_add": {"{1}"}}.get(name, set())
    assert used == {f"{{{k}}}" for k in range(number)} - unread


def test_a_rule_gives_one_gradient_for_each_input() -> None:
    for case in CASES:
        _, output = case.graph()
        if output.operation in RULES:
            bar = variable("bar", output.shape)
            assert len(RULES[output.operation](bar, output, *output.inputs)) == len(output.inputs)


# --- right rules -------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_derivatives_agree_with_differences_to_second_order(case: OperationCase, rows: int) -> None:
    check_case(case, rows)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0])
def test_whole_powers_have_derivatives_at_zero(exponent: float) -> None:
    x = variable("x", (3,))
    check_derivatives(fn.power(x, exponent), {x: [0.0, -1.0, 2.0]})
    (slope,) = gradient(fn.sum(fn.power(x, exponent)), [x])
    (curvature,) = gradient(fn.sum(slope), [x])
    assert np.isfinite(_value(curvature, x, np.zeros(3))).all()


@pytest.mark.parametrize(
    "function, expected",
    [
        (fn.relu, 0.0),
        (lambda x: fn.maximum(0.0, x), 1.0),
        (lambda x: fn.minimum(x, 0.0), 0.0),
        (lambda x: fn.minimum(0.0, x), 1.0),
        (fn.absolute, 0.0),
        (fn.sign, 0.0),
        (lambda x: fn.max(x, 0), 0.25),
        (fn.stop_gradient, 0.0),
        (lambda x: x * fn.stop_gradient(x), 0.0),
    ],
)
def test_the_derivative_at_a_kink_is_the_agreed_one(
    function: Callable[[Node], Node], expected: float
) -> None:
    x = variable("x", (4,))
    (slope,) = gradient(fn.sum(function(x)), [x])
    np.testing.assert_array_equal(_value(slope, x, np.zeros(4)), np.full(4, expected))


def test_nan_reaches_the_gradient_of_what_it_touches() -> None:
    x = variable("x", (3,))
    for function in (fn.exp, fn.log, fn.tanh, lambda x: fn.max(x, 0), lambda x: x / 2 * x):
        (slope,) = gradient(fn.sum(function(x)), [x])
        assert np.isnan(_value(slope, x, np.array([1.0, np.nan, 2.0]))[1])


@given(smooth_graphs())
def test_gradients_of_random_graphs_agree_with_differences(graph: RandomGraph) -> None:
    values = dict(zip(graph.inputs, graph.values(rows=2), strict=True))
    check_derivatives(graph.output, values, tolerance=1e-7)


@given(looping_graphs())
def test_gradients_of_random_loops_agree_with_differences(graph: RandomGraph) -> None:
    values = dict(zip(graph.inputs, graph.values(rows=2), strict=True))
    check_derivatives(graph.output, values, tolerance=1e-6)


def _value(node: Node, x: Node, at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    (value,) = ReferenceEngine().compile(Program((x,), (node,)), "float64")(at)
    return value


# --- planted wrong rules -----------------------------------------------------------------

Rule = Callable[..., tuple[Node | None, ...]]


def _without_chain(out_bar: Node, out: Node, x: Node) -> tuple[Node, ...]:
    return (fn.cos(x),)


WRONG_RULES: dict[str, tuple[str, Rule]] = {
    "wrong sign": ("negate", lambda bar, out, x: (bar,)),
    "wrong sign of one input": ("subtract", lambda bar, out, x, y: (bar, bar)),
    "swapped inputs": ("multiply", lambda bar, out, x, y: (bar * x, bar * y)),
    "missing factor": ("power", lambda bar, out, x, y: (bar * fn.power(x, y - 1.0), bar * out)),
    "missing logarithm": ("power", lambda bar, out, x, y: (bar * y * fn.power(x, y - 1.0), bar)),
    "wrong power below the line": ("divide", lambda bar, out, x, y: (bar / y, -bar * x / y)),
    "forgotten chain": ("sin", _without_chain),
    "derivative of the input, not of the output": ("exp", lambda bar, out, x: (bar * x,)),
    "a half too much": ("sqrt", lambda bar, out, x: (bar / out,)),
    "tangent for its square": ("tanh", lambda bar, out, x: (bar * (1.0 - out),)),
    "forgotten sign": ("absolute", lambda bar, out, x: (bar,)),
    "missing constant": ("erf", lambda bar, out, x: (bar * fn.exp(-fn.square(x)),)),
    "both sides of a maximum": ("maximum", lambda bar, out, x, y: (bar, bar)),
    "sides of a maximum swapped": (
        "maximum",
        lambda bar, out, x, y: (fn.select(x < y, bar, 0.0), fn.select(x < y, 0.0, bar)),
    ),
    "branches swapped": (
        "select",
        lambda bar, out, c, x, y: (None, fn.select(c, 0.0, bar), fn.select(c, bar, 0.0)),
    ),
    "mean for sum": (
        "sum",
        lambda bar, out, x: (
            RULES_AS_THEY_ARE["sum"](bar, out, x)[0] / fn.size(x.shape[-1] if x.rank else 1),
        ),
    ),
    "reshape for transpose": (
        "transpose",
        lambda bar, out, x: (fn.reshape(bar, x.shape),),
    ),
    "permutation not inverted": (
        "transpose",
        lambda bar, out, x: (
            fn.reshape(fn.transpose(bar, out.attributes["permutation"]), x.shape),
        ),
    ),
    "forgotten transpose": (
        "matmul",
        lambda bar, out, x, y: (
            fn.matmul(bar, y if y.shape[0] == y.shape[1] else fn.transpose(y)),
            fn.matmul(fn.transpose(x), bar),
        ),
    ),
    "order of a product": (
        "matmul",
        lambda bar, out, x, y: (
            fn.matmul(bar, fn.transpose(y)),
            fn.transpose(fn.matmul(fn.transpose(x), bar))
            if y.shape[0] == y.shape[1]
            else fn.matmul(fn.transpose(x), bar),
        ),
    ),
    "another place": (
        "slice",
        lambda bar, out, x: (
            fn.pad(bar, x.shape, (*out.attributes["ranges"][:-1], (0, bar.shape[-1]))),
        ),
    ),
    "parts in another order": (
        "concatenate",
        lambda bar, out, *parts: tuple(
            RULES_AS_THEY_ARE["concatenate"](bar, out, *parts)[-1 if k == 0 else k]
            if parts[0].shape == parts[-1].shape
            else 2.0 * RULES_AS_THEY_ARE["concatenate"](bar, out, *parts)[k]
            for k in range(len(parts))
        ),
    ),
    "all share of a largest element": (
        "max",
        lambda bar, out, x: (
            fn.broadcast_to(
                fn.reshape(
                    bar,
                    [1 if k in out.attributes["axes"] else n for k, n in enumerate(x.shape)],
                ),
                x.shape,
            ),
        ),
    ),
    "right value, no second derivative": (
        "log",
        lambda bar, out, x: (bar / fn.stop_gradient(x),),
    ),
    "right value, no second derivative through the output": (
        "logistic",
        lambda bar, out, x: (bar * fn.stop_gradient(out * (1.0 - out)),),
    ),
}
RULES_AS_THEY_ARE = dict(RULES)


def cases_of(operation: str) -> list[OperationCase]:
    return [case for case in SMOOTH if case.operation == operation]


def check_cases(operation: str) -> None:
    for case in cases_of(operation):
        check_case(case, order=1)


@pytest.mark.parametrize("fault", WRONG_RULES)
def test_a_planted_wrong_rule_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operation, wrong = WRONG_RULES[fault]
    monkeypatch.setitem(RULES, operation, wrong)
    caught = 0
    for case in cases_of(operation):
        try:
            check_case(case)
        except DerivativeError:
            caught += 1
    assert caught > 0


@pytest.mark.parametrize("factor", [-1.0, 1.0 + 1e-6])
@pytest.mark.parametrize("operation", RULES)
def test_a_small_error_in_any_one_gradient_of_any_rule_is_caught(
    operation: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gradient of each rule in turn, with the wrong sign and wrong by one in a million."""
    right = RULES[operation]
    floats = {
        position
        for case in cases_of(operation)
        for position, each in enumerate(case.graph()[1].inputs)
        if each.kind == "float"
    }
    for wrong_one in sorted(floats)[:3]:

        def wrong(
            bar: Node, out: Node, *inputs: Node, wrong_one: int = wrong_one
        ) -> tuple[Node | None, ...]:
            gradients = list(right(bar, out, *inputs))
            if wrong_one < len(gradients) and (slope := gradients[wrong_one]) is not None:
                gradients[wrong_one] = slope * factor
            return tuple(gradients)

        monkeypatch.setitem(RULES, operation, wrong)
        with pytest.raises(DerivativeError):
            check_cases(operation)


@pytest.mark.parametrize("fault", [each for each in WRONG_RULES if each.startswith("right value")])
def test_faults_of_second_order_need_the_second_order(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, wrong = WRONG_RULES[fault]
    monkeypatch.setitem(RULES, operation, wrong)
    for case in cases_of(operation):
        check_case(case, order=1)
        with pytest.raises(DerivativeError, match="order 2"):
            check_case(case)


def test_a_rule_with_too_few_gradients_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = variable("x"), variable("y")
    monkeypatch.setitem(RULES, "add", lambda bar, out, x, y: (bar,))
    with pytest.raises(GraphError, match="'add' gave 1 gradients for 2 inputs"):
        gradient(x + y, [x, y])


def test_a_rule_whose_gradient_has_another_shape_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = variable("x", (2, 3)), variable("y", (3, 4))
    monkeypatch.setitem(
        RULES, "matmul", lambda bar, out, x, y: (fn.transpose(x @ y), fn.transpose(x) @ bar)
    )
    with pytest.raises(GraphError, match=r"A gradient of float\(4, 2\) flows back into <Node x"):
        gradient(fn.sum(x @ y), [x, y])


def test_an_operation_without_rule_or_reason_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = variable("x")
    monkeypatch.delitem(RULES, "tanh")
    with pytest.raises(GraphError, match="no derivative rule for 'tanh'"):
        gradient(fn.tanh(x), [x])


# --- planted faults of the driver --------------------------------------------------------


def test_a_driver_that_forgets_to_sum_over_stretched_axes_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def first_only(bar: Node, shape: Any) -> Node:
        extra = bar.rank - len(shape)
        ranges = [(0, 1)] * extra + [(0, 1) if size == 1 else None for size in shape]
        return fn.reshape(fn.slice_axes(bar, ranges), shape)

    monkeypatch.setattr(reverse, "unbroadcast", first_only)
    for label in ("rows with vector", "number with rows", "both stretched"):
        (case,) = [each for each in cases_of("multiply") if each.label == label]
        with pytest.raises(DerivativeError):
            check_case(case)


def test_a_driver_that_ignores_one_use_of_a_value_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = variable("x")
    shared = fn.sin(x)
    output = shared * fn.cos(shared)
    check_derivatives(output, {x: 0.7})
    right = reverse.local_gradients

    def forgetful(node: Node, out_bar: Node) -> tuple[Node | None, ...]:
        found = right(node, out_bar)
        return tuple(
            None if each is shared and node.operation == "cos" else bar
            for each, bar in zip(node.inputs, found, strict=True)
        )

    monkeypatch.setattr(reverse, "local_gradients", forgetful)
    with pytest.raises(DerivativeError):
        check_derivatives(output, {x: 0.7})


# --- planted faults of back-propagation through time -------------------------------------


def _wrong_bars(position: int) -> Any:
    def wrong(nodes: Any, gradients: Any, pull_back: Any) -> list[Node | None]:
        bars = through_time.backward_scan(nodes, gradients, pull_back)
        bars[position] = 1.001 * bars[position] if bars[position] is not None else None
        return bars

    return wrong


@pytest.mark.parametrize("position", range(4))
def test_a_wrong_gradient_of_a_loop_is_caught(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverse, "backward_scan", _wrong_bars(position))
    for case in cases_of("scan"):
        if case.label.startswith("recurrent"):
            with pytest.raises(DerivativeError):
                check_case(case, order=1)


def test_a_loop_differentiated_in_the_wrong_direction_of_time_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = through_time.Loop

    def wrong(**fields: Any) -> Any:
        return right(**{**fields, "reverse": not fields["reverse"]})

    monkeypatch.setattr(through_time, "Loop", wrong)
    for case in cases_of("scan"):
        if case.label.startswith("recurrent"):
            with pytest.raises(DerivativeError):
                check_case(case, order=1)


def test_a_sum_over_time_that_misses_a_step_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = through_time._sum_over_time

    def wrong(bar: Node, stacked: Any) -> Node:
        def without_last(node: Node) -> Node:
            whole = stacked(node)
            kept = fn.slice_axes(whole, [(0, whole.shape[0] - 1), *[None] * (whole.rank - 1)])
            return fn.pad(kept, whole.shape, [(0, kept.shape[0]), *[None] * (whole.rank - 1)])

        return right(bar, without_last)

    monkeypatch.setattr(through_time, "_sum_over_time", wrong)
    for case in cases_of("scan"):
        if case.label in ("recurrent", "recurrent, backward"):
            with pytest.raises(DerivativeError):
                check_case(case, order=1)


def test_a_check_reports_the_order_and_both_numbers() -> None:
    x = variable("x")
    with pytest.raises(
        DerivativeError, match=r"order 1 .* the rules say 0\.0, differences say -?\d"
    ):
        check_derivatives(fn.stop_gradient(x) * 3.0, {x: 1.0})
    assert constant(3.0) in topological_order([fn.stop_gradient(x) * 3.0])
