"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import scipy.special
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from chainrule.errors import FileError
from chainrule.estimators.base import is_stochastic
from chainrule.estimators.mlp_base import BaseMLP
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS, documented
from chainrule.networks.losses import classification_loss, regression_loss

__all__ = ["MLPClassifier", "MLPRegressor"]


def _has_probabilities(estimator: Any) -> bool:
    if estimator.loss == "hinge":
        raise AttributeError("The hinge loss gives no probabilities: use loss='log_loss'.")
    return True


@documented
class MLPClassifier(ClassifierMixin, BaseMLP):
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
    _learned = (*BaseMLP._learned, "classes_", "_label_kind")

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
        callbacks=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, validation_data=None):
        """Learn from labelled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A sparse matrix is made dense in memory.
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
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch on some more rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All labels there will ever be; needed in the first call.

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some: "
                "give the weights as a dict."
            )
        if _check_partial_fit_first_call(self, classes):
            labels = y if type_of_target(y).startswith("multilabel") else classes
            self._label_binarizer = LabelBinarizer().fit(labels)
        return self._fit(X, y, sample_weight, incremental=True)

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

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """The probability of each class; with several labels, of each label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        outputs = self._outputs(X)
        return np.hstack([1.0 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """The logarithm of the probabilities, also of those too small for ``predict_proba``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        raw = self._outputs(X, activated=False)
        if self.out_activation_ == "softmax":
            return scipy.special.log_softmax(raw, axis=1)
        if self.n_outputs_ == 1:
            raw = np.hstack([-raw, raw])
        return scipy.special.log_expit(raw)

    def _labels(self, outputs):
        # The hinge loss has its margin around 0, probabilities theirs around ½.
        threshold = 0.0 if self.out_activation_ == "identity" else 0.5
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        return self._label_binarizer.inverse_transform(outputs, threshold)

    def _score_outputs(self, y, outputs, weight):
        if self._label_binarizer.y_type_ == "multiclass":
            right = outputs.argmax(axis=1) == y.argmax(axis=1)
        else:
            threshold = 0.0 if self.out_activation_ == "identity" else 0.5
            right = ((outputs > threshold) == (y > 0.5)).all(axis=1)
        return float(np.average(right, weights=weight))

    def _strata(self, y):
        # scikit-learn keeps the shares of two classes, but not of more.
        return self._label_binarizer.inverse_transform(y.ravel()) if y.shape[1] == 1 else None

    def _row_loss(self):
        return classification_loss(self.loss, self._label_binarizer.y_type_ == "multiclass")

    def _row_weights(self, sample_weight, X, Y):
        weights = super()._row_weights(sample_weight, X, Y)
        if self.class_weight is None:
            return weights
        of_class = compute_sample_weight(
            self.class_weight, self._label_binarizer.inverse_transform(Y)
        ).astype(X.dtype)
        if not ((of_class >= 0) & np.isfinite(of_class)).all():
            raise ValueError(
                f"class_weight must give each class a finite factor of 0 or more, but got "
                f"{self.class_weight}."
            )
        weights = of_class if weights is None else of_class * weights
        if not weights.any():
            raise ValueError(
                f"class_weight={self.class_weight} leaves no row of a weight above 0: give at "
                f"least one class of y a factor above 0."
            )
        return weights

    def _validate_input(self, X, y, incremental, reset):
        X, y = self._validate_rows(X, y, (np.float64, np.float32), reset)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            binarizer = LabelBinarizer().fit(y)
            if len(binarizer.classes_) == 1:
                only = binarizer.classes_.tolist()[0]
                raise ValueError(
                    f"y holds one class only, {only!r}, and there is nothing to tell apart: give "
                    f"rows of at least two classes."
                )
            self._label_binarizer, self.classes_ = binarizer, binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        return X, self._columns(y, X.dtype)

    def _check_classes(self, classes):
        """Whether training may go on with these labels."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _one_target(self, y):
        targets = np.asarray(y)[np.newaxis]
        if self._label_kind == "multilabel-indicator":
            if targets.shape != (1, self.n_outputs_) or not np.isin(targets, (0, 1)).all():
                raise ValueError(f"y must hold {self.n_outputs_} labels, 0 or 1, but got {y!r}.")
        elif targets.ndim != 1 or targets[0] not in self.classes_:
            known = ", ".join(map(repr, self.classes_.tolist()[:20]))
            raise ValueError(f"y must be one of the classes {known}, but got {y!r}.")
        return targets

    def _columns(self, y, dtype):
        return self._label_binarizer.transform(y).astype(dtype)

    @property
    def _label_kind(self):
        """One of two classes, one of several, or several labels: scikit-learn's word for it."""
        return self._label_binarizer.y_type_

    @_label_kind.setter
    def _label_kind(self, kind):
        # A saved model has classes_ and this, from which the rest follows.
        self._label_binarizer = LabelBinarizer().fit(self.classes_)
        self._label_binarizer.y_type_ = kind

    def _restore(self):
        super()._restore()
        n_classes = len(self.classes_)
        outputs = {"binary": 1, "multiclass": n_classes, "multilabel-indicator": n_classes}
        if outputs.get(self._label_kind) != self.n_outputs_:
            raise FileError(f"{n_classes} classes do not fit {self.n_outputs_} outputs")

    def _check_held_out(self, y, name="The y of validation_data"):
        if self._label_kind == "multilabel-indicator":
            return
        known = self.classes_.tolist()
        # Not by sorting: a mix of text and numbers has no order.
        unknown = [each for each in dict.fromkeys(np.ravel(y).tolist()) if each not in known]
        if unknown:
            raise ValueError(
                f"{name} has {unknown}, which are not among the classes "
                f"{known} of the training data."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@documented
class MLPRegressor(RegressorMixin, BaseMLP):
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
    quantile : float, default=0.5
        For ``"quantile"``.
    huber_delta : float, default=1.0
        For ``"huber"``: errors up to it count squared, larger ones linearly.
    {ours}

    Attributes
    ----------
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
        "loss": [
            StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"}),
            callable,
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

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
        callbacks=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, validation_data=None):
        """Learn from rows with targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A sparse matrix is made dense in memory.
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
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on some more rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """The predicted targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X)
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def _score_outputs(self, y, outputs, weight):
        return float(r2_score(y, outputs, sample_weight=weight))

    def _strata(self, y):
        return None

    def _row_loss(self):
        return regression_loss(self.loss, self.quantile, self.huber_delta)

    def _validate_input(self, X, y, incremental, reset):
        X, y = self._validate_rows(X, y, (np.float64, np.float32), reset, y_numeric=True)
        return X, self._columns(y, X.dtype)

    def _one_target(self, y):
        try:
            targets = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"y must be a number, but got {y!r}.") from None
        return targets.reshape(1, -1)

    def _columns(self, y, dtype):
        columns = np.asarray(y, dtype=dtype, order="C")
        if self.loss == "poisson" and (columns < 0).any():
            raise ValueError(
                "loss='poisson' is for counts, but y has negative values: choose another loss."
            )
        return columns.reshape(len(columns), -1)
