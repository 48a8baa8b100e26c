"""The variational auto encoder: a code that is drawn, and a bound on the likelihood of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.graph.node import Node, constant, variable
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.building import Building

__all__ = ["VariationalNetwork", "balanced_draws"]

CODE_STREAM = 1 << 20
"""The stream of the code's draws, far from those of dropout."""


@dataclass(frozen=True)
class VariationalNetwork:
    """An encoder to q(z|x) = N(mean, variance), a decoder to p(x|z), and a prior N(0, I).

    Parameters
    ----------
    layers : AutoencoderNetwork
        With two numbers per component: the first half of the code's columns is the mean, the
        second the logarithm of the variance. Its loss ``"squared_error"`` stands for normal
        noise around the reconstruction, ``"log_loss"`` for features that are 0 or 1.
    noise_variance : float or None
        The variance of the normal noise, the same for all features; None to learn it, as
        ``log_noise_variance``. Not used by ``"log_loss"``.

    References
    ----------
    Kingma & Welling, "Auto-encoding variational Bayes", 2013.

    Examples
    --------
    >>> layers = AutoencoderNetwork(4, (), 2, (), "identity", numbers_per_component=2)
    >>> network = VariationalNetwork(layers, noise_variance=None)
    >>> [each.name for each in network.parameters]
    ['W1', 'W2', 'b1', 'b2', 'log_noise_variance']
    """

    layers: AutoencoderNetwork
    noise_variance: float | None = None

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return self.layers.X

    @property
    def weights(self) -> tuple[Node, ...]:
        """Those of the layers."""
        return self.layers.weights

    @property
    def given_code_layer(self) -> Node:
        """Mean and logarithm of the variance, as a variable: (rows, 2·components)."""
        return variable("given_code_layer", ("rows", 2 * self.layers.n_components))

    @property
    def learns_noise(self) -> bool:
        """Whether the variance of the noise is a parameter."""
        return self.noise_variance is None and self.layers.loss == "squared_error"

    @property
    def parameters(self) -> tuple[Node, ...]:
        """Those of the layers, and the logarithm of the noise variance where it is learned."""
        learned = (variable("log_noise_variance", (1,)),) if self.learns_noise else ()
        return (*self.layers.parameters, *learned)

    @property
    def statistics(self) -> tuple[Node, ...]:
        """Those of the layers."""
        return self.layers.statistics

    def posterior(self, X: Node, building: Building | None = None) -> tuple[Node, Node]:
        """Mean and logarithm of the variance of the code: (rows, components) each."""
        return self.split(self.layers.raw_code(X, building))

    def split(self, raw: Node) -> tuple[Node, Node]:
        """The code's layer, (rows, 2·components), in two."""
        half = self.layers.n_components
        mean = fn.slice_axes(raw, (None, (0, half))).named("mean")
        return mean, fn.slice_axes(raw, (None, (half, 2 * half))).named("log_variance")

    def drawn_code(self, mean: Node, log_variance: Node, epsilon: Node) -> Node:
        """z = μ + σ·ε: the gradient goes through the draw to μ and σ."""
        sigma = fn.exp(0.5 * log_variance).named("sigma")
        return (mean + sigma * epsilon).named("code")

    def divergence(self, mean: Node, log_variance: Node) -> Node:
        """KL(q(z|x)‖N(0, I)) = ½ Σ (μ² + σ² - log σ² - 1), summed over components: (rows,)."""
        terms = fn.square(mean) + fn.exp(log_variance) - log_variance - 1.0
        return (0.5 * fn.sum(terms, 1)).named("divergence")

    def log_likelihood(self, X: Node, code: Node, building: Building | None = None) -> Node:
        """log p(x|z), with all its constants, summed over the features: (rows,)."""
        losses = self.layers.row_losses(X, self.layers.decode(code, building))
        if self.layers.loss == "log_loss":
            return (-losses).named("log_likelihood")
        constants = constant(0.5 * self.layers.n_features * math.log(2.0 * math.pi))
        half_width = 0.5 * self.layers.n_features
        log_variance = self._log_noise_variance
        # The squared-error loss has its factor of ½ already.
        distance = losses.named("half_distance")
        precision = fn.exp(-log_variance).named("precision")
        value = -distance * precision - half_width * log_variance - constants
        return value.named("log_likelihood")

    def bound(
        self, X: Node, epsilon: Node, beta: float = 1.0, building: Building | None = None
    ) -> Node:
        """The evidence lower bound for one draw of the code: (rows,).

        Parameters
        ----------
        X : Node
            (rows, features).
        epsilon : Node
            Standard normal numbers: (rows, components), or (components,) for all rows.
        beta : float, default=1.0
            A factor for the divergence; other than 1, this is no bound (Higgins et al., "beta-VAE",
            2017).
        building : Building, optional
            As for the layers: says whether the graph is for training.
        """
        return self.bound_of(X, *self.posterior(X, building), epsilon, beta, building)

    def bound_of(
        self,
        X: Node,
        mean: Node,
        log_variance: Node,
        epsilon: Node,
        beta: float = 1.0,
        building: Building | None = None,
    ) -> Node:
        """The same, for rows that are encoded already."""
        code = self.drawn_code(mean, log_variance, epsilon)
        divergence = self.divergence(mean, log_variance)
        if beta != 1.0:
            divergence = beta * divergence
        return self.log_likelihood(X, code, building) - divergence

    def random_draw(self) -> Node:
        """ε, drawn anew at every step: (rows, components)."""
        return fn.normal(("rows", self.layers.n_components), CODE_STREAM)

    def initial_parameters(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike, variance: float
    ) -> list[Array]:
        """First values of parameters and statistics; ``variance`` is the first one of the noise.

        What gives the logarithms of the codes' variances is 0, so training starts with variances
        of 1 whatever the scale of the rows: drawn at random, their exponentials might overflow.
        """
        learned = self.layers.initial_parameters(random_state, dtype)
        code = self.layers.code_layer - 1
        for of_code in (learned[code], learned[len(self.layers.weights) + code]):
            of_code[..., self.layers.n_components :] = 0.0
        if self.learns_noise:
            learned.insert(len(self.layers.parameters), np.array([math.log(variance)], dtype))
        return learned

    def describe(self, name: str, index: tuple[int, ...]) -> str:
        """What an entry of a parameter is."""
        if name == "log_noise_variance":
            return "the logarithm of the variance of the noise"
        return self.layers.describe(name, index)

    def observed(
        self, means: Array, noise_variance: float, random_state: np.random.RandomState
    ) -> Array:
        """Rows drawn from p(x|z), given its means: (rows, features)."""
        if self.layers.loss == "log_loss":
            return (random_state.uniform(size=means.shape) < means).astype(means.dtype)
        noise = math.sqrt(noise_variance) * random_state.normal(size=means.shape)
        return means + noise.astype(means.dtype)

    @property
    def _log_noise_variance(self) -> Node:
        if self.noise_variance is not None:
            return constant(math.log(self.noise_variance))
        return self.parameters[-1]


def balanced_draws(n_draws: int, n_components: int) -> npt.NDArray[np.float64]:
    """Normal draws whose mean is exactly 0 and whose covariance is exactly the identity.

    Pairs of opposite draws, brought to that covariance: an average over them is that of the normal
    distribution itself for all polynomials up to the third degree. They are the same each time.

    Parameters
    ----------
    n_draws : int
        At least 2·n_components; one more if it is odd.
    n_components : int

    Returns
    -------
    array of shape (n_draws, n_components)

    Examples
    --------
    >>> draws = balanced_draws(100, 3)
    >>> np.allclose(draws.mean(0), 0), np.allclose(draws.T @ draws / 100, np.eye(3))
    (True, True)
    """
    n_pairs = -(-n_draws // 2)
    drawn = np.random.RandomState(0).normal(size=(n_pairs, n_components))
    factor = np.linalg.cholesky(drawn.T @ drawn / n_pairs)
    half = np.linalg.solve(factor, drawn.T).T
    return np.concatenate([half, -half])
