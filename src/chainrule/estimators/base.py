"""What estimators of networks share: training, prediction in blocks, compiled programs."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from chainrule.engines.base import Array, Engine, FloatType, Function, Program
from chainrule.engines.registry import get_engine
from chainrule.engines.threads import available_threads
from chainrule.errors import NonFiniteLossError
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.graph.node import Node, variable
from chainrule.networks.losses import Loss
from chainrule.networks.mlp import MLP
from chainrule.training.blocks import block_rows, blocks, on_shares
from chainrule.training.diagnosis import find_fault_in_blocks
from chainrule.training.lbfgs import Sums, minimise
from chainrule.training.loop import Epochs, Plan, Progress, Validate, Validation
from chainrule.training.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSProp
from chainrule.training.schedules import Schedule, ScheduleKind
from chainrule.training.step import Objective, initial_state, training_step

__all__ = ["NetworkEstimator", "is_stochastic"]


def is_stochastic(estimator: Any) -> bool:
    """Whether ``partial_fit`` makes sense; AttributeError if not, as scikit-learn has it."""
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is "
            f"not stochastic."
        )
    return True


class NetworkEstimator(BaseEstimator, ABC):
    """Trains a network, and evaluates it.

    A subclass validates its data, makes the network and the loss, and says what a score is.
    """

    _network: MLP
    _progress: Progress
    _memory: list[Array] | None
    _random_state: np.random.RandomState
    _built: dict[Hashable, Any]

    @property
    @abstractmethod
    def _parameters(self) -> list[Array]:
        """The learned arrays, in the order of the network's parameters; epochs update them."""

    @abstractmethod
    def _score_outputs(self, y: Array, outputs: Array, weight: Array | None) -> float:
        """The score of activated outputs against the columns of y."""

    @abstractmethod
    def _strata(self, y: Array) -> Array | None:
        """The groups that a split keeps in proportion, if any."""

    # --- training ------------------------------------------------------------------------

    def _objective(self, loss: Loss, weighted: bool, training: bool = True) -> Objective:
        network = self._network
        y = variable("y", ("rows", network.layer_sizes[-1]))
        weight = variable("sample_weight", ("rows",)) if weighted else None
        return Objective(
            loss.per_row(y, network.raw_output(network.X, training)).named("row_loss"),
            (network.X, y) if weight is None else (network.X, y, weight),
            network.parameters,
            weight,
            network.weights if self.alpha else (),
            1.0 / network.layer_sizes[-1] if loss.reported_as_mean else 1.0,
        )

    def _optimizer(self) -> Optimizer:
        match self.solver:
            case "sgd":
                return SGD(self.momentum, self.nesterovs_momentum)
            case "adagrad":
                return AdaGrad(self.epsilon)
            case "rmsprop":
                return RMSProp(self.rho, self.epsilon)
        return Adam(self.beta_1, self.beta_2, self.epsilon, self.solver == "adamw")

    def _fit_epochs(
        self,
        loss: Loss,
        data: Sequence[Array],
        held_out: Sequence[Array] | None,
        incremental: bool,
    ) -> None:
        """Train by minibatches, which updates the parameters in place."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        rows, parameters = None, self._parameters
        if self.early_stopping and held_out is None:
            rows, kept_back = self._split(data[1])
            held_out = [each[kept_back] for each in data]
        n_rows = len(data[0]) if rows is None else len(rows)
        progress = self._progress
        if not incremental or self._memory is None:
            self._memory = None
            progress.learning_rate = self.learning_rate_init
        weighted = len(data) == 3
        step = self._once(
            ("step", self._network, loss, weighted, bool(self.alpha), self._optimizer()),
            lambda: training_step(self._objective(loss, weighted), self._optimizer()),
        )
        state = initial_state(step, dict(zip(self._network.parameters, parameters, strict=True)))
        if self._memory is not None:
            state[len(parameters) :] = self._memory
        batch_size = self._batch_size(n_rows)
        loop = self._engine().compile_step(
            step,
            _float_type(state[0].dtype),
            data,
            state,
            {"learning_rate": progress.learning_rate, "alpha": float(self.alpha)},
            # Drawn only where it is used: else it would shift the orders of rows.
            seed=int(self._random_state.randint(2**31)) if self.dropout else 0,
            n_threads=available_threads(self.n_threads),
            batch_size=batch_size,
        )
        plan = Plan(
            batch_size,
            1 if incremental else self.max_iter,
            self.shuffle,
            self._schedule(),
            self.tol,
            self.n_iter_no_change,
            watch_score=self.early_stopping,
        )
        Epochs(
            loop,
            plan,
            progress,
            self._random_state,
            rows,
            len(parameters),
            None if held_out is None else self._validator(loss, held_out),
            self.callbacks or (),
            bool(self.verbose),
        ).run(warn=not incremental)
        self._memory = state[len(parameters) :]
        self._publish(progress)

    def _split(self, y: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows to train on and rows held out, drawn as scikit-learn's MLP draws them."""
        train, held_out = train_test_split(
            np.arange(len(y)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(y),
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return train, held_out

    def _batch_size(self, n_rows: int) -> int:
        if isinstance(self.batch_size, str):
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=2,
            )
        return int(min(self.batch_size, n_rows))

    def _schedule(self) -> Schedule:
        # scikit-learn's Adam has a constant rate whatever learning_rate says.
        kind: ScheduleKind = "constant" if self.solver == "adam" else self.learning_rate
        return Schedule(kind, float(self.learning_rate_init), float(self.power_t))

    def _publish(self, progress: Progress) -> None:
        """The learned attributes that tell how training went."""
        self.n_iter_ = progress.epochs
        self.t_ = progress.rows_seen
        self.loss_ = progress.loss
        self.loss_curve_ = progress.losses
        self.history_ = progress.history
        watched = self.early_stopping
        self.best_loss_ = None if watched else progress.best_loss
        self.validation_scores_ = progress.scores if watched else None
        self.best_validation_score_ = progress.best_score if watched else None

    def _fit_lbfgs(
        self,
        loss: Loss,
        data: Sequence[Array],
        held_out: Sequence[Array] | None,
    ) -> list[Array]:
        """The parameters at which L-BFGS ended."""
        if self.dropout:
            raise ValueError(
                "dropout draws anew at every step, which 'lbfgs' cannot work with: choose "
                "another solver, or dropout=0."
            )
        weighted = len(data) == 3
        objective = self._objective(loss, weighted)
        dtype = data[0].dtype
        key = ("sums", self._network, loss, weighted, bool(self.alpha))
        block = self._block_rows(dtype)
        weight = float(np.sum(data[2], dtype=np.float64)) if weighted else float(len(data[0]))
        sums = Sums(
            self._compiled(key, dtype, objective.sums_and_gradients),
            data,
            self._parameters,
            float(self.alpha),
            objective.share,
            weight,
            block,
            available_threads(self.n_threads),
        )
        learned, self.history_ = minimise(
            sums,
            self.max_iter,
            self.max_fun,
            self.tol,
            validate=None if held_out is None else self._validator(loss, held_out),
            callbacks=self.callbacks or (),
            verbose=bool(self.verbose),
        )
        if not np.isfinite(sums.reported):
            named = dict(zip(objective.minibatch, data, strict=True))
            others: dict[Node, Any] = dict(zip(objective.parameters, learned, strict=True))
            others[objective.alpha] = self.alpha
            outputs = [objective.loss_sum, objective.penalty]
            fault = find_fault_in_blocks(outputs, named, others, block, _float_type(dtype))
            raise NonFiniteLossError(
                f"L-BFGS met a loss that is not finite: "
                f"{fault or f'the weights of the rows sum to {weight}'}. Scale the data, with "
                f"StandardScaler for one.{fault.history() if fault else ''}",
                feature=fault.feature if fault else None,
            )
        self.loss_ = sums.reported
        self.n_iter_ = len(self.history_.get("epoch", ()))
        return learned

    # --- evaluation ----------------------------------------------------------------------

    def _validator(self, loss: Loss, held_out: Sequence[Array]) -> Validate:
        """Evaluates loss, without dropout and penalty, and score on rows held out."""
        weight = held_out[2] if len(held_out) == 3 else None
        objective = self._objective(loss, weight is not None, training=False)
        network, dtype = self._network, held_out[0].dtype

        def program() -> Program:
            outputs = network.prediction(network.raw_output(network.X))
            losses = objective.share * objective.loss_sum
            return Program((*objective.minibatch, *network.parameters), (outputs, losses))

        function = self._compiled(("validate", network, loss, weight is None), dtype, program)
        n_rows, block = len(held_out[0]), self._block_rows(dtype)
        total = float(n_rows) if weight is None else float(weight.sum())

        def validate(parameters: Sequence[Array]) -> Validation:
            outputs = np.empty((n_rows, network.layer_sizes[-1]), dtype)

            def share(start: int, stop: int) -> float:
                losses = 0.0
                for rows in blocks(start, stop, block):
                    data = [each[rows] for each in held_out]
                    outputs[rows], part = function(*data, *parameters)
                    losses += float(part)
                return losses

            loss_sum = sum(on_shares(share, n_rows, block, available_threads(self.n_threads)))
            # Weights may have overflowed in the last update: the next step will say so.
            score = math.nan
            if np.isfinite(outputs).all():
                score = self._score_outputs(held_out[1], outputs, weight)
            return Validation(loss_sum / total, score)

        return validate

    def _evaluate(self, X: Any, activated: bool = True) -> Array:
        """The outputs of the network for checked X, a block of rows at a time."""
        network = self._network
        parameters = self._parameters
        dtype = parameters[0].dtype

        def program() -> Program:
            output = network.raw_output(network.X)
            if activated:
                output = network.prediction(output)
            return Program((network.X, *network.parameters), (output,))

        function = self._compiled(("outputs", network, activated), dtype, program)
        if sparse.issparse(X):
            X = X.tocsr()
        outputs = np.empty((X.shape[0], network.layer_sizes[-1]), dtype)
        block = self._block_rows(dtype)

        def share(start: int, stop: int) -> None:
            for rows in blocks(start, stop, block):
                dense = X[rows].toarray() if sparse.issparse(X) else X[rows]
                (outputs[rows],) = function(dense, *parameters)

        on_shares(share, len(outputs), block, available_threads(self.n_threads))
        return outputs

    def _block_rows(self, dtype: np.dtype[Any]) -> int:
        return block_rows(sum(self._network.layer_sizes), dtype.itemsize)

    # --- compiled programs ---------------------------------------------------------------

    def _engine(self) -> Engine:
        return get_engine(self.engine)

    def _once(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """What ``build`` gives, built once for a key that names all it depends on."""
        built = self.__dict__.setdefault("_built", {})
        if key not in built:
            built[key] = build()
        return built[key]

    def _compiled(
        self, key: Hashable, dtype: np.dtype[Any], program: Callable[[], Program]
    ) -> Function:
        """A program compiled for one thread: several may call it, each with rows of its own."""
        float_type = _float_type(dtype)
        return self._once(
            (key, float_type, self.engine), lambda: self._engine().compile(program(), float_type)
        )

    def __getstate__(self) -> dict[str, Any]:
        # Nodes and machine code stay behind; they are made anew when they are needed.
        state = dict(super().__getstate__())
        state.pop("_built", None)
        return state


def _float_type(dtype: np.dtype[Any]) -> FloatType:
    return "float32" if dtype == np.float32 else "float64"
