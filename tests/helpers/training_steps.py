"""Training steps to compare engines on: each with data of 33 rows and a state to start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import FloatType, TrainingLoop, TrainingStep
from chainrule.engines.registry import get_engine
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, variable

Array = np.ndarray[Any, Any]

N_ROWS = 33


@dataclass(frozen=True)
class TrainingCase:
    """A step, its data, where its state starts, and its settings."""

    step: TrainingStep
    data: Sequence[Array]
    state: Sequence[Array]
    settings: Mapping[str, float]

    def loop(
        self,
        engine: str,
        dtype: FloatType = "float64",
        n_threads: int = 1,
        seed: int = 3,
        batch_size: int = 8,
    ) -> TrainingLoop:
        """A loop over copies of the data and the state, so that each starts anew."""
        return get_engine(engine).compile_step(
            self.step,
            dtype,
            [each.astype(dtype if each.dtype.kind == "f" else each.dtype) for each in self.data],
            [each.astype(dtype) for each in self.state],
            self.settings,
            seed=seed,
            n_threads=n_threads,
            batch_size=batch_size,
        )


def sgd(loss: Node, parameters: Sequence[Node], minibatch: Sequence[Node]) -> TrainingStep:
    """Plain gradient descent."""
    rate = variable("learning_rate")
    slopes = gradient(loss, parameters)
    updates = [each - rate * slope for each, slope in zip(parameters, slopes, strict=True)]
    return TrainingStep(tuple(minibatch), tuple(parameters), tuple(updates), (rate,), loss)


def adam(loss: Node, parameters: Sequence[Node], minibatch: Sequence[Node]) -> TrainingStep:
    """Adam (Kingma & Ba 2015), with the number of steps as part of the state."""
    rate, count = variable("learning_rate"), variable("count")
    new_count = count + 1.0
    state, updates = [count], [new_count]
    scale = rate * fn.sqrt(1.0 - fn.power(0.999, new_count)) / (1.0 - fn.power(0.9, new_count))
    for each, slope in zip(parameters, gradient(loss, parameters), strict=True):
        mean = variable(f"mean of {each.name}", each.shape)
        square = variable(f"square of {each.name}", each.shape)
        new_mean = 0.9 * mean + 0.1 * slope
        new_square = 0.999 * square + 0.001 * fn.square(slope)
        state += [each, mean, square]
        updates += [each - scale * new_mean / (fn.sqrt(new_square) + 1e-8), new_mean, new_square]
    return TrainingStep(tuple(minibatch), tuple(state), tuple(updates), (rate,), loss)


def _case(step: TrainingStep, data: Sequence[Array], rate: float) -> TrainingCase:
    rng = np.random.default_rng(1)
    state = []
    for each in step.state:
        remembered = each.name == "count" or (each.name or "").startswith(("mean", "square"))
        drawn = 0.4 * rng.normal(size=tuple(int(str(size)) for size in each.shape))
        state.append(np.zeros_like(drawn) if remembered else np.asarray(drawn))
    return TrainingCase(step, data, state, {"learning_rate": rate})


def mlp(dropout: bool = False) -> TrainingCase:
    """Two hidden layers, classes by log loss, Adam."""
    rng = np.random.default_rng(0)
    X, Y = variable("X", ("rows", 6)), variable("Y", ("rows", 4))
    W1, b1 = variable("W1", (6, 9)), variable("b1", (9,))
    W2, b2 = variable("W2", (9, 5)), variable("b2", (5,))
    W3, b3 = variable("W3", (5, 4)), variable("b3", (4,))
    hidden = fn.relu(X @ W1 + b1)
    if dropout:
        keep = fn.uniform(("rows", 9), stream=2) < 0.7
        hidden = fn.select(keep, hidden / 0.7, 0.0)
    scores = fn.tanh(hidden @ W2 + b2) @ W3 + b3
    loss = fn.mean(fn.logsumexp(scores, 1) - fn.sum(Y * scores, 1, keepdims=True))
    step = adam(loss, [W1, b1, W2, b2, W3, b3], [X, Y])
    classes = np.eye(4)[rng.integers(0, 4, size=N_ROWS)]
    return _case(step, [rng.normal(size=(N_ROWS, 6)), classes], rate=0.02)


def recurrent() -> TrainingCase:
    """A plain recurrent network read at its last step, squared error, gradient descent."""
    rng = np.random.default_rng(0)
    X, y = variable("X", ("rows", 7, 3)), variable("y", ("rows", 1))
    U, W, b = variable("U", (3, 5)), variable("W", (5, 5)), variable("b", (5,))
    V = variable("V", (5, 1))

    def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        new = fn.tanh(slices[0] @ U + carries[0] @ W + b)
        return [new], [new]

    start = fn.broadcast_to(0.0, ("rows", 5))
    (states,) = scan(body, [start], [fn.transpose(X, (1, 0, 2))])
    last = fn.reshape(fn.slice_axes(states, [(6, 7), None, None]), ("rows", 5))
    loss = 0.5 * fn.mean(fn.square(last @ V - y))
    step = sgd(loss, [U, W, b, V], [X, y])
    data = [rng.normal(size=(N_ROWS, 7, 3)), rng.normal(size=(N_ROWS, 1))]
    return _case(step, data, rate=0.1)


def lstm(dropout: bool = False) -> TrainingCase:
    """A long short-term memory over words, every step's state used, Adam.

    Words are whole numbers that choose rows of a table; the gates are one matrix product.
    """
    rng = np.random.default_rng(0)
    size = 4
    words, y = variable("words", ("rows", 6), "int"), variable("y", ("rows",))
    table, W = variable("table", (10, 3)), variable("W", (3 + size, 4 * size))
    b, v = variable("b", (4 * size,)), variable("v", (size, 1))

    def gate(gates: Node, number: int) -> Node:
        return fn.slice_axes(gates, [None, (number * size, (number + 1) * size)])

    def body(carries: Sequence[Node], slices: Sequence[Node]) -> Any:
        hidden, cell = carries
        gates = fn.concatenate([slices[0], hidden], 1) @ W + b
        kept, taken, shown = (fn.logistic(gate(gates, number)) for number in range(3))
        new_cell = kept * cell + taken * fn.tanh(gate(gates, 3))
        new = shown * fn.tanh(new_cell)
        return [new, new_cell], [new]

    inputs = fn.take(table, fn.transpose(words))
    if dropout:
        keep = fn.convert(fn.uniform((6, "rows", 3), stream=9) < 0.8)
        inputs = inputs * keep / 0.8
    start = fn.broadcast_to(0.0, ("rows", size))
    (states,) = scan(body, [start, start], [inputs])
    output = fn.reshape(fn.mean(states, 0) @ v, ("rows",))
    step = adam(fn.mean(fn.softplus(output) - y * output), [table, W, b, v], [words, y])
    data = [rng.integers(0, 10, size=(N_ROWS, 6)), rng.integers(0, 2, size=N_ROWS) * 1.0]
    return _case(step, data, rate=0.05)


TRAINING_CASES = {
    "mlp": mlp(),
    "mlp with dropout": mlp(dropout=True),
    "recurrent": recurrent(),
    "lstm": lstm(),
    "lstm with dropout": lstm(dropout=True),
}


def train(loop: TrainingLoop, epochs: int = 4, batch_size: int = 8) -> list[float]:
    """Run some epochs in shuffled order, of 5 minibatches, the last of them with 1 row.

    Returns the mean loss of each epoch.
    """
    losses = []
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(N_ROWS)
        report = loop.run(order, batch_size, 0, -(-N_ROWS // batch_size))
        losses.append(report.loss_sum / max(report.rows, 1))
    return losses
