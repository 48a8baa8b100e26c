"""Programs of an estimator, built and compiled when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from chainrule.engines.base import Engine, FloatType, Function, Program
from chainrule.engines.registry import get_engine
from chainrule.estimators.fit_task import TakesCallbacks

__all__ = ["CompilingEstimator", "float_type"]


class CompilingEstimator(TakesCallbacks):
    """Keeps what it has built and compiled; pickles and clones do not.

    It has the parameters ``engine`` and ``callbacks``.
    """

    _built: dict[Hashable, Any]

    def _store(self, parameters: Mapping[str, Any]) -> None:
        """Keep what ``__init__`` was called with, and nothing more."""
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    def _engine(self) -> Engine:
        return get_engine(self.engine)

    def _once(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """What ``build`` gives, built once for a key that names all it depends on."""
        built = self.__dict__.setdefault("_built", {})
        if key not in built:
            built[key] = build()
        return built[key]

    def _compiled(
        self, key: Hashable, dtype: np.dtype[Any], program: Callable[[], Program]
    ) -> Function:
        """A program compiled for one thread: several may call it, each with rows of its own."""
        precision = float_type(dtype)
        return self._once(
            (key, precision, self.engine), lambda: self._engine().compile(program(), precision)
        )

    def __getstate__(self) -> dict[str, Any]:
        # Nodes and machine code stay behind; they are made anew when they are needed.
        state = dict(super().__getstate__())
        state.pop("_built", None)
        state.pop("_fit_task", None)
        return state


def float_type(dtype: np.dtype[Any]) -> FloatType:
    """The precision in which numbers of a dtype are computed."""
    return "float32" if dtype == np.float32 else "float64"
