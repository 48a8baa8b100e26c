"""Keeping the threads of one run on processors of their own, where the system tells.

Threads that are woken at the same moment are sometimes put on one processor, although others are
idle. They wait for each other all the time, so they then take turns, and it can be milliseconds
until the system moves one of them: longer than an epoch of a small network.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterator

__all__ = ["Processors"]


@functools.cache
def _current_processor() -> Callable[[], int] | None:
    """The system's function that says where the calling thread runs."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.CDLL(None), "sched_getcpu", None)


class Processors:
    """The processors on which threads of one run are running."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Let the calling thread run on a processor that no other of the run began on.

        It is only moved there, not bound: where others need that processor, the system may move
        it again. Where all are taken, it stays.
        """
        where = _current_processor()
        if where is None:
            yield
            return
        with self._lock:
            here = where()
            if here in self._taken:
                here = self._moved(here)
            self._taken.add(here)
        try:
            yield
        finally:
            with self._lock:
                self._taken.discard(here)

    def _moved(self, here: int) -> int:
        allowed = os.sched_getaffinity(0)
        free = allowed - self._taken
        if not free:
            return here
        there = min(free)
        try:
            os.sched_setaffinity(0, {there})
            os.sched_setaffinity(0, allowed)
        except OSError:  # it has been taken away meanwhile
            return here
        return there
