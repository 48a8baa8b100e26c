"""The native engine: programs as machine code."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from chainrule.engines.base import (
    Array,
    Engine,
    FloatType,
    Function,
    Program,
    TrainingLoop,
    TrainingStep,
)
from chainrule.engines.native.function import NativeFunction
from chainrule.engines.native.loop import NativeLoop
from chainrule.engines.native.sharing import ROWS, has_rows, is_shareable, worthwhile_threads
from chainrule.graph.shape import Size

__all__ = ["NativeEngine"]


class NativeEngine(Engine):
    """Programs as machine code, written by LLVM; BLAS for products of widths not known before."""

    name = "native"

    def compile(self, program: Program, dtype: FloatType, n_threads: int = 1) -> Function:
        """Make a program callable; threads share the rows where that changes no value."""
        program.check()
        values = [*program.inputs, *program.outputs]
        rows_first = all(
            not has_rows(node.shape)
            or (node.shape[0] == Size(1, (ROWS,)) and not has_rows(node.shape[1:]))
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
        threads = _checked_threads(step, batch_size, n_threads)
        return NativeLoop(step, dtype, data, state, settings, seed, threads, batch_size)


# partial_fit binds one step to other data again and again.
@functools.lru_cache(maxsize=16)
def _checked_threads(step: TrainingStep, batch_size: int, n_threads: int) -> int:
    """How many threads a step is worth, once it is known to be well formed."""
    step.check()
    return worthwhile_threads(step.program.outputs, batch_size, n_threads)
