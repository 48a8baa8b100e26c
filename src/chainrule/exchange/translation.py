"""From a graph of the language to a graph of ONNX: a walk, inputs first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.exchange.builder import GraphBuilder
from chainrule.exchange.operators import OPERATORS, REFUSED
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.traversal import topological_order

__all__ = ["translate"]


def translate(
    builder: GraphBuilder, outputs: Sequence[Node], known: Mapping[Node, str]
) -> list[str]:
    """Add what computes some nodes.

    Parameters
    ----------
    builder : GraphBuilder
    outputs : sequence of Node
    known : mapping of Node to str
        The names of values that are there already: those of all variables, and any others.

    Returns
    -------
    list of str
        The names of the outputs.

    Raises
    ------
    GraphError
        If ONNX has nothing for an operation, or a variable has no value.
    """
    values = dict(known)
    order = topological_order(outputs, known=values)
    loops = _loops(order)
    for node in order:
        if node in values:
            continue
        if node.operation in REFUSED:
            raise GraphError(
                f"{node.operation!r}, which computes {_described(node)}, cannot be written as "
                f"ONNX: {REFUSED[node.operation]}. Leave it out of what is exported."
            )
        if node.operation == "variable":
            raise GraphError(f"The variable {node.name!r} has no value in the ONNX graph.")
        if node.operation == "scan":
            stacked = loops[_key(node)]
            values.update(_scan(builder, stacked, [values[each] for each in node.inputs]))
        else:
            inputs = [values[each] for each in node.inputs]
            values[node] = OPERATORS[node.operation](builder, node, *inputs)
    return [values[node] for node in outputs]


def _described(node: Node) -> str:
    return repr(node.name) if node.name else f"a value of shape {node.type}"


def _key(node: Node) -> tuple[Loop, tuple[Node, ...]]:
    return node.attributes["loop"], node.inputs


def _loops(order: Iterable[Node]) -> dict[tuple[Loop, tuple[Node, ...]], list[Node]]:
    """The scans of each loop: they run as one."""
    found: dict[tuple[Loop, tuple[Node, ...]], list[Node]] = {}
    for node in order:
        if node.operation == "scan":
            found.setdefault(_key(node), []).append(node)
    return found


def _scan(builder: GraphBuilder, stacked: Sequence[Node], inputs: Sequence[str]) -> dict[Node, str]:
    """One ONNX Scan for all that a loop stacks; what is the same at each step is read from it."""
    loop: Loop = stacked[0].attributes["loop"]
    n_carried, n_read = len(loop.carries), len(loop.carries) + len(loop.sequences)
    body = builder.body()
    inner = {
        each: body.variable(each.name or each.operation, body.element_type(each.kind), each.shape)
        for each in (*loop.carries, *loop.sequences)
    }
    inner.update(zip(loop.constants, inputs[n_read:], strict=True))
    given = list(inputs[:n_read])
    if not loop.sequences:
        given.append(_steps(builder, body, loop))
    wanted = [*loop.updates, *(each.attributes["output"] for each in stacked)]
    for each, value in zip(wanted, translate(body, wanted, inner), strict=True):
        name = body.fresh(f"{each.name or each.operation}_out")
        body.output(name, value, body.element_type(each.kind), each.shape)
    direction = int(loop.reverse)
    n_sequences = len(given) - n_carried
    names = builder.add_many(
        "Scan",
        given,
        [
            *(f"{each.name or each.operation}_last" for each in loop.carries),
            *(each.name or "steps" for each in stacked),
        ],
        body=body.graph("step"),
        num_scan_inputs=n_sequences,
        scan_input_directions=[direction] * n_sequences,
        scan_output_directions=[direction] * len(stacked),
    )
    return dict(zip(stacked, names[n_carried:], strict=True))


def _steps(builder: GraphBuilder, body: GraphBuilder, loop: Loop) -> Any:
    """A sequence for a loop that has none: ONNX counts the steps of a Scan by one."""
    body.variable("step", body.element_type("float"), ())
    return builder.add("Expand", builder.constant(0.0), builder.size(loop.length))
