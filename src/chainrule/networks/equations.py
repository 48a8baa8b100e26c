"""The equations of networks, read off graphs: one line for each part that has a name.

Each network is built here once, as small as its picture on the chart and for one row of data (all
rows, where a mean over rows belongs to it), of the layers, activations and losses that networks are
made of. Nothing is written by hand: what is printed is the graph, and the graph can be evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import simplify
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.traversal import topological_order, variables
from chainrule.networks.cells import gated_recurrent_unit, long_short_term_memory
from chainrule.networks.layers import dense
from chainrule.networks.mlp import MLP
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
    x, w, b, y, eta = _row("x", 2), variable("w", (2, 1)), *map(variable, ("b", "y", "η"))
    z = (_number(x @ w) + b).named("z")
    step = (eta * fn.convert(y * z <= 0.0) * y).named("step")
    updates = ((w + step * fn.transpose(x)).named("w_new"), (b + step).named("b_new"))
    rosenblatt = Equations(
        "Perceptron", (fn.sign(z).named("output"), *updates), "y is −1 or 1, η the learning rate."
    )
    loss = fn.square(z - y).named("loss")
    slopes = simplify(gradient(loss, [w, b]), algebra=True)
    new = [(each - eta * slope) for each, slope in zip((w, b), slopes, strict=True)]
    adaline = Equations(
        "Adaline", (loss, new[0].named("w_new"), new[1].named("b_new")), "The same z, y and η."
    )
    return rosenblatt, adaline


def _feed_forward() -> tuple[Equations, ...]:
    network = MLP((2, 2, 1), "logistic", "logistic")
    output = network.prediction(network.raw_output(_row("x", 2)))
    return (Equations("Feed forward", (output,)),)


def _deep_feed_forward() -> tuple[Equations, ...]:
    network = MLP((3, 4, 4, 2), "relu", "identity")
    output = network.prediction(network.raw_output(_row("x", 3)))
    return (Equations("Deep feed forward", (output,)),)


def _radial_basis() -> tuple[Equations, ...]:
    x, y, centres, w = _row("x", 2), variable("y"), variable("C", (2, 2)), variable("w", (2, 1))
    distance = fn.sum(fn.square(x - centres), 1).named("d")
    phi = fn.exp(-variable("γ") * distance).named("φ")
    output = _number(fn.reshape(phi, (1, 2)) @ w).named("output")
    loss = fn.square(y - output) + variable("α") * fn.sum(fn.square(w))
    return (
        Equations(
            "Radial basis network",
            (loss.named("loss"),),
            "Each row of C is a centre, Σ_1 sums each row; γ is the width, α the ridge.",
        ),
    )


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
    x = _row("x", 4)
    loss = fn.sum(fn.square(x - _through(x, 4, 2))).named("loss")
    return (Equations("Auto encoder", (loss,)),)


def _denoising_auto_encoder() -> tuple[Equations, ...]:
    x = _row("x", 4)
    noisy = (x + variable("s") * _row("ε", 4)).named("x_in")
    loss = fn.sum(fn.square(x - _through(noisy, 4, 4))).named("loss")
    return (
        Equations(
            "Denoising auto encoder", (loss,), "ε is drawn from N(0, 1), anew at every step."
        ),
    )


def _variational_auto_encoder() -> tuple[Equations, ...]:
    x, v = _row("x", 4), variable("v")
    h = fn.tanh(_dense(x, 1, 4, 4)).named("h")
    mu, log_variance = _dense(h, 2, 4, 4).named("μ"), _dense(h, 3, 4, 4).named("s")
    sigma = fn.exp(0.5 * log_variance).named("σ")
    z = (mu + sigma * _row("ε", 4)).named("z")
    decoded = fn.tanh(_dense(z, 4, 4, 4)).named("g")
    output = _dense(decoded, 5, 4, 4).named("output")
    likelihood = -0.5 * fn.sum(fn.square(x - output) / v + fn.log(2.0 * constant(math.pi) * v))
    divergence = 0.5 * fn.sum(fn.square(mu) + fn.square(sigma) - log_variance - 1.0)
    elbo = likelihood.named("log_p") - divergence.named("KL")
    return (
        Equations(
            "Variational auto encoder",
            ((-elbo.named("ELBO")).named("loss"),),
            "ε is drawn from N(0, 1), anew at every step; s is the logarithm of σ², v the "
            "variance of x around the output, log_p the log-likelihood of x.",
        ),
    )


def _sparse_auto_encoder() -> tuple[Equations, ...]:
    X, rho = variable("X", ("rows", 2)), variable("ρ")
    output = _through(X, 2, 4)
    h = next(each for each in topological_order([output]) if each.name == "h")
    active = fn.mean(h, 0).named("a")
    penalty = fn.sum(rho * fn.log(rho / active) + (1 - rho) * fn.log((1 - rho) / (1 - active)))
    distance = fn.sum(fn.square(X - output)) / fn.size(X.shape[0])
    loss = distance + variable("β") * penalty.named("sparsity")
    return (
        Equations(
            "Sparse auto encoder",
            (loss.named("loss"),),
            "a is how active each hidden unit is on average, ρ how active it should be.",
        ),
    )


def _through(x: Node, n: int, hidden: int) -> Node:
    """What an auto encoder makes of x, which has n features."""
    h = fn.logistic(_dense(x, 1, n, hidden)).named("h")
    return _dense(h, 2, hidden, n).named("output")


def _dense(x: Node, number: int, before: int, after: int) -> Node:
    return dense(x, variable(f"W{number}", (before, after)), variable(f"b{number}", (after,)))


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
