"""Sequences as users give them: arrays, or lists of arrays of several lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array

__all__ = ["Sequences", "is_one_series", "read_sequences", "unpadded"]


@dataclass(frozen=True)
class Sequences:
    """Checked sequences, side by side.

    Attributes
    ----------
    values : array of shape (n_samples, longest, n_features)
        Each sequence from its first step on, and zeros after its end.
    lengths : array of int64, of shape (n_samples,)
    listed : bool
        Whether they were given one by one, rather than as one array.
    """

    values: Array
    lengths: npt.NDArray[np.int64]
    listed: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def mask(self) -> Array:
        """1 at the steps of each sequence, 0 after its end: (n_samples, longest)."""
        steps = np.arange(self.values.shape[1])
        return (steps < self.lengths[:, np.newaxis]).astype(self.values.dtype)


def read_sequences(X: Any, dtype: Any = None, name: str = "X") -> Sequences:
    """Check sequences.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features), or a list
        The list holds arrays of shape (n_timesteps_i, n_features), or (n_timesteps_i,) for
        univariate sequences. An array of shape (n_samples, n_timesteps) holds univariate ones.
    dtype : dtype, optional
        Single precision is kept by default, and all else becomes double.
    name : str, default="X"
        What it is called in messages.

    Raises
    ------
    ValueError
        If a sequence has no steps, other features than the first one, NaN or infinity.
    """
    listed = _as_list(X)
    if listed is None:
        values = _as_numbers(X, dtype, name)
        if values.ndim == 2:
            values = values[:, :, np.newaxis]
        if values.ndim != 3:
            raise ValueError(
                f"{name} must hold sequences, (n_samples, n_timesteps, n_features), but its shape "
                f"is {values.shape}. A single sequence of shape (n_timesteps, n_features) is "
                f"{name}[np.newaxis]; a single univariate series is {name}.reshape(1, -1, 1)."
            )
        _require_steps(values.shape[1], name, values.shape)
        _require_finite(values, name)
        lengths = np.full(len(values), values.shape[1], dtype=np.int64)
        return Sequences(np.ascontiguousarray(values), lengths)
    return _side_by_side(listed, dtype, name)


def unpadded(values: Array, lengths: npt.NDArray[np.int64]) -> list[Array]:
    """The steps of each sequence alone."""
    return [each[:length] for each, length in zip(values, lengths, strict=True)]


def is_one_series(X: Any) -> bool:
    """Whether X is a row of numbers."""
    if hasattr(X, "ndim"):
        return X.ndim == 1 and X.dtype != object
    return isinstance(X, (list, tuple)) and len(X) > 0 and all(np.ndim(each) == 0 for each in X)


def _as_list(X: Any) -> list[Any] | None:
    """The sequences one by one where they are given so; None for one array."""
    if isinstance(X, np.ndarray):
        return list(X) if X.dtype == object and X.ndim == 1 else None
    if isinstance(X, (list, tuple)) and not X:
        raise ValueError("There are no sequences: give at least one.")
    if not isinstance(X, (list, tuple)) or np.isscalar(X[0]):
        return None
    first = X[0]
    # Lists of numbers, and of lists of them, are an array unless their lengths differ.
    if isinstance(first, (list, tuple)):
        try:
            np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            return list(X)
        return None
    return list(X)


def _as_numbers(value: Any, dtype: Any, name: str) -> Array:
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise ValueError(f"Complex data not supported: {name} holds complex numbers.")
        if dtype is None:
            dtype = np.float32 if array.dtype == np.float32 else np.float64
        return array.astype(dtype, copy=False)
    except (TypeError, ValueError) as error:
        if "Complex" in str(error):
            raise
        raise ValueError(f"{name} must hold numbers: {error}.") from None


def _side_by_side(listed: Sequence[Any], dtype: Any, name: str) -> Sequences:
    arrays = [_as_numbers(each, dtype, f"{name}[{k}]") for k, each in enumerate(listed)]
    if dtype is None:
        dtype = np.result_type(*{each.dtype for each in arrays})
    for k, each in enumerate(arrays):
        if each.ndim not in (1, 2):
            raise ValueError(
                f"{name}[{k}] must be one sequence, (n_timesteps, n_features), but its shape is "
                f"{each.shape}."
            )
        _require_steps(len(each), f"{name}[{k}]", each.shape)
    arrays = [each[:, np.newaxis] if each.ndim == 1 else each for each in arrays]
    width = arrays[0].shape[1]
    for k, each in enumerate(arrays):
        if each.shape[1] != width:
            raise ValueError(
                f"All sequences need the same features, but {name}[{k}] has {each.shape[1]} and "
                f"{name}[0] has {width}."
            )
        _require_finite(each, f"{name}[{k}]")
    lengths = np.array([len(each) for each in arrays], dtype=np.int64)
    values = np.zeros((len(arrays), int(lengths.max()), width), dtype)
    for row, each in zip(values, arrays, strict=True):
        row[: len(each)] = each
    return Sequences(values, lengths, listed=True)


def _require_steps(steps: int, name: str, shape: tuple[int, ...]) -> None:
    if steps == 0:
        raise ValueError(
            f"{name} has no time steps: its shape is {shape}. Leave sequences of length 0 out."
        )


def _require_finite(values: Array, name: str) -> None:
    if np.isfinite(values).all():
        return
    place = tuple(int(k) for k in np.argwhere(~np.isfinite(values))[0])
    what = "NaN" if np.isnan(values[place]) else "infinity"
    *sample, step, feature = place
    where = f"sequence {sample[0]}, " if sample else ""
    raise ValueError(
        f"{name} contains {what} at {where}step {step}, feature {feature}. Fill such values in, "
        f"or leave these sequences out."
    )
