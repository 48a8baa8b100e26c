"""Numbers in columns of text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.datasets.table import Column

__all__ = ["LARGEST", "first_bad_number", "read_numbers"]

LARGEST = 1e150
"""Squares of larger numbers, and so their spread, overflow in double precision."""


def read_numbers(values: Column, missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    """The column as float64, NaN where a value is missing; None if some value is no number."""
    if values.dtype.kind == "f":
        return values
    try:
        return np.where(missing, "nan", values).astype(np.float64)
    except ValueError:
        return None


def first_bad_number(values: Column, missing: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """The first row whose text is no number, and the share of those that are, of all known."""
    bad = [row for row in np.flatnonzero(~missing) if not _is_number(values[row])]
    known = int((~missing).sum())
    return int(bad[0]), 1 - len(bad) / known


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
