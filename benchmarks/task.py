"""What is trained: the networks, their data, their first weights and their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Weights = list[tuple[Array, Array]]

LEARNING_RATE = 1e-3
"""Adam's step size; its other constants are everybody's defaults (0.9, 0.999, 1e-8)."""


class Task(Protocol):
    """A network to train, and its data."""

    @property
    def name(self) -> str: ...

    @property
    def batch(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def flops_per_step(self) -> int: ...

    def with_steps(self, steps: int) -> Self:
        """The same network with another number of minibatches an epoch."""

    def data(self, seed: int) -> tuple[Array, Array]:
        """Rows and targets, single precision."""

    def parameters(self, seed: int) -> list[Array]:
        """The common first weights one by one."""

    def loss_and_gradients(self, parameters: list[Any], X: Any, Y: Any) -> tuple[float, list[Any]]:
        """The loss and its gradients, by hand, in double precision."""


@dataclass(frozen=True)
class Network:
    """A fully connected network with relu hidden units and a linear output, and its task.

    Parameters
    ----------
    layers
        Units of every layer, input and output included.
    batch
        Rows of a minibatch.
    steps
        Minibatches of an epoch.  All are full, because a scan needs equal minibatches.
    """

    layers: tuple[int, ...]
    batch: int
    steps: int

    @property
    def name(self) -> str:
        """The layers, as in ``784-128-10``."""
        return "-".join(map(str, self.layers))

    @property
    def rows(self) -> int:
        """Rows of the training set."""
        return self.batch * self.steps

    @property
    def flops_per_step(self) -> int:
        """Multiplications and additions in the matrix products of one training step.

        Each layer multiplies once forwards and twice backwards, except that the first one
        has no use for the gradient with respect to its input.
        """
        products = [a * b for a, b in zip(self.layers, self.layers[1:], strict=False)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    def with_steps(self, steps: int) -> Network:
        """The same network with another number of minibatches an epoch."""
        return replace(self, steps=steps)

    def data(self, seed: int) -> tuple[Array, Array]:
        """Rows and targets that such a network can learn, down to a floor of noise.

        Returns
        -------
        X
            Standard normal inputs, shape ``(rows, layers[0])``.
        Y
            A noisy saturating function of X, shape ``(rows, layers[-1])``.
        """
        import numpy as np

        generator = np.random.default_rng(seed)
        inputs, outputs = self.layers[0], self.layers[-1]
        X = generator.standard_normal((self.rows, inputs), dtype=np.float32)
        directions = generator.standard_normal((inputs, outputs), dtype=np.float32)
        noise = generator.standard_normal((self.rows, outputs), dtype=np.float32)
        Y = np.tanh(X @ directions / np.float32(inputs**0.5)) + np.float32(0.1) * noise
        return X, Y

    def initial_weights(self, seed: int) -> Weights:
        """Glorot-uniform weights ``(inputs, outputs)`` and zero biases, one pair per layer."""
        import numpy as np

        generator = np.random.default_rng(seed)
        weights = []
        for fan_in, fan_out in zip(self.layers, self.layers[1:], strict=False):
            bound = (6.0 / (fan_in + fan_out)) ** 0.5
            W = generator.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            weights.append((W, np.zeros(fan_out, dtype=np.float32)))
        return weights

    def parameters(self, seed: int) -> list[Array]:
        """The first weights and biases, layer by layer."""
        return [each for pair in self.initial_weights(seed) for each in pair]

    def loss_and_gradients(self, parameters: list[Any], X: Any, Y: Any) -> tuple[float, list[Any]]:
        """The mean squared error and its gradients, by hand, in double precision."""
        import numpy as np

        weights = parameters[0::2]
        activations = [X]
        for W, b in zip(weights, parameters[1::2], strict=True):
            activations.append(np.maximum(activations[-1] @ W + b, 0.0))
        activations[-1] = activations[-2] @ parameters[-2] + parameters[-1]  # linear output
        error = activations[-1] - Y
        gradients: list[Any] = []
        flow = 2.0 * error / error.size
        for layer in reversed(range(len(weights))):
            below = activations[layer]
            gradients[:0] = [below.T @ flow, flow.sum(axis=0)]
            flow = (flow @ weights[layer].T) * (below > 0.0)
        return float(np.mean(error**2)), gradients


NETWORKS = (
    Network(layers=(2, 16, 16, 1), batch=32, steps=400),
    Network(layers=(20, 64, 64, 1), batch=128, steps=200),
    Network(layers=(784, 128, 10), batch=128, steps=100),
    Network(layers=(784, 512, 512, 10), batch=128, steps=100),
)
