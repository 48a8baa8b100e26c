"""Entries that are only moved are those of the variable, in value and in name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.reference import evaluate
from chainrule.explain.blocks import blocks_first
from chainrule.explain.moving import block_of, is_nothing, moved_from, sizes_of
from chainrule.explain.naming import Naming
from chainrule.graph import functions as fn
from chainrule.graph.node import Node, variable
from chainrule.graph.traversal import topological_order

DRAW = np.random.default_rng(0)
S = DRAW.normal(size=(12, 3, 2))
SIGNS = (S.sum((1, 2)) > 0).astype(int)


def moved() -> list[Node]:
    x, v = variable("x", (2, 3, 4)), variable("v", (4,))
    turned = fn.transpose(x, (1, 0, 2))
    flat = fn.reshape(turned, (6, 4))
    cut = fn.slice_axes(flat, [(2, 4), (1, None)])
    spread = fn.broadcast_to(v, (2, 4))
    joined = fn.concatenate([flat, spread], 0)
    return [turned, flat, cut, spread, joined, fn.expand_dims(fn.transpose(joined), 1)]


@pytest.mark.parametrize("node", moved(), ids=lambda node: node.operation)
def test_an_entry_has_the_value_of_the_one_it_was_moved_from(node: Node) -> None:
    leaves = [each for each in topological_order([node]) if not each.inputs]
    values = dict(evaluate([node], {each: DRAW.normal(size=sizes_of(each)) for each in leaves}))
    for index in np.ndindex(sizes_of(node)):
        source, place = moved_from(node, index)
        assert source.operation == "variable"
        assert values[source][place] == values[node][index]


def test_a_part_of_a_variable_is_told_by_its_bounds() -> None:
    U, x = variable("U", (3, 8)), variable("x", (1, 5, 2))
    naming = Naming({x})
    step = fn.reshape(fn.slice_axes(fn.transpose(x, (1, 0, 2)), [(2, 3), None, None]), (1, 2))
    assert naming.block(fn.slice_axes(U, [None, (4, 6)])) == "U[:, 4:6]"
    assert naming.block(fn.slice_axes(U, [(1, 2), None])) == "U[1, :]"
    assert naming.block(fn.reshape(U, (1, 3, 8))) == "U"
    assert naming.block(step) == "x[2]"
    assert naming.entry(step, (0, 1)) == "x[2, 1]"
    for other in (fn.transpose(U), fn.reshape(U, (8, 3)), U @ variable("V", (8, 1))):
        assert block_of(other) is None


def test_gates_have_products_of_their_own() -> None:
    h, U, b = variable("h", (1, 3)), variable("U", (3, 8)), variable("b", (8,))
    whole = fn.slice_axes(cr.tanh(h @ U + b), [None, (4, 6)])
    parts = blocks_first(whole)
    assert all(n.operation != "slice" or not n.inputs[0].inputs for n in topological_order([parts]))
    values = {each: DRAW.normal(size=sizes_of(each)) for each in (h, U, b)}
    found = [dict(evaluate([each], values))[each] for each in (whole, parts)]
    np.testing.assert_allclose(*found, rtol=1e-14)


def test_what_has_a_name_is_kept_whole() -> None:
    h = (variable("x", (1, 4)) * 2.0).named("h")
    part = fn.slice_axes(h, [None, (1, 2)])
    assert blocks_first(part) is part


def test_what_starts_from_zero_is_nothing() -> None:
    zero, U = fn.broadcast_to(0.0, (1, 3)), variable("U", (3, 8))
    assert is_nothing(fn.slice_axes(zero @ U, [None, (0, 2)]))
    assert is_nothing(zero * variable("f", (1, 3)))
    assert not is_nothing(zero + variable("f", (1, 3)))
    assert not is_nothing(U)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("kind", [cr.RNNClassifier, cr.LSTMClassifier, cr.GRUClassifier])
def test_what_a_recurrent_net_is_given_has_the_names_of_its_arrays(kind: Any, units: int) -> None:
    model = kind(units, random_state=0).partial_fit(S, SIGNS, classes=[0, 1])
    for parameter in ("W1[0, 0]", "b1[0]", "U1[0, 0]", "h1[0, 0]", "x[1, 1]"):
        work = model.explain(S[0], SIGNS[0], parameter)
        text = str(work)
        assert list(work.gradients) == [
            parameter if units > 1 else parameter.replace("h1[0, 0]", "h1[0]")
        ]
        assert work.chains[0].check.agrees
        for word in ("transpose", "at one place", "elsewhere", "pad(", "]["):
            assert word not in text, word
        values = {each.symbol: each.value for each in work.worksheet.given}
        for t, f in itertools.product(range(3), range(2)):
            assert values.get(f"x[{t}, {f}]", S[0, t, f]) == S[0, t, f]
        if parameter == "W1[0, 0]":
            assert "x[2, 0]" in values
        if parameter == "h1[0, 0]":
            assert "a1[2] is x[2]·W1 + b1, and likewise at each step." in work.worksheet.notes


def test_a_long_sequence_has_its_inputs_by_name() -> None:
    rows = DRAW.normal(size=(6, 9, 2))
    model = cr.RNNRegressor(2, random_state=0).partial_fit(rows, rows[:, 0, 0])
    text = str(model.explain(rows[0], rows[0, 0, 0], "W1[1, 0]"))
    assert "x[8, 1]·W1[1, 0]" in text
    assert "elsewhere" not in text


def test_a_unit_at_a_step_is_set_alike_with_and_without_its_place() -> None:
    model = cr.LSTMClassifier(3, random_state=0).partial_fit(S, SIGNS, classes=[0, 1])
    page = model.explain(S[0], SIGNS[0], "h1[1, 2]").to_html()
    assert "<msub><mi>h</mi><mn>1</mn></msub><mtext>[1, 2]</mtext>" in page
    assert "][" not in page.partition("<main")[2].partition("<script")[0]
