"""What layers without activations become, and where a network with them is not linear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import chainrule.graph.functions as fn
from chainrule.engines.reference import evaluate
from chainrule.graph.node import Node
from chainrule.matrices.page import Array, Matrix
from chainrule.networks.mlp import MLP
from chainrule.notation.formula import Symbol

__all__ = ["Fold", "Halfway", "find_halfway", "fold_layers", "named_folds", "unit_rows"]

# Where the values halfway are looked for: among so many rows, then ever farther from zero.
_MOST_ROWS, _FACTORS = 12, (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, eq=False, slots=True)
class Fold:
    """One more layer taken in: ``W = before.W·Wk`` and ``b = before.b·Wk + bk``.

    Attributes
    ----------
    before_W, before_b : Matrix
        Of the layers up to here, as one.
    layer_W, layer_b : Matrix
        Of the layer that is taken in.
    W, b : Matrix
        Of all of these.
    """

    before_W: Matrix
    before_b: Matrix
    layer_W: Matrix
    layer_b: Matrix
    W: Matrix
    b: Matrix


@dataclass(frozen=True, eq=False, slots=True)
class Halfway:
    """Two points at which the network shows that it is not linear.

    Halfway between two points, a linear function is halfway between its values.

    Attributes
    ----------
    x1, x2 : array of shape (inputs,)
    value : array of shape (outputs,)
        The network's output at (x1 + x2)/2.
    mean : array of shape (outputs,)
        The mean of its outputs at x1 and x2, which a linear function would have there.
    """

    x1: Array
    x2: Array
    value: Array
    mean: Array

    @property
    def difference(self) -> float:
        """How far the two are apart, in the output where that is farthest."""
        return float(np.max(np.abs(self.value - self.mean)))


def fold_layers(network: MLP) -> list[tuple[Node, Node]]:
    """The matrix and the bias of the first layer, of the first two, and so on up to all."""
    layers = list(zip(network.weights, network.biases, strict=True))
    W, b = layers[0]
    folded = [(W, b)]
    for weights, biases in layers[1:]:
        row = fn.reshape(b, (1, *b.shape)) @ weights
        W, b = W @ weights, fn.reshape(row, biases.shape) + biases
        folded.append((W, b))
    return folded


def named_folds(
    network: MLP, folded: list[tuple[Node, Node]], values: Mapping[Node, Array]
) -> tuple[Fold, ...]:
    """Each step of ``fold_layers`` in numbers; what all layers become is called W and b."""
    folds: list[Fold] = []
    so_far = _named("1", folded[0], values)
    for k in range(2, len(folded) + 1):
        layer = (network.weights[k - 1], network.biases[k - 1])
        upto = "" if k == len(folded) else f"1to{k}"
        result = _named(upto, folded[k - 1], values)
        folds.append(Fold(*so_far, *_named(str(k), layer, values), *result))
        so_far = result
    return tuple(folds)


def _named(
    number: str, nodes: tuple[Node, Node], values: Mapping[Node, Array]
) -> tuple[Matrix, Matrix]:
    W, b = nodes
    return Matrix(Symbol(f"W{number}"), values[W]), Matrix(Symbol(f"b{number}"), values[b])


def unit_rows(n_inputs: int, both: bool) -> Array:
    """Zero and every unit vector, with their opposites if ``both``."""
    units = np.eye(n_inputs)
    return np.vstack([np.zeros((1, n_inputs)), units, *([-units] if both else [])])


def find_halfway(network: MLP, given: Mapping[Node, Array], rows: Array) -> Halfway | None:
    """The two points of all that are tried between which the network is bent most."""
    some = rows[:_MOST_ROWS]
    raw = network.raw_output(network.X)

    def output(X: Array) -> Array:
        return dict(evaluate([raw], {**given, network.X: X}))[raw]

    for factor in _FACTORS:
        points = factor * np.unique(np.vstack([np.zeros_like(some[:1]), some, -some]), axis=0)
        first, second = np.triu_indices(len(points), k=1)
        values = output(points)
        middle = output(0.5 * (points[first] + points[second]))
        mean = 0.5 * (values[first] + values[second])
        if not (np.all(np.isfinite(middle)) and np.all(np.isfinite(values))):
            return None
        distances = np.max(np.abs(middle - mean), axis=1)
        if not len(distances):
            return None
        most = int(np.argmax(distances))
        if distances[most] > 1e-6 * np.max(np.abs(values)):
            return Halfway(points[first[most]], points[second[most]], middle[most], mean[most])
    return None
