"""Reading Parquet with pandas or polars, whichever is installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.datasets.table import Column, Table
from chainrule.errors import DataError

__all__ = ["read_parquet"]


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
    frame = _read_frame(path)
    names = [str(name) for name in frame.columns]
    if not names or not len(frame):
        raise DataError(f"{path} has no rows or no columns: there is nothing to learn from.")
    return Table(str(path), {name: _column(frame[name]) for name in names})


def _read_frame(path: Path) -> Any:
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
    """A column of either library: numbers as they are, the rest as text, missing as empty."""
    values = series.to_list()
    known = [value for value in values if value is not None and value == value]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array(["" if value is None or value != value else str(value) for value in values])
