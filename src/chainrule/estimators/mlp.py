"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

from typing import Any

from chainrule.estimators.feed_forward_tasks import FeedForwardClassifier, FeedForwardRegressor
from chainrule.estimators.hints import (
    ActivationName,
    ArrayLike,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    ClassLoss,
    ClassWeight,
    EngineName,
    HiddenSizes,
    LearningRate,
    Normalization,
    NumberLoss,
    RandomState,
    Scoring,
    Solver,
)
from chainrule.estimators.mlp_base import BaseMLP
from chainrule.estimators.parameters import CLASSIFIER_LOSSES, documented
from chainrule.estimators.quantiles import REGRESSION_CONSTRAINTS, RegressionTargets
from chainrule.estimators.targets import ClassTargets

__all__ = ["MLPClassifier", "MLPRegressor"]


@documented
class MLPClassifier(FeedForwardClassifier, BaseMLP):
    """Multi-layer perceptron classifier: scikit-learn's, and more.

    Parameters, defaults, attributes, warnings and, with the same ``random_state``, the learned
    weights are those of :class:`sklearn.neural_network.MLPClassifier`. Two classes, several
    classes, and several labels for each row.

    Parameters
    ----------
    {layers}
    {training}
    loss : {"log_loss", "hinge"} or callable, default="log_loss"
        ``"hinge"`` gives no probabilities. A callable gets nodes ``y`` (0 or 1) and ``output``
        (before the last activation), both (rows, outputs), and returns a loss for each row.
    class_weight : dict, "balanced" or None, default=None
        A factor for the sample weights of each class.
    {normalization}
    {ours}

    Attributes
    ----------
    classes_ : array
        The labels.
    {weights}
    {normalised}
    {attributes}

    Notes
    -----
    {differences}

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = cr.MLPClassifier((10,), learning_rate_init=0.02, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseMLP._parameter_constraints,
        **CLASSIFIER_LOSSES,
    }
    _learned = (*BaseMLP._learned, *ClassTargets._learned_of_classes)

    def __init__(
        self,
        hidden_layer_sizes: HiddenSizes = (100,),
        activation: ActivationName = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        loss: ClassLoss = "log_loss",
        class_weight: ClassWeight = None,
        rho: float = 0.9,
        dropout: float = 0.0,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        normalization: Normalization = None,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())


@documented
class MLPRegressor(FeedForwardRegressor, BaseMLP):
    """Multi-layer perceptron regressor: scikit-learn's, and more.

    Parameters, defaults, attributes, warnings and, with the same ``random_state``, the learned
    weights are those of :class:`sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : str or callable, default="squared_error"
        ``"squared_error"`` (half of it), ``"absolute_error"``, ``"huber"``, ``"quantile"``,
        ``"poisson"`` (half the deviance of counts whose mean is exp of the raw output), or a
        callable: it gets nodes ``y`` and ``output``, both (rows, outputs), and returns a loss
        for each row. With several outputs, training makes the sum of their losses small; for
        the squared error the loss reported is the mean over the outputs, as in scikit-learn.
    {layers}
    {training}
    quantile : float or array-like of float, default=0.5
        For ``"quantile"``: which one, or several in rising order, of which ``predict`` gives the
        one nearest to ½, and ``predict_quantiles`` all.
    huber_delta : float, default=1.0
        For ``"huber"``: errors up to it count squared, larger ones linearly.
    {normalization}
    {ours}

    Attributes
    ----------
    quantiles_ : array
        With ``loss="quantile"``, those that are predicted.
    {weights}
    {normalised}
    {attributes}

    Notes
    -----
    {differences}

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = cr.MLPRegressor(activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, X.ravel() ** 2).score(X, X.ravel() ** 2) > 0.95
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseMLP._parameter_constraints,
        **REGRESSION_CONSTRAINTS,
    }
    _learned = (*BaseMLP._learned, *RegressionTargets._learned_of_numbers)

    def __init__(
        self,
        loss: NumberLoss = "squared_error",
        hidden_layer_sizes: HiddenSizes = (100,),
        activation: ActivationName = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        quantile: float | ArrayLike = 0.5,
        huber_delta: float = 1.0,
        rho: float = 0.9,
        dropout: float = 0.0,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        normalization: Normalization = None,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())
