"""The operation table: every primitive of the language, its arity, shape rule and notation.

A primitive has six readings, in five tables: its shape and notation here, its derivative in
``calculus.rules``, its meaning in ``engines.reference``, its machine code in ``engines.native``,
and what it is in ONNX in ``exchange.operators``. A test holds the tables complete. Everything
else (losses, layers, optimizers) is a composition of these primitives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chainrule.errors import GraphError, ShapeError
from chainrule.graph.shape import (
    Dimension,
    Kind,
    Shape,
    Size,
    Type,
    broadcast_shapes,
    count,
    format_shape,
)

__all__ = ["OPERATIONS", "Attributes", "Operation", "normalise_ranges"]

Attributes = Mapping[str, Any]
ShapeRule = Callable[[Sequence[Type], Attributes], Type]
Family = Literal["leaf", "elementwise", "reduction", "movement", "product", "indexing", "loop"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One primitive.

    Attributes
    ----------
    name : str
        Its name in printed graphs and in the other tables.
    arity : int or None
        The number of inputs; None for any number.
    family : str
        What engines may assume: an ``"elementwise"`` operation broadcasts its inputs.
    infer : callable
        The shape rule: input types and attributes in, output type out.
    notation : str
        How people write it, with ``{0}``, ``{1}`` for the inputs.
    precedence : int
        How tightly the notation binds: 1 sum, 2 product, 3 sign, 4 power, 5 closed.
    """

    name: str
    arity: int | None
    family: Family
    infer: ShapeRule
    notation: str
    precedence: int = 5


OPERATIONS: dict[str, Operation] = {}


def _define(
    name: str,
    arity: int | None,
    family: Family,
    infer: ShapeRule,
    notation: str,
    precedence: int = 5,
) -> None:
    OPERATIONS[name] = Operation(name, arity, family, infer, notation, precedence)


# --- shape rules -------------------------------------------------------------------------


def _require(types: Sequence[Type], kind: Kind, operation: str) -> None:
    for position, each in enumerate(types):
        if each.kind != kind:
            raise GraphError(
                f"Input {position} of {operation!r} has kind {each.kind!r}, but {kind!r} is "
                f"needed: use convert() to make numbers of it."
            )


def _require_indices(indices: Type, operation: str) -> None:
    if indices.kind != "int":
        raise GraphError(
            f"The indices of {operation!r} must be of kind 'int', not {indices.kind!r}."
        )


def _elementwise(operation: str) -> ShapeRule:
    def infer(types: Sequence[Type], attributes: Attributes) -> Type:
        _require(types, "float", operation)
        return Type(broadcast_shapes(*(each.shape for each in types)), "float")

    return infer


def _comparison(types: Sequence[Type], attributes: Attributes) -> Type:
    if types[0].kind != types[1].kind:
        raise GraphError(f"A {types[0].kind} cannot be compared with a {types[1].kind}.")
    return Type(broadcast_shapes(types[0].shape, types[1].shape), "bool")


def _select(types: Sequence[Type], attributes: Attributes) -> Type:
    condition, when_true, when_false = types
    _require([condition], "bool", "select")
    if when_true.kind != when_false.kind:
        raise GraphError(
            f"Both branches of 'select' must have one kind, not {when_true.kind!r} and "
            f"{when_false.kind!r}."
        )
    shape = broadcast_shapes(condition.shape, when_true.shape, when_false.shape)
    return Type(shape, when_true.kind)


def _variable(types: Sequence[Type], attributes: Attributes) -> Type:
    return Type(attributes["shape"], attributes["kind"])


def _constant(types: Sequence[Type], attributes: Attributes) -> Type:
    return Type((), attributes["kind"])


def _scalar_float(types: Sequence[Type], attributes: Attributes) -> Type:
    return Type((), "float")


def _drawn(types: Sequence[Type], attributes: Attributes) -> Type:
    return Type(attributes["shape"], "float")


def _convert(types: Sequence[Type], attributes: Attributes) -> Type:
    return Type(types[0].shape, "float")


def _same(types: Sequence[Type], attributes: Attributes) -> Type:
    return types[0]


def _reduction(types: Sequence[Type], attributes: Attributes) -> Type:
    _require(types, "float", "sum or max")
    shape, axes = types[0].shape, attributes["axes"]
    if list(axes) != sorted(set(axes)) or any(not 0 <= axis < len(shape) for axis in axes):
        raise ShapeError(f"Axes {axes} do not name distinct axes of {format_shape(shape)}.")
    return Type(tuple(size for axis, size in enumerate(shape) if axis not in axes), "float")


