"""The model file: safetensors, with a description in JSON among its metadata."""

from __future__ import annotations

import json
import os
import reprlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from chainrule.errors import FileError
from chainrule.files.whole import write_whole

__all__ = ["VERSION", "read_model_file", "write_model_file"]

KEY = "chainrule"
"""The entry of the metadata that holds the description."""

VERSION = 1
"""Of the description's form. A later one reads all earlier ones."""

KINDS = ("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64")
"""The types of numbers that a tensor may have, by safetensors' names."""


def write_model_file(
    path: str | Path, description: Mapping[str, Any], tensors: dict[str, npt.NDArray[Any]]
) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    description : mapping
        What ``json`` can write.
    tensors : dict of str to array

    Raises
    ------
    FileError
        If it cannot be written.
    """
    text = json.dumps({"version": VERSION, **description}, ensure_ascii=False, allow_nan=False)
    write_whole(path, save(tensors, {KEY: text}))


def read_model_file(
    path: str | Path, advice: str = " Save the model again."
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a model file. Nothing in it is run, whoever wrote it.

    Parameters
    ----------
    path : str or Path
    advice : str
        What to do if the file is damaged.

    Returns
    -------
    description : dict
    tensors : dict of str to array

    Raises
    ------
    FileError
        If it cannot be read, is damaged, is no model of chainrule's, or is of a later version.
    """
    metadata, tensors = _read_safetensors(path, advice)
    if KEY not in metadata:
        raise FileError(
            f"{path} is a safetensors file, but not one that chainrule wrote: it lacks the "
            f"description of a model."
        )
    description = _parsed(metadata[KEY])
    version = description.get("version") if isinstance(description, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise FileError(f"{path} is damaged: its description cannot be read.{advice}")
    if version > VERSION:
        raise FileError(
            f"{path} is of version {reprlib.repr(version)}, but this chainrule reads versions up "
            f"to {VERSION}. Install a newer chainrule, or save the model with this one."
        )
    return description, tensors


def _read_safetensors(
    path: str | Path, advice: str
) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
    """The metadata of a file, and its tensors."""
    if not isinstance(path, (str, PathLike)):
        raise FileError(
            f"The path of a model file is wanted, as str or Path, but got {type(path).__name__}: "
            f"give the path that was given to model.save(path)."
        )
    if os.path.isdir(path):
        raise FileError(f"{path} is a folder: give the path of a model file in it.")
    if os.path.exists(path) and not os.path.isfile(path):
        # Reading from one of these may never end.
        raise FileError(f"{path} is a device or a pipe: give the path of a model file.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: _tensor(file, name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or str(error) or "no such file"
        raise FileError(
            f"{path} cannot be read: {reason}. Check the path; a model is written by "
            f"model.save(path), or by chainrule fit with --out."
        ) from None
    except (SafetensorError, ValueError) as error:
        reason = (str(error).splitlines() or ["it cannot be read"])[0][:200].rstrip(".")
        raise FileError(f"{path} is not a model file, or is damaged: {reason}.{advice}") from None
    return metadata, tensors


def _tensor(file: Any, name: str) -> npt.NDArray[Any]:
    """A tensor of a safetensors file that is open."""
    kind = file.get_slice(name).get_dtype()
    if kind not in KINDS:
        raise ValueError(f"{reprlib.repr(name)} is of the type {kind}, which no model has")
    return file.get_tensor(name)


def _parsed(text: str) -> Any:
    """The value that a text describes in JSON, or None if there is none."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_no_number,
            parse_int=_whole_number,
        )
    except (ValueError, RecursionError):
        return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Which of two entries of one name counts, others may see otherwise.
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an entry is there twice")
    return found


def _whole_number(text: str) -> int:
    # Python's may be of any length; a larger one would not become a float.
    if len(text) > 20:
        raise ValueError("a whole number is too large")
    return int(text)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
