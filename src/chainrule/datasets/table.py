"""A table: named columns of numbers or text, that can say where a row came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "Column", "Table", "is_missing"]

Column = npt.NDArray[Any]
"""Numbers (float64, NaN where a value is missing) or text (str)."""

MISSING = ("", "?", "na", "n/a", "nan", "null")
"""What counts as a missing value in a column of text, in small or capital letters."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length.

    Parameters
    ----------
    source : str
        The file or the name of the data set, for messages.
    columns : mapping of str to array of shape (n_rows,)
        Each either float64 or str.
    lines : array of int, optional
        The line of the file on which each row begins.
    target : str, optional
        The column that is to be predicted, where the source says so.
    task : {"classification", "regression"}, optional
        What the target holds, where the source says so.
    image_shape : tuple of int, optional
        Height and width, if the columns are the pixels of an image, row by row.
    """

    source: str
    columns: Mapping[str, Column]
    lines: npt.NDArray[np.int64] | None = None
    target: str | None = None
    task: Literal["classification", "regression"] | None = None
    image_shape: tuple[int, int] | None = None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Where a row is, as a person would look for it."""
        if self.lines is not None:
            return f"line {self.lines[row]}"
        return f"row {row} (counted from 0)"

    def take(self, rows: npt.NDArray[np.int64]) -> Table:
        """Some of the rows."""
        return Table(
            self.source,
            {name: values[rows] for name, values in self.columns.items()},
            None if self.lines is None else self.lines[rows],
            self.target,
            self.task,
            self.image_shape,
        )


def is_missing(values: Column) -> npt.NDArray[np.bool_]:
    """Which values of a column are missing."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.isin(np.char.lower(np.char.strip(values)), MISSING)
