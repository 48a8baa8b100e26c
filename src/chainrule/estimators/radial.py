"""Radial basis networks: a weighted sum of bumps around centres."""

from __future__ import annotations

from typing import Any, Literal, Self, TypeVar

import numpy as np
from sklearn.base import MultiOutputMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.hints import (
    ArrayLike,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    ClassWeight,
    EngineName,
    LearningRate,
    OneLayerSolver,
    RandomState,
    Scoring,
    ValidationRows,
)
from chainrule.estimators.inputs import validated, weights_of_rows
from chainrule.estimators.one_label import OneLabelTargets
from chainrule.estimators.parameters import documented as shared_documented
from chainrule.estimators.parameters import filled_in
from chainrule.estimators.radial_base import RADIAL_DOCUMENTATION, BaseRadial, Centres, Widths
from chainrule.estimators.rows import Rows
from chainrule.estimators.targets import NumberTargets
from chainrule.exchange.onnx_model import Output, Value
from chainrule.exchange.outputs import NearestProbabilities
from chainrule.graph.node import Node
from chainrule.networks.losses import Loss, classification_loss, regression_loss, threshold_loss
from chainrule.training.simplex import nearest_probabilities

__all__ = ["RBFClassifier", "RBFRegressor"]

T = TypeVar("T", bound=type)


def documented(estimator: T) -> T:
    """Fill in what the docstrings of both share."""
    return shared_documented(filled_in(estimator, RADIAL_DOCUMENTATION))


@documented
class RBFClassifier(OneLabelTargets, BaseRadial):
    """Radial basis network for classes: Σ_j w_j·exp(-γ_j·‖x - c_j‖²) + b for each of them.

    Centres come from the data. The weights are solved for, by ridge regression on a column of 0
    and 1 for each class; of two classes, on one column of -1 and 1. Fine-tuning then goes on from
    there, and makes the log loss small.

    Parameters
    ----------
    {parameters}
    class_weight : dict, "balanced" or None, default=None
        A factor for the sample weights of each class.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels.
    {attributes}

    Notes
    -----
    Outputs that were solved for estimate probabilities, but may lie below 0 and above 1:
    ``predict_proba`` gives the probabilities that are nearest to them. After fine-tuning it gives
    the logistic function of the output, or the softmax of several.

    References
    ----------
    Broomhead & Lowe, "Multivariable functional interpolation and adaptive networks", Complex
    Systems 2, 1988.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> cr.RBFClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseRadial._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _learned = (*BaseRadial._learned, *OneLabelTargets._learned_of_classes)

    def __init__(
        self,
        n_centres: int | Literal["auto"] = "auto",
        *,
        centres: Centres = "kmeans",
        gamma: Widths = "auto",
        alpha: float = 0.01,
        fit_intercept: bool = True,
        fine_tune: bool = False,
        solver: OneLayerSolver = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-4,
        batch_size: BatchSize = "auto",
        learning_rate_init: float = 0.01,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | float = 10,
        learning_rate: LearningRate = "constant",
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        rho: float = 0.9,
        max_fun: int = 15000,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        verbose: bool | int = False,
        random_state: RandomState = None,
        class_weight: ClassWeight = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_method
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Learn from labelled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The class of each row.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts; not negative.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch of fine-tuning; with
            ``early_stopping`` they decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are more centres than rows, a γ that is not positive, or one class only.
        """
        X, y = self._labelled_rows(X, y, reset=True)
        self._learn_classes(y, incremental=False)
        Y = self._columns(y, X.dtype)
        weight = self._row_weights(sample_weight, X, Y)
        return self._fit_rows(Rows((X,), (Y,), weight, self._scored(X, y)), validation_data)

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        outputs = self._outputs(X)
        if self.out_activation_ != "identity":
            return self._probabilities(outputs)
        if self.n_outputs_ == 1:  # between -1 and 1
            return self._probabilities(np.clip(0.5 * (1.0 + outputs), 0.0, 1.0))
        return nearest_probabilities(outputs)

    def _exported_outputs(self, output: Node) -> dict[str, Output]:
        outputs = super()._exported_outputs(output)
        if self.out_activation_ != "identity":
            return outputs
        if self.n_outputs_ > 1:
            return {"label": outputs["label"], "probabilities": NearestProbabilities(output)}
        second = fn.minimum(fn.maximum(0.5 * (1.0 + output), 0.0), 1.0)
        probabilities = fn.concatenate([1.0 - second, second], -1)
        return {"label": outputs["label"], "probabilities": Value(probabilities)}

    def _row_loss(self, tuned: bool) -> Loss:
        if not tuned:
            return threshold_loss("squared_error")
        return classification_loss("log_loss", exclusive=len(self.classes_) > 2)

    def _solved_columns(self, Y: Array) -> Array:
        return 2 * Y - 1 if Y.shape[1] == 1 else Y

    def _target_row(self, y: Any) -> Array:
        columns = super()._target_row(y)
        return self._solved_columns(columns) if self.out_activation_ == "identity" else columns


