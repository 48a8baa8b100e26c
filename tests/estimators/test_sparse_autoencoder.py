"""The sparse auto encoder: Ng's objective, all at once and by minibatches."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from sklearn.datasets import load_digits, load_sample_image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import chainrule as cr

RHO, BETA, LAMBDA = 0.01, 3.0, 1e-4

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def patches():
    """3,000 patches, with the mean of each removed, cut off at ±3 deviations, in [0.1, 0.9]."""
    image = load_sample_image("china.jpg").mean(axis=2) / 255
    generator = np.random.default_rng(0)
    corners = zip(generator.integers(0, 419, 3000), generator.integers(0, 632, 3000), strict=True)
    X = np.array([image[i : i + 8, j : j + 8].ravel() for i, j in corners])
    X -= X.mean(axis=1, keepdims=True)
    limit = 3 * X.std()
    return (np.clip(X, -limit, limit) / limit + 1) * 0.4 + 0.1


def objective(X, model) -> float:
    """The objective of the lecture notes, in NumPy."""
    W1, W2 = model.coefs_
    code = scipy.special.expit(X @ W1 + model.intercepts_[0])
    output = scipy.special.expit(code @ W2 + model.intercepts_[1])
    mean = code.mean(axis=0)
    divergence = RHO * np.log(RHO / mean) + (1 - RHO) * np.log((1 - RHO) / (1 - mean))
    error = 0.5 * np.sum((output - X) ** 2, axis=1).mean()
    return float(error + LAMBDA / 2 * (np.sum(W1**2) + np.sum(W2**2)) + BETA * np.sum(divergence))


@quiet
def test_reaches_the_figure_of_image_patches(patches) -> None:
    model = cr.SparseAutoencoder(
        25,
        activation="logistic",
        sparsity=RHO,
        sparsity_weight=BETA,
        alpha=LAMBDA * len(patches),  # divided by the number of rows
        output_activation="logistic",
        solver="lbfgs",
        max_iter=400,
        tol=1e-8,
        random_state=0,
    ).fit(patches)
    assert model.loss_ == pytest.approx(objective(patches, model), rel=1e-10)
    # 0.397 with other patches; 0.40 to 0.41 with these and other seeds.
    assert model.loss_ < 0.41
    assert model.mean_activation_ == pytest.approx(RHO, abs=0.002)


@quiet
def test_minibatches_bring_the_mean_activation_to_the_target_as_well(patches) -> None:
    model = cr.SparseAutoencoder(
        25,
        sparsity=RHO,
        sparsity_weight=BETA,
        output_activation="logistic",
        batch_size=50,
        learning_rate_init=0.003,
        max_iter=40,
        random_state=0,
    ).fit(patches)
    assert model.mean_activation_ == pytest.approx(RHO, abs=0.002)


@quiet
def test_without_the_penalty_the_code_is_not_sparse() -> None:
    X = load_digits().data / 16
    options = {"max_iter": 30, "learning_rate_init": 0.01, "random_state": 0}
    free = cr.SparseAutoencoder(30, sparsity_weight=0, **options).fit(X)
    held = cr.SparseAutoencoder(30, **options).fit(X)
    assert held.mean_activation_.mean() < 0.08 < 0.2 < free.mean_activation_.mean()


@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [-200.0, 200.0])
def test_dead_and_saturated_codes_give_no_nan(dtype, bias: float) -> None:
    X = (load_digits().data / 16).astype(dtype)
    model = cr.SparseAutoencoder(5, max_iter=2, warm_start=True, random_state=0).fit(X)
    model.intercepts_[0][:] = bias
    model.fit(X)
    assert np.isfinite(model.loss_)
    assert all(np.isfinite(each).all() for each in model.coefs_)


@quiet
def test_the_shares_of_rows_in_a_derivation_add_up_to_the_gradient_of_the_whole() -> None:
    X = load_digits().data[:40] / 16
    model = cr.SparseAutoencoder(4, solver="lbfgs", alpha=0, max_iter=5, random_state=0).fit(X)

    def whole(change: float) -> float:
        bias = model.intercepts_[0] + np.array([change, 0, 0, 0])
        code = scipy.special.expit(X @ model.coefs_[0] + bias)
        error = 0.5 * np.sum((code @ model.coefs_[1] + model.intercepts_[1] - X) ** 2, axis=1)
        mean = code.mean(axis=0)
        kl = 0.05 * np.log(0.05 / mean) + 0.95 * np.log(0.95 / (1 - mean))
        return float(error.mean() + 3.0 * kl.sum())

    shares = [model.explain(row, "b1[0]").gradients["b1[0]"] for row in X]
    assert np.mean(shares) == pytest.approx((whole(1e-5) - whole(-1e-5)) / 2e-5, rel=1e-6)


def test_default_codes_tell_digits_nearly_as_well_as_pixels() -> None:
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
    line = LogisticRegression(max_iter=5000)
    pixels = line.fit(X, y).score(X_test, y_test)
    coded = make_pipeline(cr.SparseAutoencoder(random_state=0), line).fit(X, y)
    assert coded.score(X_test, y_test) > pixels - 0.04
