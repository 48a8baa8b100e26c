"""Rows that come in batches, over and over: what a stream is, and how a batch is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
from scipy import sparse

from chainrule.datasets.foreign import as_given
from chainrule.errors import DataError

__all__ = ["Batch", "Columns", "Stream", "read_arrays", "read_table"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Batch:
    """Some rows.

    Attributes
    ----------
    where : str
        Where they are from, for messages.
    X : array of shape (n_rows, n_features)
        Without columns where only targets were asked for.
    y : array of shape (n_rows,) or (n_rows, n_targets), optional
    weight : array of shape (n_rows,), optional
    names : tuple of str
        The features, where they have names.
    start : int
        The number of the first row, counted from 0 in ``where``.
    """

    where: str
    X: Array
    y: Array | None = None
    weight: Array | None = None
    names: tuple[str, ...] = ()
    start: int = 0

    def __len__(self) -> int:
        return len(self.X)


@dataclass
class Columns:
    """Which columns of a table are what; the features may be learned from its first batch.

    Attributes
    ----------
    target : str, list of str or None
        One column of targets, or several.
    weight : str or None
    features : sequence of str or None
        None for all the others.

    Raises
    ------
    DataError
        If one is something else than the name of a column.
    """

    target: str | list[str] | None = None
    weight: str | None = None
    features: Sequence[str] | None = None

    def __post_init__(self) -> None:
        several = isinstance(self.target, (list, tuple))
        _require_names("y", self.target if several else [self.target], self.target)
        _require_names("sample_weight", [self.weight], self.weight)
        if self.features is not None:
            listed = [self.features] if isinstance(self.features, str) else list(self.features)
            _require_names("features", listed, self.features)
            self.features = listed

    @property
    def targets(self) -> list[str]:
        """The columns of targets."""
        if self.target is None:
            return []
        return [self.target] if isinstance(self.target, str) else list(self.target)

    @property
    def beside_features(self) -> list[str]:
        """The columns of targets and weights."""
        return [*self.targets, *([] if self.weight is None else [self.weight])]

    def settle(self, names: Sequence[str], where: str) -> None:
        """Take the features from the first table, and find all columns in this one.

        Raises
        ------
        DataError
            If a column is missing, asked for twice, or none is left for the features.
        """
        if self.features is None:
            others = set(self.beside_features)
            self.features = tuple(name for name in names if name not in others)
        if not self.features:
            raise DataError(f"{where} has no columns of features beside {self.beside_features}.")
        wanted = [*self.features, *self.beside_features]
        twice = next((name for name in wanted if wanted.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"The column {twice!r} is asked for twice: give it one part.")
        missing = [name for name in wanted if name not in set(names)]
        if missing:
            raise DataError(
                f"{where} has no column {missing[0]!r}; it has {_listed(names)}. The columns are "
                f"found by name, and each part of the data needs the same ones."
            )


def _require_names(name: str, parts: Any, given: Any) -> None:
    """Refuse values where names of columns are asked for."""
    if given is not None and not all(isinstance(part, str) for part in parts):
        raise DataError(
            f"{name} names columns of the source, but it is {type(given).__name__}: values come "
            f"with the batches, as (X, y) or (X, y, sample_weight)."
        )


class Stream(ABC):
    """Batches of rows that can be gone through.

    Attributes
    ----------
    n_rows : int or None
        How many rows there are, if that is known without reading them.
    repeatable : bool
        Whether the rows can be gone through again.
    """

    n_rows: int | None = None
    repeatable: bool = True

    @abstractmethod
    def batches(
        self, random_state: np.random.RandomState | None = None, *, only_targets: bool = False
    ) -> Iterator[Batch]:
        """All batches from the start, checked for what each of them can be checked for.

        Parameters
        ----------
        random_state : RandomState, optional
            Draws the order of files and of what they are made of, where there is one.
        only_targets : bool, default=False
            The features may be left out.
        """


def read_table(
    frame: Any, columns: Columns, where: str, start: int = 0, *, only_targets: bool = False
) -> Batch:
    """A batch of the columns of a frame.

    Parameters
    ----------
    frame : DataFrame of pandas or polars, or Table of Arrow
    columns : Columns
    where : str
        What the frame is called in messages.
    start : int, default=0
        The number of its first row there.
    only_targets : bool, default=False

    Raises
    ------
    DataError
        If a column is missing, or a feature or weight is not a finite number.
    """
    table = nw.from_native(frame, eager_only=True)
    where_in = f"{where}, "
    if not only_targets:
        columns.settle(table.columns, where)
    features = () if only_targets else tuple(columns.features or ())
    read = [_numbers(table.get_column(name), where_in, start) for name in features]
    X = np.empty((len(table), len(read)), _precision(read))
    for place, values in enumerate(read):
        X[:, place] = values
    targets = [_target(table.get_column(name), where_in, start) for name in columns.targets]
    y: Array | None = None
    if targets:
        y = targets[0] if len(targets) == 1 else np.column_stack(targets)
    weight = None
    if columns.weight is not None:
        weight = _numbers(table.get_column(columns.weight), where_in, start).astype(np.float64)
    return Batch(where, X, y, weight, features, start)


def read_arrays(X: Any, y: Any, weight: Any, where: str) -> Batch:
    """A batch of arrays, or of a frame of features with arrays beside it.

    Raises
    ------
    DataError
        If X is not a table of finite numbers, or the lengths differ.
    """
    given = as_given(X, f"X of {where}")
    if nw.dependencies.is_into_dataframe(given):
        batch = read_table(given, Columns(), where)
        rows, names = batch.X, batch.names
    else:
        rows, names = _matrix(given, where), ()
    parts: list[Array | None] = []
    for name, values in (("y", y), ("sample_weight", weight)):
        if values is None:
            parts.append(None)
            continue
        array = np.asarray(as_given(values, f"{name} of {where}"))
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim == 0 or len(array) != len(rows):
            shape = "one number" if array.ndim == 0 else f"{len(array)} rows"
            raise DataError(f"{where}: X has {len(rows)} rows, but {name} has {shape}.")
        _require_known(array, f"{where}: {name}", 0)
        parts.append(array)
    return Batch(where, rows, parts[0], parts[1], names)


def _matrix(given: Any, where: str) -> Array:
    """Rows of finite numbers, in the order of C."""
    array = given.toarray() if sparse.issparse(given) else np.asarray(given)
    if array.ndim != 2:
        raise DataError(
            f"{where}: X must be a table of rows, (n_rows, n_features), but its shape is "
            f"{array.shape}."
        )
    try:
        rows = np.ascontiguousarray(array, dtype=_precision([array]))
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: X must hold numbers: {error}.") from None
    if not np.isfinite(rows).all():
        row, column = (int(each) for each in np.argwhere(~np.isfinite(rows))[0])
        what = "NaN" if np.isnan(rows[row, column]) else "infinity"
        raise DataError(f"{where}: X has {what} in row {row}, column {column} (from 0). {_FILL}")
    return rows


def _precision(arrays: Sequence[Array]) -> type[np.floating[Any]]:
    """Single where all is in single precision, as in ``fit``; else double."""
    return np.float32 if all(each.dtype == np.float32 for each in arrays) else np.float64


_FILL = "Leave such rows out, or fill the values in, with sklearn.impute for one."


def _numbers(series: Any, where_in: str, start: int) -> Array:
    """A column of finite numbers."""
    if not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
        raise DataError(
            f"{where_in}column {series.name!r} holds {series.dtype}, not numbers: leave it out, "
            f"with features=[...], or write it as numbers."
        )
    values: Array = series.to_numpy()
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argmin(finite))
        what = "null or NaN" if np.isnan(values[row]) else "infinity"
        raise DataError(
            f"{where_in}column {series.name!r} has {what} in row {start + row} (from 0). {_FILL}"
        )
    return values


def _target(series: Any, where_in: str, start: int) -> Array:
    """A column of classes or numbers, none of them missing."""
    values = np.asarray(series.to_numpy())
    _require_known(values, f"{where_in}column {series.name!r}", start)
    return values


def _require_known(values: Array, name: str, start: int) -> None:
    """Refuse targets and weights of which one is missing or infinite."""
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
    elif values.dtype.kind == "O":
        bad = np.array([each is None or each != each for each in values.ravel()], dtype=bool)
        bad = bad.reshape(values.shape)
    else:
        return
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        raise DataError(
            f"{name} has null, NaN or infinity in row {start + row} (from 0). Leave such rows out."
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 20
    return ", ".join(map(repr, names[:20])) + (f" and {more} more" if more > 0 else "")