def _matmul(types: Sequence[Type], attributes: Attributes) -> Type:
    _require(types, "float", "matmul")
    left, right = types[0].shape, types[1].shape
    if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
        raise ShapeError(
            f"A matrix product needs shapes (m, n) and (n, p), but got {format_shape(left)} "
            f"and {format_shape(right)}."
        )
    return Type((left[0], right[1]), "float")


def _transpose(types: Sequence[Type], attributes: Attributes) -> Type:
    shape, permutation = types[0].shape, attributes["permutation"]
    if sorted(permutation) != list(range(len(shape))):
        raise ShapeError(f"{permutation} is not a permutation of the axes of {len(shape)} axes.")
    return Type(tuple(shape[axis] for axis in permutation), types[0].kind)


def _reshape(types: Sequence[Type], attributes: Attributes) -> Type:
    old, new = types[0].shape, attributes["shape"]
    if count(old) != count(new):
        raise ShapeError(
            f"{format_shape(old)} has {count(old)} elements and cannot be reshaped to "
            f"{format_shape(new)}, which has {count(new)}."
        )
    return Type(new, types[0].kind)


def _broadcast(types: Sequence[Type], attributes: Attributes) -> Type:
    shape: Shape = attributes["shape"]
    if broadcast_shapes(types[0].shape, shape) != shape:
        raise ShapeError(
            f"{format_shape(types[0].shape)} cannot be stretched to {format_shape(shape)}."
        )
    return Type(shape, types[0].kind)


def _concatenate(types: Sequence[Type], attributes: Attributes) -> Type:
    if not types:
        raise ShapeError("There is nothing to concatenate.")
    axis, first = attributes["axis"], types[0].shape
    if not 0 <= axis < len(first):
        raise ShapeError(f"There is no axis {axis} in {format_shape(first)}.")
    total = 0
    for each in types:
        if each.kind != types[0].kind:
            raise GraphError(f"A {types[0].kind} cannot be concatenated with a {each.kind}.")
        others = each.shape[:axis] + each.shape[axis + 1 :]
        if len(each.shape) != len(first) or others != first[:axis] + first[axis + 1 :]:
            raise ShapeError(
                f"{format_shape(first)} and {format_shape(each.shape)} differ on another axis "
                f"than {axis} and cannot be concatenated along it."
            )
        size = each.shape[axis]
        if isinstance(size, Size):
            raise ShapeError(f"Cannot concatenate along an axis of symbolic size {size}.")
        total += size
    return Type((*first[:axis], total, *first[axis + 1 :]), types[0].kind)


Range = tuple[int, int | None]


def normalise_ranges(shape: Shape, ranges: Sequence[Range | None]) -> tuple[Range | None, ...]:
    """Make ranges of a slice unique: None for a whole axis, plain bounds where sizes are known.

    On an axis of symbolic size only a prefix ``(0, k)`` or a suffix ``(-k, None)`` of known
    length can be taken.
    """
    if len(ranges) != len(shape):
        raise ShapeError(f"{len(ranges)} ranges were given for {format_shape(shape)}.")
    result: list[Range | None] = []
    for dimension, bounds in zip(shape, ranges, strict=True):
        if bounds is None or bounds == (0, None):
            result.append(None)
        elif isinstance(dimension, Size):
            start, stop = bounds
            prefix = start == 0 and stop is not None and stop > 0
            suffix = start < 0 and stop is None
            if not (prefix or suffix):
                raise ShapeError(
                    f"On an axis of symbolic size {dimension} only a prefix or a suffix of known "
                    f"length can be taken, not {start}:{stop}."
                )
            result.append((start, stop))
        else:
            start, stop, _ = slice(*bounds).indices(dimension)
            if stop < start:
                stop = start
            result.append(None if (start, stop) == (0, dimension) else (start, stop))
    return tuple(result)


def _sliced_size(dimension: Dimension, bounds: Range | None) -> Dimension:
    if bounds is None:
        return dimension
    start, stop = bounds
    return -start if stop is None else stop - start


def _slice(types: Sequence[Type], attributes: Attributes) -> Type:
    sizes = zip(types[0].shape, attributes["ranges"], strict=True)
    return Type(tuple(_sliced_size(*each) for each in sizes), types[0].kind)


