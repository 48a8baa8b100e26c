"""Targets of sequences: one for each, or one for each step of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.hints import ArrayLike, SequencesLike
from chainrule.estimators.rows import Rows
from chainrule.estimators.sequences import Sequences

__all__ = ["StepTargets"]


class StepTargets(BaseEstimator):
    """Before the targets of a task: lets each step have one, and leaves padding out of scores.

    The inputs of its rows are sequences, (samples, time, features), and their mask.
    """

    _each_step: bool
    """Whether there is an output for each step."""

    def _flat(self, y: Any, sequences: Sequences) -> Array:
        """The targets of all sequences, or of all their steps, one after another."""
        if not self._each_step:
            return self._one_each(y, sequences)
        parts = [np.asarray(each) for each in y]
        for k, (part, length) in enumerate(zip(parts, sequences.lengths, strict=True)):
            if part.ndim == 0 or len(part) != length:
                raise ValueError(
                    f"output='each' needs a target for each step, but y[{k}] is of shape "
                    f"{part.shape} and sequence {k} has {length} steps."
                )
        return np.concatenate(parts)

    def _one_each(self, y: Any, sequences: Sequences) -> Array:
        """One target for each sequence; ValueError if there is one for each step."""
        steps = sequences.values.shape[1]
        try:
            targets = np.asarray(y)
            # Several labels, or numbers, of a sequence may be as many as its steps.
            labels = is_classifier(self) and not np.isin(targets, (0, 1)).all()
            of_steps = targets.ndim > 1 and targets.shape[1] == steps > 1 and labels
        except ValueError:  # lists of several lengths
            of_steps = True
        if of_steps:
            raise ValueError(
                f"y has a target for each step, but output={self.output!r} gives one for each "
                f"sequence: set output='each'."
            )
        return targets

    def _padded_targets(self, y: Any, sequences: Sequences) -> Array:
        """(n_samples, outputs); with an output at each step (n_samples, longest, outputs)."""
        columns = self._columns(self._flat(y, sequences), sequences.values.dtype)
        if not self._each_step:
            return columns
        shape = (*sequences.values.shape[:2], columns.shape[1])
        targets = np.zeros(shape, sequences.values.dtype)
        targets[sequences.mask > 0] = columns
        return targets

    def score(
        self,
        X: SequencesLike,
        y: SequencesLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """How good the predictions are: accuracy of a classifier, R² of a regressor.

        Parameters
        ----------
        X : sequences
            As for :meth:`fit`.
        y : array-like
            As for :meth:`fit`; steps of all sequences count alike where each has a target.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self)
        if not self._each_step:
            return super().score(X, y, sample_weight)
        sequences, y = self._read(X, y, reset=False)
        self._steps = sequences.values.shape[1]
        outputs = self._evaluate(sequences.values, sequences.mask)
        targets = self._padded_targets(y, sequences)
        weight = self._row_weights(sample_weight, sequences.values, targets)
        rows = Rows((sequences.values, sequences.mask), (targets,), weight)
        return self._score_outputs(rows, outputs)

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        if not self._each_step:
            return super()._score_outputs(rows, outputs)
        (targets,), steps = rows.targets, rows.inputs[1] > 0
        weight = None
        if rows.weight is not None:
            weight = np.broadcast_to(rows.weight[:, np.newaxis], steps.shape)[steps]
        flat = Rows((outputs[steps],), (targets[steps],), weight)
        return super()._score_outputs(flat, outputs[steps])

    def _strata(self, rows: Rows) -> Array | None:
        return None if self._each_step else super()._strata(rows)
