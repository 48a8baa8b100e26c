"""A network without activations is one matrix and one bias; with them it is not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.reference import evaluate
from chainrule.errors import DataError, FormulaError
from chainrule.matrices.collapse_values import (
    Fold,
    Halfway,
    find_halfway,
    fold_layers,
    named_folds,
    unit_rows,
)
from chainrule.matrices.html import to_fragment, to_html
from chainrule.matrices.input import (
    Matrices,
    check_activation,
    read_input,
    read_parameters,
)
from chainrule.matrices.latex import to_latex
from chainrule.matrices.layout import layer_equation
from chainrule.matrices.page import (
    Array,
    Equation,
    Matrix,
    MatrixPage,
    Operand,
    Part,
    Section,
    Statement,
)
from chainrule.matrices.text import to_text
from chainrule.networks.activations import ACTIVATIONS
from chainrule.networks.layers import dense
from chainrule.networks.mlp import MLP
from chainrule.notation.formula import Call, Number, Quotient, Sum, Symbol
from chainrule.notation.formula_text import number_text

__all__ = ["Collapse", "collapse", "collapse_network"]

_LINEAR = ("identity", "linear")


@dataclass(frozen=True, eq=False)
class Collapse:
    """A network beside one layer in its place; ``print`` writes it out.

    Attributes
    ----------
    network : MLP
    holds : bool
        Whether the network is one layer: there is no activation between its layers.
    folds : tuple of Fold
        How the layers become one, activations left out.
    product_W, product_b : Matrix
        What they become: (inputs, outputs) and (outputs,).
    X : Matrix
        The rows at which the two are compared.
    output : Matrix
        The network's output there, before its last activation.
    product_output : array
        X·W + b.
    difference : float
        The largest distance between the two.
    agrees : bool
        Whether that is no more than rounding.
    halfway : Halfway or None
        Where the network is not linear; None if it is, or if no such point was found.
    chosen_rows : bool
        Whether the rows were given; else they are zero and unit vectors.
    """

    network: MLP
    holds: bool
    folds: tuple[Fold, ...]
    product_W: Matrix
    product_b: Matrix
    X: Matrix
    output: Matrix
    product_output: Array
    difference: float
    agrees: bool
    halfway: Halfway | None
    chosen_rows: bool

    @property
    def W(self) -> Array:
        """The one matrix, (inputs, outputs); FormulaError where there is none."""
        self._check()
        return self.product_W.value

    @property
    def b(self) -> Array:
        """The one bias, (outputs,); FormulaError where there is none."""
        self._check()
        return self.product_b.value

    @property
    def reason(self) -> str:
        """Why the network is, or is not, one layer."""
        n_layers = len(self.network.weights)
        if n_layers == 1:
            return "There is one layer, and no activation between layers."
        if self.holds:
            return "No activation stands between the layers: (X·W1 + b1)·W2 + b2 is linear in X."
        hidden = range(1, n_layers)
        after = " and ".join(map(str, hidden)) if n_layers < 4 else f"1 to {n_layers - 1}"
        layers = f"layer{'s' * (n_layers > 2)} {after}"
        return (
            f"{self.network.activation} stands after {layers}, and it is not linear: no matrix can "
            f"take its place."
        )

    def _check(self) -> None:
        if self.holds:
            return
        shown = ""
        if self.halfway is not None:
            shown = f" Halfway between two points the outputs are {self.halfway.difference:.4g} "
            shown += "from where those of a linear function would be; print() shows it."
        raise FormulaError(f"The network is not one matrix. {self.reason}{shown}")

    @property
    def page(self) -> MatrixPage:
        """What there is to be written, in order."""
        if self.holds:
            title = f"{self._sizes()} without activations: one layer"
            return MatrixPage(title, (*_fold_sections(self), _equal(self)))
        sections = (
            Section("Why not", (Statement(self.reason, holds=False),)),
            *_fold_sections(self),
            _unequal(self),
            _not_linear(self.halfway),
        )
        title = f"{self._sizes()} with {self.network.activation}: not one layer"
        return MatrixPage(title, sections)

    def to_text(self, digits: int = 4, color: bool = False) -> str:
        """The matrices in Unicode, at most 100 columns wide."""
        return to_text(self.page, digits, color)

    def to_latex(self, digits: int = 4) -> str:
        """A LaTeX document that needs amsmath alone."""
        return to_latex(self.page, digits)

    def to_html(self, digits: int = 4) -> str:
        """A page of its own, in MathML, that loads nothing."""
        return to_html(self.page, digits)

    def to_dict(self) -> dict[str, Any]:
        """The result in lists and numbers, ready for JSON."""
        halfway = None
        if self.halfway is not None:
            parts = ("x1", "x2", "value", "mean")
            halfway = {name: getattr(self.halfway, name).tolist() for name in parts}
        return {
            "holds": self.holds,
            "reason": self.reason,
            "W": self.W.tolist() if self.holds else None,
            "b": self.b.tolist() if self.holds else None,
            "X": self.X.value.tolist(),
            "output": self.output.value.tolist(),
            "product_output": self.product_output.tolist(),
            "difference": self.difference,
            "halfway": halfway,
        }

    def _sizes(self) -> str:
        return " → ".join(map(str, self.network.layer_sizes))

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.network.layer_sizes))
        return f"<Collapse of {sizes}: {'one matrix' if self.holds else 'refused'}>"

    def _repr_html_(self) -> str:
        return to_fragment(self.page)


def collapse(
    weights: Matrices,
    biases: Matrices,
    activation: str = "identity",
    X: npt.ArrayLike | None = None,
) -> Collapse:
    """Bring a network down to one matrix and one bias, if there is no activation in it.

    Without activations, layers are one linear function: (X·W1 + b1)·W2 + b2 is
    X·(W1·W2) + (b1·W2 + b2). With an activation there is no such matrix; the result says so, and
    has the numbers that show it.

    Parameters
    ----------
    weights : sequence of array-like of shape (inputs, units)
        W1, W2, …; a single matrix is one layer.
    biases : sequence of array-like of shape (units,)
    activation : str, default="identity"
        What stands between the layers; a key of ``chainrule.networks.activations.ACTIVATIONS``.
    X : array-like of shape (rows, inputs), optional
        Where the outputs are compared. By default at zero and at each unit vector, by which a
        linear function is known everywhere; with an activation, at their opposites too.

    Returns
    -------
    Collapse
        With ``W`` and ``b`` where ``holds`` is true; else they raise FormulaError.

    Raises
    ------
    ShapeError
        If matrices do not fit together.
    DataError
        If something is not a finite number.
    FormulaError
        If there is no such activation.

    Examples
    --------
    >>> import chainrule as cr
    >>> one = cr.collapse([[[1, 2], [3, 4]], [[5], [6]]], [[1, 1], [2]])
    >>> one.W, one.b, one.difference
    (array([[17.], [39.]]), array([13.]), 0.0)
    >>> cr.collapse([[[1, 2], [3, 4]], [[5], [6]]], [[1, 1], [2]], "relu").holds
    False
    """
    check_activation(activation, ACTIVATIONS)
    W, b = read_parameters(weights, biases)
    rows = None if X is None else read_input(X, W[0])
    network = MLP((len(W[0]), *(len(each) for each in b)), activation, "identity")
    return collapse_network(network, [*W, *b], rows)


def collapse_network(network: MLP, parameters: list[Array], X: Array | None) -> Collapse:
    """The same for a network with its weights and biases."""
    holds = network.activation in _LINEAR or len(network.weights) == 1
    given = dict(zip(network.parameters, parameters, strict=True))
    rows = unit_rows(network.layer_sizes[0], both=not holds) if X is None else X
    folded = fold_layers(network)
    W, b = folded[-1]
    raw, product = network.raw_output(network.X), dense(network.X, W, b)
    values = dict(evaluate([raw, product], {**given, network.X: rows}))
    for node in (raw, product):
        if not np.all(np.isfinite(values[node])):
            raise DataError(
                "The outputs have entries that are too large to be computed: give smaller numbers."
            )
    folds = named_folds(network, folded, values)
    difference = float(np.max(np.abs(values[raw] - values[product])))
    # What rounding may come to: nothing cancels in the same products of absolute values.
    sizes = {node: np.abs(value) for node, value in {**given, network.X: rows}.items()}
    largest = float(np.max(dict(evaluate([product], sizes))[product]))
    return Collapse(
        network=network,
        holds=holds,
        folds=folds,
        product_W=folds[-1].W if folds else Matrix(Symbol("W1"), values[W]),
        product_b=folds[-1].b if folds else Matrix(Symbol("b1"), values[b]),
        X=Matrix(Symbol("X"), rows),
        output=Matrix(Symbol(raw.name or ""), values[raw]),
        product_output=values[product],
        difference=difference,
        agrees=difference <= 1e-12 * largest,
        halfway=None if holds else find_halfway(network, given, rows),
        chosen_rows=X is not None,
    )


# --- the page ------------------------------------------------------------------------------------


def _fold_sections(found: Collapse) -> Iterator[Section]:
    """Layer after layer taken in."""
    for index, each in enumerate(found.folds):
        k = index + 2
        before = "Layer 1" if index == 0 else f"Layers 1 to {k - 1}"
        matrix = Equation(each.W, (Operand("", each.before_W), Operand("·", each.layer_W)))
        bias = Equation(
            each.b,
            (Operand("", each.before_b), Operand("·", each.layer_W), Operand("+", each.layer_b)),
        )
        left_out = "" if found.holds else f", {found.network.activation} left out"
        yield Section(f"{before} and layer {k} as one{left_out}", (matrix, bias))


def _equal(found: Collapse) -> Section:
    rounded = number_text(found.difference, 1)
    if found.difference == 0.0:
        text = "The outputs of the network and of the one layer are equal to the last digit."
    elif found.agrees:
        text = f"The outputs of the network and of the one layer differ by {rounded}: by rounding."
    else:
        text = f"The outputs of the network and of the one layer differ by {rounded}."
    parts: list[Part] = [Statement(found.reason)]
    if not found.chosen_rows:
        parts.append(
            Statement(
                "The rows of X are zero and each unit vector: by its values there, a linear "
                "function is known everywhere."
            )
        )
    parts.append(layer_equation(found.X, found.product_W, found.product_b, found.output))
    parts.append(Statement(text, found.agrees))
    if found.network.output_activation != "identity":
        last = found.network.output_activation
        parts.append(Statement(f"What follows, {last}, is applied to the one layer's output."))
    return Section("The same outputs", tuple(parts))


def _unequal(found: Collapse) -> Section:
    activation = found.network.activation
    other = Matrix(Symbol("Y"), found.product_output)
    equation = layer_equation(found.X, found.product_W, found.product_b, other)
    relation = "=" if found.agrees else "≠"
    comparison = Equation(found.output, (Operand("", other),), relation=relation)
    number = number_text(found.difference)
    text = f"Without {activation} the outputs are others: they differ by up to {number}."
    if found.agrees:
        text = f"At these rows the outputs are equal: {activation} changes nothing there."
    return Section(
        f"The outputs with {activation}, and without", (equation, comparison, Statement(text))
    )


def _not_linear(found: Halfway | None) -> Section:
    heading = "Nor is it any other matrix"
    if found is None:
        text = "No two points were found between which the network is bent, of those tried."
        return Section(heading, (Statement(text),))
    x1, x2 = Symbol("x1"), Symbol("x2")
    middle = Call("f", (Quotient(Sum(x1, x2), Number(2.0)),))
    mean = Quotient(Sum(Call("f", (x1,)), Call("f", (x2,))), Number(2.0))
    return Section(
        heading,
        (
            Statement(
                "Halfway between two points, a linear function is halfway between its values. The "
                "network f is not:"
            ),
            Equation(Matrix(x1, found.x1)),
            Equation(Matrix(x2, found.x2)),
            Equation(
                Matrix(middle, found.value), (Operand("", Matrix(mean, found.mean)),), relation="≠"
            ),
            Statement(f"The two differ by {number_text(found.difference)}.", holds=False),
        ),
    )
