"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from chainrule.estimators.base import is_stochastic
from chainrule.estimators.fit_stream import StreamedClasses, StreamedNumbers
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.mlp_base import BaseMLP
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS, documented
from chainrule.estimators.quantiles import REGRESSION_CONSTRAINTS, RegressionTargets
from chainrule.estimators.targets import ClassTargets, has_probabilities
from chainrule.networks.losses import classification_loss

__all__ = ["MLPClassifier", "MLPRegressor"]


@documented
class MLPClassifier(StreamedClasses, ClassTargets, BaseMLP):
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
    {ours}

    Attributes
    ----------
    classes_ : array
        The labels.
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
        **TRAINING_CONSTRAINTS,
        "loss": [StrOptions({"log_loss", "hinge"}), callable],
        "class_weight": [dict, StrOptions({"balanced"}), None],
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
        scoring=None,
        callbacks=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @fit_method
    def fit(self, X, y, sample_weight=None, validation_data=None):
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
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None, validation_data=None):
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

    def predict(self, X):
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
    def predict_proba(self, X):
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
    def predict_log_proba(self, X):
        """The logarithm of the probabilities, also of those too small for ``predict_proba``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return self._log_probabilities(self._outputs(X, activated=False))

    def _row_loss(self):
        return classification_loss(self.loss, self._label_binarizer.y_type_ == "multiclass")

    def _validate_input(self, X, y, incremental, reset):
        X, y = self._validate_rows(X, y, (np.float64, np.float32), reset)
        self._learn_classes(y, incremental)
        return X, y


@documented
class MLPRegressor(StreamedNumbers, RegressionTargets, BaseMLP):
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
    {ours}

    Attributes
    ----------
    quantiles_ : array
        With ``loss="quantile"``, those that are predicted.
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
        **TRAINING_CONSTRAINTS,
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
        scoring=None,
        callbacks=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @fit_method
    def fit(self, X, y, sample_weight=None, validation_data=None):
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
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, validation_data=None):
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

    def predict(self, X):
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

    def _validate_input(self, X, y, incremental, reset):
        self._learn_quantiles()
        return self._validate_rows(X, y, (np.float64, np.float32), reset, y_numeric=True)
