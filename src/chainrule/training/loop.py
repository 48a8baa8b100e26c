"""The loop: epochs of minibatches, run by an engine, until training should stop.

Shuffling, the order of random draws, the stopping rules and the learning rates are those of
scikit-learn's MLP, so that with the same ``random_state`` training follows its trajectory.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from chainrule.engines.base import Array, TrainingLoop
from chainrule.engines.threads import one_blas_thread
from chainrule.errors import NonFiniteLossError
from chainrule.training.callbacks import Callback, Moment, entered, tell
from chainrule.training.diagnosis import explain_failure
from chainrule.training.history import History
from chainrule.training.schedules import SCHEDULES, AdaptiveSchedule, Schedule

__all__ = ["Epochs", "Measure", "Plan", "Progress"]

CALL_SECONDS = 0.1
"""How long the engine may run before Python gets a turn: for Ctrl-C, callbacks, progress."""


@dataclass(frozen=True)
class Plan:
    """How to go through the data, and when to stop.

    Parameters
    ----------
    batch_size : int
    max_epochs : int
    learning_rate : float, default=0.001
        The first rate, which the schedule starts from.
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    schedule : Schedule
    tol : float, default=1e-4
        What counts as progress.
    patience : float, default=10
        Training stops when more than this many epochs in a row brought no progress.
    watched : str, optional
        The measured column by which progress is judged, the larger the better, instead of the
        training loss; training then returns to the parameters that had the best.
    stays : bool, default=False
        Whether the parameters stay as they are for as long as training may go on in a later
        call; it returns to the best ones only where want of progress has ended it.
    """

    batch_size: int
    max_epochs: int
    learning_rate: float = 0.001
    shuffle: bool = True
    schedule: Schedule = SCHEDULES["constant"]
    tol: float = 1e-4
    patience: float = 10
    watched: str | None = None
    stays: bool = False


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
    losses_before : int
        How many of them are of epochs before the schedule of learning rates began.
    best_loss, best_score : float
    best_parameters : list of array or None
        Those of the best score.
    epochs_without_progress : int
    stopped_early : bool
        Whether want of progress has ended training.
    asked_to_stop : bool
        Whether a callback has.
    history : History
    """

    learning_rate: float
    epochs: int = 0
    steps: int = 0
    rows_seen: int = 0
    loss: float = math.nan
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    losses_before: int = 0
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_parameters: list[Array] | None = None
    epochs_without_progress: int = 0
    stopped_early: bool = False
    asked_to_stop: bool = False
    history: History = field(default_factory=History)


Measure = Callable[[Sequence[Array]], Mapping[str, float]]
"""``measure(parameters)``, called after each epoch, gives more columns of its row in history."""


