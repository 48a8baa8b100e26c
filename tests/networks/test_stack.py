"""A list of layers as a graph: names, sizes, first values; and faults that name their place."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.traversal import topological_order
from chainrule.networks.layer_kind import check_layers
from chainrule.networks.mlp import MLP
from chainrule.networks.stack import Stack


def named(stack: Stack, training: bool = False) -> list[str]:
    output = stack.built(training=training).raw_output
    return [node.name for node in topological_order([output]) if node.name]


def waves(x: Any, W: Any) -> Any:
    return cr.sin(x @ W)


BLOCK = cr.Residual([cr.Dense(4, "relu"), cr.Dense(4)])
ALL = (
    cr.Dense(4),
    cr.BatchNorm(),
    cr.Activation("tanh"),
    cr.Dropout(0.2),
    cr.GaussianNoise(0.1),
    BLOCK,
    cr.LayerNorm(),
    cr.Layer(waves, {"W": ("features", 3)}),
)


def test_layers_with_weights_are_counted_and_what_follows_belongs_to_them() -> None:
    assert [node.name for node in Stack(5, ALL, 2).parameters] == [
        *("W1", "b1", "scale1", "shift1", "W2", "b2", "W3", "b3", "scale3", "shift3"),
        *("W4", "W5", "b5"),
    ]
    assert [node.name for node in Stack(5, ALL, 2).statistics] == [
        "running_mean1",
        "running_variance1",
    ]
    assert [name for name in named(Stack(5, ALL, 2)) if name.startswith(("h", "out"))] == [
        *("h1_in", "h1_hat", "h1_norm", "h1_out", "h2_in", "h2_out", "h3_in", "h3_sum"),
        *("h3_hat", "h3_norm", "h4_out", "output"),
    ]


def test_no_two_nodes_have_the_same_name() -> None:
    twice = (cr.Dense(3, "relu"), cr.LayerNorm(), cr.LayerNorm(), cr.Activation("relu"))
    names = named(Stack(2, (*twice, cr.Dropout(0.5), cr.Dropout(0.5)), 1), training=True)
    assert len(set(names)) == len(names)


def test_a_perceptron_is_a_stack_node_for_node() -> None:
    perceptron = MLP((5, 4, 3, 2), "tanh", "identity", dropout=0.25)
    layers = (cr.Dense(4, "tanh"), cr.Dropout(0.25), cr.Dense(3, "tanh"), cr.Dropout(0.25))
    stack = Stack(5, layers, 2)
    # Nodes are interned: equal graphs are one object.
    assert stack.built(training=True).raw_output is perceptron.raw_output(stack.X, training=True)


def test_draws_take_part_in_training_only_and_each_has_its_own_stream() -> None:
    layers = (cr.GaussianNoise(1.0), cr.Dropout(0.1), cr.GaussianNoise(0.5), cr.Dropout(0.2))

    def streams(training: bool) -> list[int]:
        order = topological_order([Stack(3, layers, 1).built(training=training).raw_output])
        return [node.attributes["stream"] for node in order if node.operation == "uniform"]

    assert streams(training=False) == []
    assert len(set(streams(training=True))) == 6  # normal draws need two each
    still = Stack(3, (cr.Dropout(0.0), cr.GaussianNoise(0.0)), 1)
    assert "uniform" not in {
        node.operation for node in topological_order([still.built(training=True).raw_output])
    }


def test_noise_has_the_spread_that_is_asked_for() -> None:
    stack = Stack(50, (cr.GaussianNoise(0.3),), 1)
    (noisy,) = stack.built(training=True).hidden
    (values,) = cr.compile(noisy, [stack.X], engine="reference")(np.ones((400, 50)), seed=3)
    np.testing.assert_allclose([values.mean(), values.std()], [1.0, 0.3], atol=0.01)


def test_a_residual_block_adds_what_its_layers_make() -> None:
    stack = Stack(4, (BLOCK,), 1)
    values = stack.first_values(np.random.RandomState(0), np.float64)
    W1, b1, W2, b2, *_ = values
    X = np.random.default_rng(0).normal(size=(6, 4))
    f = cr.compile(stack.built().hidden[0], [stack.X, *stack.parameters], engine="reference")
    (actual,) = f(X, *values)
    np.testing.assert_allclose(actual, X + np.maximum(X @ W1 + b1, 0) @ W2 + b2)


def test_parameters_are_told_in_words() -> None:
    stack = Stack(5, ALL, 2)
    assert stack.describe("W2", (3, 1)) == (
        "the weight from unit 3 of hidden layer 1 to unit 1 of hidden layer 2"
    )
    assert stack.describe("b1", (0,)) == "the bias of unit 0 of hidden layer 1"
    assert stack.describe("scale3", (2,)) == "the scale of unit 2 of hidden layer 3"
    assert stack.describe("W4", (0, 2)) == "entry 0, 2 of W of waves, layer 4"
    assert stack.describe("W5", (2, 1)) == "the weight from unit 2 of hidden layer 4 to output 1"


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_a_layer_is_plain_data(layer: Any) -> None:
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other == layer
        assert hash(other) == hash(layer)
    assert all(layer != other for other in ALL if other is not layer)
    assert eval(repr(layer), {**vars_of_chainrule(), "waves": waves}) == layer
    with pytest.raises(AttributeError):
        layer.units = 3


def vars_of_chainrule() -> dict[str, Any]:
    return {name: getattr(cr, name) for name in ("Residual", "Dense", *map(kind, ALL))}


def kind(layer: Any) -> str:
    return type(layer).__name__


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: cr.Dense(0), r"Dense: units must be a whole number of 1 or more.*got 0"),
        (lambda: cr.Dense(2.0), r"Dense: units must be a whole number"),
        (lambda: cr.Dense(True), r"Dense: units must be a whole number"),
        (lambda: cr.Dense(8, "rellu"), r"no activation 'rellu'. Did you mean 'relu'\?"),
        (lambda: cr.Dense(8, bias="no"), r"Dense: bias must be True or False"),
        (lambda: cr.Activation(cr.sin), r"no activation .*chainrule.Layer\(function\)"),
        (lambda: cr.Activation(None), r"Activation: there is no activation None"),
        (lambda: cr.Dropout(1.0), r"Dropout: rate must be below 1"),
        (lambda: cr.Dropout(-0.1), r"Dropout: rate must be a number from 0"),
        (lambda: cr.Dropout(20), r"Dropout: rate must be a number from 0"),
        (lambda: cr.GaussianNoise(float("nan")), r"GaussianNoise: scale must be a finite"),
        (lambda: cr.BatchNorm(momentum=0), r"BatchNorm: momentum must be above 0"),
        (lambda: cr.BatchNorm(epsilon=0), r"BatchNorm: epsilon must be a small number"),
        (lambda: cr.LayerNorm("small"), r"LayerNorm: epsilon must be a small number"),
        (lambda: cr.Residual([]), r"Residual: layers holds none"),
        (lambda: cr.Residual([3]), r"Residual: layers\[0\] is no layer.*Dense\(3, 'relu'\)"),
        (lambda: cr.Residual(cr.Dense(3)), r"Residual: layers must be a list of layers"),
    ],
)
def test_a_value_that_cannot_be_is_refused_when_the_layer_is_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "layers, message",
    [
        ([cr.Dense(3), cr.Dropout], r"layers\[1\] is no layer.*Dropout\(\.\.\.\), with its"),
        ([cr.Dense(3), 64], r"layers\[1\] is no layer, but 64.*Dense\(64, 'relu'\)"),
        ([cr.sin], r"layers\[0\] is no layer.*chainrule.Layer\(function\)"),
        (["relu"], r"layers\[0\] is no layer, but 'relu'"),
        ("relu", r"layers must be a list of layers"),
        (cr.Dense(3), r"layers must be a list of layers"),
        (3, r"layers must be a list of layers"),
    ],
)
def test_what_is_no_layer_is_refused_with_its_place(layers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_layers(layers, "layers")


@pytest.mark.parametrize(
    "layers, message",
    [
        (
            (cr.Dense(8), cr.Residual([cr.Dense(4)])),
            r"layers\[1\], Residual.*given 8 units and its layers make 4.*Dense\(8\)",
        ),
        (
            (cr.Residual([cr.Dense(1), cr.LayerNorm()]),),
            r"layers\[0\]\.layers\[1\], LayerNorm\(\): it is given a single unit",
        ),
    ],
)
def test_layers_that_do_not_fit_are_refused_with_their_place(layers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stack(5, layers, 2).built()
