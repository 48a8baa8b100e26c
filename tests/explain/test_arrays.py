"""Graphs of matrices: shapes, small arrays in full, the corners of large ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.explain.array_text import array_text
from chainrule.explain.derivation import Derivation
from chainrule.graph.node import Node, variable
from chainrule.notation.formula_text import formula_text, number_text


def layer() -> Node:
    inputs, weights = variable("X", ("rows", 3)), variable("W", (3, 2))
    outputs = cr.tanh((inputs @ weights + variable("b", (2,))).named("Z")).named("H")
    return cr.mean(cr.square(outputs - variable("y", ("rows", 2)))).named("loss")


def worked() -> Derivation:
    rng = np.random.default_rng(0)
    return cr.explain(
        layer(),
        X=rng.normal(size=(4, 3)),
        W=rng.normal(size=(3, 2)),
        b=[0.1, -0.2],
        y=rng.normal(size=(4, 2)),
        wrt=["W", "b"],
    )


def test_the_rule_of_each_step_back_is_written_with_matrices() -> None:
    rules = {
        (step.symbol, use.by): formula_text(use.rule)
        for step in worked().backward
        for use in step.uses
    }
    assert rules["W", "a"] == "Xᵀ·∂loss/∂a"
    assert rules["b", "Z"] == "Σ_rows(∂loss/∂Z)"
    assert rules["Z", "H"] == "∂loss/∂H ⊙ tanh′(Z)"
    assert rules["c", "g"] == "2·∂loss/∂g ⊙ c"


def test_gradients_of_arrays_are_arrays_and_are_checked() -> None:
    work = worked()
    assert {name: np.shape(each) for name, each in work.gradients.items()} == {
        "W": (3, 2),
        "b": (2,),
    }
    assert all(chain.check.agrees for chain in work.chains)
    assert all(not chain.paths for chain in work.chains)


def test_the_derivative_of_a_layer_is_one_formula() -> None:
    (form,) = worked().chains[0].closed_forms
    assert formula_text(form.formula) == "Xᵀ·((tanh(X·W + b) − y) ⊙ tanh′(X·W + b)/rows)"


def test_small_arrays_are_printed_below_their_step() -> None:
    text = str(worked())
    assert "X = 4×3\n    [ 0.1257  −0.1321   0.6404 ]\n" in text
    assert "b = 2 numbers\n    [ 0.1  −0.2 ]\n" in text


def test_large_arrays_show_their_corners() -> None:
    lines = array_text(np.arange(200.0).reshape(20, 10), number_text)
    assert lines == [
        "[   0    1  …    8    9 ]",
        "[  10   11  …   18   19 ]",
        "[   …    …       …    … ]",
        "[ 180  181  …  188  189 ]",
        "[ 190  191  …  198  199 ]",
    ]
    assert array_text(np.zeros((2, 2, 2)), number_text) == []
    assert array_text(np.zeros((0, 2)), number_text) == []
    assert array_text(np.array([True, False]), number_text) == ["[ 1  0 ]"]


def test_a_scalar_chain_may_pass_sums_over_arrays() -> None:
    x = variable("x", (3,))
    work = cr.explain(cr.exp(cr.sum(x * variable("w")).named("s")), x=[1, 2, 3], w=0.1, wrt="w")
    (path,) = work.chains[0].paths
    assert [f"∂{each.of}/∂{each.by}" for each in path.factors] == ["∂f/∂s", "∂s/∂w"]
    assert [formula_text(each.slope) for each in path.factors if each.slope] == ["e^s", "Σ(x)"]
    assert path.product == pytest.approx(float(work.gradients["w"]))


def test_a_loop_over_time_is_one_step() -> None:
    x, w = variable("x", (3,)), variable("w")

    def step(carried: list[Node], slices: list[Node]) -> tuple[list[Node], list[Node]]:
        state = cr.tanh(w * carried[0] + slices[0])
        return [state], [state]

    (states,) = cr.scan(step, [variable("h0")], [x])
    work = cr.explain(cr.sum(states), h0=0.1, w=0.5, x=[1, 2, 3])
    assert all(chain.check.agrees for chain in work.chains)
    for each in work.backward:
        total = sum(np.asarray(use.product) for use in each.uses)
        if each.uses:
            np.testing.assert_allclose(total, each.gradient, rtol=1e-12)
    assert "back_through_time" in str(work)


def test_a_wide_network_is_explained_by_one_of_its_matrices() -> None:
    rng = np.random.default_rng(0)
    sizes = [50, 40, 30, 5]
    hidden, values = variable("X", ("rows", sizes[0])), {"X": rng.normal(size=(4, sizes[0]))}
    for depth, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        values[f"W{depth}"] = rng.normal(size=(n_in, n_out)) / 10
        hidden = cr.relu((hidden @ variable(f"W{depth}", (n_in, n_out))).named(f"H{depth}"))
    work = cr.explain(cr.mean(hidden), values, wrt="W2")
    symbols = [step.symbol for step in work.backward]
    assert "W2" in symbols
    assert not {"W1", "W3", "H1"} & set(symbols)
    assert work.chains[0].check.agrees
    assert len(str(work)) < 20_000
