"""Fitted auto encoders as what a derivation needs: one row, the loss, the state of training."""

from __future__ import annotations

from typing import Any

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.estimators.trained_networks import ALL_ROWS, RUNNING_MOMENTS, as_doubles, descended
from chainrule.explain.trained import TrainedNetwork
from chainrule.graph.node import variable
from chainrule.graph.traversal import topological_order

__all__ = ["trained_autoencoder"]


def trained_autoencoder(estimator: Any, x: Array, **options: Any) -> TrainedNetwork:
    """A fitted auto encoder with one row, which is its own target.

    ``options`` are those of the estimator's loss of a row.
    """
    network, layers = estimator._network, estimator._layers
    row = variable("x", x.shape)
    losses, others = estimator._explained_loss(row, **options)
    loss, optimizer = descended(estimator, network, fn.sum(losses), x)
    sizes = " → ".join(str(size) for size in layers.layer_sizes)
    n_layers = len(layers.biases)
    nodes = (*network.parameters, *network.statistics)
    names = {node.name for node in topological_order([loss])}
    return TrainedNetwork(
        loss=loss.named("loss"),
        given={
            row: x,
            **others,
            **dict(zip(nodes, map(as_doubles, estimator._parameters), strict=True)),
        },
        parameters=network.parameters,
        row=row,
        target=row,
        kind=f"{type(estimator).__name__} {sizes}, {layers.activation}",
        aliases={
            "X": "x",
            # Without an activation, what comes before it is what comes after it.
            **{f"h{k}_in": f"h{k}_out" for k in layers.hidden_layers if f"h{k}_in" not in names},
            **{f"coefs_[{k}]": f"W{k + 1}" for k in range(len(layers.weights))},
            **{f"intercepts_[{k}]": f"b{k + 1}" for k in range(n_layers)},
        },
        describe=network.describe,
        optimizer=optimizer,
        no_update=ALL_ROWS,
        note=RUNNING_MOMENTS if network.statistics else "",
    )
