"""What networks share that learn a target of each row by one loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

from chainrule.graph.node import Node, variable
from chainrule.networks.activations import OUTPUT_ACTIVATIONS
from chainrule.networks.losses import Loss

__all__ = ["SupervisedNetwork"]


class SupervisedNetwork(ABC):
    """Rows of ``n_features`` in, ``n_outputs`` out, and a loss that compares these with y."""

    n_features: int
    n_outputs: int
    loss: Loss

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return variable("X", ("rows", self.n_features))

    @property
    def y(self) -> Node:
        """What the output should be: (rows, outputs)."""
        return variable("y", ("rows", self.n_outputs))

    @property
    @abstractmethod
    def w(self) -> Node:
        """The weights of the outputs."""

    @property
    def weights(self) -> tuple[Node, ...]:
        """The parameters that a penalty keeps small."""
        return (self.w,)

    @abstractmethod
    def raw_output(self, X: Node) -> Node:
        """The outputs before an activation: (rows, outputs)."""

    def prediction(self, raw_output: Node) -> Node:
        """The activated outputs: numbers, probabilities, or values whose sign is the class."""
        if self.loss.output_activation == "identity":
            return raw_output
        return OUTPUT_ACTIVATIONS[self.loss.output_activation](raw_output).named("output")

    def row_losses(self, X: Node, y: Node) -> Node:
        """The loss of each row: (rows,)."""
        return self.loss.per_row(y, self.raw_output(X)).named("row_loss")
