"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

from typing import Any

from chainrule.estimators.feed_forward_tasks import FeedForwardClassifier, FeedForwardRegressor
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
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        loss="log_loss",
        class_weight=None,
        rho=0.9,
        dropout=0.0,
        clip_norm=None,
        accumulate_steps=1,
        l1_ratio=0.0,
        weight_decay=0.0,
        normalization=None,
        scoring=None,
        callbacks=None,
        checkpoint=None,
        engine="native",
        n_threads=None,
    ):
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
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        quantile=0.5,
        huber_delta=1.0,
        rho=0.9,
        dropout=0.0,
        clip_norm=None,
        accumulate_steps=1,
        l1_ratio=0.0,
        weight_decay=0.0,
        normalization=None,
        scoring=None,
        callbacks=None,
        checkpoint=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())
