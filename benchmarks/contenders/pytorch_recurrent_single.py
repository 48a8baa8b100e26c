"""PyTorch as in :mod:`benchmarks.contenders.pytorch_recurrent`, with one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders.pytorch_eager import PyTorchEager
from benchmarks.contenders.pytorch_recurrent import LastState

if TYPE_CHECKING:
    from benchmarks.recurrent_task import RecurrentTask
    from benchmarks.task import Array


def prepare(task: RecurrentTask, X: Array, Y: Array, seed: int) -> PyTorchEager:
    """Build the module; one thread, because small steps may lose more than they gain by two."""
    model = LastState(task, seed)
    return PyTorchEager(model, X, Y, task.batch, seed, fused=True, threads=1)
