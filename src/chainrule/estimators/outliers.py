"""Where outliers begin."""

from __future__ import annotations

import numpy as np

from chainrule.engines.base import Array

__all__ = ["SCORED_AFTER_FIT", "SCORED_AFTER_PARTIAL_FIT", "threshold_of_outliers"]

SCORED_AFTER_FIT, SCORED_AFTER_PARTIAL_FIT = 1000, 100
"""The most rows that decide where outliers begin."""


def threshold_of_outliers(scores: Array, weight: Array | None, share: float) -> float:
    """The score below which there are as many rows as possible, but no more than ``share``.

    Parameters
    ----------
    scores : array of shape (rows,)
    weight : array of shape (rows,) or None
        A row of weight 2 counts as two rows.
    share : float

    Examples
    --------
    >>> scores = np.array([5.0, 1.0, 4.0, 2.0])
    >>> threshold_of_outliers(scores, None, 0.25)  # one of four rows is below
    2.0
    >>> threshold_of_outliers(scores, np.array([1, 3, 1, 1]), 0.25)
    1.0
    """
    order = np.argsort(scores)
    rows = np.cumsum(np.ones(len(scores)) if weight is None else weight[order].astype(float))
    # Not a row less, because a product such as 0.1·30 is rounded.
    above = rows > share * rows[-1] * (1 + 1e-12)
    return float(scores[order[np.argmax(above)]])
