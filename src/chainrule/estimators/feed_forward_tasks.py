"""What feed-forward networks do for classes, and for numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from chainrule.engines.base import Array
from chainrule.estimators.base import is_stochastic
from chainrule.estimators.decorators import available_if, parameters_checked
from chainrule.estimators.fit_stream import StreamedClasses, StreamedNumbers
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.hints import ArrayLike, MatrixLike, ValidationRows
from chainrule.estimators.quantiles import RegressionTargets
from chainrule.estimators.targets import ClassTargets, has_margins, has_probabilities
from chainrule.networks.losses import Loss, classification_loss

__all__ = ["FeedForwardClassifier", "FeedForwardRegressor"]


class FeedForwardClassifier(ClassTargets, StreamedClasses):
    """Learns classes; the estimator is a ``BaseFeedForward``."""

    @fit_method
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Learn from labelled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Of a sparse matrix a few rows at a time are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The class of each row, or for each label 1 where the row has it and 0 where not.
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(is_stochastic)
    @parameters_checked
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Train for one epoch on some more rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All labels there will ever be; needed in the first call.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            As for :meth:`fit`. With ``early_stopping``, a call that is the last of
            ``n_iter_no_change`` without progress puts back the best weights, and later calls
            change nothing; without these rows, some of each call's are held out.

        Returns
        -------
        self
        """
        self._learn_all_classes(y, classes)
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def predict(self, X: MatrixLike) -> Array:
        """The most probable class of each row, or its labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_labels)
        """
        return self._labels(self._outputs(X))

    @available_if(has_probabilities)
    def predict_proba(self, X: MatrixLike) -> Array:
        """The probability of each class; with several labels, of each label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return self._probabilities(self._outputs(X))

    @available_if(has_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> Array:
        """The logarithm of the probabilities, also of those too small for ``predict_proba``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return self._log_probabilities(self._outputs(X, activated=False))

    @available_if(has_margins)
    def decision_function(self, X: MatrixLike) -> Array:
        """The outputs, where ``loss="hinge"`` leaves them as they are: the larger, the surer.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_classes)
            For two classes one number, above 0 for ``classes_[1]``; for several, and for several
            labels, one for each.
        """
        outputs = self._outputs(X)
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def _row_loss(self) -> Loss:
        return classification_loss(self.loss, self._label_binarizer.y_type_ == "multiclass")

    def _validate_input(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Array, Array]:
        X, y = self._validate_rows(X, y, (np.float64, np.float32), reset)
        self._learn_classes(y, incremental)
        return X, y


class FeedForwardRegressor(RegressionTargets, StreamedNumbers):
    """Learns numbers; the estimator is a ``BaseFeedForward``."""

    @fit_method
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Learn from rows with targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Of a sparse matrix a few rows at a time are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(is_stochastic)
    @parameters_checked
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Train for one epoch on some more rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            As for :meth:`fit`. With ``early_stopping``, a call that is the last of
            ``n_iter_no_change`` without progress puts back the best weights, and later calls
            change nothing; without these rows, some of each call's are held out.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def predict(self, X: MatrixLike) -> Array:
        """The predicted targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_outputs)
        """
        predicted = self._predicted(self._outputs(X))
        return predicted.ravel() if predicted.shape[1] == 1 else predicted

    def _validate_input(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Array, Array]:
        self._learn_quantiles()
        return self._validate_rows(X, y, (np.float64, np.float32), reset, y_numeric=True)
