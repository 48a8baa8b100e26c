"""``fit_stream``: training on more rows than fit in memory."""

from __future__ import annotations

import os
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from chainrule.datasets.open_stream import is_table, open_stream
from chainrule.datasets.stream import Batch, Columns, Stream, read_arrays
from chainrule.engines.base import Array
from chainrule.errors import DataError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.estimators.rows import Rows
from chainrule.estimators.stream_rows import StreamRows, Survey, read_head, survey

__all__ = ["STREAM_DOCUMENTATION", "StreamFitting", "is_streamable"]

_LEAST_HEAD = 1000
"""So many rows are looked at before the network is described, where there are so many."""

STREAM_DOCUMENTATION = {
    "source": """source : path, list of path, iterable or callable
            A Parquet file, a list of them, or a folder, whose ``.parquet`` files are taken in
            the order of their names; read with pyarrow, a few rows at a time. Or batches of any
            sizes, {batches}, or frames with named columns: a list, a loader, or a function
            that returns a fresh iterable. A generator can be gone through once, so it gives one
            epoch.""",
    "named": """features : list of str, optional
            The columns of features; by default all others.
        sample_weight : str, optional
            The column of weights.""",
    "validation_data": """validation_data : optional
            Rows to measure loss and score on after each epoch, kept in memory: {tuples}, or
            what ``source`` may be. ``early_stopping`` needs them.
        shuffle_buffer : int or "auto", default="auto"
            With ``shuffle=True``, rows are drawn at random from so many at a time, and row groups
            of Parquet come in random order. ``"auto"`` is as many as take 32 MB. Data that are
            sorted by class need a buffer that holds rows of all classes.""",
}


def is_streamable(estimator: Any) -> bool:
    """Whether ``fit_stream`` makes sense; AttributeError if not, as scikit-learn has it."""
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise AttributeError(
            f"fit_stream goes through minibatches, and solver={estimator.solver!r} needs all rows "
            f"at every step: choose 'adam', for one."
        )
    return True


