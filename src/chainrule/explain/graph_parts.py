"""What of a worksheet is drawn: nodes and the lines between them, with all that stands on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from chainrule.explain.array_text import shape_text
from chainrule.explain.equations import Equation, Equations, Side
from chainrule.explain.graph_layers import Layer
from chainrule.explain.graph_layout import depths
from chainrule.explain.graph_signs import ORDERED, sign_of
from chainrule.explain.worksheet import ForwardStep, Value, Worksheet, as_value
from chainrule.notation.formula import Formula, Partial
from chainrule.notation.formula_text import formula_text, is_rounded, number_text

__all__ = ["Edge", "Parts", "Picture", "Vertex"]

_MOST_LEAVES = 24
"""Among layers, so many variables are drawn one by one."""
_FAR = 8
"""A variable is written again rather than led on by so many operations."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A node of the drawing.

    Attributes
    ----------
    symbol : str
    kind : {"operation", "variable", "constant", "layer", "end"}
        An operation is a disc, a layer a box of several operations. An end is where a line
        leaves the drawing, or comes in.
    text : str
        What is written into it: its sign, or its name.
    notes : tuple of str
        What is written in smaller letters: below the disc, or in the box.
    title : str
        What it is, in full.
    again : bool
        Whether this variable is drawn in another place too.
    """

    symbol: str
    kind: Literal["operation", "variable", "constant", "layer", "end"]
    text: str
    notes: tuple[str, ...] = ()
    title: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one vertex to another, by their places, and what is written on it.

    ``order`` is its place among the lines that arrive, where that makes a difference.
    """

    source: int
    target: int
    value: str
    gradient: str
    order: int | None = None


@dataclass(slots=True)
class Picture:
    """All that is drawn; ``homes`` says which vertex stands for a symbol."""

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)

    def add(self, vertex: Vertex) -> int:
        """Add a vertex, and return its place."""
        self.vertices.append(vertex)
        return len(self.vertices) - 1

    def repeat_leaves(self) -> None:
        """Write a variable again near where it is used far from where it was used before."""
        links = [(edge.source, edge.target) for edge in self.edges]
        found = depths(len(self.vertices), links)
        nearest: dict[int, tuple[int, int]] = {}
        for number in sorted(range(len(links)), key=lambda number: found[links[number][1]]):
            edge = self.edges[number]
            vertex, depth = self.vertices[edge.source], found[edge.target]
            if vertex.kind != "variable":
                continue
            place, first = nearest.setdefault(edge.source, (edge.source, depth))
            if depth - first > _FAR:
                place = self.add(replace(vertex, again=True))
                nearest[edge.source] = (place, depth)
            self.edges[number] = replace(edge, source=place)


@dataclass(frozen=True, slots=True)
class _Flow:
    """A value on its way into an operation, and the gradient on its way back, if there is one."""

    symbol: str
    source: int
    target: int
    gradient: Value | None
    order: int | None = None


