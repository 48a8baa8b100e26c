"""What stands on the page of a network in matrices, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.matrices.page import (
    Calculation,
    Equation,
    Matrix,
    MatrixPage,
    Operand,
    Part,
    Section,
    Shapes,
    Statement,
    WorkedEntry,
)
from chainrule.matrices.values import LayerForm, LossForm, activation_sign
from chainrule.notation.formula import (
    Call,
    Formula,
    Partial,
    Product,
    Sum,
    Symbol,
    Transposed,
)

__all__ = ["layer_equation", "network_page"]

Row = tuple[Formula, Formula, tuple[tuple[str, tuple[int, ...]], ...]]


def network_page(
    layers: Sequence[LayerForm],
    entry: WorkedEntry,
    entry_layer: int,
    only: int | None,
    loss: LossForm | None,
    notes: Sequence[str] = (),
) -> MatrixPage:
    """The page of a network, or of the one layer asked for."""
    shown = [each for each in layers if only in (None, each.number)]
    sections = []
    if len(shown) > 1:
        sections.append(Section("Forward, in shapes", (Shapes(tuple(_forward_shapes(shown))),)))
        sections.append(Section("In reverse, in shapes", (Shapes(tuple(_reverse_shapes(shown))),)))
    for layer in shown:
        worked = [entry] if layer.number == entry_layer else []
        sections.append(Section(f"Layer {layer.number}", tuple(_forward(layer, worked))))
    if loss is not None:
        rows = len(loss.y.value)
        of_rows = f"The mean over the {rows} rows." if rows > 1 else ""
        stated: list[Part] = [Calculation(Symbol("loss"), loss.formula, loss.value)]
        stated += [Statement(each) for each in (of_rows, *notes) if each]
        sections.append(Section("Loss", (*stated, Equation(loss.y))))
        for layer in reversed(shown):
            parts = [] if layer is not layers[-1] else [_first_gradient(layer, loss.slope)]
            heading = f"Layer {layer.number} in reverse"
            sections.append(Section(heading, (*parts, *_reverse(layer))))
    return MatrixPage(_title(layers, only), tuple(sections))


def layer_equation(X: Matrix, W: Matrix, b: Matrix, Z: Matrix, relation: str = "=") -> Equation:
    """``Z = X·W + b``."""
    note = "to every row" if len(X.value) > 1 else ""
    operands = (Operand("", X), Operand("·", W), Operand("+", b, note))
    return Equation(Z, operands, relation=relation)


def _title(layers: Sequence[LayerForm], only: int | None) -> str:
    sizes = [len(layers[0].W.value), *(len(each.b.value) for each in layers)]
    rows = len(layers[0].X.value)
    counted = f"{rows} row{'s' * (rows > 1)}"
    chain = " → ".join(map(str, sizes))
    if len(layers) == 1:
        return f"One layer, {chain}, for {counted}"
    which = "A" if only is None else f"Layer {only} of a"
    return f"{which} network of {len(layers)} layers, {chain}, for {counted}"


def _forward(layer: LayerForm, worked: Sequence[WorkedEntry]) -> Iterator[Part]:
    yield layer_equation(layer.X, layer.W, layer.b, layer.Z)
    yield from worked
    if layer.activation != "identity":
        yield Equation(layer.out, rule=_activated(layer))


def _first_gradient(layer: LayerForm, slope: Formula | None) -> Equation:
    """Where the way back begins: the gradient by the raw output."""
    assert layer.gradients is not None
    return Equation(layer.gradients.Z, rule=slope)


def _reverse(layer: LayerForm) -> Iterator[Equation]:
    gradients = layer.gradients
    assert gradients is not None
    if gradients.out is not None and gradients.slope is not None:
        factors = (Operand("", gradients.out), Operand("⊙", gradients.slope))
        yield Equation(gradients.Z, factors)
    yield Equation(gradients.W, (Operand("", _transposed(layer.X)), Operand("·", gradients.Z)))
    yield Equation(gradients.b, rule=_over_rows(gradients.Z.name))
    yield Equation(gradients.X, (Operand("", gradients.Z), Operand("·", _transposed(layer.W))))


def _transposed(matrix: Matrix) -> Matrix:
    return Matrix(Transposed(matrix.name), matrix.value.T)


def _over_rows(of: Formula) -> Formula:
    return Call("Σ", (of,), index="rows")


def _activated(layer: LayerForm) -> Formula:
    return Call(activation_sign(layer.activation), (layer.Z.name,))


# --- in shapes ---------------------------------------------------------------------------------


def _forward_shapes(layers: Sequence[LayerForm]) -> Iterator[Row]:
    for layer in layers:
        X, W, b, Z = (each.value.shape for each in (layer.X, layer.W, layer.b, layer.Z))
        product = Product(layer.X.name, layer.W.name, "matrices")
        yield layer.Z.name, Sum(product, layer.b.name), (("", Z), ("=", X), ("·", W), ("+", b))
        if layer.activation != "identity":
            yield layer.out.name, _activated(layer), (("", Z),)


def _reverse_shapes(layers: Sequence[LayerForm]) -> Iterator[Row]:
    """The gradients, last layer first; their shapes are those of what they belong to."""
    for layer in reversed(layers):
        X, W, b, Z = (each.value.shape for each in (layer.X, layer.W, layer.b, layer.Z))
        by = {each: _gradient(each.name) for each in (layer.X, layer.W, layer.b, layer.Z)}
        above = by[layer.Z]
        if layer.activation != "identity" and layer is not layers[-1]:
            sign = activation_sign(layer.activation)
            slope = Call(sign, (layer.Z.name,), primes=1)
            rule = Product(_gradient(layer.out.name), slope, "entries")
            yield above, rule, (("", Z), ("=", Z), ("⊙", Z))
        product = Product(Transposed(layer.X.name), above, "matrices")
        yield by[layer.W], product, (("", W), ("=", X[::-1]), ("·", Z))
        yield by[layer.b], _over_rows(above), (("", b),)
        product = Product(above, Transposed(layer.W.name), "matrices")
        yield by[layer.X], product, (("", X), ("=", Z), ("·", W[::-1]))


def _gradient(by: Formula) -> Formula:
    assert isinstance(by, Symbol)
    return Partial("loss", by.name)
