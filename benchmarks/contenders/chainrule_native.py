"""chainrule: the training step that ``MLPRegressor.fit`` compiles, an epoch at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

import chainrule as cr
from benchmarks.task import LEARNING_RATE
from chainrule.engines.native.engine import NativeEngine
from chainrule.engines.threads import available_threads
from chainrule.networks.mlp import MLP
from chainrule.training.optimizers import Adam
from chainrule.training.step import Objective, initial_state, training_step

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


class ChainruleNative:
    """The training step of a network's output on the native engine, all threads."""

    def __init__(
        self,
        output: cr.Node,
        read: cr.Node,
        first: dict[cr.Node, Array],
        X: Array,
        Y: Array,
        batch: int,
        seed: int,
    ) -> None:
        self.generator = np.random.default_rng(seed)
        self.rows, self.batch = len(X), batch
        start = time.perf_counter()
        y = cr.variable("y", ("rows", Y.shape[1]))
        row_losses = cr.mean(cr.square(output - y), 1)
        step = training_step(Objective(row_losses, (read, y), tuple(first)), Adam())
        state = initial_state(step, first)
        self.loop = NativeEngine().compile_step(
            step,
            "float32",
            [X, Y],
            state,
            {"learning_rate": LEARNING_RATE},
            n_threads=available_threads(),
            batch_size=batch,
        )
        self.compile_seconds = time.perf_counter() - start

    def epoch(self) -> float:
        """One pass over all rows."""
        order = self.generator.permutation(self.rows)
        report = self.loop.run(order, self.batch, 0, -(-self.rows // self.batch))
        return report.loss_sum / report.rows


def prepare(network: Network, X: Array, Y: Array, seed: int) -> ChainruleNative:
    """Compile the training step."""
    mlp = MLP(network.layers, "relu", "identity")
    weights = network.initial_weights(seed)
    arrays = [W for W, _ in weights] + [b for _, b in weights]
    first = dict(zip(mlp.parameters, arrays, strict=True))
    return ChainruleNative(mlp.raw_output(mlp.X), mlp.X, first, X, Y, network.batch, seed)
