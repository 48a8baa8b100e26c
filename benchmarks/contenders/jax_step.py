"""JAX and optax, one jitted call a step: the loop of their tutorials.

The state is donated and the minibatch gathered inside the compiled step, which measured
faster than gathering outside; losses stay on the device until the epoch ends.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders.jax_model import State, initial_state, step

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


def gather_and_step(
    state: State, X: jax.Array, Y: jax.Array, rows: jax.Array, total: jax.Array
) -> tuple[State, jax.Array]:
    """One update on the minibatch ``rows``; adds its summed loss to ``total``."""
    state, loss = step(state, X[rows], Y[rows])
    return state, total + loss * len(rows)


class JaxStep:
    """A Python loop over a compiled step."""

    def __init__(self, network: Network, X: Array, Y: Array, seed: int) -> None:
        self.X, self.Y = jnp.asarray(X), jnp.asarray(Y)
        self.state = initial_state(network, seed)
        self.generator = np.random.default_rng(seed)
        self.batch = network.batch
        self.step = jax.jit(gather_and_step, donate_argnums=0)
        # The first call compiles; it is given a state of its own to consume.
        spare, rows = initial_state(network, seed), np.arange(network.batch, dtype=np.int32)
        start = time.perf_counter()
        jax.block_until_ready(self.step(spare, self.X, self.Y, rows, jnp.zeros(())))
        self.compile_seconds = time.perf_counter() - start

    def epoch(self) -> float:
        """One pass over all rows."""
        order = self.generator.permutation(len(self.X)).astype(np.int32)
        total = jnp.zeros(())
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            self.state, total = self.step(self.state, self.X, self.Y, rows, total)
        jax.block_until_ready(self.state)
        return float(total) / len(self.X)


def prepare(network: Network, X: Array, Y: Array, seed: int) -> JaxStep:
    """Compile the step."""
    return JaxStep(network, X, Y, seed)
