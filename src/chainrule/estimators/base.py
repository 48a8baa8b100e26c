"""What estimators of networks share: training by minibatches or L-BFGS."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from chainrule.engines.base import Array, TrainingLoop, TrainingStep
from chainrule.engines.threads import available_threads
from chainrule.errors import NonFiniteLossError
from chainrule.estimators.compiled import float_type
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS, refuse_for_lbfgs
from chainrule.estimators.rate_finding import FindsLearningRates
from chainrule.estimators.resuming import resumption_of
from chainrule.estimators.rows import Rows
from chainrule.estimators.scoring import scorers
from chainrule.graph.node import Node
from chainrule.training.diagnosis import find_fault_in_blocks
from chainrule.training.history import History
from chainrule.training.lbfgs import Sums, minimise
from chainrule.training.loop import Epochs, Measure, Plan, Progress
from chainrule.training.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSProp
from chainrule.training.schedules import (
    SCHEDULES,
    ConstantSchedule,
    InverseScalingSchedule,
    Schedule,
)
from chainrule.training.step import StepRules, initial_state, training_step

__all__ = ["NetworkEstimator", "is_stochastic"]


def is_stochastic(estimator: Any) -> bool:
    """Whether ``partial_fit`` makes sense; AttributeError if not, as scikit-learn has it."""
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is "
            f"not stochastic."
        )
    return True


class NetworkEstimator(FindsLearningRates, EvaluatingEstimator):
    """Trains a network.

    A subclass validates its data, describes the network and its loss, and says what a score is.
    In ``fit`` it calls ``_begin`` and then ``_train``.
    """

    _lbfgs_options: ClassVar[Mapping[str, float]] = {}
    _network: Any
    _progress: Progress
    _memory: dict[str, Array] | None
    _random_state: np.random.RandomState
    _goes_on: bool

    def _strata(self, rows: Rows) -> Array | None:
        """The groups that a split keeps in proportion, if any."""
        return None

    @abstractmethod
    def _initial_parameters(self, dtype: Any) -> list[Array]:
        """First values, drawn with ``_random_state``."""

    @abstractmethod
    def _set_parameters(self, parameters: list[Array]) -> None:
        """Publish learned arrays, in the order of the objective's parameters."""

    @property
    def _is_random(self) -> bool:
        """Whether training draws numbers at each step."""
        return bool(self.dropout)

    # --- training ------------------------------------------------------------------------

    def _begin(self, network: Any, dtype: Any, fresh: bool) -> None:
        """Take up a network: with first parameters, or with those of the fit before."""
        if network != getattr(self, "_network", network):
            self._built = {}  # programs of another network would only fill memory
        self._network = network
        self._random_state = check_random_state(self.random_state)
        self._goes_on = self.warm_start and not fresh
        if fresh:
            self._set_parameters(self._initial_parameters(dtype))
        if fresh or not hasattr(self, "_progress"):  # the first weights may be set by hand
            self.n_iter_ = self.t_ = 0
            self._memory = None
            self._progress = Progress(float(self.learning_rate_init))

    def _train(self, rows: Rows, held_out: Rows | None = None, incremental: bool = False) -> None:
        """Train with the solver that is asked for."""
        # Updated in place, so they must not be the read-only ones of a memory-mapped file.
        self._set_parameters(
            [np.require(each, rows.dtype, ["C", "W"]) for each in self._parameters]
        )
        try:
            if self.solver == "lbfgs":
                self._fit_lbfgs(rows, held_out)
            else:
                self._fit_epochs(rows, held_out, incremental)
        except NonFiniteLossError as error:
            raise error.with_names(getattr(self, "feature_names_in_", ())) from None
        if not all(np.isfinite(each).all() for each in self._parameters):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
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

    def _rules(self) -> StepRules:
        return StepRules(self.clip_norm, int(self.accumulate_steps), self._schedule())

    def _step(self, weighted: bool) -> TrainingStep:
        optimizer, rules = self._optimizer(), self._rules()
        key = ("step", self._description(), weighted, optimizer, rules)
        return self._once(key, lambda: training_step(self._objective(weighted), optimizer, rules))

    def _penalties(self, weights: tuple[Node, ...]) -> dict[str, Any]:
        """How an objective keeps weights small."""
        return {
            "penalised": weights if self.alpha else (),
            "l1_ratio": float(self.l1_ratio) if self.alpha else 0.0,
            "decayed": weights if self.weight_decay else (),
        }

    @property
    def _penalties_asked_for(self) -> tuple[Hashable, ...]:
        """All that ``_penalties`` depends on, beside the network."""
        return bool(self.alpha), float(self.l1_ratio), bool(self.weight_decay)

    def _fit_epochs(self, rows: Rows, held_out: Rows | None, incremental: bool) -> None:
        """Train by minibatches, which updates the parameters in place."""
        if incremental and self._progress.stopped_early and self.early_stopping:
            warnings.warn(
                "Training has stopped early, at the weights with the best validation score, and "
                "these rows are not learned from: set early_stopping=False to go on.",
                ConvergenceWarning,
                stacklevel=4,
            )
            return
        trained_on, parameters = None, self._parameters
        step = self._step(rows.weight is not None)
        resumption = None if incremental else resumption_of(self, step, rows, held_out)
        if self.early_stopping and held_out is None:
            trained_on, kept_back = self._split(rows)
            held_out = rows.part(kept_back)
        n_rows = len(rows) if trained_on is None else len(trained_on)
        progress = self._progress
        state = initial_state(step, dict(zip(step.state, parameters, strict=False)))
        memory = {str(node.name): node.shape for node in step.state[len(parameters) :]}
        kept = None if self._memory is None else {k: each.shape for k, each in self._memory.items()}
        if incremental and self._memory is not None and kept == memory:
            # What a broken off epoch had added up is of no use to the next one.
            anew = self._rules().kept_within_epochs(step.state[: len(parameters)])
            for place, name in enumerate(memory, len(parameters)):
                if name not in anew:
                    # As the parameters: those of a memory-mapped file are read-only.
                    state[place] = np.require(self._memory[name], rows.dtype, ["C", "W"])
        else:  # also where another solver, or another loss, remembers other things
            progress.learning_rate = float(self.learning_rate_init)
            progress.losses_before = len(progress.losses)
        batch_size = self._batch_size(n_rows)
        alpha = float(self.alpha)
        if self._objective(rows.weight is not None).penalty_in_shares:
            # Without any weight the first step fails, and says why.
            alpha /= rows.weight_of(trained_on) or 1.0
        plan = Plan(
            batch_size,
            1 if incremental else self.max_iter,
            float(self.learning_rate_init),
            self.shuffle and rows.in_memory,  # a stream has an order of its own
            self._schedule(),
            self.tol,
            self.n_iter_no_change,
            watched=self._watched if self.early_stopping else None,
            stays=incremental,
        )
        epochs = Epochs(
            self._with_rising_rates(self._loop(step, rows, state, batch_size, alpha)),
            plan,
            progress,
            self._random_state,
            trained_on,
            len(parameters),
            self._measure(rows, held_out),
            self._told_of_training(),
            bool(self.verbose),
            self._before_epoch(rows),
            self,
        )
        if resumption is not None:
            resumption.take_over(epochs)
            self._progress = epochs.progress
        try:
            epochs.run(warn=not incremental)
        finally:
            # Also where a callback raised: the model can be used, and training can go on.
            self._memory = dict(zip(memory, state[len(parameters) :], strict=True))
            self._publish(epochs.progress)

    def _loop(
        self, step: TrainingStep, rows: Rows, state: list[Array], batch_size: int, alpha: float
    ) -> TrainingLoop:
        """The compiled step, bound to the rows and to the state, which it updates in place."""
        # Drawn only where it is used: else it would shift the orders of rows.
        seed = int(self._random_state.randint(2**31)) if self._is_random else 0
        settings = {
            "learning_rate": self._progress.learning_rate,
            "alpha": alpha,
            "weight_decay": float(self.weight_decay),
            "epoch": 0.0,
            "epochs": float(self.max_iter),
            "minibatches": 1.0,
        }

        def bind(data: Sequence[Array]) -> TrainingLoop:
            return self._engine().compile_step(
                step,
                float_type(state[0].dtype),
                data,
                state,
                settings,
                seed=seed,
                n_threads=available_threads(self.n_threads),
                batch_size=batch_size,
            )

        return rows.bind(bind, self._training_arrays(rows), batch_size)

    @property
    def _watched(self) -> str:
        """The column of history that decides when to stop early."""
        if self.scoring is None:
            return "validation_score"
        return f"validation_{scorers(self, self.scoring).names[0]}"

    def _measure(self, rows: Rows, held_out: Rows | None) -> Measure | None:
        """Gives the columns of history beside the loss, if there are any."""
        measures = [] if held_out is None else [self._validator(held_out)]
        if self.scoring is not None:
            scored, prefix = (rows, "training") if held_out is None else (held_out, "validation")
            measures.append(scorers(self, self.scoring).on(scored.scored, prefix))
        if len(measures) < 2:
            return measures[0] if measures else None
        return lambda parameters: {
            name: value for measure in measures for name, value in measure(parameters).items()
        }

    def _training_arrays(self, rows: Rows) -> tuple[Array, ...]:
        """The rows in the order of the objective's minibatch."""
        return rows.arrays

    def _data_of_fit(self, rows: Rows) -> tuple[Array, ...]:
        """All that is learned from: what a fit is known by, to go on from its checkpoints."""
        return rows.arrays

    def _before_epoch(self, rows: Rows) -> Callable[[], None] | None:
        """What brings the rows up to date before each epoch, if anything has to."""
        return None

    def _split(self, rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows to train on and rows held out, drawn as scikit-learn's MLP draws them."""
        train, held_out = train_test_split(
            np.arange(len(rows)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(rows),
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
        given = self.learning_rate
        if isinstance(given, Schedule):
            return given
        if self.solver == "adam" and given in ("invscaling", "adaptive"):
            return ConstantSchedule()  # as in scikit-learn, whose Adam knows no other
        if given == "invscaling":
            return InverseScalingSchedule(power_t=float(self.power_t))
        return SCHEDULES[given]

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

    def _restore_progress(self) -> None:
        """What a saved model's training can go on from."""
        self.history_ = History(self.history_)
        self._progress = Progress(
            float(self.learning_rate_init),
            losses=list(getattr(self, "loss_curve_", ())),
            scores=list(getattr(self, "validation_scores_", None) or ()),
            history=self.history_,
        )
        self._memory = None

    def _fit_lbfgs(self, rows: Rows, held_out: Rows | None) -> None:
        """Train by L-BFGS, which updates the parameters in place."""
        refuse_for_lbfgs(self)
        weighted = rows.weight is not None
        objective = self._objective(weighted)
        key = ("sums", self._description(), weighted)
        # What depends on all rows together cannot be added up from blocks of them.
        block = self._block_rows(rows.dtype) if objective.term is None else len(rows)
        data = self._training_arrays(rows)
        parameters = self._parameters
        sums = Sums(
            self._compiled(key, rows.dtype, objective.sums_and_gradients),
            data,
            parameters,
            float(self.alpha),
            objective.share,
            rows.total_weight,
            block,
            available_threads(self.n_threads),
        )
        self.history_ = History()
        try:
            minimise(
                sums,
                self.max_iter,
                self.max_fun,
                self.tol,
                options=self._lbfgs_options,
                measure=self._measure(rows, held_out),
                callbacks=self._told_of_training(),
                verbose=bool(self.verbose),
                history=self.history_,
                estimator=self,
            )
        finally:
            self.loss_ = sums.reported
            self.n_iter_ = len(self.history_.get("epoch", ()))
        if not np.isfinite(sums.reported):
            named = dict(zip(objective.minibatch, data, strict=True))
            others: dict[Node, Any] = dict(zip(objective.parameters, parameters, strict=True))
            others[objective.alpha] = self.alpha
            outputs = [objective.loss_sum, objective.penalty, *objective.term_sums]
            fault = find_fault_in_blocks(outputs, named, others, block, float_type(rows.dtype))
            raise NonFiniteLossError(
                f"L-BFGS met a loss that is not finite: "
                f"{fault or f'the weights of the rows sum to {rows.total_weight}'}. Scale the "
                f"data, with StandardScaler for one.{fault.history() if fault else ''}",
                feature=fault.feature if fault else None,
            )
