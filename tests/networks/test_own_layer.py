"""A layer of the user's own is a function; what it may not do is refused in plain words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.networks.stack import Stack

X = np.random.default_rng(0).normal(size=(6, 3))


def test_parameters_have_the_shapes_and_first_values_that_are_asked_for() -> None:
    layer = cr.Layer(
        lambda x, W, slope, offset: slope * (x @ W) + offset,
        parameters={"W": ("features", 2), "slope": (2,), "offset": ()},
        first={"slope": 0.5},
        name="ramp",
    )
    stack = Stack(3, (layer,), 1)
    assert [(node.name, node.shape) for node in stack.parameters[:3]] == [
        ("W1", (3, 2)),
        ("slope1", (2,)),
        ("offset1", ()),
    ]
    W, slope, offset, *_ = stack.first_values(np.random.RandomState(0), np.float64)
    assert 0 < np.abs(W).max() <= np.sqrt(6 / 5)
    np.testing.assert_array_equal(slope, [0.5, 0.5])
    np.testing.assert_array_equal(offset, 0.0)
    assert [node.name for node in stack.weights] == ["W1", "W2"]  # of one's own, matrices


def test_a_function_without_parameters_is_not_counted_among_layers() -> None:
    stack = Stack(3, (cr.Layer(cr.cos), cr.Dense(2)), 1)
    assert [node.name for node in stack.parameters] == ["W1", "b1", "W2", "b2"]
    told = "the weight from unit 2 of cos to unit 0 of hidden layer 1"
    assert stack.describe("W1", (2, 0)) == told
    (values,) = cr.compile(stack.built().hidden[0], [stack.X], engine="reference")(X)
    np.testing.assert_allclose(values, np.cos(X))


def test_one_that_gives_back_its_input_changes_nothing() -> None:
    stack = Stack(3, (cr.Layer(lambda x: x, name="same"),), 1)
    assert stack.built().hidden == (stack.X,)


def test_parameters_may_be_given_in_any_form_that_says_the_same() -> None:
    def f(x: Any, a: Any) -> Any:
        return x * a

    one = cr.Layer(f, {"a": "features"}, {"a": 1})
    assert one == cr.Layer(f, (("a", ("features",)),), first={"a": 1.0})
    assert repr(one) == "Layer(f, parameters={'a': ('features',)}, first={'a': 1.0})"


@pytest.mark.parametrize(
    "function, parameters, message",
    [
        (lambda x: cr.sum(x, 1), {}, r"must return a node of shape \(rows, n\).*\(rows,\)"),
        (lambda x: x @ cr.transpose(x), {}, r"must return a node of shape \(rows, n\)"),
        (lambda x: cr.mean(x, 0, keepdims=True), {}, r"must return a node of shape"),
        (lambda x: x - cr.mean(x, 0), {}, r"mixes rows.*axis 1"),
        (lambda x: x @ cr.transpose(x) @ x, {}, r"mixes rows"),
        (lambda x: None, {}, r"must return a node, but it returned None"),
        (lambda x: x + cr.uniform(x.shape, 1), {}, r"draws random numbers.*Dropout"),
        (lambda x: x * cr.variable("k"), {}, r"reads 'k', which nobody gives"),
        (lambda x, W: x @ W, {"W": (5, 2)}, r"cannot be built: .*\(rows, 3\)"),
        (lambda x: x, {"W": (3, 2)}, r"must take \(x, W\)"),
        (lambda x, W, b: x @ W + b, {"W": (3, 2)}, r"must take \(x, W\)"),
    ],
)
def test_what_is_no_layer_of_a_network_is_refused(
    function: Any, parameters: Any, message: str
) -> None:
    layer = cr.Layer(function, parameters, name="mine")
    with pytest.raises(ValueError, match=rf"(?s)layers\[1\], Layer\(.*\): .*{message}"):
        Stack(3, (cr.Dropout(0.1), layer), 1).built()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"function": "sin"}, "function must be a function of nodes"),
        ({"function": cr.sin, "name": "my layer"}, "name must be a word"),
        ({"function": cr.sin, "parameters": {"W1": (2,)}}, "cannot end in a digit: call it 'W'"),
        ({"function": cr.sin, "parameters": {"scale": (2,)}}, "those of normalisations"),
        ({"function": cr.sin, "parameters": {"W": ("rows", 2)}}, "'features', as in"),
        ({"function": cr.sin, "parameters": {"W": (0, 2)}}, "whole numbers of 1 or more"),
        ({"function": cr.sin, "parameters": "W"}, "parameters must be a dict"),
        ({"function": cr.sin, "first": {"W": 1.0}}, "'W', which is not among the parameters"),
        ({"function": cr.sin, "parameters": {"W": (2,)}, "first": {"W": "1"}}, "must be a number"),
    ],
)
def test_a_description_that_cannot_be_is_refused_when_it_is_made(
    arguments: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cr.Layer(**arguments)
