"""Sparse codes: the Kullback-Leibler divergence of mean activations from a small target."""

from __future__ import annotations

from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.graph.node import Node, variable

__all__ = ["SparsityTarget", "divergence"]

LEAST, MOST = 1e-30, 1.0 - 1e-6
"""Where mean activations are cut off: within them, logarithms and reciprocals are finite."""

Running = tuple[tuple[Node, Node], ...]
"""Variables kept from step to step, and the value of each after the step."""


def divergence(target: float, activation: Node) -> Node:
    """Σ over the units of KL(ρ‖ρ̂) = ρ·log(ρ/ρ̂) + (1 - ρ)·log((1 - ρ)/(1 - ρ̂)).

    Parameters
    ----------
    target : float
        ρ, the wanted mean activation: between 0 and 1.
    activation : Node
        ρ̂, the mean activation of each unit: (units,).

    Returns
    -------
    Node
        A single number.

    References
    ----------
    Ng, "Sparse autoencoder", lecture notes CS294A, 2011.

    Examples
    --------
    >>> import chainrule as cr
    >>> rho_hat = cr.variable("rho_hat", (2,))
    >>> f = cr.compile(divergence(0.5, rho_hat), [rho_hat], engine="reference")
    >>> round(float(f([0.5, 0.25])[0]), 6)  # 0, and ½·log 2 + ½·log ⅔
    0.143841
    """
    rho_hat = fn.minimum(fn.maximum(activation, LEAST), MOST).named("rho_hat")
    present = target * (fn.log(target) - fn.log(rho_hat))
    absent = (1.0 - target) * (fn.log(1.0 - target) - fn.log1p(-rho_hat))
    return fn.sum(present.named("present") + absent.named("absent"))


@dataclass(frozen=True)
class SparsityTarget:
    """A penalty on a code whose units are not, on the average over the rows, as small as wanted.

    Parameters
    ----------
    mean : float
        ρ, the wanted mean of each unit.
    weight : float
        How much the divergence counts.
    decay : float, optional
        What is left of the sums of older minibatches at each step, where ρ̂ is a running mean;
        without it, ρ̂ is the mean of the minibatch.
    """

    mean: float
    weight: float
    decay: float | None = None

    def term(self, code: Node, sample_weight: Node | None) -> tuple[Node, Running]:
        """The penalty for a minibatch of codes, (rows, units), and what it keeps.

        The derivative of a running mean is that of the minibatch's own mean: what came before
        is constant, and says where on the curve of the divergence the mean stands.
        """
        if sample_weight is None:
            total, rows = fn.sum(code, 0), fn.size(code.shape[0])
        else:
            total = fn.sum(fn.expand_dims(sample_weight, 1) * code, 0)
            rows = fn.sum(sample_weight)
        own = total / rows
        running: Running = ()
        rho_hat = own
        if self.decay is not None:
            kept_total = variable("running_activation", total.shape)
            kept_rows = variable("running_rows")
            new_total = self.decay * kept_total + total
            new_rows = self.decay * kept_rows + rows
            rho_hat = own + fn.stop_gradient(new_total / new_rows - own)
            running = ((kept_total, new_total), (kept_rows, new_rows))
        return self.weight * divergence(self.mean, rho_hat.named("mean_activation")), running

    def share_of_row(self, code: Node, mean_activation: Node) -> Node:
        """What one row adds to the derivative of the penalty: (rows,).

        Each activation counts with the slope of the divergence at the mean over all rows, β·((1 -
        ρ)/(1 - ρ̂) - ρ/ρ̂): over all rows, the gradients of these add up to that of the penalty
        times the number of rows.

        Parameters
        ----------
        code : Node
            (rows, units).
        mean_activation : Node
            ρ̂ over the rows of training: (units,).
        """
        penalty = self.weight * divergence(self.mean, mean_activation)
        (slope,) = gradient(penalty, [mean_activation])
        return fn.sum(code * slope.named("sparsity_slope"), 1)
