"""Minibatches of sequences of about the same length, so that little of them is padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array, RunReport, TrainingLoop

__all__ = ["BucketedLoop", "buckets_by_length"]

Rows = npt.NDArray[np.int64]

_MOST_PADDING = 0.15
"""The share of a bucket's steps that may be padding."""


class _Minibatch(NamedTuple):
    """Rows of one bucket, by their numbers in it."""

    bucket: int
    rows: Rows


def buckets_by_length(lengths: npt.NDArray[np.int64], least: int) -> list[Rows]:
    """Rows in groups of about the same length, from the shortest to the longest.

    Parameters
    ----------
    lengths : array of int64
        The steps of each row.
    least : int
        A group has at least so many rows, where there are so many.

    Returns
    -------
    list of array
        The rows of each group; every row is in one of them. A group grows as long as less than
        15 % of its steps would be padding, or it has too few rows.

    Examples
    --------
    >>> buckets_by_length(np.array([5, 90, 6, 100, 5]), least=2)
    [array([0, 4, 2]), array([1, 3])]
    """
    order = np.argsort(lengths, kind="stable")
    groups: list[list[int]] = []
    steps = 0
    for row in order:
        length = int(lengths[row])
        group = groups[-1] if groups else []
        padded = length * (len(group) + 1)
        fits = group and (len(group) < least or steps + length >= (1 - _MOST_PADDING) * padded)
        if fits:
            group.append(int(row))
            steps += length
        else:
            groups.append([int(row)])
            steps = length
    if len(groups) > 1 and len(groups[-1]) < least:
        groups[-2:] = [groups[-2] + groups[-1]]
    return [np.array(group, dtype=np.int64) for group in groups]


class BucketedLoop(TrainingLoop):
    """One training step over several buckets of rows, each with data of its own shape.

    A minibatch is made of rows of one bucket; in the order of an epoch it stands where its last
    row does, so that a random order of rows gives a random order of minibatches.

    Parameters
    ----------
    loops : sequence of TrainingLoop
        The same step, bound to the rows of each bucket and to the same arrays of state.
    buckets : sequence of array of int64
        The rows of each, by their numbers in all of the data.
    data : sequence of array
        All rows, padded to the same length.
    """

    def __init__(
        self, loops: Sequence[TrainingLoop], buckets: Sequence[Rows], data: Sequence[Array]
    ) -> None:
        first = loops[0]
        super().__init__(first.step, data, first.state, first.settings, first.seed)
        self.loops = list(loops)
        n_rows = len(data[0])
        self._bucket_of = np.empty(n_rows, dtype=np.int64)
        self._place_of = np.empty(n_rows, dtype=np.int64)
        for number, rows in enumerate(buckets):
            self._bucket_of[rows] = number
            self._place_of[rows] = np.arange(len(rows))
        self._rows_of = list(buckets)
        self._arranged: tuple[Rows | None, int, list[_Minibatch]] | None = None

    def count_minibatches(self, order: Rows | None, batch_size: int) -> int:
        return len(self._minibatches(order, batch_size))

    def rows_of_minibatch(self, order: Rows | None, batch_size: int, index: int) -> Rows:
        bucket, rows = self._minibatches(order, batch_size)[index]
        return self._rows_of[bucket][rows]

    def _minibatches(self, order: Rows | None, batch_size: int) -> list[_Minibatch]:
        if (
            self._arranged is None
            or self._arranged[0] is not order
            or (self._arranged[1] != batch_size)
        ):
            self._arranged = (order, batch_size, self._arrange(order, batch_size))
        return self._arranged[2]

    def _arrange(self, order: Rows | None, batch_size: int) -> list[_Minibatch]:
        visited = np.arange(len(self._bucket_of)) if order is None else order
        bucket_of = self._bucket_of[visited]
        found: list[tuple[int, _Minibatch]] = []
        for bucket in range(len(self.loops)):
            (positions,) = np.nonzero(bucket_of == bucket)
            rows = self._place_of[visited[positions]]
            for start in range(0, len(rows), batch_size):
                part = rows[start : start + batch_size]
                found.append((int(positions[start + len(part) - 1]), _Minibatch(bucket, part)))
        return [minibatch for _, minibatch in sorted(found, key=lambda each: each[0])]

    def _run(
        self, order: Rows | None, batch_size: int, first: int, last: int, loss_sum: float
    ) -> RunReport:
        minibatches = self._minibatches(order, batch_size)
        report = RunReport(loss_sum=loss_sum)
        step = first
        while step < last:
            bucket, end = minibatches[step].bucket, step + 1
            while end < last and minibatches[end].bucket == bucket:
                end += 1  # neighbours of one bucket are one call
            loop = self.loops[bucket]
            loop.settings, loop.steps_done = self.settings, self.steps_done
            rows = np.concatenate([each.rows for each in minibatches[step:end]])
            part = loop.run(rows, batch_size, 0, end - step, report.loss_sum)
            self.steps_done = loop.steps_done
            if not report.go_on(part):
                report.failed_step = first + report.steps
                break
            step = end
        return report
