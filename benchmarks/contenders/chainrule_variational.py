"""chainrule: the training step that ``VariationalAutoencoder.fit`` compiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders.chainrule_native import ChainruleNative
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.building import Building
from chainrule.networks.variational import VariationalNetwork
from chainrule.training.step import Objective

if TYPE_CHECKING:
    from benchmarks.task import Array
    from benchmarks.variational_task import VariationalTask


def prepare(task: VariationalTask, X: Array, Y: Array, seed: int) -> ChainruleNative:
    """Compile the training step."""

    def describe() -> Objective:
        layers = AutoencoderNetwork(
            task.features,
            (task.units,),
            task.components,
            (task.units,),
            "relu",
            output_activation="logistic",
            loss="log_loss",
            numbers_per_component=2,
        )
        network = VariationalNetwork(layers)
        bound = network.bound(network.X, network.random_draw(), building=Building(training=True))
        return Objective(-bound, (network.X,), network.parameters)

    return ChainruleNative(describe, task.parameters(seed), [X], task.batch, seed)
