"""Rows in blocks, shared out among threads: what is computed of a block fits in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from scipy import sparse

from chainrule.engines.base import Array
from chainrule.engines.threads import one_blas_thread

__all__ = ["block_rows", "blocks", "dense_rows", "on_shares"]

BLOCK_BYTES = 2 << 20
"""About how much the values of a block may take."""

Result = TypeVar("Result")


def block_rows(values_per_row: int, itemsize: int) -> int:
    """How many rows make a block, if a row needs so many values of ``itemsize`` bytes."""
    return max(64, BLOCK_BYTES // (values_per_row * itemsize))


def blocks(start: int, stop: int, block: int) -> Iterator[slice]:
    """Consecutive slices of at most ``block`` rows."""
    for low in range(start, stop, block):
        yield slice(low, min(low + block, stop))


def dense_rows(array: Any, rows: Any) -> Array:
    """Some rows of an array or CSR matrix, as an array."""
    part = array[rows]
    return part.toarray() if sparse.issparse(part) else part


def on_shares(
    work: Callable[[int, int], Result], n_rows: int, block: int, n_threads: int
) -> list[Result]:
    """``work(start, stop)`` for consecutive shares of whole blocks, one for each thread.

    One block is worked on where the call is made: starting a thread takes longer.
    """
    n_blocks = -(-n_rows // block)
    n_shares = max(1, min(n_threads, n_blocks))
    edges = [n_blocks * k // n_shares * block for k in range(n_shares)] + [n_rows]
    if n_shares == 1:
        return [work(0, n_rows)]
    with one_blas_thread(), ThreadPoolExecutor(n_shares) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))
