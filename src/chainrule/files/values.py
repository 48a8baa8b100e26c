"""Python values as JSON beside tensors, and back: plain data only, never code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import FileError

__all__ = ["pack", "unpack"]

Tensors = dict[str, npt.NDArray[Any]]

TENSOR_KINDS = "biuf"


def pack(value: Any, name: str, tensors: Tensors) -> Any:
    """Describe a value in JSON; arrays of numbers go to ``tensors`` instead.

    Parameters
    ----------
    value : object
        None, a bool, number or text; an array of numbers or text; a list, tuple or dict of
        these.
    name : str
        Of the value: names its tensor, and stands in messages.
    tensors : dict of str to array
        Is added to.

    Returns
    -------
    object
        What ``json`` can write. Lists and plain values stand for themselves, the others are
        objects with one key that says what they are.

    Raises
    ------
    FileError
        For a value of another kind, a function for one.
    """
    match value:
        case None | bool() | str():
            # A plain str: NumPy has a subclass of its own.
            return str(value) if isinstance(value, str) else value
        case np.generic():
            return pack(value.item(), name, tensors)
        case int():
            return value
        case float():
            # JSON has no NaN and no infinity.
            return value if math.isfinite(value) else {"float": repr(value)}
        case np.ndarray() if value.dtype.kind in TENSOR_KINDS:
            tensors[name] = np.ascontiguousarray(value)
            return {"tensor": name}
        case np.ndarray() if value.ndim == 1 and all(isinstance(each, str) for each in value):
            return {"text": [str(each) for each in value], "as": value.dtype.kind}
        case list():
            return [pack(each, f"{name}.{k}", tensors) for k, each in enumerate(value)]
        case tuple():
            return {"tuple": pack(list(value), name, tensors)}
        case Mapping():
            pairs = [
                [pack(key, name, tensors), pack(each, f"{name}.{key}", tensors)]
                for key, each in value.items()
            ]
            return {"dict": pairs}
    raise FileError(
        f"{name} cannot be saved: a file holds numbers, text and arrays of them, but it is of "
        f"type {type(value).__name__}."
    )


def unpack(description: Any, tensors: Mapping[str, npt.NDArray[Any]]) -> Any:
    """What :func:`pack` described.

    Raises
    ------
    FileError
        If the description is not one of those it writes.
    """
    match description:
        case None | bool() | int() | float() | str():
            return description
        case list():
            return [unpack(each, tensors) for each in description]
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"tensor": str(name), **rest} if not rest and name in tensors:
            return tensors[name]
        case {"text": list(texts), "as": "U" | "O" as kind} if all(
            isinstance(each, str) for each in texts
        ):
            return np.array(texts, dtype=object if kind == "O" else str)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(unpack(items, tensors))
        case {"dict": list(pairs), **rest} if not rest:
            return dict(_pair(pair, tensors) for pair in pairs)
    raise FileError(f"{str(description)[:60]!r} does not describe a value.")


def _pair(pair: Any, tensors: Mapping[str, npt.NDArray[Any]]) -> tuple[Any, Any]:
    match pair:
        case [None | bool() | int() | float() | str() as key, value]:
            return key, unpack(value, tensors)
    raise FileError(f"{str(pair)[:60]!r} does not describe an entry of a dictionary.")
