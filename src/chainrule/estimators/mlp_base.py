"""What feed-forward networks share, and of these the multi-layer perceptrons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from itertools import islice
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.diagnosing import Diagnosable
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.held_out import HeldOutRows
from chainrule.estimators.hidden import HiddenLayers
from chainrule.estimators.inputs import dense_if_small, validated, weights_of_rows
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.matrices import NetworkMatrices
from chainrule.estimators.normalised import NORMALISED, NORMALIZATION, Normalised
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import TrainingSavable
from chainrule.estimators.streaming import StreamFitting
from chainrule.graph.node import Node, variable
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.losses import Loss
from chainrule.networks.mlp import MLP
from chainrule.networks.stack import Stack
from chainrule.training.step import Objective

if TYPE_CHECKING:
    from chainrule.doctor.examination import Patient
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["BaseFeedForward", "BaseMLP"]


class BaseFeedForward(
    Diagnosable, Explainable, HiddenLayers, TrainingSavable, HeldOutRows, StreamFitting
):
    """Reads rows, and learns a target of each."""

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
    )

    @abstractmethod
    def _validate_input(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Array, Array]:
        """Checked X and y; classes are learned."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    @abstractmethod
    def _describe_network(self, n_features: int, n_outputs: int) -> MLP | Stack:
        """The network that the parameters ask for; ValueError if it cannot be trained so."""

    @abstractmethod
    def _check_goes_on(self, network: Any) -> None:
        """ValueError if training cannot go on from the fit before with this network."""

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        return self._network.first_values(self._random_state, dtype)

    def _description(self) -> Hashable:
        return (self._network, self._row_loss(), self._penalties_asked_for)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        network, loss = self._network, self._row_loss()
        y = variable("y", ("rows", network.n_outputs))
        weight = variable("sample_weight", ("rows",)) if weighted else None
        built = network.stack.built(network.X, training, weight)
        after = built.statistics
        return Objective(
            loss.per_row(y, built.raw_output).named("row_loss"),
            (network.X, y) if weight is None else (network.X, y, weight),
            network.parameters,
            weight,
            share=1.0 / network.n_outputs if loss.reported_as_mean else 1.0,
            statistics=tuple((node, after[node]) for node in network.statistics),
            **self._penalties(network.weights),
        )

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        network = self._network
        output = network.raw_output(network.X)
        return (network.X,), network.prediction(output) if activated else output

    @property
    def _is_random(self) -> bool:
        return any(layer.draws for _, layer in self._network.stack.all_layers)

    @property
    def _numbers_per_row(self) -> int:
        stack = self._network.stack
        computed = self._once(("numbers", stack), lambda: stack.built().numbers_per_row)
        return self._network.stack.n_features + int(
            computed
        )  # sparse rows are made dense block by block

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        fresh = not self._has_learned or (not self.warm_start and not incremental)
        X, y = self._validate_input(X, y, incremental, reset=fresh)
        Y = self._columns(y, X.dtype)
        weight = self._row_weights(sample_weight, X, Y)
        rows = Rows((X,), (Y,), weight, self._scored(X, y))
        held_out = self._held_out(validation_data, X.dtype, Y.shape[1])
        self._take_up(rows, fresh)
        self._train(rows, held_out, incremental)
        return self

    @property
    def _has_learned(self) -> bool:
        """Whether there is something to go on from."""
        return hasattr(self, "n_outputs_")

    def _take_up(self, rows: Rows, fresh: bool) -> None:
        (X,), (Y,) = rows.inputs, rows.targets
        network = self._describe_network(X.shape[1], Y.shape[1])
        if not fresh:
            self._check_goes_on(network)
        self._begin(network, rows.dtype, fresh)
        self.n_outputs_, self.out_activation_ = Y.shape[1], network.output_activation

    def _validate_rows(
        self, X: Any, y: Any, dtype: Any, reset: bool, **options: Any
    ) -> tuple[Array, Array]:
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

    def _row_weights(self, sample_weight: Any, X: Any, Y: Array) -> Array | None:
        return weights_of_rows(sample_weight, X)

    def _read_rows(self, X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
        return self._validate_rows(X, y, dtype, reset=False)

    def _patient(self, X: Any, y: Any, features: Any) -> tuple[Patient, Array, Array]:
        from chainrule.estimators.patients import patient_of_feed_forward, score_of

        rows, targets = self._validate_rows(X, y, np.float64, reset=False)
        self._check_held_out(targets, "y")
        patient = patient_of_feed_forward(self, features, score_of(self, X, y), y)
        if sparse.issparse(rows):
            raise ValueError(
                f"diagnose looks at all rows together, and {rows.shape[0]:,} sparse ones are too "
                f"many to be made dense: give some of them, such as X[:10_000] with y[:10_000]."
            )
        return patient, rows, self._columns(targets, np.float64)

    def _target_row(self, y: Any) -> Array:
        columns = self._columns(self._one_target(y), np.float64)
        if columns.shape != (1, self.n_outputs_) or not np.isfinite(columns).all():
            raise ValueError(f"y must be the target of one row, as fit takes it, but got {y!r}.")
        return columns

    @abstractmethod
    def _one_target(self, y: Any) -> Array:
        """A target of one row as one of several rows; ValueError if it cannot be one."""

    def _trained_network(self, x: Any, y: Any) -> TrainedNetwork:
        from chainrule.estimators.trained_networks import trained_feed_forward

        return trained_feed_forward(self, x, y)

    def _outputs(self, X: Any, activated: bool = True) -> Array:
        check_is_fitted(self)
        X = validated(self, X, accept_sparse="csr", reset=False)
        return self._evaluate(X, activated=activated)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class BaseMLP(Normalised, NetworkMatrices, BaseFeedForward):
    """A multi-layer perceptron: the sizes of its layers, and one activation for all."""

    _parameter_constraints: dict[str, list[Any]] = {
        **TRAINING_CONSTRAINTS,
        **NORMALIZATION,
    }
    _learned = (
        *BaseFeedForward._learned,
        "coefs_",
        "intercepts_",
        *NORMALISED,
        "_activation",
    )

    @property
    def _parameters(self) -> list[Array]:
        return [*self.coefs_, *self.intercepts_, *self._normalised_arrays()]

    def _set_parameters(self, parameters: list[Array]) -> None:
        arrays = iter(parameters)
        n_layers = len(self._network.weights)
        self.coefs_ = list(islice(arrays, n_layers))
        self.intercepts_ = list(islice(arrays, n_layers))
        self._set_normalised(self._network.normalization, n_layers - 1, arrays)

    def _describe_network(self, n_features: int, n_outputs: int) -> MLP:
        return MLP(
            (n_features, *_hidden_sizes(self.hidden_layer_sizes), n_outputs),
            self.activation,
            self._row_loss().output_activation,
            float(self.dropout),
            self._normalization_asked_for,
        )

    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        # Of its list of layers, those that activate: what else there is belongs to them.
        activated = self._network.stack.built().building.activated
        return (self._network.X,), tuple(each.after for each in activated)

    @property
    def _has_learned(self) -> bool:
        return hasattr(self, "coefs_")  # of a fit, or set by hand

    def _check_goes_on(self, network: MLP) -> None:
        nodes = (*network.parameters, *network.statistics)
        if [np.shape(each) for each in self._parameters] == [node.shape for node in nodes]:
            return
        if self._normalised_by != network.normalization:
            before = f"with normalization={self._normalised_by!r}"
            now = repr(network.normalization)
        else:
            sizes = (len(self.coefs_[0]), *(len(biases) for biases in self.intercepts_))
            before, now = f"of sizes {sizes}", str(network.layer_sizes)
        raise ValueError(
            f"Training goes on from layers {before}, but now {now} are asked for: fit with "
            f"warm_start=False first."
        )

    def _begin(self, network: MLP, dtype: Any, fresh: bool) -> None:
        super()._begin(network, dtype, fresh)
        self._activation = network.activation  # the parameter may be set to another one
        self.n_layers_ = len(network.layer_sizes)

    def _restore(self) -> None:
        # Only a model from a file has to be checked; the module knows all networks.
        from chainrule.estimators.restored_networks import restored_mlp_sizes

        sizes = restored_mlp_sizes(self.coefs_, self.intercepts_, self.n_features_in_)
        hidden, output = self._activation, self.out_activation_
        if hidden not in ACTIVATIONS or output not in OUTPUT_ACTIVATIONS:
            raise FileError(f"the activations {hidden!r} and {output!r} are not both known")
        network = MLP(sizes, hidden, output, float(self.dropout), self._normalised_by)
        nodes = (*network.parameters, *network.statistics)
        for node, array in zip(nodes, self._parameters, strict=True):
            require_numbers(array, node.shape, node.name or "", self.coefs_[0].dtype)  # type: ignore[arg-type]
        self._restore_progress()
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self._network = network


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
