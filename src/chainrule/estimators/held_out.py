"""Rows given beside those to learn from, to measure loss and score on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from chainrule.engines.base import Array
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.inputs import weights_of_rows
from chainrule.estimators.rows import Rows

__all__ = ["HeldOutRows"]


class HeldOutRows(EvaluatingEstimator):
    """Reads ``validation_data`` of an estimator that learns a target for each row."""

    @abstractmethod
    def _read_rows(self, X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
        """Further rows and their targets, checked against those of the fit."""

    @abstractmethod
    def _columns(self, y: Any, dtype: Any) -> Array:
        """Targets as columns of numbers, one for each output."""

    def _held_out(self, validation_data: Any, dtype: Any, n_outputs: int) -> Rows | None:
        """The rows of ``validation_data`` in the form of the training data, if there are any."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be (X, y) or (X, y, sample_weight), but got "
                f"{type(validation_data).__name__}."
            )
        X, y, weight = (*validation_data, None)[:3]
        X, y = self._read_rows(X, y, dtype)
        self._check_held_out(y)
        Y = self._columns(y, dtype)
        if Y.shape[1] != n_outputs:
            raise ValueError(
                f"The y of validation_data has {Y.shape[1]} outputs, but that of the training "
                f"data has {n_outputs}."
            )
        return Rows((X,), (Y,), weights_of_rows(weight, X), self._scored(X, y))

    def _check_held_out(self, y: Array, name: str = "The y of validation_data") -> None:
        """Refuse a y that the training data could not have; ``name`` is what it is called."""
        return
