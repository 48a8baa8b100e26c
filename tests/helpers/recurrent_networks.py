"""Recurrent networks with random weights, to compare with others' and with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.graph.node import Node, variable
from chainrule.networks.recurrent import RecurrentNetwork

Array = np.ndarray[Any, Any]

CELLS = ("rnn_tanh", "rnn_relu", "lstm", "gru", "gru_reset_before")
ROWS, TIME, FEATURES, UNITS = 3, 6, 2, 4
LENGTHS = np.array([6, 2, 4])
MASK = (np.arange(TIME) < LENGTHS[:, np.newaxis]).astype(np.float64)


@dataclass(frozen=True)
class Case:
    """A network that puts out the states of its top layer, its weights, and what it reads.

    ``shares`` are a weight for each of these states, so that a sum of all depends on each in its
    own way.
    """

    network: RecurrentNetwork
    weights: Mapping[str, Array]
    inputs: Mapping[Node, Array]
    shares: Array

    def part(self, name: str, layer: int, backward: bool) -> Array | None:
        """W, U, b or the cell's own bias (b, n) of one layer in one direction."""
        kind, *own = name.split("_")
        return self.weights.get("_".join([f"{kind}{layer}", *["back"] * backward, *own]))

    def run(
        self,
        outputs: Sequence[Node],
        engine: str = "reference",
        others: Mapping[Node, Array] | None = None,
    ) -> list[Array]:
        """Values of nodes of the network, in double precision; they may depend on others."""
        weights = {node: self.weights[str(node.name)] for node in self.network.parameters}
        arguments = {**self.inputs, **weights, **(others or {})}
        return cr.compile(outputs, list(arguments), engine)(*arguments.values())

    def states(self, engine: str = "reference") -> Array:
        """(time, rows, units)."""
        return self.run([self.network.raw_output()], engine)[0]

    def loss(self) -> Node:
        """Σ shares·states."""
        return cr.sum(cr.transpose(self.network.raw_output(), (1, 0, 2)) * self._shares)

    def gradients(self, engine: str = "reference") -> dict[str, Array]:
        """Of the loss, by the weights of all layers, and by X."""
        wanted = [*self.network.parameters[:-2], self.network.X]
        slopes = cr.gradient(self.loss(), wanted)
        values = self.run(slopes, engine, {self._shares: self.shares})
        return {str(node.name): value for node, value in zip(wanted, values, strict=True)}

    def alone(self, row: int) -> Case:
        """One of the sequences, without its padding."""
        end = LENGTHS[row]
        network = replace(self.network, masked=False)
        X = {network.X: self.inputs[network.X][[row], :end]}
        return replace(self, network=network, inputs=X, shares=self.shares[[row], :end])

    @property
    def _shares(self) -> Node:
        return variable("shares", ("rows", "time", self.network.n_outputs))


def make_case(
    cell: str, layers: int = 1, bidirectional: bool = False, masked: bool = False, seed: int = 0
) -> Case:
    """A small network; its dense layer hands the states on as they are.

    With ``masked`` the sequences have ``LENGTHS``, numbers instead of zeros for padding, and no
    state after their ends counts.
    """
    width = UNITS * (2 if bidirectional else 1)
    network = RecurrentNetwork(
        cell, FEATURES, UNITS, layers, width, bidirectional, "each", masked=masked
    )
    draw = np.random.default_rng(seed)
    weights = {
        str(node.name): 0.6 * draw.normal(size=[int(str(size)) for size in node.shape])
        for node in network.parameters
    }
    weights |= {"V": np.eye(width), "d": np.zeros(width)}
    inputs = {network.X: draw.normal(size=(ROWS, TIME, FEATURES))}
    shares = draw.normal(size=(ROWS, TIME, width))
    if masked:
        inputs[network.mask] = MASK
        shares *= MASK[:, :, np.newaxis]
    return Case(network, weights, inputs, shares)
