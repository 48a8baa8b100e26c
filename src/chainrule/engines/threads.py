"""How many threads there are to use, and keeping BLAS from starting more of its own."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401  whose BLAS must be loaded to be found
from threadpoolctl import ThreadpoolController

__all__ = ["available_threads", "one_blas_thread"]


def available_threads(n_threads: int | None = None) -> int:
    """How many threads a fit or a prediction uses.

    Parameters
    ----------
    n_threads : int, optional
        As many, whatever else holds. By default one for each processor that this process may
        use, and where several jobs run beside each other each has its share, so that all of
        them together do not have more threads than there are processors.

    Notes
    -----
    What tells of other jobs: the environment variable OMP_NUM_THREADS, which joblib's and Dask's
    worker processes are given; a process of a ``multiprocessing.Pool``, which knows nothing of
    the others and so is left one thread; a thread of a ``multiprocessing.pool.ThreadPool``, which
    is what joblib starts for ``backend="threading"``. Where jobs run beside each other in another
    way, say how many threads each may use.
    """
    if n_threads is not None:
        return n_threads
    if _is_pool_process():
        return 1
    return max(1, min(_processors(), _openmp_limit()) // _jobs_in_threads())


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _openmp_limit() -> int:
    """What OMP_NUM_THREADS says."""
    return _first_number(os.environ.get("OMP_NUM_THREADS", ""))


@cache
def _first_number(text: str) -> int:
    """The number, or the first of one for each level of nested jobs; without any, no limit."""
    found = re.match(r"\s*0*([1-9]\d*)\s*(,|$)", text)
    return int(found.group(1)) if found else sys.maxsize


def _is_pool_process() -> bool:
    # A process that nobody asked multiprocessing for need not import it to learn that.
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.current_process().daemon


def _jobs_in_threads() -> int:
    """How many threads of pools there are, if this is one of them; else 1."""
    pools = sys.modules.get("multiprocessing.dummy")
    if pools is None or not isinstance(threading.current_thread(), pools.DummyProcess):
        return 1
    return sum(isinstance(each, pools.DummyProcess) for each in threading.enumerate())


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
