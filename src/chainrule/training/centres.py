"""Centres for radial basis functions, and how wide these are."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from chainrule.engines.base import Array

__all__ = ["draw_centres", "gamma_of_centres", "gamma_of_scale", "usual_number"]


def usual_number(n_rows: int) -> int:
    """A tenth of the rows; at least 10, or all of them, and at most 300."""
    return min(n_rows, max(10, min(n_rows // 10, 300)))


def draw_centres(
    X: Array,
    number: int,
    method: str,
    random_state: np.random.RandomState,
    weights: Array | None,
    n_threads: int = 1,
) -> Array:
    """``number`` points that stand for the rows of X.

    Parameters
    ----------
    X : array of shape (rows, features)
        At least ``number`` of its rows are different.
    number : int
    method : {"kmeans", "random"}
        The means of clusters, or some of the rows, no two alike.
    random_state : RandomState
    weights : array of shape (rows,) or None
        How much each row draws a mean towards itself.
    n_threads : int, default=1
        Threads of k-means.

    References
    ----------
    Moody & Darken, "Fast learning in networks of locally-tuned processing units", Neural
    Computation 1, 1989, for k-means.
    """
    if method == "random":
        different = np.sort(np.unique(X, axis=0, return_index=True)[1])
        return X[random_state.permutation(different)[:number]]
    means = KMeans(number, n_init=1, random_state=random_state)
    with threadpool_limits(n_threads, user_api="openmp"):
        means.fit(X, sample_weight=weights)
    return means.cluster_centers_.astype(X.dtype, copy=False)


def gamma_of_centres(centres: Array) -> float | None:
    """1/(2σ²), σ being the mean distance of a centre to the one next to it.

    So a bump has fallen to 0.61 where the next one stands, and neighbours overlap whatever the
    scale of the data, their dimension, and the number of centres. None if all centres are alike.
    """
    if len(centres) < 2:
        return None
    with threadpool_limits(1, user_api="openmp"):
        distances, _ = NearestNeighbors(n_neighbors=1).fit(centres).kneighbors()
    apart = distances[distances > 0]
    return float(0.5 / np.mean(apart) ** 2) if len(apart) else None


def gamma_of_scale(X: Array) -> float:
    """1/(features · variance of all numbers in X), as scikit-learn's kernels have it."""
    variance = float(np.var(X, dtype=np.float64))
    return 1.0 / (X.shape[1] * variance) if variance > 0 else 1.0
