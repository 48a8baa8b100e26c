"""The column that is to be predicted: which it is, and whether it holds classes or values."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from chainrule.datasets.numbers import LARGEST, first_bad_number, read_numbers
from chainrule.datasets.table import Table, is_missing
from chainrule.errors import DataError

__all__ = ["Target", "choose_target", "describe_target", "read_target"]

Task = Literal["classification", "regression"]

MOST_CLASSES = 20
"""Whole numbers with more different values than this are taken for values, not classes."""

USUAL_NAMES = ("target", "class", "label", "y")


@dataclass(frozen=True)
class Target:
    """The column that is predicted.

    Parameters
    ----------
    name : str
    task : {"classification", "regression"}
    reason : str
        How the task was told, for people; empty where there was no doubt.
    mean, scale : float
        The estimator learns (y - mean) / scale of a value y, so that its size does not matter.
    """

    name: str
    task: Task
    reason: str = ""
    mean: float = 0.0
    scale: float = 1.0


def choose_target(table: Table, asked: str | None) -> str:
    """The name of the target column.

    The one asked for; or what the source says; or a column called target, class, label or y; or
    the last.
    """
    names = list(table.columns)
    if asked is not None:
        if asked in table.columns:
            return asked
        close = difflib.get_close_matches(asked, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        raise DataError(
            f"{table.source} has no column {asked!r} to predict.{hint} Its columns are "
            f"{', '.join(repr(name) for name in names[:20])}{more}."
        )
    if table.target is not None:
        return table.target
    usual = [name for name in names if name.lower() in USUAL_NAMES]
    return usual[0] if len(usual) == 1 else names[-1]


def describe_target(table: Table, name: str, task: Task | None = None) -> Target:
    """Tell whether a column holds classes or values.

    Parameters
    ----------
    table : Table
    name : str
    task : {"classification", "regression"}, optional
        What it is. By default what the source says; otherwise text is classes, and so are
        whole numbers with at most 20 different values.

    Returns
    -------
    Target
    """
    values = table.columns[name]
    missing = is_missing(values)
    if missing.any():
        count = int(missing.sum())
        raise DataError(
            f"{table.source}, {table.place(int(np.flatnonzero(missing)[0]))}: the target "
            f"{name!r} has no value ({count} of {len(values)} rows lack it). A target is never "
            f"guessed: leave those rows out."
        )
    if task is None and name == table.target:
        task = table.task
    if task is not None:
        return Target(name, task)
    numbers = read_numbers(values, missing)
    if numbers is None:
        return Target(name, "classification")
    different = len(np.unique(numbers))
    if different <= MOST_CLASSES and np.all(numbers == np.round(numbers)):
        return Target(name, "classification", f"{different} different whole numbers")
    return Target(name, "regression", f"{different} different numbers")


def read_target(target: Target, table: Table) -> npt.NDArray[Any]:
    """The target of each row: classes as text, or float64."""
    values = table.columns[target.name]
    missing = is_missing(values)
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise DataError(
            f"{table.source}, {table.place(row)}: the target {target.name!r} has no value."
        )
    numbers = read_numbers(values, missing)
    if target.task == "regression":
        if numbers is None:
            row, _ = first_bad_number(values, missing)
            raise DataError(
                f"{table.source}, {table.place(row)}: the target {target.name!r} must hold "
                f"numbers, but here is {str(values[row])!r}. Correct it; or, if it holds "
                f"classes, give --task classification."
            )
        large = np.flatnonzero(np.abs(numbers) > LARGEST)
        if len(large):
            raise DataError(
                f"{table.source}, {table.place(large[0])}: the target {target.name!r} is "
                f"{numbers[large[0]]:g}, which is too large to compute with in double precision. "
                f"Correct it."
            )
        return numbers
    if values.dtype.kind == "f" or (
        numbers is not None and np.all(numbers == np.round(numbers)) and np.isfinite(numbers).all()
    ):
        # 1, 1.0 and 01 are one class.
        assert numbers is not None
        return np.array([str(int(x)) if float(x).is_integer() else str(x) for x in numbers])
    return np.char.strip(values)
