"""A worksheet as plain dictionaries, lists, strings and numbers, ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.explain.worksheet import (
    BackwardStep,
    Chain,
    ForwardStep,
    Path,
    Update,
    Value,
    Worksheet,
)
from chainrule.notation.formula import Formula
from chainrule.notation.formula_text import formula_text

__all__ = ["FORMAT", "to_dict"]

FORMAT = 1
"""Is raised when a key is removed or gets another meaning; docs/derivation-data.md has them all."""


def to_dict(sheet: Worksheet) -> dict[str, Any]:
    """A worksheet in plain data.

    Formulas are text with all digits; arrays are nested lists. docs/derivation-data.md lists the
    keys.
    """
    return {
        "format": FORMAT,
        "title": sheet.title,
        "symbol": sheet.symbol,
        "value": sheet.value,
        "parts": {symbol: _text(formula) for symbol, formula in sheet.parts},
        "given": {each.symbol: _plain(each.value) for each in sheet.given},
        "given_notes": {each.symbol: each.note for each in sheet.given if each.note},
        "gradients": {each.variable: _plain(each.gradient) for each in sheet.chains},
        "forward": [_forward(each) for each in sheet.forward],
        "backward": [_backward(each) for each in sheet.backward],
        "chains": [_chain(each) for each in sheet.chains],
        "definitions": {_text(each.sign): _text(each.meaning) for each in sheet.definitions},
        "update": None if sheet.update is None else _update(sheet.update),
        "notes": list(sheet.notes),
    }


def _update(update: Update) -> dict[str, Any]:
    return {
        "optimizer": update.optimizer,
        "symbol": update.symbol,
        "given": {each.symbol: _plain(each.value) for each in update.given},
        "forward": [_forward(each) for each in update.forward],
        "before": update.before,
        "after": update.after,
    }


def _forward(step: ForwardStep) -> dict[str, Any]:
    return {
        "symbol": step.symbol,
        "operation": step.node.operation,
        "inputs": list(step.inputs),
        "rule": _text(step.rule),
        "numbers": None if step.numbers is None else _text(step.numbers),
        "value": _plain(step.value),
        "kink": None if step.kink is None else {"place": step.kink.place, "rule": step.kink.rule},
    }


def _backward(step: BackwardStep) -> dict[str, Any]:
    return {
        "symbol": step.symbol,
        "gradient": _plain(step.gradient),
        "end": step.end,
        "uses": [
            {
                "by": use.by,
                "upstream": _plain(use.upstream),
                "slope": None if use.slope is None else _text(use.slope),
                "slope_value": use.slope_value,
                "rule": _text(use.rule),
                "product": _plain(use.product),
                "largest": [
                    {"rule": _text(term.rule), "value": term.value} for term in use.largest
                ],
                "n_terms": use.n_terms,
            }
            for use in step.uses
        ],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "variable": chain.variable,
        "gradient": _plain(chain.gradient),
        "paths": [_path(each) for each in chain.paths],
        "closed_forms": [_text(each.formula) for each in chain.closed_forms],
        "check": {
            "derivative": chain.check.derivative,
            "difference_quotient": chain.check.difference_quotient,
            "accuracy": chain.check.accuracy,
            "error": chain.check.error,
            "reason": chain.check.reason,
        },
    }


def _path(path: Path) -> dict[str, Any]:
    return {
        "factors": [
            {
                "of": factor.of,
                "by": factor.by,
                "slope": None if factor.slope is None else _text(factor.slope),
                "value": factor.value,
            }
            for factor in path.factors
        ],
        "product": path.product,
    }


def _text(formula: Formula) -> str:
    return formula_text(formula, digits=None)


def _plain(value: Value) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
