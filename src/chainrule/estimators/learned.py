"""What learned attributes may be, for those that a file may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import FileError

__all__ = ["check_learned", "require_numbers"]


def check_learned(estimator: Any) -> None:
    """Refuse attributes that no fit could have left, whatever the estimator is.

    What belongs to one kind of estimator is checked where it is restored.

    Raises
    ------
    FileError
        Names the attribute.
    """
    for name, (fits, wanted) in _KINDS.items():
        if name in vars(estimator) and not fits(vars(estimator)[name]):
            raise FileError(f"{name} is not {wanted}")
    if not hasattr(estimator, "n_features_in_"):
        raise FileError("n_features_in_ is absent")
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and names.shape != (estimator.n_features_in_,):
        raise FileError(
            f"feature_names_in_ are {len(names)} names for {estimator.n_features_in_} columns"
        )


def require_numbers(value: Any, shape: tuple[int, ...], name: str, dtype: Any = None) -> None:
    """Refuse a learned value that is not a finite array of numbers, in single or double precision.

    It must be of this shape, which has nothing without extent, and, where one is given, of this
    dtype.
    """
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        raise FileError(f"{name} is not an array of numbers")
    if dtype is not None and value.dtype != dtype:
        raise FileError(f"{name} is of {value.dtype}, but {dtype} is expected")
    if value.shape != shape:
        raise FileError(f"{name} is of shape {value.shape}, but {shape} is expected")
    if 0 in shape:
        raise FileError(f"{name} is empty")
    if not np.isfinite(value).all():
        raise FileError(f"{name} holds NaN or infinity")


def _is_number(value: Any) -> bool:
    # A whole number of Python's can be larger than any float.
    return isinstance(value, float) or (type(value) is int and abs(value) < 2**63)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_size(value: Any) -> bool:
    return _is_count(value) and value > 0


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_history(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and all(isinstance(name, str) for name in value)
        and all(map(_are_numbers, value.values()))
        and len({len(column) for column in value.values()}) < 2
    )


def _are_labels(value: Any) -> bool:
    """Whether it is as ``np.unique`` leaves it."""
    if not isinstance(value, np.ndarray) or value.ndim != 1 or len(value) < 2:
        return False
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return False
    return bool((value[:-1] < value[1:]).all())


def _are_names(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "OU"


def _are_quantiles(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.ndim != 1:
        return False
    inside = ((value > 0.0) & (value < 1.0)).all() and value.size > 0
    return bool(inside and (value[:-1] < value[1:]).all())


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "best_loss_": (_or_none(_is_number), "a number"),
    "best_validation_score_": (_or_none(_is_number), "a number"),
    "classes_": (_are_labels, "two or more labels in order"),
    "eta0_": (_is_number, "a number"),
    "feature_names_in_": (_are_names, "an array of names"),
    "history_": (_is_history, "a table of numbers"),
    "learning_rate_": (_or_none(_is_number), "a number"),
    "loss_": (_or_none(_is_number), "a number"),
    "loss_curve_": (_are_numbers, "a list of numbers"),
    "n_features_in_": (_is_size, "a number of columns"),
    "n_iter_": (_or_none(_is_count), "a number of epochs"),
    "offset_": (_is_number, "a number"),
    "quantiles_": (_are_quantiles, "an array of quantiles, rising"),
    "t_": (_is_number, "a number"),
    "validation_scores_": (_or_none(_are_numbers), "a list of numbers"),
}
