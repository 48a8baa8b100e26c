"""Graphs as text: one node per line, inputs first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.shape import Size
from chainrule.graph.traversal import topological_order

__all__ = ["canonical", "format_graph"]


def format_graph(outputs: Sequence[Node] | Node) -> str:
    """A graph as text, one node per line.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, y = cr.variable("x"), cr.variable("y")
    >>> print(cr.format_graph((x + y).named("q") * 2))
    %0 = variable() : float()  # x
    %1 = variable() : float()  # y
    %2 = add(%0, %1) : float()  # q
    %3 = constant(value=2.0) : float()
    %4 = multiply(%2, %3) : float()
    return %4
    """
    return "\n".join(_lines([outputs] if isinstance(outputs, Node) else outputs, names=True))


def canonical(inputs: Sequence[Node], outputs: Sequence[Node]) -> str:
    """Text that is equal for two programs exactly when they are the same but for names.

    The order of ``inputs`` counts, and so does which scans share a loop: an engine may look up
    by this text what it made of a program.
    """
    return "\n".join(_lines(outputs, names=False, inputs=inputs))


def _lines(
    outputs: Sequence[Node], names: bool, inputs: Sequence[Node] = (), indent: str = ""
) -> list[str]:
    number: dict[Node, str] = {}
    loops: dict[Loop, int] = {}
    lines: list[str] = []
    for node in [*inputs, *topological_order(outputs, known=set(inputs))]:
        number[node] = f"%{len(number)}"
        loop = node.attributes.get("loop")
        arguments = [number[each] for each in node.inputs]
        if isinstance(loop, Loop):
            body = _lines(
                [*loop.updates, node.attributes["output"]], names, loop.variables, indent + "  "
            )
            kinds = f"{len(loop.carries)},{len(loop.sequences)},{len(loop.constants)}"
            arguments.append(
                f"loop={loops.setdefault(loop, len(loops))}, length={loop.length}, "
                f"reverse={loop.reverse}, variables={kinds}"
            )
        else:
            body = []
            arguments.extend(_attributes(node.attributes))
        call = f"{node.operation}({', '.join(arguments)}) : {node.type}"
        comment = f"  # {node.name}" if names and node.name else ""
        lines += [f"{indent}{number[node]} = {call}{comment}", *body]
    returned = ", ".join(number[node] for node in outputs)
    return [*lines, f"{indent}return {returned}"]


def _attributes(attributes: Mapping[str, Any]) -> list[str]:
    hidden = {"shape", "kind", "scope"}
    return [
        f"{key}={value}" if isinstance(value, Size) else f"{key}={value!r}"
        for key, value in attributes.items()
        if key not in hidden
    ]
