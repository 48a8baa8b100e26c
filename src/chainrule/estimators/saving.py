"""Estimators as plain data: their parameters and what they have learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.learned import check_learned
from chainrule.files.model_file import write_model_file
from chainrule.files.values import pack, unpack
from chainrule.training.history import History
from chainrule.training.loop import Progress
from chainrule.training.state import TrainingState

__all__ = ["Savable", "TrainingSavable", "describe_estimator", "restore_estimator"]

NOT_KEPT = ("callbacks", "checkpoint", "random_state")
"""Parameters that say how to fit, and may be objects of any kind."""


class Savable:
    """An estimator that can be saved.

    A subclass lists the attributes that it learns; those that a fit did not set are left out.
    """

    _learned: ClassVar[tuple[str, ...]]
    _holds_functions: ClassVar[tuple[str, ...]] = ()
    """Which of them may be, or hold, functions of the user's."""

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
        function again to :func:`chainrule.load`. ``callbacks`` and ``checkpoint`` are not
        saved, nor is a ``random_state`` that is not a number.
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

    def _restore_training(self, state: TrainingState) -> None:
        """Let training go on from where it was saved.

        Raises
        ------
        FileError
            If it cannot.
        """
        raise FileError(f"a {type(self).__name__} has no state of training")


class TrainingSavable(Savable):
    """An estimator that can be saved together with the state of its training.

    It is a ``NetworkEstimator``.
    """

    random_state: Any
    history_: History
    _memory: dict[str, Array] | None
    _progress: Progress

    def save(self, path: str | Path, training_state: bool = False) -> None:
        """Save the fitted model, to be read again by :func:`chainrule.load`.

        Parameters
        ----------
        path : str or Path
            By custom it ends in ``.safetensors``. A file there is replaced once the new one is
            complete.
        training_state : bool, default=False
            Also save what training goes on from, so that ``partial_fit``, and ``fit`` with
            ``warm_start``, bring the model that is loaded to the same bits as this one: what the
            optimizer remembers, how far training has come, the weights with the best validation
            score, and where a ``random_state`` that is a generator stands. With Adam, the file
            is three times as large.

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
        function again to :func:`chainrule.load`. ``callbacks`` and ``checkpoint`` are not saved,
        and of a ``random_state`` that is not a number only what ``training_state`` adds.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((10,), random_state=0)
        >>> model = model.partial_fit(X, y, classes=[0, 1, 2])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "iris.safetensors"
        ...     model.save(path, training_state=True)
        ...     again = cr.load(path)
        >>> again, model = again.partial_fit(X, y), model.partial_fit(X, y)
        >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
        True
        """
        tensors: dict[str, npt.NDArray[Any]] = {}
        description = describe_estimator(self, tensors)
        if training_state:
            generator = self.random_state
            drawing = isinstance(generator, np.random.RandomState)
            state = TrainingState(self._memory, self._progress, generator if drawing else None)
            description["training"] = pack(state.as_values(), "training", tensors)
        write_model_file(path, {"model": description}, tensors)

    def _restore_training(self, state: TrainingState) -> None:
        best = state.progress.best_parameters
        parameters: list[Array] = self._parameters  # type: ignore[attr-defined]
        shapes = [each.shape for each in parameters]
        if best is not None and [each.shape for each in best] != shapes:
            raise FileError("the best weights are not of the shapes of the others")
        self._memory, self._progress = state.arrays, state.progress
        self.history_ = state.progress.history
        if state.random_state is not None:
            self.random_state = state.random_state


def describe_estimator(estimator: Savable, tensors: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Describe a fitted estimator in JSON; its arrays are added to ``tensors``."""
    check_is_fitted(estimator)
    parameters: dict[str, Any] = estimator.get_params()  # type: ignore[attr-defined]
    for name in NOT_KEPT:
        if not isinstance(parameters.get(name), Integral):
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
            name: pack(
                value, name, tensors, functions if name in estimator._holds_functions else None
            )
            for name, value in learned.items()
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
            known = functions if name in estimator._holds_functions else None
            setattr(estimator, name, unpack(value, tensors, known))
        check_learned(estimator)
        estimator._restore()
        if "training" in description:
            values = unpack(description["training"], tensors)
            estimator._restore_training(TrainingState.from_values(values))
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
