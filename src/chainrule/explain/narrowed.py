"""What is left of a graph of arrays for one of its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.engines.base import Array
from chainrule.graph.node import Node

__all__ = ["Narrowed"]


@dataclass
class Narrowed:
    """A graph in which one entry of one array is free.

    Attributes
    ----------
    output : Node
    target : Node
        The free number.
    given : dict of Node to array
        The value of each variable, that of the target too.
    notes : dict of Node to str
        What a variable stands for that is not an entry of one array.
    definitions : dict of str to str
        Of values of steps that are given, what one of them is: ``a1[1] is x[1]·W1 + b1``.
    n_computed, n_kept : int
        The numbers that the whole graph computes, and those of them that are kept.
    """

    output: Node
    target: Node
    given: dict[Node, Array] = field(default_factory=dict)
    notes: dict[Node, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    n_computed: int = 0
    n_kept: int = 0
