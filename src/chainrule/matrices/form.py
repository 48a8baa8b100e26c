"""A network as products of matrices, in numbers: ``h1_in = X·W1 + b1``, forward and in reverse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy.typing as npt

from chainrule.errors import ShapeError
from chainrule.graph.node import Node, variable
from chainrule.matrices.html import to_fragment, to_html
from chainrule.matrices.input import (
    Matrices,
    check_activation,
    read_input,
    read_parameters,
    read_targets,
)
from chainrule.matrices.latex import to_latex
from chainrule.matrices.layout import network_page
from chainrule.matrices.page import Array, Matrix, MatrixPage, WorkedEntry
from chainrule.matrices.text import to_text
from chainrule.matrices.values import (
    LayerForm,
    LayerNodes,
    LossForm,
    activation_sign,
    mlp_layers,
    values_of,
)
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.losses import Loss, classification_loss, regression_loss
from chainrule.networks.mlp import MLP
from chainrule.notation.formula import Entries, Formula, Symbol
from chainrule.notation.formula_text import formula_text

__all__ = ["MatrixForm", "form_of_layers", "matrix_form"]

_LOSSES: dict[str, tuple[str, Loss]] = {
    "identity": ("squared_error", regression_loss("squared_error")),
    "exp": ("poisson", regression_loss("poisson")),
    "logistic": ("logistic_log_loss", classification_loss("log_loss", exclusive=False)),
    "softmax": ("softmax_log_loss", classification_loss("log_loss", exclusive=True)),
}
"""The loss that belongs to each activation of the output."""


@dataclass(frozen=True, eq=False)
class MatrixForm:
    """A network written in matrices, as data; ``print`` writes it out.

    Attributes
    ----------
    layers : tuple of LayerForm
        Each with its matrices X, W, b, Z and out, and with ``gradients`` if there were targets.
    entry : WorkedEntry
        The marked entry of one layer's Z: a row times a column, plus a bias.
    entry_layer : int
        The layer that it is in, from 1.
    only : int or None
        The one layer that is written out; None for all.
    loss : LossForm or None
        What the gradients are of.
    notes : tuple of str
        Sentences about the whole.
    """

    layers: tuple[LayerForm, ...]
    entry: WorkedEntry
    entry_layer: int
    only: int | None = None
    loss: LossForm | None = None
    notes: tuple[str, ...] = ()

    @property
    def page(self) -> MatrixPage:
        """What there is to be written, in order."""
        return network_page(
            self.layers, self.entry, self.entry_layer, self.only, self.loss, self.notes
        )

    def to_text(self, digits: int = 4, color: bool = False) -> str:
        """The matrices in Unicode, at most 100 columns wide.

        Parameters
        ----------
        digits : int, default=4
            Significant digits of numbers.
        color : bool, default=False
            Colour what is marked, for a terminal. The marks can be seen without.
        """
        return to_text(self.page, digits, color)

    def to_latex(self, digits: int = 4) -> str:
        """A LaTeX document that needs amsmath alone."""
        return to_latex(self.page, digits)

    def to_html(self, digits: int = 4) -> str:
        """A page of its own, in MathML, that loads nothing."""
        return to_html(self.page, digits)

    def to_dict(self) -> dict[str, Any]:
        """The matrices as lists, with their names and shapes, ready for JSON."""
        return {
            "layers": [_layer(each) for each in self.layers],
            "entry": {
                "layer": self.entry_layer,
                "name": _text(self.entry.name),
                "factors": [list(each) for each in self.entry.factors],
                "bias": self.entry.bias,
                "value": self.entry.value,
            },
            "loss": self.loss and {"name": self.loss.name, "value": self.loss.value},
            "y": self.loss and _matrix(self.loss.y),
        }

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        sizes = [self.layers[0].W.value.shape[0], *(len(each.b.value) for each in self.layers)]
        return f"<MatrixForm of {'-'.join(map(str, sizes))}, {len(self.layers[0].X.value)} rows>"

    def _repr_html_(self) -> str:
        return to_fragment(self.page)


def matrix_form(
    X: npt.ArrayLike,
    weights: Matrices,
    biases: Matrices,
    activation: str = "relu",
    *,
    output_activation: str = "identity",
    entry: tuple[int, int] | None = None,
    layer: int | None = None,
    y: npt.ArrayLike | None = None,
) -> MatrixForm:
    """Write a network as products of matrices, with one entry worked out.

    Parameters
    ----------
    X : array-like of shape (rows, inputs)
    weights : array-like of shape (inputs, units), or a sequence of these
        W1, W2, …, each with a row for every unit before it. A single matrix is one layer.
    biases : array-like of shape (units,), or a sequence of these
        b1, b2, …; each is added to every row.
    activation : str, default="relu"
        Of the hidden layers; a key of ``chainrule.networks.activations.ACTIVATIONS``.
    output_activation : {"identity", "logistic", "softmax", "exp"}, default="identity"
    entry : tuple (row, column), default=(0, 0)
        The entry of X·W + b that is marked and worked out, counted from 0.
    layer : int, optional
        The layer to write out, from 1, and to mark the entry in. By default all are, and the
        entry is in the last.
    y : array-like of shape (rows, outputs) or (rows,), optional
        Targets: then the gradients are written too, of the mean over the rows of the loss that
        belongs to the output activation: half the squared error, the log loss (of columns of 0
        and 1), or half the Poisson deviance.

    Returns
    -------
    MatrixForm

    Raises
    ------
    ShapeError
        If matrices do not fit together, or there is no such layer or entry.
    DataError
        If something is not a finite number.
    FormulaError
        If there is no such activation.

    Examples
    --------
    >>> import chainrule as cr
    >>> print(cr.matrix_form([[1, 2], [3, 4]], [[5, 6, 7], [8, 9, 0]], [1, 2, 3], entry=(1, 2)))
    One layer, 2 → 3, for 2 rows
    <BLANKLINE>
    Layer 1
    ...
    """
    check_activation(activation, ACTIVATIONS)
    check_activation(output_activation, OUTPUT_ACTIVATIONS, "output activation")
    W, b = read_parameters(weights, biases)
    rows = read_input(X, W[0])
    sizes = (len(W[0]), *(len(each) for each in b))
    network = MLP(sizes, activation, output_activation)
    nodes = mlp_layers(network)
    given = {network.X: rows, **dict(zip(network.parameters, [*W, *b], strict=True))}
    losses, name = None, ""
    if y is not None:
        name, loss = _LOSSES[output_activation]
        target = variable("y", ("rows", sizes[-1]))
        given[target] = read_targets(y, (len(rows), sizes[-1]))
        losses = loss.per_row(target, nodes[-1].Z)
    return form_of_layers(nodes, given, entry, layer, losses, name)


def form_of_layers(
    nodes: Sequence[LayerNodes],
    given: Mapping[Node, Array],
    entry: tuple[int, int] | None = None,
    layer: int | None = None,
    row_losses: Node | None = None,
    loss_name: str = "",
    notes: tuple[str, ...] = (),
) -> MatrixForm:
    """The matrix form of layers of a graph, given the values of its variables."""
    if layer is not None and (not isinstance(layer, Integral) or not 1 <= layer <= len(nodes)):
        raise ShapeError(f"There is no layer {layer!r}: layers are counted from 1 to {len(nodes)}.")
    forms, loss = values_of(nodes, given, row_losses, loss_name)
    number = len(nodes) if layer is None else int(layer)
    chosen = forms[number - 1]
    row, column = _place(entry, chosen.Z)
    forms[number - 1] = chosen = replace(
        chosen,
        X=chosen.X.marked(row=row),
        W=chosen.W.marked(column=column),
        b=chosen.b.marked(column=column),
        Z=chosen.Z.marked(row, column),
        out=chosen.out.marked(row, column),
    )
    only = None if layer is None or len(nodes) == 1 else number
    return MatrixForm(tuple(forms), _worked(chosen), number, only, loss, notes)


def _place(entry: tuple[int, int] | None, Z: Matrix) -> tuple[int, int]:
    rows, columns = Z.value.shape
    try:
        row, column = (0, 0) if entry is None else entry
    except (TypeError, ValueError):
        raise ShapeError(f"entry must be (row, column), but is {entry!r}.") from None
    for place, size in ((row, rows), (column, columns)):
        if not isinstance(place, Integral) or not 0 <= place < size:
            raise ShapeError(
                f"{_text(Z.name)} has no entry {entry!r}: it is {rows}×{columns}, with rows 0 to "
                f"{rows - 1} and columns 0 to {columns - 1}."
            )
    return int(row), int(column)


def _worked(layer: LayerForm) -> WorkedEntry:
    """The marked entry of a layer: what the engine has, and the numbers it is made of."""
    row, column = layer.Z.row or 0, layer.Z.column or 0
    left, right = layer.X.value[row], layer.W.value[:, column]
    activated = None
    # The outputs of a softmax depend on the whole row.
    if layer.activation not in ("identity", "softmax"):
        name, sign = _entry(layer.out, row, column), activation_sign(layer.activation)
        activated = (name, sign, float(layer.out.value[row, column]))
    worked = WorkedEntry(
        name=_entry(layer.Z, row, column),
        left=layer.X,
        right=layer.W,
        factors=tuple(zip(left.tolist(), right.tolist(), strict=True)),
        bias=float(layer.b.value[column]),
        bias_name=_entry(layer.b, column),
        value=float(layer.Z.value[row, column]),
        activated=activated,
    )
    scale = math.fsum([*(abs(x * w) for x, w in worked.factors), abs(worked.bias)])
    rounding = 1e-15 * (len(worked.factors) + 10) * scale
    assert math.isclose(worked.total, worked.value, rel_tol=0.0, abs_tol=rounding)
    return worked


def _entry(matrix: Matrix, *places: int) -> Formula:
    """``W1[2, 0]``."""
    return Entries(matrix.name, tuple(Symbol(str(place)) for place in places))


def _layer(layer: LayerForm) -> dict[str, Any]:
    parts = {name: getattr(layer, name) for name in ("X", "W", "b", "Z", "out")}
    plain: dict[str, Any] = {"number": layer.number, "activation": layer.activation}
    plain |= {name: _matrix(matrix) for name, matrix in parts.items()}
    if layer.gradients is not None:
        gradients = {
            name: getattr(layer.gradients, name) for name in ("out", "slope", "Z", "W", "b", "X")
        }
        plain["gradients"] = {
            name: _matrix(matrix) for name, matrix in gradients.items() if matrix is not None
        }
    return plain


def _matrix(matrix: Matrix) -> dict[str, Any]:
    return {
        "name": _text(matrix.name),
        "shape": list(matrix.value.shape),
        "values": matrix.value.tolist(),
    }


def _text(formula: Formula) -> str:
    return formula_text(formula, digits=None)
