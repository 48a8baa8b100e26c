"""The multi-layer perceptron: a description that becomes a graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.initialisers import glorot_uniform
from chainrule.networks.layers import dense, dropout

__all__ = ["MLP"]


@dataclass(frozen=True)
class MLP:
    """Dense layers, one after another, with an activation after each hidden one.

    Weights are called ``W1, W2, ...`` and biases ``b1, b2, ...``; hidden layer k is
    ``hk_in = h(k-1)_out·Wk + bk`` and ``hk_out = activation(hk_in)``.

    Parameters
    ----------
    layer_sizes : tuple of int
        Features, hidden units of each layer, outputs.
    activation : str
        Of the hidden layers; a key of ``ACTIVATIONS``.
    output_activation : str
        What makes predictions of the raw outputs; a key of ``OUTPUT_ACTIVATIONS``.
    dropout : float, default=0.0
        The share of hidden activations that are set to 0 in training.

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> network = MLP((4, 10, 3), "relu", "softmax")
    >>> [each.name for each in network.parameters]
    ['W1', 'W2', 'b1', 'b2']
    >>> network.raw_output(cr.variable("X", ("rows", 4))).shape
    (Size(coefficient=1, symbols=('rows',)), 3)
    """

    layer_sizes: tuple[int, ...]
    activation: str
    output_activation: str
    dropout: float = 0.0

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return variable("X", ("rows", self.layer_sizes[0]))

    @property
    def weights(self) -> tuple[Node, ...]:
        """``W1, W2, ...``, each (units before, units)."""
        return tuple(
            variable(f"W{k}", sizes) for k, sizes in enumerate(pairwise(self.layer_sizes), 1)
        )

    @property
    def biases(self) -> tuple[Node, ...]:
        """``b1, b2, ...``, each (units,)."""
        return tuple(variable(f"b{k}", (size,)) for k, size in enumerate(self.layer_sizes[1:], 1))

    @property
    def parameters(self) -> tuple[Node, ...]:
        """All weights, then all biases."""
        return self.weights + self.biases

    def raw_output(self, X: Node, training: bool = False) -> Node:
        """The last layer before its activation: (rows, outputs).

        ``training`` puts the random draws of dropout into the graph.
        """
        activation = ACTIVATIONS[self.activation]
        layers = list(zip(self.weights, self.biases, strict=True))
        x = X
        for k, (weights, biases) in enumerate(layers[:-1], 1):
            x = activation(dense(x, weights, biases).named(f"h{k}_in")).named(f"h{k}_out")
            if training and self.dropout:
                x = dropout(x, self.dropout, stream=k).named(f"h{k}_dropped")
        weights, biases = layers[-1]
        name = "output" if self.output_activation == "identity" else "output_in"
        return dense(x, weights, biases).named(name)

    def prediction(self, raw_output: Node) -> Node:
        """The activated outputs: values, counts or probabilities."""
        if self.output_activation == "identity":
            return raw_output
        return OUTPUT_ACTIVATIONS[self.output_activation](raw_output).named("output")

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is: the weight from which unit to which.

        Examples
        --------
        >>> MLP((4, 10, 3), "relu", "softmax").describe("W2", (3, 1))
        'the weight from unit 3 of hidden layer 1 to output 1'
        """
        layer = int(name[1:])
        unit = self._unit(layer, index[-1])
        if name[0] == "b":
            return f"the bias of {unit}"
        return f"the weight from {self._unit(layer - 1, index[0])} to {unit}"

    def _unit(self, layer: int, index: int) -> str:
        if layer == 0:
            return f"input {index}"
        last = layer == len(self.layer_sizes) - 1
        return f"output {index}" if last else f"unit {index} of hidden layer {layer}"

    def initial_parameters(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> tuple[list[Array], list[Array]]:
        """First weights and biases, drawn layer by layer as scikit-learn draws them."""
        factor = 2.0 if self.activation == "logistic" else 6.0
        drawn = [
            glorot_uniform(fan_in, fan_out, random_state, dtype, factor)
            for fan_in, fan_out in pairwise(self.layer_sizes)
        ]
        return [weights for weights, _ in drawn], [biases for _, biases in drawn]
