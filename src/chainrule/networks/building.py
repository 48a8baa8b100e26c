"""What a network is made of, gathered while its layers are gone through one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable

__all__ = [
    "Activated",
    "Building",
    "Evenly",
    "Filled",
    "Index",
    "Parameter",
    "Statistic",
    "unit_of",
]

Index = tuple[int, ...]

_TAKEN = ("X", "x", "y", "sample_weight", "output", "output_in", "row_loss", "loss", "penalty")
"""Names that networks and their losses have besides those of layers."""


@dataclass(frozen=True)
class Evenly:
    """First values that are drawn evenly from ±bound."""

    bound: float

    def values(
        self, shape: tuple[int, ...], random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> Array:
        return random_state.uniform(-self.bound, self.bound, shape).astype(dtype, copy=False)


@dataclass(frozen=True)
class Filled:
    """First values that are all the same."""

    value: float

    def values(
        self, shape: tuple[int, ...], random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> Array:
        return np.full(shape, self.value, dtype)


@dataclass(frozen=True)
class Parameter:
    """An array that is learned by descent.

    Attributes
    ----------
    node : Node
    first : Evenly or Filled
        Its first values.
    penalised : bool
        Whether a penalty on weights counts it.
    describe : callable
        What the entry at some place is, in words.
    """

    node: Node
    first: Evenly | Filled
    penalised: bool
    describe: Callable[[Index], str]


@dataclass(frozen=True)
class Statistic:
    """An array that follows the rows that are seen, and is no parameter.

    Attributes
    ----------
    node : Node
    first : float
        All its values before the first step.
    after : Node
        Its value after a step of training; itself where nothing is trained.
    """

    node: Node
    first: float
    after: Node


@dataclass(frozen=True)
class Activated:
    """What goes into an activation, what comes out, and which one it is."""

    before: Node
    after: Node
    activation: str


@dataclass
class Building:
    """A network as far as it is built.

    Layers with weights are counted from 1; what stands after one and has none belongs to it. So
    ``W2``, ``b2``, ``h2_in``, ``scale2`` and ``h2_out`` are all of the second.

    Attributes
    ----------
    training : bool
        Whether random draws and the moments of minibatches take part.
    sample_weight : Node or None
        The weight of each row, of which moments of a minibatch make use.
    parameters : list of Parameter
    statistics : list of Statistic
    activated : list of Activated
    hidden : list of Node
        What each layer of the outermost list puts out: (rows, units).
    place : str
        Where in the list of layers the building is, for messages.
    layer : int
        Layers with weights so far.
    source : str
        Where the units before are, in words.
    """

    training: bool = False
    sample_weight: Node | None = None
    parameters: list[Parameter] = field(default_factory=list)
    statistics: list[Statistic] = field(default_factory=list)
    activated: list[Activated] = field(default_factory=list)
    hidden: list[Node] = field(default_factory=list)
    place: str = ""
    layer: int = 0
    source: str = "input"
    _names: set[str] = field(default_factory=lambda: set(_TAKEN))
    _streams: int = 0

    def next_layer(self) -> int:
        """Begin a layer with weights; its number."""
        self.layer += 1
        return self.layer

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        first: Evenly | Filled,
        describe: Callable[[Index], str],
        penalised: bool = False,
    ) -> Node:
        """A new parameter."""
        node = variable(self._unused(name), shape)
        self.parameters.append(Parameter(node, first, penalised, describe))
        return node

    def statistic(self, name: str, shape: tuple[int, ...]) -> Node:
        """The variable of a statistic; ``keep`` says what becomes of it."""
        return variable(self._unused(name), shape)

    def keep(self, node: Node, first: float, after: Node | None = None) -> None:
        """What a statistic starts from, and what it is after a step."""
        self.statistics.append(Statistic(node, first, node if after is None else after))

    def named(self, node: Node, name: str) -> Node:
        """The node under a name that no other node has; a variable keeps its own."""
        return node if node.operation == "variable" else node.named(self._unused(name))

    def activate(self, before: Node, after: Node, activation: str) -> Node:
        """What an activation of the present layer puts out."""
        out = self.named(after, f"h{self.layer}_out")
        # Without an activation, what goes in is what comes out, and has the later name.
        self.activated.append(Activated(out if after is before else before, out, activation))
        return out

    def stream(self) -> int:
        """A stream of random draws that nothing else uses; they are counted from 1."""
        self._streams += 1
        return self._streams

    def pair_of_streams(self) -> int:
        """Half the first of two, as ``normal`` takes it: streams 2·n and 2·n + 1."""
        half = self._streams // 2 + 1
        self._streams = 2 * half + 1
        return half

    def fault(self, layer: object, text: str) -> ValueError:
        """An error that says where in the list the layer is."""
        return ValueError(f"{self.place}, {layer!r}: {text}")

    def _unused(self, name: str) -> str:
        new, number = name, 1
        while new in self._names:
            number += 1
            new = f"{name}_{number}"
        self._names.add(new)
        return new


def unit_of(source: str, place: int) -> str:
    """A unit in words: ``input 3``, or ``unit 3 of hidden layer 1``."""
    return f"{source} {place}" if source in ("input", "output") else f"unit {place} of {source}"
