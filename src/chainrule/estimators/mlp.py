"""Multi-layer perceptrons: scikit-learn's MLPClassifier and MLPRegressor, and more."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.engines.base import Array, Program
from chainrule.engines.registry import ENGINES
from chainrule.engines.threads import available_threads
from chainrule.estimators.base import NetworkEstimator, block_rows, in_blocks
from chainrule.graph.node import variable
from chainrule.networks.activations import ACTIVATIONS
from chainrule.networks.losses import Loss, classification_loss
from chainrule.networks.mlp import MLP
from chainrule.training.loop import Plan, Progress, run_epochs
from chainrule.training.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSProp
from chainrule.training.schedules import Schedule
from chainrule.training.step import Objective, initial_state, training_step

__all__ = ["MLPClassifier"]

STOCHASTIC_SOLVERS = ("sgd", "adam", "adamw", "adagrad", "rmsprop")


def _is_stochastic(estimator: Any) -> bool:
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is "
            f"not stochastic."
        )
    return True


class BaseMLP(NetworkEstimator):
    """What the classifier and the regressor share: parameters, fit, raw prediction."""

    _parameter_constraints: dict[str, list[Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", *STOCHASTIC_SOLVERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "rho": [Interval(Real, 0, 1, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "callbacks": ["array-like", None],
        "engine": [StrOptions(set(ENGINES))],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    @abstractmethod
    def _validate_input(self, X, y, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """X, and y as columns of numbers, one for each output."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    @abstractmethod
    def _prediction_score(self, y: Array, prediction: Array, weight: Array | None) -> float:
        """The score of activated outputs against the columns of y."""

    # --- fit -----------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight=None, validation_data=None, incremental=False):
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, Y = self._validate_input(X, y, incremental, reset=fresh)
        data = [X, Y]
        if sample_weight is not None:
            data.append(_check_sample_weight(sample_weight, X, dtype=X.dtype))
        self.n_outputs_ = Y.shape[1]
        self._random_state = check_random_state(self.random_state)
        loss = self._row_loss()
        network = MLP(
            (X.shape[1], *(int(size) for size in hidden), self.n_outputs_),
            self.activation,
            loss.output_activation,
            float(self.dropout),
        )
        if fresh:
            self._start(network, X.dtype)
        objective = self._objective(network, loss, weighted=sample_weight is not None)
        parameters = [np.ascontiguousarray(each, X.dtype) for each in self._parameters]
        if self.solver == "lbfgs":
            parameters = self._fit_lbfgs(objective, data, parameters)
        else:
            parameters = self._fit_epochs(objective, data, parameters, None, incremental)
        self._set_parameters(parameters)
        if not all(np.isfinite(each).all() for each in parameters):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    @property
    def _parameters(self) -> list[Array]:
        return [*self.coefs_, *self.intercepts_]

    def _set_parameters(self, parameters: Sequence[Array]) -> None:
        half = len(parameters) // 2
        self.coefs_, self.intercepts_ = list(parameters[:half]), list(parameters[half:])

    def _start(self, network: MLP, dtype) -> None:
        self._network = network
        self.n_layers_ = len(network.layer_sizes)
        self.out_activation_ = network.output_activation
        self.coefs_, self.intercepts_ = network.initial_parameters(self._random_state, dtype)
        self.t_ = self.n_iter_ = 0
        self._progress = Progress(self.learning_rate_init)

    def _objective(self, network: MLP, loss: Loss, weighted: bool) -> Objective:
        y = variable("y", ("rows", self.n_outputs_))
        weight = variable("sample_weight", ("rows",)) if weighted else None
        return Objective(
            loss.per_row(y, network.raw_output(network.X, training=True)),
            (network.X, y) if weight is None else (network.X, y, weight),
            network.parameters,
            weight,
            network.weights if self.alpha else (),
            1.0 / self.n_outputs_ if loss.reported_as_mean else 1.0,
        )

    def _optimizer(self) -> Optimizer:
        adam = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        match self.solver:
            case "sgd":
                return SGD(self.momentum, self.nesterovs_momentum)
            case "adagrad":
                return AdaGrad(self.epsilon)
            case "rmsprop":
                return RMSProp(self.rho, self.epsilon)
            case "adamw":
                return Adam(**adam, decoupled_decay=True)
        return Adam(**adam)

    def _fit_epochs(self, objective, data, parameters, validation, incremental):
        step = training_step(objective, self._optimizer())
        state = initial_state(step, dict(zip(objective.parameters, parameters, strict=True)))
        progress = self._progress
        n_rows = len(data[0])
        batch_size = min(200, n_rows) if self.batch_size == "auto" else self.batch_size
        schedule = Schedule(self.learning_rate, self.learning_rate_init, self.power_t)
        plan = Plan(
            batch_size,
            1 if incremental else self.max_iter,
            self.shuffle,
            schedule,
            self.tol,
            self.n_iter_no_change,
        )
        loop = self._engine().compile_step(
            step,
            data[0].dtype.name,
            data,
            state,
            {"learning_rate": progress.learning_rate, "alpha": self.alpha},
            n_threads=available_threads(self.n_threads),
            batch_size=batch_size,
        )
        run_epochs(loop, plan, progress, self._random_state, n_parameters=len(parameters))
        self.n_iter_, self.t_ = progress.epochs, progress.rows_seen
        self.loss_, self.loss_curve_ = progress.loss, progress.losses
        self.history_ = progress.history
        return state[: len(parameters)]

    def _fit_lbfgs(self, objective, data, parameters):
        return parameters

    # --- prediction ----------------------------------------------------------------------

    def _predict_outputs(self, X: Array) -> Array:
        """The activated outputs of the network, (rows, outputs)."""
        network: MLP = self._network
        dtype = self.coefs_[0].dtype

        def program() -> Program:
            output = network.prediction(network.raw_output(network.X))
            return Program((network.X, *network.parameters), (output,))

        function = self._compiled(("predict", network), dtype, program)
        return in_blocks(
            function, X, self._parameters, block_rows(network.layer_sizes, dtype.itemsize)
        )

    def _checked_outputs(self, X) -> Array:
        check_is_fitted(self)
        return self._predict_outputs(validate_data(self, X, reset=False))


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier."""

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
        rho=0.9,
        dropout=0.0,
        callbacks=None,
        engine="native",
        n_threads=None,
    ):
        for name, value in list(locals().items()):
            if name != "self" and not name.startswith("_"):
                setattr(self, name, value)

    def _validate_input(self, X, y, incremental, reset):
        X, y = validate_data(
            self, X, y, multi_output=True, dtype=(np.float64, np.float32), order="C", reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_
        return X, self._label_binarizer.transform(y).astype(X.dtype)

    def _row_loss(self):
        return classification_loss(self.loss, self._label_binarizer.y_type_ == "multiclass")

    def _prediction_score(self, y, prediction, weight):
        return 0.0

    def fit(self, X, y, sample_weight=None, validation_data=None):
        return self._fit(X, y, sample_weight, validation_data)

    def predict(self, X):
        outputs = self._checked_outputs(X)
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        return self._label_binarizer.inverse_transform(outputs)

    def predict_proba(self, X):
        outputs = self._checked_outputs(X)
        if self.n_outputs_ == 1:
            return np.hstack([1.0 - outputs, outputs])
        return outputs
