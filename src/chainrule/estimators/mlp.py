"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import scipy.special
from scipy import sparse
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.engines.base import Array
from chainrule.estimators.base import NetworkEstimator, is_stochastic
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS, documented
from chainrule.networks.losses import Loss, classification_loss, regression_loss
from chainrule.networks.mlp import MLP
from chainrule.training.loop import Progress

__all__ = ["MLPClassifier", "MLPRegressor"]


class BaseMLP(NetworkEstimator):
    """What the classifier and the regressor share."""

    _parameter_constraints: dict[str, list[Any]] = TRAINING_CONSTRAINTS

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset):
        """X, and y as columns of numbers, one for each output."""

    @abstractmethod
    def _columns(self, y, dtype):
        """Targets as columns of numbers, one for each output."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    def _store(self, parameters: Mapping[str, Any]) -> None:
        """Keep what ``__init__`` was called with, and nothing more."""
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    @property
    def _parameters(self) -> list[Array]:
        return [*self.coefs_, *self.intercepts_]

    def _fit(self, X, y, sample_weight=None, validation_data=None, incremental=False):
        sizes = self.hidden_layer_sizes
        hidden = [int(size) for size in (sizes if hasattr(sizes, "__iter__") else [sizes])]
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, Y = self._validate_input(X, y, incremental, reset=fresh)
        data = [X, Y]
        weights = self._row_weights(sample_weight, X, Y)
        if weights is not None:
            data.append(weights)
        held_out = None if validation_data is None else self._held_out(validation_data, X.dtype)
        loss = self._row_loss()
        network = MLP(
            (X.shape[1], *hidden, Y.shape[1]),
            self.activation,
            loss.output_activation,
            float(self.dropout),
        )
        self._random_state = check_random_state(self.random_state)
        self._start(network, X.dtype, fresh)
        parameters = [np.ascontiguousarray(each, X.dtype) for each in self._parameters]
        if self.solver == "lbfgs":
            learned = self._fit_lbfgs(loss, data, parameters, held_out)
        else:
            learned = self._fit_epochs(loss, data, parameters, held_out, incremental)
        half = len(learned) // 2
        self.coefs_, self.intercepts_ = learned[:half], learned[half:]
        if not all(np.isfinite(each).all() for each in learned):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _validate_rows(self, X, y, dtype, reset, **options) -> tuple[Array, Array]:
        """Checked rows, dense, in the order of C: nothing is copied if they are so already."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=dtype,
            order="C",
            reset=reset,
            **options,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X.toarray(order="C") if sparse.issparse(X) else X, y

    def _row_weights(self, sample_weight, X, Y) -> Array | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=X.dtype)

    def _start(self, network: MLP, dtype: Any, fresh: bool) -> None:
        """First weights, or a check that the network is still that of the fit before."""
        if not fresh and network.layer_sizes != self._network.layer_sizes:
            raise ValueError(
                f"Training goes on from layers of sizes {self._network.layer_sizes}, but now "
                f"{network.layer_sizes} are asked for: fit with warm_start=False first."
            )
        if network != getattr(self, "_network", network):
            self._built = {}  # programs of another network would only fill memory
        self._network = network
        self.n_outputs_ = network.layer_sizes[-1]
        self.out_activation_ = network.output_activation
        if fresh:
            self.n_layers_ = len(network.layer_sizes)
            self.coefs_, self.intercepts_ = network.initial_parameters(self._random_state, dtype)
            self.n_iter_ = self.t_ = 0
            self._memory = None
            self._progress = Progress(float(self.learning_rate_init))

    def _held_out(self, validation_data, dtype) -> Sequence[Array]:
        """The rows of ``validation_data`` in the form of the training data."""
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be (X, y) or (X, y, sample_weight), but got "
                f"{type(validation_data).__name__}."
            )
        X, y, *weight = validation_data
        X, y = self._validate_rows(X, y, dtype, reset=False)
        held_out = [X, self._columns(y, dtype)]
        if weight and weight[0] is not None:
            held_out.append(_check_sample_weight(weight[0], X, dtype=dtype))
        return held_out

    def _outputs(self, X, activated=True) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._evaluate(X, activated)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


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

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = cr.MLPClassifier((10,), solver="lbfgs", random_state=0, engine="reference")
    >>> model.fit(X, y).score(X, y)
    0.98
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **TRAINING_CONSTRAINTS,
        "loss": [StrOptions({"log_loss", "hinge"}), callable],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

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
        return of_class if weights is None else of_class * weights

    def _validate_input(self, X, y, incremental, reset):
        X, y = self._validate_rows(X, y, (np.float64, np.float32), reset)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            if len(self.classes_) == 1:
                warnings.warn(
                    f"y holds one class only, {self.classes_[0]!r}: every row will be predicted "
                    f"to be of it. Give rows of at least two classes.",
                    stacklevel=2,
                )
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

    def _columns(self, y, dtype):
        return self._label_binarizer.transform(y).astype(dtype)

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

    References
    ----------
    Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = cr.MLPRegressor(activation="tanh", solver="lbfgs", random_state=0)
    >>> model.set_params(engine="reference").fit(X, X.ravel() ** 2).score(X, X.ravel() ** 2)
    0.99
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

    def _columns(self, y, dtype):
        columns = np.asarray(y, dtype=dtype, order="C")
        if self.loss == "poisson" and (columns < 0).any():
            raise ValueError(
                "loss='poisson' is for counts, but y has negative values: choose another loss."
            )
        return columns.reshape(len(columns), -1)
