"""What signatures say of parameters is what ``fit`` takes."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Literal, Union, get_args, get_origin

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import StrOptions

import chainrule as cr

ESTIMATORS = [
    each
    for each in (getattr(cr, name) for name in cr.__all__)
    if inspect.isclass(each) and issubclass(each, BaseEstimator)
]
CHECKED_ELSEWHERE = {"layers"}


def words(hint):
    """The words that a type names."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return set().union(*map(words, get_args(hint)))
    return set()


def parameters_of(estimator):
    types_of = typing.get_type_hints(estimator.__init__)
    return {name: types_of[name] for name in inspect.signature(estimator).parameters}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: each.__name__)
def test_choices_are_those_that_fit_takes(estimator):
    for name, hint in parameters_of(estimator).items():
        if name in CHECKED_ELSEWHERE:
            continue
        taken = set()
        for constraint in estimator._parameter_constraints[name]:
            if isinstance(constraint, StrOptions):
                taken |= constraint.options
        assert {each for each in words(hint) if isinstance(each, str)} == taken, name


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: each.__name__)
def test_none_is_in_the_type_where_fit_takes_it(estimator):
    for name, hint in parameters_of(estimator).items():
        if name in CHECKED_ELSEWHERE:
            continue
        constraints = estimator._parameter_constraints[name]
        taken = None in constraints or "random_state" in constraints
        assert (type(None) in get_args(hint)) == taken, name


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: each.__name__)
def test_a_default_of_a_plain_type_is_of_that_type(estimator):
    for name, parameter in inspect.signature(estimator).parameters.items():
        hint, default = parameters_of(estimator)[name], parameter.default
        if isinstance(default, str):
            assert default in words(hint), name
        elif hint in (bool, int):
            assert type(default) is hint, name
        elif hint is float:
            assert isinstance(default, (int, float)), name


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: each.__name__)
def test_types_leave_parameters_to_scikit_learn(estimator):
    model = estimator()
    assert clone(model).get_params() == model.get_params()
    assert list(model.get_params()) == sorted(inspect.signature(estimator).parameters)
