"""What the radial basis network's classifier and regressor share."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array

from chainrule.engines.base import Array
from chainrule.engines.threads import available_threads, one_blas_thread
from chainrule.errors import FileError
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.hidden import HiddenLayers
from chainrule.estimators.hints import ArrayLike
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import TrainingSavable
from chainrule.estimators.supervised import SupervisedEstimator
from chainrule.graph.node import Node
from chainrule.networks.losses import Loss
from chainrule.networks.radial import RadialNetwork
from chainrule.training.centres import (
    draw_centres,
    gamma_of_centres,
    gamma_of_scale,
    usual_number,
)
from chainrule.training.history import History
from chainrule.training.ridge import ridge

if TYPE_CHECKING:
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["RADIAL_DOCUMENTATION", "BaseRadial", "Centres", "Widths"]

Centres: TypeAlias = Literal["kmeans", "random", "data"] | ArrayLike
Widths: TypeAlias = Literal["auto", "scale"] | float | ArrayLike

_NOT_SHARED = (
    "activation",
    "dropout",
    "hidden_layer_sizes",
    "solver",
    "warm_start",
)

RADIAL_DOCUMENTATION = {
    "parameters": """n_centres : int or "auto", default="auto"
        How many centres are drawn; ``"auto"`` is a tenth of the rows, at least 10 and at most
        300, and never more than there are different rows.
    centres : {"kmeans", "random", "data"} or array of shape (n_centres, n_features), \
