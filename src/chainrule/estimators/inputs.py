"""What users give as rows, targets and weights: the one place where it becomes arrays.

scikit-learn reads NumPy arrays, sparse matrices, and the frames of pandas, polars and Arrow. What
it does not know is brought into such a form first, without a copy: arrays of other libraries
through DLPack, record batches of Arrow.
"""

from __future__ import annotations

from typing import Any, Literal, overload

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.errors import DataError
from chainrule.training.refilling import BUFFER_BYTES

__all__ = ["dense_if_small", "validated", "weights_of_rows"]


@overload
def validated(
    estimator: Any, X: Any = ..., y: Literal["no_validation"] = ..., **options: Any
) -> Array: ...
@overload
def validated(estimator: Any, X: Any, y: Any, **options: Any) -> tuple[Array, Array]: ...
def validated(
    estimator: Any, X: Any = "no_validation", y: Any = "no_validation", **options: Any
) -> Any:
    """scikit-learn's ``validate_data`` for all that users may give.

    Parameters
    ----------
    estimator : estimator
        It learns, or is held to, the number and the names of the features.
    X, y : object
    **options
        Those of :func:`sklearn.utils.validation.validate_data`.

    Returns
    -------
    array, or tuple of array

    Raises
    ------
    DataError
        If a column of a frame holds text, NaN or infinity: it is named.
    """
    if isinstance(X, np.ndarray) and isinstance(y, (np.ndarray, str)):
        return validate_data(estimator, X, y, **options)  # nothing to look for: the usual case
    X, y = as_given(X, "X"), as_given(y, "y")
    _refuse_dates(X)
    if nw.dependencies.is_into_dataframe(X) and np.float32 in _listed(options.get("dtype")):
        # scikit-learn sees that of a pandas frame only.
        dtypes = nw.from_native(X, eager_only=True).schema.values()
        if all(each == nw.Float32 for each in dtypes):
            options["dtype"] = np.float32
    try:
        return validate_data(estimator, X, y, **options)
    except ValueError as error:
        column = _column_at_fault(X, str(error))
        if column is None:
            raise
        raise DataError(f"{error}\n{column}") from None


def _listed(dtype: Any) -> tuple[Any, ...]:
    return tuple(dtype) if isinstance(dtype, (list, tuple)) else ()


def _refuse_dates(X: Any) -> None:
    """DataError if a frame has a column of dates: as numbers they would be nanoseconds."""
    if isinstance(X, np.ndarray) or not nw.dependencies.is_into_dataframe(X):
        return
    for name, kind in nw.from_native(X, eager_only=True).schema.items():
        if kind.is_temporal():
            raise DataError(
                f"The column {name!r} of X holds {kind}, not numbers: leave it out, or make "
                f"numbers of it, such as the days since a first one."
            )


def _column_at_fault(X: Any, message: str) -> str | None:
    """Which column of a frame made scikit-learn say this; None if that cannot be told."""
    text = "could not convert string to float" in message
    missing = "Input X contains" in message
    if not (text or missing) or not nw.dependencies.is_into_dataframe(X):
        return None
    frame = nw.from_native(X, eager_only=True)
    for name in frame.columns:
        try:
            values = np.asarray(frame[name].to_numpy(), dtype=np.float64)
        except (TypeError, ValueError):
            if text:
                return (
                    f"The column {name!r} of X is not one of numbers: leave it out, or encode it, "
                    f"with OneHotEncoder or OrdinalEncoder for one."
                )
            continue
        if missing and not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            return f"The first such value is in column {name!r} of X, row {row} counted from 0."
    return None


def weights_of_rows(sample_weight: Any, X: Any) -> Array | None:
    """The weight of each row of checked rows X, in their precision; None if none are given."""
    if sample_weight is None:
        return None
    return _check_sample_weight(
        as_given(sample_weight, "sample_weight"), X, dtype=X.dtype, ensure_non_negative=True
    )


def dense_if_small(X: Any) -> Any:
    """Checked rows, in the order of C; only a sparse matrix that would be large stays sparse.

    Dense rows are quicker to train on. A CSR matrix of which they would take more than the 32 MB
    of a buffer is made dense a part at a time, whenever some of its rows are needed.
    """
    if not sparse.issparse(X):
        return X
    return X.toarray(order="C") if X.shape[0] * X.shape[1] * X.dtype.itemsize <= BUFFER_BYTES else X
