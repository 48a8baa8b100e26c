"""Letters are never mistaken for the names of what is derived."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.explain.symbols import choose_symbols, stems_of
from chainrule.graph.traversal import topological_order

X, y = load_iris(return_X_y=True)
_DRAW = np.random.default_rng(0)
SEQUENCES = _DRAW.normal(size=(12, 3, 2))
SIGNS = (SEQUENCES.sum((1, 2)) > 0).astype(int)


def invented(work: Any) -> set[str]:
    """All that stands in a derivation and is no name of the network or of the formula."""
    sheet = work.worksheet
    update = sheet.update.forward if sheet.update else ()
    steps = [step.symbol for step in [*sheet.forward, *update] if step.node.name is None]
    notes = [each.symbol for each in sheet.given if each.note]
    return {*steps, *(each for each in notes if re.fullmatch(r"\w\d+", each))}


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("kind", [cr.RNNClassifier, cr.LSTMClassifier, cr.GRUClassifier])
def test_letters_are_no_names_of_a_recurrent_net(kind: Any, units: int) -> None:
    model = kind(units, random_state=0)
    model.partial_fit(SEQUENCES, SIGNS, classes=[0, 1])
    for parameter in ("W1[0, 0]", "b1[0]", "h1[0, 0]"):
        letters = invented(model.explain(SEQUENCES[0], SIGNS[0], parameter))
        # The names of all cells, whether or not a parameter's derivative passes through them.
        assert stems_of(letters).isdisjoint({"W", "U", "V", "b", "d", "x", "y", "h", "a"})
        if kind is cr.LSTMClassifier:
            assert stems_of(letters).isdisjoint({"i", "f", "o", "g", "c"})
        if kind is cr.GRUClassifier:
            assert stems_of(letters).isdisjoint({"r", "z", "n"})


def test_letters_are_no_names_of_a_deep_net() -> None:
    model = cr.MLPClassifier((4, 4, 4), random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    work = model.explain(X[0], 0, "W1[0, 0]")
    letters = invented(work)
    assert len(letters) > 60
    assert stems_of(letters).isdisjoint({"W", "b", "h", "x", "y"})
    assert {"t1", "t2"} <= letters
    assert "t" not in letters, "beside t1, it would be one of them"


@pytest.mark.parametrize("name", ["a1", "a₁", "a1[0]", "a_new", "alpha2", "t3", "t", "c1"])
def test_letters_are_no_name_of_a_formula_with_another_index(name: str) -> None:
    node = cr.variable(name)
    for k in range(60):
        node = cr.sin(node) * (k + 2.0)
    symbols = list(choose_symbols(topological_order([node])).values())
    assert len(set(symbols)) == len(symbols) > 100
    (stem,) = stems_of([name])
    assert [each for each in symbols if stems_of([each]) == {stem}] == [name]


def test_the_result_of_a_formula_is_no_name_of_it() -> None:
    names = ["f1", "g", "h", "loss", "result"]
    output = sum((cr.variable(each) for each in names[1:]), start=cr.variable(names[0]))
    assert choose_symbols(topological_order([output]))[output] == "result_2"
