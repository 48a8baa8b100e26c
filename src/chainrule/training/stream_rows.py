"""Training on a stream: batches of any size pass through a buffer, and leave it as minibatches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array, RunReport, TrainingLoop
from chainrule.errors import DataError
from chainrule.training.refilling import RefilledLoop

__all__ = ["Read", "StreamLoop"]

Rows = npt.NDArray[np.int64]
Read = Callable[[], Iterator[Sequence[Array]]]
"""Goes through the stream once, from its start: the step's minibatch variables for some rows."""


class StreamLoop(RefilledLoop):
    """A training step whose buffer is filled from a stream, in the order in which rows come.

    With a random state, minibatches are drawn from the buffer: whenever it is full, a half of it
    is used, in random order, and replaced by rows that follow. So rows mix with those that come
    long before and after them. Without it, minibatches are those of all rows in memory.

    Parameters
    ----------
    loop : TrainingLoop
        The step, bound to the buffer, which holds whole minibatches.
    read : callable
        See :data:`Read`; called at the start of each epoch.
    random_state : RandomState, optional
        Draws the order of rows.
    expected : int, optional
        How many rows there are, if that is known: for those who are told of progress.
    """

    def __init__(
        self,
        loop: TrainingLoop,
        read: Read,
        random_state: np.random.RandomState | None = None,
        expected: int | None = None,
    ) -> None:
        super().__init__(loop, loop.data)
        self._read, self._random_state = read, random_state
        self._expected = expected
        self._numbers = np.zeros(loop.n_rows, dtype=np.int64)  # of the rows in the buffer
        self._start()

    def _start(self) -> None:
        self._pieces = self._read()
        self._piece: Sequence[Array] | None = None
        self._ended = False
        self._rows_read = 0
        self._held = range(0)
        self._places = np.arange(0)
        self._free: Rows = np.arange(self.loop.n_rows)
        self._waiting: Rows = np.arange(0)  # places of rows that have not had their turn

    @property
    def n_rows(self) -> int:
        """The rows of the latest epoch, as far as they have come."""
        return self._rows_read

    def count_minibatches(self, order: Rows | None, batch_size: int) -> int:
        """Minibatches of the epoch: exact once the stream has ended, else as many as expected.

        Until then there is at least one more than those that are in the buffer.
        """
        if self._ended and not self._waiting.size:
            return self._held.stop
        expected = 0 if self._expected is None else -(-self._expected // batch_size)
        return max(self._held.stop + 1, expected)

    def rows_of_minibatch(self, order: Rows | None, batch_size: int, index: int) -> Rows:
        """The numbers of its rows, counted from 0 as they came in this epoch."""
        start = (index - self._held.start) * batch_size
        return self._numbers[self._places[start : start + batch_size]]

    def _run(
        self, order: Rows | None, batch_size: int, first: int, last: int, loss_sum: float
    ) -> RunReport:
        if first == 0 and self._held.stop:
            self._expected = self._rows_read
            self._start()
        return super()._run(order, batch_size, first, last, loss_sum)

    def _refill(self, order: Rows | None, batch_size: int, step: int) -> None:
        self._fill()
        waiting = self._waiting
        if self._random_state is not None:
            self._random_state.shuffle(waiting)
        n_rows = len(waiting)
        if not self._ended:
            if self._random_state is not None:
                n_rows = max(n_rows // 2, batch_size)
            n_rows -= n_rows % batch_size
        self._places, self._waiting = waiting[:n_rows], waiting[n_rows:]
        self._free = self._places
        self._held = range(step, step + -(-n_rows // batch_size))

    def _fill(self) -> None:
        """Bring rows to all places that are free, as long as there are any; and look ahead."""
        taken = [self._waiting]
        while not self._ended:
            if self._piece is None:
                self._piece = next(self._pieces, None)
                self._ended = self._piece is None
                continue
            n_rows = min(len(self._piece[0]), len(self._free))
            if not n_rows and len(self._piece[0]):
                break
            places, self._free = self._free[:n_rows], self._free[n_rows:]
            for buffer, values in zip(self.loop.data, self._piece, strict=True):
                buffer[places] = values[:n_rows]
            self._numbers[places] = np.arange(self._rows_read, self._rows_read + n_rows)
            self._rows_read += n_rows
            taken.append(places)
            rest = [values[n_rows:] for values in self._piece]
            self._piece = rest if len(rest[0]) else None
        self._waiting = np.concatenate(taken)
        if not self._rows_read:
            raise DataError(
                "The source has no rows in this epoch: each time it is gone through, it must give "
                "all of its batches."
            )
