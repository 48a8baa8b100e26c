"""Without activations a network is one matrix and one bias, and with them it is not (N4)."""

from __future__ import annotations

import itertools
import json
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.networks.activations import ACTIVATIONS

Array = npt.NDArray[np.float64]

BENT = sorted(set(ACTIVATIONS) - {"identity", "linear"})


def parameters(sizes: list[int], seed: int = 0, whole: bool = False) -> tuple[list[Array], ...]:
    rng = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> Array:
        return rng.integers(-5, 6, shape).astype(float) if whole else rng.normal(size=shape)

    return [draw(pair) for pair in itertools.pairwise(sizes)], [draw((n,)) for n in sizes[1:]]


def test_two_layers_worked_by_hand() -> None:
    one = cr.collapse([[[1, 2], [3, 4]], [[5], [6]]], [[1, 1], [2]])
    np.testing.assert_array_equal(one.W, [[1 * 5 + 2 * 6], [3 * 5 + 4 * 6]])
    np.testing.assert_array_equal(one.b, [1 * 5 + 1 * 6 + 2])
    assert one.holds
    assert one.agrees
    assert one.difference == 0.0
    text = str(one)
    assert "2 → 2 → 1 without activations: one layer" in text
    assert "✓ The outputs of the network and of the one layer are equal to the last digit." in text


@given(st.lists(st.integers(1, 6), min_size=2, max_size=6), st.integers(0, 1000))
def test_with_whole_numbers_the_one_layer_is_exact(sizes: list[int], seed: int) -> None:
    weights, biases = parameters(sizes, seed, whole=True)
    one = cr.collapse(weights, biases)
    assert one.difference == 0.0
    np.testing.assert_array_equal(one.W, np.linalg.multi_dot([*weights, np.eye(sizes[-1])]))


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=6),
    st.integers(1, 5),
    st.integers(0, 1000),
    st.sampled_from(["identity", "linear"]),
)
def test_the_one_layer_has_the_outputs_of_the_network(
    sizes: list[int], rows: int, seed: int, activation: str
) -> None:
    weights, biases = parameters(sizes, seed)
    X = np.random.default_rng(seed + 1).normal(size=(rows, sizes[0]))
    one = cr.collapse(weights, biases, activation, X)
    assert one.agrees
    form = cr.matrix_form(X, weights, biases, activation)
    np.testing.assert_array_equal(one.output.value, form.layers[-1].Z.value)
    np.testing.assert_allclose(X @ one.W + one.b, one.output.value, rtol=1e-9, atol=1e-9)
    single = cr.matrix_form(X, one.W, one.b)
    np.testing.assert_array_equal(one.product_output, single.layers[0].Z.value)


@pytest.mark.parametrize("activation", BENT)
@pytest.mark.parametrize("with_biases", [True, False])
def test_an_activation_is_refused_with_numbers_that_prove_it(
    activation: str, with_biases: bool
) -> None:
    weights, biases = parameters([3, 6, 2])
    biases = [with_biases * each for each in biases]
    refused = cr.collapse(weights, biases, activation)
    assert not refused.holds
    assert not refused.agrees
    assert refused.difference > 0.0
    halfway = refused.halfway
    assert halfway is not None

    def output(x: Array) -> Array:
        return cr.matrix_form([x], weights, biases, activation).layers[-1].Z.value[0]

    middle = output((halfway.x1 + halfway.x2) / 2)
    mean = (output(halfway.x1) + output(halfway.x2)) / 2
    np.testing.assert_allclose(halfway.value, middle, atol=1e-14)
    np.testing.assert_allclose(halfway.mean, mean, atol=1e-14)
    assert halfway.difference == np.abs(halfway.value - halfway.mean).max() > 1e-6
    for name in ("W", "b"):
        with pytest.raises(cr.FormulaError, match=f"{activation} stands after layer 1, and"):
            getattr(refused, name)
    text = str(refused)
    assert f"✗ {activation} stands after layer 1, and it is not linear" in text
    assert f"Without {activation} the outputs are others" in text
    assert "✗ The two differ by" in text


@pytest.mark.parametrize(
    ("n_layers", "words"),
    [(2, "after layer 1,"), (3, "after layers 1 and 2,"), (5, "after layers 1 to 4,")],
)
def test_it_is_said_after_which_layers_the_activation_stands(n_layers: int, words: str) -> None:
    assert words in cr.collapse(*parameters([2] * (n_layers + 1)), "tanh").reason


