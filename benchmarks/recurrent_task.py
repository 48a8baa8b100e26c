"""What is trained over time: recurrent networks, their data, first weights and arithmetic.

Gates stand side by side in ``W``, ``U`` and ``b``: i, f, o, g in the LSTM, r, z, n in the GRU. The
GRU's reset is applied after the product with ``U`` and a bias ``b_n`` of its own, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.task import Array

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
"""Of each cell."""


@dataclass(frozen=True)
class RecurrentTask:
    """A layer of recurrent cells over sequences, and a linear output on its last state.

    Parameters
    ----------
    cell
        ``"rnn"`` (tanh), ``"lstm"`` or ``"gru"``.
    features, units, time
        Numbers a step has, cells of the layer, and steps of a sequence.
    batch
        Sequences of a minibatch.
    steps
        Minibatches of an epoch, all of them full.
    """

    cell: str
    features: int
    units: int
    time: int
    batch: int
    steps: int

    @property
    def name(self) -> str:
        """As in ``lstm-8-64-50``: features, units, time."""
        return f"{self.cell}-{self.features}-{self.units}-{self.time}"

    @property
    def rows(self) -> int:
        """Sequences of the training set."""
        return self.batch * self.steps

    @property
    def flops_per_step(self) -> int:
        """Multiplications and additions in the matrix products of one training step.

        Each multiplies once forwards and twice backwards, except that nobody needs the gradient
        with respect to the input.
        """
        wide = GATES[self.cell] * self.units
        each = 2 * self.features * wide + 3 * self.units * wide
        return 2 * self.batch * (self.time * each + 3 * self.units)

    def with_steps(self, steps: int) -> RecurrentTask:
        """The same network with another number of minibatches an epoch."""
        return replace(self, steps=steps)

    def data(self, seed: int) -> tuple[Array, Array]:
        """Sequences, (rows, time, features), and a noisy function of their ends, (rows, 1)."""
        import numpy as np

        generator = np.random.default_rng(seed)
        shape = (self.rows, self.time, self.features)
        X = generator.standard_normal(shape, dtype=np.float32)
        direction = generator.standard_normal(self.features, dtype=np.float32)
        sums = X[:, -3:].sum(axis=1) @ direction / np.float32((3 * self.features) ** 0.5)
        noise = generator.standard_normal(self.rows, dtype=np.float32)
        return X, (np.tanh(sums) + np.float32(0.1) * noise)[:, np.newaxis]

    def initial_weights(self, seed: int) -> dict[str, Array]:
        """W, U, b, for the GRU b_n, then V and d: uniform up to ±1/√units, biases too."""
        import numpy as np

        generator = np.random.default_rng(seed)
        wide, bound = GATES[self.cell] * self.units, self.units**-0.5
        shapes: dict[str, tuple[int, ...]] = {
            "W": (self.features, wide),
            "U": (self.units, wide),
            "b": (wide,),
            **({"b_n": (self.units,)} if self.cell == "gru" else {}),
            "V": (self.units, 1),
            "d": (1,),
        }
        return {
            name: generator.uniform(-bound, bound, shape).astype(np.float32)
            for name, shape in shapes.items()
        }

    def parameters(self, seed: int) -> list[Array]:
        """The first weights one by one."""
        return list(self.initial_weights(seed).values())

    def loss_and_gradients(self, parameters: list[Any], X: Any, Y: Any) -> tuple[float, list[Any]]:
        """The mean squared error and its gradients, by hand, in NumPy and double precision."""
        import numpy as np

        W, U, b, *own, V, d = parameters
        h = c = np.zeros((len(X), self.units))
        below = []
        for t in range(self.time):
            before = h
            h, c, back = _CELLS[self.cell](X[:, t] @ W + b, h @ U, h, c, *own)
            below.append((X[:, t], before, back))
        error = h @ V + d - Y
        flow = 2.0 * error / error.size
        bars = [np.zeros_like(each) for each in parameters]
        bars[-2:] = [h.T @ flow, flow.sum(axis=0)]
        h_bar, c_bar = flow @ V.T, np.zeros_like(h)
        for x, before, back in reversed(below):
            in_bar, own_bar, through, c_bar = back(h_bar, c_bar)
            h_bar = through + own_bar @ U.T
            bars[0] += x.T @ in_bar
            bars[1] += before.T @ own_bar
            bars[2] += in_bar.sum(axis=0)
            if own:
                bars[3] += own_bar[:, -self.units :].sum(axis=0)
        return float(np.mean(error**2)), bars


def _sigmoid(x: Any) -> Any:
    import numpy as np

    return 1.0 / (1.0 + np.exp(-x))


Back = Callable[[Any, Any], tuple[Any, Any, Any, Any]]
"""From the gradients of the new h and c to those of both sums of the gates, and of the old h, as
far as it is not by way of the sums, and c."""


def _rnn(given: Any, own: Any, h: Any, c: Any) -> tuple[Any, Any, Back]:
    import numpy as np

    new = np.tanh(given + own)

    def back(h_bar: Any, c_bar: Any) -> tuple[Any, Any, Any, Any]:
        bar = h_bar * (1.0 - new**2)
        return bar, bar, 0.0, c_bar

    return new, c, back


def _lstm(given: Any, own: Any, h: Any, c: Any) -> tuple[Any, Any, Back]:
    import numpy as np

    i, f, o, g = np.split(given + own, 4, axis=1)
    i, f, o, g = _sigmoid(i), _sigmoid(f), _sigmoid(o), np.tanh(g)
    new_c = f * c + i * g
    shown = np.tanh(new_c)

    def back(h_bar: Any, c_bar: Any) -> tuple[Any, Any, Any, Any]:
        c_bar = c_bar + h_bar * o * (1.0 - shown**2)
        parts = [
            c_bar * g * i * (1.0 - i),
            c_bar * c * f * (1.0 - f),
            h_bar * shown * o * (1.0 - o),
            c_bar * i * (1.0 - g**2),
        ]
        bar = np.concatenate(parts, axis=1)
        return bar, bar, 0.0, c_bar * f

    return o * shown, new_c, back


def _gru(given: Any, own: Any, h: Any, c: Any, b_n: Any) -> tuple[Any, Any, Back]:
    import numpy as np

    (r_in, z_in, n_in), (r_own, z_own, n_own) = np.split(given, 3, 1), np.split(own, 3, 1)
    r, z, n_own = _sigmoid(r_in + r_own), _sigmoid(z_in + z_own), n_own + b_n
    n = np.tanh(n_in + r * n_own)

    def back(h_bar: Any, c_bar: Any) -> tuple[Any, Any, Any, Any]:
        n_bar = h_bar * (1.0 - z) * (1.0 - n**2)
        z_bar = h_bar * (h - n) * z * (1.0 - z)
        r_bar = n_bar * n_own * r * (1.0 - r)
        in_bar = np.concatenate([r_bar, z_bar, n_bar], axis=1)
        own_bar = np.concatenate([r_bar, z_bar, n_bar * r], axis=1)
        return in_bar, own_bar, h_bar * z, c_bar

    return (1.0 - z) * n + z * h, c, back


_CELLS: dict[str, Callable[..., tuple[Any, Any, Back]]] = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}

TASKS = tuple(RecurrentTask(cell, 8, 64, 50, batch=64, steps=20) for cell in ("rnn", "lstm", "gru"))
