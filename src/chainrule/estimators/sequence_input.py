"""How recurrent estimators are given sequences, series and their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.estimators.inputs import validated
from chainrule.estimators.sequences import Sequences, is_one_series, read_sequences, unpadded

__all__ = ["SequenceInput"]


class SequenceInput(BaseEstimator):
    """Reads sequences as arrays, as lists, or as the rows of a table, which are univariate.

    ``_is_table`` says which of these the estimator was fitted to, ``_is_forecaster`` whether it
    learns each next step of series.
    """

    _is_table: bool
    _is_forecaster: bool

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Sequences, Any]:
        """Checked sequences, and their targets; without targets, each step's next values."""
        if not self._is_forecaster:
            if y is None:
                raise ValueError(
                    f"{type(self).__name__} requires y to be passed, but the target y is None."
                )
            return self._sequences(X, reset, y)
        if y is not None:
            raise ValueError(
                "This model was fitted without y, and learns each next step: leave y out."
            )
        series = self._series(X, reset)
        if int(series.lengths.min()) < 2:
            hint = ""
            if np.ndim(X) == 2 and np.shape(X)[1] == 1:
                hint = (
                    f" X of shape {np.shape(X)} is read as series of one step, one in each row: a "
                    f"single series is X.ravel()."
                )
            raise ValueError(f"Learning each next step needs series of at least 2 steps.{hint}")
        return _shifted(series)

    def _series(self, X: Any, reset: bool) -> Sequences:
        """Series to go on with; one alone may be a row of numbers."""
        X = as_given(X, "X")
        return self._sequences(np.reshape(X, (1, -1, 1)) if is_one_series(X) else X, reset)[0]

    def _sequences(self, X: Any, reset: bool, y: Any = None) -> tuple[Sequences, Any]:
        """Checked sequences, of the features of the fit unless ``reset``; and targets."""
        X, y = _each_as_given(X, "X"), _each_as_given(y, "y")
        dtype = None if reset else self._parameters[0].dtype
        table = _is_table(X)
        # A series that goes on may be longer than it was in the fit.
        if table and (reset or (self._is_table and not self._is_forecaster)):
            options = {"dtype": dtype or (np.float64, np.float32), "reset": reset}
            if y is None:
                values = validated(self, X, **options)
            else:
                _require_as_many(X, y)
                values, y = validated(self, X, y, multi_output=True, **options)
                if y.ndim == 2 and y.shape[1] == 1:
                    y = column_or_1d(y, warn=True)
            self._is_table = True
            return read_sequences(values, dtype), y
        sequences = read_sequences(X, dtype)
        width = sequences.values.shape[2]
        if reset:
            self._is_table, self.n_features_in_ = False, width
            self.__dict__.pop("feature_names_in_", None)
        elif width != self._network.n_features:
            hint = ""
            if table:
                hint = (
                    f" X of shape {np.shape(X)} is read as univariate sequences, one in each row; "
                    f"a single sequence (n_timesteps, n_features) is X[np.newaxis]."
                )
            raise ValueError(
                f"X has {width} features, but {type(self).__name__} is expecting "
                f"{self._network.n_features} features as input.{hint}"
            )
        if y is not None:
            check_consistent_length(sequences.values, y)
            # Lists of several lengths are targets of steps: whether these are wanted is seen later.
            if not isinstance(y, (list, tuple)) or _shape_of(y) is not None:
                y = check_array(y, ensure_2d=False, allow_nd=True, dtype=None, input_name="y")
        return sequences, y


def _each_as_given(value: Any, name: str) -> Any:
    """Sequences, or targets of steps, in a form that NumPy reads; they may be listed."""
    if isinstance(value, (list, tuple)):
        return type(value)(as_given(each, f"{name}[{k}]") for k, each in enumerate(value))
    return as_given(value, name)


def _is_table(X: Any) -> bool:
    """Whether X has two axes; what is no array at all is for scikit-learn to refuse."""
    if sparse.issparse(X):
        return True
    if not hasattr(X, "shape") and isinstance(X, (list, tuple)):
        if not len(X) or getattr(X[0], "ndim", 0) > 0:
            return False
        given = _shape_of(X)
        return given is not None and len(given) <= 2
    shape = getattr(X, "shape", ())
    return len(shape) <= 2 and not (len(shape) == 1 and X.dtype == object)


def _shape_of(listed: Any) -> tuple[int, ...] | None:
    """The shape of nested lists; None if they are of several lengths."""
    try:
        return np.shape(listed)
    except ValueError:
        return None


def _require_as_many(X: Any, y: Any) -> None:
    """Refuse a table whose rows do not match the targets: it may be one sequence."""
    shape: Any = getattr(X, "shape", ())
    if len(shape) == 2 and hasattr(y, "__len__") and len(y) != shape[0]:
        raise ValueError(
            f"X of shape {shape} is read as {shape[0]} univariate sequences of {shape[1]} steps, "
            f"but y has {len(y)} targets. A single sequence (n_timesteps, n_features) is "
            f"X[np.newaxis]."
        )


def _shifted(series: Sequences) -> tuple[Sequences, list[Array]]:
    """All steps but the last, and for each of them the values of the next."""
    ends = series.lengths - 1
    before = np.where(
        np.arange(series.values.shape[1] - 1)[:, np.newaxis] < ends[:, np.newaxis, np.newaxis],
        series.values[:, :-1],
        series.values.dtype.type(0),
    )
    return Sequences(before, ends, series.listed), unpadded(series.values[:, 1:], ends)
