"""Arrays as text: all of a small matrix, the corners of a large one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chainrule.explain.counting import counted

__all__ = ["array_text", "shape_text", "shown_places"]

_MOST_ROWS, _MOST_COLUMNS, _EDGE = 6, 8, 2


def array_text(array: npt.NDArray[np.generic], number: Callable[[float], str]) -> list[str]:
    """The lines of a vector or matrix, columns aligned; none for an array of more axes.

    Examples
    --------
    >>> for line in array_text(np.diag(np.arange(9.0)), lambda each: f"{each:g}"):
    ...     print(line)
    [ 0  0  …  0  0 ]
    [ 0  1  …  0  0 ]
    [ …  …     …  … ]
    [ 0  0  …  7  0 ]
    [ 0  0  …  0  8 ]
    """
    if array.ndim not in (1, 2):
        return []
    matrix = np.atleast_2d(array)
    rows, columns = shown_places(matrix.shape)
    cells = [
        [
            number(float(matrix[row, column])) if row is not None and column is not None else "…"
            for column in columns
        ]
        for row in rows
    ]
    if None in rows and None in columns:
        cells[rows.index(None)][columns.index(None)] = ""
    widths = [max(map(len, column), default=0) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        aligned = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"[ {aligned} ]")
    return lines


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people say it: ``4×3``, and ``3 numbers``."""
    return counted(shape[0], "number") if len(shape) == 1 else "×".join(map(str, shape))


def shown_places(shape: tuple[int, ...]) -> tuple[list[int | None], list[int | None]]:
    """The rows and the columns of a matrix that are shown; None for those left out between."""
    return _shown(shape[0], _MOST_ROWS), _shown(shape[1], _MOST_COLUMNS)


def _shown(size: int, most: int) -> list[int | None]:
    """The places that are shown, with None for those left out between."""
    if size <= most:
        return list(range(size))
    return [*range(_EDGE), None, *range(size - _EDGE, size)]
