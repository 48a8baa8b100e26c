"""PyTorch, eager: the training loop of its tutorials, without the slower DataLoader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchmarks.machine import cores
from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


class PyTorchEager:
    """A module under ``optim.Adam``."""

    compile_seconds = None

    def __init__(
        self,
        model: torch.nn.Module,
        X: Array,
        Y: Array,
        batch: int,
        seed: int,
        *,
        fused: bool | None = None,
        threads: int | None = None,
        loss: torch.nn.Module | None = None,
    ) -> None:
        torch.set_num_threads(threads or cores())
        torch.manual_seed(seed)
        self.X, self.Y = torch.from_numpy(X), torch.from_numpy(Y)
        self.batch, self.model = batch, model
        self.loss = loss or torch.nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), LEARNING_RATE, fused=fused)

    def epoch(self) -> float:
        """One pass over all rows."""
        total = torch.zeros(())
        for rows in torch.randperm(len(self.X)).split(self.batch):
            self.optimizer.zero_grad()
            loss = self.loss(self.model(self.X[rows]), self.Y[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(rows)
        return total.item() / len(self.X)


def sequential(network: Network, seed: int) -> torch.nn.Sequential:
    """``nn.Linear`` and ``nn.ReLU`` in turn, with the common first weights."""
    modules: list[torch.nn.Module] = []
    for W, b in network.initial_weights(seed):
        linear = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def prepare(network: Network, X: Array, Y: Array, seed: int) -> PyTorchEager:
    """Build the module and its optimizer as PyTorch's defaults have them."""
    return PyTorchEager(sequential(network, seed), X, Y, network.batch, seed)
