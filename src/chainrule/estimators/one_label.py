"""Classifiers that give each row one class."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.hints import MatrixLike
from chainrule.estimators.inputs import dense_if_small, validated, weights_of_rows
from chainrule.estimators.targets import ClassTargets

__all__ = ["OneLabelTargets"]


class _RowWeights:
    """Where the weights of rows begin, before those of classes join them."""

    def _row_weights(self, sample_weight: Any, X: Array, Y: Array) -> Array | None:
        return weights_of_rows(sample_weight, X)


class OneLabelTargets(ClassTargets, _RowWeights):
    """Targets of one class for each row: one column of two classes, one for each of several.

    The estimator has ``_evaluate`` and what :class:`ClassTargets` needs.
    """

    n_outputs_: int
    _sparse_rows: ClassVar[str | bool] = False
    """The form in which sparse rows are taken, if they are."""

    def _labelled_rows(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        """Checked rows in the order of C, or many sparse ones; and their labels."""
        X, y = validated(
            self,
            X,
            y,
            accept_sparse=self._sparse_rows,
            dtype=(np.float64, np.float32),
            order="C",
            reset=reset,
            multi_output=True,
        )
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f"{type(self).__name__} gives each row one class, but y has {y.shape[1]} columns: "
                f"use MLPClassifier for several labels."
            )
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return dense_if_small(X), y

    def _read_rows(self, X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
        X, y = self._labelled_rows(X, y, reset=False)
        return X.astype(dtype, copy=False), y

    def _row_weights(self, sample_weight: Any, X: Any, Y: Array) -> Array | None:
        if self.class_weight != "balanced" or sample_weight is None:
            return super()._row_weights(sample_weight, X, Y)
        # Balanced are the weights of the rows, as in scikit-learn's logistic regression.
        weights = weights_of_rows(sample_weight, X)
        labels = self._label_binarizer.inverse_transform(Y)
        with np.errstate(divide="ignore"):
            of_class = compute_class_weight(
                "balanced", classes=self.classes_, y=labels, sample_weight=weights
            )
        of_class[np.isinf(of_class)] = 0.0  # of a class whose rows all have a weight of 0
        return weights * of_class[np.searchsorted(self.classes_, labels)].astype(X.dtype)

    def _target_row(self, y: Any) -> Array:
        return self._columns(self._one_target(y), np.float64)

    def _outputs(self, X: Any, activated: bool = True) -> Array:
        check_is_fitted(self)
        X = validated(
            self,
            X,
            accept_sparse=self._sparse_rows,
            dtype=(np.float64, np.float32),
            reset=False,
        )
        return self._evaluate(X, activated=activated)

    def decision_function(self, X: MatrixLike) -> Array:
        """The outputs before an activation: the larger, the more a class is favoured.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_classes)
            For two classes one number, above 0 for ``classes_[1]``.
        """
        outputs = self._outputs(X, activated=False)
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def predict(self, X: MatrixLike) -> Array:
        """The class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
        """
        return self._labels(self._outputs(X))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        tags.input_tags.sparse = bool(self._sparse_rows)
        return tags
