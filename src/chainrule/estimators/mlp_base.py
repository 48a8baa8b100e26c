"""What the multi-layer perceptron's classifier and regressor share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.diagnosing import Diagnosable
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.held_out import HeldOutRows
from chainrule.estimators.inputs import dense_if_small, validated, weights_of_rows
from chainrule.estimators.matrices import NetworkMatrices
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS
from chainrule.estimators.restored_networks import restored_mlp_sizes
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import Savable
from chainrule.estimators.streaming import StreamFitting
from chainrule.graph.node import Node, variable
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.losses import Loss
from chainrule.networks.mlp import MLP
from chainrule.training.step import Objective

__all__ = ["BaseMLP"]


class BaseMLP(NetworkMatrices, Diagnosable, Explainable, Savable, HeldOutRows, StreamFitting):
    """What the classifier and the regressor share."""

    _parameter_constraints: dict[str, list[Any]] = TRAINING_CONSTRAINTS
    _learned: ClassVar[tuple[str, ...]] = (
        "best_loss_",
        "best_validation_score_",
        "coefs_",
        "feature_names_in_",
        "history_",
        "intercepts_",
        "loss_",
        "loss_curve_",
        "n_features_in_",
        "n_iter_",
        "out_activation_",
        "t_",
        "validation_scores_",
        "_activation",
    )

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset):
        """Checked X and y; classes are learned."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    @property
    def _parameters(self) -> list[Array]:
        return [*self.coefs_, *self.intercepts_]

    def _set_parameters(self, parameters: list[Array]) -> None:
        half = len(parameters) // 2
        self.coefs_, self.intercepts_ = parameters[:half], parameters[half:]

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        weights, biases = self._network.initial_parameters(self._random_state, dtype)
        return [*weights, *biases]

    def _description(self) -> Hashable:
        return (self._network, self._row_loss(), self._penalties_asked_for)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        network, loss = self._network, self._row_loss()
        y = variable("y", ("rows", network.layer_sizes[-1]))
        weight = variable("sample_weight", ("rows",)) if weighted else None
        return Objective(
            loss.per_row(y, network.raw_output(network.X, training)).named("row_loss"),
            (network.X, y) if weight is None else (network.X, y, weight),
            network.parameters,
            weight,
            share=1.0 / network.layer_sizes[-1] if loss.reported_as_mean else 1.0,
            **self._penalties(network.weights),
        )

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        network = self._network
        output = network.raw_output(network.X)
        return (network.X,), network.prediction(output) if activated else output

    @property
    def _numbers_per_row(self) -> int:
        return sum(self._network.layer_sizes)

    def _fit(self, X, y, sample_weight=None, validation_data=None, incremental=False):
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = self._validate_input(X, y, incremental, reset=fresh)
        Y = self._columns(y, X.dtype)
        weight = self._row_weights(sample_weight, X, Y)
        rows = Rows((X,), (Y,), weight, self._scored(X, y))
        held_out = self._held_out(validation_data, X.dtype, Y.shape[1])
        self._take_up(rows, fresh)
        self._train(rows, held_out, incremental)
        return self

    def _take_up(self, rows: Rows, fresh: bool) -> None:
        (X,), (Y,) = rows.inputs, rows.targets
        network = MLP(
            (X.shape[1], *_hidden_sizes(self.hidden_layer_sizes), Y.shape[1]),
            self.activation,
            self._row_loss().output_activation,
            float(self.dropout),
        )
        self._start(network, rows.dtype, fresh)

    def _validate_rows(self, X, y, dtype, reset, **options) -> tuple[Any, Array]:
        """Checked rows in the order of C, or many sparse ones; those in order are not copied."""
        X, y = validated(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=dtype,
            order="C",
            reset=reset,
            **options,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return dense_if_small(X), y

    def _row_weights(self, sample_weight, X, Y) -> Array | None:
        return weights_of_rows(sample_weight, X)

    def _start(self, network: MLP, dtype: Any, fresh: bool) -> None:
        """First weights, or a check that those there are, of a fit or set by hand, fit on."""
        shapes = [node.shape for node in network.parameters]
        if not fresh and [np.shape(each) for each in self._parameters] != shapes:
            sizes = (len(self.coefs_[0]), *(len(biases) for biases in self.intercepts_))
            raise ValueError(
                f"Training goes on from layers of sizes {sizes}, but now {network.layer_sizes} "
                f"are asked for: fit with warm_start=False first."
            )
        self._begin(network, dtype, fresh)
        self.n_outputs_ = network.layer_sizes[-1]
        self._activation = network.activation  # the parameter may be set to another one
        self.out_activation_ = network.output_activation
        self.n_layers_ = len(network.layer_sizes)

    def _read_rows(self, X, y, dtype):
        return self._validate_rows(X, y, dtype, reset=False)

    def _restore(self) -> None:
        sizes = restored_mlp_sizes(self.coefs_, self.intercepts_, self.n_features_in_)
        self._restore_progress()
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        hidden, output = self._activation, self.out_activation_
        if hidden not in ACTIVATIONS or output not in OUTPUT_ACTIVATIONS:
            raise FileError(f"the activations {hidden!r} and {output!r} are not both known")
        self._network = MLP(sizes, hidden, output, float(self.dropout))

    def _patient(self, X, y, features):
        from chainrule.estimators.patients import patient_of_mlp, score_of

        rows, targets = self._validate_rows(X, y, np.float64, reset=False)
        self._check_held_out(targets, "y")
        patient = patient_of_mlp(self, features, score_of(self, X, y), y)
        if sparse.issparse(rows):
            raise ValueError(
                f"diagnose looks at all rows together, and {rows.shape[0]:,} sparse ones are too "
                f"many to be made dense: give some of them, such as X[:10_000] with y[:10_000]."
            )
        return patient, rows, self._columns(targets, np.float64)

    def _target_row(self, y):
        columns = self._columns(self._one_target(y), np.float64)
        if columns.shape != (1, self.n_outputs_) or not np.isfinite(columns).all():
            raise ValueError(f"y must be the target of one row, as fit takes it, but got {y!r}.")
        return columns

    @abstractmethod
    def _one_target(self, y):
        """A target of one row as one of several rows; ValueError if it cannot be one."""

    def _trained_network(self, x, y):
        from chainrule.estimators.trained_networks import trained_mlp

        return trained_mlp(self, x, y)

    def _outputs(self, X, activated=True) -> Array:
        check_is_fitted(self)
        X = validated(self, X, accept_sparse="csr", reset=False)
        return self._evaluate(X, activated=activated)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _hidden_sizes(given: Any) -> list[int]:
    """The units of each hidden layer."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool):
            raise ValueError(
                f"hidden_layer_sizes must hold whole numbers, but got {size!r}: give the units "
                f"of each hidden layer, such as (100,) for one or (100, 50) for two."
            )
    hidden = [int(size) for size in sizes]
    if any(size <= 0 for size in hidden):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, got {hidden}: leave out layers without units; () "
            f"is a network without hidden layers."
        )
    return hidden
