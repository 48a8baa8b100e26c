"""What the columns of a table are, and how they become numbers for a network.

The description is plain data. It is kept with the model, so that later tables are encoded in
exactly the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from chainrule.datasets.numbers import LARGEST, first_bad_number, read_numbers
from chainrule.datasets.table import Column, Table, is_missing
from chainrule.errors import DataError

__all__ = ["Feature", "describe_features", "encode", "encoded_names"]

Numbers = npt.NDArray[np.float64]

MOST_CATEGORIES = 100
"""With more, a column of text is taken for names or free text if most of its values differ."""


@dataclass(frozen=True)
class Feature:
    """One column of the table.

    Parameters
    ----------
    name : str
    kind : {"number", "category"}
    mean, scale : float
        Of a number: it is standardised to (x - mean) / scale, so that every column counts alike
        at the start of training.
    categories : tuple of str
        Each becomes a column of 0 and 1 ("one-hot").
    fill : float or str, optional
        What a missing value is taken for: the median, or the most frequent category. Without
        it, missing values are refused.
    """

    name: str
    kind: Literal["number", "category"]
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    fill: float | str | None = None

    @property
    def encoded(self) -> tuple[str, ...]:
        """The names of the columns that it becomes."""
        if self.kind == "number":
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)


def encoded_names(features: Sequence[Feature]) -> list[str]:
    """The names of all encoded columns."""
    return [name for feature in features for name in feature.encoded]


def describe_features(
    table: Table,
    names: Sequence[str],
    train: npt.NDArray[np.int64],
    *,
    impute: bool = False,
    categorical: Collection[str] = (),
) -> tuple[Feature, ...]:
    """Describe columns of a table.

    Parameters
    ----------
    table : Table
    names : sequence of str
        The columns to describe.
    train : array of int64
        The rows that means, scales and fills are taken from: never those held out for a test.
        What kind a column is, and its categories, are those of the whole table.
    impute : bool, default=False
        Whether to fill in missing values.
    categorical : collection of str
        Columns whose numbers stand for categories.

    Returns
    -------
    tuple of Feature

    Raises
    ------
    DataError
        If a value is missing (and not imputed) or infinite, a column is almost but not quite
        numeric, or it seems to hold names or free text.
    """
    return tuple(_describe(table, name, train, impute, name in categorical) for name in names)


def _describe(
    table: Table, name: str, train: npt.NDArray[np.int64], impute: bool, categorical: bool
) -> Feature:
    values = table.columns[name]
    missing = is_missing(values)
    if missing.all():
        raise DataError(
            f"{table.source}: column {name!r} has no values at all. Leave it out with "
            f"`--ignore {name!r}`."
        )
    if missing.any() and not impute:
        raise DataError(_missing(table, name, missing, "Fill it in, or give --impute"))
    known = train[~missing[train]]
    if not len(known):
        known = np.flatnonzero(~missing)
    numbers = None if categorical else _numbers(table, name, missing)
    if numbers is not None:
        filled = np.where(missing, np.median(numbers[known]), numbers)[train]
        spread = float(filled.std())
        # A constant column stays: it becomes 0 everywhere.
        return Feature(
            name,
            "number",
            float(filled.mean()),
            spread if spread > 0 else 1.0,
            fill=float(np.median(numbers[known])) if impute else None,
        )
    texts = _texts(values)
    categories = sorted(set(texts[~missing].tolist()))
    if len(categories) > max(MOST_CATEGORIES, table.n_rows // 2):
        raise DataError(
            f"{table.source}: column {name!r} has {len(categories)} different texts in "
            f"{table.n_rows} rows, as names and free text have; nothing can be learned from "
            f"those. Leave it out with `--ignore {name!r}`."
        )
    most_frequent = None
    if impute:
        found, counts = np.unique(texts[known], return_counts=True)
        most_frequent = str(found[counts.argmax()])
    return Feature(name, "category", categories=tuple(categories), fill=most_frequent)


def _numbers(table: Table, name: str, missing: npt.NDArray[np.bool_]) -> Numbers | None:
    """The column as numbers; None if it is text."""
    values = table.columns[name]
    numbers = read_numbers(values, missing)
    if numbers is None:
        row, share = first_bad_number(values, missing)
        if share < 0.9:
            return None
        raise DataError(
            f"{table.source}, {table.place(row)}: column {name!r} holds numbers, but here "
            f"{str(values[row])!r}. Correct it, or leave it empty and give --impute; if all its "
            f"values are categories, give `--categorical {name!r}`."
        )
    _check_finite(table, name, numbers, missing)
    return numbers


def _check_finite(
    table: Table, name: str, numbers: Numbers, missing: npt.NDArray[np.bool_]
) -> None:
    large = np.flatnonzero(np.abs(np.where(missing, 0.0, numbers)) > LARGEST)
    if len(large):
        raise DataError(
            f"{table.source}, {table.place(large[0])}: column {name!r} holds infinity or a "
            f"number too large to compute with ({numbers[large[0]]:g}). Correct it, or leave it "
            f"empty and train with --impute."
        )


def _texts(values: Column) -> npt.NDArray[np.str_]:
    """Categories as they are compared: without the blanks around them, whole numbers as such."""
    if values.dtype.kind == "f":
        return np.array(
            [str(int(x)) if x == x and float(x).is_integer() else str(x) for x in values]
        )
    return np.char.strip(values)


def _missing(table: Table, name: str, missing: npt.NDArray[np.bool_], remedy: str) -> str:
    count = int(missing.sum())
    more = f" ({count} of {len(missing)} rows lack it)" if count > 1 else ""
    place = table.place(int(np.flatnonzero(missing)[0]))
    return (
        f"{table.source}, {place}: column {name!r} has no value{more}. {remedy} to use the "
        f"column's median or most frequent category instead."
    )


def encode(features: Sequence[Feature], table: Table, unknown_as_zeros: bool = False) -> Numbers:
    """Turn a table into rows of numbers.

    Parameters
    ----------
    features : sequence of Feature
    table : Table
        Its columns may be in any order; those that are not described are not looked at.
    unknown_as_zeros : bool, default=False
        A category that was not there in training gets 0 in all columns of its feature, instead
        of being an error.

    Returns
    -------
    array of shape (n_rows, n_encoded_columns)

    Raises
    ------
    DataError
        If a column is absent, a value is missing and the feature has no fill, a number cannot
        be read, or a category is unknown.
    """
    absent = [feature.name for feature in features if feature.name not in table.columns]
    if absent:
        others = [name for name in table.columns if name not in {each.name for each in features}]
        listed = ", ".join(repr(name) for name in absent[:5])
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        have = f" It also has {', '.join(repr(name) for name in others[:5])}." if others else ""
        raise DataError(
            f"{table.source} has no column {listed}{more}, which the model learned from.{have} "
            f"Columns may be in any order, but must have the names of the training data."
        )
    blocks = [_encode(feature, table, unknown_as_zeros) for feature in features]
    return np.ascontiguousarray(np.hstack(blocks)) if blocks else np.empty((table.n_rows, 0))


def _encode(feature: Feature, table: Table, unknown_as_zeros: bool) -> Numbers:
    name, values = feature.name, table.columns[feature.name]
    missing = is_missing(values)
    if missing.any() and feature.fill is None:
        raise DataError(
            _missing(table, name, missing, "Fill it in, or train the model with --impute")
        )
    if feature.kind == "number":
        numbers = read_numbers(values, missing)
        if numbers is None:
            row, _ = first_bad_number(values, missing)
            raise DataError(
                f"{table.source}, {table.place(row)}: column {name!r} held numbers in training, "
                f"but here {str(values[row])!r}. Correct the value."
            )
        _check_finite(table, name, numbers, missing)
        if missing.any():
            numbers = np.where(missing, float(feature.fill or 0.0), numbers)
        return ((numbers - feature.mean) / feature.scale)[:, np.newaxis]
    texts = _texts(values)
    if missing.any():
        texts = np.where(missing, str(feature.fill), texts)
    one_hot = texts[:, np.newaxis] == np.array(feature.categories)
    unknown = np.flatnonzero(~one_hot.any(axis=1))
    if len(unknown) and not unknown_as_zeros:
        row = int(unknown[0])
        known = ", ".join(repr(each) for each in feature.categories[:8])
        more = f" and {len(feature.categories) - 8} more" if len(feature.categories) > 8 else ""
        raise DataError(
            f"{table.source}, {table.place(row)}: column {name!r} holds {str(texts[row])!r}, "
            f"which was not there in training; the model knows {known}{more}. Correct the value, "
            f"or give --unknown-as-zeros to predict as if it were none of them."
        )
    return one_hot.astype(np.float64)
