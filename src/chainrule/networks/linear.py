"""The linear model: one layer without an activation."""

from __future__ import annotations

from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.graph.node import Node, variable

__all__ = ["LinearModel"]


@dataclass(frozen=True)
class LinearModel:
    """``output = X·w + b``, and the squared distance of each row's output from its target.

    Parameters
    ----------
    n_features, n_targets : int
    intercept : bool, default=True
        Whether there is a b.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = LinearModel(n_features=2, n_targets=1)
    >>> loss = cr.mean(model.row_losses)
    >>> f = cr.compile(loss, [model.X, model.y, *model.parameters], engine="reference")
    >>> f([[3.0, 0.0]], [[5.5]], [[2.0], [0.0]], [2.0])  # (2·3 + 2 - 5.5)²
    [array(6.25)]
    """

    n_features: int
    n_targets: int = 1
    intercept: bool = True

    @property
    def X(self) -> Node:
        """The input: (rows, features)."""
        return variable("X", ("rows", self.n_features))

    @property
    def y(self) -> Node:
        """What the output should be: (rows, targets)."""
        return variable("y", ("rows", self.n_targets))

    @property
    def parameters(self) -> tuple[Node, ...]:
        """``w``: (features, targets), and ``b``: (targets,)."""
        w = variable("w", (self.n_features, self.n_targets))
        return (w, variable("b", (self.n_targets,))) if self.intercept else (w,)

    @property
    def output(self) -> Node:
        """The prediction: (rows, targets)."""
        w, *bias = self.parameters
        return sum(bias, start=self.X @ w).named("output")

    @property
    def row_losses(self) -> Node:
        """Σ over the targets of (output - y)²: (rows,). Their mean is the mean squared error."""
        return fn.sum(fn.square(self.output - self.y), 1)
