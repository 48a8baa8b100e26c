"""Least squares in closed form: the normal equation w = (XᵀX)⁻¹Xᵀy, solved by Cholesky.

XᵀX has the square of X's condition number, which costs twice the digits. Two things win them
back: columns are brought to unit length first, and what the factorisation lost is found in the
residuals of X itself and added (iterative refinement). Where columns depend on each other, so
that many solutions fit equally well, the shortest is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from chainrule.engines.base import Array
from chainrule.errors import DataError
from chainrule.training.blocks import blocks, on_shares
from chainrule.training.moments import (
    Moments,
    block_buffer,
    column_moments,
    moment_block,
    moment_threads,
)

__all__ = ["LeastSquares", "least_squares"]

PRECISION = float(np.finfo(np.float64).eps)


@dataclass
class LeastSquares:
    """The solution of a least-squares problem.

    Attributes
    ----------
    coefficients : array of shape (n_features, n_targets)
    intercept : array of shape (n_targets,)
    residual : float
        Σ weight·‖y - x·coefficients - intercept‖².
    weight : float
        Σ of the weights.
    rank : int
        How many columns are independent, after centring.
    singular : array of shape (min(n_samples, n_features),)
        The singular values of X, centred and weighted, largest first.
    dependent : array of int
        Columns that are combinations of each other, where these are known.
    """

    coefficients: Array
    intercept: Array
    residual: float
    weight: float
    rank: int
    singular: Array
    dependent: Array


def least_squares(
    X: Array,
    Y: Array,
    weights: Array | None = None,
    *,
    fit_intercept: bool = True,
    tol: float = 1e-6,
    n_threads: int = 1,
) -> LeastSquares | None:
    """Minimise Σ weight·‖y - x·coefficients - intercept‖² over all rows.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        Read in blocks, and copied as a whole only where it has no more rows than columns.
    Y : array of shape (n_samples, n_targets)
        In double precision.
    weights : array of shape (n_samples,), optional
        In double precision, not negative, and not all zero.
    fit_intercept : bool, default=True
    tol : float, default=1e-6
        A combination of columns counts as zero if it is shorter than ``tol`` times the longest,
        all columns being brought to unit length. Below about 1e-7, XᵀX cannot tell.
    n_threads : int, default=1

    Returns
    -------
    LeastSquares or None
        None if X holds a value that is not finite.

    References
    ----------
    Björck, "Stability analysis of the method of seminormal equations for linear least squares
    problems", 1987, for the refinement.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> found = least_squares(X, 0.5 * X + 4)
    >>> found.coefficients, found.intercept
    (array([[0.5]]), array([4.]))
    """
    if len(X) <= X.shape[1]:
        return _decompose(X, Y, weights, fit_intercept, tol)
    moments = column_moments(X, Y, weights, centre=fit_intercept, n_threads=n_threads)
    if not moments.finite:  # perhaps only the squares are not
        return _decompose(X, Y, weights, fit_intercept, tol)

    factors = _Factors(moments, moment_block(X.shape[1]), tol)
    coefficients = factors.solve(moments.xy)
    measured = None
    error = factors.digits_lost
    for _ in range(5):
        if error < 1e-12:
            break
        products, measured = _residual_products(X, Y, weights, moments, coefficients, n_threads)
        step = factors.solve(products)
        coefficients += step
        error = factors.digits_lost * np.abs(step).max() / (np.abs(coefficients).max() or 1.0)
    if measured is None:
        total = float(moments.yy.sum())
        measured = total - float(np.sum(coefficients * moments.xy))
        if measured < 1e-6 * total:  # a small difference of large numbers
            _, measured = _residual_products(X, Y, weights, moments, coefficients, n_threads)
    return LeastSquares(
        coefficients=coefficients,
        intercept=moments.y_mean - moments.x_mean @ coefficients,
        residual=measured,
        weight=moments.weight,
        rank=factors.rank,
        singular=np.sqrt(np.maximum(scipy.linalg.eigvalsh(moments.xx)[::-1], 0.0)),
        dependent=factors.dependent,
    )


class _Factors:
    """XᵀX with columns of unit length, factorised.

    Attributes
    ----------
    digits_lost : float
        The relative error of a solution, to an order of magnitude.
    """

    def __init__(self, moments: Moments, block_length: int, tol: float) -> None:
        squares = np.diagonal(moments.xx)
        n_features = len(squares)
        # A constant column is left with the rounding error of a block's mean, no more.
        noise = moments.weight * (block_length * PRECISION * moments.x_mean) ** 2
        constant = squares <= noise
        self.lengths = np.sqrt(np.where(constant, 1.0, squares))
        scaled = moments.xx / np.multiply.outer(self.lengths, self.lengths)
        scaled[constant] = scaled[:, constant] = 0.0
        self.rank = n_features
        self.dependent = np.empty(0, dtype=np.intp)
        self._cholesky: Array | None = None

        factor, failed = scipy.linalg.lapack.dpotrf(scaled, lower=True)
        if not failed:
            norm = np.abs(scaled).sum(axis=0).max()
            # The condition number in the 1-norm, which is at most n_features times the usual.
            reciprocal_condition, _ = scipy.linalg.lapack.dpocon(factor, norm, uplo="L")
            if reciprocal_condition > 10 * n_features * tol**2:
                self._cholesky = factor
                self.digits_lost = PRECISION / reciprocal_condition
                return
        self._decompose(scaled, max(tol**2, 10 * n_features * PRECISION))

    def _decompose(self, scaled: Array, tol: float) -> None:
        values, vectors = scipy.linalg.eigh(scaled)
        kept = values > tol * values[-1]
        self.rank = int(kept.sum())
        self._values, self._vectors = values[kept], vectors[:, kept]
        self.digits_lost = PRECISION * values[-1] / values[kept][0] if self.rank else 0.0
        null = vectors[:, ~kept]
        self.dependent = np.flatnonzero((np.abs(null) > 1e-3).any(axis=1))
        # What can be added to any solution, as directions at right angles.
        self._free = np.linalg.qr(null / self.lengths[:, np.newaxis]).Q

    def solve(self, products: Array) -> Array:
        """The coefficients w with XᵀX·w = products, the shortest of them."""
        scaled = products / self.lengths[:, np.newaxis]
        if self._cholesky is not None:
            solution, _ = scipy.linalg.lapack.dpotrs(self._cholesky, scaled, lower=True)
            return solution / self.lengths[:, np.newaxis]
        along = (self._vectors.T @ scaled) / self._values[:, np.newaxis]
        solution = (self._vectors @ along) / self.lengths[:, np.newaxis]
        return solution - self._free @ (self._free.T @ solution)


def _residual_products(
    X: Array,
    Y: Array,
    weights: Array | None,
    moments: Moments,
    coefficients: Array,
    n_threads: int,
) -> tuple[Array, float]:
    """Xᵀ·(weight·residuals), X centred, and Σ weight·‖residual‖²."""

    n_rows, n_features = X.shape
    size = moment_block(n_features)

    def of_share(start: int, stop: int) -> tuple[Array, float]:
        buffer = block_buffer(X, min(size, stop - start))
        products, squares = np.zeros_like(coefficients), 0.0
        for block in blocks(start, stop, size):
            x = np.subtract(X[block], moments.x_mean, out=buffer[: block.stop - block.start])
            residuals = Y[block] - moments.y_mean - np.dot(x, coefficients)
            weighted = residuals if weights is None else residuals * weights[block, np.newaxis]
            products += np.dot(x.T, weighted)
            squares += float(np.vdot(residuals, weighted))
        return products, squares

    threads = moment_threads(n_rows, n_features, n_threads)
    (products, squares), *others = on_shares(of_share, n_rows, size, threads)
    for more_products, more_squares in others:
        products += more_products
        squares += more_squares
    return products, squares


def _decompose(
    X: Array, Y: Array, weights: Array | None, fit_intercept: bool, tol: float
) -> LeastSquares | None:
    """Least squares by the singular values of X itself, which needs no squares."""
    if not np.isfinite(X).all():
        return None
    x_mean, y_mean = np.zeros(X.shape[1]), np.zeros(Y.shape[1])
    with np.errstate(over="ignore"):
        if fit_intercept:
            x_mean = np.average(X.astype(np.float64, copy=False), axis=0, weights=weights)
            y_mean = np.average(Y, axis=0, weights=weights)
        x, y = X - x_mean, Y - y_mean
    if not np.isfinite(x).all():
        raise DataError(
            f"X has values up to {np.abs(X).max():.0e}, too large to take the mean of: divide "
            f"its columns by a constant first."
        )
    total = float(len(X)) if weights is None else float(weights.sum())
    if weights is not None:
        root = np.sqrt(weights)[:, np.newaxis]
        x *= root
        y *= root
    # A constant column is left with the rounding error of its mean, no more.
    noise = len(X) * PRECISION * np.abs(x_mean)
    if weights is not None:
        noise *= root.max()
    coefficients, rank = _smallest_solution(x, y, np.abs(x).max(axis=0) <= noise, tol)
    return LeastSquares(
        coefficients=coefficients,
        intercept=y_mean - x_mean @ coefficients,
        residual=float(np.sum((y - x @ coefficients) ** 2)),
        weight=total,
        rank=rank,
        singular=scipy.linalg.svdvals(x, check_finite=False),
        dependent=np.empty(0, dtype=np.intp),
    )


def _smallest_solution(x: Array, y: Array, constant: Array, tol: float) -> tuple[Array, int]:
    """The shortest of the w that bring x·w next to y, and the rank of x."""
    # In two steps, since the squares of the values may overflow.
    largest = np.where(constant, 1.0, np.abs(x).max(axis=0))
    scaled = np.where(constant, 0.0, x / largest)
    lengths = np.where(constant, 1.0, np.linalg.norm(scaled, axis=0))
    scaled /= lengths
    left, values, right = scipy.linalg.svd(scaled, full_matrices=False, check_finite=False)
    rank = int((values > tol * values[0]).sum())
    directions = right[:rank].T
    along = (left[:, :rank].T @ y) / values[:rank, np.newaxis]
    solution = (directions @ along) / lengths[:, np.newaxis] / largest[:, np.newaxis]
    if 0 < rank < len(solution):
        # What lies in the space of the rows of x. Householder's method keeps the digits of short
        # columns beside long ones if the long ones come first and directions are pivoted.
        units = lengths * (largest / largest.max())
        order = np.argsort(-units)
        rows = directions[order] * units[order, np.newaxis]
        basis, _, _ = scipy.linalg.qr(rows, mode="economic", pivoting=True, check_finite=False)
        solution[order] = basis @ (basis.T @ solution[order])
    solution[constant] = 0.0
    return solution, rank
