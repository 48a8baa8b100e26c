"""Rows of a stream, as estimators train on them: the first of them, and how the others come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.datasets.stream import Batch, Stream
from chainrule.engines.base import Array, TrainingLoop
from chainrule.errors import DataError
from chainrule.estimators.rows import Rows
from chainrule.training.refilling import BUFFER_BYTES, rows_of_bytes
from chainrule.training.sparse_rows import Bind
from chainrule.training.stream_rows import StreamLoop

__all__ = ["Head", "StreamRows", "Survey", "read_head", "survey"]


@dataclass(frozen=True)
class Survey:
    """What a pass over all targets found.

    Attributes
    ----------
    n_rows : int
    classes : array or None
        All of them, sorted; None where rows have several labels.
    counts, weights : array
        The rows of each class, and Σ of their weights.
    """

    n_rows: int
    classes: Array | None
    counts: Array
    weights: Array


_MOST_CLASSES = 100_000


def survey(stream: Stream, of_classes: bool) -> Survey:
    """Go through the targets and weights of a stream.

    Parameters
    ----------
    stream : Stream
    of_classes : bool
        Whether targets are classes; else rows and weights are only added up.

    Raises
    ------
    DataError
        If classes are of several types, so that they have no order, or too many to be classes.
    """
    n_rows = 0
    found: dict[Any, list[float]] = {}
    dtypes: set[np.dtype[Any]] = set()
    several = not of_classes
    for batch in stream.batches(only_targets=True):
        n_rows += len(batch)
        several = several or batch.y is None or batch.y.ndim == 2
        # Of rows with several labels, or with numbers, all are counted together.
        labels = [None] * len(batch) if several or batch.y is None else batch.y.tolist()
        if batch.y is not None:
            dtypes.add(batch.y.dtype)
        here = {label: place for place, label in enumerate(dict.fromkeys(labels))}
        places = np.fromiter(map(here.__getitem__, labels), np.int64, len(labels))
        counts, weights = np.bincount(places), np.bincount(places, batch.weight)
        for label, place in here.items():
            known = found.setdefault(label, [0.0, 0.0])
            known[0] += float(counts[place])
            known[1] += float(weights[place])
        if len(found) > _MOST_CLASSES:
            raise DataError(
                f"{batch.where}: y has more than {_MOST_CLASSES:,} different values so far, which "
                f"cannot be classes: give the column of classes, or use a regressor."
            )
    if not several:
        try:
            found = {label: found[label] for label in sorted(found)}
        except TypeError:
            raise DataError("y has classes of several types: give all of them one.") from None
    sums = np.array(list(found.values())).reshape(-1, 2)
    classes = np.array(list(found), np.result_type(*dtypes)) if dtypes and not several else None
    return Survey(n_rows, classes, sums[:, 0], sums[:, 1])


@dataclass
class Head:
    """The first batches of a stream, and the rest of the pass that they began."""

    batches: list[Batch]
    rest: Iterator[Batch]

    def __len__(self) -> int:
        return sum(len(batch) for batch in self.batches)


def read_head(
    stream: Stream, least: int, random_state: np.random.RandomState | None = None
) -> Head:
    """Read until there are so many rows, or the stream ends.

    Raises
    ------
    DataError
        If there are no rows at all.
    """
    rest = stream.batches(random_state)
    head = Head([], rest)
    while len(head) < least and (batch := next(rest, None)) is not None:
        if len(batch):
            head.batches.append(batch)
    if not head.batches:
        raise DataError("The source has no rows: there is nothing to learn from.")
    return head


@dataclass(frozen=True)
class StreamRows(Rows):
    """The rows of a stream. Those that are here are the first ones.

    Attributes
    ----------
    stream : Stream
    head : Head
        Begins the first epoch.
    columns : callable
        The step's minibatch variables of a batch.
    buffer : int or "auto"
        The rows that are held at a time.
    random_state : RandomState or None
        Draws the order of rows, if they are to be shuffled.
    total : float or None
        Σ weight over all rows, where it had to be found out.
    n_rows : int or None
        How many there are, if that is known.
    """

    stream: Stream = field(kw_only=True)
    head: Head = field(kw_only=True)
    columns: Callable[[Batch], Rows] = field(kw_only=True)
    buffer: int | str = field(kw_only=True, default="auto")
    random_state: np.random.RandomState | None = field(kw_only=True, default=None)
    total: float | None = field(kw_only=True, default=None)
    n_rows: int | None = field(kw_only=True, default=None)

    @property
    def in_memory(self) -> bool:
        return False

    def weight_of(self, index: npt.NDArray[np.int64] | None) -> float:
        return super().weight_of(index) if self.total is None else self.total

    def bind(self, bind: Bind, arrays: Sequence[Array], batch_size: int) -> TrainingLoop:
        row_bytes = sum(each.nbytes // len(each) for each in arrays)
        if isinstance(self.buffer, str):
            capacity = rows_of_bytes(BUFFER_BYTES, row_bytes, batch_size)
        else:
            capacity = -(-self.buffer // batch_size) * batch_size
        if self.n_rows is not None:
            capacity = min(capacity, -(-self.n_rows // batch_size) * batch_size)
        buffers = [np.zeros((capacity, *each.shape[1:]), each.dtype) for each in arrays]
        return StreamLoop(bind(buffers), self._read, self.random_state, self.n_rows)

    def _read(self) -> Iterator[Sequence[Array]]:
        """One epoch; the first goes on from the rows that were read already."""
        first, self.head.batches = self.head.batches, []
        batches = chain(first, self.head.rest) if first else self.stream.batches(self.random_state)
        for batch in batches:
            yield self.columns(batch).arrays
