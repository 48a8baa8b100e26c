"""Linear regression, solved in the three ways of the lecture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.linalg import LinAlgWarning
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.engines.registry import ENGINES, get_engine
from chainrule.engines.threads import available_threads, one_blas_thread
from chainrule.errors import DataError
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.exporting import LinearExport
from chainrule.estimators.fit_task import TakesCallbacks, fit_method
from chainrule.estimators.hints import ArrayLike, Callbacks, EngineName, RandomState
from chainrule.estimators.inputs import validated
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.linear_faults import many_solutions, where_not_finite
from chainrule.estimators.matrices import LinearMatrices
from chainrule.estimators.saving import Savable
from chainrule.graph.node import variable
from chainrule.networks.linear import LinearModel
from chainrule.training.callbacks import Moment
from chainrule.training.descent import descend
from chainrule.training.history import History
from chainrule.training.normal_equation import least_squares
from chainrule.training.random_search import draw_guesses, guess_losses
from chainrule.training.step import Objective

if TYPE_CHECKING:
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["LinearRegression"]


class LinearRegression(
    LinearMatrices,
    Explainable,
    Savable,
    LinearExport,
    MultiOutputMixin,
    RegressorMixin,
    TakesCallbacks,
):
    """Linear regression: the w and b for which X·w + b is nearest to y.

    Nearest means the least mean squared error, (1/n)·Σ (x·w + b - y)² over the n rows.

    Parameters
    ----------
    solver : {"normal_equation", "gradient_descent", "random_search"}, default="normal_equation"
        - ``"normal_equation"`` solves XᵀX·w = Xᵀy, where the gradient is zero. The cost grows
          with the rows, and with the square of the columns to form XᵀX and their cube to solve.
          Where columns depend on each other it warns, and takes the smallest w of all that fit
          equally well, as scikit-learn does.
        - ``"gradient_descent"`` starts at zero and repeats
          w ← w - learning_rate·gradient, the gradient derived by the chain rule.
        - ``"random_search"`` tries random w and b and keeps the best: what the others are
          better than. Coefficients are drawn as
          w_j = z·s(y)/(s(x_j)·√n_features) and b = mean(y) + z·s(y) - mean(x)·w, with z standard
          normal and s the standard deviation of a column.
    fit_intercept : bool, default=True
        Whether there is a b; otherwise it is 0.
    learning_rate_init : "auto" or float, default="auto"
        For gradient descent. ``"auto"`` is 1/λmax, λmax being the largest eigenvalue of the
        loss's Hessian: half of the rate from which on descent leaves the minimum instead.
    max_iter : int, default=10000
        The most epochs of gradient descent.
    tol : float, default=1e-9
        Gradient descent ends when a step changes no coefficient by more than ``tol`` times the
        largest.
    batch_size : int or None, default=None
        The rows of a minibatch of gradient descent; None for all rows. With minibatches, descent
        ends when 10 epochs in a row brought no lower loss.
    n_trials : int, default=1000
        The guesses of random search.
    record_path : bool, default=False
        Whether to keep the coefficients of every step or guess in ``path_``.
    random_state : int, RandomState or None, default=None
        Draws guesses, and the order of rows where there are minibatches.
    engine : {"native", "reference"}, default="native"
        What runs the graphs of gradient descent and random search.
    n_threads : int or None, default=None
        None for one for each processor.
    verbose : bool or int, default=False
        Whether to print the loss of each epoch of gradient descent.
    callbacks : list of callable, default=None
        Called by gradient descent with a :class:`~chainrule.callbacks.Moment` about every 0.1 s
        and after each epoch; one that returns True ends training. The other solvers have no
        epochs: an equation is solved at once, and all guesses are judged in one pass over the rows.

    Attributes
    ----------
    coef_ : array of shape (n_features,) or (n_targets, n_features)
        w; the second shape where y has two axes.
    intercept_ : float or array of shape (n_targets,)
        b.
    loss_ : float
        The mean over the rows of the squared distance between prediction and target.
    n_iter_ : int
        Epochs of gradient descent, guesses of random search, or 1.
    history_ : dict of list
        Columns of equal length: ``loss`` against ``epoch``, or the best loss against ``trial``.
    path_ : array of shape (n_points, n_features + 1) or (n_points, n_targets, n_features + 1)
        w and b at the start and after each epoch, or of each guess; with ``record_path``.
    learning_rate_ : float
        The learning rate used; with gradient descent.
    rank_ : int
        How many columns are independent, after centring; with the normal equation.
    singular_ : array of shape (min(n_samples, n_features),)
        The singular values of X after centring, largest first; with the normal equation.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features_in_,)
        Where X came with column names.

    Notes
    -----
    X in single or double precision is used as it is, in either order of memory, and the normal
    equation never copies it as a whole unless it has more columns than rows. Sparse X is
    refused: use ``sklearn.linear_model.LinearRegression`` for it.

    References
    ----------
    Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805, for
    least squares and the normal equation; Cauchy 1847 for gradient descent.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> y = 0.5 * x[:, 0] + 4
    >>> model = cr.LinearRegression().fit(x, y)
    >>> model.coef_, model.intercept_
    (array([0.5]), np.float64(4.0))
    >>> model.predict([[10.0]])
    array([9.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "solver": [StrOptions({"normal_equation", "gradient_descent", "random_search"})],
        "fit_intercept": ["boolean"],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "record_path": ["boolean"],
        "random_state": ["random_state"],
        "engine": [StrOptions(set(ENGINES))],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
    }
    _learned = (
        "coef_",
        "feature_names_in_",
        "history_",
        "intercept_",
        "learning_rate_",
        "loss_",
        "n_features_in_",
        "n_iter_",
        "path_",
        "rank_",
        "singular_",
    )

    def __init__(
        self,
        solver: Literal["normal_equation", "gradient_descent", "random_search"] = "normal_equation",
        *,
        fit_intercept: bool = True,
        learning_rate_init: float | Literal["auto"] = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-9,
        batch_size: int | None = None,
        n_trials: int = 1000,
        record_path: bool = False,
        random_state: RandomState = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
        verbose: bool | int = False,
        callbacks: Callbacks = None,
    ) -> None:
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.n_trials = n_trials
        self.record_path = record_path
        self.random_state = random_state
        self.engine = engine
        self.n_threads = n_threads
        self.verbose = verbose
        self.callbacks = callbacks

    @fit_method
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts; not negative.

        Returns
        -------
        self : LinearRegression

        Raises
        ------
        ValueError
            If X or y holds NaN or infinity; the message names the first such place of X.
        NonFiniteLossError
            If gradient descent diverges; the message names a learning rate that does not.
        """
        # The sums of the normal equation show NaN and infinity without a pass of their own.
        unchecked = self.solver == "normal_equation"
        X, y = validated(
            self,
            X,
            y,
            dtype=(np.float64, np.float32),
            y_numeric=True,
            multi_output=True,
            ensure_all_finite=not unchecked,
        )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(
                as_given(sample_weight, "sample_weight"),
                X,
                dtype=np.float64,
                ensure_non_negative=True,
            )
        targets = y.reshape(len(y), -1)
        match self.solver:
            case "normal_equation":
                w, b, path = self._solve(X, targets.astype(np.float64, copy=False), weights)
            case "gradient_descent":
                w, b, path = self._descend(*_one_dtype(X, targets, weights), y.ndim)
            case _:
                w, b, path = self._search(*_one_dtype(X, targets, weights))
        self._publish(w, b, X.dtype, y.ndim)
        if self.record_path:
            self.path_ = path if y.ndim == 2 else path[:, 0]
        return self

    def _publish(self, w: Array, b: Array, dtype: Any, y_axes: int) -> None:
        """The coefficients in the shape of the targets, of so many axes, that were given."""
        targets_given = slice(None) if y_axes == 2 else 0
        self.coef_ = np.ascontiguousarray(w.T, dtype=dtype)[targets_given]
        self.intercept_ = b.astype(dtype)[targets_given] if self.fit_intercept else 0.0

    def predict(self, X: ArrayLike) -> Array:
        """The predictions X·w + b.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = validated(self, X, dtype=(np.float64, np.float32), reset=False)
        return X @ self.coef_.T + self.intercept_

    def _target_row(self, y: Any) -> Array:
        targets = np.asarray(y, dtype=np.float64).reshape(1, -1)
        if targets.shape[1] != np.atleast_2d(self.coef_).shape[0] or not np.isfinite(targets).all():
            raise ValueError(f"y must be the target of one row, but got {y!r}.")
        return targets

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_linear

        return trained_linear(self, x, y)

    def _restore(self) -> None:
        targets = self.coef_.shape[:-1][:1]
        require_numbers(self.coef_, (*targets, self.n_features_in_), "coef_")
        # Without an intercept it is 0 for all targets.
        intercept = np.full(targets, self.intercept_, self.coef_.dtype if targets else np.float64)
        require_numbers(intercept, targets, "intercept_")
        self.intercept_ = intercept if targets else float(intercept)
        self.history_: History = History(self.history_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = self.solver == "random_search"
        return tags

    # --- the three solvers: each returns w, b and the path ---------------------------------

    def _solve(self, X: Array, Y: Array, weights: Array | None) -> tuple[Array, Array, Array]:
        threads = available_threads(self.n_threads)
        names = getattr(self, "feature_names_in_", None)
        with one_blas_thread() if threads == 1 else nullcontext():
            found = least_squares(
                X, Y, weights, fit_intercept=self.fit_intercept, n_threads=threads
            )
        if found is None:
            raise DataError(where_not_finite(X, names))
        if found.rank < X.shape[1]:
            warnings.warn(many_solutions(X, found, names), LinAlgWarning, stacklevel=5)
        self.rank_, self.singular_ = found.rank, found.singular.astype(X.dtype, copy=False)
        self.loss_ = max(found.residual, 0.0) / found.weight
        self.history_, self.n_iter_ = History(epoch=[1], loss=[self.loss_]), 1
        w, b = found.coefficients, found.intercept
        return w, b, _points(w[np.newaxis], b[np.newaxis])

    def _descend(
        self, X: Array, Y: Array, weights: Array | None, y_axes: int
    ) -> tuple[Array, Array, Array]:
        n_features, n_targets = X.shape[1], Y.shape[1]
        model = LinearModel(n_features, n_targets, self.fit_intercept)
        start = [np.zeros((n_features, n_targets), X.dtype), np.zeros(n_targets, X.dtype)]
        weight = None if weights is None else variable("sample_weight", ("rows",))
        objective = Objective(
            model.row_losses,
            (model.X, model.y) if weight is None else (model.X, model.y, weight),
            model.parameters,
            weight,
        )

        def publish(moment: Moment, parameters: Sequence[Array]) -> None:
            b = parameters[1] if self.fit_intercept else start[1]
            self._publish(parameters[0], b, X.dtype, y_axes)
            self.history_, self.learning_rate_ = moment.history, moment.learning_rate
            self.loss_, self.n_iter_ = moment.loss, moment.epoch - (not moment.epoch_ended)

        result = descend(
            objective,
            [X, Y] if weights is None else [X, Y, weights],
            start if self.fit_intercept else start[:1],
            get_engine(self.engine),
            learning_rate=None if self.learning_rate_init == "auto" else self.learning_rate_init,
            batch_size=min(self.batch_size or len(X), len(X)),
            max_epochs=self.max_iter,
            tol=self.tol,
            random_state=check_random_state(self.random_state),
            n_threads=available_threads(self.n_threads),
            keep_path=self.record_path,
            verbose=bool(self.verbose),
            callbacks=self._told_of_training(),
            publish=publish,
            estimator=self,
        )
        self.history_, self.n_iter_ = result.history, result.epochs
        self.learning_rate_ = result.learning_rate
        points = result.path or [result.parameters]
        w = np.stack([each[0] for each in points])
        b = np.stack([each[1] if self.fit_intercept else start[1] for each in points])
        self.loss_ = _mean_squared_error(X, Y, weights, w[-1], b[-1])
        return w[-1], b[-1], _points(w, b)

    def _search(self, X: Array, Y: Array, weights: Array | None) -> tuple[Array, Array, Array]:
        random_state = check_random_state(self.random_state)
        w, b = draw_guesses(X, Y, weights, self.n_trials, self.fit_intercept, random_state)
        engine, threads = get_engine(self.engine), available_threads(self.n_threads)
        losses = guess_losses(X, Y, weights, w, b, engine, threads)
        best, self.n_iter_ = int(np.argmin(losses)), self.n_trials
        self.history_ = History(
            trial=list(range(1, self.n_trials + 1)), loss=np.minimum.accumulate(losses).tolist()
        )
        self.loss_ = _mean_squared_error(X, Y, weights, w[best], b[best])
        return w[best], b[best], _points(w, b)


def _one_dtype(X: Array, Y: Array, weights: Array | None) -> tuple[Array, Array, Array | None]:
    """All in the precision of X and in C order, as engines read them."""
    return (
        np.ascontiguousarray(X),
        np.ascontiguousarray(Y, X.dtype),
        None if weights is None else weights.astype(X.dtype),
    )


def _mean_squared_error(X: Array, Y: Array, weights: Array | None, w: Array, b: Array) -> float:
    distances = np.sum((X @ w + b - Y) ** 2, axis=1)
    return float(np.average(distances, weights=weights))


def _points(w: Array, b: Array) -> Array:
    """Coefficients (points, features, targets) and (points, targets), joined for ``path_``."""
    return np.concatenate([w.transpose(0, 2, 1), b[:, :, np.newaxis]], axis=2)
