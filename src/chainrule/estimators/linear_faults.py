"""What linear regression says of rows that it cannot learn from, or not in one way only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.engines.base import Array
from chainrule.training.moments import find_not_finite
from chainrule.training.normal_equation import LeastSquares

__all__ = ["many_solutions", "where_not_finite"]


def where_not_finite(X: Array, names: Sequence[str] | None) -> str:
    """The first place of X that is NaN or infinite; there is one.

    ``names`` are those of the columns, if they have any.
    """
    place = find_not_finite(X)
    assert place is not None
    row, column = place
    fault = (
        "NaN"
        if np.isnan(X[row, column])
        else f"infinity or a value too large for dtype({X.dtype.name!r})"
    )
    return (
        f"Input X contains {fault}: first in row {row} (counted from 0), column "
        f"{_column(column, names)}. LinearRegression needs complete data: leave such rows out, "
        f"or fill them in with sklearn.impute."
    )


def many_solutions(X: Array, found: LeastSquares, names: Sequence[str] | None) -> str:
    """Why the coefficients that were found are one choice of many."""
    if len(X) <= X.shape[1]:
        rows = "1 row" if len(X) == 1 else f"{len(X)} rows"
        reason = f"{rows} cannot determine {X.shape[1]} coefficients"
    else:
        told = [_column(index, names) for index in found.dependent[:8]]
        more = len(found.dependent) - len(told)
        listed = ", ".join(told) + (f" and {more} more" if more else "")
        reason = f"the columns {listed} of X depend on each other or are constant"
    return (
        f"The coefficients are one choice of many that fit equally well, the smallest: "
        f"{reason} (rank {found.rank} of {X.shape[1]}). Predictions are sound; do not read "
        f"meaning into single coefficients."
    )


def _column(index: int, names: Sequence[str] | None) -> str:
    return str(index) if names is None else repr(str(names[index]))
