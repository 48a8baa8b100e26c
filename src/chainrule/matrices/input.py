"""Matrices as users give them, checked: every fault is named with its layer and its shapes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError, FormulaError, ShapeError
from chainrule.explain.array_text import shape_text
from chainrule.matrices.page import Array

__all__ = ["Matrices", "check_activation", "read_input", "read_parameters", "read_targets"]

Matrices = npt.ArrayLike | Sequence[npt.ArrayLike]
"""One matrix, or a sequence of them."""


def read_parameters(weights: Matrices, biases: Matrices) -> tuple[list[Array], list[Array]]:
    """Weights and biases of each layer; a single W and b are one layer.

    Raises
    ------
    ShapeError
        If layers do not fit together; the message names the layer and both shapes.
    DataError
        If something is not a finite number.
    """
    matrices = _parts(weights, 2)
    vectors = _parts(biases, 1)
    if len(matrices) != len(vectors):
        raise ShapeError(
            f"There are {len(matrices)} weight matrices, but {len(vectors)} biases: each layer "
            f"has one of both."
        )
    W = [_numbers(each, f"W{k}") for k, each in enumerate(matrices, 1)]
    b = [_numbers(each, f"b{k}") for k, each in enumerate(vectors, 1)]
    for k, (matrix, vector) in enumerate(zip(W, b, strict=True), 1):
        if matrix.ndim != 2 or not matrix.size:
            raise ShapeError(
                f"W{k} must be a matrix (inputs, units), but has the shape {_shape(matrix)}."
            )
        if vector.shape != matrix.shape[1:]:
            raise ShapeError(
                f"Layer {k} does not fit: W{k} is {_shape(matrix)}, so b{k} must hold one "
                f"number for each of its {matrix.shape[1]} columns, but it is {_shape(vector)}."
            )
        if k > 1 and W[k - 2].shape[1] != matrix.shape[0]:
            raise ShapeError(
                f"Layer {k} does not fit: W{k - 1} is {_shape(W[k - 2])} and W{k} is "
                f"{_shape(matrix)}, but W{k} needs a row for each of the "
                f"{W[k - 2].shape[1]} columns of W{k - 1}."
            )
    return W, b


def read_input(X: npt.ArrayLike, W: Array) -> Array:
    """The rows that go through the network."""
    matrix = _numbers(X, "X")
    if matrix.ndim != 2:
        raise ShapeError(
            f"X must be a matrix (rows, {len(W)}), but has the shape {_shape(matrix)}: a single "
            f"row is written [[…]]."
        )
    if not len(matrix):
        raise ShapeError("X has no rows: give at least one.")
    if matrix.shape[1] != len(W):
        raise ShapeError(
            f"Layer 1 does not fit: X is {_shape(matrix)} and W1 is {_shape(W)}, but W1 needs a "
            f"row for each of the {matrix.shape[1]} columns of X."
        )
    return matrix


def read_targets(y: npt.ArrayLike, shape: tuple[int, int]) -> Array:
    """Targets in the shape of the output; a vector will do where there is one output."""
    targets = _numbers(y, "y")
    if targets.shape == shape[:1] and shape[1] == 1:
        targets = targets[:, np.newaxis]
    if targets.shape != shape:
        raise ShapeError(
            f"y must have the shape of the output, {_shape(np.empty(shape))}, but it is "
            f"{_shape(targets)}."
        )
    return targets


def check_activation(name: str, known: Collection[str], what: str = "activation") -> None:
    """Raise FormulaError for an activation that there is not."""
    if name not in known:
        raise FormulaError(f"There is no {what} {name!r}; there are {', '.join(known)}.")


def _parts(given: Any, n_axes: int) -> list[Any]:
    """The arrays of a sequence; a single array, of so many axes, is one part of its own."""
    return list(given) if _depth(given) > n_axes else [given]


def _depth(given: Any) -> int:
    """How many axes there are, with those that lists make."""
    if hasattr(given, "ndim"):
        return int(given.ndim)
    if isinstance(given, list | tuple):
        return 1 + (_depth(given[0]) if given else 0)
    return 0


def _numbers(given: Any, name: str) -> Array:
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biufO":
            raise TypeError(f"it holds {array.dtype}")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is no array of numbers: {error}.") from None
    if not np.all(np.isfinite(array)):
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        where = f" at [{', '.join(map(str, place))}]" if place else ""
        raise DataError(f"{name} has {array[place]}{where}: give finite numbers.")
    return array


def _shape(array: Array) -> str:
    return shape_text(array.shape) if array.ndim else "a single number"
