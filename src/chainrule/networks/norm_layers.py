"""Layers that normalise: over the units of a row, or over the rows of a minibatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chainrule.graph.node import Node
from chainrule.networks.building import Building, Filled, unit_of
from chainrule.networks.layer_kind import LayerKind, width_of
from chainrule.networks.normalisation import moments_of_rows, moments_of_units, standardised

__all__ = ["BatchNorm", "LayerNorm"]


@dataclass(frozen=True, repr=False)
class LayerNorm(LayerKind):
    """scale·(x - mean)/√(variance + epsilon) + shift, the moments taken over the units of a row.

    A row is normalised by itself, in training as in prediction. ``scale`` and ``shift`` are
    learned, one for each unit, from 1 and 0 on, and have no penalty.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Above 0: what the variance is at least.

    Raises
    ------
    ValueError
        If epsilon is not above 0.

    References
    ----------
    Ba, Kiros & Hinton, "Layer normalization", 2016. The same numbers as PyTorch's ``LayerNorm``.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.LayerNorm()
    LayerNorm()
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        self._check_number("epsilon", 0, 1, "a small number above 0, such as 1e-5", strictly=True)

    def apply(self, x: Node, building: Building) -> Node:
        if width_of(x) == 1:
            raise building.fault(
                self,
                "it is given a single unit, and nothing is left of one number less its mean: "
                "take BatchNorm(), or more units before it.",
            )
        return _scaled_and_shifted(standardised(x, moments_of_units(x), self.epsilon), building)


@dataclass(frozen=True, repr=False)
class BatchNorm(LayerKind):
    """scale·(x - mean)/√(variance + epsilon) + shift, the moments taken over rows, for each unit.

    In training these are the moments of the minibatch. Running moments follow them, and are what
    predictions are made with. ``scale`` and ``shift`` are learned, from 1 and 0 on, and have no
    penalty.

    Parameters
    ----------
    momentum : float, default=0.1
        How much of a minibatch's moments goes into the running ones: (1 - momentum)·old +
        momentum·new, as in PyTorch. (In Keras, ``momentum`` is what is kept: 1 less this.)
    epsilon : float, default=1e-5
        Above 0: what the variance is at least.

    Raises
    ------
    ValueError
        If momentum is not above 0 and at most 1, or epsilon not above 0.

    Notes
    -----
    Rows count as their ``sample_weight`` says. A minibatch of a single row (of weight above 0) has
    no variance: there the running moments take part, and stay as they are. As in PyTorch, the
    variance that goes into the running one is that of the minibatch times rows/(rows - 1).

    References
    ----------
    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", 2015. The same numbers as PyTorch's ``BatchNorm1d``.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.BatchNorm(momentum=0.05)
    BatchNorm(momentum=0.05)
    """

    uses_minibatch: ClassVar[bool] = True

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        self._check_number("momentum", 0, 1, "above 0 and at most 1, such as 0.1", strictly=True)
        self._check_number("epsilon", 0, 1, "a small number above 0, such as 1e-5", strictly=True)

    def apply(self, x: Node, building: Building) -> Node:
        k, shape = building.layer, (width_of(x),)
        before = (
            building.statistic(f"running_mean{k}", shape),
            building.statistic(f"running_variance{k}", shape),
        )
        used = after = before
        if building.training:
            used, after = moments_of_rows(x, building.sample_weight, before, self.momentum)
        building.keep(before[0], 0.0, after[0])
        building.keep(before[1], 1.0, after[1])
        return _scaled_and_shifted(standardised(x, used, self.epsilon), building)


def _scaled_and_shifted(x: Node, building: Building) -> Node:
    """scale·x + shift, both learned for each unit."""
    k, source = building.layer, building.source
    x = building.named(x, f"h{k}_hat")

    def learned(name: str, first: float) -> Node:
        return building.parameter(
            f"{name}{k}",
            (width_of(x),),
            Filled(first),
            lambda at: f"the {name} of {unit_of(source, at[0])}",
        )

    scaled = learned("scale", 1.0) * x
    return building.named(scaled + learned("shift", 0.0), f"h{k}_norm")
