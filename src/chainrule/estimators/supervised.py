"""What estimators of a supervised network share whose weights ``w`` have a penalty."""

from __future__ import annotations

from collections.abc import Hashable

from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.held_out import HeldOutRows
from chainrule.graph.node import Node, variable
from chainrule.training.step import Objective

__all__ = ["SupervisedEstimator"]


class SupervisedEstimator(HeldOutRows, NetworkEstimator):
    """Trains a ``SupervisedNetwork``; the penalty on its ``w`` counts once beside all rows."""

    def _description(self) -> Hashable:
        return (self._network, self._penalties_asked_for)

    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        network = self._network
        weight = variable("sample_weight", ("rows",)) if weighted else None
        return Objective(
            network.row_losses(network.X, network.y),
            (network.X, network.y) if weight is None else (network.X, network.y, weight),
            network.parameters,
            weight,
            penalty_in_shares=True,
            **self._penalties(network.weights),
        )

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        network = self._network
        output = network.raw_output(network.X)
        return (network.X,), network.prediction(output) if activated else output
