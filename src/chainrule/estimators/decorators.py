"""scikit-learn's decorators of methods; here, type checkers see that they keep signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.utils import metaestimators

__all__ = ["Method", "available_if", "parameters_checked"]

Method = TypeVar("Method", bound=Callable[..., Any])


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Let an estimator have a method only where ``check`` says so of it.

    Parameters
    ----------
    check : callable
        ``check(estimator)`` returns True, or raises the AttributeError that says why not.
    """
    return metaestimators.available_if(check)  # type: ignore[no-any-return]


def parameters_checked(method: Method) -> Method:
    """Check the parameters of the estimator before the method runs."""
    return _fit_context(prefer_skip_nested_validation=True)(method)  # type: ignore[no-any-return]
