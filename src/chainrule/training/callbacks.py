"""Callbacks: functions that are told how training goes, and may stop it."""

from __future__ import annotations

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
    """A callback that draws a progress bar, with the loss, in a terminal or notebook.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(callbacks=[ProgressBar()])
    """

    def __enter__(self) -> ProgressBar:
        # rich is loaded where a bar is drawn: importing it takes longer than a small fit.
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[max_epochs]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeElapsedColumn(),
        )
        self._bar.start()
        self._task = self._bar.add_task("fit", total=None, epoch=0, max_epochs="?", loss=0.0)
        return self

    def __call__(self, moment: Moment) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            total=moment.max_epochs,
            completed=moment.epoch - 1 + moment.step / moment.steps,
            epoch=moment.epoch,
            max_epochs=moment.max_epochs,
            loss=moment.loss,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
        # A bar holds locks, which can be neither copied nor pickled with a model.
        del self._bar, self._task
