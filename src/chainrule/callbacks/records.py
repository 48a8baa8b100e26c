"""What loggers of training share: parameters at the start, and a row for each epoch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any

from chainrule.training.callbacks import Moment

__all__ = ["Logger", "name_of", "parameters_of"]


class Logger(ABC):
    """A callback that writes down parameters and epochs; a subclass says where.

    A training is one run. ``partial_fit`` goes on with the run of the call before.
    """

    _is_open = False
    _n_logged = 0  # rows of the history

    @abstractmethod
    def _begin(self, moment: Moment, again: bool) -> None:
        """Open the run; ``again`` where it is that of the call before."""

    @abstractmethod
    def _log(self, epoch: int, values: dict[str, float]) -> None:
        """Write down what was measured in an epoch."""

    @abstractmethod
    def _end(self, error: BaseException | None) -> None:
        """Close the run, which ``_begin`` has opened."""

    def __enter__(self) -> Logger:
        self._is_open = False
        return self

    def __call__(self, moment: Moment) -> None:
        """Log the epochs that are complete and have not been logged."""
        rows = len(moment.history.get("epoch", ()))
        if not self._is_open:
            before = rows - moment.epoch_ended
            self._begin(moment, again=0 < before == self._n_logged)
            self._is_open = True
            self._n_logged = before
        for row in range(self._n_logged, rows):
            values = {name: column[row] for name, column in moment.history.items()}
            epoch = int(values.pop("epoch"))
            # NaN stands for what was not measured in this epoch.
            self._log(epoch, {name: each for name, each in values.items() if not math.isnan(each)})
        self._n_logged = rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_open:
            self._is_open = False
            self._end(error)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters of an estimator that say how it learns."""
    if estimator is None:
        return {}
    return {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name != "callbacks"
    }


def name_of(estimator: Any) -> str:
    """What a run is called."""
    return "training" if estimator is None else type(estimator).__name__
