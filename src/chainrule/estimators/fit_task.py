"""Callbacks of scikit-learn, from ``model.set_callbacks(...)``: told of a fit and its epochs."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from chainrule.estimators.decorators import Method, parameters_checked
from chainrule.training.callbacks import Callback, Moment

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9: its meta-estimators pass no callbacks on either

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for a class that is not there; no estimator has ``set_callbacks`` then."""


__all__ = ["FitTask", "TakesCallbacks", "fit_method"]


class TakesCallbacks(CallbackSupportMixin, BaseEstimator):
    """An estimator that scikit-learn's callbacks may be set on, or be passed on to."""

    callbacks: Any
    _learned: ClassVar[tuple[str, ...]]
    _fit_task: FitTask | None = None

    def _validate_params(self) -> None:
        if callable(self.callbacks):
            raise InvalidParameterError(
                f"The 'callbacks' parameter of {type(self).__name__} must be a list. Got "
                f"{self.callbacks!r} instead: put it in brackets."
            )
        super()._validate_params()
        for each in self.callbacks or ():
            if isinstance(each, type):
                raise InvalidParameterError(
                    f"The 'callbacks' parameter of {type(self).__name__} holds the class "
                    f"{each.__name__}: write {each.__name__}(), with its brackets."
                )
            if not callable(each):
                theirs = hasattr(each, "on_fit_task_end")
                hint = " Callbacks of scikit-learn are set with set_callbacks." if theirs else ""
                raise InvalidParameterError(
                    f"The 'callbacks' parameter of {type(self).__name__} must hold functions or "
                    f"other callables. Got {each!r} in it instead.{hint}"
                )

    def _told_of_training(self) -> tuple[Callback, ...]:
        """The user's callbacks, and scikit-learn's."""
        own = tuple(self.callbacks or ())
        return own if self._fit_task is None else (self._fit_task, *own)

    def _as_fitted(self) -> dict[str, Any]:
        """The learned attributes as if ``fit`` had ended now, in copies that training spares."""
        learned = {name: getattr(self, name) for name in self._learned if hasattr(self, name)}
        return {**copy.deepcopy(learned), "_built": self.__dict__.get("_built", {})}


class FitTask:
    """One fit, as scikit-learn's callbacks see it: a task, with a task for each epoch below it.

    Where outputs train one after another, there is a task for each of them in between.

    Parameters
    ----------
    estimator : estimator
    X, y : array-like
        As ``fit`` got them.
    metadata : mapping
        What else it got of the rows, such as ``sample_weight``.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, metadata: Mapping[str, Any]) -> None:
        self.estimator = estimator
        self._data = {"estimator": estimator, "X": X, "y": y, "metadata": dict(metadata)}
        self._root: Any = None
        self._training: Any = None

    def begin(self, max_subtasks: int) -> None:
        """Tell that fitting begins, of so many parts."""
        self._root = self.estimator._init_callback_context(max_subtasks=max_subtasks)
        self._root.call_on_fit_task_begin(**self._data)

    def __enter__(self) -> FitTask:
        if self._root is None:
            self.begin(self.estimator.max_iter)
            self._training = self._root
        else:
            self._training = self._root.subcontext("output", max_subtasks=self.estimator.max_iter)
            self._training.call_on_fit_task_begin(**self._data)
        return self

    def __call__(self, moment: Moment) -> bool:
        """Tell of an epoch that has ended; whether training should end with it."""
        if not moment.epoch_ended:
            return False
        epoch = self._training.subcontext("epoch")
        epoch.call_on_fit_task_begin(**self._data)
        return bool(
            epoch.call_on_fit_task_end(
                **self._data, reconstruction_attributes=self.estimator._as_fitted
            )
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and self._training is not self._root:
            self._end(self._training)

    def end(self) -> None:
        """Tell that fitting has ended."""
        if self._root is None:
            self.begin(0)
        self._end(self._root)

    def _end(self, context: Any) -> None:
        context.call_on_fit_task_end(
            **self._data, reconstruction_attributes=self.estimator._as_fitted
        )


def fit_method(method: Method) -> Method:
    """Decorate ``fit``: parameters are validated, and scikit-learn's callbacks are told of it."""
    signature = inspect.signature(method)

    @parameters_checked
    @functools.wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "_skl_callbacks") and not hasattr(self, "_parent_callback_ctx"):
            return method(self, *args, **kwargs)
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        weight = given.get("sample_weight")
        metadata = {} if weight is None else {"sample_weight": weight}
        self._fit_task = task = FitTask(self, given.get("X"), given.get("y"), metadata)
        try:
            method(self, *args, **kwargs)
            task.end()
        finally:
            del self._fit_task
        return self

    return fit  # type: ignore[return-value]
