"""A team: threads that run the same machine code together, each with its own number."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["Team"]


class Team:
    """``size`` threads that wait for each other inside the code that they run.

    So either all of them must start, or none: one that waits for another that was never started
    would wait forever. Ctrl-C reaches the main thread only, which may be anywhere in Python; it
    therefore hands the whole run to the team, and leaves only when the run has ended.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        # Two runs at once would each wait for threads that the other has.
        self._lock = threading.Lock()

    def run(self, function: Callable[[int], None]) -> None:
        """``function(thread)`` for all threads at the same time."""
        if self.size == 1:
            function(0)
            return
        with self._lock:
            # A forked child has a copy of the pool, but not its threads.
            if self._pool is None or self._process != os.getpid():
                self._pool = ThreadPoolExecutor(self.size, "chainrule")
                self._process = os.getpid()
            run = _Run(self._pool, function, self.size)
            try:
                self._pool.submit(run)
                run.ended.wait()
            finally:
                run.leave()
        if run.error is not None:
            raise run.error


class _Run:
    """One run: led by a thread of the team, waited for by the thread that asked for it."""

    def __init__(
        self, pool: ThreadPoolExecutor, function: Callable[[int], None], size: int
    ) -> None:
        self.pool, self.function, self.size = pool, function, size
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._begin = threading.Lock()

    def __call__(self) -> None:
        if not self._begin.acquire(blocking=False):
            return  # called off before it began
        try:
            others = [self.pool.submit(self.function, thread) for thread in range(1, self.size)]
            self.function(0)
            for each in others:
                each.result()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    def leave(self) -> None:
        """Call the run off if it has not begun, or else wait for its end, whatever happens."""
        while not self.ended.is_set():
            with contextlib.suppress(KeyboardInterrupt):
                if self._begin.acquire(blocking=False):
                    self.ended.set()
                self.ended.wait()
