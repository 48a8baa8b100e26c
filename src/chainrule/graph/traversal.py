"""Walks over a graph, without recursion: an unrolled network may be thousands of nodes deep."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from chainrule.graph.node import Node, make

__all__ = ["dependents", "rebuild", "substitute", "topological_order", "variables", "with_inputs"]


def topological_order(outputs: Iterable[Node], known: Container[Node] = ()) -> list[Node]:
    """All nodes that ``outputs`` need, each after its inputs, up to those already ``known``."""
    order: list[Node] = []
    done: set[Node] = set()
    stack = [(node, False) for node in reversed(list(outputs))]
    while stack:
        node, inputs_done = stack.pop()
        if node in done or node in known:
            continue
        if inputs_done:
            done.add(node)
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((each, False) for each in reversed(node.inputs) if each not in done)
    return order


def variables(outputs: Iterable[Node]) -> list[Node]:
    """The variables that ``outputs`` depend on, in the order in which they are met."""
    return [node for node in topological_order(outputs) if node.operation == "variable"]


def dependents(order: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """The nodes of ``order`` (inputs first) that depend on any of ``sources``, these included."""
    found = set(sources)
    for node in order:
        if any(each in found for each in node.inputs):
            found.add(node)
    return found


def rebuild(
    outputs: Iterable[Node],
    change: Callable[[Node, tuple[Node, ...]], Node],
    known: Mapping[Node, Node] | None = None,
) -> dict[Node, Node]:
    """Build a graph anew, inputs first: ``change`` gets each node and its new inputs.

    Returns the new node of each old one; ``known`` gives some of them beforehand.
    """
    new = dict(known or {})
    for node in topological_order(outputs, known=new):
        new[node] = change(node, tuple(new[each] for each in node.inputs))
    return new


def with_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same operation, attributes and name on other inputs."""
    if inputs == node.inputs:
        return node
    return make(node.operation, *inputs, name=node.name, **node.attributes)


def substitute(outputs: Sequence[Node], replacements: Mapping[Node, Node]) -> list[Node]:
    """``outputs`` with some nodes replaced by others."""
    new = rebuild(outputs, with_inputs, known=replacements)
    return [new[node] for node in outputs]
