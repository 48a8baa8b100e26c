"""Recurrent networks mean what their papers say: through time, both ways, without their padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.networks import cells
from chainrule.networks.losses import regression_loss
from chainrule.networks.recurrent import RecurrentNetwork
from tests.helpers.derivatives import check_derivatives
from tests.helpers.recurrent_networks import CELLS, LENGTHS, MASK, ROWS, Case, make_case

each_cell = pytest.mark.parametrize("cell", CELLS)


def near(actual: Any, expected: Any, message: str = "") -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12, err_msg=message)


# --- states and gradients ----------------------------------------------------------------


@each_cell
def test_both_engines_compute_the_same_states_and_gradients(cell: str) -> None:
    case = make_case(cell, layers=2, bidirectional=True, masked=True)
    near(case.states("native"), case.states())
    expected = case.gradients()
    for name, actual in case.gradients("native").items():
        near(actual, expected[name], name)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "rnn_relu"])
def test_gradients_are_what_differences_say(cell: str, masked: bool) -> None:
    case = make_case(cell, layers=2, bidirectional=True, masked=masked)
    weights = {node: case.weights[str(node.name)] for node in case.network.parameters}
    output = case.network.raw_output()
    check_derivatives(output, {**case.inputs, **weights}, order=1, tolerance=1e-7)


def test_a_gated_recurrent_unit_keeps_its_state_where_z_is_1() -> None:
    case = make_case("gru")
    gate = {"W1": np.zeros((2, 12)), "U1": np.zeros((4, 12)), "b1": np.repeat([0.0, 40.0, 9.0], 4)}
    states = replace(case, weights={**case.weights, **gate}).states()
    near(states, np.zeros_like(states))


@pytest.mark.parametrize("cell, letter", [("lstm", "f"), ("gru", "z")])
def test_a_gate_has_the_place_and_the_name_that_its_cell_gives_it(cell: str, letter: str) -> None:
    place = cells.CELLS[cell].gates.index(letter) * 4
    network = RecurrentNetwork(cell, 2, 4, 1, 1)
    assert f"the {letter} gate of unit 1 " in network.describe("W1", (0, place + 1))


# --- padding -----------------------------------------------------------------------------


@each_cell
@pytest.mark.parametrize("layers, bidirectional", [(1, False), (2, True)])
def test_a_padded_sequence_has_the_states_and_gradients_it_has_alone(
    cell: str, layers: int, bidirectional: bool
) -> None:
    case = make_case(cell, layers, bidirectional, masked=True)
    states, slopes = case.states(), case.gradients()
    alone = [case.alone(row) for row in range(ROWS)]
    own = [each.gradients() for each in alone]
    for row, each in enumerate(alone):
        near(states[: LENGTHS[row], row], each.states()[:, 0])
        by_X = slopes["X"][row]
        near(by_X[: LENGTHS[row]], own[row]["X"][0])
        near(by_X[LENGTHS[row] :], 0.0)
    for name in slopes.keys() - {"X"}:
        near(slopes[name], sum(each[name] for each in own), name)


def test_padding_that_leaks_is_noticed() -> None:
    case = make_case("lstm", bidirectional=True, masked=True)
    leaking = replace(case, inputs={**case.inputs, case.network.mask: np.ones_like(MASK)})
    assert not np.allclose(leaking.states()[0, 1], case.states()[0, 1])
    assert not np.allclose(leaking.gradients()["U1_back"], case.gradients()["U1_back"])


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_what_is_pooled_of_a_padded_sequence_is_what_is_pooled_of_it_alone(
    pooling: Any, bidirectional: bool
) -> None:
    case = make_case("gru", bidirectional=bidirectional, masked=True)
    case = replace(case, network=replace(case.network, pooling=pooling))
    # Far below 0, so that a largest value of 0 could only come from padding.
    case = replace(case, weights={**case.weights, "b1": case.weights["b1"] - 3.0})
    together = case.states()
    states = replace(case, network=replace(case.network, pooling="each")).states()
    for row in range(ROWS):
        near(together[row], case.alone(row).states()[0])
        own = states[: LENGTHS[row], row]
        pooled = {"last": own[-1], "mean": own.mean(0), "max": own.max(0)}[pooling]
        forward = slice(4 if pooling == "last" else None)  # backward, the last step is the first
        near(together[row, forward], pooled[forward])


def test_the_loss_of_a_padded_sequence_is_the_mean_over_its_own_steps() -> None:
    case = make_case("lstm", masked=True)
    y, losses = case.network.row_losses(regression_loss("squared_error"))
    targets = np.random.default_rng(5).normal(size=(ROWS, 6, 4))
    together = replace(case, inputs={**case.inputs, y: targets}).run([losses])[0]
    for row in range(ROWS):
        one = case.alone(row)
        y, losses = one.network.row_losses(regression_loss("squared_error"))
        own = {**one.inputs, y: targets[[row], : LENGTHS[row]]}
        near(together[row], replace(one, inputs=own).run([losses])[0][0])


# --- going on ----------------------------------------------------------------------------


def halves(case: Case) -> tuple[Case, Case]:
    """The case up to its third step; and from there on, from states of zeros."""
    X = case.inputs[case.network.X]
    network = case.network.continuing()
    start = {node: np.zeros((ROWS, 4)) for node in network.start}
    parts = [{network.X: X[:, :3], **start}, {network.X: X[:, 3:], **start}]
    return tuple(replace(case, network=network, inputs=each) for each in parts)  # type: ignore[return-value]


@each_cell
@pytest.mark.parametrize("engine", ["reference", "native"])
def test_going_on_from_the_last_states_is_running_the_whole_sequence(
    cell: str, engine: str
) -> None:
    case = make_case(cell, layers=2)
    first, second = halves(case)
    carried = first.run(first.network.last_states(), engine)
    start = dict(zip(second.network.start, carried, strict=True))
    second = replace(second, inputs={**second.inputs, **start})
    whole = replace(case, network=replace(case.network, pooling="last"))
    near(second.states(engine), whole.states())
    for ours, theirs in zip(
        second.run(second.network.last_states(), engine),
        case.run(case.network.last_states()),
        strict=True,
    ):
        near(ours, theirs)


def test_the_states_that_are_carried_are_each_sequences_own_last_ones() -> None:
    case = make_case("lstm", masked=True)
    states = case.run(case.network.last_states())
    assert len(states) == 2
    for row in range(ROWS):
        one = case.alone(row)
        for ours, alone in zip(states, one.run(one.network.last_states()), strict=True):
            near(ours[row], alone[0])


# --- first weights -----------------------------------------------------------------------


def first_weights(cell: str) -> dict[str, Any]:
    network = RecurrentNetwork(cell, 3, 5, 2, 2, bidirectional=True)
    arrays = network.initial_parameters(np.random.RandomState(0), np.float32)
    for node, array in zip(network.parameters, arrays, strict=True):
        assert array.shape == node.shape
        assert array.dtype == np.float32
    return {str(node.name): array for node, array in zip(network.parameters, arrays, strict=True)}


def test_the_forget_gate_starts_with_a_bias_of_1_and_nothing_else_has_one() -> None:
    weights = first_weights("lstm")
    for name in ("b1", "b1_back", "b2", "b2_back"):
        np.testing.assert_array_equal(weights[name], np.repeat([0.0, 1.0, 0.0, 0.0], 5))
    assert not weights["d"].any()
    for cell in ("rnn_tanh", "gru", "gru_reset_before"):
        biases = [each for name, each in first_weights(cell).items() if each.ndim == 1]
        assert not any(each.any() for each in biases)


@each_cell
def test_each_gates_recurrent_weights_start_orthogonal_and_its_input_weights_in_glorots_range(
    cell: str,
) -> None:
    weights = first_weights(cell)
    gates = len(cells.CELLS[cell].gates)
    for name, array in weights.items():
        if name.startswith("U"):
            for block in np.split(array, gates, axis=1):
                np.testing.assert_allclose(block.T @ block, np.eye(5), atol=1e-5)
        elif array.ndim == 2:
            outputs = array.shape[1] // (1 if name == "V" else gates)
            bound = np.sqrt(6.0 / (array.shape[0] + outputs))
            assert 0.5 * bound < np.abs(array).max() <= bound


# --- what the graph looks like -----------------------------------------------------------


def test_dropout_draws_between_layers_and_before_the_output_in_training_only() -> None:
    network = RecurrentNetwork("gru", 2, 4, 3, 1, dropout=0.5)
    assert "uniform" not in cr.format_graph([network.raw_output()])
    text = cr.format_graph([network.raw_output(training=True)])
    streams = {line.split("stream=")[1][0] for line in text.splitlines() if "stream=" in line}
    assert len(streams) == 3
