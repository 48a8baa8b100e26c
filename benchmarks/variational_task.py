"""What is trained with a drawn code: a variational auto encoder, its data and arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.task import Array


@dataclass(frozen=True)
class VariationalTask:
    """An auto encoder of features that are 0 or 1, one relu layer on each side of its code.

    Its loss is less the evidence lower bound, summed over features and averaged over rows, with
    one draw of each row's code.

    Parameters
    ----------
    features, units, components
        Of the input, of the layers before and behind the code, and of the code.
    batch
        Rows of a minibatch.
    steps
        Minibatches of an epoch, all of them full.
    """

    features: int
    units: int
    components: int
    batch: int
    steps: int

    @property
    def name(self) -> str:
        """As in ``vae-784-400-20``: features, units, components."""
        return f"vae-{self.features}-{self.units}-{self.components}"

    @property
    def rows(self) -> int:
        """Rows of the training set."""
        return self.batch * self.steps

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of the weights of each layer; that of the code puts out means, then log variances."""
        features, units, components = self.features, self.units, self.components
        return [(features, units), (units, 2 * components), (components, units), (units, features)]

    @property
    def flops_per_step(self) -> int:
        """Multiplications and additions in the matrix products of one training step."""
        products = [a * b for a, b in self.shapes]
        return 2 * self.batch * (3 * sum(products) - products[0])

    def with_steps(self, steps: int) -> VariationalTask:
        """The same network with another number of minibatches an epoch."""
        return replace(self, steps=steps)

    def data(self, seed: int) -> tuple[Array, Array]:
        """Rows of 0 and 1 that a code of ten numbers tells, and, for the protocol, again."""
        import numpy as np

        generator = np.random.default_rng(seed)
        code = generator.standard_normal((self.rows, 10), dtype=np.float32)
        logits = code @ generator.standard_normal((10, self.features), dtype=np.float32) - 1
        drawn = generator.random((self.rows, self.features), dtype=np.float32)
        X = (drawn < 1 / (1 + np.exp(-logits))).astype(np.float32)
        return X, X

    def initial_weights(self, seed: int) -> list[tuple[Array, Array]]:
        """Glorot-uniform weights and zero biases, one pair per layer."""
        import numpy as np

        generator = np.random.default_rng(seed)
        weights = []
        for fan_in, fan_out in self.shapes:
            bound = (6.0 / (fan_in + fan_out)) ** 0.5
            W = generator.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            weights.append((W, np.zeros(fan_out, dtype=np.float32)))
        return weights

    def parameters(self, seed: int) -> list[Array]:
        """The first weights one by one: all weights, then all biases."""
        weights = self.initial_weights(seed)
        return [W for W, _ in weights] + [b for _, b in weights]

    def loss_and_gradients(self, parameters: list[Any], X: Any, Y: Any) -> tuple[float, list[Any]]:
        """The loss and its gradients, by hand, in NumPy and double precision; draws of its own."""
        import numpy as np

        W1, W2, W3, W4, b1, b2, b3, b4 = parameters
        before = np.maximum(X @ W1 + b1, 0.0)
        mean, log_variance = np.split(before @ W2 + b2, 2, axis=1)
        sigma, epsilon = (
            np.exp(0.5 * log_variance),
            np.random.default_rng(0).normal(size=mean.shape),
        )
        code = mean + sigma * epsilon
        behind = np.maximum(code @ W3 + b3, 0.0)
        logits = behind @ W4 + b4
        losses = np.sum(np.logaddexp(0.0, logits) - X * logits, axis=1)
        losses += 0.5 * np.sum(mean**2 + sigma**2 - log_variance - 1.0, axis=1)

        at_output = (1.0 / (1.0 + np.exp(-logits)) - X) / len(X)
        at_behind = (at_output @ W4.T) * (behind > 0.0)
        at_code = at_behind @ W3.T
        at_mean = at_code + mean / len(X)
        at_log_variance = 0.5 * (at_code * sigma * epsilon + (sigma**2 - 1.0) / len(X))
        at_raw = np.concatenate([at_mean, at_log_variance], axis=1)
        at_before = (at_raw @ W2.T) * (before > 0.0)
        flows = (at_before, at_raw, at_behind, at_output)
        below = (X, before, code, behind)
        bars = [x.T @ flow for x, flow in zip(below, flows, strict=True)]
        return float(np.mean(losses)), bars + [flow.sum(axis=0) for flow in flows]


TASKS = (VariationalTask(784, 400, 20, batch=128, steps=100),)
