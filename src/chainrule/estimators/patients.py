"""Fitted estimators as the doctor sees them: the loss, the layers or steps, the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import chainrule.graph.functions as fn
from chainrule.doctor.examination import MOST_ROWS, Patient
from chainrule.engines.base import Array
from chainrule.estimators.sequences import Sequences
from chainrule.explain.unrolling import unrolled
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order

__all__ = ["patient_of_feed_forward", "patient_of_recurrent"]

_MOST_STEPS = 1000
"""Of longer sequences, the steps are not looked at one by one."""


def patient_of_feed_forward(model: Any, features: Sequence[str], score: float, y: Any) -> Patient:
    """A multi-layer perceptron, or list of layers: its layers, from the inputs on."""
    objective = model._objective(weighted=False, training=False)
    built = model._network.stack.built()
    return Patient(
        row_losses=objective.row_losses,
        layers=tuple(
            (each.before, each.after, each.activation) for each in built.building.activated
        ),
        output=built.raw_output,
        X=objective.minibatch[0],
        Y=objective.minibatch[1],
        comparable=model.loss in ("squared_error", "log_loss", "hinge"),
        **_of_any(model, objective.learned, features, score, y),
    )


def patient_of_recurrent(
    model: Any, sequences: Sequences, Y: Array, features: Sequence[str], score: float, y: Any
) -> tuple[Patient, Array, Array]:
    """A recurrent network: the steps of its first layer; with the rows that are looked at."""
    network = model._used_as
    chosen = np.linspace(0, len(sequences) - 1, min(len(sequences), MOST_ROWS)).astype(np.int64)
    values, mask = sequences.values[chosen].astype(np.float64), sequences.mask[chosen]
    steps = values.shape[1]
    X = variable("X", ("rows", steps, network.n_features))
    M = variable("mask", ("rows", steps))
    target = variable("y", ("rows", *Y.shape[1:]))
    _, losses = network.row_losses(model._row_loss(), X=X, y=target, mask=M)
    flat = unrolled(fn.sum(losses), _MOST_STEPS)
    named = {node.name: node for node in topological_order([flat])}
    sums = {"rnn_tanh": "h1_in", "rnn_relu": "h1_in", "lstm": "c1"}.get(network.cell, "h1")
    times = [time for time in range(steps) if f"h1[{time}]" in named]
    activation = getattr(model, "activation", "")
    labels = None if model._each_step else np.asarray(y)[chosen]
    general = _of_any(model, network.parameters, features, score, labels)
    general["parameters"] = {**general["parameters"], M: mask.astype(np.float64)}
    patient = Patient(
        row_losses=flat,
        layers=tuple(
            (named[f"{sums}[{time}]"], named[f"h1[{time}]"], activation) for time in times
        ),
        output=_output(named),
        X=X,
        Y=target,
        comparable=False,
        place="step",
        **general,
    )
    return patient, values, Y[chosen]


def score_of(model: Any, X: Any, y: Any) -> float:
    """The score; NaN where predictions are not finite."""
    try:
        with np.errstate(all="ignore"):
            return float(model.score(X, y))
    except ValueError:
        return float("nan")


def _of_any(
    model: Any, learned: Sequence[Node], features: Sequence[str], score: float, y: Any
) -> dict[str, Any]:
    """What is the same for all networks; ``learned`` are the variables of what they learn."""
    network = model._network
    exclusive = (
        y is not None and hasattr(model, "classes_") and model._label_kind != "multilabel-indicator"
    )
    return {
        "weights": network.weights,
        "parameters": {
            node: np.asarray(array, dtype=np.float64)
            for node, array in zip(learned, model._parameters, strict=True)
        },
        "history": getattr(model, "history_", model._progress.history),
        "learning_rate": None if model.solver == "lbfgs" else float(model.learning_rate_init),
        "solver": model.solver,
        "labels": np.asarray(y).ravel() if exclusive else None,
        "classes": model.classes_.tolist() if exclusive else (),
        "features": features,
        "score": score,
    }


def _output(named: dict[str | None, Node]) -> Node:
    return named["output"] if "output" in named else named["output_in"]
