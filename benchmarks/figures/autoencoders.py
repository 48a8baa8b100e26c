"""Figures of auto encoders."""

from __future__ import annotations

from functools import cache
from statistics import median

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.datasets import load_digits, load_iris, load_sample_image
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks.figures.figure import Measured, Target, figure, over_seeds, short

Array = npt.NDArray[np.float64]

# --- auto encoder ------------------------------------------------------------------------

HALVES = ("digits/16, every other row", "mean squared error on the other half")
NONLINEAR = "encoder_sizes=(128, 64), learning_rate_init=0.003, batch_size=32, n_iter_no_change=10"


def _error_of_components(n_components: int, X: Array, X_test: Array) -> float:
    pca = PCA(n_components).fit(X)
    return float(np.mean((pca.inverse_transform(pca.transform(X_test)) - X_test) ** 2))


def _halves(n_components: int) -> Measured:
    """The error over seeds, to be below that of as many principal components."""
    X = load_digits().data / 16
    X, X_test = X[::2], X[1::2]
    errors = [
        -cr.Autoencoder(
            n_components,
            (128, 64),
            learning_rate_init=0.003,
            batch_size=32,
            n_iter_no_change=10,
            random_state=seed,
        )
        .fit(X)
        .score(X_test)
        for seed in range(3)
    ]
    bound = _error_of_components(n_components, X, X_test)
    return over_seeds(errors, Target(bound, False, "PCA, same run"))


@figure("Autoencoder", *HALVES, settings=f"n_components=2, {NONLINEAR}")
def autoencoder_2() -> Measured:
    """A code of two numbers."""
    return _halves(2)


@figure("Autoencoder", *HALVES, settings=f"n_components=8, {NONLINEAR}")
def autoencoder_8() -> Measured:
    """A code of eight numbers."""
    return _halves(8)


@figure(
    "Autoencoder",
    "iris",
    "mean squared error / that of two principal components, less 1",
    settings='encoder_sizes=(), solver="lbfgs", alpha=0, max_iter=2000, tol=1e-7',
    at_most=1e-4,
    source="PCA",
)
def autoencoder_linear() -> Measured:
    """Without hidden layers nothing is better than principal components."""
    X = load_iris().data
    best = _error_of_components(2, X, X)
    errors = [
        -cr.Autoencoder(2, (), solver="lbfgs", alpha=0, max_iter=2000, tol=1e-7, random_state=seed)
        .fit(X)
        .score(X)
        for seed in range(5)
    ]
    return over_seeds([each / best - 1 for each in errors], more=f"PCA's error {best:.5f}")


# --- variational auto encoder ------------------------------------------------------------

PRINCIPAL = "probabilistic principal components"
VARIATIONAL = (
    "encoder_sizes=(), alpha=0; 10,000 epochs with learning_rate_init=0.01, then 5,000 each "
    "with 0.003, 0.001 and 0.0003"
)


@cache
def _linear_variational(seed: int) -> cr.VariationalAutoencoder:
    X = load_iris().data
    model = cr.VariationalAutoencoder(
        2,
        (),
        alpha=0,
        max_iter=10_000,
        learning_rate_init=0.01,
        n_iter_no_change=np.inf,
        random_state=seed,
    ).fit(X)
    for rate in (0.003, 0.001, 0.0003):
        model.set_params(warm_start=True, max_iter=5000, learning_rate_init=rate).fit(X)
    return model


@figure(
    "VariationalAutoencoder",
    "iris",
    "nats of a row that the bound is below the likelihood of the peer",
    settings=VARIATIONAL,
    at_most=0.01,
    source=PRINCIPAL,
)
def variational_bound() -> Measured:
    """A linear one can be as good as probabilistic principal components, and no better."""
    X = load_iris().data
    best = PCA(2).fit(X).score(X)
    bounds = [_linear_variational(seed).score(X) for seed in range(3)]
    more = f"bound {short(median(bounds))}, likelihood {best:.5f}"
    return over_seeds([best - each for each in bounds], more=more)


@figure(
    "VariationalAutoencoder",
    "iris",
    "relative difference of the noise variance",
    settings=VARIATIONAL,
    at_most=0.03,
    source=PRINCIPAL,
)
def variational_noise() -> Measured:
    """The noise is what the components leave over."""
    X = load_iris().data
    # The most likely variance: PCA divides by one row less.
    best = PCA(2).fit(X).noise_variance_ * (len(X) - 1) / len(X)
    found = [_linear_variational(seed).noise_variance_ for seed in range(3)]
    more = f"{median(found):.4f} and {best:.4f}"
    return over_seeds([abs(each / best - 1) for each in found], more=more)


# --- denoising auto encoder --------------------------------------------------------------

NOISE = 0.5


