"""Fits that go on where their process was killed: which fit it is, and where it stands."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from scipy import sparse

from chainrule.engines.base import Array, TrainingStep
from chainrule.engines.threads import available_threads
from chainrule.estimators.rows import Rows
from chainrule.files.checkpoints import Checkpoint, FitFolder, digest
from chainrule.files.values import pack
from chainrule.graph.node import variable
from chainrule.graph.printer import canonical
from chainrule.graph.traversal import topological_order
from chainrule.training.loop import Epochs
from chainrule.training.state import TrainingState, generator_from, generator_values

__all__ = ["Resumption", "resumption_of"]

_NO_BITS = ("callbacks", "checkpoint", "max_iter", "n_threads", "random_state", "verbose")
"""Parameters that change no bit of a fit, or that are described in another way."""


class Resumption:
    """A fit by minibatches, found again in the folder that its ``checkpoint`` names.

    Made before training draws its first random number: those that it has drawn since are drawn
    again, and come out the same.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its network has its first parameters.
    step : TrainingStep
    rows : Rows
        To train on, those included that training may hold out.
    held_out : Rows or None
        Those of ``validation_data``.

    Raises
    ------
    FileError
        If checkpoints cannot be written.
    """

    def __init__(
        self, estimator: Any, step: TrainingStep, rows: Rows, held_out: Rows | None
    ) -> None:
        self._step = step
        self._dtype = rows.dtype
        given = estimator.checkpoint
        self._folder = FitFolder(
            given if isinstance(given, Checkpoint) else Checkpoint(given),
            type(estimator).__name__,
            _description(estimator, step, rows, held_out),
        )
        found = self._folder.latest(int(estimator.max_iter), self._read)
        self._found: TrainingState | None = None
        if found is not None:
            (first, self._found), path = found
            estimator._random_state.set_state(first.get_state())
            if estimator.verbose:
                print(f"Going on from epoch {self._found.progress.epochs}: {path}")
        self._first_draws = generator_values(estimator._random_state)

    def take_over(self, epochs: Epochs) -> None:
        """Let a run go on from the latest checkpoint, if there is one, and write further ones."""
        if self._found is not None:
            self._found.put_into(epochs)

        def write() -> None:
            epoch = epochs.progress.epochs
            if epochs.is_over or self._folder.is_due(epoch):
                state = TrainingState.of(epochs).as_values()
                self._folder.write(epoch, {"first_draws": self._first_draws, **state})

        epochs.after_epoch = write

    def _read(self, values: Any) -> tuple[np.random.RandomState, TrainingState]:
        """Where the random numbers of the fit began, and what it goes on from."""
        state = TrainingState.from_values(values)
        expected = {str(node.name): (node.shape, self._dtype) for node in self._step.state}
        found = {name: (each.shape, each.dtype) for name, each in (state.arrays or {}).items()}
        if found != expected or state.random_state is None:
            raise ValueError("it is not of this network")
        return generator_from(values["first_draws"]), state


def resumption_of(
    estimator: Any, step: TrainingStep, rows: Rows, held_out: Rows | None
) -> Resumption | None:
    """The resumption of a fit; None for an estimator without a ``checkpoint``."""
    if estimator.checkpoint is None:
        return None
    return Resumption(estimator, step, rows, held_out)


def _description(
    estimator: Any, step: TrainingStep, rows: Rows, held_out: Rows | None
) -> dict[str, Any]:
    """All that the bits of a fit depend on, but for the machine."""
    parameters = estimator.get_params(deep=False)
    told = {name: _told(value) for name, value in parameters.items() if name not in _NO_BITS}
    program = step.program
    if variable("epochs") in topological_order(program.outputs):
        told["max_iter"] = int(estimator.max_iter)  # a schedule looks ahead to the last epoch
    names = [str(node.name) for node in step.state]
    return {
        "estimator": type(estimator).__qualname__,
        # The package itself is above all layers, so it is not imported.
        "chainrule": sys.modules[__name__.partition(".")[0]].__version__,
        "threads": int(available_threads(estimator.n_threads)),
        "parameters": told,
        "random_state": _told_generator(estimator),
        "step": digest([canonical(program.inputs, program.outputs), names], {}),
        "rows": len(rows),
        "data": _digest_of(estimator._data_of_fit(rows)),
        "validation_data": None if held_out is None else _digest_of(held_out.arrays),
        "starts_from": _digest_of_model(estimator) if estimator._goes_on else None,
    }


def _told(value: Any) -> Any:
    """A parameter in JSON, for people and for comparison."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if np.isfinite(value) else repr(value)
        case np.generic():
            return _told(value.item())
        case list() | tuple():
            return [_told(each) for each in value]
        case Mapping():
            return {repr(_told(key)): _told(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {type(value).__name__: _told(fields)}
    if hasattr(value, "__array__"):
        return {"array": _digest_of([np.asarray(value)])}
    if isinstance(value, FunctionType):
        return _told_function(value)
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(value))


def _told_function(function: FunctionType) -> dict[str, Any]:
    """A user's function: its name, its code, and what it holds from where it was made."""
    held = [_told_held(cell.cell_contents) for cell in function.__closure__ or ()]
    return {
        "function": function.__qualname__,
        "code": hashlib.sha256(repr(_instructions(function.__code__)).encode()).hexdigest()[:16],
        "with": [held, _told([function.__defaults__, function.__kwdefaults__])],
    }


def _told_held(value: Any) -> Any:
    """What a function holds: its value, or the kind of one that may change, as a list may."""
    if isinstance(value, FunctionType):
        return value.__qualname__  # which may hold the first one in turn
    constant = value is None or isinstance(value, (bool, int, float, str, np.generic))
    return _told(value) if constant else type(value).__qualname__


def _instructions(code: CodeType) -> list[Any]:
    """All that a piece of code does, without the place of its lines in a file."""
    inner = [_instructions(each) for each in code.co_consts if isinstance(each, CodeType)]
    constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return [code.co_code, code.co_names, constants, inner]


def _told_generator(estimator: Any) -> Any:
    """Where random numbers come from."""
    if isinstance(estimator.random_state, np.random.RandomState):
        values = generator_values(estimator._random_state)
        return {"array": _digest_of([values.pop("key"), np.array(list(values.values()))])}
    return _told(estimator.random_state)


def _digest_of(arrays: Iterable[Any]) -> str:
    """Of arrays and CSR matrices."""
    parts: list[Array] = []
    for each in arrays:
        if sparse.issparse(each):
            parts += [each.data, each.indices, each.indptr, np.array(each.shape)]
        else:
            parts.append(each)
    return digest(None, {str(number): each for number, each in enumerate(parts)})


def _digest_of_model(estimator: Any) -> str:
    """Of what ``warm_start`` goes on from."""
    arrays = {str(k): each for k, each in enumerate(estimator._parameters)}
    values = TrainingState(arrays, estimator._progress, None).as_values()
    values["progress"]["history"].pop("seconds", None)  # they differ from run to run
    tensors: dict[str, Array] = {}
    return digest(pack(values, "start", tensors), tensors)
