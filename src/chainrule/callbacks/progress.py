"""The progress of training, shown where it runs: a terminal, a notebook, a log file."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from chainrule.callbacks.displays import Display, display_for
from chainrule.training.callbacks import Moment

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ProgressBar"]


class ProgressBar:
    """A callback that shows how training goes.

    In a terminal or a notebook it draws a bar with the loss and, where there is validation data,
    its score; models that train in several threads get a bar each, below one another. In a log
    file it writes a line now and then, and one at the end. In a process started by another, as by
    ``GridSearchCV(n_jobs=2)``, it writes lines too, but none for a training that is over soon: for
    a bar over the whole search see :class:`sklearn.callback.ProgressBar`.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to write; by default standard output. A copy in another process has the default.
    seconds : float, default=10.0
        Between two lines, where there is no bar.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(callbacks=[cr.callbacks.ProgressBar()])
    """

    def __init__(self, console: Console | None = None, seconds: float = 10.0) -> None:
        self.console = console
        self.seconds = seconds

    def __enter__(self) -> ProgressBar:
        self._display: Display | None = None
        self._moment: Moment | None = None
        self._start = time.perf_counter()
        return self

    def __call__(self, moment: Moment) -> None:
        """Move the bar, or write a line if the last one is long ago."""
        if self._display is None:
            self._display = display_for(self.console, self.seconds, self._start)
        self._moment = moment
        self._display.show(figures(moment), _done(moment))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._display is not None and self._moment is not None:
            # Training that ended early is complete all the same.
            done = 1.0 if error is None else _done(self._moment)
            self._display.close(figures(self._moment), done)
        # A bar holds locks, which can be neither copied nor pickled with a model.
        del self._display, self._moment, self._start

    def __deepcopy__(self, memo: dict[int, Any]) -> ProgressBar:
        # A console is one place, which several models may write to; clones of a model share it.
        return type(self)(self.console, self.seconds)

    def __getstate__(self) -> dict[str, Any]:
        return {"console": None, "seconds": self.seconds}


def figures(moment: Moment) -> str:
    """How far training is, in one line.

    Examples
    --------
    >>> from chainrule.training.history import History
    >>> figures(Moment(3, 200, 5, 10, 0.25, False, History()))
    'epoch 3/200  loss 0.25'
    """
    name = "" if moment.estimator is None else f"{type(moment.estimator).__name__}  "
    text = f"{name}epoch {moment.epoch}/{moment.max_epochs}  loss {moment.loss:.4g}"
    scores = moment.history.get("validation_score")
    return f"{text}  validation {scores[-1]:.4g}" if scores else text


def _done(moment: Moment) -> float:
    """The share of the epochs that is done."""
    return (moment.epoch - 1 + moment.step / moment.steps) / moment.max_epochs
