"""Activations: their values, their derivatives, and that none overflows on the way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

import chainrule as cr
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS

POINTS = np.array([-1000.0, -3.0, -0.5, -0.25, 0.0, 0.25, 0.5, 2.0, 1000.0])

# Written in plain Python, number by number: another way than the graph's.
FORMULAS = {
    "unit_step": lambda x: 0.0 if x < 0 else 0.5 if x == 0 else 1.0,
    "sign": lambda x: -1.0 if x < 0 else 0.0 if x == 0 else 1.0,
    "identity": lambda x: x,
    "linear": lambda x: x,
    "piecewise_linear": lambda x: 0.0 if x <= -0.5 else 1.0 if x >= 0.5 else x + 0.5,
    "logistic": lambda x: 1.0 / (1.0 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
    "tanh": math.tanh,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * float(scipy.stats.norm.cdf(x)),
    "silu": lambda x: x * FORMULAS["logistic"](x),
    "softplus": lambda x: x if x > 100 else math.log(1 + math.exp(x)),
}
FLAT = ("unit_step", "sign")
KINKS = {"relu": [0.0], "leaky_relu": [0.0], "piecewise_linear": [-0.5, 0.5]}


def value_and_slope(name, points, engine="reference"):
    x = cr.variable("x", ("rows",))
    out = ACTIVATIONS[name](x)
    (slope,) = cr.gradient(cr.sum(out), [x])
    return cr.compile([out, slope], inputs=[x], engine=engine)(points)


def test_every_activation_has_a_formula_here():
    assert ACTIVATIONS.keys() == FORMULAS.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_are_those_of_the_formula(name):
    out, _ = value_and_slope(name, POINTS)
    np.testing.assert_allclose(out, [FORMULAS[name](x) for x in POINTS], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_is_that_of_the_formula(name):
    points = np.array([x for x in POINTS if x not in KINKS.get(name, []) and abs(x) < 100])
    if name in FLAT:
        points = points[points != 0]
    _, slope = value_and_slope(name, points)
    h = 1e-6
    around = [(FORMULAS[name](x + h) - FORMULAS[name](x - h)) / (2 * h) for x in points]
    np.testing.assert_allclose(slope, around, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_far_out_values_and_slopes_are_finite(name):
    far = np.array([-1e4, -750.0, 750.0, 1e4])
    out, slope = value_and_slope(name, far)
    assert np.isfinite(out).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", FLAT)
def test_nothing_flows_back_through_a_step(name):
    _, slope = value_and_slope(name, POINTS)
    assert (slope == 0).all()


def test_softmax_gives_each_row_probabilities():
    x = cr.variable("x", ("rows", 3))
    values = np.array([[1000.0, 1000.0, 0.0], [-5.0, 0.0, 5.0]])
    (out,) = cr.compile(OUTPUT_ACTIVATIONS["softmax"](x), inputs=[x], engine="reference")(values)
    np.testing.assert_allclose(out.sum(axis=1), 1.0)
    np.testing.assert_allclose(out[0], [0.5, 0.5, 0.0], atol=1e-12)