@figure(
    "DenoisingAutoencoder",
    "iris less its mean, normal noise of 0.5",
    "expected squared error of restoring it",
    settings='n_components=4, code_activation="identity", alpha=0; 2,000 epochs with '
    "learning_rate_init=0.01, then as many with 0.001",
)
def denoising_linear() -> Measured:
    """The best linear denoiser is known: Σ(Σ + s²I)⁻¹."""
    X = load_iris().data
    X = X - X.mean(axis=0)

    def error(matrix: Array, shift: Array | float) -> float:
        """Over all noise there could be: of the clean part, and of the noise let through."""
        clean = np.mean((X @ matrix + shift - X) ** 2)
        return float(clean + NOISE**2 * np.sum(matrix**2) / X.shape[1])

    covariance = X.T @ X / len(X)
    best = error(np.linalg.solve(covariance + NOISE**2 * np.eye(4), covariance), 0.0)
    errors = []
    for seed in range(3):
        model = cr.DenoisingAutoencoder(
            4,
            code_activation="identity",
            noise=NOISE,
            alpha=0,
            max_iter=2000,
            learning_rate_init=0.01,
            n_iter_no_change=np.inf,
            random_state=seed,
        ).fit(X)
        model.set_params(warm_start=True, learning_rate_init=0.001).fit(X)
        shift = model.reconstruct(np.zeros((1, 4)))
        errors.append(error(model.reconstruct(np.eye(4)) - shift, shift))
    target = Target(1.01 * best, False, "closed form and a hundredth")
    more = f"closed form {best:.4f}, identity {short(error(np.eye(4), 0.0))}"
    return over_seeds(errors, target, more)


# --- sparse auto encoder -----------------------------------------------------------------

N_CODE, RHO, BETA, LAMBDA = 25, 0.01, 3.0, 1e-4
PATCHES = "3,000 patches of 8 x 8 of china.jpg"
SPARSE = (
    'n_components=25, activation="logistic", sparsity=0.01, sparsity_weight=3, alpha=0.3 (of 3,000 '
    'rows), output_activation="logistic", solver="lbfgs", max_iter=400, tol=1e-8'
)


@cache
def _patches() -> Array:
    """The mean of each removed, cut off at ±3 deviations, from 0.1 to 0.9."""
    image = load_sample_image("china.jpg").mean(axis=2) / 255
    generator = np.random.default_rng(0)
    corners = zip(generator.integers(0, 419, 3000), generator.integers(0, 632, 3000), strict=True)
    X = np.array([image[i : i + 8, j : j + 8].ravel() for i, j in corners])
    X -= X.mean(axis=1, keepdims=True)
    limit = 3 * X.std()
    return (np.clip(X, -limit, limit) / limit + 1) * 0.4 + 0.1


@cache
def _sparse(seed: int) -> cr.SparseAutoencoder:
    X = _patches()
    return cr.SparseAutoencoder(
        N_CODE,
        activation="logistic",
        sparsity=RHO,
        sparsity_weight=BETA,
        alpha=LAMBDA * len(X),
        output_activation="logistic",
        solver="lbfgs",
        max_iter=400,
        tol=1e-8,
        random_state=seed,
    ).fit(X)


def _objective(flat: Array, X: Array) -> tuple[float, Array]:
    """The objective of the lecture notes and its gradient, by hand."""
    n, width = X.shape
    W1, W2, b1, b2 = np.split(flat, np.cumsum([width * N_CODE, N_CODE * width, N_CODE]))
    W1, W2 = W1.reshape(width, N_CODE), W2.reshape(N_CODE, width)
    code = expit(X @ W1 + b1)
    output = expit(code @ W2 + b2)
    mean = code.mean(axis=0)
    divergence = RHO * np.log(RHO / mean) + (1 - RHO) * np.log((1 - RHO) / (1 - mean))
    value = 0.5 * np.sum((output - X) ** 2) / n + BETA * np.sum(divergence)
    value += LAMBDA / 2 * (np.sum(W1**2) + np.sum(W2**2))
    at_output = (output - X) * output * (1 - output) / n
    at_mean = BETA / n * ((1 - RHO) / (1 - mean) - RHO / mean)
    at_code = (at_output @ W2.T + at_mean) * code * (1 - code)
    gradients = (X.T @ at_code + LAMBDA * W1, code.T @ at_output + LAMBDA * W2)
    biases = (at_code.sum(axis=0), at_output.sum(axis=0))
    return float(value), np.concatenate([each.ravel() for each in (*gradients, *biases)])


def _objective_of_scipy(seed: int) -> tuple[float, float]:
    """Before and after 400 iterations of SciPy's L-BFGS, from the notes' first weights."""
    X = _patches()
    width, bound = X.shape[1], (6 / (X.shape[1] + N_CODE + 1)) ** 0.5
    weights = np.random.default_rng(seed).uniform(-bound, bound, 2 * width * N_CODE)
    first = np.concatenate([weights, np.zeros(N_CODE + width)])
    found = minimize(_objective, first, (X,), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    return _objective(first, X)[0], float(found.fun)


@figure(
    "SparseAutoencoder",
    PATCHES,
    "objective of Ng's lecture notes",
    settings=SPARSE,
)
def sparse_objective() -> Measured:
    """Error, penalty of the weights and divergence of the mean activations."""
    with threadpool_limits(1):  # its products are too small for more
        before, peers = zip(*map(_objective_of_scipy, range(3)), strict=True)
    peer = f"{short(median(peers))}, {short(min(peers))} to {short(max(peers))}"
    more = f"SciPy's L-BFGS: from {median(before):.0f} to {peer}; on other patches it reached 0.397"
    # The starts differ, and with them the minimum that is found.
    target = Target(1.01 * median(peers), False, "SciPy's L-BFGS on these patches and a hundredth")
    return over_seeds([_sparse(seed).loss_ for seed in range(5)], target, more)


@figure(
    "SparseAutoencoder",
    PATCHES,
    "largest difference of a mean activation to 0.01",
    settings=SPARSE,
    at_most=0.002,
    source="near 0.01",
)
def sparse_activation() -> Measured:
    """Each number of the code is active for one row in a hundred."""
    found = [_sparse(seed).mean_activation_ for seed in range(5)]
    return over_seeds([float(np.max(np.abs(each - RHO))) for each in found])
