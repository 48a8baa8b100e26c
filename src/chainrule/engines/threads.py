"""How many threads there are to use, and keeping BLAS from starting more of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401  whose BLAS must be loaded to be found
from threadpoolctl import ThreadpoolController

__all__ = ["available_threads", "one_blas_thread"]


def available_threads(n_threads: int | None = None) -> int:
    """``n_threads``, or one for each processor that this process may use."""
    if n_threads is not None:
        return n_threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_lock = threading.Lock()
_users = 0
_before: list[int] = []


@cache
def _libraries() -> tuple[Any, ...]:
    """The BLAS libraries of this process; looking for them takes milliseconds."""
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let each call of BLAS use the calling thread only, for as long as anybody needs it.

    The number of BLAS threads belongs to the whole process. So the first one in sets it and the
    last one out restores it: two fits that overlap in time must not restore each other's limit.
    """
    global _users, _before
    with _lock:
        _users += 1
        if _users == 1:
            _before = [each.num_threads for each in _libraries()]
            _limit([1] * len(_before))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit(_before)


def _forget() -> None:
    """A forked child has none of the threads that may have held the lock or set the limit."""
    global _lock, _users
    _lock, _users = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _limit(numbers: list[int]) -> None:
    for library, number in zip(_libraries(), numbers, strict=True):
        if library.num_threads != number:
            # threadpoolctl 3.8 ignores all threads but the first one that ever set a number,
            # and the last one out may be another.
            release = getattr(library, "clear_controlling_thread", None)
            if release is not None:
                release(force=True)
            library.set_num_threads(number)
            if release is not None:
                release(force=True)
