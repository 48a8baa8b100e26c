"""A graph of arrays narrowed to one number: only what that number changes stays in it.

Of an array of which the number changes a few entries, these stand on their own, as numbers of
names such as ``h2_in[1]``; of one that it changes in many entries, the array stands as it is.
All else is given: single entries under their names, and sums over many as a rest.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.engines.reference import evaluate
from chainrule.explain.blocks import cuts
from chainrule.explain.counting import counted
from chainrule.explain.moving import is_nothing, moved_from, sizes_of
from chainrule.explain.naming import Naming
from chainrule.explain.narrowed import Narrowed
from chainrule.explain.symbols import free_stem, numbered, stems_of
from chainrule.graph.node import Node, constant, make, private_variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import dependents, topological_order
from chainrule.notation.entries import Index

__all__ = ["narrow"]

_MOST_ENTRIES = 4
"""So many entries of an array, or of each of its gates, are written one by one."""

Entries = dict[Index, Node]
"""The entries of an array that the number changes, each as a number of its own."""

Place = Entries | Node


def narrow(
    output: Node, target: Node, index: Index, given: Mapping[Node, Array], rows: Sequence[Node] = ()
) -> Narrowed:
    """Narrow a graph to what one entry of one of its arrays changes.

    Parameters
    ----------
    output : Node
        A single number. All shapes are known: nothing is symbolic.
    target : Node
        A variable, or an array on the way to the output.
    index : tuple of int
        The entry of it.
    given : mapping of Node to array
        The value of each variable.
    rows : sequence of Node, optional
        Variables whose first axis is a single row, which their names leave out, as do those of
        all that is computed from them.

    Returns
    -------
    Narrowed
        Its output has the value and, by its target, the derivative of the whole graph, as long
        as no other entry of the target is changed.
    """
    return _Narrowing(output, target, index, given, rows).result()


class _Narrowing:
    def __init__(
        self,
        output: Node,
        target: Node,
        index: Index,
        given: Mapping[Node, Array],
        rows: Sequence[Node],
    ) -> None:
        self.output, self.target, self.index = output, target, index
        self.order = topological_order([output])
        self.values = dict(evaluate([output], given))
        self.naming = Naming(dependents(self.order, rows))
        self.cuts = cuts(self.order)
        self.places: dict[Node, Place] = {}
        self.known: dict[tuple[Node, object], Node] = {}
        self.rests = numbered("rest")
        stems = stems_of(node.name for node in self.order if node.name)
        self.constants = numbered(free_stem("ckqpsu", stems))
        self.units = numbered(free_stem("evw", stems))
        free = private_variable(self.naming.entry(target, index), (), "float")
        self.narrowed = Narrowed(output, free)
        self._give(free, self.values[target][index])
        self.places[target] = {index: free}

    def result(self) -> Narrowed:
        """Narrow the nodes one by one, inputs first."""
        for node in _order_of_flow(self.output):
            if node in self.places or node.operation == "stop_gradient":
                continue
            if any(each in self.places for each in node.inputs):
                place = self._named(node, self._narrow(node))
                if place != {}:  # a slice may leave out all that is changed
                    self.places[node] = place
        narrowed = self.narrowed
        narrowed.output = self._entry(self.output, ())
        families = {node: OPERATIONS[node.operation].family for node in self.order}
        computed = [node for node in self.order if families[node] not in ("leaf", "movement")]
        narrowed.n_computed = sum(self.values[node].size for node in computed)
        kept = (self.places[node] for node in computed if node in self.places)
        narrowed.n_kept = sum(
            len(each) if isinstance(each, dict) else math.prod(sizes_of(each)) for each in kept
        )
        used = set(topological_order([narrowed.output]))
        narrowed.given = {
            node: value
            for node, value in narrowed.given.items()
            if node in used or node is narrowed.target
        }
        return narrowed

    # --- one node --------------------------------------------------------------------------

    def _narrow(self, node: Node) -> Place:
        family = OPERATIONS[node.operation].family
        places = [self.places.get(each) for each in node.inputs]
        if not any(isinstance(each, Node) for each in places):
            rules = {"elementwise": self._elementwise, "movement": self._movement}
            rule = rules.get(family)
            if node.operation in ("sum", "max"):
                rule = self._reduction
            elif node.operation == "matmul":
                rule = self._product
            entries = rule(node) if rule else None
            if entries is not None:
                return entries
        if node.operation == "matmul" and isinstance(places[0], Node) and places[1] is None:
            return self._columns(node, places[0])
        return self._whole(node)

    def _elementwise(self, node: Node) -> Entries | None:
        changed = np.zeros(sizes_of(node), bool)
        for each in node.inputs:
            if each in self.places:
                changed |= np.broadcast_to(self._mask(each), changed.shape)
        if self._are_many(node, changed):
            return None
        return {
            index: make(
                node.operation,
                *(self._entry(each, index) for each in node.inputs),
                **node.attributes,
            )
            for index in _true(changed)
        }

    def _movement(self, node: Node) -> Entries | None:
        """Follow the entries by their numbers, moved as the operation moves values."""
        numbered: dict[Node, Array] = {}
        scalars: list[Node] = []
        stand_ins = {each: private_variable("moved", each.shape, "float") for each in node.inputs}
        for each, stand_in in stand_ins.items():
            labels = np.zeros(sizes_of(each))
            place = self.places.get(each, {})
            assert isinstance(place, dict)
            for index, scalar in place.items():
                scalars.append(scalar)
                labels[index] = len(scalars)
            numbered[stand_in] = labels
        moved = make(node.operation, *(stand_ins[each] for each in node.inputs), **node.attributes)
        labels = dict(evaluate([moved], numbered))[moved]
        if self._are_many(node, labels):
            return None
        return {index: scalars[int(labels[index]) - 1] for index in _true(labels != 0)}

    def _reduction(self, node: Node) -> Entries | None:
        (x,) = node.inputs
        axes = node.attributes["axes"]
        mask = self._mask(x)
        changed = np.any(mask, axis=axes)
        if self._are_many(node, changed):
            return None
        result: Entries = {}
        largest = node.operation == "max"
        if largest and self._has_ties(x, axes):
            return None  # which share the gradient
        for index in _true(changed):
            inside = np.zeros(mask.shape, bool)
            place: list[int | slice] = list(index)
            for axis in axes:
                place.insert(axis, slice(None))
            inside[tuple(place)] = True
            parts = [self._entry(x, each) for each in _true(inside & mask)]
            others = inside & ~mask
            if others.any():
                among = self.values[x][others]
                what = "largest" if largest else "sum"
                note = f"the {what} of the other {len(among):,} of {self.naming.formula(x)}"
                parts.append(self._rest(among.max() if largest else among.sum(), note))
            result[index] = functools.reduce(fn.maximum if largest else operator.add, parts)
        return result

    def _has_ties(self, x: Node, axes: tuple[int, ...]) -> bool:
        values = self.values[x]
        highest = values == values.max(axis=axes, keepdims=True)
        return bool(np.any(highest.sum(axis=axes) > 1))

    def _product(self, node: Node) -> Entries | None:
        """Entries of a product of matrices: the products that are changed, and the rest."""
        a, b = node.inputs
        if a.rank != 2 or b.rank != 2:
            return None
        left, right = self._mask(a), self._mask(b)
        changed = np.any(left, 1)[:, None] | np.any(right, 0)[None, :]
        if self._are_many(node, changed):
            return None
        x, y = self.values[a], self.values[b]
        result: Entries = {}
        for i, j in _true(changed):
            own = left[i] | right[:, j]
            terms = [self._entry(a, (i, k)) * self._entry(b, (k, j)) for (k,) in _true(own)]
            if not own.all():
                value = np.sum(x[i, ~own] * y[~own, j])
                others = [k for (k,) in _true(~own)]
                k = others[0] if len(others) == 1 else "k"
                note = f"{self.naming.entry(a, (i, k))}·{self.naming.entry(b, (k, j))}"
                if len(others) > 1:
                    note = f"Σ {note} over the other {len(others):,} k"
                terms.append(self._rest(value, note))
            result[i, j] = functools.reduce(operator.add, terms)
        return result

    def _columns(self, node: Node, whole: Node) -> Place:
        """A product of a whole matrix: column by column if there are few."""
        b = node.inputs[1]
        sizes = sizes_of(node)
        if math.prod(sizes) > _MOST_ENTRIES or len(sizes) != 2 or sizes[0] != 1:
            return self._whole(node)
        result: Entries = {}
        for j in range(sizes[1]):
            column = self._array(
                b,
                self.values[b][:, [j]],
                self.naming.entry(b, (":", j)) if sizes[1] > 1 else b.name,
            )
            result[0, j] = fn.reshape(whole @ column, ())
        return result

    def _whole(self, node: Node) -> Place:
        """The operation on whole arrays."""
        first = self.places.get(node.inputs[0])
        if (
            node.operation == "matmul"
            and isinstance(first, dict)
            and node.inputs[1] not in self.places
            and sizes_of(node)[:-1] == (1,)
        ):
            return self._scaled_rows(node, first)
        spreads = OPERATIONS[node.operation].family == "elementwise"
        inputs = [
            # Arithmetic spreads a single number over an array.
            self._entry(each, ())
            if spreads and each not in self.places and math.prod(sizes_of(each)) == 1
            else self._array_place(each)
            for each in node.inputs
        ]
        if node.operation == "sum" and math.prod(sizes_of(node)) == 1:
            return {(0,) * node.rank: fn.sum(inputs[0])}
        whole = make(node.operation, *inputs, **node.attributes)
        if math.prod(sizes_of(node)) == 1:
            return {(0,) * node.rank: fn.reshape(whole, ())}
        return whole

    def _scaled_rows(self, node: Node, entries: Entries) -> Node:
        """Numbers times their rows of a matrix, and the rest."""
        a, b = node.inputs
        taken = [k for _, k in entries]
        rows = (
            scalar * self._array(b, self.values[b][[k]], self.naming.entry(b, (k, ":")))
            for (_, k), scalar in entries.items()
        )
        scaled = functools.reduce(operator.add, rows)
        n_others = sizes_of(a)[1] - len(taken)
        if not n_others:
            return scaled
        rest = self.values[node] - self.values[a][:, taken] @ self.values[b][taken]
        others = counted(n_others, "row")
        note = f"the other {others} of {self.naming.formula(b)}, each times its number"
        return scaled + self._rest(rest, note)

    # --- what is given ---------------------------------------------------------------------

    def _entry(self, node: Node, index: Index) -> Node:
        """An entry, at its own place or at that of a larger array that it is spread over."""
        sizes = sizes_of(node)
        places = index[len(index) - len(sizes) :] if len(sizes) <= len(index) else (0,) * len(sizes)
        own = tuple(0 if size == 1 else place for size, place in zip(sizes, places, strict=True))
        place = self.places.get(node)
        if isinstance(place, dict) and own in place:
            return place[own]
        if node.operation == "constant":
            return node
        if is_nothing(node):
            return constant(0.0)
        source, there = moved_from(node, own)
        if source is not node:
            return self._entry(source, there)
        if (node, own) not in self.known:
            name, note = self.naming.entry(node, own), ""
            if node.name is None:
                name, note = next(self.constants), self.naming.at(node, own)
                note += ", held constant" if node.operation == "stop_gradient" else ""
            elif node.name.endswith("]") and node.inputs:
                stem = node.name.partition("[")[0]
                self.narrowed.definitions[stem] = f"{node.name} is {self.naming.definition(node)}"
            variable = private_variable(name, (), node.kind)
            self._give(variable, self.values[node][own], note)
            self.known[node, own] = variable
        return self.known[node, own]

    def _array_place(self, node: Node) -> Node:
        """A whole array, whatever of it is changed."""
        place = self.places.get(node)
        if isinstance(place, Node):
            return place
        if node.operation == "constant":
            return node
        if place is None or node.kind != "float":  # no gradient flows through a condition
            return self._array(node, self.values[node], node.name or self.naming.block(node))
        (shape, value), mask = (node.shape, self.values[node]), self._mask(node)
        lifted = self._rest(np.where(mask, 0.0, value), f"{self.naming.formula(node)} elsewhere")
        for index, scalar in place.items():
            unit = np.zeros(value.shape)
            unit[index] = 1.0
            base = private_variable(next(self.units), shape, "float")
            self._give(base, unit, "1 at this place, 0 elsewhere")
            lifted = lifted + scalar * base
        return lifted

    def _array(self, node: Node, value: Array, name: str | None) -> Node:
        key = node, (value.shape, name)
        if key not in self.known:
            note = "" if name else self.naming.formula(node)
            name = name or next(self.constants)
            self.known[key] = private_variable(name, value.shape, node.kind)
            self._give(self.known[key], value, note)
        return self.known[key]

    def _rest(self, value: npt.ArrayLike, note: str) -> Node:
        variable = private_variable(next(self.rests), np.shape(value), "float")
        self._give(variable, value, note)
        return variable

    def _give(self, variable: Node, value: npt.ArrayLike, note: str = "") -> None:
        self.narrowed.given[variable] = np.asarray(value)
        if note:
            self.narrowed.notes[variable] = note

    # --- names -----------------------------------------------------------------------------

    def _named(self, node: Node, place: Place) -> Place:
        if node.name is None:
            return place
        if isinstance(place, Node):
            return place.named(node.name)
        return {
            # An entry that was only moved has a name already.
            index: each
            if each.operation == "variable"
            else each.named(self.naming.entry(node, index))
            for index, each in place.items()
        }

    def _are_many(self, node: Node, changed: Array) -> bool:
        return int(np.count_nonzero(changed)) > _MOST_ENTRIES * self.cuts[node]

    def _mask(self, node: Node) -> Array:
        mask = np.zeros(sizes_of(node), bool)
        place = self.places.get(node, {})
        assert isinstance(place, dict)
        for index in place:
            mask[index] = True
        return mask


def _true(mask: Array) -> Iterator[Index]:
    """The places where a mask holds."""
    return (tuple(map(int, place)) for place in np.argwhere(mask))


def _order_of_flow(output: Node) -> list[Node]:
    """All nodes from which something flows to the output, inputs first.

    What a stopped gradient is made of is none of them: it is as good as given.
    """
    ends = [node for node in topological_order([output]) if node.operation == "stop_gradient"]
    return [*ends, *topological_order([output], known=set(ends))]
