"""Back-propagation through time: the derivative of a scan is a scan that runs backward.

With carried values ``c``, slices ``x`` and constants ``w``, one step is ``c' = f(c, x, w)``
and ``y = g(c, x, w)``. The backward step carries ``c_bar`` (the gradient flowing back into
the carried values), reads the forward step's values and the gradients ``y_bar``, and gives
the gradients for ``x``; the gradients for ``w`` are sums over all steps.

Two decisions make it fast. The backward body reads from the forward loop whatever that loop
computed anyway, and computes anew only what it did not. And the gradient of a weight matrix,
a sum over steps of ``a_tᵀ·g_t``, leaves the loop: it is one product of the stacked ``a`` and
``g``. So do the sums over rows that make the gradient of a bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import chainrule.graph.functions as fn
from chainrule.graph.loop import Loop, close_body, stack_output
from chainrule.graph.node import Node, private_variable
from chainrule.graph.shape import multiply
from chainrule.graph.traversal import dependents, rebuild, topological_order, with_inputs

__all__ = ["backward_scan"]

PullBack = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], list[Node | None]]
"""(outputs, their gradients, wanted nodes) -> the gradient of each wanted node, or None."""

Stacked = Callable[[Node], Node]
"""A node of one step -> its values at all steps, stacked along a new first axis."""


def backward_scan(
    nodes: Sequence[Node], gradients: Sequence[Node], pull_back: PullBack
) -> list[Node | None]:
    """The gradients for all inputs of scan nodes that share their loop and inputs.

    Parameters
    ----------
    nodes : sequence of Node
        The scan nodes.
    gradients : sequence of Node
        The gradient flowing back into each, of the same shape as the node.
    pull_back : callable
        The reverse driver, applied here to one step.
    """
    loop: Loop = nodes[0].attributes["loop"]
    inputs = nodes[0].inputs
    if loop.length == 0:
        return [None] * len(inputs)  # no step reads anything
    outputs = [node.attributes["output"] for node in nodes]
    carry_bars = [_bar(each) for each in loop.carries]
    output_bars = [_bar(each) for each in outputs]
    bars = [*carry_bars, *output_bars]

    ends = [*loop.updates, *outputs]
    step_bars = pull_back(ends, bars, loop.variables)
    number_carried, number_constant = len(loop.carries), len(loop.constants)
    carry_step = [
        fn.broadcast_to(0.0, carry.shape) if bar is None else bar
        for carry, bar in zip(loop.carries, step_bars[:number_carried], strict=True)
    ]
    rest = step_bars[number_carried:]
    targets = [*carry_step, *(bar for bar in rest if bar is not None)]
    constant_step = rest[len(rest) - number_constant :]
    targets += [part for bar in constant_step if bar is not None for part in _parts(bar)]

    # What the forward loop computed is read from it; the rest of the body is computed.
    forward_order = topological_order(ends)
    computed = dependents(forward_order, loop.carries + loop.sequences)
    read = {
        node: private_variable(node.name or node.operation, node.shape, node.kind)
        for node in forward_order
        if node in computed
    }
    outside = dict(zip(loop.constants, inputs[len(inputs) - number_constant :], strict=True))
    body = rebuild(targets, with_inputs, known={**read, **outside, **{bar: bar for bar in bars}})
    closed, captured = close_body([body[node] for node in targets], [*bars, *read.values()])
    final = dict(zip(targets, closed, strict=True))
    used = set(topological_order(closed))
    sources = {var: node for node, var in read.items() if var in used}

    def forward_values(node: Node) -> Node:
        if node in loop.sequences:
            return inputs[number_carried + loop.sequences.index(node)]
        return stack_output(loop, node, inputs)

    backward = Loop(
        length=loop.length,
        carries=tuple(carry_bars),
        updates=tuple(final[node] for node in carry_step),
        sequences=(*output_bars, *sources),
        constants=tuple(var for var, _ in captured),
        reverse=not loop.reverse,
    )
    arguments = [
        *(fn.broadcast_to(0.0, each.shape) for each in carry_bars),
        *gradients,
        *(forward_values(node) for node in sources.values()),
        *(outer for _, outer in captured),
    ]

    def stacked(node: Node) -> Node:
        if node in read:
            return forward_values(node)
        return stack_output(backward, final[node], arguments)

    first = (-1, None) if loop.reverse else (0, 1)
    result: list[Node | None] = [_at_step(stacked(node), first) for node in carry_step]
    result += [None if bar is None else stacked(bar) for bar in rest[: len(rest) - number_constant]]
    result += [None if bar is None else _sum_over_time(bar, stacked) for bar in constant_step]
    return result


def _bar(node: Node) -> Node:
    return private_variable(f"{node.name or node.operation}_bar", node.shape, "float")


def _at_step(sequence: Node, bounds: tuple[int, int | None]) -> Node:
    step = fn.slice_axes(sequence, [bounds, *[None] * (sequence.rank - 1)])
    return fn.reshape(step, sequence.shape[1:])


def _parts(bar: Node) -> tuple[Node, ...]:
    """The nodes of one step that ``_sum_over_time`` asks for at all steps."""
    if bar.operation == "add" and all(each.shape == bar.shape for each in bar.inputs):
        return tuple(part for each in bar.inputs for part in _parts(each))
    if bar.operation == "reshape":
        return _parts(bar.inputs[0])
    if bar.operation == "sum":
        return bar.inputs
    if bar.operation == "matmul" and bar.inputs[0].operation == "transpose":
        return (bar.inputs[0].inputs[0], bar.inputs[1])
    return (bar,)


def _sum_over_time(bar: Node, stacked: Stacked) -> Node:
    """Σ over the steps of one step's gradient for a constant, by as few operations as can be."""
    if bar.operation == "add" and all(each.shape == bar.shape for each in bar.inputs):
        left, right = bar.inputs
        return _sum_over_time(left, stacked) + _sum_over_time(right, stacked)
    if bar.operation == "reshape":
        return fn.reshape(_sum_over_time(bar.inputs[0], stacked), bar.shape)
    if bar.operation == "sum":
        axes = (0, *(axis + 1 for axis in bar.attributes["axes"]))
        return fn.sum(stacked(bar.inputs[0]), axes)
    if bar.operation == "matmul" and bar.inputs[0].operation == "transpose":
        left, right = (_merge_time(stacked(part)) for part in _parts(bar))
        return fn.matmul(fn.transpose(left), right)
    return fn.sum(stacked(bar), 0)


def _merge_time(sequence: Node) -> Node:
    """(time, rows, columns) as (time·rows, columns)."""
    time, rows, columns = sequence.shape
    return fn.reshape(sequence, (multiply(time, rows), columns))
