"""Probabilities of numbers that should have been some."""

from __future__ import annotations

import numpy as np

from chainrule.engines.base import Array

__all__ = ["nearest_probabilities"]


def nearest_probabilities(outputs: Array) -> Array:
    """Of each row the nearest point with no negative number and a sum of 1.

    It is max(output - t, 0), with the one t that brings the sum to 1: so the largest output stays
    the largest, and probabilities stay as they are.

    Parameters
    ----------
    outputs : array of shape (rows, classes)

    References
    ----------
    Held, Wolfe & Crowder, "Validation of subgradient optimization", Mathematical Programming 6,
    1974.

    Examples
    --------
    >>> nearest_probabilities(np.array([[0.25, 0.75], [1.5, 0.0], [0.0, 0.0]]))
    array([[0.25, 0.75],
           [1.  , 0.  ],
           [0.5 , 0.5 ]])
    """
    falling = -np.sort(-outputs, axis=1)
    # The t of the k largest outputs; right is that of the last one that stays above it.
    counts = np.arange(1, outputs.shape[1] + 1)
    thresholds = (np.cumsum(falling, axis=1) - 1.0) / counts
    last = np.sum(falling > thresholds, axis=1) - 1
    return np.maximum(outputs - thresholds[np.arange(len(outputs)), last, np.newaxis], 0.0)
