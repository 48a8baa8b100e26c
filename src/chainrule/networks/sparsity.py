"""Sparse codes: the Kullback-Leibler divergence of mean activations from a small target."""

from __future__ import annotations

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["divergence", "running_mean"]

LEAST, MOST = 1e-30, 1.0 - 1e-6
"""Where mean activations are cut off: within them, logarithms and reciprocals are finite."""


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
    Ng, "Sparse autoencoder", lecture notes CS294A, 2011, after Lee, Ekanadham & Ng, "Sparse
    deep belief net model for visual area V2", 2007.

    Examples
    --------
    >>> import chainrule as cr
    >>> rho_hat = cr.variable("rho_hat", (2,))
    >>> f = cr.compile(divergence(0.5, rho_hat), [rho_hat], engine="reference")
    >>> round(float(f([0.5, 0.25])[0]), 6)  # ½·log 2 + ½·log ⅔
    0.143841
    """
    rho_hat = fn.minimum(fn.maximum(activation, LEAST), MOST)
    present = target * (fn.log(target) - fn.log(rho_hat))
    absent = (1.0 - target) * (fn.log(1.0 - target) - fn.log1p(-rho_hat))
    return fn.sum(present + absent)


def running_mean(
    total: Node, weight: Node, decay: float, running_total: Node, running_weight: Node
) -> tuple[Node, Node, Node]:
    """The mean over this minibatch and those before it, which count less and less.

    Parameters
    ----------
    total, weight : Node
        Σ weight·value over the rows of the minibatch, and Σ weight.
    decay : float
        What is left of older sums at each step: from 0 up to, not including, 1.
    running_total, running_weight : Node
        The sums so far; zeros before the first minibatch.

    Returns
    -------
    mean, new_running_total, new_running_weight : Node
        The derivative of the mean is that of the minibatch's own mean: what came before is
        constant, and says where on the curve of a loss the mean stands.
    """
    new_total = decay * running_total + total
    new_weight = decay * running_weight + weight
    own = total / weight
    mean = own + fn.stop_gradient(new_total / new_weight - own)
    return mean, new_total, new_weight
