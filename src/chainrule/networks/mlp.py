"""The multi-layer perceptron: a description that becomes a graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable
from chainrule.networks.hidden_normalization import HiddenNormalization
from chainrule.networks.initialisers import glorot_uniform
from chainrule.networks.layer_kind import LayerKind
from chainrule.networks.plain_layers import Activation, Dense, Dropout
from chainrule.networks.stack import Stack

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
    normalization : {"batch", "layer"}, optional
        What brings each hidden layer to mean 0 and variance 1 before its activation. It learns
        ``scale1, scale2, ...`` and ``shift1, shift2, ...``.

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
    normalization: str | None = None

    def __str__(self) -> str:
        """Its sizes and its activation: ``4 → 10 → 3, relu``."""
        sizes = " → ".join(map(str, self.layer_sizes))
        normalised = f", {self.normalization} normalization" if self.normalization else ""
        return f"{sizes}, {self.activation}{normalised}"

    @property
    def n_outputs(self) -> int:
        return self.layer_sizes[-1]

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
        """All weights, then all biases, then all scales and shifts."""
        return self.weights + self.biases + self._normalisation.parameters

    @property
    def statistics(self) -> tuple[Node, ...]:
        """The running means, then the running variances, of batch normalisation."""
        return self._normalisation.statistics

    @property
    def _normalisation(self) -> HiddenNormalization:
        return HiddenNormalization(self.normalization, tuple(enumerate(self.layer_sizes[1:-1], 1)))

    @property
    def stack(self) -> Stack:
        """The same network as a list of layers."""
        layers: list[LayerKind] = []
        for size in self.layer_sizes[1:-1]:
            norm = self._normalisation.new_layer()
            if norm is None:
                layers.append(Dense(size, self.activation))
            else:
                layers += [Dense(size), norm, Activation(self.activation)]
            if self.dropout:
                layers.append(Dropout(self.dropout))
        return Stack(
            self.layer_sizes[0], tuple(layers), self.layer_sizes[-1], self.output_activation
        )

    def raw_output(self, X: Node, training: bool = False) -> Node:
        """The last layer before its activation: (rows, outputs).

        ``training`` puts the random draws of dropout into the graph.
        """
        return self.stack.built(X, training).raw_output

    def prediction(self, raw_output: Node) -> Node:
        """The activated outputs: values, counts or probabilities."""
        return self.stack.prediction(raw_output)

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is: the weight from which unit to which.

        Examples
        --------
        >>> MLP((4, 10, 3), "relu", "softmax").describe("W2", (3, 1))
        'the weight from unit 3 of hidden layer 1 to output 1'
        """
        return self.stack.describe(name, index)

    def first_values(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> list[Array]:
        """All parameters and statistics before the first step.

        Weights and biases are drawn layer by layer, as scikit-learn draws them. Scales start from
        1 and shifts from 0, running variances from 1 and means from 0.
        """
        factor = 2.0 if self.activation == "logistic" else 6.0
        drawn = [
            glorot_uniform(fan_in, fan_out, random_state, dtype, factor)
            for fan_in, fan_out in pairwise(self.layer_sizes)
        ]
        first = [weights for weights, _ in drawn] + [biases for _, biases in drawn]
        normalisation = self._normalisation
        nodes = normalisation.parameters + normalisation.statistics
        return first + normalisation.first_values(nodes, dtype)
