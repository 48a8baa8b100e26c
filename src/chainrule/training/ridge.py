"""Ridge regression: least squares with a penalty on the coefficients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg

from chainrule.engines.base import Array

__all__ = ["Ridge", "ridge"]


class Ridge(NamedTuple):
    """The solution.

    Attributes
    ----------
    coefficients : array of shape (columns, targets)
    intercept : array of shape (targets,)
    minimum : float
        What was made small, at its least.
    """

    coefficients: Array
    intercept: Array
    minimum: float


def ridge(
    X: Array, Y: Array, weights: Array | None, alpha: float, fit_intercept: bool = True
) -> Ridge:
    """The w and b that make ½·Σ weight·‖x·w + b - y‖² + ½·alpha·‖w‖² least.

    It is solved as least squares, with √alpha times the unit matrix below X, by Householder's QR.
    XᵀX + alpha would be smaller, but would have the square of the condition number: for bumps
    that overlap, half of all digits.

    Parameters
    ----------
    X : array of shape (rows, columns)
    Y : array of shape (rows, targets)
    weights : array of shape (rows,) or None
    alpha : float
        With 0, the shortest solution where there are many.
    fit_intercept : bool, default=True
        Whether there is a b, which has no penalty.

    References
    ----------
    Hoerl & Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
    Technometrics 12, 1970.

    Examples
    --------
    >>> X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]])
    >>> solution = ridge(X, Y, None, alpha=0.0)
    >>> solution.coefficients.round(6), solution.intercept.round(6)
    (array([[2.]]), array([1.]))
    """
    X, Y = X.astype(np.float64, copy=False), Y.astype(np.float64, copy=False)
    x_mean, y_mean = np.zeros(X.shape[1]), np.zeros(Y.shape[1])
    if fit_intercept:
        x_mean, y_mean = (np.average(each, axis=0, weights=weights) for each in (X, Y))
    root = 1.0 if weights is None else np.sqrt(weights, dtype=np.float64)[:, np.newaxis]
    x, y = root * (X - x_mean), root * (Y - y_mean)
    if alpha:
        below = np.diag(np.full(x.shape[1], np.sqrt(alpha)))
        rotated, triangle = scipy.linalg.qr_multiply(
            np.vstack([x, below]),
            np.vstack([y, np.zeros((len(below), y.shape[1]))]).T,
            overwrite_a=True,
        )
        w = scipy.linalg.solve_triangular(triangle, rotated.T)
    else:
        w = scipy.linalg.lstsq(x, y, lapack_driver="gelsy")[0]
    minimum = 0.5 * float(np.sum((x @ w - y) ** 2) + alpha * np.sum(w**2))
    return Ridge(w, y_mean - x_mean @ w, minimum)
