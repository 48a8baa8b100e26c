"""Workspaces: the memory and the tables of pointers that machine code is called with."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engines.native.allocation import aligned, apart
from chainrule.engines.native.blas import gemm_address
from chainrule.engines.native.frame import RESULT, SIZE_FIELDS
from chainrule.engines.native.memory import plan_memory
from chainrule.engines.native.plan import Plan
from chainrule.engines.native.team import Team
from chainrule.errors import ShapeError
from chainrule.graph.node import Node

__all__ = ["Workspace", "storage"]


def storage(node: Node, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """How an array for a node is kept: numbers in precision ``dtype``."""
    return {"int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}.get(node.kind, dtype)


@functools.cache
def _yield_address() -> int:
    """The system's call that lets other threads have the processor."""
    if os.name == "nt":
        function = ctypes.WinDLL("kernel32").SwitchToThread  # type: ignore[attr-defined]
    else:
        function = ctypes.CDLL(None).sched_yield
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


class Workspace:
    """Memory for one run of a plan at a time.

    Attributes
    ----------
    tables : array of shape (n_threads, n_buffers or more)
        The address of each buffer as each thread sees it.
    sizes : array of shape (n_threads, n_sizes or more)
        All rows, the first row of the thread's share, and the program's symbols.
    runtime : array
        Addresses that differ from process to process.
    """

    def __init__(self, plan: Plan, dtype: np.dtype[Any], sizes: Mapping[str, int]) -> None:
        threads, slots = plan.n_threads, len(plan.buffers)
        layout = plan_memory(plan, sizes, dtype.itemsize)
        self._arenas = [aligned(layout.local_size) for _ in range(threads)]
        self._shared = aligned(layout.shared_size)
        self.tables = apart(threads, slots, np.uintp)
        for table, arena in zip(self.tables, self._arenas, strict=True):
            for buffer, offset in layout.local.items():
                table[buffer.index] = arena.ctypes.data + offset
            for buffer, offset in layout.shared.items():
                table[buffer.index] = self._shared.ctypes.data + offset
        self.sizes = apart(threads, len(SIZE_FIELDS) + len(plan.symbols), np.int64)
        self._barrier, self._fault = apart(2, 8, np.int64)
        self.runtime = np.array(
            [
                gemm_address(dtype.name),
                _yield_address(),
                self._barrier.ctypes.data,
                self._fault.ctypes.data,
            ],
            dtype=np.uintp,
        )

        self._arguments = apart(threads, RESULT + 1, np.uint64)
        for thread, row in enumerate(self._arguments):
            sizes = self.sizes[thread].ctypes.data
            surroundings = self.runtime.ctypes.data, self.tables.ctypes.data, thread, sizes
            row[:4] = surroundings
        self._addresses = [row.ctypes.data for row in self._arguments]

    def run(self, team: Team, code: int, *arguments: int) -> int:
        """Run code of the plan on all threads; the result is that of the first.

        Raises
        ------
        ShapeError
            If a row was looked up that its table does not have.
        """
        self._barrier[0] = self._fault[0] = 0
        self._arguments[:, 4 : 4 + len(arguments)] = [each % 2**64 for each in arguments]
        team.run(code, self._addresses)
        if self._fault[0]:
            row, rows = self._fault[1:3]
            raise ShapeError(f"There is no row {row} among {rows} rows, counted from 0.")
        return int(self._arguments[0, RESULT])
