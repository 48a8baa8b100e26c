"""Normalisation: values brought to mean 0 and variance 1, over the units or over the rows."""

from __future__ import annotations

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["moments_of_rows", "moments_of_units", "running", "standardised"]

Moments = tuple[Node, Node]
"""A mean and a variance."""


def moments_of_units(x: Node) -> Moments:
    """The mean and the variance over the units of each row: both (rows, 1).

    References
    ----------
    Ba, Kiros & Hinton, "Layer normalization", 2016.
    """
    mean = fn.mean(x, 1, keepdims=True)
    return mean, fn.mean(fn.square(x - mean), 1, keepdims=True)


def moments_of_rows(
    x: Node, weight: Node | None, before: Moments, momentum: float
) -> tuple[Moments, Moments]:
    """The mean and the variance over the rows of each unit, and what they are from now on.

    A minibatch of one row says nothing of how units vary: it is given the moments of before,
    and leaves them as they are. With weights, a row counts as its weight says: one of weight 2
    as two. Where weights are shares, and add up to little, the number of rows is that which
    weights of so different sizes are worth, (Σ weight)² / Σ weight².

    Parameters
    ----------
    x : Node
        (rows, units).
    weight : Node, optional
        The weight of each row: (rows,).
    before : (Node, Node)
        The running mean and the running variance: both (units,).
    momentum : float
        How much of the minibatch's own goes into the running moments; of the rest, what was.

    Returns
    -------
    used : (Node, Node)
        Of this minibatch; its variance is the mean square.
    after : (Node, Node)
        The new running moments. As in PyTorch, the variance goes into them as it is estimated
        for all rows there are: times rows / (rows - 1).

    References
    ----------
    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", 2015; Kish, "Survey sampling", 1965, for the number of rows.
    """
    if weight is None:
        rows = worth = fn.size(x.shape[0])
        mean = fn.sum(x, 0) / rows
        variance = fn.sum(fn.square(x - mean), 0) / rows
    else:
        total, column = fn.sum(weight), fn.expand_dims(weight, 1)
        worth = fn.square(total) / fn.sum(fn.square(weight))
        rows = fn.maximum(total, worth)
        mean = fn.sum(column * x, 0) / total
        variance = fn.sum(column * fn.square(x - mean), 0) / total
    several = fn.less(1.0, worth)
    # Of one row the divisor would be 0; what is computed with it is not used.
    estimate = variance * (rows / fn.select(several, rows - 1.0, 1.0))
    used = tuple(
        fn.select(several, own, old) for own, old in zip((mean, variance), before, strict=True)
    )
    after = tuple(
        fn.select(several, running(old, own, momentum), old)
        for own, old in zip((mean, estimate), before, strict=True)
    )
    return (used[0], used[1]), (after[0], after[1])


def running(old: Node, new: Node, momentum: float) -> Node:
    """(1 - momentum)·old + momentum·new."""
    return (1.0 - momentum) * old + momentum * new


def standardised(x: Node, moments: Moments, epsilon: float) -> Node:
    """(x - mean) / √(variance + epsilon)."""
    mean, variance = moments
    return (x - mean) / fn.sqrt(variance + epsilon)
