"""The loop: epochs of minibatches, run by an engine, until training should stop.

Shuffling, the order of random draws, the stopping rules and the learning rates are those of
scikit-learn's MLP, so that with the same ``random_state`` training follows its trajectory.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from chainrule.engines.base import Array, RunReport, TrainingLoop
from chainrule.training.diagnosis import explain_failure
from chainrule.training.history import History
from chainrule.training.schedules import Schedule

__all__ = ["Callback", "Moment", "Plan", "Progress", "Validation", "run_epochs"]

CALL_SECONDS = 0.1
"""How long the engine may run before Python gets a turn: for Ctrl-C, callbacks, progress."""


@dataclass(frozen=True)
class Plan:
    """How to go through the data, and when to stop.

    Parameters
    ----------
    batch_size : int
    max_epochs : int
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    schedule : Schedule
    tol : float, default=1e-4
        What counts as progress.
    patience : float, default=10
        Training stops when more than this many epochs in a row brought no progress.
    watch_score : bool, default=False
        Judge progress by the validation score instead of the training loss, and return to the
        parameters that had the best score.
    """

    batch_size: int
    max_epochs: int
    shuffle: bool = True
    schedule: Schedule = field(default_factory=Schedule)
    tol: float = 1e-4
    patience: float = 10
    watch_score: bool = False


@dataclass
class Progress:
    """How far training has come; kept, it lets a later call go on from here.

    Attributes
    ----------
    learning_rate : float
    epochs : int
        Epochs completed by the latest call.
    steps, rows_seen : int
        Steps made and rows read in all calls.
    loss : float
        The latest epoch's mean over its rows.
    losses, scores : list of float
        One for each epoch: training loss, and validation score where it is watched.
    best_loss, best_score : float
    best_parameters : list of array or None
        Those of the best score.
    epochs_without_progress : int
    history : History
    """

    learning_rate: float
    epochs: int = 0
    steps: int = 0
    rows_seen: int = 0
    loss: float = math.nan
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_parameters: list[Array] | None = None
    epochs_without_progress: int = 0
    history: History = field(default_factory=History)


class Validation(NamedTuple):
    """The loss and the score on rows that are not trained on."""

    loss: float
    score: float


class Moment(NamedTuple):
    """What a callback is told.

    Attributes
    ----------
    epoch, max_epochs : int
        The epoch under way, 1 for the first, and the most there may be.
    step, steps : int
        Steps done in this epoch, of how many.
    loss : float
        The mean loss of this epoch so far.
    epoch_ended : bool
        Whether this is the end of an epoch, with its row in the history.
    history : History
    """

    epoch: int
    max_epochs: int
    step: int
    steps: int
    loss: float
    epoch_ended: bool
    history: History


Callback = Callable[[Moment], Any]
"""Called about every 0.1 s and at the end of each epoch; returning True at the end of an epoch
stops training. One that is a context manager is entered for the time of training."""


def run_epochs(
    loop: TrainingLoop,
    plan: Plan,
    progress: Progress,
    random_state: np.random.RandomState,
    *,
    rows: npt.NDArray[np.int64] | None = None,
    n_parameters: int = 0,
    validate: Callable[[], Validation] | None = None,
    callbacks: Sequence[Callback] = (),
    verbose: bool = False,
    warn_at_end: bool = True,
) -> None:
    """Train until the plan says stop; ``loop.state`` and ``progress`` are updated in place.

    Ctrl-C ends training with a warning, and leaves the parameters as far as they got.

    Parameters
    ----------
    loop : TrainingLoop
    plan : Plan
    progress : Progress
    random_state : RandomState
        Draws the orders.
    rows : array of int64, optional
        Which rows of the data take part; all by default.
    n_parameters : int, default=0
        How many arrays of the state, from the first on, are kept and restored with the best
        score.
    validate : callable, optional
        Called after each epoch.
    callbacks : sequence of callable
    verbose : bool, default=False
        Print a line for each epoch.
    warn_at_end : bool, default=True
        Warn where ``plan.max_epochs`` ends training before it has converged.

    Raises
    ------
    NonFiniteLossError
        If the loss of a step is NaN or infinite.
    """
    order = rows
    n_rows = len(loop.data[0]) if rows is None else len(rows)
    pace = _Pace()
    progress.epochs = 0
    loop.steps_done = progress.steps
    parameters = loop.state[:n_parameters]
    try:
        with ExitStack() as stack:
            for each in callbacks:
                if isinstance(each, AbstractContextManager):
                    stack.enter_context(each)
            for epoch in range(1, plan.max_epochs + 1):
                if plan.shuffle:
                    positions = np.arange(n_rows)
                    random_state.shuffle(positions)
                    order = positions if order is None else order[positions]
                loop.settings["learning_rate"] = progress.learning_rate
                start = time.perf_counter()
                report = _run_epoch(loop, plan, progress, order, n_rows, pace, callbacks, epoch)
                seconds = time.perf_counter() - start
                progress.epochs = epoch
                progress.rows_seen += n_rows
                progress.loss = report.loss_sum / n_rows
                progress.losses.append(progress.loss)
                if verbose:
                    print(f"Iteration {epoch}, loss = {progress.loss:.8f}")
                validation = validate() if validate is not None else None
                _record(progress, seconds, validation)
                _judge(plan, progress, validation, parameters, verbose)
                rate = plan.schedule.after_epoch(progress.learning_rate, progress.rows_seen)
                progress.learning_rate = rate
                if progress.epochs_without_progress > plan.patience and _stops(
                    plan, progress, verbose
                ):
                    break
                if _asked_to_stop(plan, progress, callbacks, report, epoch):
                    break
            else:
                if warn_at_end:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({plan.max_epochs}) reached "
                        f"and the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=2,
                    )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    if plan.watch_score and progress.best_parameters is not None:
        for array, best in zip(parameters, progress.best_parameters, strict=True):
            array[...] = best


class _Pace:
    """How many steps one call into the engine may take."""

    def __init__(self) -> None:
        self.steps = 1

    def learn(self, steps: int, seconds: float) -> None:
        """Aim at calls of ``CALL_SECONDS``; a call too short to be measured tells little."""
        affordable = int(steps * CALL_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(affordable, 16 * steps))


def _run_epoch(
    loop: TrainingLoop,
    plan: Plan,
    progress: Progress,
    order: npt.NDArray[np.int64] | None,
    n_rows: int,
    pace: _Pace,
    callbacks: Sequence[Callback],
    epoch: int,
) -> RunReport:
    total = RunReport()
    n_steps = -(-n_rows // plan.batch_size)
    while total.steps < n_steps:
        last = min(total.steps + pace.steps, n_steps)
        start = time.perf_counter()
        report = loop.run(order, plan.batch_size, total.steps, last)
        pace.learn(report.steps, time.perf_counter() - start)
        total.steps += report.steps
        total.rows += report.rows
        total.loss_sum += report.loss_sum
        progress.steps += report.steps
        if report.failed_step is not None:
            raise explain_failure(loop, order, plan.batch_size, report.failed_step, epoch)
        if callbacks and total.steps < n_steps:
            loss = total.loss_sum / total.rows
            moment = Moment(
                epoch, plan.max_epochs, total.steps, n_steps, loss, False, progress.history
            )
            for each in callbacks:
                each(moment)
    return total


def _record(progress: Progress, seconds: float, validation: Validation | None) -> None:
    measured = (
        {}
        if validation is None
        else {"validation_loss": validation.loss, "validation_score": validation.score}
    )
    progress.history.record(
        epoch=len(progress.losses),
        loss=progress.loss,
        **measured,
        learning_rate=progress.learning_rate,
        seconds=seconds,
    )


def _judge(
    plan: Plan,
    progress: Progress,
    validation: Validation | None,
    parameters: Sequence[Array],
    verbose: bool,
) -> None:
    """Was there progress? And is this the best so far?"""
    if plan.watch_score:
        assert validation is not None
        score = validation.score
        progress.scores.append(score)
        if verbose:
            print(f"Validation score: {score:f}")
        improved = not score < progress.best_score + plan.tol
        if score > progress.best_score:
            progress.best_score = score
            progress.best_parameters = [each.copy() for each in parameters]
    else:
        improved = not progress.loss > progress.best_loss - plan.tol
        progress.best_loss = min(progress.best_loss, progress.loss)
    progress.epochs_without_progress = 0 if improved else progress.epochs_without_progress + 1


def _stops(plan: Plan, progress: Progress, verbose: bool) -> bool:
    """Whether want of progress ends training; else the learning rate has been lowered."""
    rate = plan.schedule.without_progress(progress.learning_rate)
    if verbose:
        watched = "Validation score" if plan.watch_score else "Training loss"
        outcome = "Stopping." if rate is None else f"Setting learning rate to {rate:f}"
        if rate is None and plan.schedule.kind == "adaptive":
            outcome = "Learning rate too small. Stopping."
        print(
            f"{watched} did not improve more than tol={plan.tol:f} for {plan.patience} "
            f"consecutive epochs. {outcome}"
        )
    if rate is None:
        return True
    progress.learning_rate = rate
    progress.epochs_without_progress = 0
    return False


def _asked_to_stop(
    plan: Plan,
    progress: Progress,
    callbacks: Sequence[Callback],
    report: RunReport,
    epoch: int,
) -> bool:
    if not callbacks:
        return False
    moment = Moment(
        epoch, plan.max_epochs, report.steps, report.steps, progress.loss, True, progress.history
    )
    # Each is told, whatever the ones before it answer.
    answers = [each(moment) for each in callbacks]
    return any(answer is True for answer in answers)
