"""chainrule, native engine: the trainer behind ``MLPRegressor.fit``, an epoch at a time.

PROVISIONAL: written before the estimator and its trainer existed.  To be settled with them:
how a trainer is obtained from an estimator, and how it is given its first weights.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

import chainrule as cr
from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


class ChainruleNative:
    """The trainer that the public estimator compiles."""

    def __init__(self, network: Network, X: Array, Y: Array, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.rows = len(X)
        model = cr.MLPRegressor(
            hidden_layer_sizes=network.layers[1:-1],
            activation="relu",
            solver="adam",
            alpha=0.0,
            batch_size=network.batch,
            learning_rate_init=LEARNING_RATE,
            shuffle=True,
            tol=0.0,
            n_iter_no_change=10**6,
            random_state=seed,
            engine="native",
        )
        start = time.perf_counter()
        self.trainer = model.trainer(X, Y, initial_weights=network.initial_weights(seed))
        self.compile_seconds = time.perf_counter() - start

    def epoch(self) -> float:
        """One pass over all rows."""
        return float(self.trainer.run_epoch(self.generator.permutation(self.rows)))


def prepare(network: Network, X: Array, Y: Array, seed: int) -> ChainruleNative:
    """Compile the trainer."""
    return ChainruleNative(network, X, Y, seed)
