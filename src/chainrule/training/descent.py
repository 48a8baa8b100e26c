"""Gradient descent as on the blackboard: w ← w - learning_rate·gradient, until it settles."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.engines.base import Array, Engine, FloatType
from chainrule.errors import NonFiniteLossError
from chainrule.training.callbacks import Callback, Moment
from chainrule.training.curvature import hessian_product, largest_curvature
from chainrule.training.history import History
from chainrule.training.loop import Epochs, Plan, Progress
from chainrule.training.optimizers import SGD
from chainrule.training.step import Objective, training_step

__all__ = ["Descent", "descend"]

PATIENCE = 10
"""Epochs of minibatches without a lower loss after which descent has settled."""


@dataclass
class Descent:
    """What gradient descent did.

    Attributes
    ----------
    parameters : list of array
    learning_rate : float
    epochs : int
    history : History
        A row for each epoch; of full batches, the loss is that before the step.
    path : list of list of array
        The parameters at the start and after each epoch, if they were asked for.
    """

    parameters: list[Array]
    learning_rate: float
    epochs: int
    history: History
    path: list[list[Array]]


def descend(
    objective: Objective,
    data: Sequence[Array],
    start: Sequence[Array],
    engine: Engine,
    *,
    learning_rate: float | None,
    batch_size: int,
    max_epochs: int,
    tol: float,
    random_state: np.random.RandomState,
    n_threads: int = 1,
    keep_path: bool = False,
    verbose: bool = False,
    callbacks: Sequence[Callback] = (),
    publish: Callable[[Moment, Sequence[Array]], None] | None = None,
    estimator: Any = None,
) -> Descent:
    """Follow the gradient of a quadratic loss down to its minimum.

    Parameters
    ----------
    objective : Objective
    data : sequence of array
        The minibatch variables for all rows, in C order and in one precision.
    start : sequence of array
        First values of the parameters.
    engine : Engine
    learning_rate : float or None
        None for 1/λmax, λmax being the largest eigenvalue of the loss's Hessian.
    batch_size : int
        With as many as there are rows, each epoch is one step down the full gradient, and
        descent ends when a step changes no parameter by more than ``tol`` times the largest.
        With fewer, it ends when the loss of 10 epochs in a row was no lower.
    max_epochs : int
    tol : float
    random_state : RandomState
        Draws the order of the rows, where there are minibatches.
    n_threads : int, default=1
    keep_path : bool, default=False
    verbose : bool, default=False
        Print a line for each epoch.
    callbacks : sequence of callable
    publish : callable, optional
        Given each moment and the parameters at it, before the callbacks are told of it.
    estimator : estimator, optional
        Whose training this is: what callbacks are told.

    Returns
    -------
    Descent

    Raises
    ------
    NonFiniteLossError
        If the loss grows beyond all bounds.

    References
    ----------
    Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847.
    """
    dtype: FloatType = "float32" if data[0].dtype == np.float32 else "float64"
    weight = float(len(data[0]))
    if objective.sample_weight is not None:
        weight = float(data[objective.minibatch.index(objective.sample_weight)].sum())

    def curvature() -> float:
        function = engine.compile(hessian_product(objective), dtype, n_threads)
        return largest_curvature(function, data, start, weight)

    full = batch_size >= len(data[0])
    rate = learning_rate if learning_rate is not None else _safe_rate(curvature())
    state = [each.copy() for each in start]
    loop = engine.compile_step(
        training_step(objective, SGD()),
        dtype,
        data,
        state,
        {"learning_rate": rate},
        n_threads=n_threads,
        batch_size=batch_size,
    )
    plan = Plan(
        batch_size,
        max_epochs,
        learning_rate=rate,
        shuffle=not full,
        tol=0.0,
        patience=np.inf if full else PATIENCE,
    )
    progress = Progress(rate)
    watch = _Watch(state, tol if full else -1.0, keep_path)
    told: list[Callback] = [watch]
    if callbacks:
        # Where nobody looks on, nothing has to be brought up to date.
        told += [] if publish is None else [lambda moment: publish(moment, state)]
        told += callbacks
    epochs = Epochs(
        loop, plan, progress, random_state, callbacks=told, verbose=verbose, estimator=estimator
    )
    try:
        epochs.run(warn=False)
    except NonFiniteLossError as error:
        advice = _advice(rate, curvature())
        where = f"iteration {progress.epochs + 1}"
        raise NonFiniteLossError(f"The loss is not finite at {where}. {advice}") from error
    if _diverged(progress.losses, full):
        warnings.warn(
            f"Gradient descent moves away from the minimum: the loss is {progress.loss:.6g}, and "
            f"was {min(progress.losses):.6g} before. {_advice(rate, curvature())}",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif progress.epochs == max_epochs and not watch.settled:
        warnings.warn(
            f"Gradient descent has not settled after {max_epochs} iterations: raise max_iter or "
            f"tol, or bring the columns of X to one scale, with StandardScaler for one.",
            ConvergenceWarning,
            stacklevel=6,
        )
    return Descent(state, rate, progress.epochs, progress.history, watch.path)


def _diverged(losses: Sequence[float], full: bool) -> bool:
    """Of full batches no loss is higher than any before; minibatches are a matter of luck."""
    if not losses:
        return False
    return losses[-1] > (1.000001 * min(losses) if full else losses[0])


def _safe_rate(curvature: float) -> float:
    if not np.isfinite(curvature):
        raise NonFiniteLossError(
            "No learning rate is small enough: the squares of the values of X overflow. Bring its "
            "columns to one scale, with StandardScaler for one."
        )
    return 1.0 / curvature if curvature else 1.0


def _advice(rate: float, curvature: float) -> str:
    limit = 2.0 / curvature if curvature else np.inf
    if rate < limit or limit == 0.0:
        return (
            "Lower learning_rate_init, or bring the columns of X, and y, to one scale near 1, with "
            "StandardScaler for one."
        )
    return (
        f"learning_rate_init={rate:.4g} is too large: from 2/λmax = {limit:.4g} on, each step "
        f"overshoots by more than the one before (λmax = {curvature:.4g} is the largest "
        f"eigenvalue of the loss's Hessian). Use {0.5 * limit:.4g}, or 'auto'."
    )


class _Watch:
    """Keeps the path, and stops where a step hardly moves."""

    def __init__(self, state: list[Array], tol: float, keep_path: bool) -> None:
        self.state = state
        self.tol = tol
        self.keep_path = keep_path
        self.settled = False
        self.latest = [each.copy() for each in state]
        self.path = [self.latest] if keep_path else []

    def __call__(self, moment: Moment) -> bool:
        if not moment.epoch_ended:
            return False
        change = max(
            float(np.abs(new - old).max(initial=0.0))
            for new, old in zip(self.state, self.latest, strict=True)
        )
        size = max(float(np.abs(each).max(initial=0.0)) for each in self.state)
        self.latest = [each.copy() for each in self.state]
        if self.keep_path:
            self.path.append(self.latest)
        self.settled = change <= self.tol * size
        return self.settled
