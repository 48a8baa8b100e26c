"""The network of layers, and the training step that all JAX contenders compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from benchmarks.task import Network

Params = list[tuple[jax.Array, jax.Array]]
State = tuple[Any, Any]
"""Parameters and Adam's moments."""

Step = Callable[[State, jax.Array, jax.Array], tuple[State, jax.Array]]
"""One update on rows and targets: the next state, and the loss before it."""

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


def step_of(loss_of: Callable[[Any, jax.Array, jax.Array], jax.Array]) -> Step:
    """The update that makes a loss of parameters, rows and targets small."""

    def step(state: State, x: jax.Array, y: jax.Array) -> tuple[State, jax.Array]:
        params, moments = state
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        updates, moments = OPTIMIZER.update(gradients, moments, params)
        return (optax.apply_updates(params, updates), moments), loss

    return step


step = step_of(mean_squared_error)
