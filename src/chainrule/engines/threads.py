"""How many threads there are to use, and keeping BLAS from starting more of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
_limits = ExitStack()
_users = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let each call of BLAS use the calling thread only, for as long as anybody needs it.

    The number of BLAS threads belongs to the whole process. So the first one in sets it and the
    last one out restores it: two fits that overlap in time must not restore each other's limit.
    """
    global _users
    with _lock:
        if _users == 0:
            _limits.enter_context(ThreadpoolController().limit(limits=1, user_api="blas"))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.close()
