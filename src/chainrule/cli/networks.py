"""Networks by their names on the command line, and their parameters as text."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence
from typing import Any

import click

import chainrule as cr
from chainrule.errors import DataError

__all__ = ["NETWORKS", "build"]

NETWORKS = {
    "mlp": {"classification": "MLPClassifier", "regression": "MLPRegressor"},
    "perceptron": {"classification": "Perceptron"},
    "adaline": {"classification": "Adaline"},
    "linear": {"regression": "LinearRegression"},
    "logistic": {"classification": "LogisticRegression"},
    "rbf": {"classification": "RBFClassifier", "regression": "RBFRegressor"},
    # They read each row of a table as a sequence of numbers.
    "rnn": {"classification": "RNNClassifier", "regression": "RNNRegressor"},
    "lstm": {"classification": "LSTMClassifier", "regression": "LSTMRegressor"},
    "gru": {"classification": "GRUClassifier", "regression": "GRURegressor"},
}


def build(network: str, task: str, settings: Sequence[str], **fixed: Any) -> Any:
    """The estimator that is asked for.

    Parameters
    ----------
    network : str
        A key of ``NETWORKS``.
    task : {"classification", "regression"}
    settings : sequence of str
        Each ``name=value``.
    **fixed
        Parameters that are not settings, where the estimator has them; a setting goes first.

    Raises
    ------
    DataError
        If the network cannot do the task.
    click.BadParameter
        If a setting is no parameter, or has a value that the estimator does not take.
    """
    names = NETWORKS[network]
    if task not in names:
        raise DataError(_other_task(network, task))
    kind = getattr(cr, names[task])
    known = kind().get_params()
    parameters = {name: value for name, value in fixed.items() if name in known}
    # Not text: the command line has its own.
    settable = [name for name in known if name != "callbacks"]
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            raise click.BadParameter(
                f"{setting!r} is not of the form name=value.", param_hint="--set"
            )
        if name not in settable:
            close = difflib.get_close_matches(name, settable, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise click.BadParameter(
                f"{kind.__name__} has no parameter {name!r}. {hint}It has {', '.join(settable)}.",
                param_hint="--set",
            )
        parameters[name] = _value(text.strip())
    estimator = kind(**parameters)
    try:
        estimator._validate_params()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--set") from None
    return estimator


def _other_task(network: str, task: str) -> str:
    others = ", ".join(each for each, kinds in NETWORKS.items() if task in kinds)
    if task == "classification":
        return (
            f"--network {network} predicts numbers, but the target holds classes. Those that tell "
            f"classes apart are {others}. If the classes are numbers that have a size, give --task "
            f"regression."
        )
    return (
        f"--network {network} tells classes apart, but the target holds numbers. Those that "
        f"predict numbers are {others}. If the numbers are names of classes, give --task "
        f"classification."
    )


def _value(text: str) -> Any:
    """A number, a tuple, True, False or None as Python writes them; else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        words = {"true": True, "false": False, "none": None}
        return words.get(text.lower(), text)
