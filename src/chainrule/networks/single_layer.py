"""One layer of outputs: the perceptron, the adaline, logistic regression."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainrule.graph.node import Node, variable
from chainrule.networks.losses import Loss
from chainrule.networks.supervised import SupervisedNetwork

__all__ = ["SingleLayer"]


@dataclass(frozen=True)
class SingleLayer(SupervisedNetwork):
    """``x·w + b``, and a loss of it; the parameters are called ``w`` and ``b``.

    Parameters
    ----------
    n_features, n_outputs : int
    loss : Loss
    intercept : bool, default=True
        Whether there is a b.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.networks.losses import threshold_loss
    >>> layer = SingleLayer(2, 1, threshold_loss("perceptron"))
    >>> loss = cr.sum(layer.row_losses(layer.X, layer.y))
    >>> f = cr.compile(cr.gradient(loss, layer.parameters), [layer.X, layer.y, *layer.parameters])
    >>> f([[3.0, 2.0]], [[1.0]], [[0.0], [0.0]], [0.0])  # a row on the line counts as wrong
    [array([[-3.],
           [-2.]]), array([-1.])]
    """

    n_features: int
    n_outputs: int
    loss: Loss
    intercept: bool = True

    @property
    def w(self) -> Node:
        """The weights: (features, outputs)."""
        return variable("w", (self.n_features, self.n_outputs))

    @property
    def parameters(self) -> tuple[Node, ...]:
        """``w``: (features, outputs), and ``b``: (outputs,)."""
        return (self.w, variable("b", (self.n_outputs,))) if self.intercept else (self.w,)

    def raw_output(self, X: Node) -> Node:
        """The outputs before an activation: (rows, outputs)."""
        w, *bias = self.parameters
        name = "output" if self.loss.output_activation == "identity" else "output_in"
        return sum(bias, start=X @ w).named(name)

    def column(self) -> SingleLayer:
        """The same with one output: what tells one class from the rest."""
        return replace(self, n_outputs=1)

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is.

        Examples
        --------
        >>> from chainrule.networks.losses import threshold_loss
        >>> SingleLayer(4, 3, threshold_loss("perceptron")).describe("w", (2, 1))
        'the weight from input 2 to output 1'
        """
        if name == "b":
            return f"the bias of output {index[-1]}"
        return f"the weight from input {index[0]} to output {index[-1]}"
