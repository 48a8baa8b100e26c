"""A team: threads that run the same machine code together, each with its own arguments."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule.engines.native.allocation import apart
from chainrule.engines.native.handover import (
    BOX,
    Handover,
    handover,
    lock_function,
    new_lock,
    spare_lock,
)
from chainrule.errors import ChainruleError

__all__ = ["Team"]

Box = npt.NDArray[np.uint64]

_Job = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Team:
    """``size`` threads that wait for each other inside the code that they run.

    So all of them must begin: one that waits for another that never began would wait forever.
    The caller is the first of them; the others wait in machine code until it lets them begin.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._handover = handover() if size > 1 else None
        self._start_anew()

    def _start_anew(self) -> None:
        self._process = os.getpid()
        self._others: _Others | None = None
        # Two runs at once would each wait for threads that the other has.
        self._lock = threading.Lock()

    def run(self, code: int, arguments: Sequence[int]) -> None:
        """Call the function at an address on all threads at the same time.

        Parameters
        ----------
        code : int
            The address of a function of one pointer.
        arguments : sequence of int
            The pointer that each thread passes; as many as there are threads.
        """
        if self.size == 1:
            _Job(code)(arguments[0])
            return
        # A forked child has a copy of lock and boxes, but not the threads that use them.
        if self._process != os.getpid():
            self._start_anew()
        with self._lock:
            assert self._handover is not None
            if self._others is None:
                self._others = _Others(self._handover, self.size - 1)
            self._others.run(code, arguments)


class _Others:
    """The threads besides the caller's, each with a box at which it waits."""

    def __init__(self, code: Handover, count: int) -> None:
        self.handover = code
        self.boxes = apart(count, len(BOX), np.uint64)
        functions = [lock_function(name) for name in ("acquire", "release")]
        for box in self.boxes:
            box[:2] = [ctypes.cast(each, ctypes.c_void_p).value or 0 for each in functions]
            box[BOX.index("begin")], box[BOX.index("ended")] = new_lock(), new_lock()
        finalizer = weakref.finalize(self, _stop, self.boxes, os.getpid())
        # Not at exit: there may be one more run before the end, and daemons need not be stopped.
        finalizer.atexit = False
        for number, box in enumerate(self.boxes, start=1):
            name = f"chainrule_{number}"
            thread = threading.Thread(None, _follow, name, (code, box), daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                raise ChainruleError(
                    f"The system starts no thread beyond {number} of {count + 1} ({error}). "
                    f"Give a lower n_threads."
                ) from None

    def run(self, code: int, arguments: Sequence[int]) -> None:
        self.boxes[:, BOX.index("code")] = code
        self.boxes[:, BOX.index("arguments")] = arguments[1:]
        address, stride = self.boxes.ctypes.data, self.boxes.shape[1]
        self.handover.lead(address, stride, len(self.boxes), code, arguments[0])


def _follow(code: Handover, box: Box) -> None:
    code.follow(box.ctypes.data)
    for name in ("begin", "ended"):
        spare_lock(int(box[BOX.index(name)]))


def _stop(boxes: Box, process: int) -> None:
    """Let the threads end that wait at these boxes."""
    if process == os.getpid():
        boxes[:, BOX.index("stop")] = 1
        release = lock_function("release")
        for box in boxes:
            release(int(box[BOX.index("begin")]))
