"""Random search: guess, and keep the best guess."""

from __future__ import annotations

import math

import numpy as np

import chainrule.graph.functions as fn
from chainrule.engines.base import Array, Engine, Program
from chainrule.graph.node import variable
from chainrule.networks.linear import LinearModel
from chainrule.training.blocks import blocks, on_shares

__all__ = ["draw_guesses", "guess_losses"]

BATCH = 64
"""Guesses that one run of the program evaluates together."""

BLOCK_ROWS = 2048
"""Rows that are evaluated for all guesses before the next are read."""

SCALE_ROWS = 10_000
"""The means and spreads of the data are measured on at most about twice as many rows."""


def draw_guesses(
    X: Array,
    Y: Array,
    weights: Array | None,
    n_guesses: int,
    intercept: bool,
    random_state: np.random.RandomState,
) -> tuple[Array, Array]:
    """Guesses on the scale of the data.

    With (weighted) means x̄, ȳ and standard deviations s of the columns, and z standard normal,

        w_j = z_j · s(y) / (s(x_j) · √n_features)        b = ȳ + z · s(y) - x̄·w

    so that a guess's predictions lie around the targets and spread about as widely.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
    Y : array of shape (n_samples, n_targets)
    weights : array of shape (n_samples,) or None
    n_guesses : int
    intercept : bool
        Whether to guess b; otherwise it is 0.
    random_state : RandomState

    Returns
    -------
    w : array of shape (n_guesses, n_features, n_targets)
    b : array of shape (n_guesses, n_targets)
    """
    counting = np.arange(len(X)) if weights is None else np.flatnonzero(weights)
    rows = counting[:: max(1, len(counting) // SCALE_ROWS)]
    share = None if weights is None else weights[rows]
    x_mean, x_spread = _mean_and_spread(X[rows], share)
    y_mean, y_spread = _mean_and_spread(Y[rows], share)
    n_features, n_targets = X.shape[1], Y.shape[1]
    scale = np.divide(1.0, x_spread, out=np.zeros(n_features), where=x_spread > 0)
    z = random_state.standard_normal((n_guesses, n_features, n_targets))
    w = z * np.multiply.outer(scale, y_spread) / math.sqrt(n_features)
    b = np.zeros((n_guesses, n_targets))
    if intercept:
        z = random_state.standard_normal((n_guesses, n_targets))
        b = y_mean + z * y_spread - np.einsum("j,gjt->gt", x_mean, w)
    return w, b


def _mean_and_spread(rows: Array, weights: Array | None) -> tuple[Array, Array]:
    values = rows.astype(np.float64)
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))


def guess_losses(
    X: Array,
    Y: Array,
    weights: Array | None,
    w: Array,
    b: Array,
    engine: Engine,
    n_threads: int,
) -> Array:
    """The mean squared error of each guess over all rows, by the same graph that is trained.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
    Y : array of shape (n_samples, n_targets)
    weights : array of shape (n_samples,) or None
    w : array of shape (n_guesses, n_features, n_targets)
    b : array of shape (n_guesses, n_targets)
    engine : Engine
    n_threads : int

    Returns
    -------
    array of shape (n_guesses,)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.engines.reference import ReferenceEngine
    >>> X, Y = np.array([[3.0]]), np.array([[5.5]])
    >>> w, b = np.array([[[2.0]], [[0.5]]]), np.array([[2.0], [4.0]])
    >>> guess_losses(X, Y, None, w, b, ReferenceEngine(), 1)
    array([6.25, 0.  ])
    """
    n_guesses, n_features, n_targets = w.shape
    batch = min(BATCH, n_guesses)
    program = _program(n_features, n_targets, batch, weights is not None)
    function = engine.compile(program, "float32" if X.dtype == np.float32 else "float64")
    padding = -n_guesses % batch
    w = np.pad(w, ((0, padding), (0, 0), (0, 0))).astype(X.dtype)
    b = np.pad(b, ((0, padding), (0, 0))).astype(X.dtype)
    batches = [
        (
            np.ascontiguousarray(w[low : low + batch].transpose(1, 0, 2)).reshape(n_features, -1),
            b[low : low + batch].reshape(-1),
        )
        for low in range(0, len(w), batch)
    ]

    def of_share(start: int, stop: int) -> Array:
        sums = np.zeros((len(batches), batch))
        for rows in blocks(start, stop, BLOCK_ROWS):
            data = [X[rows], Y[rows]] if weights is None else [X[rows], Y[rows], weights[rows]]
            for total, guesses in zip(sums, batches, strict=True):
                total += function(*data, *guesses)[0]
        return sums

    sums = np.sum(on_shares(of_share, len(X), BLOCK_ROWS, n_threads), axis=0)
    return sums.reshape(-1)[:n_guesses] / (len(X) if weights is None else weights.sum())


def _program(n_features: int, n_targets: int, batch: int, weighted: bool) -> Program:
    """Σ over the rows of weight·loss for each guess: the guesses are so many more targets."""
    model = LinearModel(n_features, batch * n_targets)
    y = variable("y", ("rows", n_targets))
    outputs = fn.reshape(model.output, ("rows", batch, n_targets))
    losses = fn.sum(fn.square(outputs - fn.reshape(y, ("rows", 1, n_targets))), 2)
    if not weighted:
        return Program((model.X, y, *model.parameters), (fn.sum(losses, 0),))
    weight = variable("sample_weight", ("rows",))
    losses = fn.reshape(weight, ("rows", 1)) * losses
    return Program((model.X, y, weight, *model.parameters), (fn.sum(losses, 0),))
