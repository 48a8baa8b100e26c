"""The machinery of rewrites: apply them, inputs first, until none of them changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import chainrule.graph.functions as fn
from chainrule.graph.node import Node
from chainrule.graph.traversal import rebuild, with_inputs

__all__ = ["Rewrite", "Trace", "like", "number", "rewrite"]

Rewrite = Callable[[Node], Node | None]
"""Looks at one node whose inputs are simple already; returns a simpler node, or None."""

Trace = Callable[[str, Node, Node], None]
"""Told the name of each rewrite made, the node before and the node after."""


def rewrite(
    outputs: Sequence[Node], rewrites: Mapping[str, Rewrite], trace: Trace | None = None
) -> list[Node]:
    """The outputs after all rewrites that apply."""

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        current = with_inputs(node, inputs)
        for _ in range(20):
            for name, apply in rewrites.items():
                after = apply(current)
                if after is not None and not _same(current, after):
                    if trace is not None:
                        trace(name, current, after)
                    current = after
                    break
            else:
                break
        return current

    new = rebuild(outputs, change)
    return [new[node] for node in outputs]


def _same(before: Node, after: Node) -> bool:
    """Whether a rewrite did nothing, or nothing but lose the name."""
    return after is before or (
        before.name is not None
        and (after.operation, after.inputs) == (before.operation, before.inputs)
        and after.attributes == before.attributes
    )


def number(node: Node) -> float | None:
    """The value of a constant, also one stretched or reshaped."""
    while node.operation in ("broadcast", "reshape"):
        node = node.inputs[0]
    if node.operation == "constant" and node.kind == "float":
        value = node.attributes["value"]
        assert isinstance(value, float)
        return value
    return None


def like(node: Node, replacement: Node) -> Node:
    """The replacement in the shape of the node that it stands for."""
    return fn.broadcast_to(replacement, node.shape)
