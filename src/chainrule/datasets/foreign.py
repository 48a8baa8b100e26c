"""Arrays and frames of other libraries, in a form that NumPy and scikit-learn read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError

__all__ = ["as_given"]

# The kinds of memory that the processor reads, by their numbers in DLPack.
_CPU, _PINNED_FOR_CUDA, _PINNED_FOR_ROCM = 1, 3, 11


def as_given(value: Any, name: str) -> Any:
    """Something in a form that scikit-learn reads; nothing is copied.

    Parameters
    ----------
    value : object
    name : str
        What it is called in messages.

    Raises
    ------
    DataError
        If it is an array on a GPU, or of numbers that NumPy does not have.

    Examples
    --------
    >>> as_given([[1, 2]], "X")  # scikit-learn reads lists itself
    [[1, 2]]
    """
    if isinstance(value, np.ndarray):
        return value
    kind = type(value)
    library = kind.__module__.split(".")[0]
    if library == "pyarrow" and kind.__name__ == "RecordBatch":
        import pyarrow as pa

        return pa.Table.from_batches([value])
    if library == "polars" and kind.__name__ == "LazyFrame":
        raise DataError(f"{name} is a LazyFrame, which holds no rows yet: give {name}.collect().")
    # Arrow's arrays offer DLPack, but only where nothing is missing; NumPy reads them anyway.
    if library != "pyarrow" and hasattr(kind, "__dlpack__"):
        return _from_dlpack(value, name)
    return value


def _from_dlpack(value: Any, name: str) -> npt.NDArray[Any]:
    """An array of another library, in the memory where it is."""
    kind = f"{type(value).__module__.split('.')[0]}'s {type(value).__name__}"
    device, number = value.__dlpack_device__()
    if device not in (_CPU, _PINNED_FOR_CUDA, _PINNED_FOR_ROCM):
        raise DataError(
            f"{name} is {kind} in the memory of device {number}, not the processor's, where "
            f"chainrule computes: move it to the CPU first, with {name}.cpu() in PyTorch, "
            f"cupy.asnumpy({name}) or jax.device_get({name})."
        )
    if getattr(value, "requires_grad", False):
        value = value.detach()
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError):
        pass  # numbers that DLPack cannot pass on to NumPy
    try:
        return np.asarray(value)
    except (RuntimeError, TypeError, ValueError):
        raise DataError(
            f"{name} is {kind} of {value.dtype}, which NumPy cannot read: convert it to float32 "
            f"or float64."
        ) from None
