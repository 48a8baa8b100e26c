"""Training steps as machine code, many in one call."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import (
    Array,
    FloatType,
    RunReport,
    TrainingLoop,
    TrainingStep,
    bind_sizes,
)
from chainrule.engines.native.allocation import aligned
from chainrule.engines.native.assembly import CONTROL_FIELDS, assemble
from chainrule.engines.native.compiler import Code, compile_code, vector_registers
from chainrule.engines.native.frame import SIZE_FIELDS
from chainrule.engines.native.layout import ROWS_TOTAL
from chainrule.engines.native.lowering import lower_step
from chainrule.engines.native.plan import MatMul, Plan
from chainrule.engines.native.products import needs_blas
from chainrule.engines.native.sharing import ROWS
from chainrule.engines.native.team import Team
from chainrule.engines.native.workspace import Workspace, storage
from chainrule.engines.threads import one_blas_thread
from chainrule.graph.printer import canonical

__all__ = ["NativeLoop"]


class NativeLoop(TrainingLoop):
    """A training step as machine code, bound to data and state."""

    def __init__(
        self,
        step: TrainingStep,
        dtype: FloatType,
        data: Sequence[Array],
        state: Sequence[Array],
        settings: Mapping[str, float],
        seed: int,
        n_threads: int,
        batch_size: int,
    ) -> None:
        super().__init__(step, data, state, settings, seed)
        self._plan, self._code = _compiled(step, dtype, n_threads, batch_size)
        # Asked for once: LLVM has one lock for all, which a forked child may find taken.
        self._entry = self._code.address("run")
        self._needs_blas = needs_blas(self._plan.block)
        self._dtype = np.dtype(dtype)
        self._batch_size = batch_size
        self._sizes = self._read_sizes()
        self._bind(batch_size)
        self._team = Team(n_threads)
        # Runs share the workspace and the state.
        self._lock = threading.Lock()

    def _read_sizes(self) -> dict[str, int]:
        for node, array in zip(self.step.minibatch, self.data, strict=True):
            expected = storage(node, self._dtype)
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"{node.name!r} needs a C-ordered array of {expected}.")
        for node, array in zip(self.step.state, self.state, strict=True):
            if array.dtype != self._dtype or not array.flags.c_contiguous:
                raise TypeError(f"{node.name!r} needs a C-ordered array of {self._dtype}.")
        sizes = bind_sizes([*self.step.minibatch, *self.step.state], [*self.data, *self.state])
        return sizes

    def _bind(self, batch_size: int) -> None:
        plan = self._plan
        most = -(-batch_size // plan.n_threads)
        sizes = {**self._sizes, ROWS: most, ROWS_TOTAL: batch_size}
        self._workspace = workspace = Workspace(plan, self._dtype, sizes)
        for position, symbol in enumerate(plan.symbols, start=len(SIZE_FIELDS)):
            workspace.sizes[:, position] = sizes[symbol]
        self._setting_values = np.zeros(len(self.step.settings), dtype=self._dtype)
        n_data, n_state = len(self.data), len(self.state)
        width = self._dtype.itemsize
        self._copies: list[tuple[Array, Array]] = []
        places: dict[tuple[int, int], Array] = {}
        for buffer, array in zip(plan.inputs[n_data : n_data + n_state], self.state, strict=True):
            workspace.tables[:, buffer.index] = array.ctypes.data
            for thread in range(1, plan.n_threads if plan.own_state else 1):
                # One array given for two variables is one in the copies, too.
                place = thread, array.ctypes.data
                if place not in places:
                    places[place] = aligned(array.nbytes).view(array.dtype)
                    self._copies.append((places[place], array))
                workspace.tables[thread, buffer.index] = places[place].ctypes.data
        for position, buffer in enumerate(plan.inputs[n_data + n_state :]):
            workspace.tables[:, buffer.index] = self._setting_values.ctypes.data + position * width
        self._data_pointers = np.array([each.ctypes.data for each in self.data], dtype=np.uintp)
        self._gathered_memory = [
            aligned(batch_size * (each.nbytes // max(len(each), 1))) for each in self.data
        ]
        self._gathered = np.array(
            [each.ctypes.data for each in self._gathered_memory], dtype=np.uintp
        )
        self._control = np.zeros(len(CONTROL_FIELDS), dtype=np.int64)
        self._losses = np.zeros(1)
        shared = (self._data_pointers, self._gathered, self._control, self._losses)
        self._arguments = [each.ctypes.data for each in shared]
        self._batch_size = batch_size

    def _run(
        self,
        order: npt.NDArray[np.int64] | None,
        batch_size: int,
        first: int,
        last: int,
        loss_sum: float,
    ) -> RunReport:
        with self._lock:
            if batch_size > self._batch_size:
                self._bind(batch_size)
            for position, node in enumerate(self.step.settings):
                self._setting_values[position] = self.settings[node.name or ""]
            n_rows = len(self.data[0]) if order is None else len(order)
            told = {
                "order": 0 if order is None else order.ctypes.data,
                "batch_size": batch_size,
                "first": first,
                "last": last,
                "n_rows": n_rows,
                "seed": self.seed,
                "step": self.steps_done,
            }
            self._control[:] = [told[name] for name in CONTROL_FIELDS]
            self._losses[0] = loss_sum
            for memory, array in self._copies:
                memory[:] = array.ravel()
            with one_blas_thread() if self._needs_blas else nullcontext():
                end = self._workspace.run(self._team, self._entry, *self._arguments)
            report = RunReport(steps=end - first, loss_sum=float(self._losses[0]))
            report.failed_step = end if end < last else None
            report.rows = min(end * batch_size, n_rows) - min(first * batch_size, n_rows)
            self.steps_done += report.steps
            return report


# partial_fit binds one step to other data again and again.
@functools.lru_cache(maxsize=16)
def _compiled(
    step: TrainingStep, dtype: FloatType, n_threads: int, batch_size: int
) -> tuple[Plan, Code]:
    plan = lower_step(step, n_threads, batch_size)
    program = step.program
    text = canonical(program.inputs, program.outputs)
    products = [each for each in plan.block.instructions if isinstance(each, MatMul)]
    shared = [position for position, each in enumerate(products) if each.split]
    code = compile_code(
        f"train {len(step.minibatch)} {len(step.state)} {dtype} {n_threads} {shared} "
        f"{plan.own_state}\n{text}",
        lambda: assemble(plan, dtype, vector_registers(), len(step.minibatch)),
    )
    return plan, code
