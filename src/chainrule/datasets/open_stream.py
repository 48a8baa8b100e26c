"""A stream of whatever rows come from: files, a folder, batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
from scipy import sparse

from chainrule.datasets.batch_stream import BatchStream
from chainrule.datasets.parquet_stream import ParquetStream
from chainrule.datasets.stream import Columns, Stream
from chainrule.errors import DataError

__all__ = ["Source", "is_table", "open_stream"]

Source = str | os.PathLike[str] | Iterable[Any] | Callable[[], Iterable[Any]]
"""A Parquet file, a folder or a list of them, batches, or a function that returns batches."""


def is_table(given: Any) -> bool:
    """Whether something is one table of rows in memory, and not batches of them."""
    frame = nw.dependencies.is_into_dataframe(given) or hasattr(given, "column_names")
    return frame or sparse.issparse(given) or hasattr(type(given), "__dlpack__")


def open_stream(source: Any, columns: Columns, has_target: bool = True) -> Stream:
    """A stream of rows.

    Parameters
    ----------
    source : path, list of path, iterable or callable
        See :data:`Source`.
    columns : Columns
        Which columns of a table are what.
    has_target : bool, default=True
        Whether y is needed.

    Raises
    ------
    DataError
        If that cannot be a stream, or its files cannot be read.
    """
    listed = isinstance(source, (list, tuple)) and len(source) > 0
    files = listed and all(isinstance(each, (str, os.PathLike)) for each in source)
    if files or isinstance(source, (str, os.PathLike)):
        if has_target and columns.target is None:
            raise DataError("A Parquet file has the targets in a column: name it, with y='column'.")
        paths = [Path(each) for each in source] if files else Path(source)
        return ParquetStream(paths, columns)
    kind = f"{type(source).__module__.split('.')[0]}'s {type(source).__name__}"
    if is_table(source):
        raise DataError(
            f"The source is {kind}, a table in memory: give it to fit, or as a batch of a list."
        )
    if not callable(source) and not isinstance(source, Iterable):
        raise DataError(
            f"The source must be a Parquet file, a folder of them, batches (X, y), or a function "
            f"that returns batches, but it is {kind}."
        )
    return BatchStream(source, columns, has_target)
