"""Rows as networks are given them: checked, in the precision of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing

from chainrule.engines.base import Array, TrainingLoop
from chainrule.training.sparse_rows import Bind, bind_rows

__all__ = ["Rows"]


@dataclass(frozen=True)
class Rows:
    """Rows to train on, or to measure.

    Attributes
    ----------
    inputs : tuple of array or CSR matrix
        What the network reads.
    targets : tuple of array
        What its loss compares with; none where that is the input itself.
    weight : array, optional
        A weight for each row.
    scored : tuple, default=()
        What scorers are given: the rows as the estimator takes them, and their targets if there
        are any. Only where there are scorers.
    """

    inputs: tuple[Array, ...]
    targets: tuple[Array, ...] = ()
    weight: Array | None = None
    scored: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return int(self.inputs[0].shape[0])

    @property
    def in_memory(self) -> bool:
        """Whether all rows are here, so that any of them can be visited in any order."""
        return True

    def bind(self, bind: Bind, arrays: Sequence[Array], batch_size: int) -> TrainingLoop:
        """A training step bound to all rows, given what binds it to dense arrays.

        ``arrays`` are those of the rows, in the order of the step's minibatch.
        """
        return bind_rows(bind, arrays, batch_size)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All of them, in the order of an objective's minibatch."""
        weight = () if self.weight is None else (self.weight,)
        return (*self.inputs, *self.targets, *weight)

    @property
    def dtype(self) -> np.dtype:
        """The precision."""
        return self.inputs[0].dtype

    @property
    def total_weight(self) -> float:
        """Σ weight; the number of rows where they have none."""
        return self.weight_of(None)

    def weight_of(self, index: npt.NDArray[np.int64] | None) -> float:
        """Σ weight of some of the rows; of all for None."""
        if self.weight is None:
            return float(len(self) if index is None else len(index))
        some = self.weight if index is None else self.weight[index]
        return float(np.sum(some, dtype=np.float64))

    def part(self, index: npt.NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        return Rows(
            tuple(each[index] for each in self.inputs),
            tuple(each[index] for each in self.targets),
            None if self.weight is None else self.weight[index],
            tuple(_safe_indexing(each, index) for each in self.scored),
        )
