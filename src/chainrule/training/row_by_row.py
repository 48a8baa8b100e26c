"""Training that updates after every row, one output at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.simplify import simplify
from chainrule.engines.base import Array, TrainingStep
from chainrule.graph.node import variable
from chainrule.networks.single_layer import SingleLayer
from chainrule.training.history import History
from chainrule.training.optimizers import SGD
from chainrule.training.step import Objective, training_step

__all__ = ["joined", "largest_rate", "row_step"]


def row_step(layer: SingleLayer, weighted: bool, judged_without_weights: bool) -> TrainingStep:
    """A step of gradient descent on one row.

    Parameters
    ----------
    layer : SingleLayer
    weighted : bool
        Whether a weight multiplies the row's update. As the weight of a row in a mean, it would
        cancel out of a minibatch of one row.
    judged_without_weights : bool
        Whether the loss that is reported, by which progress is judged, leaves weights out.
    """
    losses = layer.row_losses(layer.X, layer.y)
    if not weighted:
        return training_step(Objective(losses, (layer.X, layer.y), layer.parameters), SGD())
    weight = variable("update_weight", ("rows",))
    objective = Objective(weight * losses, (layer.X, layer.y, weight), layer.parameters)
    step = training_step(objective, SGD())
    return replace(step, loss=simplify([fn.mean(losses)])[0]) if judged_without_weights else step


def largest_rate(X: Array, weights: Array | None, intercept: bool) -> float:
    """The learning rate with which a step on any row brings its squared error just to 0.

    With up to twice this rate no step takes a row's output further from its target.
    """
    lengths = np.einsum("ij,ij->i", X, X, dtype=np.float64) + float(intercept)
    largest = np.max(lengths if weights is None else lengths * weights)
    return 1.0 / float(largest) if largest > 0 else 1.0


def joined(histories: Sequence[History]) -> History:
    """The histories of outputs that trained one after another, as that of all of them.

    Losses are summed over the outputs and scores averaged; an output that stopped earlier keeps
    its last values.
    """
    epochs = max(len(each["epoch"]) for each in histories)
    whole = History()
    for epoch in range(epochs):
        rows = [
            {name: column[min(epoch, len(column) - 1)] for name, column in each.items()}
            for each in histories
        ]
        row = {name: sum(each[name] for each in rows) for name in rows[0]}
        row["epoch"], row["learning_rate"] = epoch + 1, rows[0]["learning_rate"]
        row["seconds"] = sum(
            each["seconds"][epoch] for each in histories if epoch < len(each["epoch"])
        )
        if "validation_score" in row:
            row["validation_score"] /= len(rows)
        whole.record(**row)
    return whole
