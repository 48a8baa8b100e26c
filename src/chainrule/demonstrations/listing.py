"""The code of a demonstration as a program of its own, taken from the functions that run it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.demonstrations.base import Demonstration

__all__ = ["listing"]

_WIDTH = 88
_ABBREVIATIONS = {"np": "import numpy as np", "cr": "import chainrule as cr"}


def listing(demonstration: Demonstration, seed: int = 0) -> str:
    """What was run, in lines that can be copied and run.

    Parameters
    ----------
    demonstration : Demonstration
    seed : int, default=0

    Returns
    -------
    str
        A Python program that prints the figure.
    """
    imports, load = _imports_and_rest(demonstration.load)
    more, measure = _imports_and_rest(demonstration.measure.of)
    # The last lines of both are a return.
    *prepared, given = [*load[:-1], *measure]
    arguments = "X_train" if "y_train" not in "\n".join(load[:-1]) else "X_train, y_train"
    program = "\n".join(
        [
            *load[:-1],
            "",
            _call(demonstration.estimator, {**demonstration.parameters, "random_state": seed}),
            f"model.fit({arguments})",
            *prepared[len(load) - 1 :],
            f"print({given.removeprefix('return ')})",
        ]
    )
    used = [line for name, line in _ABBREVIATIONS.items() if f"{name}." in program]
    ours = [each for each in (*imports, *more) if "chainrule" in each]
    theirs = sorted({each for each in (*imports, *more) if "chainrule" not in each})
    heads = (
        [*used[:-1], *theirs, "", used[-1], *ours] if len(used) > 1 or theirs else [*used, *ours]
    )
    return "\n".join([*heads, "", program])


def _imports_and_rest(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """The statements of a function's body, its docstring left out."""
    source = textwrap.dedent(inspect.getsource(function))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    lines = source.splitlines()
    imports: list[str] = []
    rest: list[str] = []
    for statement in definition.body[1:]:
        text = textwrap.dedent("\n".join(lines[statement.lineno - 1 : statement.end_lineno]))
        kept = imports if isinstance(statement, ast.Import | ast.ImportFrom) else rest
        kept.append(text)
    return imports, rest


def _call(estimator: str, parameters: Mapping[str, Any]) -> str:
    """The line that makes the estimator, broken where it is long."""
    arguments = [f"{name}={value!r}".replace("'", '"') for name, value in parameters.items()]
    line = f"model = cr.{estimator}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return line
    inside = textwrap.fill(
        ", ".join(arguments), _WIDTH, initial_indent="    ", subsequent_indent="    "
    )
    return f"model = cr.{estimator}(\n{inside}\n)"
