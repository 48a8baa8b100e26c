"""Callbacks: functions that are told how training goes, and may stop it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

from chainrule.training.history import History

__all__ = ["Callback", "Moment", "entered", "tell"]


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
        Of all epochs that are complete; its columns are what was measured.
    learning_rate : float
        That of the latest step; NaN where there is none, as with L-BFGS.
    estimator : estimator or None
        The estimator in training. Its weights are those of the latest step, so that it can
        predict; what else it will have learned is set when training ends.

    Examples
    --------
    >>> import chainrule as cr
    >>> def stop_at_ten(moment):
    ...     return moment.epoch == 10
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
    >>> cr.MLPRegressor(callbacks=[stop_at_ten], random_state=0).fit(X, y).n_iter_
    10
    """

    epoch: int
    max_epochs: int
    step: int
    steps: int
    loss: float
    epoch_ended: bool
    history: History
    learning_rate: float = math.nan
    estimator: Any = None


Callback = Callable[[Moment], Any]
"""A function that is called about every 0.1 s and at the end of each epoch.

One that returns True at the end of an epoch stops training; all are told before it stops. One that
is a context manager is entered before the first step and left after the last, with the exception
if there is one, ``KeyboardInterrupt`` included. What it raises ends training and comes out of
``fit`` as it is; the model can be used, and trained on, as the last step left it.
"""


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
