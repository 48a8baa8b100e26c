"""What every public name comes with: types, documentation, and an example that the tests run."""

from __future__ import annotations

import ast
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


def own_functions(name):
    """The function of that name, or the methods and properties of the class that are ours."""
    given = DOCUMENTED[name]
    if inspect.isfunction(given):
        return {name: given}
    members = {each: inspect.getattr_static(given, each) for each in ["__init__", *dir(given)]}
    functions = {}
    for each, member in members.items():
        if each.startswith("_") and each != "__init__":
            continue
        # Some methods are there only for some parameters, and hide behind what looks at these.
        member = getattr(member, "fget", None) or getattr(member, "fn", member)
        member = getattr(member, "__func__", member)
        # An error, and a class of fields, may have the constructor of a class that is not ours.
        if inspect.isfunction(member) and member.__module__.startswith("chainrule"):
            functions[f"{name}.{each}"] = member
    return functions


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_parameter_and_result_has_a_type(name):
    for each, function in own_functions(name).items():
        signature = inspect.signature(function)
        assert signature.return_annotation is not signature.empty, each
        for parameter in signature.parameters.values():
            if parameter.name in ("self", "cls"):
                continue
            assert parameter.annotation is not signature.empty, f"{each}: {parameter.name}"


def test_methods_that_depend_on_parameters_are_looked_at():
    assert {"MLPClassifier.partial_fit", "MLPClassifier.predict_proba"} <= set(
        own_functions("MLPClassifier")
    )


def test_type_checkers_see_the_names_that_are_loaded_on_use():
    tree = ast.parse(inspect.getsource(cr))
    (block,) = [each for each in tree.body if isinstance(each, ast.If)]
    told = {
        (each.module, alias.name, alias.asname)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    loaded = {(module, name, name) for name, module in cr._MODULE_OF.items()}
    assert told == loaded | {("chainrule", name, name) for name in cr._FOLDERS}


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
