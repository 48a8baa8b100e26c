"""PyTorch, eager: ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``, ``nn.Linear``, the fused Adam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.contenders.pytorch_eager import PyTorchEager

if TYPE_CHECKING:
    from benchmarks.recurrent_task import RecurrentTask
    from benchmarks.task import Array

GATES = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}
"""The gates of each cell in the order of PyTorch."""


class LastState(torch.nn.Module):
    """A recurrent layer, and a linear output on its last state."""

    def __init__(self, task: RecurrentTask, seed: int) -> None:
        super().__init__()
        kind = getattr(torch.nn, task.cell.upper())
        self.layer = kind(task.features, task.units, batch_first=True)
        self.output = torch.nn.Linear(task.units, 1)
        weights = task.initial_weights(seed)
        order = GATES[task.cell]

        def arranged(values: Array) -> Array:
            blocks = np.split(values, len(order), axis=-1)
            return np.concatenate([blocks[gate] for gate in order], axis=-1).T

        own = np.zeros_like(weights["b"])  # PyTorch has two biases for all gates
        if "b_n" in weights:
            own[-task.units :] = weights["b_n"]
        for parameter, values in (
            (self.layer.weight_ih_l0, arranged(weights["W"])),
            (self.layer.weight_hh_l0, arranged(weights["U"])),
            (self.layer.bias_ih_l0, arranged(weights["b"])),
            (self.layer.bias_hh_l0, own),
            (self.output.weight, weights["V"].T),
            (self.output.bias, weights["d"]),
        ):
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
        # A second bias of a gate adds nothing but a larger step: only the GRU's b_n is trained.
        self.layer.bias_hh_l0.requires_grad_("b_n" in weights)
        if "b_n" in weights:
            trained = torch.zeros(len(own))
            trained[-task.units :] = 1.0
            self.layer.bias_hh_l0.register_hook(lambda bar: bar * trained)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """The output after the last step."""
        return self.output(self.layer(X)[0][:, -1])


def prepare(task: RecurrentTask, X: Array, Y: Array, seed: int) -> PyTorchEager:
    """Build the module; all cores."""
    return PyTorchEager(LastState(task, seed), X, Y, task.batch, seed, fused=True)
