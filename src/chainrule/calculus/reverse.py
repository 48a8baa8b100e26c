"""The reverse driver: the chain rule applied from an output back to its inputs.

It visits each node once, after everything that uses it. What a node's uses send back is
added up here, and what broadcasting stretched is summed back here, so no rule has to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import chainrule.graph.functions as fn
from chainrule.calculus.rules import NOT_DIFFERENTIABLE, RULES
from chainrule.calculus.simplify import simplify
from chainrule.calculus.through_time import backward_scan
from chainrule.errors import GraphError
from chainrule.graph.node import Node, constant
from chainrule.graph.operations import Range
from chainrule.graph.shape import Shape, format_shape
from chainrule.graph.traversal import dependents, topological_order

__all__ = ["gradient", "local_gradients", "pull_back", "unbroadcast"]

Ranges = tuple[Range | None, ...]


def gradient(output: Node, wrt: Sequence[Node]) -> list[Node]:
    """The derivative of a scalar with respect to each of ``wrt``, as graphs.

    Parameters
    ----------
    output : Node
        A scalar: shape ``()``.
    wrt : sequence of Node
        Variables, or any nodes inside the graph.

    Returns
    -------
    list of Node
        One for each of ``wrt``, of the same shape. It is a graph as any other: it can be
        printed, compiled, and differentiated again.

    Raises
    ------
    GraphError
        If ``output`` is not a scalar of kind float, or one of ``wrt`` cannot vary.

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, y = cr.variable("x"), cr.variable("y")
    >>> gx, gy = cr.gradient(x * y, [x, y])
    >>> gx is y, gy is x
    (True, True)
    """
    for node in (output, *wrt):
        if not isinstance(node, Node):
            raise GraphError(f"{node!r} is not a node: make one by variable or parse_formula.")
    if output.shape or output.kind != "float":
        raise GraphError(
            f"Only a single number has a gradient, but this is {output.kind}"
            f"{format_shape(output.shape)}: reduce it with sum() or mean() first."
        )
    for node in wrt:
        if node.kind != "float" or node.operation == "constant":
            raise GraphError(f"{node!r} cannot vary smoothly: give a variable of kind 'float'.")
    bars = pull_back([output], [constant(1.0)], wrt)
    return simplify(
        [
            fn.broadcast_to(0.0, node.shape) if bar is None else bar
            for node, bar in zip(wrt, bars, strict=True)
        ]
    )


def pull_back(
    outputs: Sequence[Node], output_bars: Sequence[Node], wanted: Sequence[Node]
) -> list[Node | None]:
    """The gradient flowing back into each wanted node, given those at ``outputs``.

    None stands for a node that no output depends on.
    """
    order = topological_order(outputs)
    active = dependents(order, wanted)
    parts: dict[Node, list[Node]] = {}
    bars: dict[Node, Node] = {}

    def add(node: Node, bar: Node | None) -> None:
        if bar is not None and node in active:
            part = unbroadcast(bar, node.shape)
            if part.shape != node.shape:
                raise GraphError(f"A gradient of {part.type} flows back into {node!r}.")
            parts.setdefault(node, []).append(part)

    for output, bar in zip(outputs, output_bars, strict=True):
        add(output, bar)
    first_of_loop = _first_of_each_loop(order)
    for node in reversed(order):
        if node in parts:  # every use of it has been seen by now
            bars[node] = _total(parts[node])
        if node.operation == "scan":
            # The last of its loop to be met: the others have their gradients by now.
            if first_of_loop[_loop_key(node)] is node:
                same = [
                    each for each in order if each in bars and _loop_key(each) == _loop_key(node)
                ]
                if same:
                    flowing = [bars[each] for each in same]
                    back = backward_scan(same, flowing, pull_back)
                    for each, bar_or_none in zip(node.inputs, back, strict=True):
                        add(each, bar_or_none)
        elif node in bars and node.inputs:
            for each, bar_or_none in zip(
                node.inputs, local_gradients(node, bars[node]), strict=True
            ):
                add(each, bar_or_none)
    return [bars.get(node) for node in wanted]


def local_gradients(node: Node, out_bar: Node) -> tuple[Node | None, ...]:
    """What the rule of one operation sends back to each input, before unbroadcasting."""
    rule = RULES.get(node.operation)
    if rule is None:
        if node.operation not in NOT_DIFFERENTIABLE:
            raise GraphError(f"There is no derivative rule for {node.operation!r}.")
        return (None,) * len(node.inputs)
    gradients = rule(out_bar, node, *node.inputs)
    if len(gradients) != len(node.inputs):
        raise GraphError(
            f"The rule of {node.operation!r} gave {len(gradients)} gradients for "
            f"{len(node.inputs)} inputs."
        )
    return gradients


def unbroadcast(bar: Node, shape: Shape) -> Node:
    """Sum a gradient over the axes along which its input was stretched."""
    extra = bar.rank - len(shape)
    stretched = [
        axis
        for axis in range(bar.rank)
        if axis < extra or (shape[axis - extra] == 1 and bar.shape[axis] != 1)
    ]
    return fn.reshape(fn.sum(bar, stretched), shape) if stretched else bar


def _total(parts: Sequence[Node]) -> Node:
    """The sum of the gradients that flow back into a value from its uses.

    Parts of the value that were sliced out one beside the other, as gates are, send back
    gradients that stand side by side: nothing is padded with zeros and added.
    """
    cut: dict[Ranges, Node] = {}
    rest: list[Node] = []
    for part in parts:
        if part.operation == "pad":
            ranges, piece = part.attributes["ranges"], part.inputs[0]
            cut[ranges] = cut[ranges] + piece if ranges in cut else piece
        else:
            rest.append(part)
    axis, tiles = _tiles(cut, parts[0].shape)
    if tiles:
        parts = [fn.concatenate([cut[each] for each in tiles], axis), *rest]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _tiles(cut: Iterable[Ranges], shape: Shape) -> tuple[int, list[Ranges]]:
    """The axis along which ranges lie one after another and cover it, and they in this order.

    There is no list where they do not.
    """
    axes = {axis for ranges in cut for axis, bounds in enumerate(ranges) if bounds is not None}
    if len(axes) != 1:
        return 0, []
    (axis,) = axes
    bounds = {ranges: ranges[axis] or (0, None) for ranges in cut}
    if any(stop is None or start < 0 for start, stop in bounds.values()):
        return 0, []
    tiles = sorted(bounds, key=lambda ranges: bounds[ranges][0])
    starts = [bounds[each][0] for each in tiles]
    stops = [bounds[each][1] for each in tiles]
    covers = starts == [0, *stops[:-1]] and stops[-1] == shape[axis]
    return axis, tiles if covers else []


def _loop_key(node: Node) -> tuple[object, ...]:
    return (node.attributes.get("loop"), node.inputs)


def _first_of_each_loop(order: Sequence[Node]) -> dict[tuple[object, ...], Node]:
    first: dict[tuple[object, ...], Node] = {}
    for node in order:
        if node.operation == "scan":
            first.setdefault(_loop_key(node), node)
    return first
