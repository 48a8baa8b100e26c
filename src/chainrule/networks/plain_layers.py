"""Layers to make a list of: dense ones, activations, noise, and blocks that are added."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import chainrule.graph.functions as fn
from chainrule.graph.node import Node
from chainrule.networks.activations import ACTIVATIONS
from chainrule.networks.building import Building, Evenly, unit_of
from chainrule.networks.initialisers import glorot_bound
from chainrule.networks.layer_kind import LayerKind, apply_in_turn, check_layers, width_of
from chainrule.networks.layers import dense, dropout

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "GaussianNoise",
    "Residual",
    "glorot_factor",
    "weighted_sums",
]


@dataclass(frozen=True, repr=False)
class Dense(LayerKind):
    """activation(x·W + b).

    Parameters
    ----------
    units : int
        How many numbers it gives for each row.
    activation : str, default=None
        One of those of :class:`~chainrule.MLPClassifier`; without it x·W + b is left as it is,
        for a normalisation to come before an :class:`Activation`.
    bias : bool, default=True
        Whether there is a b; before :class:`BatchNorm` it changes nothing.

    Raises
    ------
    ValueError
        If there is no such activation, or units is no number of units.

    Notes
    -----
    W and b start as in :class:`~chainrule.MLPClassifier`, drawn evenly after Glorot.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Dense(64, "relu")
    Dense(64, 'relu')
    """

    units: int
    activation: str | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.units, Integral) or isinstance(self.units, bool) or self.units < 1:
            self._refuse("units", "a whole number of 1 or more, such as 64")
        object.__setattr__(self, "units", int(self.units))
        if not isinstance(self.bias, bool):
            self._refuse("bias", "True or False")
        if self.activation is not None:
            self._check_activation("activation")

    def apply(self, x: Node, building: Building) -> Node:
        k = building.next_layer()
        factor = glorot_factor(self.activation)
        h = weighted_sums(x, self.units, building, f"hidden layer {k}", factor, self.bias)
        h = building.named(h, f"h{k}_in")
        if self.activation is None:
            return h
        return building.activate(h, ACTIVATIONS[self.activation](h), self.activation)


@dataclass(frozen=True, repr=False)
class Activation(LayerKind):
    """An activation by itself, as it stands after a normalisation.

    Parameters
    ----------
    activation : str
        One of those of :class:`~chainrule.MLPClassifier`.

    Raises
    ------
    ValueError
        If there is no such activation.

    Examples
    --------
    >>> import chainrule as cr
    >>> [cr.Dense(64), cr.BatchNorm(), cr.Activation("relu")]
    [Dense(64), BatchNorm(), Activation('relu')]
    """

    activation: str

    def __post_init__(self) -> None:
        self._check_activation("activation")

    def apply(self, x: Node, building: Building) -> Node:
        return building.activate(x, ACTIVATIONS[self.activation](x), self.activation)


@dataclass(frozen=True, repr=False)
class Dropout(LayerKind):
    """In training, each number is 0 with probability ``rate``, else divided by 1 - rate.

    Parameters
    ----------
    rate : float
        From 0 up to, not including, 1.

    Raises
    ------
    ValueError
        If rate is outside of this.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent
    neural networks from overfitting", 2014.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Dropout(0.2)
    Dropout(0.2)
    """

    rate: float

    def __post_init__(self) -> None:
        self._check_number("rate", 0, 1, "a number from 0 up to, not including, 1, such as 0.2")
        if self.rate == 1.0:
            self._refuse("rate", "below 1, where something is left to learn from; 0.2 is usual")

    @property
    def draws(self) -> bool:
        return self.rate > 0.0

    def apply(self, x: Node, building: Building) -> Node:
        if not building.training or not self.draws:
            return x
        dropped = dropout(x, self.rate, building.stream())
        return building.named(dropped, f"h{building.layer}_dropped")


@dataclass(frozen=True, repr=False)
class GaussianNoise(LayerKind):
    """In training, each number gets a draw from the normal distribution added.

    Parameters
    ----------
    scale : float
        The standard deviation of the noise: 0 or more, in the units of what it is added to.

    Raises
    ------
    ValueError
        If scale is negative or not finite.

    References
    ----------
    Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.GaussianNoise(0.1)
    GaussianNoise(0.1)
    """

    scale: float

    def __post_init__(self) -> None:
        self._check_number("scale", 0, sys.float_info.max, "a finite number of 0 or more")

    @property
    def draws(self) -> bool:
        return self.scale > 0.0

    def apply(self, x: Node, building: Building) -> Node:
        if not building.training or not self.draws:
            return x
        noisy = x + self.scale * fn.normal(x.shape, building.pair_of_streams())
        return building.named(noisy, f"h{building.layer}_noisy")


@dataclass(frozen=True, repr=False)
class Residual(LayerKind):
    """x + layers(x): layers that learn what has to be added to x.

    Parameters
    ----------
    layers : sequence of layer
        They must give as many units as they are given.

    Raises
    ------
    ValueError
        If there are none, or something else is among them.

    References
    ----------
    He, Zhang, Ren & Sun, "Deep residual learning for image recognition", 2016.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Residual([cr.Dense(64, "relu"), cr.Dense(64)])
    Residual([Dense(64, 'relu'), Dense(64)])
    """

    layers: Sequence[LayerKind]

    def __post_init__(self) -> None:
        # A tuple: a description is not changed, and can be a key.
        object.__setattr__(self, "layers", check_layers(self.layers, "Residual: layers"))
        if not self.layers:
            raise ValueError("Residual: layers holds none, so nothing can be learned: give some.")

    @property
    def inside(self) -> tuple[LayerKind, ...]:
        return tuple(self.layers)

    def __repr__(self) -> str:
        return f"Residual({list(self.layers)!r})"

    def apply(self, x: Node, building: Building) -> Node:
        place = building.place
        out = apply_in_turn(self.layers, x, building, f"{place}.layers")
        building.place = place
        given, made = width_of(x), width_of(out)
        if given != made:
            raise building.fault(
                self,
                f"it is given {given} units and its layers make {made} of them, which cannot be "
                f"added: let the last be Dense({given}), or put Dense({made}) before it.",
            )
        return building.named(x + out, f"h{building.layer}_sum")


def weighted_sums(
    x: Node, units: int, building: Building, target: str, factor: float, bias: bool = True
) -> Node:
    """x·W + b of the layer that the building is at: (rows, units).

    Parameters
    ----------
    x : Node
        (rows, units before).
    units : int
    building : Building
        Learns W and b.
    target : str
        Where the units are, in words.
    factor : float
        Of Glorot's bound of the first values; scikit-learn uses 2 for the logistic.
    bias : bool
    """
    k, fan_in, source = building.layer, width_of(x), building.source
    first = Evenly(glorot_bound(fan_in, units, factor))
    building.source = target
    W = building.parameter(
        f"W{k}",
        (fan_in, units),
        first,
        lambda at: f"the weight from {unit_of(source, at[0])} to {unit_of(target, at[1])}",
        penalised=True,
    )
    if not bias:
        return x @ W
    b = building.parameter(
        f"b{k}", (units,), first, lambda at: f"the bias of {unit_of(target, at[0])}"
    )
    return dense(x, W, b)


def glorot_factor(activation: str | None) -> float:
    """Of the bound of the first weights before an activation, as scikit-learn has it."""
    return 2.0 if activation == "logistic" else 6.0
