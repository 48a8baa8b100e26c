"""From a table to a trained model, and what it is worth on rows that it has not seen."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgWarning
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from chainrule.datasets.features import describe_features, encode, encoded_names
from chainrule.datasets.table import Table
from chainrule.datasets.targets import Target, read_target
from chainrule.errors import DataError, NonFiniteLossError
from chainrule.estimators.table_model import TableModel, measure

__all__ = ["TableFit", "fit_table"]

INTERRUPTED = "Training interrupted by user."
"""The warning of an estimator whose training was ended by Ctrl-C."""


@dataclass(frozen=True, eq=False)
class TableFit:
    """A model and how it came about.

    Attributes
    ----------
    model : TableModel
    table : Table
    held_out : array of int64
        The rows of the table that the model has not seen.
    n_train : int
        How many it has seen.
    y_test, predicted : array
        Truth and prediction for the rows held out.
    probabilities : array of shape (rows held out, classes) or None
    measure : {"accuracy", "R²"}
    score, baseline : float
        That of the model, and of the simplest guess.
    guess : str or float
        The simplest guess: always the most frequent class, or the mean.
    seconds : float
        That training took, compiling included.
    interrupted : bool
        Whether Ctrl-C ended training.
    notes : tuple of str
        Other warnings of training.
    """

    model: TableModel
    table: Table
    held_out: npt.NDArray[np.int64]
    n_train: int
    y_test: npt.NDArray[Any]
    predicted: npt.NDArray[Any]
    probabilities: npt.NDArray[Any] | None
    measure: str
    score: float
    baseline: float
    guess: str | float
    seconds: float
    interrupted: bool
    notes: tuple[str, ...]


def fit_table(
    estimator: Any,
    table: Table,
    target: Target,
    *,
    test_size: float = 0.2,
    seed: int = 0,
    impute: bool = False,
    ignore: Collection[str] = (),
    categorical: Collection[str] = (),
    scale_target: bool = False,
    fit_options: Literal["validation_data"] | None = None,
) -> TableFit:
    """Hold out some rows, train on the others, and measure on the first.

    Parameters
    ----------
    estimator : estimator
        Is fitted.
    table : Table
    target : Target
    test_size : float, default=0.2
        The share of rows held out; classes keep their shares.
    seed : int, default=0
        Draws them.
    impute : bool, default=False
        Fill in missing values with the median or most frequent category of the other rows.
    ignore, categorical : collection of str
        Columns to leave out; columns whose numbers stand for categories.
    scale_target : bool, default=False
        Let the estimator learn a standardised target; predictions are scaled back.
    fit_options : "validation_data", optional
        Let the estimator measure itself on the rows held out after each epoch. That is for the
        curve: an estimator that stops by it would have seen them.

    Returns
    -------
    TableFit

    Raises
    ------
    DataError
        If the table cannot be used; the message names the place.
    """
    y = read_target(target, table)
    names = [name for name in table.columns if name != target.name and name not in ignore]
    _check_names(table, [*ignore, *categorical])
    if not names:
        raise DataError(
            f"{table.source} has no column besides the target {target.name!r}: there is nothing "
            f"to predict it from."
        )
    train, held_out = _split(table, target, y, test_size, seed)
    features = describe_features(table, names, train, impute=impute, categorical=categorical)
    X = encode(features, table)
    if scale_target:
        spread = float(y[train].std())
        target = dataclasses.replace(
            target, mean=float(y[train].mean()), scale=spread if spread > 0 else 1.0
        )
    learned = y if target.task == "classification" else (y - target.mean) / target.scale
    options = {}
    if fit_options == "validation_data":
        # A class that only the held-out rows have cannot be measured while training.
        known = np.isin(learned[held_out], learned[train])
        rows = held_out if target.task == "regression" else held_out[known]
        options["validation_data"] = (X[rows], learned[rows])
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.fit(X[train], learned[train], **options)
        except NonFiniteLossError as error:
            raise error.with_names(encoded_names(features)) from None
    seconds = time.perf_counter() - start
    messages = [str(each.message) for each in caught]
    model = TableModel(estimator, features, target)
    predicted = model.predict_encoded(X[held_out])
    name, score = measure(target, y[held_out], predicted)
    guess = _simplest_guess(target, y[train])
    _, baseline = measure(target, y[held_out], np.full(len(held_out), guess))
    probabilities = None
    if hasattr(estimator, "predict_proba"):
        probabilities = estimator.predict_proba(X[held_out])
    return TableFit(
        model,
        table,
        held_out,
        len(train),
        y[held_out],
        predicted,
        probabilities,
        name,
        score,
        baseline,
        guess,
        seconds,
        INTERRUPTED in messages,
        tuple(
            _note(each.category, message)
            for each, message in zip(caught, messages, strict=True)
            if message != INTERRUPTED
        ),
    )


def _check_names(table: Table, names: Collection[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise DataError(
                f"{table.source} has no column {name!r}. Its columns are "
                f"{', '.join(repr(each) for each in list(table.columns)[:20])}."
            )


def _split(
    table: Table, target: Target, y: npt.NDArray[Any], test_size: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rows = np.arange(len(y))
    n_test = int(np.ceil(test_size * len(y)))
    if n_test < 2 or len(y) - n_test < 2:
        raise DataError(
            f"{table.source} has {len(y)} rows, of which {n_test} would be held out for the test "
            f"and {len(y) - n_test} used for training: at least 2 of each are needed. Give more "
            f"rows, or another --test-size."
        )
    strata = None
    if target.task == "classification":
        _, counts = np.unique(y, return_counts=True)
        if len(counts) == 1:
            raise DataError(
                f"{table.source}: the target {target.name!r} is {str(y[0])!r} in every row, so "
                f"there is nothing to tell apart. Give rows of at least two classes."
            )
        if counts.max() == 1:
            raise DataError(
                f"{table.source}: the target {target.name!r} is different in each of its {len(y)} "
                f"rows, and each would be a class of its own. If it holds numbers, give --task "
                f"regression; or name another --target."
            )
        if counts.min() >= 2 and len(counts) <= min(n_test, len(y) - n_test):
            strata = y
    train, held_out = train_test_split(rows, test_size=n_test, random_state=seed, stratify=strata)
    # In the order of the file: shuffling is the estimator's affair.
    return np.sort(train), np.sort(held_out)


def _simplest_guess(target: Target, y: npt.NDArray[Any]) -> str | float:
    """The most frequent class, or the mean."""
    if target.task == "regression":
        return float(y.mean())
    classes, counts = np.unique(y, return_counts=True)
    return str(classes[counts.argmax()])


def _note(category: type[Warning], message: str) -> str:
    if issubclass(category, ConvergenceWarning) and "Maximum iterations" in message:
        return (
            "training ended at the most epochs allowed, while the loss was still falling; "
            "--set max_iter=1000 allows more"
        )
    if issubclass(category, LinAlgWarning):
        # Its message counts encoded columns, which nobody has seen.
        return (
            "columns depend on each other, as those of the categories of one feature do, so "
            "single coefficients have no meaning; predictions are sound"
        )
    return message
