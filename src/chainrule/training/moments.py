"""Means and products of the columns of a tall table, in one pass over blocks of its rows.

A block is centred on its own mean in a buffer that stays in cache, so the table is neither
copied nor changed, and no digits cancel. The sums also show whether every value was finite,
which spares a pass of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.engines.base import Array
from chainrule.training.blocks import block_rows, blocks, dense_rows, on_shares

__all__ = [
    "Moments",
    "block_buffer",
    "column_moments",
    "find_not_finite",
    "mean_square_from_mean",
    "moment_block",
    "moment_threads",
]

LEAST_ROWS = 1024
"""Fewer rows of a wide table are not worth a product of their own."""


class Moments:
    """The weighted means of X and Y, and the products of their deviations from these.

    Attributes
    ----------
    weight : float
        Σ of the weights: the number of rows where there are none.
    x_mean, y_mean : array of shape (n_features,), (n_targets,)
        Zero unless centred.
    xx : array of shape (n_features, n_features)
        Σ weight·(x - x_mean)(x - x_mean)ᵀ.
    xy : array of shape (n_features, n_targets)
        Σ weight·(x - x_mean)(y - y_mean)ᵀ.
    yy : array of shape (n_targets,)
        Σ weight·(y - y_mean)².
    """

    def __init__(self, n_features: int, n_targets: int) -> None:
        self.weight = 0.0
        self.x_mean = np.zeros(n_features)
        self.y_mean = np.zeros(n_targets)
        self.xx = np.zeros((n_features, n_features))
        self.xy = np.zeros((n_features, n_targets))
        self.yy = np.zeros(n_targets)

    @property
    def finite(self) -> bool:
        """Whether all values seen were finite, and their squares too."""
        return bool(np.isfinite(np.diagonal(self.xx)).all())

    def join_means(self, weight: float, x_mean: Array, y_mean: Array) -> tuple[Array, Array]:
        """Make these the means of other rows too.

        Returns one more row of deviations, of x and of y, which accounts for the distance
        between the means. All products then only grow: nothing cancels.
        """
        joint = self.weight + weight
        x_shift, y_shift = x_mean - self.x_mean, y_mean - self.y_mean
        spread = math.sqrt(self.weight * weight / joint) if joint else 0.0
        part = weight / joint if joint else 1.0
        self.x_mean += part * x_shift
        self.y_mean += part * y_shift
        self.weight = joint
        return spread * x_shift, spread * y_shift

    def join(self, other: Moments) -> None:
        """Add the moments of other rows to these."""
        x_shift, y_shift = self.join_means(other.weight, other.x_mean, other.y_mean)
        self.xx += other.xx + np.multiply.outer(x_shift, x_shift)
        self.xy += other.xy + np.multiply.outer(x_shift, y_shift)
        self.yy += other.yy + y_shift**2


def column_moments(
    X: Array, Y: Array, weights: Array | None = None, *, centre: bool = True, n_threads: int = 1
) -> Moments:
    """The moments of all rows, in double precision.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        Single or double precision, in any order. It is read once and never copied as a whole.
    Y : array of shape (n_samples, n_targets)
    weights : array of shape (n_samples,), optional
        Not negative.
    centre : bool, default=True
        Whether to take deviations from the means, or from zero.
    n_threads : int, default=1

    Returns
    -------
    Moments

    References
    ----------
    Chan, Golub & LeVeque, "Algorithms for computing the sample variance: analysis and
    recommendations", 1983.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 7.0]])
    >>> moments = column_moments(X, X[:, :1])
    >>> moments.x_mean
    array([2., 3.])
    >>> moments.xx
    array([[ 8., 12.],
           [12., 24.]])
    """
    n_rows, n_features = X.shape
    first, *others = on_shares(
        lambda start, stop: _share_moments(X, Y, weights, centre, start, stop),
        n_rows,
        moment_block(n_features),
        moment_threads(n_rows, n_features, n_threads),
    )
    with np.errstate(all="ignore"):
        for each in others:
            first.join(each)
    return first


def _share_moments(
    X: Array, Y: Array, weights: Array | None, centre: bool, start: int, stop: int
) -> Moments:
    n_features, n_targets = X.shape[1], Y.shape[1]
    total = Moments(n_features, n_targets)
    size = min(moment_block(n_features), stop - start)
    x_buffer, y_buffer = block_buffer(X, size + 1), np.empty((size + 1, n_targets))
    ones = np.ones(size)
    products = np.empty((n_features, n_features))
    with np.errstate(all="ignore"):  # NaN and infinity are looked for in the sums
        for block in blocks(start, stop, size):
            length = block.stop - block.start
            share = ones[:length] if weights is None else weights[block]
            weight = float(share.sum())
            x, y = x_buffer[:length], y_buffer[:length]
            rows = X[block]
            if centre:
                if rows.dtype != x.dtype:
                    x[...] = rows
                    rows = x
                # A product with the weights is several times as fast as a sum over rows.
                x_mean = np.dot(share, rows) / (weight or 1.0)
                y_mean = np.dot(share, Y[block]) / (weight or 1.0)
                np.subtract(rows, x_mean, out=x)
                np.subtract(Y[block], y_mean, out=y)
            else:
                x[...], y[...] = rows, Y[block]
                x_mean, y_mean = np.zeros(n_features), np.zeros(n_targets)
            if weights is not None:
                root = np.sqrt(share)[:, np.newaxis]
                x *= root
                y *= root
            x_buffer[length], y_buffer[length] = total.join_means(weight, x_mean, y_mean)
            x, y = x_buffer[: length + 1], y_buffer[: length + 1]
            # Other threads run during np.dot, but not during the @ of a small result.
            total.xx += np.dot(x.T, x, out=products)
            total.xy += np.dot(x.T, y)
            total.yy += np.einsum("ij,ij->j", y, y)
    return total


def find_not_finite(X: Array) -> tuple[int, int] | None:
    """The row and column of the first value that is NaN or infinite, row by row."""
    for block in blocks(0, len(X), moment_block(X.shape[1])):
        bad = ~np.isfinite(X[block])
        if bad.any():
            row, column = np.unravel_index(np.argmax(bad), bad.shape)
            return block.start + int(row), int(column)
    return None


def moment_block(n_features: int) -> int:
    """The rows of a block: as many as stay in cache, but enough to be worth a product."""
    return max(block_rows(n_features, 8), LEAST_ROWS)


def moment_threads(n_rows: int, n_features: int, n_threads: int) -> int:
    """How many threads to use, so that their products of columns are small beside X."""
    return max(1, min(n_threads, n_rows // (4 * n_features)))


def block_buffer(X: Array, size: int) -> Array:
    """Room for a block of X in double precision, in the order of X, which is faster."""
    by_columns = X.flags.f_contiguous and not X.flags.c_contiguous
    return np.empty((size, X.shape[1]), order="F" if by_columns else "C")


def mean_square_from_mean(X: Any, weights: Array | None = None) -> float:
    """The mean squared distance of the features from their means, over all rows and features.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        It is read twice, a block of rows at a time.
    weights : array of shape (n_samples,), optional

    Examples
    --------
    >>> mean_square_from_mean(np.array([[0.0, 5.0], [2.0, 5.0]]))
    0.5
    """
    n_rows, n_features = X.shape
    block = block_rows(n_features, 8)
    counts = np.ones(n_rows) if weights is None else weights.astype(np.float64)
    mean, total = np.zeros(n_features), 0.0
    for rows in blocks(0, n_rows, block):
        mean += counts[rows] @ dense_rows(X, rows)
    mean /= counts.sum()
    for rows in blocks(0, n_rows, block):
        total += float(counts[rows] @ np.mean((dense_rows(X, rows) - mean) ** 2, axis=1))
    return total / float(counts.sum())
