"""Logistic regression: one layer, and the log loss."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.base import is_stochastic
from chainrule.estimators.decorators import available_if, parameters_checked
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.fit_stream import StreamedClasses
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.hints import (
    ArrayLike,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    ClassWeight,
    EngineName,
    LearningRate,
    MatrixLike,
    OneLayerSolver,
    RandomState,
    Scoring,
    ValidationRows,
)
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.one_label import OneLabelTargets
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS, documented
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import TrainingSavable
from chainrule.estimators.supervised import SupervisedEstimator
from chainrule.networks.losses import classification_loss
from chainrule.networks.single_layer import SingleLayer

if TYPE_CHECKING:
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["LogisticRegression"]

_NOT_SHARED = ("activation", "alpha", "dropout", "hidden_layer_sizes", "solver")


@documented
class LogisticRegression(
    StreamedClasses, OneLabelTargets, Explainable, TrainingSavable, SupervisedEstimator
):
    """Logistic regression: the probability of a class as the logistic function of x·w + b.

    Two classes have one output, P(classes_[1]) = 1/(1 + exp(-(x·w + b))); several have one each,
    and P = softmax(x·w + b). Training makes C·Σ loss + ½·Σ w² small, the loss of a row being -log
    of the probability that is given to its class; b has no penalty.

    Parameters
    ----------
    C : float, default=1.0
        The larger, the weaker the penalty; ``numpy.inf`` for none.
    fit_intercept : bool, default=True
        Whether there is a b; otherwise it is 0.
    solver : {"lbfgs", "sgd", "adam", "adagrad", "rmsprop"}, default="lbfgs"
        ``"lbfgs"`` looks at all rows at every step, and finds the minimum; the others go through
        minibatches, and end near it.
    tol : float, default=0.0001
        For ``"lbfgs"``, the largest element of the gradient of the mean loss at which it has
        converged. For the others, the least by which the loss (with ``early_stopping`` the
        validation score) has to improve within ``n_iter_no_change`` epochs.
    max_iter : int, default=100
        The most iterations, or epochs.
    class_weight : dict, "balanced" or None, default=None
        A factor for the sample weights of each class.
    random_state : int, RandomState or None, default=None
        Draws the order of rows and the held-out ones; ``"lbfgs"`` draws nothing.
    warm_start : bool, default=False
        Start ``fit`` from the coefficients of the fit before, not from zero.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; ``"auto"`` is 200, or all rows if there are fewer.
    {schedule}
    learning_rate_init : float, default=0.01
        The first learning rate.
    power_t : float, default=0.5
        The exponent of ``"invscaling"``.
    momentum : float, default=0.9
        For ``"sgd"``: the share of the last step that is taken again.
    nesterovs_momentum : bool, default=True
        For ``"sgd"``: look ahead along the momentum.
    beta_1, beta_2, epsilon, rho : float, default=0.9, 0.999, 1e-8, 0.9
        As of :class:`~chainrule.MLPClassifier`.
    max_fun : int, default=15000
        The most evaluations of the loss by L-BFGS.
    {clipping}
    {features}
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    early_stopping : bool, default=False
        For minibatches: hold out ``validation_fraction`` of the rows, stop when their score no
        longer improves, and return to the coefficients that had the best.
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=10
    verbose : bool or int, default=False
        Whether to print the loss of each epoch.
    callbacks : list of callable, default=None
        Called with a :class:`~chainrule.callbacks.Moment` about every 0.1 s and after
        each epoch; one that returns True after an epoch ends training.
    engine : {"native", "reference"}, default="native"
        Machine code, or the NumPy interpreter that defines what it must compute.
    n_threads : int, default=None
        The most threads to use; by default one for each processor.

    Attributes
    ----------
    coef_ : array of shape (1, n_features) or (n_classes, n_features)
        w; one row for each class where there are more than two. In derivations ``w[3, 0]`` is
        ``coef_[0, 3]``.
    intercept_ : array of shape (1,) or (n_classes,)
        b.
    classes_ : array of shape (n_classes,)
        The labels.
    loss_ : float
        The mean loss of the rows, and the penalty divided by C and their number.
    history_ : dict of list
        A row for each iteration or epoch.
    n_iter_ : int
        Iterations or epochs of the latest fit.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features_in_,)
        Where X came with column names.

    Notes
    -----
    With ``"lbfgs"`` the coefficients are those of :class:`sklearn.linear_model.LogisticRegression`
    with the same ``C``, weights and stopping rules. Standardised features are learned in fewer
    iterations, and the penalty then treats all alike.

    References
    ----------
    Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical Society B
    20, 1958.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = cr.LogisticRegression(max_iter=1000).fit(X, y)
    >>> model.score(X, y) > 0.95, model.coef_.shape
    (True, (3, 4))
    """

    _sparse_rows = "csr"
    _balanced_by_weight = True
    _lbfgs_options: ClassVar = {"ftol": 64 * np.finfo(float).eps, "maxls": 50}
    _parameter_constraints: dict[str, list[Any]] = {
        **{name: each for name, each in TRAINING_CONSTRAINTS.items() if name not in _NOT_SHARED},
        "C": [Interval(Real, 0, None, closed="neither"), Options(Real, {np.inf})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "adagrad", "rmsprop"})],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _learned = (
        "coef_",
        "feature_names_in_",
        "history_",
        "intercept_",
        "loss_",
        "n_features_in_",
        "n_iter_",
        "t_",
        *OneLabelTargets._learned_of_classes,
    )
    dropout = 0.0  # there is no hidden layer

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        solver: OneLayerSolver = "lbfgs",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: ClassWeight = None,
        random_state: RandomState = None,
        warm_start: bool = False,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.01,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | float = 10,
        verbose: bool | int = False,
        power_t: float = 0.5,
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
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @fit_method
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Find the coefficients.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The class of each row.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts; not negative.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y holds one class only, or X NaN or infinity.
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
            As for :meth:`fit`. The penalty counts beside as many rows as are given here.
        classes : array-like of shape (n_classes,), optional
            All classes there will ever be; needed in the first call.

        Returns
        -------
        self
        """
        self._learn_all_classes(y, classes)
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def predict_proba(self, X: MatrixLike) -> Array:
        """The probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return self._probabilities(self._outputs(X))

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

    @property
    def alpha(self) -> float:
        """The strength of the penalty ½·alpha·Σ w² beside the sum of the losses: 1/C."""
        return 1.0 / self.C

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        fresh = not hasattr(self, "coef_") or (not self.warm_start and not incremental)
        X, y = self._labelled_rows(X, y, reset=fresh)
        self._learn_classes(y, incremental)
        Y = self._columns(y, X.dtype)
        weight = self._row_weights(sample_weight, X, Y)
        rows = Rows((X,), (Y,), weight, self._scored(X, y))
        held_out = self._held_out(validation_data, X.dtype, Y.shape[1])
        self._take_up(rows, fresh)
        self._train(rows, held_out, incremental)
        return self

    @property
    def _shares_penalty(self) -> bool:
        return bool(self.alpha)

    def _take_up(self, rows: Rows, fresh: bool) -> None:
        (X,), (Y,) = rows.inputs, rows.targets
        self._begin(self._layer(X.shape[1], Y.shape[1]), rows.dtype, fresh)

    def _layer(self, n_features: int, n_outputs: int) -> SingleLayer:
        loss = classification_loss("log_loss", exclusive=n_outputs > 1)
        self.n_outputs_, self.out_activation_ = n_outputs, loss.output_activation
        return SingleLayer(n_features, n_outputs, loss, bool(self.fit_intercept))

    # --- the network --------------------------------------------------------------------

    @property
    def _parameters(self) -> list[Array]:
        return [self.coef_.T, self.intercept_] if self._network.intercept else [self.coef_.T]

    def _set_parameters(self, parameters: list[Array]) -> None:
        self.coef_ = parameters[0].T
        if self._network.intercept:
            self.intercept_ = parameters[1]
        else:
            self.intercept_ = np.zeros(len(self.coef_), self.coef_.dtype)

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        return [np.zeros(node.shape, dtype) for node in self._network.parameters]

    @property
    def _numbers_per_row(self) -> int:
        return self._network.n_features + self._network.n_outputs

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_logistic

        return trained_logistic(self, x, y)

    def _restore(self) -> None:
        self._network = self._layer(self.n_features_in_, len(self.intercept_))
        super()._restore()
        require_numbers(self.coef_, (self.n_outputs_, self.n_features_in_), "coef_")
        require_numbers(self.intercept_, (self.n_outputs_,), "intercept_", self.coef_.dtype)
        if not self.fit_intercept and self.intercept_.any():
            raise FileError("there is an intercept, which fit_intercept=False excludes")
        self._restore_progress()
