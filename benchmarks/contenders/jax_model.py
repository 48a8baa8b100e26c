"""The network and the training step that both JAX contenders compile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from benchmarks.task import Network

Params = list[tuple[jax.Array, jax.Array]]
State = tuple[Params, Any]
"""Parameters and Adam's moments."""

OPTIMIZER = optax.adam(LEARNING_RATE)


def initial_state(network: Network, seed: int) -> State:
    """The common first weights, and moments of zero."""
    params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in network.initial_weights(seed)]
    return params, OPTIMIZER.init(params)


def mean_squared_error(params: Params, x: jax.Array, y: jax.Array) -> jax.Array:
    """Loss of the network on one minibatch."""
    *hidden, (W_out, b_out) = params
    for W, b in hidden:
        x = jax.nn.relu(x @ W + b)
    return jnp.mean((x @ W_out + b_out - y) ** 2)


def step(state: State, x: jax.Array, y: jax.Array) -> tuple[State, jax.Array]:
    """One update: the next state, and the loss before it."""
    params, moments = state
    loss, gradients = jax.value_and_grad(mean_squared_error)(params, x, y)
    updates, moments = OPTIMIZER.update(gradients, moments, params)
    return (optax.apply_updates(params, updates), moments), loss
