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
    assert "e^h1_in is the first operation" in message
    assert "e^1000 = ∞, on the way to h1_out" in message
    assert "row 13 of the data" in message
    assert "The update was not made" in message
    assert "the rate is 1e-12" in message


def test_rows_are_named_as_they_lie_in_the_data():
    data = np.ones((20, 2))
    data[4, 0] = -1.0
    order = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    with pytest.raises(NonFiniteLossError, match=r"log\(−1\) = no number, for row 4 of the data"):
        train(cr.sum(cr.log(X * W), 1), data, order=order)


def test_a_parameter_that_was_not_finite_is_the_fault_of_the_update_before():
    losses = cr.sum(cr.square(X * W), 1)
    with pytest.raises(NonFiniteLossError) as caught:
        train(losses, np.full((5, 2), 1e100), rate=1e200)
    message = str(caught.value)
    assert "step 1 of epoch 2: W1[0] = −∞" in message
    assert "the update of the step before it produced that" in message


def test_data_that_is_not_finite_is_named():
    data = np.ones((5, 2))
    data[3, 1] = np.nan
    with pytest.raises(NonFiniteLossError, match=r"X\[1\] = no number, for row 3 of the data"):
        train(cr.sum(X * W, 1), data)


def test_other_operations_say_how_large_their_operands_are():
    fault = find_fault(
        [cr.sum(cr.sum(X * W, 1))],
        {X: np.full((3, 2), 1e308), W: np.ones(2)},
        np.arange(3),
    )
    assert fault is not None
    assert fault.node.operation == "sum"
    assert "multiply (largest entry 10³⁰⁸)" in fault.numbers


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


def test_the_chain_goes_back_through_the_layers_to_the_heaviest_value():
    V = cr.variable("W2", (2, 1))
    hidden = cr.tanh((X * 2.0).named("h1_in")).named("h1_out")
    output = (hidden @ V).named("output")
    data = np.array([[0.1, 0.2], [0.3, -5.0]])
    values = {X: data, V: np.array([[0.1], [1.0]])}
    fault = find_fault([cr.sum(cr.log(output))], values, np.array([0, 7]))
    assert fault is not None
    assert (fault.row, fault.feature) == (7, 1)
    assert [str(link) for link in fault.chain] == [
        "X[1] = −5",
        "h1_in[1] = X·2 = −10",
        "h1_out[1] = tanh(h1_in) = −1",
        "output[0] = h1_out·W2 = −0.9463",
    ]


def test_the_chain_follows_moved_and_summed_values():
    moved = cr.transpose(cr.concatenate([X, -X], 1))
    total = cr.sum(moved, 0).named("total")
    fault = find_fault([cr.log(total)], {X: np.array([[1.0, -3.0], [2.0, 2.0]])}, np.arange(2))
    assert fault is not None
    assert str(fault.chain[-1]) == "total = Σ_0((X, −X)ᵀ) = 0"
    assert fault.chain[0].node is X


def test_a_parameter_that_is_too_large_ends_the_chain():
    W2 = cr.variable("W2", (2, 1))
    fault = find_fault(
        [cr.exp(X @ W2)], {X: np.ones((1, 2)), W2: np.array([[0.1], [1e9]])}, np.arange(1)
    )
    assert fault is not None
    assert str(fault.chain[0]) == "W2[1, 0] = 10⁹"
    assert fault.feature is None


def test_the_denominator_is_to_blame_and_the_branch_that_was_taken():
    num, den = (X * 3.0).named("num"), cr.maximum(X, 0.0).named("den")
    fault = find_fault([(num / den).named("ratio")], {X: np.array([[5.0, -7.0]])}, np.arange(1))
    assert fault is not None
    assert fault.chain[-1].symbol == "den[1]"
    least = cr.minimum((X * 2.0).named("double"), cr.square(X).named("square"))
    fault = find_fault([cr.log(least)], {X: np.array([[3.0, 0.0]])}, np.arange(1))
    assert fault is not None
    assert fault.chain[-1].symbol == "double[1]"
    chosen = cr.select(X < 1.0, cr.square(X).named("small"), (100.0 * X).named("large"))
    fault = find_fault([cr.log(chosen)], {X: np.array([[0.0, 3.0]])}, np.arange(1))
    assert fault is not None
    assert fault.feature == 0
