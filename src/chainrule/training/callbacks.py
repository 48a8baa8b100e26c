"""Callbacks: functions that are told how training goes, and may stop it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, NamedTuple

from chainrule.training.history import History

__all__ = ["Callback", "Moment", "ProgressBar", "entered", "tell"]


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
        Whether the epoch is complete, with its row in the history.
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


@contextmanager
def entered(callbacks: Sequence[Callback]) -> Iterator[None]:
    """Enter those callbacks that are context managers."""
    with ExitStack() as stack:
        for each in callbacks:
            if isinstance(each, AbstractContextManager):
                stack.enter_context(each)
        yield


def tell(callbacks: Sequence[Callback], moment: Moment) -> bool:
    """Call every callback; whether any of them asks to stop."""
    # Each is told, whatever the ones before it answer.
    answers = [each(moment) for each in callbacks]
    return any(answer is True for answer in answers)


class ProgressBar:
    """A callback that shows how training goes.

    In a terminal or notebook it draws a bar with the loss and, where there is validation data,
    its score. Elsewhere, in a log file for one, it writes a line now and then.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to write; by default standard output.
    seconds : float, default=10.0
        Between two lines, where there is no bar.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(callbacks=[ProgressBar()])
    """

    def __init__(self, console: Any = None, seconds: float = 10.0) -> None:
        self.console = console
        self.seconds = seconds

    def __enter__(self) -> ProgressBar:
        # rich is loaded where progress is shown: importing it takes longer than a small fit.
        from rich.console import Console

        console = self.console or Console()
        self._bar: Any = None
        self._moment: Moment | None = None
        self._written = time.perf_counter()
        self._print = functools.partial(console.print, markup=False, highlight=False)
        if console.is_terminal or console.is_jupyter:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TimeElapsedColumn(),
                console=console,
            )
            self._bar.start()
            self._task = self._bar.add_task("training", total=None)
        return self

    def __call__(self, moment: Moment) -> None:
        """Move the bar, or write a line if the last one is long ago."""
        self._moment = moment
        if self._bar is not None:
            self._bar.update(
                self._task,
                description=_figures(moment),
                total=moment.max_epochs,
                completed=moment.epoch - 1 + moment.step / moment.steps,
            )
        elif time.perf_counter() - self._written >= self.seconds:
            self._print(_figures(moment))
            self._written = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is None:
            if self._moment is not None:
                self._print(_figures(self._moment))
        else:
            if error is None and self._moment is not None:
                # Training that ended early is complete all the same.
                self._bar.update(self._task, total=self._moment.epoch)
            self._bar.stop()
        # A bar holds locks, which can be neither copied nor pickled with a model.
        del self._bar, self._print, self._moment, self._written


def _figures(moment: Moment) -> str:
    text = f"epoch {moment.epoch}/{moment.max_epochs}  loss {moment.loss:.4f}"
    scores = moment.history.get("validation_score")
    return f"{text}  validation {scores[-1]:.4f}" if scores else text
