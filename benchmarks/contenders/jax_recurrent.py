"""JAX and optax: a ``lax.scan`` over time within one over the epoch.

The input's part of the gates is one product for all steps of time. To unroll the inner scan by 2
or 5 steps measured no faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from benchmarks.contenders.jax_model import OPTIMIZER, step_of
from benchmarks.contenders.jax_scan import JaxScan

if TYPE_CHECKING:
    from benchmarks.recurrent_task import RecurrentTask
    from benchmarks.task import Array

sigmoid = jax.nn.sigmoid


def rnn(params: dict[str, Any], carry: Any, given: jax.Array) -> Any:
    """Elman's cell."""
    (h,) = carry
    return (jnp.tanh(given + h @ params["U"]),)


def lstm(params: dict[str, Any], carry: Any, given: jax.Array) -> Any:
    """Long short-term memory."""
    h, c = carry
    i, f, o, g = jnp.split(given + h @ params["U"], 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(c), c


def gru(params: dict[str, Any], carry: Any, given: jax.Array) -> Any:
    """The gated recurrent unit, reset after the product."""
    (h,) = carry
    r_in, z_in, n_in = jnp.split(given, 3, axis=1)
    r_own, z_own, n_own = jnp.split(h @ params["U"], 3, axis=1)
    r, z = sigmoid(r_in + r_own), sigmoid(z_in + z_own)
    n = jnp.tanh(n_in + r * (n_own + params["b_n"]))
    return ((1.0 - z) * n + z * h,)


CELLS = {"rnn": (rnn, 1), "lstm": (lstm, 2), "gru": (gru, 1)}
"""Each cell, and how many values it carries."""


def prepare(task: RecurrentTask, X: Array, Y: Array, seed: int) -> JaxScan:
    """Compile the epoch."""
    cell, n_carried = CELLS[task.cell]

    def loss(params: dict[str, Any], x: jax.Array, y: jax.Array) -> jax.Array:
        given = jnp.swapaxes(x, 0, 1) @ params["W"] + params["b"]
        start = (jnp.zeros((len(x), task.units)),) * n_carried

        def body(carry: Any, now: jax.Array) -> tuple[Any, None]:
            return cell(params, carry, now), None

        (h, *_), _ = jax.lax.scan(body, start, given)
        return jnp.mean((h @ params["V"] + params["d"] - y) ** 2)

    params = {name: jnp.asarray(each) for name, each in task.initial_weights(seed).items()}
    return JaxScan(step_of(loss), (params, OPTIMIZER.init(params)), X, Y, task.batch, seed)