class StreamFitting(NetworkEstimator):
    """Trains a network on batches that come one after another."""

    _has_targets: ClassVar[bool] = True

    @abstractmethod
    def _take_up(self, rows: Rows, fresh: bool) -> None:
        """Describe the network for such rows, and begin with it."""

    def _stream_columns(self, batch: Batch, dtype: Any) -> Array:
        """The targets of a batch as columns of numbers."""
        return self._columns(batch.y, dtype)

    def _check_batch(self, batch: Batch) -> None:
        """Refuse values that the loss cannot compare with; ValueError says which."""
        return

    def _fit_stream(
        self,
        source: Any,
        columns: Columns,
        classes: Any = None,
        validation_data: Any = None,
        shuffle_buffer: Any = "auto",
    ) -> Any:
        fresh = not (hasattr(self, "n_iter_") and self.warm_start)
        stream = open_stream(source, columns, self._has_targets)
        self._check_streaming(stream, validation_data, shuffle_buffer)
        order = None
        if self.shuffle:
            seed = check_random_state(self.random_state).randint(2**31)
            order = np.random.RandomState(seed)
        found = self._survey_if_needed(stream, classes, fresh)
        batch_size = 0 if isinstance(self.batch_size, str) else int(self.batch_size)
        head = read_head(stream, max(_LEAST_HEAD, batch_size), order)
        self._learn_features(head.batches[0], fresh)
        self._learn_stream_targets(head.batches[0], classes, found, fresh)
        dtype = head.batches[0].X.dtype
        factors = self._class_factors(found)

        def as_rows(batch: Batch) -> Rows:
            return self._rows_of_batch(batch, dtype, factors)

        first = _joined([as_rows(batch) for batch in head.batches])
        held_out = None
        if validation_data is not None:
            held_out = self._stream_held_out(validation_data, columns, dtype)
        self._take_up(first, fresh)
        rows = StreamRows(
            *(first.inputs, first.targets, first.weight),
            stream=stream,
            head=head,
            columns=as_rows,
            buffer=shuffle_buffer,
            random_state=order,
            total=self._total_weight(found, factors),
            n_rows=stream.n_rows if found is None else found.n_rows,
        )
        self._train(rows, held_out, incremental=not stream.repeatable)
        if not stream.repeatable and self.max_iter > 1:
            warnings.warn(
                f"The source is a generator, or another iterator, which can be gone through once: "
                f"training ended after 1 epoch of max_iter={self.max_iter}. For more, give a list, "
                f"or a function that returns a fresh generator; for one, set max_iter=1.",
                stacklevel=3,
            )
        return first

    # --- before training -----------------------------------------------------------------

    def _check_streaming(self, stream: Stream, validation_data: Any, shuffle_buffer: Any) -> None:
        if shuffle_buffer != "auto" and (
            not isinstance(shuffle_buffer, Integral)
            or isinstance(shuffle_buffer, bool)
            or shuffle_buffer < 1
        ):
            raise ValueError(
                f"shuffle_buffer must be 'auto' or a number of rows from 1 on, but got "
                f"{shuffle_buffer!r}."
            )
        if self.checkpoint is not None:
            raise ValueError(
                "checkpoint is for fit, whose rows can be told from others: set checkpoint=None, "
                "and save a model that has streamed with model.save(path, training_state=True)."
            )
        if self.scoring is not None and validation_data is None:
            raise ValueError(
                "scoring needs rows in memory: give validation_data=(X, y), or a file of rows to "
                "measure on."
            )
        if not self.early_stopping:
            return
        if validation_data is None:
            raise ValueError(
                "early_stopping cannot hold out rows of a stream: give validation_data=(X, y), or "
                "a file of rows to measure on."
            )
        if not stream.repeatable:
            raise ValueError(
                "early_stopping compares epochs, but the source is an iterator, which gives one: "
                "give a list, or a function that returns a fresh iterator."
            )

    def _reasons_for_a_survey(self, stream: Stream, classes: Any, fresh: bool) -> list[str]:
        """Why something has to be known of all rows before training."""
        reasons = []
        if self._shares_penalty:
            reasons.append("the penalty needs the number of rows (C=numpy.inf has none)")
        if self._rules().watch_time and stream.n_rows is None:
            reasons.append("accumulate_steps and learning_rate need the number of minibatches")
        return reasons

    def _survey_if_needed(self, stream: Stream, classes: Any, fresh: bool) -> Survey | None:
        """What is to be known of all rows before training."""
        reasons = self._reasons_for_a_survey(stream, classes, fresh)
        if not reasons:
            return None
        if not stream.repeatable:
            raise ValueError(
                f"A first pass over the rows is needed, because {' and '.join(reasons)}, but the "
                f"source is an iterator, which can be gone through once: give a list, or a "
                f"function that returns a fresh iterator."
            )
        return survey(stream, is_classifier(self))

    @property
    def _shares_penalty(self) -> bool:
        """Whether the penalty counts once beside all rows."""
        return False

    def _learn_features(self, batch: Batch, fresh: bool) -> None:
        """Take up the number and the names of the features, or check them."""
        width = batch.X.shape[1]
        if fresh:
            self.n_features_in_ = width
            self.__dict__.pop("feature_names_in_", None)
            if batch.names:
                self.feature_names_in_ = np.array(batch.names, dtype=object)
        else:
            self._require_features(batch)

    def _require_features(self, batch: Batch) -> None:
        """Refuse features that are not those of the fit."""
        width, known = batch.X.shape[1], list(getattr(self, "feature_names_in_", ()))
        expected = getattr(self, "n_features_in_", width)
        if width != expected:
            raise DataError(
                f"{batch.where} has {width} features, but {type(self).__name__} is expecting "
                f"{expected}."
            )
        if known and batch.names and list(batch.names) != known:
            raise DataError(
                f"{batch.where} has the features {', '.join(batch.names)}, but "
                f"{type(self).__name__} learned from {', '.join(known)}."
            )

    def _learn_stream_targets(
        self, batch: Batch, classes: Any, found: Survey | None, fresh: bool
    ) -> None:
        """Take up what is to be known of targets, given the first batch and the survey."""
        return

    def _class_factors(self, found: Survey | None) -> Array | None:
        """What multiplies the weights of the rows of each class; None for 1."""
        return None

    def _total_weight(self, found: Survey | None, factors: Array | None) -> float | None:
        """Σ weight of all rows, if it was found out."""
        return None if found is None else float(found.weights.sum())

    # --- batches -------------------------------------------------------------------------

    def _rows_of_batch(self, batch: Batch, dtype: Any, factors: Array | None = None) -> Rows:
        """A batch as the network reads it."""
        try:
            self._check_batch(batch)
            targets = [self._stream_columns(batch, dtype)] if self._has_targets else []
        except DataError:
            raise
        except ValueError as error:
            raise DataError(f"{batch.where}: {error}") from None
        weight = batch.weight
        if weight is not None and (weight < 0).any():
            row = batch.start + int(np.argmax(weight < 0))
            raise DataError(f"{batch.where}: the weight of row {row} (from 0) is negative.")
        if weight is not None:
            weight = weight.astype(dtype)
        if factors is not None:
            Y = targets[0]
            places = Y[:, 0].astype(np.int64) if Y.shape[1] == 1 else Y.argmax(axis=1)
            of_class = factors[places].astype(dtype)
            weight = of_class if weight is None else of_class * weight
        X = batch.X.astype(dtype, copy=False)
        scored = self._scored(X, batch.y if self._has_targets else None)
        return Rows((X,), tuple(targets), weight, scored)

    def _stream_held_out(self, given: Any, columns: Columns, dtype: Any) -> Rows:
        """All rows of ``validation_data``, in memory."""
        batches: list[Batch]
        paths = isinstance(given, (list, tuple)) and all(
            isinstance(each, (str, os.PathLike)) for each in given
        )
        if isinstance(given, tuple) and not paths:
            least = 2 if self._has_targets else 1
            if not least <= len(given) <= 3:
                raise ValueError(
                    f"validation_data must be (X, y) or (X, y, sample_weight), or a source of "
                    f"batches, but got a tuple of {len(given)}."
                )
            X, y, weight = (*given, None, None)[:3]
            batches = [read_arrays(X, y if self._has_targets else None, weight, "validation_data")]
        else:
            listed = [given] if is_table(given) else given
            batches = list(open_stream(listed, columns, self._has_targets).batches())
        if not sum(map(len, batches)):
            raise DataError("validation_data has no rows.")
        for batch in batches:
            self._require_features(batch)
        return _joined([self._rows_of_batch(batch, dtype) for batch in batches])


def _joined(parts: Sequence[Rows]) -> Rows:
    """The rows of several parts, one after another."""
    if len(parts) == 1:
        return parts[0]
    weights = [each.weight for each in parts if each.weight is not None]
    return Rows(
        tuple(np.concatenate(each) for each in zip(*(part.inputs for part in parts), strict=True)),
        tuple(np.concatenate(each) for each in zip(*(part.targets for part in parts), strict=True)),
        np.concatenate(weights) if weights else None,
        tuple(np.concatenate(each) for each in zip(*(part.scored for part in parts), strict=True)),
    )
