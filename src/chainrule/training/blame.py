"""How a value that is not finite came about: the chain of values that led to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.engines.base import Array
from chainrule.engines.reference import evaluate
from chainrule.graph.node import Node, make, private_variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.shape import Size
from chainrule.notation.entries import Index, entry_name
from chainrule.notation.formula import Formula, Number
from chainrule.notation.formula_text import formula_text, number_text
from chainrule.notation.writing import write

__all__ = ["Link", "chain_to", "has_rows", "written_with_numbers"]

_LONGEST = 64
"""Values a chain goes back through at most: a loop of layers may be deep."""


@dataclass(frozen=True)
class Link:
    """One value on the way to the one that is not finite.

    Attributes
    ----------
    node : Node
    index : tuple of int
        Which entry of it.
    value : float
    """

    node: Node
    index: Index
    value: float

    @property
    def symbol(self) -> str:
        """Its name and place; the row goes without saying."""
        places = self.index[1:] if has_rows(self.node) else self.index
        name = self.node.name or self.node.operation
        return entry_name(name, places, places, row=False)

    def __str__(self) -> str:
        value = number_text(self.value)
        if self.node.operation == "variable":
            return f"{self.symbol} = {value}"
        return f"{self.symbol} = {formula_text(write(self.node))} = {value}"


def has_rows(node: Node) -> bool:
    """Whether the first axis of a node is that of the rows of the data."""
    return bool(node.shape) and node.shape[0] == Size(1, ("rows",))


def chain_to(node: Node, index: Index, known: Mapping[Node, Array]) -> list[Link]:
    """The named values that led to one entry, from the data or a parameter on.

    At each operation the entry that weighs most is followed: the largest factor of a product,
    the largest term of a sum.

    Parameters
    ----------
    node : Node
    index : tuple of int
    known : mapping of Node to array
        The values of all that the node is made of.

    Returns
    -------
    list of Link
        Without the entry itself.
    """
    links: list[Link] = []
    for _ in range(_LONGEST * len(OPERATIONS)):
        found = _heaviest(node, index, known)
        if found is None:
            break
        node, index = found
        if node.name is not None:
            links.append(Link(node, index, float(known[node][index])))
            if len(links) == _LONGEST:
                break
    return links[::-1]


def _heaviest(node: Node, index: Index, known: Mapping[Node, Array]) -> tuple[Node, Index] | None:
    """The entry of an input that an entry of a node owes most to."""
    match OPERATIONS[node.operation].family:
        case "elementwise":
            places = [(each, _aligned(index, known[each].shape)) for each in node.inputs]
            chosen = _to_blame(node, [known[each][at] for each, at in places])
            if chosen is not None:
                places = [places[chosen]]
            made = [(each, at) for each, at in places if each.operation != "constant"]
            return max(made, key=lambda pair: _weight(known[pair[0]][pair[1]]), default=None)
        case "reduction":
            return _largest_term(node, index, known[node.inputs[0]])
        case "product" if all(each.rank == 2 for each in node.inputs):
            a, b = node.inputs
            (i, j) = index
            with np.errstate(all="ignore"):
                k = int(np.argmax(_weight(known[a][i] * known[b][:, j])))
            # The way of the data, unless the parameter is what is too large.
            return (b, (k, j)) if _weight(known[b][k, j]) > 1e6 else (a, (i, k))
        case "movement":
            return _before_moving(node, index, known)
    return None


def _to_blame(node: Node, operands: list[Array]) -> int | None:
    """The operand that alone decides what an operation gives; None if all of them do."""
    match node.operation:
        case "select":
            return 1 if operands[0] else 2
        case "minimum":
            return int(operands[1] < operands[0])
        case "maximum":
            return int(operands[1] > operands[0])
        case "divide" if operands[1] == 0:
            return 1
    return None


def _largest_term(node: Node, index: Index, x: Array) -> tuple[Node, Index]:
    axes = node.attributes["axes"]
    places: list[int | slice] = list(index)
    for axis in axes:
        places.insert(axis, slice(None))
    part = x[tuple(places)] if node.operation == "max" else _weight(x[tuple(places)])
    inner = iter(np.unravel_index(int(np.argmax(part)), part.shape))
    own = tuple(int(next(inner)) if isinstance(each, slice) else each for each in places)
    return node.inputs[0], own


def _before_moving(
    node: Node, index: Index, known: Mapping[Node, Array]
) -> tuple[Node, Index] | None:
    """Where an entry was before the operation moved it: entries are numbered and moved."""
    start, starts, numbered = 1, [], {}
    for each in node.inputs:
        size = known[each].size
        numbered[private_variable("moved", each.shape, "float")] = np.arange(
            start, start + size, dtype=np.float64
        ).reshape(known[each].shape)
        starts.append(start)
        start += size
    moved = make(node.operation, *numbered, **node.attributes)
    number = int(dict(evaluate([moved], numbered))[moved][index])
    for each, first in zip(node.inputs, starts, strict=True):
        if first <= number < first + known[each].size:
            place = np.unravel_index(number - first, known[each].shape)
            return each, tuple(int(axis) for axis in place)
    return None


def _aligned(index: Index, shape: tuple[int, ...]) -> Index:
    places = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else place for size, place in zip(shape, places, strict=True))


def _weight(values: Array) -> Array:
    """Magnitudes, with what is not finite above all."""
    return np.where(np.isfinite(values), np.abs(values), math.inf)


def written_with_numbers(node: Node, index: Index, known: Mapping[Node, Array]) -> str:
    """An operation with the numbers that went into one of its entries: ``log(−1)``."""
    if OPERATIONS[node.operation].family != "elementwise":
        sizes = [
            f"{each.name or each.operation} (largest entry {number_text(_largest(known[each]))})"
            for each in node.inputs
            if known[each].size and each.kind == "float"
        ]
        return f"{formula_text(write(node))} of {' and '.join(sizes)}"
    numbers: dict[Node, Formula] = {}
    inputs = []
    for each in node.inputs:
        value = known[each][_aligned(index, known[each].shape)]
        stand_in = private_variable("operand", (), each.kind)
        numbers[stand_in] = Number(float(value))
        inputs.append(stand_in)
    return formula_text(write(make(node.operation, *inputs, **node.attributes), numbers))


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array)))
