"""Activation functions, each a composition of graph functions.

The first seven are those of textbook neurons, from the unit step of Rosenblatt's perceptron
(1958) on; the others came with deep networks. None carries a derivative: the chain rule finds
it. ``unit_step`` and ``sign`` are flat wherever they have a derivative, so nothing flows back
through them: below them a network keeps its random weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["ACTIVATIONS", "OUTPUT_ACTIVATIONS", "Activation"]

Activation = Callable[[Node], Node]


def _identity(x: Node) -> Node:
    return x


def _unit_step(x: Node) -> Node:
    """0 below zero, ½ at zero, 1 above."""
    return 0.5 * (1.0 + fn.sign(x))


def _piecewise_linear(x: Node) -> Node:
    """0 up to -½, x + ½ between, 1 from ½ on."""
    return fn.maximum(fn.minimum(x + 0.5, 1.0), 0.0)


def _leaky_relu(x: Node) -> Node:
    """x above zero, x/100 below (Maas, Hannun & Ng 2013)."""
    return fn.maximum(x, 0.01 * x)


def _elu(x: Node) -> Node:
    """x above zero, exp(x) - 1 below (Clevert, Unterthiner & Hochreiter 2015)."""
    # The exponential of a large x would be infinite, and infinity times zero is NaN. At 0 the
    # derivative belongs to the second argument of minimum: x.
    return fn.select(x > 0.0, x, fn.expm1(fn.minimum(0.0, x)))


def _gelu(x: Node) -> Node:
    """x times the normal distribution function at x (Hendrycks & Gimpel 2016)."""
    return x * (0.5 * (1.0 + fn.erf(x * math.sqrt(0.5))))


def _silu(x: Node) -> Node:
    """x times the logistic of x (Elfwing, Uchibe & Doya 2017)."""
    return x * fn.logistic(x)


ACTIVATIONS: dict[str, Activation] = {
    "unit_step": _unit_step,
    "sign": fn.sign,
    "identity": _identity,
    "linear": _identity,
    "piecewise_linear": _piecewise_linear,
    "logistic": fn.logistic,
    "tanh": fn.tanh,
    "relu": fn.relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": fn.softplus,
}
"""Activations of hidden layers, by name; ``linear`` is another name of ``identity``."""

OUTPUT_ACTIVATIONS: dict[str, Activation] = {
    "identity": _identity,
    "logistic": fn.logistic,
    "softmax": lambda x: fn.softmax(x, axis=1),
    "exp": fn.exp,
}
"""What turns the raw outputs of a network into predictions."""
