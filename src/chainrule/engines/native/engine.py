"""The native engine: programs as machine code."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import (
    Array,
    Engine,
    FloatType,
    Function,
    Program,
    RunReport,
    TrainingLoop,
    TrainingStep,
    bind_sizes,
)
from chainrule.engines.native.assembly import CONTROL_FIELDS, SIZE_FIELDS, assemble
from chainrule.engines.native.blas import gemm_address
from chainrule.engines.native.compiler import compile_code, vector_registers
from chainrule.engines.native.kernels import ROWS_TOTAL
from chainrule.engines.native.lowering import lower_program, lower_step
from chainrule.engines.native.memory import ALIGNMENT, plan_memory
from chainrule.engines.native.plan import Plan
from chainrule.engines.native.sharing import ROWS, has_rows, is_shareable, worthwhile_threads
from chainrule.engines.threads import one_blas_thread
from chainrule.graph.printer import canonical
from chainrule.graph.shape import multiply, resolve_shape

__all__ = ["NativeEngine"]

_STORAGE = {"int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}


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


class _Workspace:
    """Memory and tables of pointers for one run of a plan at a time."""

    def __init__(self, plan: Plan, dtype: np.dtype[Any], sizes: Mapping[str, int]) -> None:
        self.plan = plan
        threads, slots = plan.n_threads, len(plan.buffers)
        layout = plan_memory(plan, sizes, dtype.itemsize)
        self._arenas = [_aligned(layout.local_size) for _ in range(threads)]
        self._shared = _aligned(layout.shared_size)
        self.tables = np.zeros((threads, slots), dtype=np.uintp)
        for thread, arena in enumerate(self._arenas):
            for buffer, offset in layout.local.items():
                self.tables[thread, buffer.index] = arena.ctypes.data + offset
            for buffer, offset in layout.shared.items():
                self.tables[thread, buffer.index] = self._shared.ctypes.data + offset
        self.barrier = np.zeros(8, dtype=np.int64)
        self.runtime = np.array(
            [gemm_address(dtype.name), _yield_address(), self.barrier.ctypes.data],
            dtype=np.uintp,
        )
        self.sizes = np.zeros((threads, len(SIZE_FIELDS) + len(plan.symbols)), dtype=np.int64)


def _aligned(size: int) -> npt.NDArray[np.uint8]:
    """Bytes that start at a cache line."""
    memory = np.empty(size + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


class NativeFunction(Function):
    """A program as machine code. Several Python threads may call it at once."""

    def __init__(self, program: Program, dtype: FloatType, n_threads: int) -> None:
        super().__init__(program, dtype)
        self._plan = lower_program(program, n_threads)
        text = canonical(program.inputs, program.outputs)
        self._code = compile_code(
            f"{_version()} call {dtype} {n_threads}\n{text}",
            lambda: assemble(self._plan, dtype, vector_registers()),
        )
        kind = ctypes.CFUNCTYPE(
            None,
            *[ctypes.c_void_p] * 2,
            ctypes.c_int64,
            ctypes.c_void_p,
            ctypes.c_int64,
            ctypes.c_int64,
        )
        self._call = kind(self._code.address("call"))
        self._free: list[tuple[dict[str, int], _Workspace]] = []
        self._lock = threading.Lock()

    def __call__(self, *arguments: npt.ArrayLike, seed: int = 0, step: int = 0) -> list[Array]:
        inputs, plan = self.program.inputs, self._plan
        arrays = [
            np.ascontiguousarray(value, dtype=_STORAGE.get(node.kind, self.dtype)).reshape(
                np.shape(value)
            )
            for node, value in zip(inputs, arguments, strict=False)
        ]
        sizes = bind_sizes(inputs, arrays)
        results = [
            np.empty(resolve_shape(node.shape, sizes), _STORAGE.get(node.kind, self.dtype))
            for node in self.program.outputs
        ]
        rows = sizes.get(ROWS, 0)
        capacity = {**sizes, ROWS: -(-rows // plan.n_threads), ROWS_TOTAL: rows}
        workspace = self._borrow(capacity)
        workspace.barrier[0] = 0
        for thread in range(plan.n_threads):
            low = rows * thread // plan.n_threads
            high = rows * (thread + 1) // plan.n_threads
            self._fill(workspace, thread, [*arrays, *results], low, {**sizes, ROWS: high - low})
            workspace.sizes[thread, : len(SIZE_FIELDS)] = rows, low

        def run(thread: int) -> None:
            self._call(
                workspace.runtime.ctypes.data,
                workspace.tables.ctypes.data,
                thread,
                workspace.sizes[thread].ctypes.data,
                seed,
                step,
            )

        with one_blas_thread():
            _on_threads(run, plan.n_threads)
        with self._lock:
            self._free.append((capacity, workspace))
        return results

    def _fill(
        self,
        workspace: _Workspace,
        thread: int,
        arrays: Sequence[Array],
        low: int,
        sizes: Mapping[str, int],
    ) -> None:
        buffers = [*self._plan.inputs, *self._plan.outputs]
        for buffer, array in zip(buffers, arrays, strict=True):
            skip = low * array.strides[0] if low and has_rows(buffer.shape) else 0
            workspace.tables[thread, buffer.index] = array.ctypes.data + skip
        for position, symbol in enumerate(self._plan.symbols, start=len(SIZE_FIELDS)):
            workspace.sizes[thread, position] = sizes[symbol]

    def _borrow(self, capacity: dict[str, int]) -> _Workspace:
        with self._lock:
            for position, (known, workspace) in enumerate(self._free):
                if known == capacity:
                    del self._free[position]
                    return workspace
            self._free.clear()
        return _Workspace(self._plan, self.dtype, capacity)


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
        self._plan = plan = lower_step(step, n_threads)
        self._dtype = np.dtype(dtype)
        program = step.program
        text = canonical(program.inputs, program.outputs)
        self._code = compile_code(
            f"{_version()} train {len(step.minibatch)} {len(step.state)} {dtype} {n_threads}\n"
            f"{text}",
            lambda: assemble(plan, dtype, vector_registers(), len(step.minibatch)),
        )
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int64, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 5
        )
        self._train = kind(self._code.address("train"))
        self._batch_size = batch_size
        self._sizes = self._read_sizes()
        self._bind(batch_size)
        self._pool: ThreadPoolExecutor | None = None

    def _read_sizes(self) -> dict[str, int]:
        for node, array in zip(self.step.minibatch, self.data, strict=True):
            expected = _STORAGE.get(node.kind, self._dtype)
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
        self._workspace = workspace = _Workspace(plan, self._dtype, sizes)
        for position, symbol in enumerate(plan.symbols, start=len(SIZE_FIELDS)):
            workspace.sizes[:, position] = sizes[symbol]
        self._setting_values = np.zeros(len(self.step.settings), dtype=self._dtype)
        n_data, n_state = len(self.data), len(self.state)
        width = self._dtype.itemsize
        for buffer, array in zip(plan.inputs[n_data : n_data + n_state], self.state, strict=True):
            workspace.tables[:, buffer.index] = array.ctypes.data
        for position, buffer in enumerate(plan.inputs[n_data + n_state :]):
            workspace.tables[:, buffer.index] = self._setting_values.ctypes.data + position * width
        self._data_pointers = np.array([each.ctypes.data for each in self.data], dtype=np.uintp)
        self._gathered_memory = [
            _aligned(batch_size * (each.nbytes // max(len(each), 1))) for each in self.data
        ]
        self._gathered = np.array(
            [each.ctypes.data for each in self._gathered_memory], dtype=np.uintp
        )
        self._batch_size = batch_size

    def run(
        self, order: npt.NDArray[np.int64] | None, batch_size: int, first: int, last: int
    ) -> RunReport:
        if batch_size > self._batch_size:
            self._bind(batch_size)
        plan, workspace = self._plan, self._workspace
        for position, node in enumerate(self.step.settings):
            self._setting_values[position] = self.settings[node.name or ""]
        n_rows = len(self.data[0]) if order is None else len(order)
        workspace.barrier[0] = 0
        told = {
            "order": 0 if order is None else order.ctypes.data,
            "batch_size": batch_size,
            "first": first,
            "last": last,
            "n_rows": n_rows,
            "seed": self.seed,
            "step": self.steps_done,
            "barrier": 0,
        }
        control = np.array([told[name] for name in CONTROL_FIELDS], dtype=np.int64)
        loss_sum = np.zeros(1)
        reached = [0] * plan.n_threads

        def run_thread(thread: int) -> None:
            reached[thread] = self._train(
                workspace.runtime.ctypes.data,
                workspace.tables.ctypes.data,
                thread,
                workspace.sizes[thread].ctypes.data,
                self._data_pointers.ctypes.data,
                self._gathered.ctypes.data,
                control.ctypes.data,
                loss_sum.ctypes.data,
            )

        with one_blas_thread():
            if plan.n_threads == 1:
                run_thread(0)
            else:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(plan.n_threads - 1, "chainrule")
                waiting = [
                    self._pool.submit(run_thread, thread) for thread in range(1, plan.n_threads)
                ]
                run_thread(0)
                for each in waiting:
                    each.result()
        end = reached[0]
        report = RunReport(steps=end - first, loss_sum=float(loss_sum[0]))
        report.failed_step = end if end < last else None
        report.rows = min(end * batch_size, n_rows) - min(first * batch_size, n_rows)
        self.steps_done += report.steps
        return report


def _on_threads(run: Callable[[int], None], n_threads: int) -> None:
    others = [threading.Thread(target=run, args=(thread,)) for thread in range(1, n_threads)]
    for each in others:
        each.start()
    run(0)
    for each in others:
        each.join()


@functools.cache
def _version() -> str:
    """The compiler's own source: code that an older one made is not used again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class NativeEngine(Engine):
    """Programs as machine code: LLVM for what is element-wise, BLAS for matrix products."""

    name = "native"

    def compile(self, program: Program, dtype: FloatType, n_threads: int = 1) -> Function:
        """Make a program callable; threads share the rows where that changes no value."""
        program.check()
        values = [*program.inputs, *program.outputs]
        rows_first = all(
            not has_rows(node.shape)
            or (node.shape[0] == multiply(node.shape[0], 1) and not has_rows(node.shape[1:]))
            for node in values
        )
        shareable = n_threads > 1 and rows_first and is_shareable(program.outputs)
        return NativeFunction(program, dtype, n_threads if shareable else 1)

    def compile_step(
        self,
        step: TrainingStep,
        dtype: FloatType,
        data: Sequence[Array],
        state: Sequence[Array],
        settings: Mapping[str, float],
        seed: int = 0,
        n_threads: int = 1,
        batch_size: int = 1,
    ) -> TrainingLoop:
        """Make a training step runnable; ``n_threads`` is the most that it may use."""
        step.check()
        threads = worthwhile_threads(step.program.outputs, batch_size, n_threads)
        return NativeLoop(step, dtype, data, state, settings, seed, threads, batch_size)
