"""Training on sparse rows: they are made dense some minibatches at a time, in the epoch's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from chainrule.engines.base import Array, TrainingLoop
from chainrule.training.refilling import BUFFER_BYTES, RefilledLoop, rows_of_bytes

__all__ = ["Bind", "bind_rows"]

Rows = npt.NDArray[np.int64]
Bind = Callable[[Sequence[Array]], TrainingLoop]
"""Binds a training step to dense arrays of its minibatch variables."""


def bind_rows(bind: Bind, data: Sequence[Any], batch_size: int) -> TrainingLoop:
    """Bind a training step to rows, of which some arrays may be sparse.

    Parameters
    ----------
    bind : callable
        Binds the step to dense arrays.
    data : sequence of array or CSR matrix
        The minibatch variables, for all rows.
    batch_size : int

    Returns
    -------
    TrainingLoop
        Where something is sparse, its buffer holds some minibatches, 32 MB where these are not
        larger than that.
    """
    if not any(sparse.issparse(each) for each in data):
        return bind(data)
    row_bytes = sum(each.dtype.itemsize * int(np.prod(each.shape[1:])) for each in data)
    n_rows = min(rows_of_bytes(BUFFER_BYTES, row_bytes, batch_size), data[0].shape[0])
    buffers = [np.zeros((n_rows, *each.shape[1:]), each.dtype) for each in data]
    return _SparseLoop(bind(buffers), data)


class _SparseLoop(RefilledLoop):
    """A training step whose buffer takes up any rows of the data."""

    def __init__(self, loop: TrainingLoop, data: Sequence[Any]) -> None:
        super().__init__(loop, data)
        self._asked: tuple[Rows | None, int] = (None, 0)

    def _bring(self, order: Rows | None, batch_size: int, step: int) -> None:
        if self._asked[0] is not order or self._asked[1] != batch_size:
            self._held = range(0)
        super()._bring(order, batch_size, step)
        self._asked = order, batch_size

    def _refill(self, order: Rows | None, batch_size: int, step: int) -> None:
        fitting = max(1, self.loop.n_rows // batch_size)
        end = min(step + fitting, self.count_minibatches(order, batch_size))
        visited = slice(step * batch_size, min(end * batch_size, self._n_visited(order)))
        n_rows = visited.stop - visited.start
        for buffer, array in zip(self.loop.data, self.data, strict=True):
            part: Any = array[visited if order is None else order[visited]]
            if sparse.issparse(part):
                part.toarray(out=buffer[:n_rows])
            else:
                buffer[:n_rows] = part
        self._held, self._places = range(step, end), np.arange(n_rows)

    def _n_visited(self, order: Rows | None) -> int:
        return self.n_rows if order is None else len(order)
