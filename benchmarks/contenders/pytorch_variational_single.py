"""PyTorch as in :mod:`benchmarks.contenders.pytorch_variational`, with one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import pytorch_variational

if TYPE_CHECKING:
    from benchmarks.contenders.pytorch_eager import PyTorchEager
    from benchmarks.task import Array
    from benchmarks.variational_task import VariationalTask


def prepare(task: VariationalTask, X: Array, Y: Array, seed: int) -> PyTorchEager:
    """Build the module; one thread."""
    return pytorch_variational.prepare(task, X, Y, seed, threads=1)
