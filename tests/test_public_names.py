"""What every public name comes with: documentation, and an example that is run with the tests."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import chainrule as cr
import chainrule.callbacks

NAMES = {name: getattr(cr, name) for name in cr.__all__} | {
    f"callbacks.{name}": getattr(chainrule.callbacks, name) for name in chainrule.callbacks.__all__
}
DOCUMENTED = {
    name: each
    for name, each in NAMES.items()
    if inspect.isclass(each) or (inspect.isfunction(each) and not isinstance(each, ModuleType))
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_has_an_example(name):
    assert ">>> " in (inspect.getdoc(DOCUMENTED[name]) or "")


@pytest.mark.parametrize(
    "name", [name for name, each in DOCUMENTED.items() if inspect.isclass(each)]
)
def test_the_methods_of_a_public_class_are_documented(name):
    for method, function in inspect.getmembers(DOCUMENTED[name], inspect.isfunction):
        if not method.startswith("_") and function.__module__.startswith("chainrule"):
            assert inspect.getdoc(function), f"{name}.{method}"
