"""Memory that begins at a cache line, and rows of it that share none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ALIGNMENT", "aligned", "apart", "row_length"]

ALIGNMENT = 64
"""Bytes; a cache line, and the widest vector."""

_APART = 16
"""Numbers of 64 bits between what two threads write: two cache lines, as they are fetched."""


def aligned(size: int, alignment: int = ALIGNMENT) -> npt.NDArray[np.uint8]:
    """Bytes that start at a cache line."""
    memory = np.empty(size + alignment, dtype=np.uint8)
    start = -memory.ctypes.data % alignment
    return memory[start : start + size]


def row_length(entries: int) -> int:
    """The length of rows of 64-bit numbers of which no two share a cache line."""
    return -(-entries // _APART) * _APART


def apart(rows: int, entries: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros of 64 bits, in rows that are so long that no two of them share a cache line."""
    length = row_length(entries)
    memory = aligned(8 * rows * length, 8 * _APART).view(dtype)
    memory[:] = 0
    return memory.reshape(rows, length)
