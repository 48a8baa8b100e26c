"""Fitted estimators as what a derivation needs: one row, the loss, the state of training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.explain.optimizer_step import OptimizerState
from chainrule.explain.trained import TrainedNetwork
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order
from chainrule.networks.linear import LinearModel
from chainrule.training.optimizers import SGD

__all__ = [
    "ALL_ROWS",
    "RUNNING_MOMENTS",
    "as_doubles",
    "descended",
    "optimizer_state",
    "trained_feed_forward",
    "trained_linear",
    "trained_logistic",
    "trained_radial",
    "trained_recurrent",
    "trained_row_by_row",
]


def trained_feed_forward(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted multi-layer perceptron, or list of layers, with one row and its target."""
    network = estimator._network
    row, target = variable("x", x.shape), variable("y", y.shape)
    loss = fn.sum(estimator._row_loss().per_row(target, network.raw_output(row)))
    loss, optimizer = descended(estimator, network, loss, y)
    nodes = (*network.parameters, *network.statistics)
    given = dict(zip(nodes, map(as_doubles, estimator._parameters), strict=True))
    n_layers = network.stack.built().building.layer
    names = {node.name for node in topological_order([loss])}
    return TrainedNetwork(
        loss=loss.named("loss"),
        given={row: x, target: y, **given},
        parameters=network.parameters,
        row=row,
        target=target,
        kind=f"{type(estimator).__name__} {network}",
        aliases={
            "X": "x",
            # Without an activation, what comes before it is what comes after it.
            **{f"h{k}_in": f"h{k}_out" for k in range(1, n_layers) if f"h{k}_in" not in names},
            **{f"coefs_[{k}]": f"W{k + 1}" for k in range(n_layers)},
            **{f"intercepts_[{k}]": f"b{k + 1}" for k in range(n_layers)},
        },
        describe=network.describe,
        optimizer=optimizer,
        no_update=ALL_ROWS,
        note=RUNNING_MOMENTS if network.statistics else "",
    )


