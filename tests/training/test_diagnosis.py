"""A loss that is not finite: which operation, which row, whose fault."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.registry import get_engine
from chainrule.errors import NonFiniteLossError
from chainrule.training.diagnosis import find_fault, find_fault_in_blocks
from chainrule.training.loop import Epochs, Plan, Progress
from chainrule.training.optimizers import SGD
from chainrule.training.step import Objective, training_step

X = cr.variable("X", ("rows", 2))
W = cr.variable("W1", (2,))


def train(losses, data, weights=(1.0, 1.0), rate=1e-12, order=None, max_epochs=2):
    """Train on fixed rows, five at a time, at a rate that leaves the weights as they are."""
    step = training_step(Objective(losses, (X,), (W,)), SGD())
    state = [np.array(weights)]
    engine = get_engine("reference")
    loop = engine.compile_step(step, "float64", [data], state, {"learning_rate": rate})
    plan = Plan(5, max_epochs, shuffle=False)
    Epochs(loop, plan, Progress(rate), np.random.RandomState(0), rows=order).run(warn=False)


def test_names_the_operation_its_operand_the_layer_and_the_row():
    data = np.ones((20, 2))
    data[13] = 500.0
    losses = cr.sum(cr.exp((X * W).named("h1_in")).named("h1_out"), 1)
    with pytest.raises(NonFiniteLossError) as caught:
        train(losses, data, weights=(1.0, 2.0))
    message = str(caught.value)
    assert "step 3 of epoch 1" in message
    assert "'exp', on the way to 'h1_out': exp(1000) = inf" in message
    assert "row 13 of the data" in message
    assert "The update was not made" in message
    assert "the rate is 1e-12" in message


def test_rows_are_named_as_they_lie_in_the_data():
    data = np.ones((20, 2))
    data[4, 0] = -1.0
    order = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    with pytest.raises(NonFiniteLossError, match=r"log\(-1\) = nan, for row 4 of the data"):
        train(cr.sum(cr.log(X * W), 1), data, order=order)


def test_a_parameter_that_was_not_finite_is_the_fault_of_the_update_before():
    losses = cr.sum(cr.square(X * W), 1)
    with pytest.raises(NonFiniteLossError) as caught:
        train(losses, np.full((5, 2), 1e100), rate=1e200)
    message = str(caught.value)
    assert "step 1 of epoch 2: W1[0] is -inf" in message
    assert "the update of the step before it produced that" in message


def test_data_that_is_not_finite_is_named():
    data = np.ones((5, 2))
    data[3, 1] = np.nan
    with pytest.raises(NonFiniteLossError, match=r"X\[3, 1\] is nan, for row 3 of the data"):
        train(cr.sum(X * W, 1), data)


def test_other_operations_say_how_large_their_operands_are():
    fault = find_fault(
        [cr.sum(cr.sum(X * W, 1))],
        {X: np.full((3, 2), 1e308), W: np.ones(2)},
        np.arange(3),
    )
    assert fault is not None
    assert fault.node.operation == "sum"
    assert "multiply (largest element 1e+308)" in fault.operands


def test_values_at_the_edge_that_the_reference_engine_can_hold_are_said_to_be_so():
    losses = cr.sum(X * W, 1)
    assert find_fault([losses], {X: np.ones((2, 2)), W: np.ones(2)}, np.arange(2)) is None


def test_blocks_name_the_row_of_the_whole_data():
    data = np.ones((20, 2))
    data[17] = -1.0
    losses = cr.sum(cr.log(X * W))
    fault = find_fault_in_blocks([losses], {X: data}, {W: np.ones(2)}, 6, "float64")
    assert fault is not None
    assert fault.row == 17
