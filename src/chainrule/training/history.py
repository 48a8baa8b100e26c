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
