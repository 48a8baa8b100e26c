"""What all estimators of networks share: engines, programs, prediction in blocks."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.engines.base import Array, Engine, Function, Program
from chainrule.engines.registry import get_engine
from chainrule.engines.threads import available_threads

__all__ = ["NetworkEstimator", "block_rows", "in_blocks"]

BLOCK_BYTES = 4 << 20
"""About how much the values of a block of rows may take, so that they stay in the cache."""


class NetworkEstimator(BaseEstimator, ABC):
    """Keeps the compiled programs of an estimator, which are not pickled with it."""

    engine: str
    n_threads: int | None

    def _engine(self) -> Engine:
        return get_engine(self.engine)

    def _once(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """What ``build`` gives, built once for a key that names all it depends on."""
        built: dict[Hashable, Any] = self.__dict__.setdefault("_built", {})
        if key not in built:
            built[key] = build()
        return built[key]

    def _compiled(self, key: Hashable, dtype: Any, program: Callable[[], Program]) -> Function:
        """A program compiled for the engine and threads that the parameters name."""
        name = np.dtype(dtype).name
        threads = available_threads(self.n_threads)
        return self._once(
            (key, name, self.engine, threads),
            lambda: self._engine().compile(program(), name, threads),  # type: ignore[arg-type]
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_built", None)
        return state


def block_rows(sizes: Sequence[int], itemsize: int) -> int:
    """How many rows to evaluate at a time, if each has layers of these sizes."""
    return max(64, BLOCK_BYTES // (sum(sizes) * itemsize))


def in_blocks(function: Function, rows: Array, rest: Sequence[Any], block: int) -> Array:
    """The first output of ``function(rows, *rest)``, a block of rows at a time."""
    if len(rows) <= block:
        return function(rows, *rest)[0]
    result: Array | None = None
    for start in range(0, len(rows), block):
        part = function(rows[start : start + block], *rest)[0]
        if result is None:
            result = np.empty((len(rows), *part.shape[1:]), part.dtype)
        result[start : start + block] = part
    assert result is not None
    return result
