"""Lowering: from a program to a plan."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.engines.base import Program, TrainingStep
from chainrule.engines.native.blocks import BlockBuilder, Lowering
from chainrule.engines.native.plan import Buffer, Plan
from chainrule.engines.native.state import StateWriter
from chainrule.engines.native.views import whole
from chainrule.graph.node import Node
from chainrule.graph.shape import count
from chainrule.graph.traversal import rebuild, with_inputs

__all__ = ["lower_program", "lower_step"]


def lower_program(program: Program, n_threads: int) -> Plan:
    """The plan of a program whose outputs the caller receives."""
    lowering = Lowering(n_threads)
    inputs = [lowering.given(node) for node in program.inputs]
    outputs = [lowering.new_buffer(node.shape, node.kind, "given") for node in program.outputs]
    nodes = _without_single_terms(program.outputs)
    targets = [(node, whole(buffer)) for node, buffer in zip(nodes, outputs, strict=True)]
    builder = BlockBuilder(lowering, lowering.inputs, nodes, targets)
    return lowering.plan(inputs, outputs, builder.build())


def lower_step(step: TrainingStep, n_threads: int, batch_size: int = 1) -> Plan:
    """The plan of a training step, which writes the new state over the old.

    It runs for any number of rows, and is made to run fast for ``batch_size``.
    """
    lowering = Lowering(n_threads, batch_size, n_threads > 1 and _is_small(step))
    inputs = [lowering.given(node) for node in step.program.inputs]
    variable_buffers = dict(zip(step.program.inputs, inputs, strict=True))
    new_loss, *new_state = outputs = _without_single_terms([step.loss, *step.updates])
    updates: dict[Node, list[Buffer]] = {}
    for variable, update in zip(step.state, new_state, strict=True):
        if update is not variable:
            updates.setdefault(update, []).append(variable_buffers[variable])
    loss = whole(lowering.new_buffer((), "float", "local"))
    builder = BlockBuilder(lowering, lowering.inputs, outputs, [(new_loss, loss)], updates=updates)
    block = builder.build()
    StateWriter(builder, updates, loss.buffer).write()
    plan = lowering.plan(inputs, [], block)
    plan.loss = loss
    return plan


def _without_single_terms(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with products that are sums of one term written as what they are.

    The gradient of a layer with one output has one; element by element it can be fused. Bodies
    of loops are left as they are.
    """

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.operation == "matmul" and node.inputs[0].shape[1] == 1:
            return inputs[0] * inputs[1]
        return with_inputs(node, inputs)

    new = rebuild(outputs, change)
    return [new[node] for node in outputs]


_SMALL = 2**15
"""Numbers of state up to which every thread had better keep all of them up to date.

Two threads that write and read the same memory wait for each other's caches, which may take
longer than the arithmetic that they save.
"""


def _is_small(step: TrainingStep) -> bool:
    sizes = [count(node.shape) for node in step.state]
    known = [size for size in sizes if isinstance(size, int)]
    return len(known) == len(sizes) and sum(known) <= _SMALL
