"""Random numbers by counting: a draw is a function of (seed, step, stream, element).

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy
as 1, 2, 3", 2011). Being a function of its counter, a draw does not depend on the engine, on
the order of evaluation or on the number of threads. This file is the definition; the native
engine repeats it in machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PARITY", "ROTATIONS", "stream_key", "threefry", "uniform"]

Words = npt.NDArray[np.uint32]

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA


def threefry(key: tuple[int, int], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """20 rounds of Threefry-2x32: 64 bits for each pair of 32-bit counters."""
    keys = (
        np.uint32(key[0]),
        np.uint32(key[1]),
        np.uint32(key[0] ^ key[1] ^ PARITY),
    )
    with np.errstate(over="ignore"):
        x0 = counter[0] + keys[0]
        x1 = counter[1] + keys[1]
        for group in range(5):
            for rotation in ROTATIONS[:4] if group % 2 == 0 else ROTATIONS[4:]:
                x0 = x0 + x1
                x1 = (x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation))
                x1 = x1 ^ x0
            x0 = x0 + keys[(group + 1) % 3]
            x1 = x1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def stream_key(seed: int, step: int, stream: int) -> tuple[int, int]:
    """The key of one stream at one step of training."""
    low = np.array([step & 0xFFFFFFFF], dtype=np.uint32)
    high = np.array([(stream ^ (step >> 32)) & 0xFFFFFFFF], dtype=np.uint32)
    first, second = threefry((seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF), (low, high))
    return int(first[0]), int(second[0])


def uniform(
    seed: int, step: int, stream: int, elements: int, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """Draws from the open interval (0, 1) for the elements 0, 1, ... of one stream and step.

    Single precision uses 23 bits, double precision 52, each in the middle of its cell, so
    neither 0 nor 1 is ever drawn.
    """
    index = np.arange(elements, dtype=np.uint64)
    low = (index & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    high = (index >> np.uint64(32)).astype(np.uint32)
    x0, x1 = threefry(stream_key(seed, step, stream), (low, high))
    if np.dtype(dtype) == np.float32:
        cell = (x0 >> np.uint32(9)).astype(np.float32)
        return (cell + np.float32(0.5)) * np.float32(2.0**-23)
    cell64 = (x0.astype(np.uint64) << np.uint64(20)) | (x1 >> np.uint32(12)).astype(np.uint64)
    return (cell64.astype(np.float64) + 0.5) * 2.0**-52
