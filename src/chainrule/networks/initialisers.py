"""First weights of a layer."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array

__all__ = ["glorot_bound", "glorot_uniform", "orthogonal"]


def glorot_bound(fan_in: int, fan_out: int, factor: float = 6.0) -> float:
    """√(factor/(fan_in + fan_out)); scikit-learn's factor is 2 for the logistic activation."""
    return math.sqrt(factor / (fan_in + fan_out))


def glorot_uniform(
    fan_in: int,
    fan_out: int,
    random_state: np.random.RandomState,
    dtype: npt.DTypeLike,
    factor: float = 6.0,
) -> tuple[Array, Array]:
    """Weights and biases drawn evenly from ±√(factor/(fan_in + fan_out)).

    The draws are scikit-learn's, in its order: the same ``random_state`` gives the same
    weights as its MLP.

    Parameters
    ----------
    fan_in, fan_out : int
        Sizes of the layer's input and output.
    random_state : RandomState
    dtype : dtype
    factor : float, default=6.0
        scikit-learn uses 2 for the logistic activation.

    Returns
    -------
    weights : array of shape (fan_in, fan_out)
    biases : array of shape (fan_out,)

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.

    Examples
    --------
    >>> W, b = glorot_uniform(2, 3, np.random.RandomState(0), np.float64)
    >>> W.shape, b.shape
    ((2, 3), (3,))
    """
    bound = glorot_bound(fan_in, fan_out, factor)
    weights = random_state.uniform(-bound, bound, (fan_in, fan_out))
    biases = random_state.uniform(-bound, bound, fan_out)
    return weights.astype(dtype, copy=False), biases.astype(dtype, copy=False)


def orthogonal(size: int, random_state: np.random.RandomState) -> Array:
    """A square matrix that keeps lengths: repeated, it lets nothing grow or fade.

    Parameters
    ----------
    size : int
    random_state : RandomState

    Returns
    -------
    array of shape (size, size)
        In double precision.

    References
    ----------
    Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", 2014; Mezzadri, "How to generate random matrices from the classical
    compact groups", 2007, for drawing it evenly.

    Examples
    --------
    >>> Q = orthogonal(3, np.random.RandomState(0))
    >>> bool(np.allclose(Q @ Q.T, np.eye(3)))
    True
    """
    q, r = np.linalg.qr(random_state.normal(size=(size, size)))
    return q * np.sign(np.diag(r))
