"""What arrays without a name, and entries of arrays, are called in a narrowed graph."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from chainrule.explain.blocks import block
from chainrule.explain.moving import block_of, moved_from, sizes_of
from chainrule.graph.node import Node
from chainrule.graph.traversal import topological_order
from chainrule.notation.entries import Index, entry_name
from chainrule.notation.formula import Formula, Symbol
from chainrule.notation.formula_text import formula_text
from chainrule.notation.writing import write

__all__ = ["Naming"]


class Naming:
    """Names of arrays and of their entries.

    Parameters
    ----------
    rows : collection of Node
        Arrays whose first axis is a single row, which names leave out.
    """

    def __init__(self, rows: Collection[Node]) -> None:
        self.rows = rows

    def entry(self, node: Node, index: Sequence[int | str]) -> str:
        """An entry, as that of the variable or of the named array that it was moved from."""
        if not any(isinstance(each, str) for each in index):
            node, index = moved_from(node, tuple(map(int, index)))
        name = node.name or self.block(node) or f"({self.formula(node)})"
        return entry_name(name, index, sizes_of(node), node in self.rows)

    def formula(self, node: Node) -> str:
        """An array by its name, or as a formula of arrays that have names."""
        name = node.name or self.block(node)
        return name or formula_text(write(node, self._written([node])))

    def at(self, node: Node, index: Index) -> str:
        """An entry of an array without a name, as a formula of what it is computed from."""
        sizes = sizes_of(node)
        place = [(at, at + 1) if n > 1 else None for at, n in zip(index, sizes, strict=True)]
        part = block(node, place)
        return (
            f"{self.formula(node)}, at one place"
            if part.operation == "slice"
            else self.formula(part)
        )

    def definition(self, node: Node) -> str:
        """What an array that has a name is made of."""
        while node.operation in ("reshape", "slice", "transpose"):
            (node,) = node.inputs
            if node.name:
                return node.name
        return formula_text(write(node, self._written(node.inputs)))

    def _written(self, nodes: Sequence[Node]) -> dict[Node, Formula]:
        order = topological_order(nodes)
        names = ((each, each.name or self.block(each) or self._single(each)) for each in order)
        return {each: Symbol(name) for each, name in names if name}

    def _single(self, node: Node) -> str | None:
        """What an array of one number is called that is an entry of one that has a name."""
        if math.prod(sizes_of(node)) != 1:
            return None
        source, place = moved_from(node, (0,) * node.rank)
        return self.entry(source, place) if source.name else None

    def block(self, node: Node) -> str | None:
        """What an array is called that is a part of a variable: ``U1[:, 4:6]``."""
        found = block_of(node)
        if found is None:
            return None
        source, bounds = found
        sizes = sizes_of(source)
        places = [_place(*each, size) for each, size in zip(bounds, sizes, strict=True)]
        if source in self.rows and sizes[0] == 1:
            places = places[1:]
            while places and places[-1] == ":":
                places.pop()
        inside = ", ".join(places)
        return f"{source.name}[{inside}]" if inside.strip(":, ") else source.name


def _place(start: int, stop: int, size: int) -> str:
    if stop - start == size > 1:
        return ":"
    return str(start) if stop == start + 1 else f"{start}:{stop}"
