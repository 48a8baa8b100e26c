"""Data that is drawn, not measured: the lecture's hard cases, and tasks for memory.

Each function takes ``random_state`` as scikit-learn's generators do, and draws the same for the
same number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from chainrule.errors import DataError

__all__ = [
    "make_adding",
    "make_linear",
    "make_parity",
    "make_ring",
    "make_shift_register",
    "make_spirals",
    "make_three_modes",
]

Rows = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]
Seed = int | np.random.RandomState | None


def make_linear(
    n_samples: int = 100,
    slope: float = 0.5,
    intercept: float = 4.0,
    noise: float = 0.0,
    random_state: Seed = None,
) -> tuple[Rows, Rows]:
    """Points on a line, or about it: the lecture's y = 0.5·x + 4.

    Parameters
    ----------
    n_samples : int, default=100
    slope, intercept : float, default=0.5, 4.0
    noise : float, default=0.0
        The standard deviation of normal noise on y.
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, 1)
        Uniform between -5 and 5.
    y : array of shape (n_samples,)

    Examples
    --------
    >>> X, y = make_linear(3, random_state=0)
    >>> bool(np.allclose(y, 0.5 * X[:, 0] + 4))
    True
    """
    draw = _start(n_samples, random_state)
    X = draw.uniform(-5.0, 5.0, (n_samples, 1))
    return X, slope * X[:, 0] + intercept + noise * draw.normal(size=n_samples)


def make_parity(
    n_samples: int = 1000, n_pixels: int = 8, random_state: Seed = None
) -> tuple[Rows, Classes]:
    """Is the number of pixels above zero odd? No single pixel says anything about it.

    Parameters
    ----------
    n_samples : int, default=1000
    n_pixels : int, default=8
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, n_pixels)
        Each pixel -1 or 1.
    y : array of shape (n_samples,)
        1 for an odd number of pixels above zero.

    Examples
    --------
    >>> X, y = make_parity(4, n_pixels=3, random_state=0)
    >>> bool(((X > 0).sum(axis=1) % 2 == y).all())
    True
    """
    if n_pixels < 1:
        raise DataError(f"n_pixels is {n_pixels}: there must be at least one.")
    draw = _start(n_samples, random_state)
    X = 2.0 * draw.randint(0, 2, (n_samples, n_pixels)).astype(np.float64) - 1.0
    return X, ((X > 0).sum(axis=1) % 2).astype(np.int64)


def make_ring(
    n_samples: int = 1000, n_features: int = 2, random_state: Seed = None
) -> tuple[Rows, Classes]:
    """Does the row lie where 1 ≤ ‖x‖₂ ≤ 2? Half of the rows do.

    Parameters
    ----------
    n_samples : int, default=1000
    n_features : int, default=2
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, n_features)
        In all directions alike, up to a length of 3.
    y : array of shape (n_samples,)
        1 on the ring.

    Examples
    --------
    >>> X, y = make_ring(100, random_state=0)
    >>> length = np.linalg.norm(X, axis=1)
    >>> bool((((length >= 1) & (length <= 2)) == y).all())
    True
    """
    draw = _start(n_samples, random_state)
    y = _halves(n_samples, draw)
    inside = draw.uniform(0.0, 1.0, n_samples)
    outside = draw.uniform(2.0, 3.0, n_samples)
    elsewhere = np.where(draw.uniform(size=n_samples) < 0.5, inside, outside)
    length = np.where(y == 1, draw.uniform(1.0, 2.0, n_samples), elsewhere)
    direction = draw.normal(size=(n_samples, n_features))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    X = length[:, None] * direction
    # What rounding moved over an edge belongs where it lies.
    norms = np.linalg.norm(X, axis=1)
    return X, ((norms >= 1.0) & (norms <= 2.0)).astype(np.int64)


def make_three_modes(
    n_samples: int = 1000, spread: float = 0.35, random_state: Seed = None
) -> tuple[Rows, Classes]:
    """Three heaps of one class, with those of the other between and around them.

    Parameters
    ----------
    n_samples : int, default=1000
    spread : float, default=0.35
        The standard deviation of a heap; they stand 3 apart on a hexagon.
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : array of shape (n_samples,)
        1 in every other corner of the hexagon, 0 in the corners between and in its middle.

    Examples
    --------
    >>> X, y = make_three_modes(200, random_state=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((200, 2), [0, 1])
    """
    draw = _start(n_samples, random_state)
    y = _halves(n_samples, draw)
    turn = np.pi / 3.0
    corner = np.where(
        y == 1, 2 * draw.randint(0, 3, n_samples), 2 * draw.randint(0, 3, n_samples) + 1
    )
    middle = (y == 0) & (draw.uniform(size=n_samples) < 0.25)
    centre = 3.0 * np.column_stack([np.cos(turn * corner), np.sin(turn * corner)])
    centre[middle] = 0.0
    return centre + spread * draw.normal(size=(n_samples, 2)), y


def make_spirals(
    n_samples: int = 1000, n_classes: int = 2, noise: float = 0.1, random_state: Seed = None
) -> tuple[Rows, Classes]:
    """Spirals wound into each other, one for each class.

    Parameters
    ----------
    n_samples : int, default=1000
    n_classes : int, default=2
    noise : float, default=0.1
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : array of shape (n_samples,)

    Examples
    --------
    >>> X, y = make_spirals(90, n_classes=3, random_state=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((90, 2), [0, 1, 2])

    References
    ----------
    Lang & Witbrock, "Learning to tell two spirals apart", 1988.
    """
    draw = _start(n_samples, random_state)
    y = draw.permutation(np.arange(n_samples) % n_classes).astype(np.int64)
    along = np.sqrt(draw.uniform(0.02, 1.0, n_samples))
    angle = 3.0 * np.pi * along + 2.0 * np.pi * y / n_classes
    X = 5.0 * along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + noise * draw.normal(size=X.shape), y


def make_adding(
    n_samples: int = 1000, n_timesteps: int = 100, random_state: Seed = None
) -> tuple[Rows, Rows]:
    """The sum of the two marked values of a long sequence: a task for memory.

    Parameters
    ----------
    n_samples : int, default=1000
    n_timesteps : int, default=100
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, n_timesteps, 2)
        Values uniform between -1 and 1, and marks: 1 at two steps, one in each half, else 0.
    y : array of shape (n_samples,)
        The sum of the two marked values. Always answering 0 costs a squared error of 2/3.

    Examples
    --------
    >>> X, y = make_adding(5, n_timesteps=10, random_state=0)
    >>> bool(np.allclose((X[:, :, 0] * X[:, :, 1]).sum(axis=1), y))
    True

    References
    ----------
    Hochreiter & Schmidhuber, "Long short-term memory", 1997.
    """
    if n_timesteps < 2:
        raise DataError(f"n_timesteps is {n_timesteps}: two steps are marked.")
    draw = _start(n_samples, random_state)
    X = np.zeros((n_samples, n_timesteps, 2))
    X[:, :, 0] = draw.uniform(-1.0, 1.0, (n_samples, n_timesteps))
    rows, half = np.arange(n_samples), n_timesteps // 2
    X[rows, draw.randint(0, half, n_samples), 1] = 1.0
    X[rows, draw.randint(half, n_timesteps, n_samples), 1] = 1.0
    return X, (X[:, :, 0] * X[:, :, 1]).sum(axis=1)


def make_shift_register(
    n_samples: int = 1000, n_timesteps: int = 10, delay: int = 3, random_state: Seed = None
) -> tuple[Rows, Classes]:
    """Which bit came so many steps ago? Asked at the last step.

    Parameters
    ----------
    n_samples : int, default=1000
    n_timesteps : int, default=10
    delay : int, default=3
        From 0, the last step itself, to n_timesteps - 1.
    random_state : int, RandomState or None

    Returns
    -------
    X : array of shape (n_samples, n_timesteps, 1)
        Bits, 0 or 1.
    y : array of shape (n_samples,)

    Examples
    --------
    >>> X, y = make_shift_register(4, n_timesteps=5, delay=2, random_state=0)
    >>> bool((X[:, 2, 0] == y).all())
    True
    """
    if not 0 <= delay < n_timesteps:
        raise DataError(f"delay is {delay}: it must be from 0 to {n_timesteps - 1}.")
    draw = _start(n_samples, random_state)
    X = draw.randint(0, 2, (n_samples, n_timesteps, 1)).astype(np.float64)
    return X, X[:, n_timesteps - 1 - delay, 0].astype(np.int64)


def _start(n_samples: Any, random_state: Seed) -> np.random.RandomState:
    if n_samples < 1:
        raise DataError(f"n_samples is {n_samples}: there must be at least one row.")
    return check_random_state(random_state)


def _halves(n_samples: int, draw: np.random.RandomState) -> Classes:
    """As many ones as zeros, in random order."""
    return draw.permutation(np.arange(n_samples) % 2).astype(np.int64)
