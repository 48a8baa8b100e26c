"""JAX and optax: a variational auto encoder, a whole epoch in one ``lax.scan``.

The key of the draws is carried along with the parameters and Adam's moments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from benchmarks.contenders.jax_model import initial_state, step_of
from benchmarks.contenders.jax_scan import JaxScan

if TYPE_CHECKING:
    from benchmarks.task import Array
    from benchmarks.variational_task import VariationalTask


def less_the_bound(params: Any, x: jax.Array, key: jax.Array) -> jax.Array:
    """Less the evidence lower bound, averaged over the rows, with one draw of each code."""
    (W1, b1), (W2, b2), (W3, b3), (W4, b4) = params
    mean, log_variance = jnp.split(jax.nn.relu(x @ W1 + b1) @ W2 + b2, 2, axis=1)
    code = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
    logits = jax.nn.relu(code @ W3 + b3) @ W4 + b4
    losses = jnp.sum(jax.nn.softplus(logits) - x * logits, axis=1)
    divergence = jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1.0, axis=1)
    return jnp.mean(losses + 0.5 * divergence)


def step(state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
    """One update: the next state, and the loss before it."""
    trained, key = state
    key, own = jax.random.split(key)
    trained, loss = step_of(less_the_bound)(trained, x, own)
    return (trained, key), loss


def prepare(task: VariationalTask, X: Array, Y: Array, seed: int) -> JaxScan:
    """Compile the epoch."""
    state = (initial_state(task, seed), jax.random.key(seed))
    return JaxScan(step, state, X, Y, task.batch, seed)