@dataclass
class Epochs:
    """Epochs of training on one engine, until the plan says stop.

    Parameters
    ----------
    loop : TrainingLoop
        Its state is updated in place; it has the setting ``learning_rate``.
    plan : Plan
    progress : Progress
        Updated in place.
    random_state : RandomState
        Draws the orders.
    rows : array of int64, optional
        Which rows of the data take part; all by default.
    n_parameters : int, default=0
        How many arrays of the state, from the first on, are parameters: what ``measure`` is
        given, and what is kept and restored with the best score.
    measure : callable, optional
    callbacks : sequence of callable
    verbose : bool, default=False
        Print a line for each epoch.
    before_epoch : callable, optional
        Called without arguments: for data that follow the parameters.
    estimator : estimator, optional
        Whose training this is: what callbacks are told.
    after_epoch : callable, optional
        Called without arguments once an epoch is complete and callbacks know of it: for
        checkpoints.
    goes_on : bool, default=False
        Whether this is a run that was broken off after an epoch, with its ``progress``.
    """

    loop: TrainingLoop
    plan: Plan
    progress: Progress
    random_state: np.random.RandomState
    rows: npt.NDArray[np.int64] | None = None
    n_parameters: int = 0
    measure: Measure | None = None
    callbacks: Sequence[Callback] = ()
    verbose: bool = False
    before_epoch: Callable[[], None] | None = None
    estimator: Any = None
    after_epoch: Callable[[], None] | None = None
    goes_on: bool = False

    def __post_init__(self) -> None:
        self.order = self.rows
        self.steps_per_call = 1
        self.parameters = self.loop.state[: self.n_parameters]

    @property
    def n_rows(self) -> int:
        """Rows of an epoch; in the first epoch over a stream, as far as they are known."""
        return self.loop.n_rows if self.rows is None else len(self.rows)

    @property
    def n_steps(self) -> int:
        """Minibatches of an epoch; in the first epoch over a stream, as far as they are known."""
        return self.loop.count_minibatches(self.order, self.plan.batch_size)

    def run(self, warn: bool = True) -> None:
        """Train.

        Ctrl-C ends training with a warning, and leaves the parameters as far as they got. What a
        callback raises comes out as it is; parameters and progress are then those of the last
        step, as after Ctrl-C.

        Parameters
        ----------
        warn : bool, default=True
            Warn where ``plan.max_epochs`` ends training before it has converged.

        Raises
        ------
        NonFiniteLossError
            If the loss of a step is NaN or infinite. Where the plan watches a score and some
            epoch had one, this is a warning instead, and training ends.
        """
        progress, max_epochs = self.progress, self.plan.max_epochs
        if not self.goes_on:
            progress.epochs = 0
            progress.stopped_early = progress.asked_to_stop = False
        self.loop.steps_done = progress.steps
        try:
            # Set here once: the engine's own limit then costs nothing at each call.
            with entered(self.callbacks), one_blas_thread():
                if self.goes_on and progress.asked_to_stop:
                    # The callbacks are asked anew: they may be others, or have a new allowance.
                    self._tell_of_epoch()
                while not self.is_over:
                    self._epoch()
                    if self.after_epoch is not None:
                        self.after_epoch()
                ended = progress.asked_to_stop or progress.stopped_early
                if warn and not ended and not self.plan.schedule.has_end:
                    _warn_not_converged(max_epochs)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except NonFiniteLossError as error:
            if self.progress.best_parameters is None:
                raise
            warnings.warn(
                f"{error} Training ended there; the weights with the best validation score are "
                f"kept.",
                ConvergenceWarning,
                stacklevel=2,
            )
        finally:
            self.progress.steps = self.loop.steps_done
            self._return_to_best()

    def _return_to_best(self) -> None:
        """Go back to the parameters with the best score, once training is over."""
        best_parameters = self.progress.best_parameters
        over = not self.plan.stays or self.progress.stopped_early
        if self.plan.watched is not None and best_parameters is not None and over:
            for array, best in zip(self.parameters, best_parameters, strict=True):
                array[...] = best

    @property
    def is_over(self) -> bool:
        """Whether there is no further epoch to train."""
        progress = self.progress
        at_the_end = progress.epochs >= self.plan.max_epochs
        return progress.asked_to_stop or progress.stopped_early or at_the_end

    def _epoch(self) -> None:
        """One epoch, and whether training should stop after it."""
        plan, progress = self.plan, self.progress
        if plan.shuffle:
            positions = np.arange(self.n_rows)
            self.random_state.shuffle(positions)
            self.order = positions if self.order is None else self.order[positions]
        rate = progress.learning_rate
        over = len(progress.losses) - progress.losses_before
        self.loop.settings |= {
            "learning_rate": rate,
            "epoch": float(over),
            "minibatches": float(self.n_steps),
        }
        start = time.perf_counter()
        if self.before_epoch is not None:
            self.before_epoch()
        progress.loss = self._minibatches() / self.n_rows
        seconds = time.perf_counter() - start
        progress.epochs += 1
        progress.steps = self.loop.steps_done
        progress.rows_seen += self.n_rows
        progress.losses.append(progress.loss)
        if self.verbose:
            print(f"Iteration {progress.epochs}, loss = {progress.loss:.8f}")
        measured = {} if self.measure is None else self.measure(self.parameters)
        progress.history.record(
            epoch=len(progress.losses),
            loss=progress.loss,
            **measured,
            learning_rate=rate * self._factor_after(over + 1),
            seconds=seconds,
        )
        self._judge(measured.get(plan.watched or "", math.nan))
        progress.learning_rate = plan.schedule.after_epoch(
            plan.learning_rate, rate, over + 1, progress.rows_seen
        )
        if progress.epochs_without_progress > plan.patience:
            progress.stopped_early = self._without_progress()
        self._tell_of_epoch()

    def _tell_of_epoch(self) -> None:
        """Tell the callbacks that an epoch is complete, and ask whether to go on."""
        progress = self.progress
        progress.asked_to_stop = self._tell(self.n_steps, progress.loss, epoch_ended=True)

    def _factor_after(self, epochs: float) -> float:
        """What the schedule makes of the rate in the last step of so many epochs."""
        schedule = self.plan.schedule
        if not schedule.within_epochs:
            return 1.0
        return schedule.factor_at(epochs, self.loop.settings["epochs"])

    def _minibatches(self) -> float:
        """All minibatches of an epoch; Σ loss·rows."""
        step, rows, loss_sum = 0, 0, 0.0
        batch_size = self.plan.batch_size
        while step < self.n_steps:
            start = time.perf_counter()
            last = min(step + self.steps_per_call, self.n_steps)
            report = self.loop.run(self.order, batch_size, step, last, loss_sum)
            seconds = time.perf_counter() - start
            if report.failed_step is not None:
                epoch = self.progress.epochs + 1
                raise explain_failure(self.loop, self.order, batch_size, report.failed_step, epoch)
            step += report.steps
            rows += report.rows
            loss_sum = report.loss_sum
            # A call too short to be measured tells little: grow, but not at once.
            affordable = int(report.steps * CALL_SECONDS / max(seconds, 1e-9))
            self.steps_per_call = max(1, min(affordable, 16 * report.steps))
            if step < self.n_steps:
                self._tell(step, loss_sum / rows, epoch_ended=False)
        return loss_sum

    def _judge(self, score: float) -> None:
        """Was there progress? And is this the best so far?"""
        plan, progress = self.plan, self.progress
        if plan.watched is not None:
            progress.scores.append(score)
            if self.verbose:
                print(f"Validation score: {score:f}")
            worse = not score >= progress.best_score + plan.tol  # NaN is no progress
            if score > progress.best_score:
                progress.best_score = score
                progress.best_parameters = [each.copy() for each in self.parameters]
        else:
            worse = progress.loss > progress.best_loss - plan.tol
            progress.best_loss = min(progress.best_loss, progress.loss)
        progress.epochs_without_progress = progress.epochs_without_progress + 1 if worse else 0

    def _without_progress(self) -> bool:
        """Whether want of progress ends training; else the learning rate has been lowered."""
        plan, progress = self.plan, self.progress
        rate = plan.schedule.without_progress(progress.learning_rate)
        if self.verbose:
            watched = "Training loss" if plan.watched is None else "Validation score"
            if rate is not None:
                outcome = f"Setting learning rate to {rate:f}"
            else:
                adaptive = isinstance(plan.schedule, AdaptiveSchedule)
                outcome = "Learning rate too small. Stopping." if adaptive else "Stopping."
            print(
                f"{watched} did not improve more than tol={plan.tol:f} for {plan.patience} "
                f"consecutive epochs. {outcome}"
            )
        if rate is None:
            return True
        progress.learning_rate = rate
        progress.epochs_without_progress = 0
        return False

    def _tell(self, step: int, loss: float, epoch_ended: bool) -> bool:
        """Tell the callbacks; whether one of them ends training."""
        if not self.callbacks:
            return False
        epoch = self.progress.epochs + (0 if epoch_ended else 1)
        over = len(self.progress.losses) - self.progress.losses_before
        factor = self._factor_after(over if epoch_ended else over + step / self.n_steps)
        moment = Moment(
            epoch,
            self.plan.max_epochs,
            step,
            self.n_steps,
            loss,
            epoch_ended,
            self.progress.history,
            self.loop.settings["learning_rate"] * factor,
            self.estimator,
        )
        return tell(self.callbacks, moment) and epoch_ended


def _warn_not_converged(max_epochs: int) -> None:
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({max_epochs}) reached and the optimization "
        f"hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=3,
    )
