"""Streams of batches that come out of Python: lists, loaders, generators, functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from chainrule.datasets.foreign import as_given
from chainrule.datasets.stream import Batch, Columns, Stream, read_arrays, read_table
from chainrule.errors import DataError

__all__ = ["BatchStream"]


class BatchStream(Stream):
    """Batches from an iterable, or from a function that returns a fresh one.

    Parameters
    ----------
    source : iterable or callable
        Of batches (X, y), (X, y, weight), or frames with named columns. An iterator can be gone
        through once, all else as often as needed.
    columns : Columns
        Which columns of a frame are what; without a target, batches are tuples.
    has_target : bool, default=True
        Whether y is needed; where it is not, X alone is a batch, and y is ignored.
    """

    def __init__(
        self,
        source: Iterable[Any] | Callable[[], Iterable[Any]],
        columns: Columns,
        has_target: bool = True,
    ) -> None:
        self._source, self._columns, self._has_target = source, columns, has_target
        self._named = bool(columns.beside_features or columns.features)
        self.repeatable = callable(source) or iter(source) is not source

    def batches(
        self, random_state: np.random.RandomState | None = None, *, only_targets: bool = False
    ) -> Iterator[Batch]:
        """All batches in their order, which is the source's own."""
        source = self._source() if callable(self._source) else self._source
        first: Batch | None = None
        for number, given in enumerate(source, start=1):
            batch = self._read(given, f"batch {number}")
            if first is None:
                first = batch
            _require_alike(batch, first)
            yield batch

    def _read(self, given: Any, where: str) -> Batch:
        given = as_given(given, f"X of {where}") if not isinstance(given, (tuple, list)) else given
        if nw.dependencies.is_into_dataframe(given):
            if self._columns.target is not None or not self._has_target:
                return read_table(given, self._columns, where)
            raise DataError(
                f"{where} is a frame, and nothing says which of its columns is the target: name "
                f"it, with y='column', or give (X, y)."
            )
        if self._named:
            raise DataError(
                f"{where} is {_called(given)}, but columns are asked for by name: give frames, or "
                f"leave these names out and give arrays."
            )
        least = 2 if self._has_target else 1
        if not self._has_target and not isinstance(given, tuple):
            given = (given,)
        if not isinstance(given, (tuple, list)) or not least <= len(given) <= 3:
            wanted = (
                "(X, y) or (X, y, sample_weight)" if self._has_target else "X, or (X, y, weight)"
            )
            raise DataError(f"{where} must be {wanted}, but it is {_called(given)}.")
        X, y, weight = (*given, None, None)[:3]
        if self._has_target and y is None:
            raise DataError(f"{where} has no y: give all of them targets.")
        return read_arrays(X, y if self._has_target else None, weight, where)


def _require_alike(batch: Batch, first: Batch) -> None:
    """Refuse a batch whose rows are not like those of the first."""
    X, before = batch.X, first.X
    if X.shape[1] != before.shape[1]:
        raise DataError(
            f"{batch.where} has {X.shape[1]} features, but {first.where} has {before.shape[1]}."
        )
    if batch.names != first.names:
        raise DataError(
            f"{batch.where} has the features {', '.join(batch.names) or 'without names'}, but "
            f"{first.where} has {', '.join(first.names) or 'them without names'}."
        )
    if before.dtype == np.float32 and X.dtype != np.float32:
        raise DataError(
            f"{batch.where} is in double precision, but {first.where} in single, in which the "
            f"network computes: convert all to one dtype."
        )
    for name in ("y", "weight"):
        one, other = getattr(batch, name), getattr(first, name)
        if (one is None) != (other is None):
            without, with_it = (batch, first) if one is None else (first, batch)
            raise DataError(
                f"{without.where} has no {name}, but {with_it.where} has: give all of them one."
            )
    if batch.y is not None and first.y is not None and batch.y.shape[1:] != first.y.shape[1:]:
        raise DataError(
            f"{batch.where} has targets of shape {batch.y.shape}, but {first.where} of shape "
            f"{first.y.shape}: all need the same number of columns."
        )


def _called(given: Any) -> str:
    if isinstance(given, (tuple, list)):
        return f"a {type(given).__name__} of {len(given)}"
    return f"{type(given).__module__.split('.')[0]}'s {type(given).__name__}"