def test_a_single_layer_is_one_matrix_whatever_the_activation_of_hidden_layers() -> None:
    one = cr.collapse([[1.0], [2.0]], [3.0], "relu")
    assert one.holds
    np.testing.assert_array_equal(one.W, [[1.0], [2.0]])


def test_where_relu_bends_nothing_it_is_refused_all_the_same() -> None:
    # Large biases: at the rows compared, and in all directions for a while, relu passes all on.
    weights, biases = [np.eye(2), np.ones((2, 1))], [np.full(2, 50.0), np.zeros(1)]
    refused = cr.collapse(weights, biases, "relu")
    assert not refused.holds
    assert refused.agrees
    assert "At these rows the outputs are equal: relu changes nothing there." in str(refused)
    # It is bent farther out.
    assert refused.halfway is not None
    assert np.abs(refused.halfway.x1).max() == 100.0
    # A network that does not depend on its input is bent nowhere.
    flat = cr.collapse([np.zeros((2, 2)), np.ones((2, 1))], biases, "relu")
    assert not flat.holds
    assert flat.halfway is None
    assert "No two points were found" in str(flat)
    with pytest.raises(cr.FormulaError, match="not one matrix"):
        _ = flat.W


def test_layers_become_one_step_by_step() -> None:
    weights, biases = parameters([2, 3, 4, 1])
    one = cr.collapse(weights, biases)
    assert [str(each.W.name) for each in one.folds] == ["Symbol(name='W1to2')", "Symbol(name='W')"]
    np.testing.assert_allclose(one.folds[0].W.value, weights[0] @ weights[1])
    np.testing.assert_allclose(one.folds[0].b.value, biases[0] @ weights[1] + biases[1])
    np.testing.assert_allclose(one.W, weights[0] @ weights[1] @ weights[2])


def test_data_html_and_the_outputs_compared() -> None:
    weights, biases = parameters([2, 3, 1])
    one, refused = cr.collapse(weights, biases, X=[[1, 2]]), cr.collapse(weights, biases, "relu")
    plain = json.loads(json.dumps(one.to_dict()))
    assert plain["W"] == one.W.tolist()
    assert plain["halfway"] is None
    plain = json.loads(json.dumps(refused.to_dict()))
    assert plain["W"] is None
    assert set(plain["halfway"]) == {"x1", "x2", "value", "mean"}
    assert (repr(one), repr(refused)) == (
        "<Collapse of 2-3-1: one matrix>",
        "<Collapse of 2-3-1: refused>",
    )
    assert "not one layer" in refused.to_html()
    assert "one layer" in one._repr_html_()
    # Zero, the unit vectors, and their opposites.
    assert refused.X.value.tolist() == [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]
    assert one.X.value.tolist() == [[1, 2]]


def test_input_that_does_not_fit_is_refused() -> None:
    weights, biases = parameters([2, 3, 1])
    with pytest.raises(cr.ShapeError, match="X is 1×3 and W1 is 2×3"):
        cr.collapse(weights, biases, X=[[1, 2, 3]])
    with pytest.raises(cr.FormulaError, match="no activation 'softmax'"):
        cr.collapse(weights, biases, "softmax")
    with pytest.raises(cr.DataError, match="too large"):
        cr.collapse([1e200 * each for each in weights], biases)


def test_the_failing_side_a_linear_network_cannot_tell_a_ring_from_the_rest() -> None:
    # L7 (b) of the lecture: 1 ≤ L2 norm ≤ 2 against the rest.
    points = np.random.default_rng(0).uniform(-3, 3, size=(600, 2))
    norm = np.hypot(*points.T)
    inside = (norm >= 1) & (norm <= 2)
    scores = {}
    for activation in ("identity", "tanh"):
        model = cr.MLPClassifier(
            (12, 12), activation, solver="lbfgs", max_iter=400, random_state=0, alpha=1e-4
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores[activation] = model.fit(points, inside).score(points, inside)
        found = model.collapse(points)
        assert found.holds == (activation == "identity")
    most = max(inside.mean(), 1 - inside.mean())
    assert scores["identity"] < most + 0.05
    assert scores["tanh"] > 0.95
