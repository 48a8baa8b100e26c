"""Weights as PyTorch names them: a state_dict, sorted into dense and recurrent layers.

Nothing of PyTorch is needed. Its files hold tensors by the names of modules: ``fc1.weight`` of
shape (outputs, inputs) and ``fc1.bias`` of a ``Linear``, ``rnn.weight_ih_l0``,
``rnn.weight_hh_l0_reverse`` and so on of an ``RNN``, ``LSTM`` or ``GRU``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors

from chainrule.errors import FileError

__all__ = ["Dense", "Recurrent", "State", "read_state", "sort_state"]

Array = npt.NDArray[Any]

MOST_ORDERS = 10_000
"""Partial orders of layers that are tried, before the user is asked for the order."""

_RECURRENT = re.compile(
    r"(?:(?P<module>.+)\.)?(?P<kind>(?:weight|bias)_(?:ih|hh|hr))_l(?P<layer>\d{1,6})(?P<back>_reverse)?"
)


@dataclass(frozen=True)
class Dense:
    """A ``Linear`` module.

    Parameters
    ----------
    name : str
        Of the module.
    weights : array of shape (inputs, outputs)
    biases : array of shape (outputs,)
        Zeros if the module has none.
    """

    name: str
    weights: Array
    biases: Array


@dataclass(frozen=True)
class Recurrent:
    """An ``RNN``, ``LSTM`` or ``GRU`` module.

    Parameters
    ----------
    name : str
        Of the module.
    kind : {"rnn", "lstm", "gru"}
    n_features, hidden_size, num_layers : int
    bidirectional : bool
    arrays : mapping of (int, bool) to mapping of str to array
        By layer, counted from 0, and whether it is backward in time: ``weight_ih``,
        ``weight_hh``, ``bias_ih`` and ``bias_hh``, as PyTorch has them.
    """

    name: str
    kind: str
    n_features: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    arrays: Mapping[tuple[int, bool], Mapping[str, Array]] = field(repr=False)


@dataclass(frozen=True)
class State:
    """What a state_dict holds.

    Parameters
    ----------
    dense : sequence of Dense
        In the order in which they are applied.
    recurrent : Recurrent or None
        What comes before them, if anything.
    """

    dense: Sequence[Dense]
    recurrent: Recurrent | None = None


# --- reading ------------------------------------------------------------------------------


def read_state(source: Any) -> dict[str, Array]:
    """The arrays of a state_dict, in single or double precision.

    Parameters
    ----------
    source : str, Path or mapping of str to array or tensor
        A safetensors file, or a state_dict.

    Raises
    ------
    FileError
        If it cannot be read; the message names the tensor.
    """
    if isinstance(source, Mapping):
        arrays = {str(name): _as_array(str(name), each) for name, each in source.items()}
    elif isinstance(source, (str, PathLike)):
        arrays = _read_file(Path(source))
    else:
        raise FileError(
            f"from_torch takes the path of a safetensors file, or a state_dict, but got "
            f"{type(source).__name__}: give model.state_dict(), for one."
        )
    if not arrays:
        raise FileError("There is no tensor in the state_dict.")
    # Halves have the place of integers in the result's type: a network computes in 32 bits.
    dtype = np.result_type(np.float32, *(each.dtype for each in arrays.values()))
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise FileError(f"The tensor {name!r} holds NaN or infinity.")
    return {name: np.asarray(each, dtype) for name, each in arrays.items()}


def _as_array(name: str, value: Any) -> Array:
    """A tensor of PyTorch, wherever it is, or anything that NumPy takes, as an array."""
    for method in ("detach", "cpu"):
        value = getattr(value, method, lambda value=value: value)()
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        value = value.float()  # which NumPy has not, and single precision holds
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise FileError(f"The tensor {name!r} cannot be read: {error}") from None
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise FileError(_no_weights(name, str(array.dtype)))
    return array


def _read_file(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if start == b"PK":
                raise FileError(
                    f"{path} is a pickle of PyTorch, which runs code when it is read. Save the "
                    f"state_dict with safetensors.torch.save_file(model.state_dict(), path)."
                )
            tensors = safetensors.deserialize(start + file.read())  # type: ignore[no-untyped-call]
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except safetensors.SafetensorError as error:
        raise FileError(f"{path} is not a safetensors file, or is damaged: {error}.") from None
    return {name: _decoded(name, each) for name, each in tensors}


def _decoded(name: str, tensor: Mapping[str, Any]) -> Array:
    kind, shape = tensor["dtype"], tuple(tensor["shape"])
    if kind == "BF16":
        # The upper half of a number in single precision.
        halves = np.frombuffer(tensor["data"], "<u2").astype(np.uint32)
        array = (halves << 16).view(np.float32)
    elif kind in ("F16", "F32", "F64"):
        array = np.frombuffer(tensor["data"], f"<f{int(kind[1:]) // 8}")
    else:
        raise FileError(_no_weights(name, kind))
    try:
        return array.reshape(shape)
    except ValueError as error:  # of too many axes, or without end in one and nothing in another
        raise FileError(f"The tensor {name!r} cannot be read: {error}.") from None


def _no_weights(name: str, kind: str) -> str:
    hint = ""
    if name.endswith("num_batches_tracked"):
        hint = " It belongs to a batch normalisation, which is not read."
    return f"The tensor {name!r} is of {kind}, but weights are of 16, 32 or 64 bits.{hint}"


# --- sorting ------------------------------------------------------------------------------


def sort_state(arrays: Mapping[str, Array], layers: Sequence[str] | None, ordered: bool) -> State:
    """The layers whose weights these are.

    Parameters
    ----------
    arrays : mapping of str to array
    layers : sequence of str or None
        The names of the dense modules in their order.
    ordered : bool
        Whether the mapping has them in their order.

    Raises
    ------
    FileError
        Names a tensor that is missing, unexpected or of another shape than it should be, or asks
        for the order of the layers.
    """
    modules: dict[str, dict[tuple[int, bool], dict[str, Array]]] = {}
    rest: dict[str, Array] = {}
    for name, array in arrays.items():
        match = _RECURRENT.fullmatch(name)
        if match is None:
            rest[name] = array
            continue
        place = (int(match["layer"]), match["back"] is not None)
        modules.setdefault(match["module"] or "", {}).setdefault(place, {})[match["kind"]] = array
    if len(modules) > 1:
        names = " and ".join(repr(each) for each in list(modules)[:2])
        raise FileError(
            f"There are several recurrent modules, {names}, but a network has one, of several "
            f"layers at most (num_layers)."
        )
    recurrent = next((_recurrent(name, each) for name, each in modules.items()), None)
    dense = _dense(rest)
    start = None
    if recurrent is not None:
        start = recurrent.hidden_size * (2 if recurrent.bidirectional else 1)
        if not dense:
            raise FileError(
                f"A Linear layer on the recurrent one is missing: a tensor 'head.weight', for one, "
                f"of shape (outputs, {start})."
            )
        if len(dense) > 1:
            raise FileError(
                f"On a recurrent network there is one Linear layer, but there are "
                f"{len(dense)}: {_listed(dense)}."
            )
    return State(_in_order(dense, layers, ordered, start), recurrent)


def _dense(arrays: Mapping[str, Array]) -> dict[str, Dense]:
    """The Linear modules, by name."""
    found = {}
    for name, array in arrays.items():
        module, _, kind = name.rpartition(".")
        weights = arrays.get(f"{module}.weight" if module else "weight")
        if kind == "bias" and weights is None:
            missing = f"{module}.weight" if module else "weight"
            raise FileError(f"The tensor {missing!r} is missing, but {name!r} is there.")
        if kind not in ("weight", "bias") or weights is None or weights.ndim != 2:
            raise FileError(
                f"The tensor {name!r} of shape {array.shape} is unexpected: weights of Linear "
                f"layers, (outputs, inputs), and of RNN, LSTM and GRU are read, with their biases."
            )
        if kind == "weight":
            biases = arrays.get(f"{module}.bias" if module else "bias")
            biases = np.zeros(len(weights), weights.dtype) if biases is None else biases
            _require_shape(f"{module}.bias" if module else "bias", biases, (len(weights),))
            if 0 in weights.shape:
                raise FileError(f"The tensor {name!r} of shape {array.shape} is empty.")
            found[module] = Dense(module, weights.T, biases)
    return found


def _recurrent(name: str, arrays: Mapping[tuple[int, bool], Mapping[str, Array]]) -> Recurrent:
    """The module whose arrays these are, all of them there and of the right shapes."""
    prefix = f"{name}." if name else ""
    bidirectional = any(back for _, back in arrays)
    num_layers = 1 + max(layer for layer, _ in arrays)
    if num_layers > len(arrays):
        missing = next(k for k in range(num_layers) if (k, False) not in arrays)
        raise FileError(f"The tensor '{prefix}weight_ih_l{missing}' is missing.")
    directions = (False, True) if bidirectional else (False,)
    places = [(layer, back) for layer in range(num_layers) for back in directions]
    with_biases = any("bias" in kind for each in arrays.values() for kind in each)
    kinds = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if with_biases else ()))

    def full(kind: str, place: tuple[int, bool]) -> str:
        return f"{prefix}{kind}_l{place[0]}{'_reverse' if place[1] else ''}"

    for place in places:
        for kind in kinds:
            if kind not in arrays.get(place, {}):
                raise FileError(f"The tensor {full(kind, place)!r} is missing.")
        if "weight_hr" in arrays[place]:
            raise FileError(
                f"The tensor {full('weight_hr', place)!r} is unexpected: it projects the state of "
                f"an LSTM (proj_size), which is not read."
            )
    first, own = arrays[0, False]["weight_ih"], arrays[0, False]["weight_hh"]
    n_gates = len(own) // own.shape[1] if own.ndim == 2 and own.size else 0
    of_gates = {1: "rnn", 3: "gru", 4: "lstm"}
    if own.ndim != 2 or n_gates not in of_gates or len(own) != n_gates * own.shape[1]:
        raise FileError(
            f"The tensor {full('weight_hh', (0, False))!r} is of shape {own.shape}, but (units, "
            f"units) is expected for an RNN, (3·units, units) for a GRU and (4·units, units) for "
            f"an LSTM."
        )
    units, n_features = own.shape[1], first.shape[-1] if first.ndim == 2 else 0
    for place in places:
        below = n_features if place[0] == 0 else units * len(directions)
        wide = n_gates * units
        shapes = {"weight_ih": (wide, max(below, 1)), "weight_hh": (wide, units)}
        for kind in kinds:
            _require_shape(full(kind, place), arrays[place][kind], shapes.get(kind, (wide,)))
    return Recurrent(name, of_gates[n_gates], n_features, units, num_layers, bidirectional, arrays)


def _require_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise FileError(f"The tensor {name!r} is of shape {array.shape}, but {shape} is expected.")


# --- the order of dense layers ------------------------------------------------------------


def _in_order(
    dense: Mapping[str, Dense], layers: Sequence[str] | None, ordered: bool, start: int | None
) -> list[Dense]:
    """Dense layers in the order in which they are applied, the first of which reads ``start``."""
    if layers is not None:
        if sorted(layers) != sorted(dense):
            raise FileError(
                f"layers={list(layers)!r} has to name each of the Linear modules once: "
                f"{_listed(dense)}."
            )
        chain = [dense[name] for name in layers]
    elif ordered:
        chain = list(dense.values())
    else:
        return _by_shapes(dense, start)
    width, before = start, "the recurrent layer"
    for layer in chain:
        if width is not None and len(layer.weights) != width:
            raise FileError(
                f"The tensor '{layer.name}.weight' is of shape {layer.weights.T.shape}, but it "
                f"comes after {before}, which has {width} outputs. Give the order of the Linear "
                f"modules: layers=[...], of {_listed(dense)}."
            )
        width, before = len(layer.biases), repr(layer.name)
    return chain


def _by_shapes(dense: Mapping[str, Dense], start: int | None) -> list[Dense]:
    """The only order in which each layer reads what the one before puts out.

    A file does not keep the order of modules. Those whose names differ in numbers only are in the
    order of the numbers.
    """
    groups: dict[str, list[Dense]] = {}
    for name in sorted(dense, key=_natural):
        groups.setdefault(re.sub(r"\d+", "#", name), []).append(dense[name])
    rows = list(groups.values())
    found: list[list[Dense]] = []
    waiting: list[tuple[tuple[int, ...], list[Dense]]] = [((0,) * len(rows), [])]
    for _ in range(MOST_ORDERS):
        if not waiting or len(found) > 1:
            break
        done, chain = waiting.pop()
        if len(chain) == len(dense):
            found.append(chain)
            continue
        width = len(chain[-1].biases) if chain else start
        for k, row in enumerate(rows):
            if done[k] < len(row) and width in (None, len(row[done[k]].weights)):
                after = (*done[:k], done[k] + 1, *done[k + 1 :])
                waiting.append((after, [*chain, row[done[k]]]))
    if len(found) == 1 and not waiting:
        return found[0]
    shapes = ", ".join(
        f"'{each.name}.weight' {each.weights.T.shape}" for each in list(dense.values())[:8]
    )
    fault = "more than one order of" if found or waiting else "no order of"
    before = "" if start is None else f" the {start} outputs of the recurrent layer and"
    raise FileError(
        f"The shapes allow {fault} the Linear modules after{before} one another: {shapes}. Give "
        f"it as layers=[...], of {_listed(dense)}."
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts numbers in names by their size."""
    parts = re.findall(r"\d+|\D+", name)
    return [(len(each), each) if each.isdigit() else (0, each) for each in parts]


def _listed(dense: Mapping[str, Dense]) -> str:
    names = sorted(dense, key=_natural)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(repr, names[:12])) + more
