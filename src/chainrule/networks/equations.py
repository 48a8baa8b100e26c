"""The equations of networks, read off graphs: one line for each part that has a name.

Each network is described here as small as its picture on the chart, for one row of data (all rows,
where a mean over rows belongs to it), by the class whose graphs are trained; of the recurrent ones
one step is shown, made by the functions that make their layers. Nothing is written by hand: what is
printed is the graph, and the graph can be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import simplify
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order, variables
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.cells import gated_recurrent_unit, long_short_term_memory
from chainrule.networks.corruption import Corruption
from chainrule.networks.layers import dense
from chainrule.networks.losses import regression_loss, threshold_loss
from chainrule.networks.mlp import MLP
from chainrule.networks.radial import RadialNetwork
from chainrule.networks.single_layer import SingleLayer
from chainrule.networks.sparsity import SparsityTarget
from chainrule.networks.variational import VariationalNetwork
from chainrule.notation.formula import Formula, Symbol
from chainrule.notation.writing import write

__all__ = ["EQUATIONS", "Equations", "equations_of", "lines_of", "shapes_of"]


@dataclass(frozen=True)
class Equations:
    """A graph that defines a network.

    Parameters
    ----------
    title : str
        What it describes.
    outputs : tuple of Node
        Named nodes; the equations of whatever named nodes they need come before theirs.
    given : str, default=""
        What the variables are, where their names do not say it.
    """

    title: str
    outputs: tuple[Node, ...]
    given: str = ""


def equations_of(code: str) -> tuple[Equations, ...]:
    """The equations of a network of the chart; none of one that has none yet.

    Parameters
    ----------
    code : str
        Of a :class:`~chainrule.networks.chart.ChartEntry`.

    Examples
    --------
    >>> from chainrule.notation.formula_text import formula_text
    >>> (equations,) = equations_of("FF")
    >>> for name, formula in lines_of(equations):
    ...     print(name.name, "=", formula_text(formula))
    h1_in = x·W1 + b1
    h1_out = σ(h1_in)
    output_in = h1_out·W2 + b2
    output = σ(output_in)
    """
    return EQUATIONS[code]() if code in EQUATIONS else ()


def lines_of(equations: Equations) -> list[tuple[Symbol, Formula]]:
    """Each named node with its formula in other named nodes, inputs first."""
    return [
        (Symbol(node.name), write(node))
        for node in topological_order(equations.outputs)
        if node.name and node.operation != "variable"
    ]


def shapes_of(equations: Equations) -> list[tuple[Symbol, str]]:
    """The arrays among the variables of a graph, with their shapes.

    Examples
    --------
    >>> (equations,) = equations_of("FF")
    >>> [(name.name, shape) for name, shape in shapes_of(equations)]
    [('x', '1×2'), ('W1', '2×2'), ('b1', '2'), ('W2', '2×1'), ('b2', '1')]
    """
    return [
        (Symbol(node.name or ""), "×".join(map(str, node.shape)))
        for node in variables(equations.outputs)
        if node.shape
    ]


# --- forward only ------------------------------------------------------------------------


def _perceptron() -> tuple[Equations, ...]:
    given = "y is −1 or 1, η the learning rate; the update is down the gradient of row_loss."
    return (
        Equations("Perceptron", _row_and_update("perceptron"), given),
        Equations("Adaline", _row_and_update("squared_error"), given),
    )


def _row_and_update(loss: str) -> tuple[Node, ...]:
    """The loss of one row by a single layer, and the parameters after a step."""
    layer = SingleLayer(2, 1, threshold_loss(loss))
    row_loss = layer.row_losses(_row("x", 2), _row("y", 1))
    slopes = simplify(gradient(_number(row_loss), layer.parameters), algebra=True)
    steps = zip(layer.parameters, slopes, strict=True)
    return (row_loss, *((old - variable("η") * by).named(f"{old.name}_new") for old, by in steps))


def _feed_forward() -> tuple[Equations, ...]:
    network = MLP((2, 2, 1), "logistic", "logistic")
    output = network.prediction(network.raw_output(_row("x", 2)))
    return (Equations("Feed forward", (output,)),)


def _deep_feed_forward() -> tuple[Equations, ...]:
    network = MLP((3, 4, 4, 2), "relu", "identity")
    output = network.prediction(network.raw_output(_row("x", 3)))
    return (Equations("Deep feed forward", (output,)),)


def _radial_basis() -> tuple[Equations, ...]:
    network = RadialNetwork(2, 2, 1, regression_loss("squared_error"))
    row_loss = network.row_losses(_row("x", 2), _row("y", 1))
    given = "Each row of C is a centre, Σ_2 sums over the features; each centre has its gamma."
    return (Equations("Radial basis network", (row_loss,), given),)


# --- through time ------------------------------------------------------------------------

_ONE_STEP = "One layer at one step; {} of the step before."


def _recurrent() -> tuple[Equations, ...]:
    h = fn.tanh(_gate("")).named("h")
    output = dense(h, variable("V", (3, 3)), variable("d", (3,))).named("output")
    return (Equations("Recurrent neural network", (output,), _ONE_STEP.format("h_old is that")),)


def _long_short_term_memory() -> tuple[Equations, ...]:
    i, f, o, g = map(_gate, "ifog")
    h, c = long_short_term_memory(i, f, o, g, _row("c_old", 3))
    given = _ONE_STEP.format("h_old and c_old are those")
    return (Equations("Long short-term memory", (c, h), given),)


def _gated_recurrent_unit() -> tuple[Equations, ...]:
    h_old, U = _row("h_old", 3), variable("U_n", (3, 3))
    new = dense(_row("x", 3), variable("W_n", (3, 3)), variable("b_n", (3,)))

    def after(r: Node) -> Node:
        return new + r * dense(h_old, U, variable("c_n", (3,)))

    def before(r: Node) -> Node:
        return new + (r * h_old) @ U

    given = _ONE_STEP.format("h_old is that")
    return tuple(
        Equations(title, (gated_recurrent_unit(_gate("r"), _gate("z"), state, h_old),), given)
        for title, state in (
            ("Gated recurrent unit", after),
            ("As in the paper, reset before the product", before),
        )
    )


def _gate(name: str) -> Node:
    """What the input and the past bring to a gate."""
    below = f"_{name}" if name else ""
    W, U, b = (
        variable(f"W{below}", (3, 3)),
        variable(f"U{below}", (3, 3)),
        variable(f"b{below}", (3,)),
    )
    return _row("x", 3) @ W + _row("h_old", 3) @ U + b


# --- auto encoders -----------------------------------------------------------------------


def _auto_encoder() -> tuple[Equations, ...]:
    network, x = _between(4, 2), _row("x", 4)
    loss = network.row_losses(x, network.decode(network.encode(x))).named("row_loss")
    return (Equations("Auto encoder", (loss,)),)


def _denoising_auto_encoder() -> tuple[Equations, ...]:
    network, x = _between(4, 4), _row("x", 4)
    noisy = Corruption("gaussian", 0.5)(x).named("x_noisy")
    loss = network.row_losses(x, network.decode(network.encode(noisy))).named("row_loss")
    given = "noise is drawn from N(0, 1), of two even draws, anew at every step; 0.5 is its level."
    return (Equations("Denoising auto encoder", (loss,), given),)


def _variational_auto_encoder() -> tuple[Equations, ...]:
    layers = AutoencoderNetwork(4, (), 4, (), "identity", numbers_per_component=2)
    bound = VariationalNetwork(layers).bound(_row("x", 4), _row("ε", 4)).named("ELBO")
    given = (
        "ε is drawn from N(0, 1), anew at every step; training makes the ELBO large, a lower bound "
        "of the log-likelihood of x."
    )
    return (Equations("Variational auto encoder", (bound,), given),)


def _sparse_auto_encoder() -> tuple[Equations, ...]:
    network, X = _between(2, 4), variable("X", ("rows", 2))
    code = network.encode(X)
    row_loss = network.row_losses(X, network.decode(code)).named("row_loss")
    penalty, _ = SparsityTarget(mean=0.05, weight=3.0).term(code, None)
    loss = fn.mean(row_loss) + penalty.named("sparsity")
    given = (
        "Each unit of the code should be active 0.05 on the mean over the rows; 3 is the weight."
    )
    return (Equations("Sparse auto encoder", (loss.named("loss"),), given),)


def _between(n_features: int, n_components: int) -> AutoencoderNetwork:
    """One layer to a code between 0 and 1, and one back."""
    return AutoencoderNetwork(
        n_features, (), n_components, (), "logistic", code_activation="logistic"
    )


# --- helpers -----------------------------------------------------------------------------


def _row(name: str, n: int) -> Node:
    """One row of data."""
    return variable(name, (1, n))


def _number(x: Node) -> Node:
    """An array of one element as a number."""
    return fn.reshape(x, ())


EQUATIONS: dict[str, Callable[[], tuple[Equations, ...]]] = {
    "P": _perceptron,
    "FF": _feed_forward,
    "RBF": _radial_basis,
    "DFF": _deep_feed_forward,
    "RNN": _recurrent,
    "LSTM": _long_short_term_memory,
    "GRU": _gated_recurrent_unit,
    "AE": _auto_encoder,
    "VAE": _variational_auto_encoder,
    "DAE": _denoising_auto_encoder,
    "SAE": _sparse_auto_encoder,
}
"""By the code of the chart."""
