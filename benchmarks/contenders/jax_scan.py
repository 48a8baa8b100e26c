"""JAX and optax, a whole epoch in one ``lax.scan``: the fastest form we know of.

The order of the rows is drawn by NumPy: ``jax.random.permutation`` inside the compiled epoch
is much slower on a CPU (it doubles the time of the smallest network).
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders.jax_model import State, Step, initial_state, step

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


def scan_epoch(
    step: Step, state: State, X: jax.Array, Y: jax.Array, minibatches: jax.Array
) -> tuple[State, jax.Array]:
    """Train on every row of ``minibatches``, shape (steps, batch); returns the mean loss."""

    def body(state: State, rows: jax.Array) -> tuple[State, jax.Array]:
        return step(state, X[rows], Y[rows])

    state, losses = jax.lax.scan(body, state, minibatches)
    return state, jnp.mean(losses)


class JaxScan:
    """A compiled epoch."""

    def __init__(self, step: Step, state: State, X: Array, Y: Array, batch: int, seed: int) -> None:
        self.X, self.Y, self.state = jnp.asarray(X), jnp.asarray(Y), state
        self.generator = np.random.default_rng(seed)
        self.shape = (len(X) // batch, batch)
        start = time.perf_counter()
        jitted = jax.jit(partial(scan_epoch, step), donate_argnums=0)
        minibatches = jnp.zeros(self.shape, dtype=jnp.int32)
        self.run = jitted.lower(self.state, self.X, self.Y, minibatches).compile()
        self.compile_seconds = time.perf_counter() - start

    def epoch(self) -> float:
        """One pass over all rows."""
        order = self.generator.permutation(len(self.X)).astype(np.int32)
        minibatches = jnp.asarray(order.reshape(self.shape))
        self.state, loss = self.run(self.state, self.X, self.Y, minibatches)
        jax.block_until_ready(self.state)
        return float(loss)


def prepare(network: Network, X: Array, Y: Array, seed: int) -> JaxScan:
    """Compile the epoch."""
    return JaxScan(step, initial_state(network, seed), X, Y, network.batch, seed)
