"""The variational auto encoder: its bound, its peer, its draws."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule.networks.variational import balanced_draws

IRIS = load_iris().data
DIGITS = load_digits().data / 16

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def linear() -> cr.VariationalAutoencoder:
    model = cr.VariationalAutoencoder(
        2,
        encoder_sizes=(),
        alpha=0,
        max_iter=10_000,
        learning_rate_init=0.01,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(IRIS)
        for rate in (0.003, 0.001, 0.0003):
            model.set_params(warm_start=True, max_iter=5000, learning_rate_init=rate).fit(IRIS)
    return model


@pytest.mark.parametrize(
    "X",
    [IRIS, scale(IRIS), scale(load_wine().data), scale(load_breast_cancer().data)],
    ids=["iris", "iris, scaled", "wine, scaled", "cancer, scaled"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_defaults_do_better_than_probabilistic_principal_components(X, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = cr.VariationalAutoencoder(random_state=seed).fit(X)
    assert model.score(X) > PCA(2).fit(X).score(X)


@quiet
@pytest.mark.parametrize("seed", range(5))
def test_trains_on_rows_that_are_not_scaled(seed: int) -> None:
    X = load_breast_cancer().data  # up to 4,000: random first variances would be e^1000
    model = cr.VariationalAutoencoder(max_iter=20, random_state=seed).fit(X)
    assert model.loss_ < 1e4
    assert np.isfinite(model.score(X))


def test_linear_reaches_probabilistic_principal_components(linear) -> None:
    pca = PCA(2).fit(IRIS)
    assert pca.score(IRIS) == pytest.approx(-2.6998, abs=1e-4)
    assert linear.score(IRIS) == pytest.approx(pca.score(IRIS), abs=0.01)
    # PCA divides by one row less.
    assert linear.noise_variance_ == pytest.approx(pca.noise_variance_ * 149 / 150, rel=0.03)


def test_the_bound_is_below_the_log_density_of_each_row(linear) -> None:
    W, b = linear.coefs_[1], linear.intercepts_[1]
    covariance = W.T @ W + linear.noise_variance_ * np.eye(4)
    densities = multivariate_normal(b, covariance).logpdf(IRIS)
    bounds = linear.score_samples(IRIS)
    assert (bounds <= densities + 1e-9).all()
    assert np.mean(densities - bounds) < 0.01


def test_the_score_of_a_linear_decoder_does_not_depend_on_the_number_of_draws(linear) -> None:
    few, many = (linear.score_samples(IRIS, n_draws=n) for n in (4, 1000))
    assert few == pytest.approx(many, abs=1e-9)


def test_samples_have_the_mean_and_covariance_of_the_rows(linear) -> None:
    drawn = linear.sample(20_000, random_state=0)
    assert drawn.mean(axis=0) == pytest.approx(IRIS.mean(axis=0), abs=0.05)
    assert np.cov(drawn.T) == pytest.approx(np.cov(IRIS.T), abs=0.12)
    means = linear.sample(20_000, random_state=0, noise=False)
    assert np.var(drawn - means) == pytest.approx(linear.noise_variance_, rel=0.03)


@quiet
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_score_is_the_bound_computed_by_hand(likelihood: str) -> None:
    X = DIGITS[:100]
    model = cr.VariationalAutoencoder(
        3, (10,), activation="tanh", likelihood=likelihood, max_iter=20, beta=2, random_state=0
    ).fit(X)
    code_layer = np.tanh(X @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1]
    mean, log_variance = np.split(code_layer + model.intercepts_[1], 2, axis=1)
    assert model.transform(X) == pytest.approx(mean, abs=1e-12)
    likelihoods = []
    for epsilon in balanced_draws(64, 3):
        p = model.inverse_transform(mean + np.exp(log_variance / 2) * epsilon)
        if likelihood == "gaussian":
            each = norm(p, math.sqrt(model.noise_variance_)).logpdf(X)
        else:
            each = X * np.log(p) + (1 - X) * np.log(1 - p)
        likelihoods.append(each.sum(axis=1))
    divergence = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)
    expected = np.mean(likelihoods, axis=0) - divergence
    assert model.score_samples(X) == pytest.approx(expected, rel=1e-10)


@quiet
def test_the_loss_is_less_the_bound_of_one_draw_for_each_row() -> None:
    model = cr.VariationalAutoencoder(
        2, (10,), likelihood="bernoulli", alpha=0, max_iter=60, random_state=0
    ).fit(DIGITS, validation_data=DIGITS)
    bound = model.score(DIGITS)
    assert model.loss_ == pytest.approx(-bound, rel=0.02)
    assert model.history_["validation_loss"][-1] == pytest.approx(-bound, rel=0.01)
    assert model.history_["validation_score"][-1] == pytest.approx(bound, rel=0.01)


@quiet
def test_a_larger_beta_presses_codes_to_the_prior() -> None:
    def divergence(beta: float) -> float:
        model = cr.VariationalAutoencoder(
            2, (20,), beta=beta, max_iter=100, learning_rate_init=0.01, random_state=0
        ).fit(DIGITS)
        return float(np.mean(model.transform(DIGITS) ** 2))

    assert divergence(20.0) < 0.7 * divergence(1.0)


@quiet
def test_binary_samples_are_binary_and_the_noise_given_is_kept() -> None:
    model = cr.VariationalAutoencoder(2, (10,), likelihood="bernoulli", max_iter=5, random_state=0)
    drawn = model.fit(DIGITS).sample(10, random_state=0)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert not hasattr(model, "noise_variance_")
    assert (drawn == model.sample(10, random_state=0)).all()
    given = cr.VariationalAutoencoder(2, (10,), noise_variance=0.25, max_iter=5, random_state=0)
    assert given.fit(DIGITS).noise_variance_ == 0.25


@quiet
def test_what_was_fitted_answers_whatever_the_parameters_ask_for_by_now(tmp_path) -> None:
    model = cr.VariationalAutoencoder(2, (10,), max_iter=5, random_state=0).fit(DIGITS)
    drawn, variance = model.sample(10, random_state=0), model.noise_variance_
    for asked in ({"likelihood": "bernoulli"}, {"noise_variance": 0.1}):
        model.set_params(**asked)
        model.save(tmp_path / "m.safetensors")
        for each in (model, cr.load(tmp_path / "m.safetensors")):
            assert (each.sample(10, random_state=0) == drawn).all()
            assert each.noise_variance_ == variance
    binary = cr.VariationalAutoencoder(2, (10,), likelihood="bernoulli", max_iter=5)
    binary.fit(DIGITS).set_params(likelihood="gaussian")
    assert set(np.unique(binary.sample(10))) == {0.0, 1.0}
    assert not hasattr(binary, "noise_variance_")


@quiet
def test_explains_the_draw_that_is_asked_for() -> None:
    model = cr.VariationalAutoencoder(2, (5,), activation="tanh", max_iter=20, random_state=0)
    model.fit(IRIS)
    for parameter in ("mean[0]", "log_variance[1]", "sigma[1]", "log_noise_variance", "W2[0, 3]"):
        for epsilon in (0.0, [0.5, -2.0]):
            work = model.explain(IRIS[0], parameter, epsilon=epsilon)
            assert work.chains[0].check.agrees, (parameter, epsilon)
    with pytest.raises(ValueError, match="one for each of the 2 components"):
        model.explain(IRIS[0], epsilon=[1.0, 2.0, 3.0])


def test_draws_are_balanced() -> None:
    draws = balanced_draws(40, 20)
    assert draws.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert draws.T @ draws / 40 == pytest.approx(np.eye(20), abs=1e-9)


@quiet
def test_refuses_what_it_cannot_do() -> None:
    model = cr.VariationalAutoencoder(likelihood="bernoulli", max_iter=5)
    with pytest.raises(NotFittedError):
        model.sample()
    with pytest.raises(ValueError, match="likelihood='bernoulli' is for values from 0 to 1"):
        model.fit(IRIS)
    with pytest.raises(ValueError, match="tied_weights"):
        cr.VariationalAutoencoder(tied_weights=True).fit(IRIS)
    with pytest.raises(ValueError, match="solver"):
        cr.VariationalAutoencoder(solver="lbfgs").fit(IRIS)
    model.fit(DIGITS)
    with pytest.raises(ValueError, match="give at least 4"):
        model.score_samples(DIGITS, n_draws=3)
    with pytest.raises(ValueError, match=r"whole number or None, but got 4\.5"):
        model.score_samples(DIGITS, n_draws=4.5)
    with pytest.raises(ValueError, match="n_samples"):
        model.sample(0)
