"""What of a worksheet is drawn: nodes and the lines between them, with all that stands on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule.explain.array_text import shape_text
from chainrule.explain.equations import Equation, Equations, Side
from chainrule.explain.graph_signs import sign_of
from chainrule.explain.worksheet import ForwardStep, Value, Worksheet
from chainrule.notation.formula import Formula, Partial
from chainrule.notation.formula_text import formula_text, is_rounded, number_text

__all__ = ["Edge", "Layer", "Parts", "Picture", "Vertex", "value_text"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """A node of the drawing.

    Attributes
    ----------
    symbol : str
    kind : {"operation", "variable", "constant", "layer", "outside"}
        An operation is a disc, a layer a box of several operations; what comes from outside of
        a drawing, or goes there, and the result are ends of lines.
    text : str
        What is written into it: its sign, or its name.
    name : str
        What is written below it.
    title : str
        What it is, in full.
    """

    symbol: str
    kind: Literal["operation", "variable", "constant", "layer", "outside"]
    text: str
    name: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one vertex to another, by their places, and what is written on it."""

    source: int
    target: int
    value: str
    gradient: str = ""
    flows: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn."""

    vertices: list[Vertex]
    edges: list[Edge]


@dataclass(frozen=True, slots=True)
class Layer:
    """Steps that are drawn as one."""

    name: str
    steps: tuple[ForwardStep, ...]


def value_text(value: Value, digits: int) -> str:
    """A value as it stands on a line: an array by its shape."""
    if isinstance(value, np.ndarray):
        return shape_text(value.shape)
    return str(value).lower() if isinstance(value, bool) else number_text(value, digits)


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
        self._given = {each.symbol: each for each in sheet.given}
        self._steps = {each.symbol: each for each in sheet.forward}
        self._backward = {each.symbol: each for each in sheet.backward}
        equations = Equations(sheet, digits)
        self._lines = {
            step.symbol: self._text(line)
            for step, line in zip(sheet.forward, equations.forward(sheet.forward), strict=True)
        }

    def picture(self, layers: Sequence[Layer]) -> Picture:
        """Some steps as they are drawn.

        Parameters
        ----------
        layers : sequence of Layer
            A layer of one step is drawn as that step. What their steps need of others, and what
            others need of theirs, stands at the ends of lines.
        """
        vertices: list[Vertex] = []
        homes: dict[str, int] = {}
        for layer in layers:
            homes.update((step.symbol, len(vertices)) for step in layer.steps)
            vertices.append(self._vertex(layer))
        edges: list[Edge] = []
        for layer in layers:
            for step in layer.steps:
                edges += self._edges_into(step, vertices, homes)
        for symbol in [symbol for symbol in homes if symbol in self._steps]:
            edges += self._edges_out(symbol, vertices, homes)
        if not layers:
            vertices.append(self._leaf(self.sheet.symbol))
            vertices.append(Vertex(self.sheet.symbol, "outside", self.sheet.symbol))
            edges.append(Edge(0, 1, self._number(self.sheet.value), "1", True))
        return Picture(vertices, edges)

    def _vertex(self, layer: Layer) -> Vertex:
        if len(layer.steps) > 1:
            return Vertex(layer.name, "layer", layer.name, f"{len(layer.steps)} operations")
        (step,) = layer.steps
        if not step.inputs:
            return self._leaf(step.symbol)
        sign, _ = sign_of(step, self.digits)
        name = "" if step.symbol == self.sheet.symbol else step.symbol
        return Vertex(step.symbol, "operation", sign, name, self._title(step.symbol))

    def _leaf(self, symbol: str) -> Vertex:
        return Vertex(symbol, "variable", symbol, "", self._title(symbol))

    def _edges_into(
        self, step: ForwardStep, vertices: list[Vertex], homes: dict[str, int]
    ) -> Iterator[Edge]:
        """The lines that lead into a step; leaves are added where they are first needed."""
        _, folded = sign_of(step, self.digits)
        target = homes[step.symbol]
        seen: dict[str, int] = {}
        for operand in step.inputs:
            if not isinstance(operand, str):
                if not folded:
                    text = value_text(operand, self.digits)
                    vertices.append(Vertex(text, "constant", text))
                    yield Edge(len(vertices) - 1, target, text)
                continue
            if operand not in homes:
                homes[operand] = len(vertices)
                vertices.append(self._leaf(operand))
            place = seen[operand] = seen.get(operand, -1) + 1
            if homes[operand] != target:
                yield self._edge(homes[operand], target, operand, self._use(operand, step, place))

    def _edges_out(
        self, symbol: str, vertices: list[Vertex], homes: dict[str, int]
    ) -> Iterator[Edge]:
        """The line that leads from the result out of the drawing."""
        if symbol == self.sheet.symbol:
            vertices.append(Vertex(symbol, "outside", symbol))
            yield self._edge(homes[symbol], len(vertices) - 1, symbol, 1.0)

    def _edge(self, source: int, target: int, symbol: str, gradient: Value | None) -> Edge:
        step = self._steps.get(symbol)
        value = self._given[symbol].value if step is None else step.value
        text = "" if gradient is None else value_text(gradient, self.digits)
        return Edge(source, target, value_text(value, self.digits), text, gradient is not None)

    def _use(self, symbol: str, step: ForwardStep, place: int) -> Value | None:
        """What this use of a value adds to its gradient; nothing where no gradient flows."""
        backward = self._backward.get(symbol)
        uses = [each for each in backward.uses if each.by == step.symbol] if backward else []
        return uses[place].product if place < len(uses) else None

    # --- in words --------------------------------------------------------------------------

    def _title(self, symbol: str) -> str:
        if symbol in self._lines:
            lines = [self._lines[symbol]]
        else:
            given = self._given[symbol]
            lines = [f"{symbol} {self._is(given.value)}", *([given.note] if given.note else [])]
        if symbol in self._backward:
            gradient = self._backward[symbol].gradient
            partial = formula_text(Partial(self.sheet.symbol, symbol))
            lines.append(f"{partial} {self._is(gradient)}")
        return "\n".join(lines)

    def _text(self, equation: Equation) -> str:
        left = "" if equation.left is None else formula_text(equation.left, self.digits)
        line = left + "".join(f" {sign} {self._side(side)}" for sign, side in equation.steps)
        return f"{line}\n{equation.note}" if equation.note else line

    def _side(self, side: Side) -> str:
        if isinstance(side, Formula):
            return formula_text(side, self.digits)
        return value_text(side, self.digits)

    def _is(self, value: Value) -> str:
        rounded = isinstance(value, float) and is_rounded(value, self.digits)
        return f"{'≈' if rounded else '='} {value_text(value, self.digits)}"

    def _number(self, value: float) -> str:
        return number_text(value, self.digits)


def single_layers(steps: Iterable[ForwardStep]) -> list[Layer]:
    """Each step on its own."""
    return [Layer(step.symbol, (step,)) for step in steps]
