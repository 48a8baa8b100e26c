"""The history of a fit: one row per epoch."""

from __future__ import annotations

import math

__all__ = ["History"]


class History(dict[str, list[float]]):
    """Columns of equal length; ``pandas.DataFrame(history)`` makes a table of it.

    Examples
    --------
    >>> history = History()
    >>> history.record(epoch=1, loss=0.5)
    >>> history.record(epoch=2, loss=0.4, validation_loss=0.6)
    >>> history["validation_loss"]
    [nan, 0.6]
    """

    def record(self, **values: float) -> None:
        """Add a row; what is not given is NaN."""
        length = len(next(iter(self.values()), []))
        for name in values:
            if name not in self:
                self[name] = [math.nan] * length
        for name, column in self.items():
            column.append(values.get(name, math.nan))

    def followed_by(self, later: History) -> History:
        """This, and then another whose epochs are counted on from here.

        Examples
        --------
        >>> History(epoch=[1, 2], loss=[0.5, 0.4]).followed_by(History(epoch=[1], loss=[0.3]))
        {'epoch': [1, 2, 3], 'loss': [0.5, 0.4, 0.3]}
        """
        whole = History({name: list(column) for name, column in self.items()})
        for row in zip(*later.values(), strict=True):
            values = dict(zip(later, row, strict=True))
            whole.record(**{**values, "epoch": len(whole.get("epoch", ())) + 1})
        return whole
