"""The method ``fit_stream`` of classifiers, of regressors, and of auto encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from chainrule.datasets.foreign import as_given
from chainrule.datasets.open_stream import Source
from chainrule.datasets.stream import Batch, Columns, Stream
from chainrule.engines.base import Array
from chainrule.errors import DataError
from chainrule.estimators.decorators import Method, available_if, parameters_checked
from chainrule.estimators.hints import ArrayLike, BatchSize, ValidationMatrix, ValidationRows
from chainrule.estimators.outliers import SCORED_AFTER_FIT
from chainrule.estimators.parameters import filled_in
from chainrule.estimators.stream_rows import Survey
from chainrule.estimators.streaming import STREAM_DOCUMENTATION, StreamFitting, is_streamable

__all__ = ["StreamedClasses", "StreamedNumbers", "StreamedRows"]

_PAIRS = {"batches": "``(X, y)`` or ``(X, y, sample_weight)``", "tuples": "(X, y) or (X, y, w)"}
_ROWS = {"batches": "``X``, or ``(X, y, sample_weight)`` of which y is ignored", "tuples": "X"}


def _documented(words: Mapping[str, str]) -> Callable[[Method], Method]:
    """Fill what all of them share into the documentation of a method."""
    shared = {name: text.format(**words) for name, text in STREAM_DOCUMENTATION.items()}
    return lambda method: filled_in(method, shared)


class StreamedClasses(StreamFitting):
    """Classifiers that learn from a stream."""

    _balanced_by_weight: ClassVar[bool] = False
    """Whether class_weight="balanced" counts the weights of rows, not the rows."""

    @available_if(is_streamable)
    @parameters_checked
    @_documented(_PAIRS)
    def fit_stream(
        self,
        source: Source,
        y: str | list[str] | None = None,
        *,
        features: Sequence[str] | None = None,
        sample_weight: str | None = None,
        classes: ArrayLike | None = None,
        validation_data: ValidationRows | Source | None = None,
        shuffle_buffer: BatchSize = "auto",
    ) -> Self:
        """Learn from labelled rows that come in batches, and may be more than fit in memory.

        Parameters
        ----------
        {source}
        y : str or list of str, optional
            The column of classes, or the columns of several labels; needed where there are
            columns.
        {named}
        classes : array-like of shape (n_classes,), optional
            All classes; by default a first pass over the targets finds them.
        {validation_data}

        Returns
        -------
        self

        Raises
        ------
        DataError
            If a batch cannot be used: the message names the file, the row group and the column,
            or the batch.
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.

        Notes
        -----
        With ``shuffle=False`` the weights are those of ``fit`` on all rows, to the last bit
        (where weights of rows have to be added up beforehand, to their rounding): batches are
        cut anew into minibatches of ``batch_size`` rows.

        Examples
        --------
        >>> import chainrule as cr
        >>> import numpy as np
        >>> def batches():
        ...     rng = np.random.default_rng(0)
        ...     for _ in range(20):
        ...         X = rng.normal(size=(100, 2))
        ...         yield X, X[:, 0] > X[:, 1]
        >>> model = cr.MLPClassifier((8,), learning_rate_init=0.01, random_state=0)
        >>> X, y = next(batches())
        >>> model.fit_stream(batches).score(X, y) > 0.9
        True
        """
        columns = Columns(y, sample_weight, features)
        self._fit_stream(source, columns, classes, validation_data, shuffle_buffer)
        return self

    def _reasons_for_a_survey(self, stream: Stream, classes: Any, fresh: bool) -> list[str]:
        reasons = super()._reasons_for_a_survey(stream, classes, fresh)
        if classes is None and fresh:
            reasons.append("classes=[...] is not given")
        if self.class_weight == "balanced":
            reasons.append("class_weight='balanced' needs their numbers")
        return reasons

    def _learn_stream_targets(
        self, batch: Batch, classes: Any, found: Survey | None, fresh: bool
    ) -> None:
        assert batch.y is not None  # a stream of a classifier has targets
        several = batch.y.ndim == 2
        if several and not self.__sklearn_tags__().classifier_tags.multi_label:
            raise DataError(
                f"{type(self).__name__} gives each row one class, but {batch.where} has "
                f"{batch.y.shape[1]} columns of y: use MLPClassifier for several labels."
            )
        if several and self.class_weight is not None:
            raise ValueError("class_weight is for one class a row, but y has several labels.")
        if several:
            self._learn_classes(batch.y, False)
        elif classes is not None:
            self._learn_classes(np.asarray(as_given(classes, "classes")), False)
        elif fresh:
            assert found is not None  # there was a reason for a survey
            self._learn_classes(found.classes, False)

    def _class_factors(self, found: Survey | None) -> Array | None:
        given = self.class_weight
        if given is None:
            return None
        if isinstance(given, str):
            assert found is not None  # there was a reason for a survey
            assert found.classes is not None
            sums = found.weights if self._balanced_by_weight else found.counts
            of_class = dict(zip(found.classes.tolist(), sums, strict=True))
            known = np.array([of_class.get(each, 0.0) for each in self.classes_.tolist()])
            # A class whose rows all have a weight of 0 has one of 0, too.
            return known.sum() / np.where(known > 0, len(known) * known, np.inf)
        factors: Array = compute_class_weight(given, classes=self.classes_, y=self.classes_)
        if not ((factors >= 0) & np.isfinite(factors)).all():
            raise ValueError(
                f"class_weight must give each class a finite factor of 0 or more, but got {given}."
            )
        return factors

    def _total_weight(self, found: Survey | None, factors: Array | None) -> float | None:
        if found is None or found.classes is None or factors is None:
            return super()._total_weight(found, factors)
        return float(factors[np.searchsorted(self.classes_, found.classes)] @ found.weights)

    def _stream_columns(self, batch: Batch, dtype: Any) -> Array:
        y = batch.y
        if y is None or y.ndim == 2:
            return super()._stream_columns(batch, dtype)
        # Looked up one by one: to sort each batch of text, as scikit-learn would, takes longer.
        place_of = {label: place for place, label in enumerate(self.classes_.tolist())}
        places = np.array([place_of.get(label, -1) for label in y.tolist()], dtype=np.int64)
        if (places < 0).any():
            self._check_held_out(y, "y")
        if len(place_of) == 2:
            return places[:, np.newaxis].astype(dtype)
        return np.eye(len(place_of), dtype=dtype)[places]


class StreamedNumbers(StreamFitting):
    """Regressors that learn from a stream."""

    @available_if(is_streamable)
    @parameters_checked
    @_documented(_PAIRS)
    def fit_stream(
        self,
        source: Source,
        y: str | list[str] | None = None,
        *,
        features: Sequence[str] | None = None,
        sample_weight: str | None = None,
        validation_data: ValidationRows | Source | None = None,
        shuffle_buffer: BatchSize = "auto",
    ) -> Self:
        """Learn from rows with targets that come in batches, and may be more than fit in memory.

        Parameters
        ----------
        {source}
        y : str or list of str, optional
            The column of targets, or several; needed where there are columns.
        {named}
        {validation_data}

        Returns
        -------
        self

        Raises
        ------
        DataError
            If a batch cannot be used: the message names the file, the row group and the column,
            or the batch.
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.

        Notes
        -----
        With ``shuffle=False`` the weights are those of ``fit`` on all rows, to the last bit:
        batches are cut anew into minibatches of ``batch_size`` rows.

        Examples
        --------
        >>> import chainrule as cr
        >>> import numpy as np
        >>> X = np.linspace(-1, 1, 400).reshape(-1, 1)
        >>> batches = [(X[k::4], X[k::4, 0] ** 2) for k in range(4)]
        >>> model = cr.MLPRegressor(learning_rate_init=0.01, random_state=0).fit_stream(batches)
        >>> model.score(X, X[:, 0] ** 2) > 0.95
        True
        """
        columns = Columns(y, sample_weight, features)
        self._fit_stream(source, columns, None, validation_data, shuffle_buffer)
        return self

    def _learn_stream_targets(
        self, batch: Batch, classes: Any, found: Survey | None, fresh: bool
    ) -> None:
        self._learn_quantiles()


class StreamedRows(StreamFitting):
    """Auto encoders that learn from a stream."""

    _has_targets = False

    @available_if(is_streamable)
    @parameters_checked
    @_documented(_ROWS)
    def fit_stream(
        self,
        source: Source,
        *,
        features: Sequence[str] | None = None,
        sample_weight: str | None = None,
        validation_data: ValidationMatrix | Source | None = None,
        shuffle_buffer: BatchSize = "auto",
    ) -> Self:
        """Learn a code from rows that come in batches, and may be more than fit in memory.

        Parameters
        ----------
        {source}
        {named}
        {validation_data}

        Returns
        -------
        self

        Raises
        ------
        DataError
            If a batch cannot be used: the message names the file, the row group and the column,
            or the batch.
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.

        Notes
        -----
        What is said of the training rows afterwards, such as ``offset_``, is said of the first
        thousand that came.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, _ = load_iris(return_X_y=True)
        >>> model = cr.Autoencoder(2, (), tol=0.001, random_state=0)
        >>> model.fit_stream([X[:80], X[80:]]).transform(X).shape
        (150, 2)
        """
        columns = Columns(None, sample_weight, features)
        first = self._fit_stream(source, columns, None, validation_data, shuffle_buffer)
        self._sum_up(first, SCORED_AFTER_FIT)
        return self
