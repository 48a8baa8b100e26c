"""Training steps over rows that pass through a small buffer: all of them are never in it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array, RunReport, TrainingLoop

__all__ = ["BUFFER_BYTES", "RefilledLoop", "rows_of_bytes"]

BUFFER_BYTES = 32 << 20
"""About how much memory a buffer of rows may take."""

Rows = npt.NDArray[np.int64]


def rows_of_bytes(n_bytes: int, row_bytes: int, batch_size: int) -> int:
    """How many rows a buffer of ``n_bytes`` holds, in whole minibatches, at least one."""
    return max(1, n_bytes // max(1, row_bytes * batch_size)) * batch_size


class RefilledLoop(TrainingLoop):
    """A training step bound to a buffer, into which rows are brought when their turn comes.

    The step reads the same minibatches as it would from all rows in memory, and makes the same
    bits of them. A subclass knows where rows come from.

    Parameters
    ----------
    loop : TrainingLoop
        The step, bound to the buffer and to the state.
    data : sequence of array
        What has the rows of an epoch: anything with a shape.
    """

    def __init__(self, loop: TrainingLoop, data: Sequence[Array]) -> None:
        super().__init__(loop.step, data, loop.state, loop.settings, loop.seed)
        self.loop = loop
        self._held = range(0)  # the minibatches in the buffer
        self._places: Rows = np.arange(0)  # where in it their rows are, one after another

    @abstractmethod
    def _refill(self, order: Rows | None, batch_size: int, step: int) -> None:
        """Bring minibatch ``step`` and some that follow into the buffer."""

    def _bring(self, order: Rows | None, batch_size: int, step: int) -> None:
        """See to it that a minibatch is in the buffer."""
        if step not in self._held:
            self._refill(order, batch_size, step)

    def values_of_minibatch(self, order: Rows | None, batch_size: int, index: int) -> list[Array]:
        self._bring(order, batch_size, index)
        return self.loop.values_of_minibatch(self._places, batch_size, index - self._held.start)

    def _run(
        self, order: Rows | None, batch_size: int, first: int, last: int, loss_sum: float
    ) -> RunReport:
        report = RunReport(loss_sum=loss_sum)
        loop, step = self.loop, first
        while step < last:
            self._bring(order, batch_size, step)
            if step not in self._held:
                break  # there were fewer than expected
            start, end = self._held.start, min(last, self._held.stop)
            loop.settings, loop.steps_done = self.settings, self.steps_done
            part = loop.run(self._places, batch_size, step - start, end - start, report.loss_sum)
            self.steps_done = loop.steps_done
            if not report.go_on(part):
                report.failed_step = first + report.steps
                break
            step = end
        return report
