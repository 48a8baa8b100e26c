"""Recurrent networks: stacked layers of cells over time, a description that becomes a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, variable
from chainrule.graph.shape import multiply
from chainrule.networks.activations import OUTPUT_ACTIVATIONS
from chainrule.networks.cells import CELLS, Cell
from chainrule.networks.initialisers import glorot_uniform, orthogonal
from chainrule.networks.layers import dropout
from chainrule.networks.losses import Loss

__all__ = ["Pooling", "RecurrentNetwork"]

Pooling = Literal["last", "mean", "max", "each"]

_FAR_BELOW = -1e30
"""What stands for a step that is padding, where the largest value is looked for."""


@dataclass(frozen=True)
class RecurrentNetwork:
    """Layers of recurrent cells, and a dense layer on what they put out.

    Layer k has the input weights ``Wk``, the recurrent weights ``Uk`` and the biases ``bk`` of
    all its gates side by side, and ``bk_n`` where the cell has a bias of its own; backward in
    time, their names end in ``_back``. Its states are ``hk``, and the gates have their letters.
    The dense layer is ``V`` and ``d``.

    Parameters
    ----------
    cell : str
        A key of ``CELLS``.
    n_features, hidden_size, num_layers, n_outputs : int
    bidirectional : bool
        Whether a second row of cells runs through each sequence from its end.
    pooling : {"last", "mean", "max", "each"}
        What the dense layer is given: the state after the last step, the mean or the largest
        over the steps, or each step's.
    output_activation : str
        A key of ``OUTPUT_ACTIVATIONS``.
    dropout : float
        The share of states that are set to 0 between layers, and before the dense one.
    masked : bool
        Whether sequences are padded at their end, and ``mask`` says where.
    carried_in : bool
        Whether the states before the first step are given.

    Examples
    --------
    >>> network = RecurrentNetwork("lstm", 3, 8, 1, 2)
    >>> [each.name for each in network.parameters]
    ['W1', 'U1', 'b1', 'V', 'd']
    >>> network.raw_output().shape
    (Size(coefficient=1, symbols=('rows',)), 2)
    """

    cell: str
    n_features: int
    hidden_size: int
    num_layers: int
    n_outputs: int
    bidirectional: bool = False
    pooling: Pooling = "last"
    output_activation: str = "identity"
    dropout: float = 0.0
    masked: bool = False
    carried_in: bool = False

    @property
    def X(self) -> Node:
        """The sequences: (rows, time, features)."""
        return variable("X", ("rows", "time", self.n_features))

    @property
    def mask(self) -> Node:
        """1 at the steps of each sequence, 0 at those that are padding: (rows, time)."""
        return variable("mask", ("rows", "time"))

    @property
    def start(self) -> tuple[Node, ...]:
        """The states before the first step, each (rows, units), layer by layer."""
        if not self.carried_in:
            return ()
        return tuple(
            variable(f"{name}{k}_start", ("rows", self.hidden_size))
            for k in range(1, self.num_layers + 1)
            for name in ("h", "c")[: self._cell.n_carried]
        )

    @property
    def inputs(self) -> tuple[Node, ...]:
        """All that is read from the data."""
        return (self.X, *((self.mask,) if self.masked else ()), *self.start)

    @property
    def weights(self) -> tuple[Node, ...]:
        """All matrices, in the order of the parameters."""
        return tuple(each for each in self.parameters if each.rank == 2)

    @property
    def parameters(self) -> tuple[Node, ...]:
        """For each layer and direction W, U, b and what the cell has besides; then V and d."""
        wide = len(self._cell.gates) * self.hidden_size
        nodes: list[Node] = []
        for k in range(1, self.num_layers + 1):
            below = self.n_features if k == 1 else self.state_size
            for suffix in self._suffixes(k):
                nodes.append(variable(f"W{suffix}", (below, wide)))
                nodes.append(variable(f"U{suffix}", (self.hidden_size, wide)))
                nodes.append(variable(f"b{suffix}", (wide,)))
                if self._cell.extra_bias:
                    nodes.append(variable(f"b{suffix}_n", (self.hidden_size,)))
        nodes.append(variable("V", (self.state_size, self.n_outputs)))
        nodes.append(variable("d", (self.n_outputs,)))
        return tuple(nodes)

    @property
    def state_size(self) -> int:
        """Units that a layer puts out: those of both directions together."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    @property
    def _cell(self) -> Cell:
        return CELLS[self.cell]

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        return (f"{layer}", f"{layer}_back") if self.bidirectional else (f"{layer}",)

    # --- the graph -----------------------------------------------------------------------

    def raw_output(
        self, training: bool = False, X: Node | None = None, mask: Node | None = None
    ) -> Node:
        """The dense layer before its activation.

        Of shape (rows, outputs); with ``pooling="each"`` (time, rows, outputs). ``training``
        puts the random draws of dropout into the graph.

        Parameters
        ----------
        training : bool, default=False
        X, mask : Node, optional
            Sequences of a size of their own, instead of ``self.X`` and ``self.mask``.
        """
        steps = None
        if self.masked:
            steps = fn.expand_dims(fn.transpose(self.mask if mask is None else mask), 2)
        states, last = self._layers(self.X if X is None else X, steps, training)
        pooled = self._pooled(states, last, steps)
        if training and self.dropout:
            pooled = dropout(pooled, self.dropout, stream=self.num_layers)
        *_, V, d = self.parameters
        name = "output" if self.output_activation == "identity" else "output_in"
        return _apply_to_steps(pooled, lambda matrix: matrix @ V + d).named(name)

    def row_losses(
        self,
        loss: Loss,
        training: bool = False,
        X: Node | None = None,
        y: Node | None = None,
        mask: Node | None = None,
    ) -> tuple[Node, Node]:
        """The targets, and the loss of each sequence: (rows,).

        With ``pooling="each"`` targets are (rows, time, outputs), and the loss of a sequence is
        the mean over its steps.
        """
        raw = self.raw_output(training, X, mask)
        if self.pooling != "each":
            y = variable("y", ("rows", self.n_outputs)) if y is None else y
            return y, loss.per_row(y, raw)
        y = variable("y", ("rows", "time", self.n_outputs)) if y is None else y
        time, rows, outputs = raw.shape
        merged = (multiply(time, rows), outputs)
        by_step = loss.per_row(
            fn.reshape(fn.transpose(y, (1, 0, 2)), merged), fn.reshape(raw, merged)
        )
        by_step = fn.reshape(by_step, (time, rows))
        if not self.masked:
            return y, fn.mean(by_step, 0)
        steps = fn.transpose(self.mask if mask is None else mask)
        return y, fn.sum(by_step * steps, 0) / fn.sum(steps, 0)

    def prediction(self, raw_output: Node) -> Node:
        """The activated outputs: values, counts or probabilities."""
        if self.output_activation == "identity":
            return raw_output
        activation = OUTPUT_ACTIVATIONS[self.output_activation]
        return _apply_to_steps(raw_output, activation).named("output")

    def continuing(self, masked: bool = False) -> RecurrentNetwork:
        """The same network for sequences that go on: the states before them are given.

        Its output is that after the last step.
        """
        return replace(self, pooling="last", carried_in=True, masked=masked)

    def states_of_layers(self) -> tuple[Node, ...]:
        """The states of each layer at all steps, without dropout: each (time, rows, units)."""
        steps = fn.expand_dims(fn.transpose(self.mask), 2) if self.masked else None
        return tuple(
            replace(self, num_layers=k)._layers(self.X, steps, training=False)[0]
            for k in range(1, self.num_layers + 1)
        )

    def last_states(self) -> tuple[Node, ...]:
        """The carried values after the last step, in the order of ``start``."""
        steps = fn.expand_dims(fn.transpose(self.mask), 2) if self.masked else None
        return tuple(self._layers(self.X, steps, training=False, every_carry=True)[1])

    def _layers(
        self, X: Node, mask: Node | None, training: bool, every_carry: bool = False
    ) -> tuple[Node, list[Node]]:
        """The top layer's states, (time, rows, units), and its last ones, by direction."""
        states = fn.transpose(X, (1, 0, 2))
        start = list(self.start)
        ends: list[Node] = []
        for k in range(1, self.num_layers + 1):
            if training and self.dropout and k > 1:
                states = dropout(states, self.dropout, stream=k - 1).named(f"h{k - 1}_dropped")
            first = [start.pop(0) for _ in range(self._cell.n_carried)] if start else None
            passes = [
                self._pass(states, mask, suffix, first, reverse=suffix.endswith("_back"))
                for suffix in self._suffixes(k)
            ]
            last = [stack[0] for _, stack in passes]
            if every_carry:
                ends += [each for _, stack in passes for each in stack]
            states = fn.concatenate([each for each, _ in passes], 2)
        return states, ends if every_carry else last

    def _pass(
        self,
        states: Node,
        mask: Node | None,
        suffix: str,
        first: list[Node] | None,
        reverse: bool,
    ) -> tuple[Node, list[Node]]:
        """One layer in one direction: its states at all steps, and what it carries at the end."""
        of = {each.name: each for each in self.parameters}
        W, U, b = (of[f"{each}{suffix}"] for each in ("W", "U", "b"))
        extra = of.get(f"b{suffix}_n")
        gates = _apply_to_steps(states, lambda matrix: matrix @ W + b).named(f"a{suffix}")
        rows = states.shape[1]
        zero = fn.broadcast_to(0.0, (rows, self.hidden_size))
        initial = first or [zero] * self._cell.n_carried
        sequences = [gates] if mask is None else [gates, mask]

        def body(carried: Sequence[Node], slices: Sequence[Node]) -> tuple[list[Node], list[Node]]:
            new = self._cell.step(slices[0], carried, U, extra, suffix)
            if mask is not None:
                # Where a sequence has ended, its state stays as it is.
                new = [
                    (old + slices[1] * (each - old)).named(f"{each.name}_kept")
                    for each, old in zip(new, carried, strict=True)
                ]
            return new, new

        stacks = scan(body, initial, sequences, reverse)
        stacks = [stacks[0].named(f"h{suffix}"), *stacks[1:]]
        bounds = (0, 1) if reverse else (-1, None)
        return stacks[0], [_at(each, bounds) for each in stacks]

    def _pooled(self, states: Node, last: list[Node], mask: Node | None) -> Node:
        match self.pooling:
            case "each":
                return states
            case "last":
                return fn.concatenate(last, 1)
        if self.pooling == "max":
            if mask is not None:
                states = fn.select(mask < 0.5, _FAR_BELOW, states)
            return fn.max(states, 0)
        if mask is None:
            return fn.mean(states, 0)
        return fn.sum(states * mask, 0) / fn.sum(mask, 0)

    # --- first weights -------------------------------------------------------------------

    def initial_parameters(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> list[Array]:
        """First values: W and V after Glorot, each gate's U orthogonal, biases 0.

        The forget gate of the LSTM has a bias of 1, so that it remembers from the start.
        """
        cell, units = self._cell, self.hidden_size
        arrays: list[Array] = []
        for node in self.parameters:
            name = node.name or ""
            if name.startswith("U"):
                blocks = [orthogonal(units, random_state) for _ in cell.gates]
                arrays.append(np.concatenate(blocks, axis=1).astype(dtype))
            elif node.rank == 2:
                fan_in, fan_out = (int(size) for size in node.shape)  # type: ignore[arg-type]
                parts = len(cell.gates) if name.startswith("W") else 1
                blocks = [
                    glorot_uniform(fan_in, fan_out // parts, random_state, dtype)[0]
                    for _ in range(parts)
                ]
                arrays.append(np.concatenate(blocks, axis=1))
            else:
                biases = np.zeros(int(node.shape[0]), dtype)  # type: ignore[arg-type]
                if "f" in cell.gates and name.startswith("b"):
                    place = cell.gates.index("f") * units
                    biases[place : place + units] = 1.0
                arrays.append(biases)
        return arrays

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is.

        Examples
        --------
        >>> RecurrentNetwork("lstm", 3, 8, 1, 2).describe("U1", (5, 9))
        'the weight from unit 5, one step before, to the f gate of unit 1 of layer 1'
        """
        if name in ("V", "d"):
            if name == "d":
                return f"the bias of output {index[0]}"
            return (
                f"the weight from unit {index[0]} of layer {self.num_layers} to output {index[1]}"
            )
        layer = int(name[1:].split("_")[0])
        backward = "_back" in name
        where = f"layer {layer}, backward in time" if backward else f"layer {layer}"
        gate, unit = divmod(index[-1], self.hidden_size)
        gates = self._cell.gates
        to = f"unit {unit}" if len(gates) == 1 else f"the {gates[gate]} gate of unit {unit}"
        if name.endswith("_n"):
            return (
                f"the bias, beside the recurrent weights, of the n gate of unit {unit} of {where}"
            )
        if name.startswith("b"):
            return f"the bias of {to} of {where}"
        if name.startswith("U"):
            when = "one step later" if backward else "one step before"
            return f"the weight from unit {index[0]}, {when}, to {to} of {where}"
        source = f"input {index[0]}" if layer == 1 else f"unit {index[0]} of layer {layer - 1}"
        return f"the weight from {source} to {to} of {where}"


def _at(sequence: Node, bounds: tuple[int, int | None]) -> Node:
    """One step of (time, rows, units)."""
    step = fn.slice_axes(sequence, [bounds, None, None])
    return fn.reshape(step, sequence.shape[1:])


def _apply_to_steps(sequence: Node, function: Callable[[Node], Node]) -> Node:
    """A function of matrices, applied to all steps of (time, rows, columns) in one."""
    if sequence.rank == 2:
        return function(sequence)
    time, rows, columns = sequence.shape
    result = function(fn.reshape(sequence, (multiply(time, rows), columns)))
    return fn.reshape(result, (time, rows, result.shape[1]))
