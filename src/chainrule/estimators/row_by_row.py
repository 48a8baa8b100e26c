"""What the perceptron and the adaline share: one layer, updated after every row."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight

from chainrule.engines.base import Array
from chainrule.engines.registry import ENGINES
from chainrule.errors import FileError, NonFiniteLossError
from chainrule.estimators.compiled import float_type
from chainrule.estimators.decorators import parameters_checked
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.held_out import HeldOutRows
from chainrule.estimators.hints import ArrayLike, ValidationRows
from chainrule.estimators.inputs import weights_of_rows
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.one_label import OneLabelTargets
from chainrule.estimators.parameters import filled_in
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import Savable
from chainrule.graph.node import Node, variable
from chainrule.networks.losses import threshold_loss
from chainrule.networks.single_layer import SingleLayer
from chainrule.training.history import History
from chainrule.training.loop import Epochs, Plan, Progress
from chainrule.training.row_by_row import joined, row_step
from chainrule.training.step import Objective

if TYPE_CHECKING:
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["RowByRowClassifier", "documented"]

_SHARED_DOCUMENTATION = {
    "training": """max_iter : int, default=1000
        The most epochs for each output.
    tol : float or None, default=1e-3
        Training stops when the mean loss of an epoch (with ``early_stopping`` the validation
        score) did not improve by ``tol`` for ``n_iter_no_change`` epochs; None never stops it.
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    random_state : int, RandomState or None, default=0
        Draws the held-out rows and the orders.
    n_iter_no_change : int, default=5
    early_stopping : bool, default=False
        Hold out ``validation_fraction`` of the rows, or take the ``validation_data`` of ``fit``;
        stop when the share of them that is classified right no longer improves, and return to the
        weights that had the largest.
    validation_fraction : float, default=0.1
    class_weight : dict, "balanced" or None, default=None
        A factor for the updates of each class; of several, in the output that tells it from
        the rest.
    warm_start : bool, default=False
        Start ``fit`` from the weights of the fit before, not from zero.
    verbose : bool or int, default=False
        Whether to print the loss of each epoch.
    callbacks : list of callable, default=None
        Called for each output with a :class:`~chainrule.callbacks.Moment` about every
        0.1 s and after each epoch; one that returns True ends the training of this output.
    engine : {"native", "reference"}, default="native"
        Machine code, or the NumPy interpreter that defines what it must compute.
    n_threads : int, default=None
        The most threads that predict; by default one for each processor. Training has one.""",
    "attributes": """coef_ : array of shape (1, n_features) or (n_classes, n_features)
        w; one row for each class against the rest where there are more than two. In derivations
        ``w[3, 0]`` is ``coef_[0, 3]``.
    intercept_ : array of shape (1,) or (n_classes,)
        b.
    classes_ : array of shape (n_classes,)
        The labels.
    loss_ : float
        The mean loss of the last epoch, summed over the outputs.
    history_ : dict of list
        A row for each epoch: ``epoch``, ``loss``, ``learning_rate``, ``seconds``, and with
        ``early_stopping`` or ``validation_data`` ``validation_loss`` and ``validation_score``.
        Losses are summed over the outputs and scores averaged; an output that stops earlier keeps
        its last values. There is no ``scoring`` by other scorers: outputs train one after another,
        so that until the last one has trained there is no model of all classes to score.
    n_iter_ : int
        Epochs of the latest fit; of several outputs, the most.
    t_ : int
        Rows seen in training.
    eta0_ : float
        The learning rate used.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features_in_,)
        Where X came with column names.""",
}

T = TypeVar("T", bound=type)


def documented(estimator: T) -> T:
    """Fill in what the docstrings of both share."""
    return filled_in(estimator, _SHARED_DOCUMENTATION)


class RowByRowClassifier(OneLabelTargets, Explainable, Savable, HeldOutRows):
    """A line for two classes, or one for each class against the rest, learned row by row."""

    _loss_name: ClassVar[str]
    _judged_without_weights: ClassVar[bool] = False
    _network: SingleLayer
    _parameter_constraints: dict[str, list[Any]] = {
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
        "engine": [StrOptions(set(ENGINES))],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }
    _learned = (
        "coef_",
        "eta0_",
        "feature_names_in_",
        "history_",
        "intercept_",
        "loss_",
        "n_features_in_",
        "n_iter_",
        "t_",
        *OneLabelTargets._learned_of_classes,
    )

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
            Factors of the updates.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and no rows of X are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y holds one class only, or X NaN or infinity; if ``validation_data`` has another
            width than X, or classes that y has not.
        NonFiniteLossError
            If the weights grow until a loss is infinite: the message says where.
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=False)

    @parameters_checked
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationRows | None = None,
    ) -> Self:
        """Go through some more rows once.

        Parameters
        ----------
        X, y, sample_weight, validation_data
            As for :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All classes there will ever be; needed in the first call.

        Returns
        -------
        self
        """
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._learn_all_classes(y, classes)
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool
    ) -> Self:
        fresh = not hasattr(self, "coef_") or (not self.warm_start and not incremental)
        X, y = self._labelled_rows(X, y, reset=fresh)
        self._learn_classes(y, incremental)
        rows = Rows((X,), (self._columns(y, X.dtype),), weights_of_rows(sample_weight, X))
        n_outputs = rows.targets[0].shape[1]
        held_out = self._held_out(validation_data, X.dtype, n_outputs)
        if fresh:
            self.coef_ = np.zeros((n_outputs, X.shape[1]), X.dtype)
            self.intercept_ = np.zeros(n_outputs, X.dtype)
            self.history_, self.t_ = History(), 0
        self.coef_ = np.require(self.coef_, X.dtype, ["C", "W"])
        self.intercept_ = np.require(self.intercept_, X.dtype, ["C", "W"])
        layer = SingleLayer(
            X.shape[1], n_outputs, threshold_loss(self._loss_name), self.fit_intercept
        )
        update_weights = self._update_weights(y, rows)
        self.eta0_ = self._learning_rate(X, update_weights)
        try:
            self._train(layer, rows, held_out, update_weights, incremental)
        except NonFiniteLossError as error:
            # The loop knows the rate by the name that other estimators have for it.
            text = str(error).replace("learning_rate_init", "eta0")
            names = getattr(self, "feature_names_in_", ())
            raise NonFiniteLossError(text, error.feature).with_names(names) from None
        finally:
            self._network, self.n_outputs_ = layer, n_outputs
        return self

    def _learning_rate(self, X: Array, update_weights: Array | None) -> float:
        return float(self.eta0)

    def _update_weights(self, y: Array, rows: Rows) -> Array | None:
        """What multiplies each row's update of each output, (rows, outputs).

        As in scikit-learn, a class's weight counts in the output that tells it from the rest.
        """
        (columns,) = rows.targets
        if self.class_weight is None and rows.weight is None:
            return None
        weights = np.ones_like(columns)
        if self.class_weight is not None:
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            others = of_class[0] if columns.shape[1] == 1 else 1.0
            named = of_class[1:] if columns.shape[1] == 1 else of_class
            weights = np.where(columns > 0, named, others).astype(columns.dtype)
        return weights if rows.weight is None else weights * rows.weight[:, np.newaxis]

    def _train(
        self,
        layer: SingleLayer,
        rows: Rows,
        held_out: Rows | None,
        update_weights: Array | None,
        incremental: bool,
    ) -> None:
        """Train the outputs, one after another."""
        random_state = check_random_state(self.random_state)
        trained_on = None
        if self.early_stopping and held_out is None:
            trained_on, kept_back = self._split(rows, random_state)
            held_out = rows.part(kept_back)
        column = self._network = layer.column()
        weighted = update_weights is not None
        step = self._once(
            ("row", column, weighted),
            lambda: row_step(column, weighted, self._judged_without_weights),
        )
        if layer.n_outputs > 1 and self._fit_task is not None:
            self._fit_task.begin(layer.n_outputs)
        trained: list[Progress] = []
        try:
            for k in range(layer.n_outputs):
                weight = None if update_weights is None else update_weights[:, k].copy()
                weights = [self.coef_[k].reshape(-1, 1), self.intercept_[k : k + 1]]
                loop = self._engine().compile_step(
                    step,
                    float_type(rows.dtype),
                    replace(_of_output(rows, k), weight=weight).arrays,
                    weights if layer.intercept else weights[:1],
                    {"learning_rate": self.eta0_},
                    n_threads=1,
                    batch_size=1,
                )
                trained.append(Progress(self.eta0_))
                Epochs(
                    loop,
                    self._plan(incremental),
                    trained[-1],
                    random_state,
                    trained_on,
                    len(loop.state),
                    None if held_out is None else self._validator(_of_output(held_out, k)),
                    self._told_of_training(),
                    bool(self.verbose),
                    estimator=self,
                ).run(warn=not incremental and self.tol is not None)
        finally:
            # Also where a callback raised: outputs that were not begun are as they were.
            self._publish(trained)

    def _as_fitted(self) -> dict[str, Any]:
        whole = replace(self._network, n_outputs=len(self.coef_))  # not the output in training
        return {**super()._as_fitted(), "_network": whole, "n_outputs_": whole.n_outputs}

    def _publish(self, trained: Sequence[Progress]) -> None:
        """The learned attributes that tell how training went."""
        self.n_iter_ = max((each.epochs for each in trained), default=0)
        self.t_ += max((each.rows_seen for each in trained), default=0)
        self.loss_ = sum(each.loss for each in trained)
        histories = [each.history for each in trained if each.history]
        if histories:
            self.history_ = self.history_.followed_by(joined(histories))

    def _plan(self, incremental: bool) -> Plan:
        return Plan(
            batch_size=1,
            max_epochs=1 if incremental else self.max_iter,
            learning_rate=float(self.eta0_),
            shuffle=self.shuffle,
            tol=-np.inf if self.tol is None else float(self.tol),
            patience=self.n_iter_no_change - 1,
            watched="validation_score" if self.early_stopping else None,
        )

    def _split(self, rows: Rows, random_state: np.random.RandomState) -> tuple[Array, Array]:
        """Rows to train on, in their order, and rows held out, drawn as scikit-learn does."""
        train, held_out = train_test_split(
            np.arange(len(rows)),
            random_state=random_state,
            test_size=self.validation_fraction,
            stratify=self._label_binarizer.inverse_transform(rows.targets[0]),
        )
        return np.sort(train), np.sort(held_out)

    # --- the network --------------------------------------------------------------------

    @property
    def _parameters(self) -> list[Array]:
        w = np.ascontiguousarray(self.coef_.T)
        return [w, self.intercept_] if self._network.intercept else [w]

    def _description(self) -> Hashable:
        return self._network

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        layer = self._network
        losses = layer.row_losses(layer.X, layer.y)
        if not weighted:
            return Objective(losses, (layer.X, layer.y), layer.parameters)
        weight = variable("sample_weight", ("rows",))
        return Objective(losses, (layer.X, layer.y, weight), layer.parameters, weight)

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        return (self._network.X,), self._network.raw_output(self._network.X)

    @property
    def _numbers_per_row(self) -> int:
        return self._network.n_features + self._network.n_outputs

    def _columns(self, y: Any, dtype: Any) -> Array:
        return 2 * super()._columns(y, dtype) - 1

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        right = ((outputs > 0) == (rows.targets[0] > 0)).all(axis=1)
        return float(np.average(right, weights=rows.weight))

    @property
    def out_activation_(self) -> str:
        """Of the outputs: their sign decides."""
        return "identity"

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_row_by_row

        return trained_row_by_row(self, x, y)

    def _restore(self) -> None:
        self.n_outputs_ = len(self.coef_)
        super()._restore()
        require_numbers(self.coef_, (self.n_outputs_, self.n_features_in_), "coef_")
        require_numbers(self.intercept_, (self.n_outputs_,), "intercept_", self.coef_.dtype)
        if not isinstance(self.eta0_, float):
            raise FileError("eta0_ is not a number")
        self.history_ = History(self.history_)
        self._network = SingleLayer(
            self.n_features_in_,
            self.n_outputs_,
            threshold_loss(self._loss_name),
            self.fit_intercept,
        )


def _of_output(rows: Rows, k: int) -> Rows:
    """The rows with the targets of one output alone."""
    (targets,) = rows.targets
    return replace(rows, targets=(np.ascontiguousarray(targets[:, k : k + 1]),))
