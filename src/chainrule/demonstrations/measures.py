"""What is measured, and the baselines that networks have to beat.

The ``return`` of each measure is shown on the page, as the line of code that computes the figure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.demonstrations.base import Baseline, Measure, Split

__all__ = [
    "ACCURACY",
    "ACCURACY_OF_FEATURES",
    "ALWAYS_ZERO",
    "AUTOREGRESSION",
    "BOUND",
    "DENOISING_ERROR",
    "ERROR_OF_SUMS",
    "ERROR_OVER_VARIANCE",
    "LINEAR_FILTER",
    "LOGISTIC",
    "MAJORITY",
    "PIXELS",
    "RECONSTRUCTION_ERROR",
    "principal_components",
    "probabilistic_components",
    "with_noise",
]

Array = npt.NDArray[Any]

NOISE = 0.5
"""The standard deviation of the noise that is to be removed from digits."""


def accuracy(model: Any, X_test: Array, y_test: Array) -> float:
    """The share of rows that are told right."""
    return model.score(X_test, y_test)


def error_over_variance(model: Any, X_test: Array, y_test: Array) -> float:
    """The squared error of the last predictions, one for each target, over their variance."""
    told = model.predict(X_test)[-len(y_test) :]
    return np.mean((told - y_test) ** 2) / np.var(y_test)


def error_of_sums(model: Any, X_test: Array, y_test: Array) -> float:
    """The mean squared error."""
    return np.mean((model.predict(X_test) - y_test) ** 2)


def reconstruction_error(model: Any, X_test: Array, y_test: Array) -> float:
    """The mean squared distance of a pixel from what became of it."""
    return np.mean((model.reconstruct(X_test) - X_test) ** 2)


def bound(model: Any, X_test: Array, y_test: Array) -> float:
    """The evidence lower bound of a row, in nats."""
    return model.score(X_test)


def denoising_error(model: Any, X_test: Array, y_test: Array) -> float:
    """The mean squared distance of a pixel, restored from noise, from the clean one."""
    noisy = X_test + np.random.default_rng(0).normal(0, 0.5, X_test.shape)
    return np.mean((model.reconstruct(noisy) - X_test) ** 2)


def accuracy_of_features(model: Any, X_test: Array, y_test: Array) -> float:
    """How well a linear classifier tells digits from their codes, in five-fold validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return cross_val_score(line, model.transform(X_test), y_test).mean()


def with_noise(X: Array) -> Array:
    """The rows that :func:`denoising_error` draws."""
    return X + np.random.default_rng(0).normal(0, NOISE, X.shape)


ACCURACY = Measure("accuracy", accuracy)
ERROR_OVER_VARIANCE = Measure("error/variance", error_over_variance, high_is_good=False)
ERROR_OF_SUMS = Measure("squared error", error_of_sums, high_is_good=False)
RECONSTRUCTION_ERROR = Measure("squared error", reconstruction_error, high_is_good=False)
DENOISING_ERROR = Measure("squared error", denoising_error, high_is_good=False)
ACCURACY_OF_FEATURES = Measure("accuracy", accuracy_of_features)
BOUND = Measure("nats a row", bound)


def _majority(data: Split) -> float:
    values, counts = np.unique(_targets(data), return_counts=True)
    return float(np.mean(data.y_test == values[counts.argmax()]))


def _logistic(data: Split) -> float:
    from sklearn.linear_model import LogisticRegression

    train, test = (X.reshape(len(X), -1) for X in (data.X_train, data.X_test))
    line = LogisticRegression(max_iter=5000).fit(train, _targets(data))
    return float(line.score(test, data.y_test))


def _always_zero(data: Split) -> float:
    return float(np.mean(data.y_test**2))


def _autoregression(data: Split, order: int = 12) -> float:
    """Each year as a linear function of those before, by least squares."""
    series = np.append(data.X_test, data.y_test[-1])
    before = np.lib.stride_tricks.sliding_window_view(series[:-1], order)
    design = np.column_stack([np.ones(len(before)), before])
    n_train = len(data.X_train) - order
    weights = np.linalg.lstsq(design[:n_train], series[order:][:n_train], rcond=None)[0]
    error = design[n_train:] @ weights - data.y_test
    return float(np.mean(error**2) / np.var(data.y_test))


def _linear_filter(data: Split) -> float:
    """The least error that any linear function of the noisy pixels has on average."""
    mean, spread = data.X_train.mean(axis=0), np.cov(data.X_train.T)
    gain = np.linalg.solve(spread + NOISE**2 * np.eye(len(spread)), spread)
    restored = mean + (with_noise(data.X_test) - mean) @ gain
    return float(np.mean((restored - data.X_test) ** 2))


def principal_components(n_components: int) -> Baseline:
    """The error of as many principal components."""

    def error(data: Split) -> float:
        from sklearn.decomposition import PCA

        pca = PCA(n_components).fit(data.X_train)
        restored = pca.inverse_transform(pca.transform(data.X_test))
        return float(np.mean((restored - data.X_test) ** 2))

    return Baseline(f"PCA, {n_components} numbers", error)


def probabilistic_components(n_components: int) -> Baseline:
    """The log-likelihood of probabilistic principal components."""

    def score(data: Split) -> float:
        from sklearn.decomposition import PCA

        return float(PCA(n_components).fit(data.X_train).score(data.X_test))

    return Baseline(f"PPCA, {n_components} numbers", score)


def _pixels(data: Split) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return float(cross_val_score(line, data.X_test, data.y_test).mean())


def _targets(data: Split) -> Array:
    if data.y_train is None:
        raise ValueError("this baseline is one of data with targets")
    return data.y_train


MAJORITY = Baseline("commoner class", _majority)
LOGISTIC = Baseline("logistic regression", _logistic)
ALWAYS_ZERO = Baseline("always 0", _always_zero)
AUTOREGRESSION = Baseline("AR(12)", _autoregression)
LINEAR_FILTER = Baseline("linear filter", _linear_filter)
PIXELS = Baseline("from the pixels", _pixels)
