"""Frames of pandas, polars and Arrow as tables, and Parquet read with whichever is installed."""

from __future__ import annotations

import importlib
from numbers import Real
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np

from chainrule.datasets.table import Column, Table
from chainrule.errors import DataError

__all__ = ["Frame", "is_frame", "read_frame", "read_parquet"]


class Frame(Protocol):
    """A DataFrame of pandas or polars, or a table of Arrow."""

    @property
    def columns(self) -> Any:
        """The names."""

    def __len__(self) -> int: ...

    def __getitem__(self, name: Any, /) -> Any: ...


_FRAMES = {
    ("pandas", "DataFrame"),
    ("polars", "DataFrame"),
    ("pyarrow", "RecordBatch"),
    ("pyarrow", "Table"),
}


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether something is a DataFrame or table; no library is imported to tell."""
    return any(
        (each.__module__.split(".")[0], each.__name__) in _FRAMES for each in type(source).__mro__
    )


def read_frame(frame: Frame, source: str = "The DataFrame") -> Table:
    """A table of the columns of a DataFrame.

    Parameters
    ----------
    frame : DataFrame of pandas or polars, Table or RecordBatch of Arrow
    source : str, default="The DataFrame"
        Its name in messages.

    Returns
    -------
    Table
        Columns of numbers, and of text for everything else.

    Raises
    ------
    DataError
        If it is empty, or two columns have one name.
    """
    # What Arrow calls columns are the values.
    labels = getattr(frame, "column_names", frame.columns)
    names = [str(name) for name in labels]
    if not names or not len(frame):
        raise DataError(f"{source} has no rows or no columns: there is nothing to read.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{source} has two columns called {twice!r}: rename one.")
    columns = zip(names, labels, strict=True)
    return Table(source, {name: _column(frame[column]) for name, column in columns})


def read_parquet(path: Path) -> Table:
    """Read a Parquet file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Table
        Columns of numbers, and of text for everything else.

    Raises
    ------
    DataError
        If no library for it is installed, or the file cannot be read.
    """
    return read_frame(_load(path), str(path))


def _load(path: Path) -> Any:
    for library, needs in (("polars", None), ("pandas", "pyarrow")):
        try:
            module = importlib.import_module(library)
            if needs:
                importlib.import_module(needs)
        except ImportError:
            continue
        try:
            return module.read_parquet(path)
        # Each library raises errors of its own, some of them of the Parquet reader beneath it.
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise DataError(
                f"{path} cannot be read as Parquet: {reason}. Check that it is complete, or "
                f"export it as CSV."
            ) from None
    raise DataError(
        f"Reading {path} needs polars, or pandas with pyarrow: install one of them "
        f"(pip install 'chainrule[frames]'), or export the table as CSV."
    )


def _column(series: Any) -> Column:
    """A column of any library: numbers as they are, the rest as text, missing as empty."""
    values = series.to_pylist() if hasattr(series, "to_pylist") else series.to_list()
    if hasattr(series, "isna"):
        # pandas has several marks for what is missing; some cannot even be compared.
        values = [
            None if gone else value for value, gone in zip(values, series.isna(), strict=True)
        ]
    known = [value for value in values if value is not None and value == value]
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in known):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array(["" if value is None or value != value else str(value) for value in values])
