"""Estimators as plain data: their parameters and what they have learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import FileError
from chainrule.files.model_file import write_model_file
from chainrule.files.values import pack, unpack

__all__ = ["Savable", "describe_estimator", "require_numbers", "restore_estimator"]

NOT_KEPT = ("callbacks", "random_state")
"""Parameters that say how to fit, and may be objects of any kind."""


class Savable:
    """An estimator that can be saved.

    A subclass lists the attributes that it learns; those that a fit did not set are left out.
    """

    _learned: ClassVar[tuple[str, ...]]

    def save(self, path: str | Path) -> None:
        """Save the fitted model, to be read again by :func:`chainrule.load`.

        Parameters
        ----------
        path : str or Path
            By custom it ends in ``.safetensors``. A file there is replaced once the new one is
            complete.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        FileError
            If the file cannot be written, or a parameter is a function: a file holds no code.

        Notes
        -----
        The file holds the weights as tensors that any safetensors library can read, and the
        rest as JSON. ``callbacks``, and a ``random_state`` that is not a number, are not saved.
        """
        tensors: dict[str, npt.NDArray[Any]] = {}
        description = describe_estimator(self, tensors)
        write_model_file(path, {"model": description}, tensors)

    def _restore(self) -> None:
        """Rebuild what follows from the learned attributes.

        Raises
        ------
        FileError
            If they do not fit together.
        """


def describe_estimator(estimator: Savable, tensors: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Describe a fitted estimator in JSON; its arrays are added to ``tensors``."""
    check_is_fitted(estimator)
    parameters: dict[str, Any] = estimator.get_params()  # type: ignore[attr-defined]
    for name in NOT_KEPT:
        if not isinstance(parameters.get(name), int):
            parameters.pop(name, None)
    learned = {
        name: getattr(estimator, name) for name in estimator._learned if hasattr(estimator, name)
    }
    return {
        "estimator": type(estimator).__name__,
        "parameters": {name: pack(value, name, tensors) for name, value in parameters.items()},
        "learned": {name: pack(value, name, tensors) for name, value in learned.items()},
    }


def restore_estimator(
    kinds: Mapping[str, type[Savable]], description: Any, tensors: Mapping[str, npt.NDArray[Any]]
) -> Savable:
    """The estimator that :func:`describe_estimator` described.

    Parameters
    ----------
    kinds : mapping of str to class
        The estimators there may be; no other name is looked up.
    description : object
    tensors : mapping of str to array

    Raises
    ------
    FileError
        If the description is not sound.
    """
    match description:
        case {"estimator": str(kind), "parameters": dict(parameters), "learned": dict(learned)}:
            pass
        case _:
            raise FileError("the description of the estimator is not complete")
    if kind not in kinds:
        raise FileError(f"it holds a {kind[:40]!r}, which this version does not know")
    try:
        estimator = kinds[kind](
            **{name: unpack(each, tensors) for name, each in parameters.items()}
        )
        estimator._validate_params()  # type: ignore[attr-defined]
    except (TypeError, InvalidParameterError) as error:
        raise FileError(f"its parameters are not those of a {kind}: {error}") from None
    try:
        for name, value in learned.items():
            if name not in estimator._learned:
                raise FileError(f"a {kind} does not learn {name[:40]!r}")
            setattr(estimator, name, unpack(value, tensors))
        estimator._restore()
    except FileError:
        raise
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise FileError(f"what the {kind} has learned does not fit together: {error}") from None
    return estimator


def require_numbers(value: Any, shape: tuple[int, ...], name: str, dtype: Any = None) -> None:
    """Refuse a learned value that is not a finite array of numbers, in single or double precision.

    It must be of this shape and, where one is given, of this dtype.
    """
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        raise FileError(f"{name} is not an array of numbers")
    if dtype is not None and value.dtype != dtype:
        raise FileError(f"{name} is of {value.dtype}, but {dtype} is expected")
    if value.shape != shape:
        raise FileError(f"{name} is of shape {value.shape}, but {shape} is expected")
    if not np.isfinite(value).all():
        raise FileError(f"{name} holds NaN or infinity")