class Parts:
    """A worksheet, taken apart for drawing.

    Parameters
    ----------
    sheet : Worksheet
    digits : int
        Significant digits of numbers.
    """

    def __init__(self, sheet: Worksheet, digits: int) -> None:
        self.sheet = sheet
        self.digits = digits
        self._values: dict[str, Value] = {each.symbol: each.value for each in sheet.given}
        self._values.update((step.symbol, step.value) for step in sheet.forward)
        self._operations = {step.symbol for step in sheet.forward if step.inputs}
        self._notes = {each.symbol: each.note for each in sheet.given}
        self._backward = {each.symbol: each for each in sheet.backward}
        lines = Equations(sheet, digits).forward(sheet.forward)
        self._lines = {step.symbol: line for step, line in zip(sheet.forward, lines, strict=True)}
        self._users: dict[str, list[ForwardStep]] = defaultdict(list)
        for step in sheet.forward:
            for symbol in dict.fromkeys(each for each in step.inputs if isinstance(each, str)):
                self._users[symbol].append(step)

    def picture(self, layers: Sequence[Layer]) -> Picture:
        """Some steps as they are drawn.

        Parameters
        ----------
        layers : sequence of Layer
            What their steps need of others, and what others need of theirs, stands at the ends
            of lines.
        """
        picture = Picture()
        for place, layer in enumerate(layers):
            picture.homes.update((step.symbol, place) for step in layer.steps)
        inside = set(picture.homes)
        picture.vertices += [self._vertex(layer, inside) for layer in layers]
        steps = [step for layer in layers for step in layer.steps]
        self._add_leaves(picture, steps)
        flows = [flow for step in steps for flow in self._flows_into(picture, step)]
        for symbol in inside if steps else [self.sheet.symbol]:
            flows += self._flows_out(picture, symbol, inside)
        picture.edges += self._edges(picture, flows)
        picture.repeat_leaves()
        return picture

    # --- nodes -----------------------------------------------------------------------------

    def _vertex(self, layer: Layer, inside: set[str]) -> Vertex:
        if len(layer.steps) > 1:
            return self._box(layer)
        (step,) = layer.steps
        if not step.inputs:
            return self._leaf(step.symbol)
        sign, _ = sign_of(step, self.digits)
        # The name of what leaves the drawing stands at the end of its line.
        notes = () if self._leaves(step.symbol, inside) else (step.symbol,)
        return Vertex(step.symbol, "operation", sign, notes, self._title(step.symbol))

    def _leaf(self, symbol: str) -> Vertex:
        kind: Literal["variable", "end"] = "end" if symbol in self._operations else "variable"
        return Vertex(symbol, kind, symbol, title=self._title(symbol))

    def _box(self, layer: Layer) -> Vertex:
        inside = {step.symbol for step in layer.steps}
        leaving = [step for step in layer.steps if self._leaves(step.symbol, inside)]
        shapes = [self._shown(step.value) for step in leaving if isinstance(step.value, np.ndarray)]
        notes = (f"{len(layer.steps):,} operations", *shapes[-1:])
        return Vertex(layer.name, "layer", layer.name, notes, f"{layer.name}: {', '.join(notes)}")

    def _add_leaves(self, picture: Picture, steps: Sequence[ForwardStep]) -> None:
        """The variables, and what other layers hand over.

        Beside layers, variables that one of them alone needs are left to its own drawing where
        there are many, and the others are drawn as one.
        """
        needed: dict[str, set[int]] = defaultdict(set)
        for step in steps:
            for each in step.inputs:
                if isinstance(each, str) and each not in picture.homes:
                    needed[each].add(picture.homes[step.symbol])
        if len(needed) > _MOST_LEAVES and any(each.kind == "layer" for each in picture.vertices):
            for symbol, targets in list(needed.items()):
                if len(targets) == 1 and picture.vertices[min(targets)].kind == "layer":
                    picture.homes[symbol] = min(targets)
                    del needed[symbol]
        if len(needed) > _MOST_LEAVES and any(each.kind == "layer" for each in picture.vertices):
            name = f"{len(needed):,} values"
            place = picture.add(Vertex(name, "layer", name, title=", ".join(needed)))
            picture.homes.update(dict.fromkeys(needed, place))
        else:
            for symbol in needed:
                picture.homes[symbol] = picture.add(self._leaf(symbol))

    # --- lines -----------------------------------------------------------------------------

    def _flows_into(self, picture: Picture, step: ForwardStep) -> list[_Flow]:
        _, folded = sign_of(step, self.digits)
        target = picture.homes[step.symbol]
        alone = picture.vertices[target].kind == "operation"
        flows: list[_Flow] = []
        seen: dict[str, int] = defaultdict(int)
        for order, operand in enumerate(step.inputs):
            place = order if alone and step.node.operation in ORDERED else None
            if isinstance(operand, str):
                gradient = self._contribution(operand, step, seen[operand])
                seen[operand] += 1
                source = picture.homes[operand]
                if source != target:
                    flows.append(_Flow(operand, source, target, gradient, place))
            elif alone and not folded:
                text = self._shown(operand)
                source = picture.add(Vertex(text, "constant", text))
                picture.edges.append(Edge(source, target, text, "", place))
        return flows

    def _contribution(self, symbol: str, step: ForwardStep, use: int) -> Value | None:
        """What a use of a value adds to its gradient; nothing where no gradient flows."""
        backward = self._backward.get(symbol)
        uses = [each for each in backward.uses if each.by == step.symbol] if backward else []
        return uses[use].product if use < len(uses) else None

    def _leaves(self, symbol: str, inside: set[str]) -> bool:
        """Whether a value is needed outside of the drawing."""
        users = self._users[symbol]
        return symbol == self.sheet.symbol or any(user.symbol not in inside for user in users)

    def _flows_out(self, picture: Picture, symbol: str, inside: set[str]) -> list[_Flow]:
        if not self._leaves(symbol, inside):
            return []
        if symbol not in picture.homes:
            picture.homes[symbol] = picture.add(self._leaf(symbol))
        gradient: Value | None = None
        if symbol == self.sheet.symbol:
            gradient = 1.0
        elif symbol in self._backward:
            outside = {each.symbol for each in self._users[symbol]} - inside
            uses = [use for use in self._backward[symbol].uses if use.by in outside]
            gradient = _total(use.product for use in uses)
        end = picture.add(Vertex(symbol, "end", symbol, title=self._title(symbol)))
        return [_Flow(symbol, picture.homes[symbol], end, gradient)]

    def _edges(self, picture: Picture, flows: Sequence[_Flow]) -> list[Edge]:
        """One line for each flow; between layers, one for all."""
        edges = []
        merged: dict[tuple[int, int], list[_Flow]] = defaultdict(list)
        for flow in flows:
            ends = (picture.vertices[flow.source], picture.vertices[flow.target])
            if "layer" in (each.kind for each in ends):
                merged[flow.source, flow.target].append(flow)
            else:
                value = self._shown(self._values[flow.symbol])
                edges.append(
                    Edge(flow.source, flow.target, value, self._shown(flow.gradient), flow.order)
                )
        for (source, target), together in merged.items():
            symbols = {flow.symbol for flow in together}
            if len(symbols) == 1:
                value = self._shown(self._values[together[0].symbol])
                gradient = self._shown(
                    _total(flow.gradient for flow in together if flow.gradient is not None)
                )
            else:
                back = {flow.symbol for flow in together if flow.gradient is not None}
                value, gradient = (
                    f"{len(symbols):,} values",
                    f"{len(back):,} gradients" if back else "",
                )
            edges.append(Edge(source, target, value, gradient))
        return edges

    # --- in words --------------------------------------------------------------------------

    def _shown(self, value: Value | None) -> str:
        """A value as it stands on a line: an array by its shape."""
        if isinstance(value, np.ndarray):
            return shape_text(value.shape)
        if value is None or isinstance(value, bool):
            return "" if value is None else str(value).lower()
        return number_text(value, self.digits)

    def _title(self, symbol: str) -> str:
        if symbol in self._lines:
            lines = self._written(self._lines[symbol])
        else:
            note = self._notes[symbol]
            lines = [f"{symbol} {self._is(self._values[symbol])}", *([note] if note else [])]
        if symbol in self._backward:
            partial = formula_text(Partial(self.sheet.symbol, symbol))
            lines.append(f"{partial} {self._is(self._backward[symbol].gradient)}")
        return "\n".join(lines)

    def _written(self, equation: Equation) -> list[str]:
        left = "" if equation.left is None else formula_text(equation.left, self.digits)
        line = left + "".join(f" {sign} {self._side(side)}" for sign, side in equation.steps)
        return [line, *([equation.note] if equation.note else [])]

    def _side(self, side: Side) -> str:
        return formula_text(side, self.digits) if isinstance(side, Formula) else self._shown(side)

    def _is(self, value: Value) -> str:
        rounded = isinstance(value, float) and is_rounded(value, self.digits)
        return f"{'≈' if rounded else '='} {self._shown(value)}"


def _total(values: Iterable[Value]) -> Value | None:
    """The sum of gradients, or nothing if there are none."""
    together = [np.asarray(value, dtype=np.float64) for value in values]
    return as_value(np.sum(together, axis=0)) if together else None
