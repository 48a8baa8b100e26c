"""The checker: does a graph follow the rules of the language?"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from chainrule.errors import GraphError
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import topological_order

__all__ = ["check_graph"]


def check_graph(outputs: Iterable[Node], inputs: Container[Node] | None = None) -> None:
    """Raise GraphError where a graph is not well formed.

    Checked are the operation and its number of inputs, the shape rule against the shape
    stored, that bodies of loops are closed and draw no random numbers, and, where ``inputs``
    are given, that the graph depends on no other variable.
    """
    for node in topological_order(outputs):
        entry = OPERATIONS.get(node.operation)
        if entry is None:
            raise GraphError(f"{node!r} is of no operation in the table.")
        if entry.arity is not None and len(node.inputs) != entry.arity:
            raise GraphError(f"{node!r} has {len(node.inputs)} inputs, not {entry.arity}.")
        inferred = entry.infer([each.type for each in node.inputs], node.attributes)
        if inferred != node.type:
            raise GraphError(f"{node!r} should be {inferred} by its shape rule.")
        if node.operation == "variable" and inputs is not None and node not in inputs:
            raise GraphError(f"The variable {node.name!r} is not among the inputs.")
        if isinstance(loop := node.attributes.get("loop"), Loop):
            _check_body(loop, [*loop.updates, node.attributes["output"]])


def _check_body(loop: Loop, outputs: Sequence[Node]) -> None:
    check_graph(outputs, inputs=loop.variables)
    if len(loop.carries) != len(loop.updates):
        raise GraphError(
            f"A loop carries {len(loop.carries)} values, but has {len(loop.updates)} updates."
        )
    for carry, update in zip(loop.carries, loop.updates, strict=True):
        if carry.type != update.type:
            raise GraphError(f"{carry!r} is carried, but its update is {update.type}.")
    if any(node.operation == "uniform" for node in topological_order(outputs)):
        raise GraphError(
            "The body of a loop cannot draw random numbers: draw them for all steps outside and "
            "pass them as a sequence."
        )
