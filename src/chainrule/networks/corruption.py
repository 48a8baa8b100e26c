"""Corrupted inputs, from which a denoising auto encoder learns to restore the clean ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["Corruption", "CorruptionKind"]

STREAM = 1 << 21
"""The stream of the draws, far from those of dropout."""

CorruptionKind = Literal["gaussian", "masking", "salt_and_pepper"]


@dataclass(frozen=True)
class Corruption:
    """Noise on every element of an input, drawn anew at every step of training.

    Parameters
    ----------
    kind : {"gaussian", "masking", "salt_and_pepper"}
        A normal draw is added; or an element is set to 0; or it is set to ``low`` or to
        ``high``, by the toss of a coin.
    level : float
        The standard deviation of the draws; or how probable it is that an element is set.
    low, high : float, default=0.0, 1.0
        Pepper and salt.

    References
    ----------
    Vincent, Larochelle, Bengio & Manzagol, "Extracting and composing robust features with
    denoising autoencoders", 2008. There, the number of masked elements of a row is fixed; here,
    each is masked or not by itself.

    Examples
    --------
    >>> import chainrule as cr
    >>> Corruption("gaussian", 0.5)(cr.variable("X", ("rows", 4)))
    <Node add float(rows, 4)>
    """

    kind: CorruptionKind
    level: float
    low: float = 0.0
    high: float = 1.0

    def __call__(self, x: Node) -> Node:
        """x with noise: of the same shape."""
        if self.kind == "gaussian":
            return x + self.level * fn.normal(x.shape, STREAM).named("noise")
        hit = fn.uniform(x.shape, 2 * STREAM) < self.level
        if self.kind == "masking":
            return fn.select(hit, 0.0, x)
        salt = fn.uniform(x.shape, 2 * STREAM + 1) < 0.5
        return fn.select(hit, fn.select(salt, self.high, self.low), x)