default="kmeans"
        ``"kmeans"`` takes the means of clusters, ``"random"`` some of the rows and ``"data"`` all
        of them; an array gives the centres themselves. ``n_centres`` is for the first two.
    gamma : "auto", "scale", float or array of shape (n_centres,), default="auto"
        γ, in 1 over squared units of X: a bump falls to a half at a distance of √(log 2/γ).
        ``"auto"`` is 1/(2σ²) with σ the mean distance from a centre to the one next to it;
        ``"scale"`` is 1/(n_features·X.var()). Both follow the scale of X as a whole; features of
        different scales should be standardised first. An array gives each centre its own.
    alpha : float, default=0.01
        Strength of the penalty ½·alpha·Σ w². Without one, bumps that overlap get large weights
        of opposite signs.
    fit_intercept : bool, default=True
        Whether there is a b, which has no penalty; otherwise it is 0.
    fine_tune : bool, default=False
        Whether gradient descent then changes centres, widths and weights together. The widths
        stay positive: what is descended is log γ, one for each centre.
    solver : {"lbfgs", "sgd", "adam", "adagrad", "rmsprop"}, default="lbfgs"
        Of fine-tuning, like all parameters that follow but the last four.
    max_iter : int, default=1000
        The most iterations of L-BFGS, or epochs.
    tol : float, default=0.0001
        For ``"lbfgs"``, the largest element of the gradient at which it has converged. For the
        others, the least by which the loss (with ``early_stopping`` the validation score) has to
        improve within ``n_iter_no_change`` epochs.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; ``"auto"`` is 200, or all rows if there are fewer.
    {schedule}
    learning_rate_init : float, default=0.01
    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, rho, max_fun
        As of :class:`~chainrule.MLPClassifier`.
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    early_stopping : bool, default=False
        For minibatches: hold out ``validation_fraction`` of the rows, stop when their score no
        longer improves, and return to the parameters that had the best.
    validation_fraction : float, default=0.1
    n_iter_no_change : int, default=10
    {clipping}
    {features}
    callbacks : list of callable, default=None
        Called with a :class:`~chainrule.callbacks.Moment` about every 0.1 s and after
        each epoch; one that returns True after an epoch ends training.
    verbose : bool or int, default=False
        Whether to print the loss of each epoch.
    random_state : int, RandomState or None, default=None
        Draws the centres, and the order of rows.
    engine : {"native", "reference"}, default="native"
        Machine code, or the NumPy interpreter that defines what it must compute.
    n_threads : int, default=None
        The most threads to use; by default one for each processor.""",
    "attributes": """centres_ : array of shape (n_centres, n_features)
        ``C`` in derivations.
    gamma_ : array of shape (n_centres,)
        ``gamma`` in derivations.
    coef_ : array of shape (n_outputs, n_centres)
        ``w[4, 0]`` in derivations is ``coef_[0, 4]``.
    intercept_ : array of shape (n_outputs,)
        ``b`` in derivations.
    loss_ : float
        The mean loss of the rows, and the penalty divided by their number. The loss of a row is
        half of its squared errors; of classes, after fine-tuning, the log loss.
    history_ : dict of list
        A row for each iteration or epoch of fine-tuning; without it, one row.
    n_iter_ : int
        Iterations or epochs of fine-tuning; without it, 1.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features_in_,)
        Where X came with column names.""",
}


class BaseRadial(Explainable, HiddenLayers, TrainingSavable, SupervisedEstimator):
    """What the classifier and the regressor share."""

    _lbfgs_options: ClassVar = {"ftol": 64 * np.finfo(float).eps}
    _parameter_constraints: dict[str, list[Any]] = {
        **{name: each for name, each in TRAINING_CONSTRAINTS.items() if name not in _NOT_SHARED},
        "n_centres": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "centres": [StrOptions({"kmeans", "random", "data"}), "array-like"],
        "gamma": [
            StrOptions({"auto", "scale"}),
            Interval(Real, 0, None, closed="neither"),
            "array-like",
        ],
        "fit_intercept": ["boolean"],
        "fine_tune": ["boolean"],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "adagrad", "rmsprop"})],
    }
    _learned: ClassVar[tuple[str, ...]] = (
        "centres_",
        "coef_",
        "feature_names_in_",
        "history_",
        "intercept_",
        "loss_",
        "n_features_in_",
        "n_iter_",
        "out_activation_",
        "t_",
        "_log_gamma",
    )
    # Bumps are not dropped, and a fit draws its centres anew.
    dropout, warm_start = 0.0, False
    _network: RadialNetwork
    _log_gamma: Array

    @abstractmethod
    def _row_loss(self, tuned: bool) -> Loss:
        """The loss that is solved for, or that fine-tuning descends."""

    @abstractmethod
    def _solved_columns(self, Y: Array) -> Array:
        """What the outputs should be where they are solved for."""

    def _fit_rows(self, rows: Rows, validation_data: Any) -> Self:
        """Draw centres, solve for the weights, and fine-tune all where that is asked for."""
        (X,) = rows.inputs
        _check_distances(X)
        with one_blas_thread() if available_threads(self.n_threads) == 1 else nullcontext():
            # A copy: fine-tuning must not move the rows themselves, nor the user's centres.
            self.centres_ = np.array(self._first_centres(X, rows.weight), order="C")
            self._log_gamma = np.log(self._first_gamma(X)).astype(X.dtype)
            self._begin(self._described(rows, tuned=False), X.dtype, fresh=True)
            self._solve(rows)
        n_outputs = rows.targets[0].shape[1]
        held_out = self._held_out(validation_data, X.dtype, n_outputs)
        if self.fine_tune:
            self._begin(self._described(rows, tuned=True), X.dtype, fresh=False)
            self._train(rows, held_out)
        elif (measure := self._measure(rows, held_out)) is not None:
            self.history_ = History()
            self.history_.record(epoch=1, loss=self.loss_, **measure(self._parameters))
        return self

    def _described(self, rows: Rows, tuned: bool) -> RadialNetwork:
        loss = self._row_loss(tuned)
        n_outputs = rows.targets[0].shape[1]
        self.n_outputs_, self.out_activation_ = n_outputs, loss.output_activation
        n_centres, n_features = self.centres_.shape
        return RadialNetwork(n_features, n_centres, n_outputs, loss, bool(self.fit_intercept))

    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        return (self._network.X,), (self._network.bumps(self._network.X),)

    def _solve(self, rows: Rows) -> None:
        """The weights of the bumps, by ridge regression."""
        network = self._network
        bumps = self._hidden_values(rows.inputs, 0)
        solution = ridge(
            bumps,
            self._solved_columns(*rows.targets),
            rows.weight,
            float(self.alpha),
            network.intercept,
        )
        self.coef_ = solution.coefficients.astype(rows.dtype).T
        self.intercept_ = solution.intercept.astype(rows.dtype)
        self.loss_ = solution.minimum / rows.total_weight
        self.history_, self.n_iter_ = History(epoch=[1], loss=[self.loss_]), 1

    def _first_centres(self, X: Array, weights: Array | None) -> Array:
        n_rows, n_features = X.shape
        if not isinstance(self.centres, str):
            centres = check_array(self.centres, dtype=X.dtype, input_name="centres")
            if centres.shape[1] != n_features:
                raise ValueError(
                    f"centres has {centres.shape[1]} columns, but X has {n_features}: a centre is "
                    f"a point among the rows of X."
                )
            if len(centres) > n_rows:
                raise ValueError(_too_many("centres", len(centres), f"{n_rows} rows"))
            return centres
        if self.centres == "data":
            return X
        if weights is not None:
            X, weights = X[weights > 0], weights[weights > 0]
        different = len(np.unique(X, axis=0))
        if self.n_centres == "auto":
            number = min(different, usual_number(len(X)))
        elif self.n_centres > different:
            rows = f"{n_rows} rows" if different == n_rows else f"{different} different rows"
            raise ValueError(_too_many("n_centres", self.n_centres, rows))
        else:
            number = self.n_centres
        random_state = check_random_state(self.random_state)
        threads = available_threads(self.n_threads)
        return draw_centres(X, number, self.centres, random_state, weights, threads)

    def _first_gamma(self, X: Array) -> Array:
        """γ of each centre."""
        n_centres = len(self.centres_)
        if isinstance(self.gamma, str):
            gamma = gamma_of_centres(self.centres_) if self.gamma == "auto" else None
            return np.full(n_centres, gamma_of_scale(X) if gamma is None else gamma)
        if isinstance(self.gamma, Real):
            return np.full(n_centres, float(self.gamma))
        gamma = check_array(self.gamma, dtype=np.float64, ensure_2d=False, input_name="gamma")
        if gamma.shape != (n_centres,):
            raise ValueError(
                f"gamma has shape {gamma.shape}, but there are {n_centres} centres: give one "
                f"number for each, or one for all."
            )
        if (gamma <= 0).any():
            place = int(np.argmax(gamma <= 0))
            raise ValueError(
                f"gamma must be above 0, but gamma[{place}] is {gamma[place]:g}: a bump has to "
                f"fall with the distance."
            )
        return gamma

    # --- the network --------------------------------------------------------------------

    @property
    def gamma_(self) -> Array:
        """γ of each centre."""
        return np.exp(self._log_gamma)

    @property
    def _parameters(self) -> list[Array]:
        bias = [self.intercept_] if self._network.intercept else []
        return [self.centres_, self._log_gamma, self.coef_.T, *bias]

    def _set_parameters(self, parameters: list[Array]) -> None:
        self.centres_, self._log_gamma, w, *bias = parameters
        self.coef_ = w.T
        self.intercept_ = bias[0] if bias else np.zeros(w.shape[1], w.dtype)

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        weights = np.zeros((self._network.n_centres, self.n_outputs_), dtype)
        bias = [np.zeros(self.n_outputs_, dtype)] if self._network.intercept else []
        return [self.centres_, self._log_gamma, weights, *bias]

    @property
    def _numbers_per_row(self) -> int:
        return self._network.n_features + 2 * self._network.n_centres + self._network.n_outputs

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_radial

        return trained_radial(self, x, y)

    def _restore(self) -> None:
        n_centres, n_features = self.centres_.shape
        self.n_outputs_ = n_outputs = len(self.coef_)
        super()._restore()
        dtype = self.centres_.dtype
        require_numbers(self.centres_, (n_centres, self.n_features_in_), "centres_")
        require_numbers(self._log_gamma, (n_centres,), "log_gamma", dtype)
        require_numbers(self.coef_, (n_outputs, n_centres), "coef_", dtype)
        require_numbers(self.intercept_, (n_outputs,), "intercept_", dtype)
        loss = self._row_loss(bool(self.fine_tune))
        if loss.output_activation != self.out_activation_:
            raise FileError(f"its outputs are not those of fine_tune={self.fine_tune}")
        self._network = RadialNetwork(
            n_features, n_centres, n_outputs, loss, bool(self.fit_intercept)
        )
        self._restore_progress()


def _check_distances(X: Array) -> None:
    """ValueError where squared distances between rows could be too large for a number."""
    largest = float(np.max(np.abs(X)))
    most = float(np.finfo(X.dtype).max)
    if largest > np.sqrt(most / X.shape[1]) / 2:
        raise ValueError(
            f"X has values up to {largest:.3g}, and squared distances between its rows are too "
            f"large for {X.dtype} numbers: scale the data, with StandardScaler for one."
        )


def _too_many(name: str, number: int, rows: str) -> str:
    return (
        f"{name} asks for {number} centres, but X has {rows}: ask for at most as many, or give "
        f"more rows."
    )
