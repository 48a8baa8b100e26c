"""chainrule: the training step that ``LSTMRegressor.fit`` compiles, an epoch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders.chainrule_native import ChainruleNative, squared_error
from chainrule.networks.recurrent import RecurrentNetwork

if TYPE_CHECKING:
    from benchmarks.recurrent_task import RecurrentTask
    from benchmarks.task import Array

CELLS = {"rnn": "rnn_tanh", "lstm": "lstm", "gru": "gru"}


def prepare(task: RecurrentTask, X: Array, Y: Array, seed: int) -> ChainruleNative:
    """Compile the training step."""
    network = RecurrentNetwork(CELLS[task.cell], task.features, task.units, 1, 1)
    # The weights of a task are in the order of the network's parameters.
    return ChainruleNative(
        lambda: squared_error(network.raw_output(), network.X, network.parameters),
        task.parameters(seed),
        [X, Y],
        task.batch,
        seed,
    )