def trained_recurrent(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted recurrent network with one sequence and its target, or its targets."""
    network = estimator._network
    row, target = variable("x", x.shape), variable("y", y.shape)
    _, losses = network.row_losses(estimator._row_loss(), X=row, y=target)
    loss, optimizer = descended(estimator, network, fn.sum(losses), y)
    given = dict(zip(network.parameters, map(as_doubles, estimator._parameters), strict=True))
    sizes = [network.n_features, *[network.state_size] * network.num_layers, network.n_outputs]
    return TrainedNetwork(
        loss=loss.named("loss"),
        given={row: x, target: y, **given},
        parameters=network.parameters,
        row=row,
        target=target,
        kind=f"{type(estimator).__name__} {' → '.join(map(str, sizes))}, {x.shape[1]} steps",
        aliases={"X": "x"},
        describe=network.describe,
        optimizer=optimizer,
        no_update=ALL_ROWS,
    )


def descended(
    estimator: Any, network: Any, loss: Node, y: Array
) -> tuple[Node, OptimizerState | None]:
    """What training descends for one row: its loss with the penalty; and the optimizer, if any."""
    stochastic = estimator.solver in STOCHASTIC_SOLVERS
    rule = estimator._optimizer() if stochastic else None
    alpha = float(estimator.alpha)
    decoupled = rule is not None and rule.decoupled_decay
    row_weight = _row_weight(estimator, y)
    if alpha and not decoupled and estimator.l1_ratio < 1:
        squares = [fn.sum(fn.square(each)) for each in network.weights]
        total = squares[0]
        for each in squares[1:]:
            total = total + each
        # Of a minibatch of one row, its weight is left in the penalty alone.
        strength = 0.5 * (1.0 - estimator.l1_ratio) * alpha / row_weight
        loss = loss.named("row_loss") + (strength * total).named("penalty")
    if rule is None:
        return loss, None
    return loss, optimizer_state(estimator, rule, network, alpha, row_weight)


def _row_weight(estimator: Any, y: Array) -> float:
    """The weight that ``class_weight`` gives a row, where it says so by itself."""
    given = getattr(estimator, "class_weight", None)
    if not isinstance(given, Mapping):
        return 1.0
    (label,) = estimator._label_binarizer.inverse_transform(y)
    return float(given.get(label, 1.0)) or 1.0


def optimizer_state(
    estimator: Any, rule: Any, network: Any, alpha: float, row_weight: float = 1.0
) -> OptimizerState:
    """How the training of an estimator goes on from here, with a row of this weight."""
    kept = estimator._memory
    memory: dict[Node, Mapping[str, Array]] = {}
    steps, note = 0, ""
    if estimator.early_stopping:
        note = (
            "Early stopping has put back the weights of the best epoch; what the optimizer "
            "remembers is of the last one."
        )
    elif getattr(estimator, "class_weight", None) == "balanced":
        note = "The weights of balanced classes are left out: one row says nothing of them."
    names = [f"{node.name}_{name}" for node in network.parameters for name in rule.memory]
    if kept is None:
        if names:
            note = "What the optimizer remembered was not saved with the model: it starts anew."
    elif list(kept)[: len(names)] != names:
        note = "The solver is not the one that has trained so far: it starts anew."
    else:
        for node in network.parameters:
            memory[node] = {name: as_doubles(kept[f"{node.name}_{name}"]) for name in rule.memory}
        if rule.counts_steps:
            steps = int(kept["step_number"])
    decay = float(estimator.weight_decay)
    if rule.decoupled_decay:
        decay += alpha * (1.0 - estimator.l1_ratio)
    shrinkage = alpha * estimator.l1_ratio
    if not rule.decoupled_decay:
        shrinkage /= row_weight
    return OptimizerState(
        name=estimator.solver,
        rule=rule,
        learning_rate=_next_rate(estimator),
        steps_done=steps,
        memory=memory,
        decay=dict.fromkeys(network.weights, decay) if decay else {},
        shrinkage=dict.fromkeys(network.weights, shrinkage) if shrinkage else {},
        clip_norm=estimator.clip_norm,
        note=note,
    )


def _next_rate(estimator: Any) -> float:
    """The learning rate with which training would go on."""
    progress, schedule = estimator._progress, estimator._schedule()
    over = len(progress.losses) - progress.losses_before
    return float(progress.learning_rate) * schedule.factor_at(over + 1, estimator.max_iter)


def trained_linear(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted linear regression with one row and its target."""
    model = LinearModel(x.shape[1], y.shape[1], estimator.fit_intercept)
    row, target = variable("x", x.shape), variable("y", y.shape)
    w, *biases = model.parameters
    output = sum(biases, start=row @ w).named("output")
    given = {w: as_doubles(np.atleast_2d(estimator.coef_).T)}
    if biases:
        given[biases[0]] = np.atleast_1d(as_doubles(estimator.intercept_))
    descends = estimator.solver == "gradient_descent"
    return TrainedNetwork(
        loss=fn.sum(fn.square(output - target)).named("loss"),
        given={row: x, target: y, **given},
        parameters=model.parameters,
        row=row,
        target=target,
        kind=f"{type(estimator).__name__} of {x.shape[1]} feature(s)",
        aliases={"X": "x", "intercept_": "b", "W1": "w", "b1": "b"},
        optimizer=OptimizerState("gradient descent", SGD(), float(estimator.learning_rate_))
        if descends
        else None,
        no_update=f"solver={estimator.solver!r} takes no steps along a gradient.",
    )


def trained_row_by_row(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted perceptron or adaline with one row and its target."""
    layer = estimator._network
    note = ""
    if estimator.class_weight is not None:
        note = "In training, class_weight multiplies this step; it is left out here."
    return TrainedNetwork(
        **_with_row(estimator, layer, x, y),
        kind=_kind(estimator, layer),
        aliases=_LAYER_ALIASES,
        optimizer=OptimizerState("gradient descent", SGD(), float(estimator.eta0_), note=note),
    )


def trained_logistic(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted logistic regression with one row and its target."""
    layer = estimator._network
    stochastic = estimator.solver in STOCHASTIC_SOLVERS
    return TrainedNetwork(
        **_with_row(estimator, layer, x, y),
        kind=_kind(estimator, layer),
        aliases=_LAYER_ALIASES,
        optimizer=_shared_penalty(estimator, layer) if stochastic else None,
        no_update=ALL_ROWS,
    )


def trained_radial(estimator: Any, x: Array, y: Array) -> TrainedNetwork:
    """A fitted radial basis network with one row and its target."""
    network = estimator._network
    stochastic = estimator.fine_tune and estimator.solver in STOCHASTIC_SOLVERS
    return TrainedNetwork(
        **_with_row(estimator, network, x, y),
        kind=f"{type(estimator).__name__} {x.shape[1]} → {network.n_centres} centres → "
        f"{network.n_outputs}",
        aliases={
            "X": "x",
            "centres_": "C",
            "gamma_": "gamma",
            "intercept_": "b",
            "W2": "w",
            "b2": "b",
        },
        optimizer=_shared_penalty(estimator, network) if stochastic else None,
        no_update=ALL_ROWS
        if estimator.fine_tune
        else "The weights are solved for, and centres and widths are not descended to: a single "
        "row brings no update. With fine_tune=True and a solver for minibatches it does.",
    )


def _with_row(estimator: Any, network: Any, x: Array, y: Array) -> dict[str, Any]:
    """What a network and its loss of one row say by themselves."""
    row, target = variable("x", x.shape), variable("y", y.shape)
    values = map(as_doubles, estimator._parameters)
    return {
        "loss": fn.sum(network.row_losses(row, target)).named("loss"),
        "given": {row: x, target: y, **dict(zip(network.parameters, values, strict=True))},
        "parameters": network.parameters,
        "row": row,
        "target": target,
        "describe": network.describe,
    }


def _shared_penalty(estimator: Any, network: Any) -> OptimizerState:
    state = optimizer_state(estimator, estimator._optimizer(), network, 0.0)
    note = "The penalty on w is left out: it is shared out among all rows."
    return dataclasses.replace(state, note=" ".join(filter(None, (state.note, note))))


def _kind(estimator: Any, layer: Any) -> str:
    return f"{type(estimator).__name__} {layer.n_features} → {layer.n_outputs}"


ALL_ROWS = "L-BFGS looks at all rows at once: a single one brings no update."
RUNNING_MOMENTS = (
    "Batch normalisation takes its running means and variances here, as it does in predictions and "
    "for a minibatch of a single row."
)
_LAYER_ALIASES = {"X": "x", "intercept_": "b", "W1": "w", "b1": "b"}


def as_doubles(array: Any) -> Array:
    """An array in double precision."""
    return np.asarray(array, dtype=np.float64)
