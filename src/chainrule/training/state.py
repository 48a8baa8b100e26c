"""All that training goes on from, as plain values and back: for saved models and checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.training.history import History
from chainrule.training.loop import Epochs, Progress

__all__ = ["TrainingState", "generator_from", "generator_values"]


@dataclass(frozen=True)
class TrainingState:
    """What training goes on from, with the same bits as if it had never been broken off.

    Attributes
    ----------
    arrays : dict of str to array, or None
        Of a run: the state of its step by name, parameters first. Between two calls: what the
        optimizer remembers, and None where no epoch has been trained.
    progress : Progress
    random_state : RandomState or None
        The generator that draws on; None where each call makes one of its own from a seed.
    order : array of int64, optional
        The order in which the latest epoch visited the rows, which the next one shuffles.
    """

    arrays: dict[str, Array] | None
    progress: Progress
    random_state: np.random.RandomState | None
    order: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(cls, epochs: Epochs) -> TrainingState:
        """That of a run between two epochs; its arrays are those that the run changes."""
        return cls(_arrays_of(epochs), epochs.progress, epochs.random_state, epochs.order)

    def put_into(self, epochs: Epochs) -> None:
        """Let a run that has not started go on from here."""
        for name, array in _arrays_of(epochs).items():
            array[...] = (self.arrays or {})[name]
        epochs.progress = self.progress
        epochs.order = self.order
        epochs.goes_on = True
        if self.random_state is not None:
            epochs.random_state.set_state(self.random_state.get_state())

    def as_values(self) -> dict[str, Any]:
        """Plain values and arrays, of which :meth:`from_values` makes it again."""
        generator = self.random_state
        return {
            "arrays": self.arrays,
            "progress": _progress_values(self.progress),
            "random_state": None if generator is None else generator_values(generator),
            "order": self.order,
        }

    @classmethod
    def from_values(cls, values: Any) -> TrainingState:
        """What :meth:`as_values` gave.

        Raises
        ------
        ValueError
            If it cannot have been that.
        """
        match values:
            case {
                "arrays": dict() | None as arrays,
                "progress": dict(progress),
                "random_state": dict() | None as generator,
                "order": np.ndarray() | None as order,
            } if all(isinstance(each, np.ndarray) for each in (arrays or {}).values()):
                return cls(
                    arrays,
                    _progress_from(progress),
                    None if generator is None else generator_from(generator),
                    order,
                )
        raise ValueError("the state of training is not complete")


def _arrays_of(epochs: Epochs) -> dict[str, Array]:
    names = [str(node.name) for node in epochs.loop.step.state]
    return dict(zip(names, epochs.loop.state, strict=True))


def generator_values(generator: np.random.RandomState) -> dict[str, Any]:
    """Where a generator stands.

    Raises
    ------
    FileError
        If it is not of the usual kind, MT19937.
    """
    state: Any = generator.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise FileError(
            f"random_state draws from {state['bit_generator']}, and a file can hold the state of "
            f"MT19937 only: give a number, or numpy.random.RandomState(seed)."
        )
    return {
        "key": state["state"]["key"],
        "position": int(state["state"]["pos"]),
        "has_normal": int(state["has_gauss"]),
        "normal": float(state["gauss"]),
    }


def generator_from(values: Mapping[str, Any]) -> np.random.RandomState:
    """A generator that draws on from where another stood."""
    match values:
        case {
            "key": np.ndarray() as key,
            "position": int(position),
            "has_normal": 0 | 1 as has_normal,
            "normal": float(normal),
        } if key.shape == (624,) and key.dtype == np.uint32 and 0 <= position <= 624:
            # NumPy reads memory at whatever position it is given.
            generator = np.random.RandomState(0)
            generator.set_state(("MT19937", key, position, has_normal, normal))
            return generator
    raise ValueError("the state of the random numbers is not one of MT19937")


# --- progress ----------------------------------------------------------------------------


def _progress_values(progress: Progress) -> dict[str, Any]:
    values = {each.name: getattr(progress, each.name) for each in dataclasses.fields(progress)}
    for name in ("losses", "scores"):
        values[name] = np.array(values[name])
    values["history"] = {name: np.array(column) for name, column in progress.history.items()}
    return values


def _progress_from(values: Mapping[str, Any]) -> Progress:
    """Each field, if its value is of the kind that the field is declared to be."""
    fields = dataclasses.fields(Progress)
    if unknown := set(values) ^ {each.name for each in fields}:
        raise ValueError(f"the progress of training has {', '.join(sorted(map(str, unknown)))}")
    found = {each.name: _value_of(str(each.type), values[each.name]) for each in fields}
    history = found["history"]
    if len({len(column) for column in history.values()}) > 1:
        raise ValueError("the columns of the history are not of one length")
    return Progress(**found)


def _value_of(kind: str, value: Any) -> Any:
    match kind, value:
        case ("bool", bool()) | ("float", float()) | ("list[Array] | None", None):
            return value
        case "int", int() if not isinstance(value, bool) and value >= 0:
            return value
        case "list[float]", np.ndarray() if _is_column(value):
            return value.tolist()
        case "History", dict() if all(map(_is_column, value.values())):
            return History({str(name): column.tolist() for name, column in value.items()})
        case "list[Array] | None", list() if all(isinstance(each, np.ndarray) for each in value):
            return value
    raise ValueError(f"the progress of training has {str(value)[:40]!r} as {kind}")


def _is_column(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "if"
