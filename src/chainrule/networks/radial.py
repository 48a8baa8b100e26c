"""The radial basis network: bumps around centres, and a weighted sum of them."""

from __future__ import annotations

from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.graph.node import Node, variable
from chainrule.networks.losses import Loss
from chainrule.networks.supervised import SupervisedNetwork

__all__ = ["RadialNetwork"]


@dataclass(frozen=True)
class RadialNetwork(SupervisedNetwork):
    """``output = Σ_j w_j·exp(-γ_j·‖x - C_j‖²) + b``.

    The parameters are called ``C``, ``log_gamma``, ``w`` and ``b``; each centre has a γ of its own,
    ``gamma = exp(log_gamma)``, which is positive whatever a step of training does. The bumps are
    ``h1_out = exp(h1_in)``.

    Squared distances are sums of squared differences. As ‖x‖² - 2·x·C + ‖C‖² they would be a
    product of matrices, but of a row near its centre only rounding errors would be left.

    Parameters
    ----------
    n_features, n_centres, n_outputs : int
    loss : Loss
    intercept : bool, default=True
        Whether there is a b.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.networks.losses import regression_loss
    >>> network = RadialNetwork(1, 1, 1, regression_loss("squared_error"), intercept=False)
    >>> f = cr.compile(network.raw_output(network.X), [network.X, *network.parameters])
    >>> f([[0.0], [1.0]], [[0.0]], [0.0], [[2.0]])  # 2·exp(-x²)
    [array([[2.        ],
           [0.73575888]])]
    """

    n_features: int
    n_centres: int
    n_outputs: int
    loss: Loss
    intercept: bool = True

    @property
    def centres(self) -> Node:
        """``C``: (centres, features)."""
        return variable("C", (self.n_centres, self.n_features))

    @property
    def log_gamma(self) -> Node:
        """The logarithm of each centre's γ: (centres,)."""
        return variable("log_gamma", (self.n_centres,))

    @property
    def w(self) -> Node:
        """The weights: (centres, outputs)."""
        return variable("w", (self.n_centres, self.n_outputs))

    @property
    def parameters(self) -> tuple[Node, ...]:
        """``C``, ``log_gamma``, ``w``, and ``b``: (outputs,)."""
        bias = (variable("b", (self.n_outputs,)),) if self.intercept else ()
        return (self.centres, self.log_gamma, self.w, *bias)

    def bumps(self, X: Node) -> Node:
        """exp(-γ·‖x - C‖²): (rows, centres)."""
        rows, n_features = X.shape
        apart = fn.reshape(X, (rows, 1, n_features)) - fn.reshape(
            self.centres, (1, self.n_centres, n_features)
        )
        distances = fn.sum(fn.square(apart), 2).named("squared_distance")
        gamma = fn.exp(self.log_gamma).named("gamma")
        return fn.exp((-(gamma * distances)).named("h1_in")).named("h1_out")

    def raw_output(self, X: Node) -> Node:
        """The weighted sum of the bumps, before an activation: (rows, outputs)."""
        _, _, w, *bias = self.parameters
        name = "output" if self.loss.output_activation == "identity" else "output_in"
        return sum(bias, start=self.bumps(X) @ w).named(name)

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is.

        Examples
        --------
        >>> from chainrule.networks.losses import regression_loss
        >>> RadialNetwork(4, 9, 1, regression_loss("squared_error")).describe("C", (3, 1))
        'feature 1 of centre 3'
        """
        match name:
            case "C":
                return f"feature {index[1]} of centre {index[0]}"
            case "log_gamma":
                return f"the logarithm of γ of centre {index[0]}"
            case "b":
                return f"the bias of output {index[-1]}"
        return f"the weight from centre {index[0]} to output {index[-1]}"
