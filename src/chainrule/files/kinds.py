"""The plain descriptions that a model file may hold beside numbers and texts, by name."""

from __future__ import annotations

from typing import Any

from chainrule.networks.norm_layers import BatchNorm, LayerNorm
from chainrule.networks.own_layer import Layer
from chainrule.networks.plain_layers import Activation, Dense, Dropout, GaussianNoise, Residual
from chainrule.training.schedules import SCHEDULES

__all__ = ["KINDS"]

_LAYERS = (Activation, BatchNorm, Dense, Dropout, GaussianNoise, Layer, LayerNorm, Residual)

KINDS: dict[str, type[Any]] = {
    each.__name__: each for each in (*_LAYERS, *map(type, SCHEDULES.values()))
}
"""Frozen dataclasses that check their values; nothing else is ever made of what a file says."""
