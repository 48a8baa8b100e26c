"""Sizes and shapes: integers, and sizes that are known only when a program runs.

The number of rows of a minibatch is symbolic, so that one compiled program serves every
batch size. A symbolic size is a whole number times a product of names (``rows``,
``50·rows``): just what reshaping ``(rows, 50, 8)`` into ``(50·rows, 8)`` needs.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chainrule.errors import ShapeError

__all__ = [
    "Dimension",
    "Kind",
    "Shape",
    "Size",
    "Type",
    "as_shape",
    "broadcast_shapes",
    "count",
    "divide",
    "format_shape",
    "multiply",
    "resolve",
    "resolve_shape",
    "symbols_of",
]

Kind = Literal["float", "int", "bool"]


@dataclass(frozen=True, slots=True)
class Size:
    """A size known at run time: ``coefficient`` times the product of ``symbols``."""

    coefficient: int
    symbols: tuple[str, ...]

    def __str__(self) -> str:
        product = "·".join(self.symbols)
        return product if self.coefficient == 1 else f"{self.coefficient}·{product}"


Dimension = int | Size
Shape = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """What is known of a value before it is computed: its shape and kind.

    The kind of a number with decimals is ``"float"``; whether it is single or double
    precision is chosen when a program is compiled, not when the formula is written.
    """

    shape: Shape
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind}{format_shape(self.shape)}"


def as_shape(shape: Iterable[Dimension | str]) -> Shape:
    """Read a shape in which a string stands for a symbolic size, as in ``("rows", 3)``."""
    if isinstance(shape, str):
        raise ShapeError(f"A shape is a sequence of sizes: write ({shape!r},), not {shape!r}.")
    dimensions: list[Dimension] = []
    for dimension in shape:
        if isinstance(dimension, str):
            dimensions.append(Size(1, (dimension,)))
        elif isinstance(dimension, Size):
            dimensions.append(dimension)
        else:
            try:
                size = operator.index(dimension)
            except TypeError:
                raise ShapeError(
                    f"A size is a whole number or a name, but {dimension!r} was given."
                ) from None
            if size < 0:
                raise ShapeError(f"A size cannot be negative, but {size} was given.")
            dimensions.append(size)
    return tuple(dimensions)


def multiply(*dimensions: Dimension) -> Dimension:
    """The product of sizes."""
    coefficient = 1
    symbols: list[str] = []
    for dimension in dimensions:
        if isinstance(dimension, Size):
            coefficient *= dimension.coefficient
            symbols.extend(dimension.symbols)
        else:
            coefficient *= dimension
    if coefficient == 0 or not symbols:
        return coefficient
    return Size(coefficient, tuple(sorted(symbols)))


def divide(dividend: Dimension, divisor: Dimension) -> Dimension | None:
    """The quotient of two sizes, or None where it is not a whole size."""
    coefficient, symbols = _parts(dividend)
    divisor_coefficient, divisor_symbols = _parts(divisor)
    remaining = list(symbols)
    for symbol in divisor_symbols:
        if symbol not in remaining:
            return None
        remaining.remove(symbol)
    if divisor_coefficient == 0 or coefficient % divisor_coefficient:
        return None
    quotient = coefficient // divisor_coefficient
    return Size(quotient, tuple(remaining)) if remaining else quotient


def count(shape: Shape) -> Dimension:
    """The number of elements of a shape."""
    return multiply(*shape)


def symbols_of(shapes: Iterable[Shape]) -> tuple[str, ...]:
    """The names of all symbolic sizes in ``shapes``, sorted."""
    return tuple(sorted({symbol for shape in shapes for dim in shape for symbol in _parts(dim)[1]}))


def resolve(dimension: Dimension, sizes: Mapping[str, int]) -> int:
    """The value of a size once the symbols are known."""
    if isinstance(dimension, Size):
        return dimension.coefficient * math.prod(sizes[symbol] for symbol in dimension.symbols)
    return dimension


def resolve_shape(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape in plain integers once the symbols are known."""
    return tuple(resolve(dimension, sizes) for dimension in shape)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape under NumPy's rules: align on the right, stretch sizes of 1."""
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[Dimension] = [1] * rank
    for shape in shapes:
        for axis, dimension in enumerate(shape, start=rank - len(shape)):
            if dimension == 1:
                continue
            if result[axis] not in (1, dimension):
                described = " and ".join(format_shape(each) for each in shapes)
                raise ShapeError(
                    f"Shapes {described} do not broadcast: sizes {result[axis]} and "
                    f"{dimension} meet on one axis, and neither is 1."
                )
            result[axis] = dimension
    return tuple(result)


def format_shape(shape: Sequence[Dimension]) -> str:
    """A shape as people write it: ``()``, ``(rows, 3)``."""
    inside = ", ".join(str(dimension) for dimension in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _parts(dimension: Dimension) -> tuple[int, tuple[str, ...]]:
    if isinstance(dimension, Size):
        return dimension.coefficient, dimension.symbols
    return dimension, ()
