"""Long series cut into windows, for truncated back-propagation through time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.estimators.rows import Rows

__all__ = ["Windows"]


class Windows:
    """Where series are cut, and how the state goes on from window to window.

    A gradient flows back to the start of its window only. The state at the start of each window
    is an input; before each epoch it is computed anew, with the weights of that time, so that
    windows may be visited in any order.

    Parameters
    ----------
    lengths : array of int64
        The steps of each series.
    size : int
        The steps of a window; the last one of a series may have fewer.

    Attributes
    ----------
    series, place : array of int64
        For each window its series, and which of that series' windows it is.

    References
    ----------
    Williams & Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", 1990.

    Examples
    --------
    >>> windows = Windows(np.array([5, 2]), size=2)
    >>> windows.series, windows.place
    (array([0, 0, 0, 1]), array([0, 1, 2, 0]))
    """

    def __init__(self, lengths: npt.NDArray[np.int64], size: int) -> None:
        counts = -(-lengths // size)
        self.size = size
        self.series = np.repeat(np.arange(len(lengths)), counts)
        self.place = np.concatenate([np.arange(count) for count in counts])

    def cut(self, rows: Rows, n_states: int, units: int) -> Rows:
        """The windows of series and of their mask as rows, with states of zeros to start from.

        A window that is cut short by the end of its series has a smaller weight.
        """
        steps = rows.inputs[0].shape[1]
        padding = -steps % self.size

        def windows(values: Array) -> Array:
            padded = np.pad(values, [(0, 0), (0, padding), *[(0, 0)] * (values.ndim - 2)])
            parts = padded.reshape(len(values), -1, self.size, *values.shape[2:])
            return np.ascontiguousarray(parts[self.series, self.place])

        start = [np.zeros((len(self.series), units), rows.dtype) for _ in range(n_states)]
        inputs = tuple(windows(each) for each in rows.inputs)
        weight = None if rows.weight is None else rows.weight[self.series]
        shares = inputs[1].mean(axis=1)
        if (shares < 1).any():  # all steps count alike
            weight = shares if weight is None else weight * shares
        targets = tuple(windows(each) for each in rows.targets)
        return Rows((*inputs, *start), targets, weight, rows.scored)

    def carry(self, rows: Rows, last_states: Callable[..., list[Array]]) -> None:
        """Let each window start, in place, from the state at the end of the one before.

        Parameters
        ----------
        rows : Rows
            From :meth:`cut`.
        last_states : callable
            Gives the states after some windows, from their steps and the states before.
        """
        X, _, *start = rows.inputs
        for place in range(int(self.place.max(initial=0))):
            (later,) = np.nonzero(self.place == place + 1)
            before = later - 1
            states = last_states(X[before], *(each[before] for each in start))
            for array, values in zip(start, states, strict=True):
                array[later] = values
