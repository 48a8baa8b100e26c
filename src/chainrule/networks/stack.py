"""Layers one after another, and an output layer: a description that becomes a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable
from chainrule.graph.shape import format_shape
from chainrule.networks.activations import OUTPUT_ACTIVATIONS
from chainrule.networks.building import Building
from chainrule.networks.layer_kind import LayerKind, width_of
from chainrule.networks.plain_layers import glorot_factor, weighted_sums

__all__ = ["BuiltStack", "Stack"]


@dataclass(frozen=True)
class BuiltStack:
    """The graph of a stack.

    Attributes
    ----------
    raw_output : Node
        The output layer before its activation: (rows, outputs).
    hidden : tuple of Node
        What each of the layers puts out: (rows, units).
    learned : tuple of tuple of Node
        The parameters of each of the layers, and of the output layer.
    building : Building
        What there is to be learned, and what is known of each part.
    """

    raw_output: Node
    hidden: tuple[Node, ...]
    learned: tuple[tuple[Node, ...], ...]
    building: Building

    @property
    def statistics(self) -> dict[Node, Node]:
        """The variables of what follows the rows that are seen; the value of each after a step."""
        return {each.node: each.after for each in self.building.statistics}

    @property
    def numbers_per_row(self) -> int:
        """About how many numbers are computed for a row."""
        return sum(map(width_of, (*self.hidden, self.raw_output)))


@dataclass(frozen=True)
class Stack:
    """Layers, each reading what the one before puts out, and a dense layer that makes outputs.

    Parameters
    ----------
    n_features : int
    layers : tuple of LayerKind
    n_outputs : int
    output_activation : str, default="identity"
        What makes predictions of the raw outputs; a key of ``OUTPUT_ACTIVATIONS``.

    Examples
    --------
    >>> from chainrule.networks.norm_layers import LayerNorm
    >>> from chainrule.networks.plain_layers import Activation, Dense
    >>> stack = Stack(4, (Dense(8), LayerNorm(), Activation("relu")), 3, "softmax")
    >>> [each.name for each in stack.parameters]
    ['W1', 'b1', 'scale1', 'shift1', 'W2', 'b2']
    """

    n_features: int
    layers: tuple[LayerKind, ...]
    n_outputs: int
    output_activation: str = "identity"

    def __str__(self) -> str:
        """What it reads, how many layers it has, and what it gives."""
        return f"{self.n_features} → {len(self.layers)} layer(s) → {self.n_outputs}"

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return variable("X", ("rows", self.n_features))

    @property
    def stack(self) -> Stack:
        """Itself, as of any network that is one."""
        return self

    @property
    def all_layers(self) -> Iterator[tuple[str, LayerKind]]:
        """Each layer, those inside of others included, with its place in the list."""
        yield from _with_places(self.layers, "layers")

    @property
    def parameters(self) -> tuple[Node, ...]:
        """What is learned by descent."""
        return tuple(each.node for each in self.built().building.parameters)

    @property
    def weights(self) -> tuple[Node, ...]:
        """The parameters that a penalty counts."""
        return tuple(each.node for each in self.built().building.parameters if each.penalised)

    @property
    def statistics(self) -> tuple[Node, ...]:
        """The variables of what follows the rows that are seen, and is not descended."""
        return tuple(self.built().statistics)

    def built(
        self, X: Node | None = None, training: bool = False, sample_weight: Node | None = None
    ) -> BuiltStack:
        """Build the graph.

        Parameters
        ----------
        X : Node, optional
            (rows, features); ``self.X`` by default.
        training : bool, default=False
            Whether random draws, and the moments of the minibatch, take part.
        sample_weight : Node, optional
            The weight of each row, for these moments: (rows,).

        Raises
        ------
        ValueError
            If the layers do not fit together: the message says which one, and how to mend it.
        """
        building = Building(training, sample_weight)
        x = self.X if X is None else X
        hidden: list[Node] = []
        ends = [0]
        for place, layer in enumerate(self.layers):
            building.place = f"layers[{place}]"
            x = layer.apply(x, building)
            hidden.append(x)
            ends.append(len(building.parameters))
        building.next_layer()
        last = building.activated[-1].activation if building.activated else None
        out = weighted_sums(x, self.n_outputs, building, "output", glorot_factor(last))
        name = "output" if self.output_activation == "identity" else "output_in"
        nodes = tuple(each.node for each in building.parameters)
        learned = tuple(nodes[start:end] for start, end in pairwise([*ends, len(nodes)]))
        return BuiltStack(out.named(name), tuple(hidden), learned, building)

    def raw_output(self, X: Node) -> Node:
        """The output layer before its activation, as predictions are made: (rows, outputs)."""
        return self.built(X).raw_output

    def prediction(self, raw_output: Node) -> Node:
        """The activated outputs: values, counts or probabilities."""
        if self.output_activation == "identity":
            return raw_output
        return OUTPUT_ACTIVATIONS[self.output_activation](raw_output).named("output")

    def first_values(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> list[Array]:
        """The parameters, drawn in their order, and the statistics, before the first step."""
        building = self.built().building
        parameters = [
            each.first.values(_sizes(each.node), random_state, dtype)
            for each in building.parameters
        ]
        statistics = [np.full(_sizes(each.node), each.first, dtype) for each in building.statistics]
        return parameters + statistics

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is.

        Examples
        --------
        >>> from chainrule.networks.plain_layers import Dense
        >>> Stack(4, (Dense(10, "relu"),), 3).describe("W2", (3, 1))
        'the weight from unit 3 of hidden layer 1 to output 1'
        """
        (found,) = (each for each in self.built().building.parameters if each.node.name == name)
        return found.describe(index)

    def summary(self) -> str:
        """A table: for each layer its units, and the arrays that it learns.

        Examples
        --------
        >>> from chainrule.networks.norm_layers import BatchNorm
        >>> from chainrule.networks.plain_layers import Activation, Dense, Dropout
        >>> layers = (Dense(64), BatchNorm(), Activation("relu"), Dropout(0.2))
        >>> print(Stack(4, layers, 3, "softmax").summary())
            layer               units  numbers  learned
            4 inputs                4
         0  Dense(64)              64      320  W1 (4, 64), b1 (64,)
         1  BatchNorm()            64      128  scale1 (64,), shift1 (64,)
         2  Activation('relu')     64
         3  Dropout(0.2)           64
            output, softmax         3      195  W2 (64, 3), b2 (3,)
                                          643  learned by descent
        """
        built = self.built()
        labels = [f"{self.n_features} inputs", *map(repr, self.layers), self._output_label]
        widths = [self.n_features, *map(width_of, built.hidden), self.n_outputs]
        learned = [(), *built.learned]
        places = ["", *map(str, range(len(self.layers))), ""]
        wide = max(map(len, labels))
        lines = [f"    {'layer':{wide}}  units  numbers  learned"]
        for place, label, units, nodes in zip(places, labels, widths, learned, strict=True):
            count = sum(_count(node) for node in nodes)
            names = ", ".join(f"{node.name} {format_shape(node.shape)}" for node in nodes)
            numbers = f"{count:,}" if nodes else ""
            lines.append(f"{place:>2}  {label:{wide}}  {units:5}  {numbers:>7}  {names}".rstrip())
        total = sum(map(_count, self.parameters))
        lines.append(f"    {'':{wide}}  {'':5}  {total:7,}  learned by descent")
        return "\n".join(lines)

    @property
    def _output_label(self) -> str:
        plain = self.output_activation == "identity"
        return "output" if plain else f"output, {self.output_activation}"


def _with_places(layers: Sequence[LayerKind], where: str) -> Iterator[tuple[str, LayerKind]]:
    for place, layer in enumerate(layers):
        yield f"{where}[{place}]", layer
        yield from _with_places(layer.inside, f"{where}[{place}].layers")


def _sizes(node: Node) -> tuple[int, ...]:
    return tuple(int(size) for size in node.shape)  # type: ignore[arg-type]


def _count(node: Node) -> int:
    return int(np.prod(_sizes(node)))
