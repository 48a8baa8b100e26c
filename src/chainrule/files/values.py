"""Python values as JSON beside tensors, and back: plain data only, never code."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import FileError
from chainrule.files.kinds import KINDS

__all__ = ["FunctionLacking", "pack", "unpack"]

Tensors = dict[str, npt.NDArray[Any]]
Functions = dict[str, Callable[..., Any]]

TENSOR_KINDS = "biuf"

DEEPEST = 50
"""How deep values may be nested. No model needs it, and a file could otherwise ask for more depth
than Python's stack has."""

MOST_PADDING = 100
"""How many times as much room as its letters a large array of texts may take."""

LARGE = 4 * 2**20
"""Letters in an array of texts from which on it is looked at how many of them are padding."""


class FunctionLacking(FileError):
    """A model uses a function of which its file has only the name."""


def pack(
    value: Any, name: str, tensors: Tensors, functions: Functions | None = None, depth: int = 0
) -> Any:
    """Describe a value in JSON; arrays of numbers go to ``tensors`` instead.

    Parameters
    ----------
    value : object
        None, a bool, number or text; an array of numbers or text; a description of one of the
        ``KINDS``; a list, tuple or dict of these.
    name : str
        Of the value: names its tensor, and stands in messages.
    tensors : dict of str to array
        Is added to.
    functions : dict of str to callable, optional
        Is added to: of a function only the name is described. Without it functions are refused.
    depth : int, default=0
        How many values this one is nested in.

    Returns
    -------
    object
        What ``json`` can write. Lists and plain values stand for themselves, the others are
        objects with one key that says what they are.

    Raises
    ------
    FileError
        For a value of another kind, a function without a name for one.
    """
    if depth > DEEPEST:
        raise FileError(f"{name[:60]} cannot be saved: it is nested more than {DEEPEST} times.")

    def packed(part: Any, part_name: str) -> Any:
        return pack(part, part_name, tensors, functions, depth + 1)

    match value:
        case None | bool() | str():
            # A plain str: NumPy has a subclass of its own.
            return str(value) if isinstance(value, str) else value
        case np.generic():
            return packed(value.item(), name)
        case int():
            return value
        case float():
            # JSON has no NaN and no infinity.
            return value if math.isfinite(value) else {"float": repr(value)}
        case np.ndarray() if value.dtype.kind in TENSOR_KINDS:
            tensors[name] = np.asarray(value, order="C")  # ascontiguousarray adds an axis to ()
            return {"tensor": name}
        case np.ndarray() if value.ndim == 1 and all(isinstance(each, str) for each in value):
            return {"text": [str(each) for each in value], "as": value.dtype.kind}
        case list():
            return [packed(each, f"{name}.{k}") for k, each in enumerate(value)]
        case tuple():
            return {"tuple": [packed(each, f"{name}.{k}") for k, each in enumerate(value)]}
        case Mapping():
            pairs = [
                [packed(key, name), packed(each, f"{name}.{key}")] for key, each in value.items()
            ]
            return {"dict": pairs}
    if type(value).__name__ in KINDS and type(value) is KINDS[type(value).__name__]:
        fields = {
            each.name: packed(getattr(value, each.name), f"{name}.{each.name}")
            for each in dataclasses.fields(value)
        }
        return {"kind": type(value).__name__, "with": fields}
    if functions is not None and callable(value) and not isinstance(value, type):
        return {"function": _name_of(value, name, functions)}
    raise FileError(
        f"{name} cannot be saved: a file holds numbers, text and arrays of them, but it is of "
        f"type {type(value).__name__}."
    )


def _name_of(function: Callable[..., Any], place: str, functions: Functions) -> str:
    """The name by which a file knows a function, which must mean this one only."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise FileError(
            f"{place} cannot be saved: a file keeps the name of a function, and {function!r} has "
            f"none. Define it with def, or leave it out before: "
            f"set_params({place.split('.')[0]}=...)."
        )
    if functions.setdefault(name, function) is not function:
        raise FileError(
            f"{place} cannot be saved: the model uses two functions that are both called "
            f"{name!r}. Give one of them another name."
        )
    return name


def unpack(
    description: Any,
    tensors: Mapping[str, npt.NDArray[Any]],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    depth: int = 0,
) -> Any:
    """What :func:`pack` described.

    Parameters
    ----------
    description : object
    tensors : mapping of str to array
    functions : mapping of str to callable, optional
        The functions there are, by name. Nothing else is ever looked up by a name in a file.
        Without it a description of a function is refused.
    depth : int, default=0
        How many values this one is nested in.

    Raises
    ------
    FileError
        If the description is not one of those it writes, or a function is not there.
    """
    if description is None or isinstance(description, (bool, int, float, str)):
        return description  # the most of them, and none of the rest
    if depth > DEEPEST:
        raise FileError(f"values are nested more than {DEEPEST} times")

    def unpacked(part: Any) -> Any:
        return unpack(part, tensors, functions, depth + 1)

    match description:
        case list():
            return [unpacked(each) for each in description]
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"tensor": str(name), **rest} if not rest and name in tensors:
            return tensors[name]
        case {"text": list(texts), "as": "U" | "O" as kind, **rest} if not rest and all(
            isinstance(each, str) for each in texts
        ):
            return _texts(texts, kind)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(unpacked(each) for each in items)
        case {"dict": list(pairs), **rest} if not rest:
            return _dictionary(pairs, unpacked)
        case {"kind": str(kind), "with": dict(fields), **rest} if not rest and kind in KINDS:
            return _made(kind, {field: unpacked(each) for field, each in fields.items()})
        case {"function": str(name), **rest} if not rest and functions is not None:
            if name not in functions:
                raise _lacking(name, functions)
            return functions[name]
    raise FileError(f"{reprlib.repr(description)} does not describe a value.")


def _made(kind: str, fields: Mapping[str, Any]) -> Any:
    """A plain description, which checks its own values."""
    try:
        return KINDS[kind](**fields)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise FileError(f"there is no such {kind}: {reprlib.repr(str(error))}") from None


def _texts(texts: list[str], kind: str) -> npt.NDArray[Any]:
    """An array of texts: of Python's own, or side by side, each as wide as the longest."""
    if kind == "O":
        return np.array(texts, dtype=object)
    longest, letters = max(map(len, texts), default=0), sum(map(len, texts))
    if longest * len(texts) > max(LARGE, MOST_PADDING * (letters + len(texts))):
        # One long text among many short ones: a small file could ask for any amount of memory.
        raise FileError(f"{len(texts)} texts, the longest of {longest} letters, are no labels")
    return np.array(texts, dtype=str)


def _dictionary(pairs: list[Any], unpacked: Callable[[Any], Any]) -> dict[Any, Any]:
    found = {}
    for pair in pairs:
        match pair:
            case [None | bool() | int() | float() | str() | {"float": _} as key, value]:
                found[unpacked(key)] = unpacked(value)
            case _:
                raise FileError(f"{reprlib.repr(pair)} does not describe an entry of a dictionary.")
    return found


def _lacking(name: str, functions: Mapping[str, Callable[..., Any]]) -> FunctionLacking:
    shown = name[:60]
    given = f" Only {', '.join(map(repr, functions))} was given." if functions else ""
    return FunctionLacking(
        f"it uses a function of yours, {shown!r}, and a file holds no code. Give the function that "
        f"the model was saved with: load(path, functions={{{shown!r}: {shown}}}).{given}"
    )
