"""The layers of a network in numbers: each matrix, forward and in reverse, from the graph itself.

The graph is the one that is trained; the reference engine computes every matrix in double
precision, and ``chainrule.calculus`` derives the gradients. Nothing is worked out a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.reference import evaluate
from chainrule.errors import DataError
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order
from chainrule.matrices.page import Array, Matrix
from chainrule.networks.linear import LinearModel
from chainrule.networks.mlp import MLP
from chainrule.notation.formula import Call, Formula, Partial, Symbol
from chainrule.notation.writing import write

__all__ = [
    "LayerForm",
    "LayerGradients",
    "LayerNodes",
    "LossForm",
    "activation_sign",
    "linear_layers",
    "mlp_layers",
    "values_of",
]


@dataclass(frozen=True, slots=True)
class LayerNodes:
    """One layer of a graph: ``Z = X·W + b``, and ``out``, which is Z where nothing follows."""

    X: Node
    W: Node
    b: Node
    Z: Node
    out: Node
    activation: str


@dataclass(frozen=True, eq=False, slots=True)
class LayerGradients:
    """The gradients of the loss that belong to a layer, from its output back to its input.

    Attributes
    ----------
    out, slope : Matrix or None
        ∂loss/∂out, and the derivative of the activation at Z; None where the loss takes Z itself.
    Z, W, b, X : Matrix
    """

    out: Matrix | None
    slope: Matrix | None
    Z: Matrix
    W: Matrix
    b: Matrix
    X: Matrix


@dataclass(frozen=True, eq=False, slots=True)
class LayerForm:
    """One layer in numbers.

    Attributes
    ----------
    number : int
        From 1, as in the names of its parameters.
    activation : str
        What makes ``out`` of Z; ``"identity"`` where nothing does.
    X, W, b, Z, out : Matrix
        Z = X·W + b: (rows, inputs), (inputs, units), (units,), (rows, units). Without an
        activation, ``out`` is Z.
    gradients : LayerGradients or None
        None without targets.
    """

    number: int
    activation: str
    X: Matrix
    W: Matrix
    b: Matrix
    Z: Matrix
    out: Matrix
    gradients: LayerGradients | None = None


@dataclass(frozen=True, eq=False, slots=True)
class LossForm:
    """The loss that the gradients are of.

    Attributes
    ----------
    name : str
        ``"squared_error"``, for one.
    y : Matrix
    value : float
        The mean over the rows.
    formula, slope : Formula or None
        The loss, and its derivative by the raw output, where they can be read.
    """

    name: str
    y: Matrix
    value: float
    formula: Formula | None
    slope: Formula | None


def activation_sign(name: str) -> str:
    """How an activation is written as a function."""
    return "σ" if name == "logistic" else name


def mlp_layers(network: MLP) -> list[LayerNodes]:
    """The layers of a perceptron's own graph, found by the names in it."""
    raw = network.raw_output(network.X)
    prediction = network.prediction(raw)
    named = {node.name: node for node in topological_order([prediction])}
    layers: list[LayerNodes] = []
    x = network.X
    for k, (W, b) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        if k == len(network.weights):
            layers.append(LayerNodes(x, W, b, raw, prediction, network.output_activation))
        else:
            out = named[f"h{k}_out"]
            # Without an activation the two are one node, and it has the later name.
            layers.append(LayerNodes(x, W, b, named.get(f"h{k}_in", out), out, network.activation))
            x = out
    return layers


def linear_layers(model: LinearModel) -> list[LayerNodes]:
    """The one layer of linear regression."""
    w, b = model.parameters
    output = model.output
    return [LayerNodes(model.X, w, b, output, output, "identity")]


