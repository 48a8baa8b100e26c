"""scikit-learn's MLPRegressor: ``partial_fit`` on all rows is exactly one shuffled epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.neural_network import MLPRegressor

from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from benchmarks.task import Array, Network


class ScikitLearn:
    """``MLPRegressor`` with the solver and batch size of the task, and no penalty."""

    compile_seconds = None

    def __init__(self, network: Network, X: Array, Y: Array, seed: int) -> None:
        self.X = X
        self.Y = Y.ravel() if Y.shape[1] == 1 else Y
        self.model = MLPRegressor(
            hidden_layer_sizes=network.layers[1:-1],
            activation="relu",
            solver="adam",
            alpha=0.0,
            batch_size=network.batch,
            learning_rate_init=LEARNING_RATE,
            # A generator, not a seed: partial_fit would restart a seed at every epoch.
            random_state=np.random.RandomState(seed),
        )
        self._begin_at(network.initial_weights(seed))

    def _begin_at(self, weights: list[tuple[Array, Array]]) -> None:
        """Put the common weights in place: there is no public way to start from given ones."""
        self.model.partial_fit(self.X, self.Y)
        for layer, (W, b) in enumerate(weights):
            self.model.coefs_[layer][...] = W
            self.model.intercepts_[layer][...] = b
        del self.model._optimizer  # the moments of the throw-away epoch

    def epoch(self) -> float:
        """One pass over all rows."""
        self.model.partial_fit(self.X, self.Y)
        return 2.0 * float(self.model.loss_)  # scikit-learn reports half the squared error


def prepare(network: Network, X: Array, Y: Array, seed: int) -> ScikitLearn:
    """Build the estimator."""
    return ScikitLearn(network, X, Y, seed)
