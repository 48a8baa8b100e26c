"""PyTorch, eager: the variational auto encoder of its examples, with the fused Adam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.contenders.pytorch_eager import PyTorchEager, sequential

if TYPE_CHECKING:
    from benchmarks.task import Array
    from benchmarks.variational_task import VariationalTask


class Variational(torch.nn.Module):
    """Logits of the reconstruction, and mean and log variance of the code."""

    def __init__(self, task: VariationalTask, seed: int) -> None:
        super().__init__()
        modules = list(sequential(task, seed))
        self.encoder = torch.nn.Sequential(*modules[:3])
        self.decoder = torch.nn.Sequential(*modules[4:])

    def forward(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For each row, with one draw of its code."""
        mean, log_variance = self.encoder(X).chunk(2, dim=1)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


class LessTheBound(torch.nn.Module):
    """Less the evidence lower bound, averaged over the rows."""

    def forward(
        self, given: tuple[torch.Tensor, torch.Tensor, torch.Tensor], X: torch.Tensor
    ) -> torch.Tensor:
        """For the outputs of :class:`Variational`."""
        logits, mean, log_variance = given
        loss = binary_cross_entropy_with_logits(logits, X, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return (loss + divergence) / len(X)


def prepare(
    task: VariationalTask, X: Array, Y: Array, seed: int, threads: int | None = None
) -> PyTorchEager:
    """Build the module; all cores by default."""
    return PyTorchEager(
        Variational(task, seed),
        X,
        Y,
        task.batch,
        seed,
        fused=True,
        threads=threads,
        loss=LessTheBound(),
    )
