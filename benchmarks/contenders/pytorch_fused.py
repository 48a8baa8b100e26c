"""PyTorch, eager, with the fused update that its documentation recommends for speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders.pytorch_eager import PyTorchEager, sequential

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


def prepare(network: Network, X: Array, Y: Array, seed: int) -> PyTorchEager:
    """Build the module with ``optim.Adam(fused=True)``."""
    return PyTorchEager(sequential(network, seed), X, Y, network.batch, seed, fused=True)
