"""Programs as machine code that Python can call."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array, FloatType, Function, Program, as_arrays, bind_sizes
from chainrule.engines.native.assembly import assemble
from chainrule.engines.native.compiler import compile_code, vector_registers
from chainrule.engines.native.frame import SIZE_FIELDS
from chainrule.engines.native.layout import ROWS_TOTAL
from chainrule.engines.native.lowering import lower_program
from chainrule.engines.native.products import needs_blas
from chainrule.engines.native.sharing import ROWS, has_rows
from chainrule.engines.native.team import Team
from chainrule.engines.native.workspace import Workspace, storage
from chainrule.engines.threads import one_blas_thread
from chainrule.errors import ShapeError
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.printer import canonical
from chainrule.graph.shape import Size, resolve, resolve_shape
from chainrule.graph.traversal import topological_order

__all__ = ["NativeFunction", "bounded_slices", "check_lengths"]


class NativeFunction(Function):
    """A program as machine code. Several Python threads may call it at once."""

    def __init__(self, program: Program, dtype: FloatType, n_threads: int) -> None:
        super().__init__(program, dtype)
        self._plan = lower_program(program, n_threads)
        self._needs_blas = needs_blas(self._plan.block)
        text = canonical(program.inputs, program.outputs)
        self._code = compile_code(
            f"call {dtype} {n_threads}\n{text}",
            lambda: assemble(self._plan, dtype, vector_registers()),
        )
        # Asked for once: LLVM has one lock for all, which a forked child may find taken.
        self._entry = self._code.address("run")
        self._team = Team(n_threads)
        self._bounded = bounded_slices(program.outputs)
        self._free: list[tuple[dict[str, int], Workspace]] = []
        self._lock = threading.Lock()

    def __call__(self, *arguments: npt.ArrayLike, seed: int = 0, step: int = 0) -> list[Array]:
        inputs, plan = self.program.inputs, self._plan
        arrays = [
            np.require(each, requirements="C") for each in as_arrays(inputs, arguments, self.dtype)
        ]
        sizes = bind_sizes(inputs, arrays)
        check_lengths(self._bounded, sizes)
        results = [
            np.empty(resolve_shape(node.shape, sizes), storage(node, self.dtype))
            for node in self.program.outputs
        ]
        rows = sizes.get(ROWS, 0)
        capacity = {**sizes, ROWS: -(-rows // plan.n_threads), ROWS_TOTAL: rows}
        workspace = self._borrow(capacity)
        for thread in range(plan.n_threads):
            low = rows * thread // plan.n_threads
            high = rows * (thread + 1) // plan.n_threads
            self._fill(workspace, thread, [*arrays, *results], low, {**sizes, ROWS: high - low})
            workspace.sizes[thread, : len(SIZE_FIELDS)] = rows, low

        with one_blas_thread() if self._needs_blas else nullcontext():
            workspace.run(self._team, self._entry, seed, step)
        with self._lock:
            self._free.append((capacity, workspace))
        return results

    def _fill(
        self,
        workspace: Workspace,
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

    def _borrow(self, capacity: dict[str, int]) -> Workspace:
        with self._lock:
            for position, (known, workspace) in enumerate(self._free):
                if known == capacity:
                    del self._free[position]
                    return workspace
            self._free.clear()
        return Workspace(self._plan, self.dtype, capacity)


def bounded_slices(outputs: Sequence[Node]) -> list[tuple[Node, Size, int]]:
    """Slices of axes of symbolic size, with the size and how much of it they take."""
    found = []
    for node in topological_order(outputs):
        if node.operation in ("slice", "pad"):
            whole = node.inputs[0] if node.operation == "slice" else node
            for size, bounds in zip(whole.shape, node.attributes["ranges"], strict=True):
                if isinstance(size, Size) and bounds is not None:
                    start, stop = bounds
                    found.append((node, size, -start if stop is None else stop))
        if isinstance(loop := node.attributes.get("loop"), Loop):
            found += bounded_slices([*loop.updates, node.attributes["output"]])
    return found


def check_lengths(bounded: Sequence[tuple[Node, Size, int]], sizes: Mapping[str, int]) -> None:
    """Raise ShapeError where an axis is shorter than a slice of it."""
    for node, size, needed in bounded:
        if resolve(size, sizes) < needed:
            raise ShapeError(f"A size of {resolve(size, sizes)} is too short for {node!r}.")
