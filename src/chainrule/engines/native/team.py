"""A team: threads that run the same machine code together, each with its own number."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

from chainrule.engines.native.processors import Processors

__all__ = ["Team"]


class Team:
    """``size`` threads that wait for each other inside the code that they run.

    So all of them must start: one that waits for another that was never started would wait
    forever. Ctrl-C reaches the main thread only, which may be anywhere in Python; it therefore
    hands the whole run to the team, and leaves only when the run has ended.

    An epoch of a small network takes less time than a thread pool needs to hand it out, so the
    threads simply wait at a queue.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._runs: SimpleQueue[_Run | None] | None = None
        self._process = 0
        # Two runs at once would each wait for threads that the other has.
        self._lock = threading.Lock()

    def run(self, function: Callable[[int], object]) -> None:
        """``function(thread)`` for all threads at the same time."""
        if self.size == 1:
            function(0)
            return
        with self._lock:
            run = _Run(function, self.size)
            try:
                self._until_the_end(run)
            finally:
                while not run.ended.is_set():
                    with contextlib.suppress(KeyboardInterrupt):
                        self._until_the_end(run)
        if run.error is not None:
            raise run.error

    def _until_the_end(self, run: _Run) -> None:
        """Have all numbers taken, and wait; interrupted anywhere, it can be called again."""
        # A forked child has a copy of the queue, but not the threads.
        if self._runs is None or self._process != os.getpid():
            self._runs = _started(self, self.size)
            self._process = os.getpid()
        for _ in range(self.size):
            self._runs.put(run)
        run.ended.wait()


class _Run:
    """One run. Whoever joins takes the next number; to join once too often is harmless."""

    def __init__(self, function: Callable[[int], object], size: int) -> None:
        self.function = function
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._numbers = list(range(size))
        self._running = size
        self._processors = Processors()
        self._lock = threading.Lock()

    def join(self) -> None:
        with self._lock:
            if not self._numbers:
                return
            number = self._numbers.pop()
        try:
            with self._processors.one():
                self.function(number)
        except BaseException as error:
            self.error = error
        with self._lock:
            self._running -= 1
            if self._running == 0:
                self.ended.set()


def _started(owner: Team, size: int) -> SimpleQueue[_Run | None]:
    """A queue at which threads wait for runs, as long as their owner lives."""
    runs: SimpleQueue[_Run | None] = SimpleQueue()

    def stop() -> None:
        for _ in range(size):
            runs.put(None)

    for number in range(size):
        threading.Thread(
            target=_wait_for_runs, args=(runs,), name=f"chainrule_{number}", daemon=True
        ).start()
    weakref.finalize(owner, stop)
    return runs


def _wait_for_runs(runs: SimpleQueue[_Run | None]) -> None:
    while (run := runs.get()) is not None:
        run.join()
        # Not to keep alive what was run until the next time.
        del run
