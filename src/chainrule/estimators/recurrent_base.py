"""What the recurrent classifiers and regressors share."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier

from chainrule.engines.base import Array, Program, TrainingLoop, TrainingStep
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.diagnosing import Diagnosable
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.inputs import weights_of_rows
from chainrule.estimators.recurrent_outputs import RecurrentOutputs
from chainrule.estimators.restored_networks import restored_recurrent
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import TrainingSavable
from chainrule.estimators.sequences import Sequences, read_sequences
from chainrule.estimators.windows import Windows
from chainrule.explain.unrolling import MOST_STEPS
from chainrule.graph.node import variable
from chainrule.networks.losses import Loss
from chainrule.networks.recurrent import RecurrentNetwork
from chainrule.training.buckets import BucketedLoop, buckets_by_length
from chainrule.training.step import Objective

if TYPE_CHECKING:
    from chainrule.doctor.examination import Patient
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["BaseRecurrent"]


class BaseRecurrent(RecurrentOutputs, Diagnosable, Explainable, TrainingSavable, NetworkEstimator):
    """Sequences in, and for each of them, or for each step, an output."""

    _learned: ClassVar[tuple[str, ...]] = (
        "best_loss_",
        "best_validation_score_",
        "feature_names_in_",
        "history_",
        "loss_",
        "loss_curve_",
        "n_features_in_",
        "n_iter_",
        "out_activation_",
        "t_",
        "validation_scores_",
        "weights_",
        "_is_table",
        "_is_forecaster",
        "_described",
    )
    _network: RecurrentNetwork
    _each_step: bool
    _trains_masked: bool
    _steps: int

    # --- what a kind of network, and a task, says -------------------------------------------

    @property
    @abstractmethod
    def _cell(self) -> str:
        """The key of ``CELLS`` that the parameters ask for."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    @abstractmethod
    def _learn_targets(self, y: Any, incremental: bool) -> None:
        """Take up the targets, one for each sequence or, flat, for each step."""

    @abstractmethod
    def _flat(self, y: Any, sequences: Sequences) -> Array:
        """The targets of all sequences, or of all their steps, one after another."""

    @abstractmethod
    def _padded_targets(self, y: Any, sequences: Sequences) -> Array:
        """Columns of numbers: (samples, outputs), or (samples, longest, outputs)."""

    # --- fitting --------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        fresh = not hasattr(self, "weights_") or (not self.warm_start and not incremental)
        if fresh:
            self._is_forecaster = y is None and not is_classifier(self)
            self._each_step = self._is_forecaster or self.output == "each"
        given_y = y
        sequences, y = self._read(X, y, reset=fresh)
        self._learn_targets(self._flat(y, sequences), incremental)
        targets = self._padded_targets(y, sequences)
        weight = self._row_weights(sample_weight, sequences.values, targets)
        network = self._described_network(sequences.values.shape[2], targets.shape[-1])
        if not fresh and network != self._network:
            raise ValueError(
                f"Training goes on from {self._network}, but now {network} is asked for: fit with "
                f"warm_start=False first."
            )
        self._check(network)
        scored = self._scored(X, given_y)
        rows = Rows((sequences.values, sequences.mask), (targets,), weight, scored)
        if weight is not None and 0 < np.count_nonzero(weight) < len(weight):
            # Else a bucket of them might make a minibatch whose mean loss is 0/0.
            rows = rows.part(np.flatnonzero(weight))
        self._windows = None
        if self.truncation is not None:
            self._windows = Windows(rows.inputs[1].sum(axis=1).astype(np.int64), self.truncation)
            rows = self._windows.cut(rows, len(network.continuing().start), network.hidden_size)
        if self.early_stopping and validation_data is None:
            self._require_enough_to_hold_out(len(rows))
        self._trains_masked = not rows.inputs[1].all()
        self._steps = sequences.values.shape[1]
        if fresh:
            self._described = dataclasses.asdict(network)
        self._begin(network, sequences.values.dtype, fresh)
        held_out = None if validation_data is None else self._held_out(validation_data, network)
        self.n_outputs_ = network.n_outputs
        self.out_activation_ = network.output_activation
        self._train(rows, held_out, incremental)
        return self

    def _described_network(self, n_features: int, n_outputs: int) -> RecurrentNetwork:
        return RecurrentNetwork(
            self._cell,
            n_features,
            int(self.hidden_size),
            int(self.num_layers),
            n_outputs,
            bool(self.bidirectional),
            "each" if self._is_forecaster else self.output,
            self._row_loss().output_activation,
            float(self.dropout),
        )

    def _check(self, network: RecurrentNetwork) -> None:
        """Refuse what does not go together."""
        if self._is_forecaster and network.bidirectional:
            raise ValueError(
                "Without y the network learns each next step, which bidirectional=True would let "
                "it read: set bidirectional=False."
            )
        if self.truncation is None:
            return
        if network.pooling != "each":
            raise ValueError(
                f"truncation cuts series with an output at each step, but output="
                f"{network.pooling!r}: set output='each', or truncation=None."
            )
        if network.bidirectional:
            raise ValueError(
                "truncation carries the state forward from window to window, which "
                "bidirectional=True cannot do: set one of them off."
            )
        if self.solver == "lbfgs":
            raise ValueError("truncation goes with minibatches: choose another solver.")

    def _require_enough_to_hold_out(self, n_sequences: int) -> None:
        given = "(X,)" if self._is_forecaster else "(X, y)"
        if self.truncation is not None:
            raise ValueError(
                f"early_stopping would hold out windows of the series it learns from: with "
                f"truncation, give validation_data={given}, series to measure on."
            )
        if n_sequences < 4:
            raise ValueError(
                f"early_stopping would hold out some of {n_sequences} sequence(s): give "
                f"validation_data={given} to measure on."
            )

    def _row_weights(self, sample_weight: Any, X: Any, Y: Array) -> Array | None:
        return weights_of_rows(sample_weight, X)

    def _held_out(self, validation_data: Any, network: RecurrentNetwork) -> Rows:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (1, 2, 3):
            raise ValueError(
                "validation_data must be (X, y) or (X, y, sample_weight), and (X,) for a model "
                f"without y, but got {type(validation_data).__name__}."
            )
        X, y, *weight = (*validation_data, None) if len(validation_data) == 1 else validation_data
        scored = self._scored(X, y)
        reading, y = self._read(X, y, reset=False)
        self._check_held_out(self._flat(y, reading))
        targets = self._padded_targets(y, reading)
        if targets.shape[-1] != network.n_outputs:
            raise ValueError(
                f"The y of validation_data has {targets.shape[-1]} outputs, but that of the "
                f"training data has {network.n_outputs}."
            )
        given = weights_of_rows(weight[0], reading.values) if weight else None
        return Rows((reading.values, reading.mask), (targets,), given, scored)

    def _check_held_out(self, y: Array, name: str = "The y of validation_data") -> None:
        """Refuse a y that the training data could not have."""
        return

    # --- the network, as training and prediction need it ------------------------------------

    @property
    def _parameters(self) -> list[Array]:
        return list(self.weights_.values())

    def _set_parameters(self, parameters: list[Array]) -> None:
        names = [each.name for each in self._network.parameters]
        self.weights_ = dict(zip(names, parameters, strict=True))

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        return self._network.initial_parameters(self._random_state, dtype)

    @property
    def _trained_as(self) -> RecurrentNetwork:
        """The network as it is trained: masked and carried into where there is need to."""
        return dataclasses.replace(
            self._network, masked=self._trains_masked, carried_in=self._windows is not None
        )

    def _description(self) -> Hashable:
        return (self._trained_as, self._row_loss(), self._penalties_asked_for)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        network = self._trained_as if training else self._used_as
        y, losses = network.row_losses(self._row_loss(), training)
        weight = variable("sample_weight", ("rows",)) if weighted else None
        return Objective(
            losses.named("row_loss"),
            (*network.inputs, y) if weight is None else (*network.inputs, y, weight),
            network.parameters,
            weight,
            share=1.0 / network.n_outputs if self._row_loss().reported_as_mean else 1.0,
            **self._penalties(network.weights),
        )

    @property
    def _numbers_per_row(self) -> int:
        network = self._network
        return 6 * self._steps * network.num_layers * network.state_size

    def _loop(
        self, step: TrainingStep, rows: Rows, state: list[Array], batch_size: int, alpha: float
    ) -> TrainingLoop:
        lengths = np.asarray(rows.inputs[1].sum(axis=1), dtype=np.int64)
        buckets = buckets_by_length(lengths, batch_size)
        if self._windows is not None or len(buckets) == 1:
            return super()._loop(step, rows, state, batch_size, alpha)
        loops = []
        random_state = self._random_state.get_state()
        for bucket in buckets:
            # All of them draw the same seed: they are one loop.
            self._random_state.set_state(random_state)
            part = rows.part(bucket)
            X, mask, y, *weight = self._trimmed(part.arrays, int(lengths[bucket].max()))
            part = Rows((X, mask), (y,), weight[0] if weight else None)
            loops.append(super()._loop(step, part, state, batch_size, alpha))
        return BucketedLoop(loops, buckets, rows.arrays)

    def _training_arrays(self, rows: Rows) -> tuple[Array, ...]:
        X, mask, *rest = rows.arrays
        return (X, mask, *rest) if self._trains_masked else (X, *rest)

    def _data_of_fit(self, rows: Rows) -> tuple[Array, ...]:
        # The same windows may be those of other series.
        return rows.arrays if self._windows is None else (*rows.arrays, self._windows.place)

    def _trimmed(self, arrays: Sequence[Array], steps: int) -> list[Array]:
        """Arrays of rows without the padding that all of the rows have."""
        in_time = (True, True, self._each_step, False)  # sequences, mask, targets, weights
        return [
            np.ascontiguousarray(each[:, :steps] if cut else each)
            for each, cut in zip(arrays, in_time, strict=False)
        ]

    def _batch_size(self, n_rows: int) -> int:
        return min(32, n_rows) if isinstance(self.batch_size, str) else super()._batch_size(n_rows)

    def _before_epoch(self, rows: Rows) -> Callable[[], None] | None:
        windows = self._windows
        if windows is None:
            return None
        network = self._network.continuing()

        def program() -> Program:
            return Program((*network.inputs, *network.parameters), network.last_states())

        function = self._compiled(("last states", network), rows.dtype, program)
        return lambda: windows.carry(rows, lambda *inputs: function(*inputs, *self._parameters))

    def _block_of(self, arrays: Any, rows: slice) -> list[Array]:
        parts = [each[rows] for each in arrays]
        steps = max(1, int(parts[1].sum(axis=1).max(initial=0.0)))
        return self._trimmed(parts, steps)

    # --- saved models ---------------------------------------------------------------------

    def _restore(self) -> None:
        network = restored_recurrent(self)
        self._network, self._windows = network, None
        self._each_step = network.pooling == "each"
        self._trains_masked, self._steps = False, 1
        self.n_outputs_ = network.n_outputs
        self._restore_progress()

    # --- explanations ---------------------------------------------------------------------

    def _explained(self, x_row: Any, y: Any) -> Any:
        x = self._one_sequence(x_row)
        if self._is_forecaster and y is None:
            if x.shape[1] < 2:
                raise ValueError("A series of one step has no next step to be explained.")
            x, targets = x[:, :-1], x[:, 1:]
        else:
            targets = self._target_row(y)
        steps = x.shape[1]
        if self._each_step and targets.shape[1] != steps:
            raise ValueError(f"y has {targets.shape[1]} targets, but the sequence {steps} steps.")
        if steps > MOST_STEPS:
            raise ValueError(
                f"explain writes out each step, of {MOST_STEPS} at most, but the sequence has "
                f"{steps:,}: give a part of it, such as the last ones."
            )
        return x, targets

    def _one_sequence(self, x_row: Any) -> Any:
        sequence = np.asarray(x_row, dtype=np.float64)
        if sequence.ndim == 1 or (sequence.ndim == 2 and self._is_table):
            sequence = sequence.reshape(1, -1, 1)
        read = read_sequences(sequence[np.newaxis] if sequence.ndim == 2 else sequence, np.float64)
        if len(read) != 1 or read.values.shape[2] != self._network.n_features:
            raise ValueError(
                f"explain takes one sequence of shape (n_timesteps, {self._network.n_features}), "
                f"but got {np.shape(x_row)}: give X[0], for one."
            )
        return read.values

    def _target_row(self, y: Any) -> Array:
        if not self._each_step:
            columns = self._columns(self._one_target(y), np.float64)
        elif np.ndim(y) == 0:
            raise ValueError(f"y must hold a target for each step, but got {y!r}.")
        else:
            columns = self._columns(np.asarray(y), np.float64)[np.newaxis]
        if columns.shape[-1] != self.n_outputs_ or not np.isfinite(columns).all():
            raise ValueError(f"y must be the target of one sequence, as fit takes it, not {y!r}.")
        return columns

    def _patient(self, X: Any, y: Any, features: Any) -> tuple[Patient, Array, Array]:
        from chainrule.estimators.patients import patient_of_recurrent, score_of

        sequences, targets = self._read(X, y, reset=False)
        self._check_held_out(self._flat(targets, sequences), "y")
        columns = self._padded_targets(targets, sequences).astype(np.float64)
        return patient_of_recurrent(
            self, sequences, columns, features, score_of(self, X, y), targets
        )

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_recurrent

        return trained_recurrent(self, x, y)
