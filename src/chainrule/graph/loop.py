"""Scan: a loop over time whose body is a graph of its own.

A :class:`Loop` carries some values from step to step, reads one slice of each sequence per
step, and sees constants. A ``scan`` node is the value of **one** node of the body at every
step, stacked along a new first axis. Several scan nodes over the same loop and inputs are one
loop when they run; this is how back-propagation through time reads whatever the forward loop
computed, without a second kind of loop that returns more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import Node, make, private_variable
from chainrule.graph.shape import Dimension, Type, format_shape
from chainrule.graph.traversal import dependents, rebuild, topological_order, with_inputs

__all__ = ["Loop", "close_body", "scan", "stack_output"]


@dataclass(frozen=True, slots=True)
class Loop:
    """The body of a scan.

    Attributes
    ----------
    length : int or Size
        The number of steps.
    carries : tuple of Node
        Variables of the body for the values carried from the step before.
    updates : tuple of Node
        Their values after the step.
    sequences : tuple of Node
        Variables for this step's slice of each sequence.
    constants : tuple of Node
        Variables for what is the same at every step.
    reverse : bool
        Whether time runs from the last step to the first. Outputs stay at the index of
        their step either way.
    """

    length: Dimension
    carries: tuple[Node, ...]
    updates: tuple[Node, ...]
    sequences: tuple[Node, ...]
    constants: tuple[Node, ...]
    reverse: bool

    @property
    def variables(self) -> tuple[Node, ...]:
        """All variables of the body, in the order of the scan node's inputs."""
        return self.carries + self.sequences + self.constants

    def check_inputs(self, types: Sequence[Type]) -> None:
        """Raise where the inputs of a scan node do not fit the variables of the body."""
        if len(types) != len(self.variables):
            raise GraphError(
                f"The loop has {len(self.variables)} variables, but {len(types)} inputs are given."
            )
        for each, given in zip(self.variables, types, strict=True):
            shape = (self.length, *each.shape) if each in self.sequences else each.shape
            if given != Type(shape, each.kind):
                raise ShapeError(
                    f"The loop's {each.name!r} needs {each.kind}{format_shape(shape)}, but "
                    f"{given} is given."
                )


Body = Callable[[Sequence[Node], Sequence[Node]], tuple[Sequence[Node], Sequence[Node]]]


def scan(
    body: Body,
    initial: Sequence[Node],
    sequences: Sequence[Node],
    reverse: bool = False,
    length: Dimension | None = None,
) -> list[Node]:
    """Run ``body`` once for each step of the sequences.

    Parameters
    ----------
    body : callable
        Gets the carried values and this step's slices; returns the new carried values and
        the outputs. Whatever else it mentions is a constant of the loop.
    initial : sequence of Node
        The carried values before the first step.
    sequences : sequence of Node
        Arrays whose first axis is time.
    reverse : bool, default=False
        Run from the last step to the first.
    length : int, optional
        The number of steps; needed only without sequences.

    Returns
    -------
    list of Node
        Each output at every step, stacked along a new first axis.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (4,))
    >>> (total,) = cr.scan(lambda c, s: ([c[0] + s[0]], [c[0] + s[0]]), [cr.variable("start")], [x])
    >>> total.shape
    (4,)
    """
    for each in sequences:
        if not each.shape:
            raise ShapeError(f"A sequence needs time as its first axis, but {each!r} has no axis.")
    steps = sequences[0].shape[0] if sequences else length
    if steps is None:
        raise GraphError("A scan without sequences needs its length.")
    if length not in (None, steps):
        raise ShapeError(f"A scan of length {length} was given sequences of length {steps}.")
    carries = tuple(
        private_variable(f"{each.name or 'state'}", each.shape, each.kind) for each in initial
    )
    slices = tuple(
        private_variable(f"{each.name or 'input'}", each.shape[1:], each.kind) for each in sequences
    )
    updates, outputs = body(carries, slices)
    if len(updates) != len(carries):
        raise GraphError(
            f"The body carries {len(carries)} values, but it returns {len(updates)} new ones."
        )
    for carry, update in zip(carries, updates, strict=True):
        if carry.type != update.type:
            raise ShapeError(
                f"A loop's carried value must keep its type: {carry.name!r} starts as "
                f"{carry.type} and becomes {update.type}."
            )
    closed, captured = close_body([*updates, *outputs], carries + slices)
    loop = Loop(
        steps,
        carries,
        tuple(closed[: len(updates)]),
        slices,
        tuple(inner for inner, _ in captured),
        reverse,
    )
    inputs = (*initial, *sequences, *(outer for _, outer in captured))
    return [stack_output(loop, output, inputs) for output in closed[len(updates) :]]


def stack_output(loop: Loop, output: Node, inputs: Sequence[Node]) -> Node:
    """The value of one node of the body at every step, stacked along a new first axis."""
    return make("scan", *inputs, name=None, loop=loop, output=output)


def close_body(
    outputs: Sequence[Node], inside: Sequence[Node]
) -> tuple[list[Node], list[tuple[Node, Node]]]:
    """Cut a body off from the graph around it.

    What does not depend on the variables ``inside`` is computed once, outside the loop: it
    becomes a constant of the loop. Returns the new outputs, and for each constant the
    variable of the body and the node outside that gives its value.
    """
    order = topological_order(outputs)
    inner = dependents(order, inside)
    captured: dict[Node, Node] = {}

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if node in inside or node.operation == "constant":
            return node
        if node in inner:
            return with_inputs(node, inputs)
        if node not in captured:
            captured[node] = private_variable(node.name or "constant", node.shape, node.kind)
        return captured[node]

    new = rebuild(outputs, change)
    closed = [new[node] for node in outputs]
    needed = set(topological_order(closed))
    pairs = [(var, outer) for outer, var in captured.items() if var in needed]
    return closed, pairs
