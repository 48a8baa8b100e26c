"""Losses: compositions over the raw outputs of a network, one number per row.

They take raw outputs, not probabilities, where that is numerically right: the logarithm of a
softmax overflows, ``logsumexp`` does not. A loss carries no derivative; the chain rule finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.errors import GraphError
from chainrule.graph.node import Node
from chainrule.graph.shape import format_shape

__all__ = ["Loss", "RowLoss", "classification_loss", "regression_loss", "threshold_loss"]

RowLoss = Callable[[Node, Node], Node]
"""``loss(y, output)``: targets and raw outputs, both (rows, outputs), to losses (rows,)."""


@dataclass(frozen=True)
class Loss:
    """A loss, and the activation that turns the raw outputs it takes into predictions.

    Attributes
    ----------
    function : callable
        ``function(y, output)`` with nodes of shape (rows, outputs); returns shape (rows,).
    output_activation : str
        A key of :data:`~chainrule.networks.activations.OUTPUT_ACTIVATIONS`.
    reported_as_mean : bool
        Whether the loss that is reported is the mean over the outputs of what is descended.
    """

    function: RowLoss
    output_activation: str
    reported_as_mean: bool = False

    def per_row(self, y: Node, output: Node) -> Node:
        """The loss of each row; GraphError where a user's function gives something else."""
        losses = self.function(y, output)
        if not isinstance(losses, Node) or losses.shape != output.shape[:1]:
            given = format_shape(losses.shape) if isinstance(losses, Node) else repr(losses)
            raise GraphError(
                f"A loss must return one number per row, a node of shape (rows,), but this one "
                f"returned {given}: sum over the outputs with sum(..., axes=1)."
            )
        return losses


# --- regression --------------------------------------------------------------------------


def _squared_error(y: Node, output: Node) -> Node:
    return 0.5 * fn.sum(fn.square(output - y), 1)


def _absolute_error(y: Node, output: Node) -> Node:
    return fn.sum(fn.absolute(output - y), 1)


@dataclass(frozen=True)
class _Huber:
    """½e² for errors up to delta, delta·(|e| - ½delta) beyond (Huber 1964)."""

    delta: float

    def __call__(self, y: Node, output: Node) -> Node:
        error = fn.absolute(output - y)
        linear = self.delta * (error - 0.5 * self.delta)
        return fn.sum(fn.select(error <= self.delta, 0.5 * fn.square(error), linear), 1)


@dataclass(frozen=True)
class _Quantile:
    """q·e above the output and (q - 1)·e below it (Koenker & Bassett 1978).

    Of several quantiles, the columns of the first come first, as many as there are targets.
    """

    quantiles: tuple[float, ...]

    def __call__(self, y: Node, output: Node) -> Node:
        error = y - output
        width = output.shape[1]
        assert isinstance(width, int)  # outputs are columns of a weight
        n_targets = width // len(self.quantiles)
        losses = []
        for k, quantile in enumerate(self.quantiles):
            part = fn.slice_axes(error, [None, (k * n_targets, (k + 1) * n_targets)])
            losses.append(fn.sum(fn.maximum(quantile * part, (quantile - 1.0) * part), 1))
        return sum(losses[1:], start=losses[0])


def _poisson(y: Node, output: Node) -> Node:
    """Half the Poisson deviance of counts y for a mean of exp(output)."""
    positive = y > 0.0
    y_log_y = fn.select(positive, y * fn.log(fn.select(positive, y, 1.0)), 0.0)
    return fn.sum(y_log_y - y - y * output + fn.exp(output), 1)


# --- classification ----------------------------------------------------------------------


def _binary_log_loss(y: Node, output: Node) -> Node:
    """-log of the probability given to y, which is 0 or 1 in each column."""
    return fn.sum(fn.softplus(output) - y * output, 1)


def _multinomial_log_loss(y: Node, output: Node) -> Node:
    """-log of the probability given to the class whose column of y is 1."""
    return fn.sum(fn.logsumexp(output, 1), 1) - fn.sum(y * output, 1)


def _hinge(y: Node, output: Node) -> Node:
    """max(0, 1 - ±output) in each column, + where y is 1 and - where it is 0."""
    return fn.sum(fn.maximum(1.0 - (2.0 * y - 1.0) * output, 0.0), 1)


def _perceptron(y: Node, output: Node) -> Node:
    """max(0, -y·output) in each column, y being 1 or -1; its slope at 0 is -y, not 0.

    So an output of 0 counts as wrong, and descent from weights of zero begins.
    """
    margin = (y * output).named("margin")
    return fn.sum(fn.select(margin <= 0.0, -margin, 0.0), 1)


# --- by name -----------------------------------------------------------------------------


def regression_loss(
    loss: str | RowLoss, quantiles: tuple[float, ...] = (0.5,), huber_delta: float = 1.0
) -> Loss:
    """A loss for regression: a name, or a function of (y, output).

    Examples
    --------
    >>> import chainrule as cr
    >>> y, output = cr.variable("y", ("rows", 1)), cr.variable("output", ("rows", 1))
    >>> regression_loss("squared_error").per_row(y, output)
    <Node multiply float(rows,)>
    """
    if not isinstance(loss, str):
        return Loss(loss, "identity")
    return {
        # scikit-learn descends the sum over the outputs, and reports the mean.
        "squared_error": Loss(_squared_error, "identity", reported_as_mean=True),
        "absolute_error": Loss(_absolute_error, "identity"),
        "huber": Loss(_Huber(huber_delta), "identity"),
        "quantile": Loss(_Quantile(quantiles), "identity"),
        "poisson": Loss(_poisson, "exp"),
    }[loss]


def classification_loss(loss: str | RowLoss, exclusive: bool) -> Loss:
    """A loss for classification: a name, or a function of (y, output).

    Parameters
    ----------
    loss : {"log_loss", "hinge"} or callable
    exclusive : bool
        Whether each row has exactly one 1 among several columns of y (several classes); else
        each column is a yes or no of its own (two classes, or several labels).
    """
    probabilities = "softmax" if exclusive else "logistic"
    if not isinstance(loss, str):
        return Loss(loss, probabilities)
    return {
        "log_loss": Loss(_multinomial_log_loss if exclusive else _binary_log_loss, probabilities),
        "hinge": Loss(_hinge, "identity"),
    }[loss]


def threshold_loss(loss: str) -> Loss:
    """A loss for outputs whose sign is the class, with targets of 1 and -1.

    Parameters
    ----------
    loss : {"perceptron", "squared_error"}
        Rosenblatt's, and that of Widrow and Hoff.
    """
    return {
        "perceptron": Loss(_perceptron, "identity"),
        "squared_error": Loss(_squared_error, "identity"),
    }[loss]
