"""The gradients of whole networks are those of JAX, to second order.

Written twice, once in each language; only the arrays are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, variable

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

ROWS, TIME, FEATURES, SIZE, CLASSES = 5, 6, 3, 4, 3


@pytest.fixture(autouse=True, scope="module")
def _double_precision() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@dataclass(frozen=True)
class Network:
    """A loss in both languages, a function of arrays of these shapes."""

    shapes: dict[str, tuple[int, ...]]
    ours: Callable[..., Node]
    theirs: Callable[..., Any]

    def arrays(self) -> list[np.ndarray[Any, Any]]:
        rng = np.random.default_rng(0)
        return [0.7 * rng.normal(size=shape) for shape in self.shapes.values()]

    def variables(self) -> list[Node]:
        """The first axis of ROWS becomes the symbolic number of rows."""
        return [
            variable(name, ["rows" if size == ROWS else size for size in shape])
            for name, shape in self.shapes.items()
        ]


# --- a perceptron, log loss --------------------------------------------------------------


def _perceptron_ours(X: Node, W1: Node, b1: Node, W2: Node, b2: Node, Y: Node) -> Node:
    scores = fn.tanh(X @ W1 + b1) @ W2 + b2
    return fn.mean(fn.logsumexp(scores, 1) - fn.sum(fn.softmax(Y, 1) * scores, 1, keepdims=True))


def _perceptron_theirs(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    scores = jnp.tanh(X @ W1 + b1) @ W2 + b2
    return -jnp.mean(jnp.sum(jax.nn.softmax(Y) * jax.nn.log_softmax(scores), axis=1))


# --- every smooth function in one loss ---------------------------------------------------


def _functions_ours(X: Node, w: Node) -> Node:
    z = X * w
    parts = [
        fn.exp(fn.sin(z)) / (1.0 + fn.square(z)),
        fn.log(1.5 + fn.cos(z)) - fn.expm1(-fn.square(z)),
        fn.softplus(z) * fn.logistic(2.0 * z),
        fn.erf(z) + fn.log1p(fn.square(z)),
        fn.sqrt(2.0 + z * z) ** fn.tanh(z),
        fn.maximum(z, 0.3 * z) * fn.minimum(z, 0.5),
        fn.reciprocal(3.0 + fn.absolute(z)),
        fn.select(z < 0.2, z**3.0, fn.exp(z)),
    ]
    total = parts[0]
    for each in parts[1:]:
        total = total + each
    return fn.sum(total) + fn.sum(fn.max(X, 0) * w) + fn.mean(fn.logsumexp(X, 0))


def _functions_theirs(X: Any, w: Any) -> Any:
    z = X * w
    total = (
        jnp.exp(jnp.sin(z)) / (1.0 + z**2)
        + jnp.log(1.5 + jnp.cos(z))
        - jnp.expm1(-(z**2))
        + jax.nn.softplus(z) * jax.nn.sigmoid(2.0 * z)
        + jax.scipy.special.erf(z)
        + jnp.log1p(z**2)
        + jnp.sqrt(2.0 + z * z) ** jnp.tanh(z)
        + jnp.maximum(z, 0.3 * z) * jnp.minimum(z, 0.5)
        + 1.0 / (3.0 + jnp.abs(z))
        + jnp.where(z < 0.2, z**3, jnp.exp(z))
    )
    return (
        jnp.sum(total)
        + jnp.sum(jnp.max(X, axis=0) * w)
        + jnp.mean(jax.scipy.special.logsumexp(X, axis=0))
    )


# --- arrays moved about ------------------------------------------------------------------


def _movements_ours(X: Node, T: Node) -> Node:
    moved = fn.transpose(T, (2, 0, 1))
    flat = fn.reshape(moved, (4, 6))
    joined = fn.concatenate([fn.slice_axes(flat, [(1, 3), None]), fn.sin(flat)], 0)
    padded = fn.pad(joined, (7, 8), [(0, 6), (1, 7)])
    wide = fn.broadcast_to(fn.sum(padded, 0), ("rows", 8))
    first = fn.slice_axes(X, [(0, 1), (1, 3)])
    return fn.sum(fn.square(wide)) * fn.sum(first) + fn.sum(X @ fn.slice_axes(flat, [(0, 3), None]))


def _movements_theirs(X: Any, T: Any) -> Any:
    flat = jnp.transpose(T, (2, 0, 1)).reshape(4, 6)
    joined = jnp.concatenate([flat[1:3], jnp.sin(flat)])
    padded = jnp.pad(joined, ((0, 1), (1, 1)))
    wide = jnp.broadcast_to(padded.sum(0), (X.shape[0], 8))
    return jnp.sum(wide**2) * jnp.sum(X[:1, 1:3]) + jnp.sum(X @ flat[:3])


# --- recurrent networks ------------------------------------------------------------------


def _rnn_ours(reverse: bool) -> Callable[..., Node]:
    def loss(X: Node, h: Node, U: Node, W: Node, b: Node, v: Node) -> Node:
        def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
            new = fn.tanh(slices[0] @ U + carries[0] @ W + b)
            return [new], [new]

        (states,) = scan(body, [h], [X], reverse=reverse)
        return fn.mean(fn.square(fn.sum(states * v, 2) - 0.3))

    return loss


def _rnn_theirs(reverse: bool) -> Callable[..., Any]:
    def loss(X: Any, h: Any, U: Any, W: Any, b: Any, v: Any) -> Any:
        def body(carry: Any, x: Any) -> Any:
            new = jnp.tanh(x @ U + carry @ W + b)
            return new, new

        _, states = jax.lax.scan(body, h, X, reverse=reverse)
        return jnp.mean((jnp.sum(states * v, axis=2) - 0.3) ** 2)

    return loss


def _lstm_ours(reverse: bool) -> Callable[..., Node]:
    def loss(X: Node, h: Node, c: Node, W: Node, b: Node) -> Node:
        def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
            gates = fn.concatenate([slices[0], carries[0]], 1) @ W + b
            i, f, g, o = (
                fn.slice_axes(gates, [None, (k * SIZE, (k + 1) * SIZE)]) for k in range(4)
            )
            cell = fn.logistic(f) * carries[1] + fn.logistic(i) * fn.tanh(g)
            new = fn.logistic(o) * fn.tanh(cell)
            return [new, cell], [new, cell]

        states, cells = scan(body, [h, c], [X], reverse=reverse)
        return fn.sum(fn.square(states)) + fn.mean(fn.sin(cells))

    return loss


def _lstm_theirs(reverse: bool) -> Callable[..., Any]:
    def loss(X: Any, h: Any, c: Any, W: Any, b: Any) -> Any:
        def body(carry: Any, x: Any) -> Any:
            gates = jnp.concatenate([x, carry[0]], axis=1) @ W + b
            i, f, g, o = jnp.split(gates, 4, axis=1)
            cell = jax.nn.sigmoid(f) * carry[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
            new = jax.nn.sigmoid(o) * jnp.tanh(cell)
            return (new, cell), (new, cell)

        _, (states, cells) = jax.lax.scan(body, (h, c), X, reverse=reverse)
        return jnp.sum(states**2) + jnp.mean(jnp.sin(cells))

    return loss


def _gru_ours(reverse: bool) -> Callable[..., Node]:
    def loss(X: Node, h: Node, U: Node, W: Node, V: Node) -> Node:
        def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
            (state,) = carries
            gates = fn.logistic(slices[0] @ U + state @ W)
            update = fn.slice_axes(gates, [None, (0, SIZE)])
            reset = fn.slice_axes(gates, [None, (SIZE, 2 * SIZE)])
            candidate = fn.tanh((reset * state) @ V + fn.sum(slices[0], 1, keepdims=True))
            new = (1.0 - update) * state + update * candidate
            return [new], [new]

        (states,) = scan(body, [h], [X], reverse=reverse)
        end = (0, 1) if reverse else (TIME - 1, TIME)
        return fn.sum(fn.square(fn.slice_axes(states, [end, None, None])))

    return loss


def _gru_theirs(reverse: bool) -> Callable[..., Any]:
    def loss(X: Any, h: Any, U: Any, W: Any, V: Any) -> Any:
        def body(state: Any, x: Any) -> Any:
            gates = jax.nn.sigmoid(x @ U + state @ W)
            update, reset = jnp.split(gates, 2, axis=1)
            candidate = jnp.tanh((reset * state) @ V + jnp.sum(x, axis=1, keepdims=True))
            new = (1.0 - update) * state + update * candidate
            return new, new

        last, _ = jax.lax.scan(body, h, X, reverse=reverse)
        return jnp.sum(last**2)

    return loss


_SEQUENCE, _STATE = (TIME, ROWS, FEATURES), (ROWS, SIZE)
NETWORKS = {
    "perceptron": Network(
        {
            "X": (ROWS, FEATURES),
            "W1": (FEATURES, SIZE),
            "b1": (SIZE,),
            "W2": (SIZE, CLASSES),
            "b2": (CLASSES,),
            "Y": (ROWS, CLASSES),
        },
        _perceptron_ours,
        _perceptron_theirs,
    ),
    "functions": Network({"X": (ROWS, 3), "w": (3,)}, _functions_ours, _functions_theirs),
    "movements": Network({"X": (ROWS, 3), "T": (2, 3, 4)}, _movements_ours, _movements_theirs),
}
for _direction, _reverse in [("", False), (" backward", True)]:
    NETWORKS["recurrent" + _direction] = Network(
        {
            "X": _SEQUENCE,
            "h": _STATE,
            "U": (FEATURES, SIZE),
            "W": (SIZE, SIZE),
            "b": (SIZE,),
            "v": (SIZE,),
        },
        _rnn_ours(_reverse),
        _rnn_theirs(_reverse),
    )
    NETWORKS["lstm" + _direction] = Network(
        {
            "X": _SEQUENCE,
            "h": _STATE,
            "c": _STATE,
            "W": (FEATURES + SIZE, 4 * SIZE),
            "b": (4 * SIZE,),
        },
        _lstm_ours(_reverse),
        _lstm_theirs(_reverse),
    )
    NETWORKS["gru" + _direction] = Network(
        {
            "X": _SEQUENCE,
            "h": _STATE,
            "U": (FEATURES, 2 * SIZE),
            "W": (SIZE, 2 * SIZE),
            "V": (SIZE, SIZE),
        },
        _gru_ours(_reverse),
        _gru_theirs(_reverse),
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_value_gradient_and_curvature_are_those_of_jax(name: str) -> None:
    network = NETWORKS[name]
    arrays = network.arrays()
    rng = np.random.default_rng(2)
    directions = [rng.normal(size=each.shape) for each in arrays]

    inputs = network.variables()
    along_inputs = [variable(f"along {each.name}", each.shape) for each in inputs]
    loss = network.ours(*inputs)
    slopes = gradient(loss, inputs)
    slope_along = fn.sum(slopes[0] * along_inputs[0])
    for slope, direction in zip(slopes[1:], along_inputs[1:], strict=True):
        slope_along = slope_along + fn.sum(slope * direction)
    curvatures = gradient(slope_along, inputs)
    program = Program((*inputs, *along_inputs), (loss, *slopes, *curvatures))
    value, *found = ReferenceEngine().compile(program, "float64")(*arrays, *directions)

    places = tuple(range(len(arrays)))
    value_and_grad = jax.value_and_grad(network.theirs, places)

    def both(*at: Any) -> Any:
        return jax.jvp(
            lambda *point: value_and_grad(*point), at, tuple(map(jnp.asarray, directions))
        )

    (their_value, their_slopes), (_, their_curvatures) = jax.jit(both)(*map(jnp.asarray, arrays))
    np.testing.assert_allclose(value, their_value, rtol=1e-12)
    expected = [*their_slopes, *their_curvatures]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)
        assert np.abs(ours).max() > 1e-6


def test_reading_and_writing_at_indices_is_that_of_jax() -> None:
    table, places = variable("table", (4, 2)), variable("places", (2, 3), "int")
    read = fn.take(fn.exp(table), places)
    written = fn.scatter_add(fn.sin(read), places, 4)
    loss = fn.sum(fn.square(written)) + fn.sum(read)
    (slope,) = gradient(loss, [table])
    values = np.random.default_rng(0).normal(size=(4, 2))
    chosen = np.array([[0, 3, 3], [2, 0, 3]])
    (found,) = ReferenceEngine().compile(Program((table, places), (slope,)), "float64")(
        values, chosen
    )

    def theirs(t: Any) -> Any:
        read = jnp.exp(t)[chosen]
        return jnp.sum(jnp.zeros((4, 2)).at[chosen].add(jnp.sin(read)) ** 2) + jnp.sum(read)

    np.testing.assert_allclose(found, jax.grad(theirs)(values), rtol=1e-12)
