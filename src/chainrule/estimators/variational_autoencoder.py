"""The variational auto encoder: codes that are distributions, and new rows."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.autoencoder_base import BaseAutoencoder
from chainrule.estimators.autoencoder_parameters import (
    AUTOENCODER_CONSTRAINTS,
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
    MatrixLike,
    Normalization,
    RandomState,
    Scoring,
    StochasticSolver,
)
from chainrule.estimators.learned import require_numbers
from chainrule.graph.node import Node, variable
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.building import Building
from chainrule.networks.variational import VariationalNetwork, balanced_draws
from chainrule.training.moments import mean_square_from_mean

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation

__all__ = ["VariationalAutoencoder"]


@autoencoder_documented
class VariationalAutoencoder(BaseAutoencoder):
    """Variational auto encoder: a code with uncertainty, and a model of how rows come about.

    A row's code is a normal distribution: the encoder gives mean μ and variance σ² of each
    component. The decoder is given a draw z = μ + σε, fresh at every step, and training makes the
    evidence lower bound large, E log p(x|z) - KL(N(μ, σ²)‖N(0, 1)), which is at most log p(x).

    Parameters
    ----------
    n_components : int, default=2
        Numbers of the code.
    {sizes}
    likelihood : {"gaussian", "bernoulli"}, default="gaussian"
        What p(x|z) is: normal noise around the decoder's output, of the same variance for all
        features; or features that are 0 or 1 (values between count in proportion).
    noise_variance : "learned" or float, default="learned"
        The variance of ``"gaussian"``.
    beta : float, default=1.0
        A factor for the divergence in training; scores are always those of beta 1. Larger
        values than 1 press for codes like N(0, 1) at the cost of the reconstruction.
    {shared}

    Attributes
    ----------
    noise_variance_ : float
        Of ``"gaussian"``: learned, or as given.
    {learned}

    Notes
    -----
    All terms are sums over features and components and have all their constants, so that losses
    and scores are nats: the loss is less the bound (with one draw for each row, and with ``beta``
    and ``alpha``'s penalty), the score the bound. ``coefs_[k]`` of the code's layer has two columns
    for each component: all means, then all logarithms of variances. ``solver="lbfgs"`` is refused:
    it needs a loss that stays the same from step to step.

    The best that a linear network can do is probabilistic principal components (Lucas, Tucker,
    Grosse & Norouzi, "Don't blame the ELBO!", 2019).

    References
    ----------
    Kingma & Welling, "Auto-encoding variational Bayes", 2013; ``beta``: Higgins et al.,
    "beta-VAE", 2017.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = cr.VariationalAutoencoder(5, likelihood="bernoulli", tol=1, random_state=0)
    >>> model.fit(X).sample(3, random_state=0).shape
    (3, 64)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **AUTOENCODER_CONSTRAINTS,
        **STOCHASTIC_ONLY,
        "likelihood": [StrOptions({"gaussian", "bernoulli"})],
        "noise_variance": [StrOptions({"learned"}), Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="left")],
    }
    _learned = (*BaseAutoencoder._learned, "_log_noise_variance", "_fixed_variance")
    _names_of_losses = ("likelihood='bernoulli'", "likelihood='gaussian'")

    def __init__(
        self,
        n_components: int = 2,
        encoder_sizes: HiddenSizes = (100,),
        decoder_sizes: HiddenSizes | None = None,
        activation: ActivationName = "relu",
        *,
        likelihood: Literal["gaussian", "bernoulli"] = "gaussian",
        noise_variance: float | Literal["learned"] = "learned",
        beta: float = 1.0,
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

    # --- what is trained -----------------------------------------------------------------

    def _describe_layers(self, n_features: int) -> AutoencoderNetwork:
        encoder, decoder = self._sizes_around_the_code()
        if self.tied_weights:
            raise ValueError(
                "tied_weights has no meaning for VariationalAutoencoder: its encoder puts out "
                "two numbers for each component, and its decoder reads one."
            )
        binary = self.likelihood == "bernoulli"
        return AutoencoderNetwork(
            n_features,
            encoder,
            int(self.n_components),
            decoder,
            self.activation,
            output_activation="logistic" if binary else "identity",
            loss="log_loss" if binary else "squared_error",
            dropout=float(self.dropout),
            numbers_per_component=2,
            normalization=self._normalization_asked_for,
        )

    def _describe_network(self, layers: AutoencoderNetwork) -> VariationalNetwork:
        learned = self.noise_variance == "learned"
        return VariationalNetwork(layers, None if learned else float(self.noise_variance))

    def _restored_network(self, layers: AutoencoderNetwork) -> VariationalNetwork:
        return VariationalNetwork(layers, self._fixed_variance)

    @property
    def _layers(self) -> AutoencoderNetwork:
        return self._network.layers

    @property
    def _is_random(self) -> bool:
        return True

    @property
    def _code_is_held_back(self) -> bool:
        return True

    def _look_at(self, X: Array, weight: Array | None, network: VariationalNetwork) -> None:
        self._fixed_variance = network.noise_variance
        # That of a model that knows the mean of each feature and nothing else.
        self._first_variance = max(mean_square_from_mean(X, weight), 1e-6)

    @property
    def _parameters(self) -> list[Array]:
        arrays = super()._parameters
        if self._network.learns_noise:
            arrays.insert(len(self._layers.parameters), self._log_noise_variance)
        return arrays

    def _set_parameters(self, parameters: list[Array]) -> None:
        of_layers = list(parameters)
        if self._network.learns_noise:
            self._log_noise_variance = of_layers.pop(len(self._layers.parameters))
        super()._set_parameters(of_layers)

    def _initial_parameters(self, dtype: Any) -> list[Array]:
        return self._network.initial_parameters(self._random_state, dtype, self._first_variance)

    @property
    def noise_variance_(self) -> float:
        """The variance of the noise around the decoder's output."""
        if self._layers.loss == "log_loss":
            raise AttributeError("likelihood='bernoulli' has no noise variance.")
        if self._network.noise_variance is not None:
            return self._network.noise_variance
        return float(np.exp(self._log_noise_variance[0]))

    def _description(self) -> tuple[Hashable, ...]:
        return (*super()._description(), float(self.beta))

    def _row_losses(self, building: Building) -> Node:
        network = self._network
        return -network.bound(network.X, network.random_draw(), float(self.beta), building)

    def _describe_scored(self) -> Node:
        network = self._network
        return fn.expand_dims(network.bound(network.X, network.random_draw()), 1)

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        raw = self._layers.decode(self._describe_code())
        return (self._layers.X,), self._layers.reconstruction(raw) if activated else raw

    def _describe_code(self) -> Node:
        return self._network.posterior(self._layers.X)[0]

    # --- what it is asked for ------------------------------------------------------------

    def score_samples(self, X: MatrixLike, n_draws: int | None = None) -> Array:
        """The evidence lower bound of each row, in nats: at most the logarithm of its density.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        n_draws : int, default=None
            Draws of the code over which log p(x|z) is averaged, the same for all rows and each
            time; None for 64, or 4 for each component where that is more. They have exactly the
            mean and the covariance of the normal distribution, so the average is exact where a
            linear decoder has normal noise.

        Returns
        -------
        array of shape (n_samples,)

        Raises
        ------
        ValueError
            If ``n_draws`` is not a whole number, or less than two for each component.
        """
        check_is_fitted(self)
        X = self._validate_rows(X)
        self._check_values(X, self._layers)
        return self._scores(X, n_draws)

    def _scores(self, X: Array, n_draws: int | None = None) -> Array:
        network, n_components = self._network, self._layers.n_components
        if n_draws is None:
            n_draws = max(64, 4 * n_components)
        if not isinstance(n_draws, Integral):
            raise ValueError(f"n_draws must be a whole number or None, but got {n_draws!r}.")
        if n_draws < 2 * n_components:
            raise ValueError(
                f"{n_draws} draws are too few for a code of {n_components} components: give at "
                f"least {2 * n_components}."
            )
        x, given = network.X, network.given_code_layer
        epsilon = variable("epsilon", (n_components,))

        def bound() -> tuple[tuple[Node, ...], Node]:
            value = network.bound_of(x, *network.split(given), epsilon)
            return (x, given, epsilon), fn.expand_dims(value, 1)

        # Rows are encoded once for all draws.
        raw = self._evaluated("code_layer", lambda: ((x,), self._layers.raw_code(x)), (X,))
        total = np.zeros(X.shape[0])
        draws = balanced_draws(n_draws, n_components)
        for each in draws:
            total += self._evaluated("bound", bound, (X, raw), (each,))[:, 0]
        return (total / len(draws)).astype(raw.dtype)

    def sample(
        self, n_samples: int = 1, random_state: RandomState = None, *, noise: bool = True
    ) -> Array:
        """Draw new rows: codes from N(0, 1), and rows from what the decoder makes of them.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState or None, default=None
        noise : bool, default=True
            Draw from p(x|z); if False, give its means, which look smoother than rows are.

        Returns
        -------
        array of shape (n_samples, n_features)

        Raises
        ------
        NotFittedError
            If nothing has been learned yet.
        ValueError
            If ``n_samples`` is not a whole number from 1 on.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples must be a whole number from 1 on, but got {n_samples!r}.")
        generator = check_random_state(random_state)
        means = self.inverse_transform(
            generator.normal(size=(n_samples, self._layers.n_components))
        )
        if not noise:
            return means
        variance = None if self._layers.loss == "log_loss" else self.noise_variance_
        return self._network.observed(means, variance, generator)

    def explain(
        self,
        x_row: npt.ArrayLike,
        parameter: str | None = None,
        *,
        epsilon: npt.ArrayLike = 1.0,
        names: Sequence[str] | None = None,
    ) -> Derivation:
        """Derive the loss of one row, for one draw of its code, by one number of the network.

        The loss is less the evidence lower bound, with the code z = μ + σ·ε for the given ε.

        Parameters
        ----------
        x_row : array-like of shape (n_features,) or (1, n_features)
        parameter : str, optional
            As for the other auto encoders, and ``"mean[0]"``, ``"log_variance[0]"``,
            ``"sigma[0]"``, ``"log_noise_variance"``.
        epsilon : float or array-like of shape (n_components,), default=1.0
            The draw ε, held fixed; 1 is a code one standard deviation above its mean, and with 0
            nothing flows back through σ but from the divergence.
        names : sequence of str, optional
            What the features are called; ``feature_names_in_`` by default.

        Returns
        -------
        Derivation

        Raises
        ------
        NotFittedError, ValueError, FormulaError
            As for the other auto encoders; ValueError also if ``epsilon`` does not fit.
        """
        check_is_fitted(self)
        drawn = np.asarray(epsilon, dtype=np.float64)
        if drawn.shape not in ((), (self._layers.n_components,)) or not np.isfinite(drawn).all():
            raise ValueError(
                f"epsilon must be a number, or one for each of the {self._layers.n_components} "
                f"components, but got {epsilon!r}."
            )
        return self._explained(x_row, parameter, names, epsilon=drawn)

    def _explained_loss(self, x: Node, **options: Any) -> tuple[Node, Mapping[Node, Array]]:
        one_draw = (1, self._layers.n_components)
        draw = variable("epsilon", one_draw)
        loss = -self._network.bound(x, draw, float(self.beta))
        return loss, {draw: np.broadcast_to(options["epsilon"], one_draw)}

    def _restore(self) -> None:
        super()._restore()
        fixed = self._fixed_variance
        if fixed is not None and not (isinstance(fixed, float) and 0.0 < fixed < math.inf):
            raise FileError("the variance of its noise is not above 0")
        if self._network.learns_noise:
            require_numbers(self._log_noise_variance, (1,), "log_noise_variance")