def values_of(
    nodes: Sequence[LayerNodes],
    given: Mapping[Node, Array],
    row_losses: Node | None = None,
    loss_name: str = "",
) -> tuple[list[LayerForm], LossForm | None]:
    """All matrices of the layers, and with the losses of the rows the gradients too.

    Raises
    ------
    DataError
        If a number is too large to be computed.
    """
    wanted = [node for layer in nodes for node in (layer.X, layer.W, layer.b, layer.Z, layer.out)]
    bars: dict[Node, Node] = {}
    slopes: dict[Node, Node] = {}
    if row_losses is not None:
        loss = fn.mean(row_losses).named("loss")
        bars = dict(zip(wanted, gradient(loss, wanted), strict=True))
        for layer in nodes[:-1]:
            if layer.out is not layer.Z:
                (slopes[layer.Z],) = gradient(fn.sum(layer.out), [layer.Z])
        wanted = [*wanted, loss, *bars.values(), *slopes.values()]
    values = dict(evaluate(wanted, given))
    for node in wanted:
        if not np.all(np.isfinite(values[node])):
            raise DataError(
                f"{node.name or 'A gradient'} has entries that are too large to be computed: "
                f"give smaller numbers."
            )
    forms = [_form(number, layer, values, bars, slopes) for number, layer in enumerate(nodes, 1)]
    if row_losses is None:
        return forms, None
    last = nodes[-1]
    y = next(node for node in given if node.name == "y")
    formula, slope = _readable_loss(loss_name, last, y, values, loss, bars[last.Z])
    return forms, LossForm(loss_name, _matrix(y, values), float(values[loss]), formula, slope)


def _form(
    number: int,
    layer: LayerNodes,
    values: Mapping[Node, Array],
    bars: Mapping[Node, Node],
    slopes: Mapping[Node, Node],
) -> LayerForm:
    form = LayerForm(
        number=number,
        activation=layer.activation if layer.out is not layer.Z else "identity",
        X=_matrix(layer.X, values),
        W=_matrix(layer.W, values),
        b=_matrix(layer.b, values),
        Z=_matrix(layer.Z, values),
        out=_matrix(layer.out, values),
    )
    if not bars:
        return form

    def gradient_by(node: Node) -> Matrix:
        return Matrix(Partial("loss", node.name or ""), values[bars[node]])

    out = slope = None
    if layer.Z in slopes:
        out = gradient_by(layer.out)
        name = Call(activation_sign(layer.activation), (Symbol(layer.Z.name or ""),), primes=1)
        slope = Matrix(name, values[slopes[layer.Z]])
    gradients = LayerGradients(
        out=out,
        slope=slope,
        Z=gradient_by(layer.Z),
        W=gradient_by(layer.W),
        b=gradient_by(layer.b),
        X=gradient_by(layer.X),
    )
    return replace(form, gradients=gradients)


def _matrix(node: Node, values: Mapping[Node, Array]) -> Matrix:
    return Matrix(Symbol(node.name or ""), values[node])


def _readable_loss(
    name: str, last: LayerNodes, y: Node, values: Mapping[Node, Array], loss: Node, bar: Node
) -> tuple[Formula | None, Formula | None]:
    """The loss and its slope as textbooks write them, in the output after its activation.

    They are graphs too, and dropped if they do not come to the same numbers: the loss that is
    differentiated is written for computers, so that nothing overflows.
    """
    output = variable(last.out.name or "", last.out.shape)
    size = fn.size(output.shape[0])
    difference = output - y
    squares = fn.sum(fn.square(difference))
    likelihood = fn.sum(y * fn.log(output))
    readable = {
        "squared_error": (fn.sum(0.5 * fn.square(difference)) / size, difference / size),
        "mean_squared_error": (squares / size, 2.0 * difference / size),
        "softmax_log_loss": (-likelihood / size, difference / size),
        "logistic_log_loss": (
            -fn.sum(y * fn.log(output) + (1.0 - y) * fn.log(1.0 - output)) / size,
            difference / size,
        ),
        "poisson": (None, difference / size),
    }
    if name not in readable:
        return None, None
    known = {output: values[last.out], y: values[y]}
    formulas: list[Formula | None] = []
    for node, meant in zip(readable[name], (loss, bar), strict=True):
        same = node is not None and np.allclose(
            dict(evaluate([node], known))[node], values[meant], rtol=1e-9, atol=1e-12
        )
        formulas.append(write(node) if node is not None and same else None)
    return formulas[0], formulas[1]