def _pad(types: Sequence[Type], attributes: Attributes) -> Type:
    shape: Shape = attributes["shape"]
    hole = tuple(_sliced_size(*each) for each in zip(shape, attributes["ranges"], strict=True))
    if hole != types[0].shape:
        raise ShapeError(
            f"{format_shape(types[0].shape)} does not fill the place {format_shape(hole)} inside "
            f"{format_shape(shape)}."
        )
    return Type(shape, types[0].kind)


def _take(types: Sequence[Type], attributes: Attributes) -> Type:
    _require_indices(types[1], "take")
    if not types[0].shape:
        raise ShapeError("A single number has no rows to take.")
    return Type(types[1].shape + types[0].shape[1:], types[0].kind)


def _scatter_add(types: Sequence[Type], attributes: Attributes) -> Type:
    _require(types[:1], "float", "scatter_add")
    _require_indices(types[1], "scatter_add")
    values, indices = types[0].shape, types[1].shape
    if values[: len(indices)] != indices:
        raise ShapeError(
            f"Values {format_shape(values)} need one row for each index {format_shape(indices)}."
        )
    return Type((attributes["size"], *values[len(indices) :]), "float")


def _scan(types: Sequence[Type], attributes: Attributes) -> Type:
    loop, output = attributes["loop"], attributes["output"]
    loop.check_inputs(types)
    return Type((loop.length, *output.shape), output.kind)


# --- the table ---------------------------------------------------------------------------

_define("variable", 0, "leaf", _variable, "{name}")
_define("constant", 0, "leaf", _constant, "{value}")
_define("size", 0, "leaf", _scalar_float, "{dimension}")
_define("uniform", 0, "leaf", _drawn, "uniform(0, 1)")

for _name, _notation, _precedence in [
    ("negate", "-{0}", 3),
    ("reciprocal", "1/{0}", 2),
    ("exp", "exp({0})", 5),
    ("log", "log({0})", 5),
    ("log1p", "log1p({0})", 5),
    ("expm1", "expm1({0})", 5),
    ("sqrt", "√({0})", 5),
    ("sin", "sin({0})", 5),
    ("cos", "cos({0})", 5),
    ("tanh", "tanh({0})", 5),
    ("logistic", "σ({0})", 5),
    ("softplus", "softplus({0})", 5),
    ("erf", "erf({0})", 5),
    ("absolute", "|{0}|", 5),
    ("sign", "sign({0})", 5),
]:
    _define(_name, 1, "elementwise", _elementwise(_name), _notation, _precedence)

for _name, _notation, _precedence in [
    ("add", "{0} + {1}", 1),
    ("subtract", "{0} - {1}", 1),
    ("multiply", "{0}·{1}", 2),
    ("divide", "{0}/{1}", 2),
    ("power", "{0}^{1}", 4),
    ("maximum", "max({0}, {1})", 5),
    ("minimum", "min({0}, {1})", 5),
]:
    _define(_name, 2, "elementwise", _elementwise(_name), _notation, _precedence)

_define("less", 2, "elementwise", _comparison, "[{0} < {1}]")
_define("less_equal", 2, "elementwise", _comparison, "[{0} ≤ {1}]")
_define("equal", 2, "elementwise", _comparison, "[{0} = {1}]")
_define("select", 3, "elementwise", _select, "({1} if {0} else {2})")
_define("convert", 1, "elementwise", _convert, "{0}")
_define("stop_gradient", 1, "elementwise", _same, "{0}")

_define("sum", 1, "reduction", _reduction, "Σ({0})")
_define("max", 1, "reduction", _reduction, "max({0})")

_define("matmul", 2, "product", _matmul, "{0}·{1}", 2)

_define("transpose", 1, "movement", _transpose, "{0}ᵀ")
_define("reshape", 1, "movement", _reshape, "reshape({0})")
_define("broadcast", 1, "movement", _broadcast, "{0}")
_define("slice", 1, "movement", _slice, "{0}[{ranges}]")
_define("pad", 1, "movement", _pad, "pad({0})")
_define("concatenate", None, "movement", _concatenate, "[{*}]")

_define("take", 2, "indexing", _take, "{0}[{1}]")
_define("scatter_add", 2, "indexing", _scatter_add, "scatter({0})")

_define("scan", None, "loop", _scan, "scan({*})")