@documented
class RBFRegressor(NumberTargets, MultiOutputMixin, BaseRadial):
    """Radial basis network for numbers: Σ_j w_j·exp(-γ_j·‖x - c_j‖²) + b.

    Centres come from the data, and the weights are solved for by ridge regression. With
    ``centres="data"``, no b and next to no penalty the function goes through all points.
    Fine-tuning then goes on from there, and makes the squared error small.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Broomhead & Lowe, "Multivariable functional interpolation and adaptive networks", Complex
    Systems 2, 1988.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> X = np.linspace(-3, 3, 40).reshape(-1, 1)
    >>> model = cr.RBFRegressor(8, random_state=0).fit(X, np.sin(X).ravel())
    >>> bool(abs(model.predict([[1.0]])[0] - np.sin(1.0)) < 0.01)
    True
    """

    loss = "squared_error"

    def __init__(
        self,
        n_centres: int | Literal["auto"] = "auto",
        *,
        centres: Centres = "kmeans",
        gamma: Widths = "auto",
        alpha: float = 0.01,
        fit_intercept: bool = True,
        fine_tune: bool = False,
        solver: OneLayerSolver = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-4,
        batch_size: BatchSize = "auto",
        learning_rate_init: float = 0.01,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | float = 10,
        learning_rate: LearningRate = "constant",
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        rho: float = 0.9,
        max_fun: int = 15000,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        verbose: bool | int = False,
        random_state: RandomState = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_method
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Learn from rows with targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts; not negative.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch of fine-tuning; with
            ``early_stopping`` they decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are more centres than rows, or a γ that is not positive.
        """
        X, y = self._read_rows(X, y, (np.float64, np.float32), reset=True)
        weight = weights_of_rows(sample_weight, X)
        rows = Rows((X,), (self._columns(y, X.dtype),), weight, self._scored(X, y))
        return self._fit_rows(rows, validation_data)

    def _read_rows(self, X: Any, y: Any, dtype: Any, reset: bool = False) -> tuple[Array, Array]:
        X, y = validated(
            self, X, y, dtype=dtype, order="C", y_numeric=True, multi_output=True, reset=reset
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def predict(self, X: ArrayLike) -> Array:
        """The predicted targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        X = validated(self, X, dtype=(np.float64, np.float32), reset=False)
        outputs = self._evaluate(X)
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def _row_loss(self, tuned: bool) -> Loss:
        return regression_loss("squared_error")

    def _solved_columns(self, Y: Array) -> Array:
        return Y

    def _target_row(self, y: Any) -> Array:
        columns = self._one_target(y)
        if columns.shape != (1, self.n_outputs_) or not np.isfinite(columns).all():
            raise ValueError(f"y must be the target of one row, as fit takes it, but got {y!r}.")
        return columns
