"""The auto encoder: a network whose target is its input, with a code in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.building import Building
from chainrule.networks.hidden_normalization import HiddenNormalization
from chainrule.networks.initialisers import glorot_uniform
from chainrule.networks.layers import dense, dropout
from chainrule.networks.losses import classification_loss, regression_loss

__all__ = ["AutoencoderNetwork"]


@dataclass(frozen=True)
class AutoencoderNetwork:
    """Dense layers down to a code, and from the code back to the input.

    Layers are counted through: weights ``W1, W2, ...`` and biases ``b1, b2, ...``; hidden layer
    k is ``hk_in`` and ``hk_out``, and the layer of the code is ``code_in`` and ``code``.

    Parameters
    ----------
    n_features : int
    encoder_sizes : tuple of int
        Units of the layers before the code.
    n_components : int
        Numbers of the code.
    decoder_sizes : tuple of int
        Units of the layers after the code.
    activation : str
        Of the hidden layers; a key of ``ACTIVATIONS``.
    code_activation : str, default="identity"
        Of the code; a key of ``ACTIVATIONS``.
    output_activation : str, default="identity"
        What makes reconstructions of the raw outputs; a key of ``OUTPUT_ACTIVATIONS``.
    loss : {"squared_error", "log_loss"}, default="squared_error"
        The second compares the logistic of the raw outputs with values from 0 to 1.
    tied : bool, default=False
        Whether the decoder's weights are those of the encoder, transposed.
    dropout : float, default=0.0
        The share of hidden activations that are set to 0 in training.
    numbers_per_component : int, default=1
        Columns of the code's layer for each component: 2 where it has a variance as well.
    normalization : {"batch", "layer"}, optional
        What brings each hidden layer, not the code, to mean 0 and variance 1 before its activation.
        It learns ``scale1, shift1, ...``, numbered as the layers are; tied or not, each layer has
        its own.

    References
    ----------
    Bourlard & Kamp, "Auto-association by multilayer perceptrons and singular value
    decomposition", 1988.

    Examples
    --------
    >>> network = AutoencoderNetwork(4, (8,), 2, (8,), "tanh")
    >>> network.layer_sizes
    (4, 8, 2, 8, 4)
    >>> [each.name for each in network.parameters]
    ['W1', 'W2', 'W3', 'W4', 'b1', 'b2', 'b3', 'b4']
    """

    n_features: int
    encoder_sizes: tuple[int, ...]
    n_components: int
    decoder_sizes: tuple[int, ...]
    activation: str
    code_activation: str = "identity"
    output_activation: str = "identity"
    loss: str = "squared_error"
    tied: bool = False
    dropout: float = 0.0
    numbers_per_component: int = 1
    normalization: str | None = None

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return variable("X", ("rows", self.n_features))

    @property
    def given_code(self) -> Node:
        """A code to decode, as a variable: (rows, components)."""
        return variable("given_code", ("rows", self.n_components))

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Features, units of each layer, features."""
        return (
            self.n_features,
            *self.encoder_sizes,
            self.n_components,
            *self.decoder_sizes,
            self.n_features,
        )

    @property
    def code_layer(self) -> int:
        """The number of the code's layer; the first layer after the input is 1."""
        return len(self.encoder_sizes) + 1

    @property
    def weight_shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape of each layer's weights, (units before, columns), the tied ones included."""
        columns = list(self.layer_sizes[1:])
        columns[self.code_layer - 1] *= self.numbers_per_component
        return tuple(zip(self.layer_sizes[:-1], columns, strict=True))

    @property
    def weights(self) -> tuple[Node, ...]:
        """``W1, W2, ...`` as far as they are learned: tied, those of the encoder."""
        shapes = self.weight_shapes[: self.code_layer] if self.tied else self.weight_shapes
        return tuple(variable(f"W{k}", shape) for k, shape in enumerate(shapes, 1))

    @property
    def biases(self) -> tuple[Node, ...]:
        """``b1, b2, ...`` of all layers, each (columns,)."""
        return tuple(
            variable(f"b{k}", (columns,)) for k, (_, columns) in enumerate(self.weight_shapes, 1)
        )

    @property
    def parameters(self) -> tuple[Node, ...]:
        """All learned weights, all biases, then all scales and shifts."""
        return self.weights + self.biases + self._normalisation.parameters

    @property
    def statistics(self) -> tuple[Node, ...]:
        """The running means, then the running variances, of batch normalisation."""
        return self._normalisation.statistics

    @property
    def hidden_layers(self) -> tuple[int, ...]:
        """The numbers of the layers between input and output, without that of the code."""
        last = len(self.encoder_sizes) + len(self.decoder_sizes) + 2
        return tuple(k for k in range(1, last) if k != self.code_layer)

    @property
    def _normalisation(self) -> HiddenNormalization:
        sizes = self.layer_sizes
        return HiddenNormalization(
            self.normalization, tuple((k, sizes[k]) for k in self.hidden_layers)
        )

    def raw_code(self, X: Node, building: Building | None = None) -> Node:
        """The code's layer before its activation: (rows, columns).

        ``building`` says whether the graph is for training, with the random draws of dropout and
        the moments of the minibatch, and gathers what becomes of the statistics; without it, the
        graph is that of predictions.
        """
        before = (X, *self.encoder_layers(X, building))
        return self._dense(before[-1], self.code_layer).named("code_in")

    def encoder_layers(self, X: Node, building: Building | None = None) -> tuple[Node, ...]:
        """What each hidden layer before the code puts out: (rows, units)."""
        return self._in_turn(X, range(1, self.code_layer), building)

    def decoder_layers(self, code: Node, building: Building | None = None) -> tuple[Node, ...]:
        """What each hidden layer after the code puts out: (rows, units)."""
        return self._in_turn(code, range(self.code_layer + 1, len(self.weight_shapes)), building)

    def encode(self, X: Node, building: Building | None = None) -> Node:
        """The code of each row: (rows, components)."""
        return ACTIVATIONS[self.code_activation](self.raw_code(X, building)).named("code")

    def decode(self, code: Node, building: Building | None = None) -> Node:
        """The raw outputs for some codes: (rows, features)."""
        before = (code, *self.decoder_layers(code, building))
        name = "output" if self.output_activation == "identity" else "output_in"
        return self._dense(before[-1], len(self.weight_shapes)).named(name)

    def reconstruction(self, raw_output: Node) -> Node:
        """What the raw outputs say the input was: (rows, features)."""
        if self.output_activation == "identity":
            return raw_output
        return OUTPUT_ACTIVATIONS[self.output_activation](raw_output).named("output")

    def row_losses(self, X: Node, raw_output: Node) -> Node:
        """How far reconstructions are from X: (rows,).

        Half the squared distance; for ``"log_loss"``, the sum over the features of
        -x·log p - (1 - x)·log(1 - p).
        """
        if self.loss == "log_loss":
            return classification_loss("log_loss", exclusive=False).per_row(X, raw_output)
        loss = regression_loss("squared_error")
        return loss.per_row(X, self.reconstruction(raw_output))

    def row_scores(self, X: Node) -> Node:
        """Less the error of each row, averaged over its features: (rows, 1)."""
        losses = self.row_losses(X, self.decode(self.encode(X)))
        # The loss has half of the squared error.
        factor = 1.0 if self.loss == "log_loss" else 2.0
        return fn.expand_dims(-factor / self.n_features * losses, 1)

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is: the weight from which unit to which.

        Examples
        --------
        >>> network = AutoencoderNetwork(4, (), 2, (), "tanh")
        >>> network.describe("W2", (1, 3))
        'the weight from component 1 of the code to output 3'
        """
        kind = name.rstrip("0123456789")
        layer = int(name.removeprefix(kind))
        unit = self._unit(layer, index[-1])
        if kind != "W":
            return f"the {'bias' if kind == 'b' else kind} of {unit}"
        text = f"the weight from {self._unit(layer - 1, index[0])} to {unit}"
        if self.tied:
            last = len(self.weight_shapes)
            start, end = self._unit(last - layer, index[-1]), self._unit(last - layer + 1, index[0])
            text += f", and from {start} to {end}"
        return text

    def initial_parameters(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> list[Array]:
        """First values of parameters and statistics, drawn layer by layer as for a perceptron."""
        factor = 2.0 if self.activation == "logistic" else 6.0
        drawn = [
            glorot_uniform(fan_in, fan_out, random_state, dtype, factor)
            for fan_in, fan_out in self.weight_shapes
        ]
        weights = [weights for weights, _ in drawn[: len(self.weights)]]
        normalisation = self._normalisation
        nodes = normalisation.parameters + normalisation.statistics
        return [
            *weights,
            *(biases for _, biases in drawn),
            *normalisation.first_values(nodes, dtype),
        ]

    def _dense(self, x: Node, layer: int) -> Node:
        weights = self.weights
        if layer > len(weights):
            W = fn.transpose(weights[len(self.weight_shapes) - layer])
        else:
            W = weights[layer - 1]
        return dense(x, W, self.biases[layer - 1])

    def _in_turn(self, x: Node, layers: range, building: Building | None) -> tuple[Node, ...]:
        building = building or Building()
        outputs: list[Node] = []
        for layer in layers:
            x = self._hidden(x, layer, building)
            outputs.append(x)
        return tuple(outputs)

    def _hidden(self, x: Node, layer: int, building: Building) -> Node:
        x = self._dense(x, layer).named(f"h{layer}_in")
        x = self._normalisation.apply(x, layer, building)
        x = ACTIVATIONS[self.activation](x).named(f"h{layer}_out")
        if building.training and self.dropout:
            x = dropout(x, self.dropout, stream=layer).named(f"h{layer}_dropped")
        return x

    def _unit(self, layer: int, unit: int) -> str:
        if layer == 0:
            return f"input {unit}"
        if layer == len(self.weight_shapes):
            return f"output {unit}"
        if layer != self.code_layer:
            return f"unit {unit} of hidden layer {layer}"
        if self.numbers_per_component == 1:
            return f"component {unit} of the code"
        which, component = divmod(unit, self.n_components)
        return f"the {('mean', 'log variance')[which]} of component {component} of the code"
