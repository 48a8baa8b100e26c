"""The model file: safetensors, with a description in JSON among its metadata."""

from __future__ import annotations

import json
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


def read_model_file(path: str | Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a model file. Nothing in it is run, whoever wrote it.

    Returns
    -------
    description : dict
    tensors : dict of str to array

    Raises
    ------
    FileError
        If it cannot be read, is damaged, is no model of chainrule's, or is of a later version.
    """
    if not isinstance(path, (str, PathLike)):
        raise FileError(
            f"The path of a model file is wanted, as str or Path, but got {type(path).__name__}: "
            f"give the path that was given to model.save(path)."
        )
    if Path(path).is_dir():
        raise FileError(f"{path} is a folder: give the path of a model file in it.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or str(error) or "no such file"
        raise FileError(
            f"{path} cannot be read: {reason}. Check the path; a model is written by "
            f"model.save(path), or by chainrule fit with --out."
        ) from None
    except (SafetensorError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise FileError(
            f"{path} is not a model file, or is damaged: {str(error).splitlines()[0]}. Save the "
            f"model again."
        ) from None
    if KEY not in metadata:
        raise FileError(
            f"{path} is a safetensors file, but not one that chainrule wrote: it lacks the "
            f"description of a model."
        )
    try:
        description = json.loads(metadata[KEY])
    except (ValueError, RecursionError):
        description = None
    version = description.get("version") if isinstance(description, dict) else None
    if not isinstance(version, int):
        raise FileError(f"{path} is damaged: its description cannot be read. Save the model again.")
    if version > VERSION:
        raise FileError(
            f"{path} is of version {version}, but this chainrule reads versions up to {VERSION}. "
            f"Install a newer chainrule, or save the model with this one."
        )
    return description, tensors
