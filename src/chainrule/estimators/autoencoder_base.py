"""What auto encoders share: rows are their own targets, and a code is what is wanted."""

from __future__ import annotations

import dataclasses
import warnings
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.datasets.stream import Batch
from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.autoencoder_parameters import layer_sizes
from chainrule.estimators.base import is_stochastic
from chainrule.estimators.decorators import available_if, parameters_checked
from chainrule.estimators.fit_stream import StreamedRows
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.hints import ArrayLike, MatrixLike, ValidationMatrix
from chainrule.estimators.inputs import weights_of_rows
from chainrule.estimators.normalised import NORMALISED, Normalised
from chainrule.estimators.outliers import (
    SCORED_AFTER_FIT,
    SCORED_AFTER_PARTIAL_FIT,
    threshold_of_outliers,
)
from chainrule.estimators.reconstructing import Reconstructing
from chainrule.estimators.restored_networks import restored_autoencoder
from chainrule.estimators.rows import Rows
from chainrule.estimators.saving import TrainingSavable
from chainrule.graph.node import Node, variable
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.building import Building
from chainrule.training.step import Objective

__all__ = ["BaseAutoencoder"]


class BaseAutoencoder(Normalised, Reconstructing, TrainingSavable, StreamedRows):
    """Learns a code of rows, and to restore rows from it.

    A subclass describes the network, what is made small, and how well a row is restored.
    """

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
        "offset_",
        "t_",
        "validation_scores_",
        *NORMALISED,
        "_layout",
    )

    @abstractmethod
    def _describe_layers(self, n_features: int) -> AutoencoderNetwork:
        """The layers that the parameters ask for."""

    @abstractmethod
    def _row_losses(self, building: Building) -> Node:
        """What is made small, for each row: (rows,).

        ``building`` says whether it is for training, and gathers the statistics.
        """

    @abstractmethod
    def _explained_loss(self, x: Node, **options: Any) -> tuple[Node, Mapping[Node, Array]]:
        """The loss of the row ``x``, (1,), without penalty; and what is given besides.

        ``options`` are those of ``explain``.
        """

    def _describe_network(self, layers: AutoencoderNetwork) -> Any:
        """All that the parameters ask for; the layers, if there is nothing else."""
        return layers

    def _restored_network(self, layers: AutoencoderNetwork) -> Any:
        """All that was trained, whatever the parameters ask for by now."""
        return layers

    @property
    def _code_is_held_back(self) -> bool:
        """Whether something keeps a large code from copying the input."""
        return bool(self.dropout)

    # --- what is trained -----------------------------------------------------------------

    @property
    def _parameters(self) -> list[Array]:
        weights = self.coefs_[: len(self._layers.weights)]
        return [*weights, *self.intercepts_, *self._normalised_arrays()]

    def _set_parameters(self, parameters: list[Array]) -> None:
        n_weights, n_layers = len(self._layers.weights), len(self._layers.biases)
        self.coefs_ = parameters[:n_weights]
        if self._layers.tied:
            self.coefs_ += [weights.T for weights in reversed(self.coefs_)]
        self.intercepts_ = parameters[n_weights : n_weights + n_layers]
        n_hidden = len(self._layers.hidden_layers)
        others = iter(parameters[n_weights + n_layers :])
        self._set_normalised(self._layers.normalization, n_hidden, others)

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        return self._layers.initial_parameters(self._random_state, dtype)

    def _description(self) -> tuple[Hashable, ...]:
        return (self._network, self._penalties_asked_for)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        X = self._network.X
        weight = variable("sample_weight", ("rows",)) if weighted else None
        building = Building(training, weight)
        losses = self._row_losses(building).named("row_loss")
        after = {each.node: each.after for each in building.statistics}
        return Objective(
            losses,
            (X,) if weight is None else (X, weight),
            self._network.parameters,
            weight,
            statistics=tuple((node, after[node]) for node in self._network.statistics),
            **self._penalties(self._layers.weights),
        )

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        layers = self._layers
        raw = layers.decode(layers.encode(layers.X))
        return (layers.X,), layers.reconstruction(raw) if activated else raw

    def _describe_scored(self) -> Node:
        return self._layers.row_scores(self._layers.X)

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        return float(np.average(outputs[:, 0], weights=rows.weight))

    @property
    def _numbers_per_row(self) -> int:
        return sum(self._layers.layer_sizes)

    # --- fit -----------------------------------------------------------------------------

    @fit_method
    def fit(
        self,
        X: MatrixLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationMatrix | None = None,
    ) -> Self:
        """Learn a code from rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Of a sparse matrix a few rows at a time are made dense.
        y : ignored
            Rows are their own targets.
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : array-like X, or tuple (X,), (X, y) or (X, y, sample_weight), optional
            Rows to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and no rows of X are held out. Their y is ignored, and may be
            None.

        Returns
        -------
        self

        Raises
        ------
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.
        """
        return self._fit(X, sample_weight, validation_data)

    @available_if(is_stochastic)
    @parameters_checked
    def partial_fit(
        self,
        X: MatrixLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationMatrix | None = None,
    ) -> Self:
        """Train for one epoch on some more rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        validation_data : optional
            As for :meth:`fit`. With ``early_stopping``, a call that is the last of
            ``n_iter_no_change`` without progress puts back the best weights, and later calls
            change nothing; without these rows, some of each call's are held out.

        Returns
        -------
        self
        """
        return self._fit(X, sample_weight, validation_data, incremental=True)

    def _fit(
        self,
        X: Any,
        sample_weight: Any = None,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X = self._validate_rows(X, reset=fresh, dtype=(np.float64, np.float32))
        rows = self._rows(X, sample_weight)
        layers = self._describe_layers(X.shape[1])
        self._check_values(X, layers)
        held_out = None
        if validation_data is not None:
            held_out = self._held_out(validation_data, X.dtype, layers)
        self._take_up(rows, fresh)
        try:
            self._train(rows, held_out, incremental)
        finally:
            # Also where a callback raised; weights that overflowed leave nothing to measure.
            if all(np.isfinite(each).all() for each in self._parameters):
                self._sum_up(rows, SCORED_AFTER_PARTIAL_FIT if incremental else SCORED_AFTER_FIT)
        return self

    def _take_up(self, rows: Rows, fresh: bool) -> None:
        (X,) = rows.inputs
        layers = self._describe_layers(X.shape[1])
        if layers.n_components >= X.shape[1] and not self._code_is_held_back:
            warnings.warn(
                f"The code has {layers.n_components} components for {X.shape[1]} features, so the "
                f"network can copy its input without learning anything of it: take fewer "
                f"components, or DenoisingAutoencoder or SparseAutoencoder.",
                stacklevel=6,
            )
        network = self._describe_network(layers)
        if not fresh and network != self._network:
            before, now = _differences(self._network, network)
            raise ValueError(
                f"Training goes on from a network with {before}, but now {now} is asked for: fit "
                f"with warm_start=False first."
            )
        if fresh:
            self._look_at(X, rows.weight, network)
        self._begin(network, X.dtype, fresh)
        self._layout = dataclasses.asdict(layers)
        self.n_layers_ = len(layers.layer_sizes)

    def _check_batch(self, batch: Batch) -> None:
        self._check_values(batch.X, self._describe_layers(self.n_features_in_))

    def _sum_up(self, rows: Rows, most: int) -> None:
        """Say of the trained rows what is said of them, and where outliers begin."""
        (X,) = rows.inputs
        self._look_back(X, rows.weight)
        some = np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)
        weight = None if rows.weight is None else rows.weight[some]
        self.offset_ = threshold_of_outliers(self._scores(X[some]), weight, self.contamination)

    def _look_at(self, X: Array, weight: Array | None, network: Any) -> None:
        """Take from the rows what a network needs to know before its first parameters."""
        return

    def _look_back(self, X: Array, weight: Array | None) -> None:
        """Publish what the trained network says of the rows."""
        return

    def _held_out(self, validation_data: Any, dtype: Any, layers: AutoencoderNetwork) -> Rows:
        """The rows of ``validation_data`` in the form of the training data."""
        given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
        if len(given) not in (1, 2, 3):
            raise ValueError(
                f"validation_data must be X, (X, y) or (X, y, sample_weight), but got a tuple of "
                f"{len(given)}: rows are their own targets, so y may be None."
            )
        X, weight = given[0], given[2] if len(given) == 3 else None
        X = self._validate_rows(X, dtype=dtype)
        self._check_values(X, layers)
        return self._rows(X, weight)

    def _rows(self, X: Array, weight: Any) -> Rows:
        return Rows((X,), (), weights_of_rows(weight, X), self._scored(X))

    def _sizes_around_the_code(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Units of the layers of the encoder, and of the decoder."""
        encoder = layer_sizes(self.encoder_sizes, "encoder_sizes")
        if self.decoder_sizes is None:
            return encoder, encoder[::-1]
        decoder = layer_sizes(self.decoder_sizes, "decoder_sizes")
        if self.tied_weights and decoder != encoder[::-1]:
            raise ValueError(
                f"tied_weights needs a decoder that mirrors the encoder, but encoder_sizes is "
                f"{encoder} and decoder_sizes {decoder}: leave decoder_sizes at None."
            )
        return encoder, decoder

    # --- files ---------------------------------------------------------------------------

    def _restore(self) -> None:
        layers = restored_autoencoder(
            self._layout,
            self.coefs_,
            self.intercepts_,
            {name: getattr(self, name) for name in NORMALISED if hasattr(self, name)},
            self.n_features_in_,
        )
        self._network = self._restored_network(layers)
        self._set_parameters(self._parameters)
        self.n_layers_ = len(layers.layer_sizes)
        if not hasattr(self, "offset_"):
            raise FileError("it lacks offset_, from which on rows are outliers")
        self._restore_progress()


def _differences(before: Any, now: Any) -> tuple[str, str]:
    """What each of two networks has otherwise than the other."""
    fields = []
    for network in (before, now):
        described = dataclasses.asdict(network)
        fields.append({**described.pop("layers", {}), **described})
    names = [name for name in fields[0] if fields[0][name] != fields[1][name]]
    told = [", ".join(f"{name}={each[name]!r}" for name in names) for each in fields]
    return told[0], told[1]
