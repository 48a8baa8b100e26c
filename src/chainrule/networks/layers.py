"""Layers: functions from nodes to nodes."""

from __future__ import annotations

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["dense", "dropout"]


def dense(x: Node, weights: Node, biases: Node) -> Node:
    """x·W + b: x is (rows, fan_in), W (fan_in, fan_out), and b (fan_out,) joins every row."""
    return x @ weights + biases


def dropout(x: Node, rate: float, stream: int) -> Node:
    """Each element is 0 with probability ``rate``, else x/(1 - rate): the mean stays.

    Parameters
    ----------
    x : Node
    rate : float
        From 0 up to, not including, 1.
    stream : int
        Which stream of random draws: another one for each layer.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.
    """
    kept = fn.convert(fn.less(rate, fn.uniform(x.shape, stream)))
    return x * (kept * (1.0 / (1.0 - rate)))
