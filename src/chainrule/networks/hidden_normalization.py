"""Normalisation of all hidden layers of a network alike, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.graph.node import Node, variable
from chainrule.networks.building import Building
from chainrule.networks.layer_kind import LayerKind
from chainrule.networks.norm_layers import BatchNorm, LayerNorm

__all__ = ["NORMALIZATIONS", "HiddenNormalization"]

NORMALIZATIONS: dict[str, type[LayerKind]] = {"batch": BatchNorm, "layer": LayerNorm}
"""What may come before the activations of hidden layers, by name."""


@dataclass(frozen=True)
class HiddenNormalization:
    """What brings each hidden layer to mean 0 and variance 1 before its activation.

    Parameters
    ----------
    kind : {"batch", "layer"} or None
    layers : tuple of (int, int)
        The number of each hidden layer, and its units.

    Examples
    --------
    >>> normalization = HiddenNormalization("batch", ((1, 8), (3, 8)))
    >>> [each.name for each in (*normalization.parameters, *normalization.statistics)][::2]
    ['scale1', 'shift1', 'running_mean1', 'running_variance1']
    """

    kind: str | None
    layers: tuple[tuple[int, int], ...]

    @property
    def parameters(self) -> tuple[Node, ...]:
        """All scales and then all shifts, each (units,)."""
        return self._of_layers("scale", "shift") if self.kind else ()

    @property
    def statistics(self) -> tuple[Node, ...]:
        """The running means, then the running variances, of batch normalisation."""
        moments = ("running_mean", "running_variance")
        return self._of_layers(*moments) if self.kind == "batch" else ()

    def new_layer(self) -> LayerKind | None:
        """The layer that comes before an activation, if any does."""
        return NORMALIZATIONS[self.kind]() if self.kind else None

    def apply(self, x: Node, layer: int, building: Building) -> Node:
        """Hidden layer number ``layer``, (rows, units), normalised.

        ``building`` says whether it is for training, and gathers what becomes of the statistics.
        """
        norm = self.new_layer()
        if norm is None:
            return x
        building.layer, building.source = layer, f"hidden layer {layer}"
        building.place = building.source
        return norm.apply(x, building)

    def first_values(self, nodes: tuple[Node, ...], dtype: npt.DTypeLike) -> list[Array]:
        """Of parameters or statistics: scales and variances start from 1, the others from 0."""
        ones = ("scale", "running_variance")
        return [
            np.full(node.shape, float((node.name or "").startswith(ones)), dtype)  # type: ignore[arg-type]
            for node in nodes
        ]

    def _of_layers(self, *names: str) -> tuple[Node, ...]:
        return tuple(variable(f"{name}{k}", (size,)) for name in names for k, size in self.layers)
