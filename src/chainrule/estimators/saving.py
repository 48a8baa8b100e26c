"""Estimators as plain data: their parameters and what they have learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import FileError
from chainrule.estimators.learned import check_learned
from chainrule.files.model_file import write_model_file
from chainrule.files.values import pack, unpack

__all__ = ["Savable", "describe_estimator", "restore_estimator"]

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
            If the file cannot be written, or a parameter is a function without a name.

        Notes
        -----
        The file holds the weights as tensors that any safetensors library can read, and the
        rest as JSON. Of a function, a loss of your own for one, it keeps the name only: give the
        function again to :func:`chainrule.load`. ``callbacks`` are not saved, nor is a
        ``random_state`` that is not a number.
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
    functions: dict[str, Callable[..., Any]] = {}
    return {
        "estimator": type(estimator).__name__,
        "parameters": {
            name: pack(value, name, tensors, functions) for name, value in parameters.items()
        },
        "learned": {
            name: pack(value, name, tensors, functions) for name, value in learned.items()
        },
    }


def restore_estimator(
    kinds: Mapping[str, type[Savable]],
    description: Any,
    tensors: Mapping[str, npt.NDArray[Any]],
    functions: Mapping[str, Callable[..., Any]],
) -> Savable:
    """The estimator that :func:`describe_estimator` described.

    Parameters
    ----------
    kinds : mapping of str to class
        The estimators there may be; no other name is looked up.
    description : object
    tensors : mapping of str to array
    functions : mapping of str to callable
        Those that parameters may be, by name.

    Raises
    ------
    FileError
        If the description is not sound, or a function is not there.
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
            **{name: unpack(each, tensors, functions) for name, each in parameters.items()}
        )
        estimator._validate_params()  # type: ignore[attr-defined]
    except FileError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise FileError(f"its parameters are not those of a {kind}: {_short(error)}") from None
    try:
        for name, value in learned.items():
            if name not in estimator._learned:
                raise FileError(f"a {kind} does not learn {name[:40]!r}")
            setattr(estimator, name, unpack(value, tensors, functions))
        check_learned(estimator)
        estimator._restore()
    except FileError:
        raise
    except (AttributeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise FileError(
            f"what the {kind} has learned does not fit together: {_short(error)}"
        ) from None
    return estimator


def _short(error: Exception) -> str:
    """The first line of a message, which may repeat whatever is in a file."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
