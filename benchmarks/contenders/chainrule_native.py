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
    from collections.abc import Callable, Sequence

    from benchmarks.task import Array, Network


class ChainruleNative:
    """The training step of an objective on the native engine, all threads."""

    def __init__(
        self,
        describe: Callable[[], Objective],
        first: Sequence[Array],
        data: Sequence[Array],
        batch: int,
        seed: int,
    ) -> None:
        self.generator = np.random.default_rng(seed)
        self.rows, self.batch = len(data[0]), batch
        start = time.perf_counter()
        objective = describe()
        step = training_step(objective, Adam())
        state = initial_state(step, dict(zip(objective.parameters, first, strict=True)))
        self.loop = NativeEngine().compile_step(
            step,
            "float32",
            data,
            state,
            {"learning_rate": LEARNING_RATE},
            seed=seed,
            n_threads=available_threads(),
            batch_size=batch,
        )
        self.compile_seconds = time.perf_counter() - start

    def epoch(self) -> float:
        """One pass over all rows."""
        order = self.generator.permutation(self.rows)
        report = self.loop.run(order, self.batch, 0, -(-self.rows // self.batch))
        return report.loss_sum / report.rows


def squared_error(output: cr.Node, read: cr.Node, parameters: Sequence[cr.Node]) -> Objective:
    """The mean squared error of an output."""
    y = cr.variable("y", output.shape)
    return Objective(cr.mean(cr.square(output - y), 1), (read, y), tuple(parameters))


def prepare(network: Network, X: Array, Y: Array, seed: int) -> ChainruleNative:
    """Compile the training step."""
    mlp = MLP(network.layers, "relu", "identity")
    weights = network.initial_weights(seed)
    arrays = [W for W, _ in weights] + [b for _, b in weights]
    return ChainruleNative(
        lambda: squared_error(mlp.raw_output(mlp.X), mlp.X, mlp.parameters),
        arrays,
        [X, Y],
        network.batch,
        seed,
    )
