"""A loop over time written step by step, so that what happens at each step can be seen."""

from __future__ import annotations

import chainrule.graph.functions as fn
from chainrule.explain.blocks import block
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.traversal import rebuild, topological_order, with_inputs

__all__ = ["MOST_STEPS", "unrolled"]


MOST_STEPS = 100
"""A longer loop stays one operation."""


def unrolled(output: Node, most_steps: int = MOST_STEPS) -> Node:
    """A graph without loops of known length: the body stands once for each step.

    What has a name in the body has it with the number of the step: ``h`` becomes ``h[0]``,
    ``h[1]`` and so on, and so do the slices of a named sequence. A loop of more than ``most_steps``
    stays one operation.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, w = cr.variable("x", (2,)), cr.variable("w")
    >>> def body(carried, slices):
    ...     h = (w * carried[0] + slices[0]).named("h")
    ...     return [h], [h]
    >>> (h,) = cr.scan(body, [cr.constant(0.0)], [x])
    >>> names = [node.name for node in topological_order([unrolled(cr.sum(h))]) if node.name]
    >>> sorted(names)
    ['h[0]', 'h[1]', 'w', 'x', 'x[0]', 'x[1]']
    """
    # Several outputs of one loop are one loop.
    written: dict[tuple[Loop, tuple[Node, ...]], list[dict[Node, Node]]] = {}
    steps_of: dict[Node, list[Node]] = {}  # of a stack, which is rarely read as a whole
    step_in: dict[Node, Node] = {}

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node.operation == "slice" and inputs[0] in steps_of:
            time = _only_step(node)
            if time is not None:
                step = steps_of[inputs[0]][time]
                taken = fn.expand_dims(step, 0)
                step_in[taken] = step
                return taken
        if node.operation == "reshape" and inputs[0] in step_in:
            return fn.reshape(step_in[inputs[0]], node.shape)
        if node.operation != "scan":
            return with_inputs(node, inputs)
        loop: Loop = node.attributes["loop"]
        if not isinstance(loop.length, int) or not 0 < loop.length <= most_steps:
            return with_inputs(node, inputs)
        if (loop, inputs) not in written:
            written[loop, inputs] = _steps(loop, inputs)
        for time, known in enumerate(written[loop, inputs]):
            _write([node.attributes["output"]], known, time)
        values = [known[node.attributes["output"]] for known in written[loop, inputs]]
        stacked = fn.concatenate([fn.expand_dims(each, 0) for each in values], 0)
        stacked = stacked.named(node.name) if node.name else stacked
        steps_of[stacked] = values
        return stacked

    return rebuild([output], change)[output]


def _only_step(node: Node) -> int | None:
    """The step that a slice of a stack of known length takes, if it is one whole step."""
    first, *rest = node.attributes["ranges"]
    if first is None or any(rest):
        return None
    start, stop = first
    return start if stop == start + 1 else None


def _steps(loop: Loop, inputs: tuple[Node, ...]) -> list[dict[Node, Node]]:
    """For each step, what stands for the nodes of the body."""
    assert isinstance(loop.length, int)
    n_carried, n_sequences = len(loop.carries), len(loop.sequences)
    carried = list(inputs[:n_carried])
    sequences = inputs[n_carried : n_carried + n_sequences]
    constants = dict(zip(loop.constants, inputs[n_carried + n_sequences :], strict=True))
    steps: list[dict[Node, Node]] = [{} for _ in range(loop.length)]
    times = range(loop.length)
    for time in reversed(times) if loop.reverse else times:
        known = {**dict(zip(loop.carries, carried, strict=True)), **constants}
        for variable, sequence in zip(loop.sequences, sequences, strict=True):
            known[variable] = _slice(sequence, time)
        _write(loop.updates, known, time)
        carried = [known[each] for each in loop.updates]
        steps[time] = known
    return steps


def _write(nodes: tuple[Node, ...] | list[Node], known: dict[Node, Node], time: int) -> None:
    """Add nodes of the body, and all that they need, to what is known of a step."""
    for node in topological_order(nodes, known=known):
        new = with_inputs(node, tuple(known[each] for each in node.inputs))
        known[node] = new.named(f"{node.name}[{time}]") if node.name and node.inputs else new


def _slice(sequence: Node, time: int) -> Node:
    ranges = [(time, time + 1), *[None] * (sequence.rank - 1)]
    taken = fn.reshape(block(sequence, ranges), sequence.shape[1:])
    return taken.named(f"{sequence.name}[{time}]") if sequence.name else taken
