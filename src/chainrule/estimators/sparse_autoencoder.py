"""Sparse auto encoders: codes of which few numbers are large at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from chainrule.engines.base import Array
from chainrule.estimators.autoencoder import ReconstructingAutoencoder
from chainrule.estimators.autoencoder_base import BaseAutoencoder
from chainrule.estimators.autoencoder_parameters import (
    AUTOENCODER_CONSTRAINTS,
    RECONSTRUCTION_CONSTRAINTS,
    autoencoder_documented,
)
from chainrule.estimators.hints import (
    ActivationName,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    EngineName,
    HiddenSizes,
    LearningRate,
    Normalization,
    RandomState,
    ReconstructionActivation,
    ReconstructionLoss,
    Scoring,
    Solver,
)
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.graph.node import variable
from chainrule.networks.building import Building
from chainrule.networks.sparsity import SparsityTarget
from chainrule.training.step import Objective

__all__ = ["SparseAutoencoder"]


@autoencoder_documented
class SparseAutoencoder(ReconstructingAutoencoder):
    """Sparse auto encoder: a code whose numbers are near 0 for most rows.

    The code is logistic, and a penalty holds the mean of each of its numbers over the rows, ρ̂ⱼ,
    near a small target ρ: sparsity_weight·Σⱼ KL(ρ‖ρ̂ⱼ). So each row is told by few large numbers,
    and the code may be larger than the input.

    Parameters
    ----------
    n_components : int, default=100
        Numbers of the code.
    {sizes}
    sparsity : float, default=0.05
        The wanted mean of each number of the code, ρ: between 0 and 1.
    sparsity_weight : float, default=3.0
        How much Σⱼ KL(ρ‖ρ̂ⱼ) counts beside the mean loss of a row.
    mean_decay : float, default=0.5
        A minibatch is too small to say what a mean over all rows is. So ρ̂ is a running mean:
        at each step, this is what is left of the sums of the minibatches before. More suits small
        minibatches; less suits large learning rates, at which a long memory lags behind the
        weights. Not used by ``"lbfgs"``, which sees all rows at once.
    {reconstruction}
    {shared}

    Attributes
    ----------
    mean_activation_ : array of shape (n_components,)
        ρ̂ over the rows of the latest ``fit`` or ``partial_fit``.
    {learned}

    References
    ----------
    Ranzato, Poultney, Chopra & LeCun, "Efficient learning of sparse representations with an
    energy-based model", 2007; in this form Ng, "Sparse autoencoder", lecture notes CS294A, 2011.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = cr.SparseAutoencoder(80, tol=0.01, random_state=0)
    >>> bool(abs(model.fit(X).mean_activation_.mean() - 0.05) < 0.02)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **AUTOENCODER_CONSTRAINTS,
        **RECONSTRUCTION_CONSTRAINTS,
        "sparsity": [Interval(Real, 0, 1, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "mean_decay": [Interval(Real, 0, 1, closed="left")],
    }
    _learned = (*BaseAutoencoder._learned, "mean_activation_")

    def __init__(
        self,
        n_components: int = 100,
        encoder_sizes: HiddenSizes = (),
        decoder_sizes: HiddenSizes | None = None,
        activation: ActivationName = "relu",
        *,
        sparsity: float = 0.05,
        sparsity_weight: float = 3.0,
        mean_decay: float = 0.5,
        loss: ReconstructionLoss = "squared_error",
        output_activation: ReconstructionActivation = "auto",
        tied_weights: bool = False,
        contamination: float = 0.1,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.01,
        power_t: float = 0.5,
        max_iter: int = 2000,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 20,
        max_fun: int = 15000,
        rho: float = 0.9,
        dropout: float = 0.0,
        normalization: Normalization = None,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _code_activation(self) -> str:
        return "logistic"

    @property
    def _code_is_held_back(self) -> bool:
        return bool(self.sparsity_weight or self.dropout)

    @property
    def _target(self) -> SparsityTarget:
        """With the running mean for solvers that go through minibatches."""
        decay = float(self.mean_decay) if self.solver in STOCHASTIC_SOLVERS else None
        return SparsityTarget(float(self.sparsity), float(self.sparsity_weight), decay)

    def _description(self) -> tuple[Hashable, ...]:
        return (*super()._description(), self._target)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        objective = super()._describe_objective(weighted, training)
        if not training or not self.sparsity_weight:
            return objective
        weight = objective.sample_weight
        code = self._layers.encode(objective.minibatch[0], Building(training, weight))
        term, running = self._target.term(code, weight)
        return dataclasses.replace(objective, term=term, running=running)

    def _look_back(self, X: Array, weight: Array | None) -> None:
        self.mean_activation_ = np.average(self._codes(X), axis=0, weights=weight)

    def _explained_loss(self, x: Any, **options: Any) -> Any:
        layers, means = self._layers, variable("mean_activation", self.mean_activation_.shape)
        code = layers.encode(x)
        loss = layers.row_losses(x, layers.decode(code)).named("reconstruction_loss")
        sparsity = self._target.share_of_row(code, means).named("sparsity")
        return loss + sparsity, {means: self.mean_activation_}

    def _restore(self) -> None:
        super()._restore()
        require_numbers(self.mean_activation_, (self._layers.n_components,), "mean_activation_")
