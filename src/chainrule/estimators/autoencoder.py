"""Auto encoders: plain, and learning from corrupted rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from numbers import Real
from typing import Any, Literal

from sklearn.utils._param_validation import Interval, StrOptions

from chainrule.engines.base import Array
from chainrule.estimators.autoencoder_base import BaseAutoencoder
from chainrule.estimators.autoencoder_parameters import (
    AUTOENCODER_CONSTRAINTS,
    CODE_ACTIVATION,
    RECONSTRUCTION_CONSTRAINTS,
    STOCHASTIC_ONLY,
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
    StochasticSolver,
)
from chainrule.graph.node import Node
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.building import Building
from chainrule.networks.corruption import Corruption

__all__ = ["Autoencoder", "DenoisingAutoencoder", "ReconstructingAutoencoder"]


class ReconstructingAutoencoder(BaseAutoencoder):
    """Makes the distance between rows and their reconstructions small."""

    def _describe_layers(self, n_features: int) -> AutoencoderNetwork:
        encoder, decoder = self._sizes_around_the_code()
        output = self.output_activation
        if output == "auto":
            output = "logistic" if self.loss == "log_loss" else "identity"
        elif self.loss == "log_loss" and output != "logistic":
            raise ValueError(
                f"loss='log_loss' needs reconstructions between 0 and 1, but output_activation is "
                f"{output!r}: leave it at 'auto'."
            )
        return AutoencoderNetwork(
            n_features,
            encoder,
            int(self.n_components),
            decoder,
            self.activation,
            self._code_activation,
            output,
            self.loss,
            bool(self.tied_weights),
            float(self.dropout),
            normalization=self._normalization_asked_for,
        )

    @property
    def _code_activation(self) -> str:
        return self.code_activation

    def _row_losses(self, building: Building) -> Node:
        layers = self._layers
        x = self._seen(layers.X) if building.training else layers.X
        return layers.row_losses(layers.X, layers.decode(layers.encode(x, building), building))

    def _seen(self, X: Node) -> Node:
        """What the encoder is given in training."""
        return X

    def _explained_loss(self, x: Node, **options: Any) -> tuple[Node, Mapping[Node, Array]]:
        layers = self._layers
        return layers.row_losses(x, layers.decode(layers.encode(x))), {}


@autoencoder_documented
class Autoencoder(ReconstructingAutoencoder):
    """Auto encoder: a network that learns to restore its input from a code.

    A code of fewer numbers than there are features keeps what matters most for restoring them.
    Without activations it spans the same space as principal components; with layers between, it
    follows curved ones.

    Parameters
    ----------
    n_components : int, default=2
        Numbers of the code.
    {sizes}
    code_activation : str, default="identity"
        Of the code; the names are those of ``activation``.
    {reconstruction}
    {shared}

    Attributes
    ----------
    {learned}

    See Also
    --------
    DenoisingAutoencoder, SparseAutoencoder : Learn codes larger than the input.
    VariationalAutoencoder : Can draw new rows.

    References
    ----------
    Bourlard & Kamp, "Auto-association by multilayer perceptrons and singular value
    decomposition", 1988.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = cr.Autoencoder(2, encoder_sizes=(), solver="lbfgs", max_iter=500, random_state=0)
    >>> model.fit(X).transform(X).shape
    (150, 2)
    >>> round(model.score(X), 4)  # less the mean squared error, that of two principal components
    -0.0253
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **AUTOENCODER_CONSTRAINTS,
        **RECONSTRUCTION_CONSTRAINTS,
        **CODE_ACTIVATION,
    }

    def __init__(
        self,
        n_components: int = 2,
        encoder_sizes: HiddenSizes = (100,),
        decoder_sizes: HiddenSizes | None = None,
        activation: ActivationName = "relu",
        *,
        code_activation: ActivationName = "identity",
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


@autoencoder_documented
class DenoisingAutoencoder(ReconstructingAutoencoder):
    """Denoising auto encoder: learns to restore clean rows from corrupted ones.

    The corruption is drawn anew at every step, for every row, and the target is the clean row.
    Copying does not pay, so the code may be larger than the input. After training, rows are
    encoded as they are: ``reconstruct`` removes the noise that they come with.

    Parameters
    ----------
    n_components : int, default=100
        Numbers of the code.
    {sizes}
    code_activation : str, default="logistic"
        Of the code; the names are those of ``activation``.
    corruption : {"gaussian", "masking", "salt_and_pepper"}, default="gaussian"
        ``"gaussian"`` adds a normal draw to each feature; ``"masking"`` sets features to 0;
        ``"salt_and_pepper"`` to the smallest or the largest number of the rows of the first
        ``fit`` or ``partial_fit``, by the toss of a coin.
    noise : float, default=0.3
        The standard deviation of ``"gaussian"``; for the others, how probable it is that a
        feature is set, at most 1.
    {reconstruction}
    {shared}

    Attributes
    ----------
    {learned}

    Notes
    -----
    The loss that is reported is that of corrupted rows; validation losses and all scores are
    those of the rows as they are. ``solver="lbfgs"`` is refused: it needs a loss that stays the
    same from step to step.

    References
    ----------
    Vincent, Larochelle, Bengio & Manzagol, "Extracting and composing robust features with
    denoising autoencoders", 2008.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = cr.DenoisingAutoencoder(64, random_state=0)
    >>> noisy = X + np.random.default_rng(0).normal(0, 0.3, X.shape)
    >>> restored = model.fit(X).reconstruct(noisy)
    >>> bool(np.mean((restored - X) ** 2) < 0.5 * np.mean((noisy - X) ** 2))
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **AUTOENCODER_CONSTRAINTS,
        **RECONSTRUCTION_CONSTRAINTS,
        **CODE_ACTIVATION,
        **STOCHASTIC_ONLY,
        "corruption": [StrOptions({"gaussian", "masking", "salt_and_pepper"})],
        "noise": [Interval(Real, 0, None, closed="left")],
    }
    _learned = (*BaseAutoencoder._learned, "_range")

    def __init__(
        self,
        n_components: int = 100,
        encoder_sizes: HiddenSizes = (),
        decoder_sizes: HiddenSizes | None = None,
        activation: ActivationName = "relu",
        *,
        code_activation: ActivationName = "logistic",
        corruption: Literal["gaussian", "masking", "salt_and_pepper"] = "gaussian",
        noise: float = 0.3,
        loss: ReconstructionLoss = "squared_error",
        output_activation: ReconstructionActivation = "auto",
        tied_weights: bool = False,
        contamination: float = 0.1,
        solver: StochasticSolver = "adam",
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
        n_iter_no_change: int | float = 50,
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

    def _look_at(self, X: Array, weight: Array | None, fresh: bool) -> None:
        if self.corruption != "gaussian" and self.noise > 1:
            raise ValueError(
                f"noise is how probable it is that a feature is set, with "
                f"corruption={self.corruption!r}, but it is {self.noise}: give at most 1."
            )
        if fresh:
            self._range = (float(X.min()), float(X.max()))

    @property
    def _corruption(self) -> Corruption:
        salted = self.corruption == "salt_and_pepper"
        low, high = self._range if salted else (0.0, 1.0)
        return Corruption(self.corruption, float(self.noise), low, high)

    @property
    def _is_random(self) -> bool:
        return bool(self.noise or self.dropout)

    @property
    def _code_is_held_back(self) -> bool:
        return self._is_random

    def _description(self) -> tuple[Hashable, ...]:
        return (*super()._description(), self._corruption)

    def _seen(self, X: Node) -> Node:
        return self._corruption(X) if self.noise else X
