"""The printed equations are those of a graph, and the graph is the network."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.node import Node
from chainrule.graph.traversal import topological_order, variables
from chainrule.networks.equations import EQUATIONS, Equations, equations_of, lines_of, shapes_of
from chainrule.notation.formula import Formula, Symbol
from chainrule.notation.formula_text import formula_text

ALL = [(code, number) for code in EQUATIONS for number in range(len(equations_of(code)))]
ROWS = 5


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def given_values(equations: Equations) -> dict[str, Any]:
    """A value between 0.1 and 0.9 for every variable: some must be positive, some less than 1."""
    draws = np.random.default_rng(3)
    values = {}
    for node in variables(equations.outputs):
        sizes = tuple(each if isinstance(each, int) else ROWS for each in node.shape)
        values[node.name or ""] = draws.uniform(0.1, 0.9, sizes)
    return values


def named(equations: Equations) -> list[Node]:
    """The named nodes, inputs first."""
    order = topological_order(equations.outputs)
    return [node for node in order if node.name and node.operation != "variable"]


def evaluated(equations: Equations, given: dict[str, Any]) -> dict[str, Any]:
    inputs = variables(equations.outputs)
    nodes = named(equations)
    compiled = cr.compile(nodes, inputs, engine="reference")
    results = compiled(*(given[node.name or ""] for node in inputs))
    return {node.name or "": np.asarray(x) for node, x in zip(nodes, results, strict=True)}


def symbols_in(formula: Formula) -> set[str]:
    if isinstance(formula, Symbol):
        return {formula.name}
    found: set[str] = set()
    for each in dataclasses.fields(formula):
        part = getattr(formula, each.name)
        for inner in part if isinstance(part, tuple) else (part,):
            if isinstance(inner, Formula):
                found |= symbols_in(inner)
    return found


# What each network computes, written again in NumPy. They fill in v, and read what it is given.


def perceptron(v: dict[str, Any]) -> None:
    v["output"] = v["x"] @ v["w"] + v["b"]
    v["margin"] = v["y"] * v["output"]
    wrong = v["margin"].item() <= 0
    v["row_loss"] = -v["margin"][0] if wrong else np.zeros(1)
    v["w_new"] = v["w"] + wrong * v["η"] * v["y"] * v["x"].T
    v["b_new"] = v["b"] + wrong * v["η"] * v["y"][0]


def adaline(v: dict[str, Any]) -> None:
    v["output"] = v["x"] @ v["w"] + v["b"]
    error = v["output"] - v["y"]
    v["row_loss"] = 0.5 * error[0] ** 2
    v["w_new"] = v["w"] - v["η"] * error * v["x"].T
    v["b_new"] = v["b"] - v["η"] * error[0]


def feed_forward(v: dict[str, Any]) -> None:
    v["h1_in"] = v["x"] @ v["W1"] + v["b1"]
    v["h1_out"] = logistic(v["h1_in"])
    v["output_in"] = v["h1_out"] @ v["W2"] + v["b2"]
    v["output"] = logistic(v["output_in"])


def deep_feed_forward(v: dict[str, Any]) -> None:
    v["h1_in"] = v["x"] @ v["W1"] + v["b1"]
    v["h1_out"] = np.maximum(v["h1_in"], 0)
    v["h2_in"] = v["h1_out"] @ v["W2"] + v["b2"]
    v["h2_out"] = np.maximum(v["h2_in"], 0)
    v["output"] = v["h2_out"] @ v["W3"] + v["b3"]


def radial_basis(v: dict[str, Any]) -> None:
    v["gamma"] = np.exp(v["log_gamma"])
    v["squared_distance"] = np.linalg.norm(v["x"] - v["C"], axis=1)[np.newaxis] ** 2
    v["h1_in"] = -v["gamma"] * v["squared_distance"]
    v["h1_out"] = np.exp(v["h1_in"])
    v["output"] = v["h1_out"] @ v["w"] + v["b"]
    v["row_loss"] = 0.5 * (v["y"] - v["output"])[0] ** 2


def gate(v: dict[str, Any], name: str) -> Any:
    return v["x"] @ v[f"W{name}"] + v["h_old"] @ v[f"U{name}"] + v[f"b{name}"]


def recurrent(v: dict[str, Any]) -> None:
    v["h"] = np.tanh(gate(v, ""))
    v["output"] = v["h"] @ v["V"] + v["d"]


def long_short_term_memory(v: dict[str, Any]) -> None:
    for name in "ifo":
        v[name] = logistic(gate(v, f"_{name}"))
    v["g"] = np.tanh(gate(v, "_g"))
    v["c"] = v["f"] * v["c_old"] + v["i"] * v["g"]
    v["h"] = v["o"] * np.tanh(v["c"])


def gated_recurrent_unit(v: dict[str, Any]) -> None:
    v["r"], v["z"] = logistic(gate(v, "_r")), logistic(gate(v, "_z"))
    past = v["r"] * (v["h_old"] @ v["U_n"] + v["c_n"])
    v["n"] = np.tanh(v["x"] @ v["W_n"] + v["b_n"] + past)
    v["h"] = (1 - v["z"]) * v["n"] + v["z"] * v["h_old"]


def gated_recurrent_unit_of_the_paper(v: dict[str, Any]) -> None:
    v["r"], v["z"] = logistic(gate(v, "_r")), logistic(gate(v, "_z"))
    v["n"] = np.tanh(v["x"] @ v["W_n"] + (v["r"] * v["h_old"]) @ v["U_n"] + v["b_n"])
    v["h"] = (1 - v["z"]) * v["n"] + v["z"] * v["h_old"]


def through_a_code(v: dict[str, Any], read: str, target: str) -> None:
    v["code_in"] = v[read] @ v["W1"] + v["b1"]
    v["code"] = logistic(v["code_in"])
    v["output"] = v["code"] @ v["W2"] + v["b2"]
    v["row_loss"] = 0.5 * np.linalg.norm(v[target] - v["output"], axis=1) ** 2


def auto_encoder(v: dict[str, Any]) -> None:
    through_a_code(v, "x", "x")


def denoising_auto_encoder(v: dict[str, Any]) -> None:
    v["x_noisy"] = v["x"] + 0.5 * v["noise"]
    through_a_code(v, "x_noisy", "x")


def variational_auto_encoder(v: dict[str, Any]) -> None:
    from scipy.stats import norm

    v["code_in"] = v["x"] @ v["W1"] + v["b1"]
    v["mean"], v["log_variance"] = np.split(v["code_in"], 2, axis=1)
    v["sigma"] = np.sqrt(np.exp(v["log_variance"]))
    v["code"] = v["mean"] + v["sigma"] * v["ε"]
    v["output"] = v["code"] @ v["W2"] + v["b2"]
    v["half_distance"] = 0.5 * np.linalg.norm(v["x"] - v["output"], axis=1) ** 2
    v["precision"] = np.exp(-v["log_noise_variance"])
    noise = np.exp(0.5 * v["log_noise_variance"])
    v["log_likelihood"] = norm.logpdf(v["x"], v["output"], noise).sum(axis=1)
    # The divergence by quadrature of q(z)·log(q(z)/p(z)), one axis at a time.
    v["divergence"] = np.zeros(1)
    for mean, deviation in zip(v["mean"][0], v["sigma"][0], strict=True):
        z, step = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 4001, retstep=True)
        q, p = norm.logpdf(z, mean, deviation), norm.logpdf(z)
        v["divergence"] += (np.exp(q) * (q - p)).sum() * step
    v["ELBO"] = v["log_likelihood"] - v["divergence"]


def sparse_auto_encoder(v: dict[str, Any]) -> None:
    through_a_code(v, "X", "X")
    v["mean_activation"] = v["rho_hat"] = v["code"].mean(axis=0)
    v["present"] = 0.05 * np.log(0.05 / v["rho_hat"])
    v["absent"] = 0.95 * np.log(0.95 / (1 - v["rho_hat"]))
    v["sparsity"] = 3.0 * sum(v["present"] + v["absent"])
    v["loss"] = v["row_loss"].mean() + v["sparsity"]


IN_NUMPY = {
    ("P", 0): perceptron,
    ("P", 1): adaline,
    ("FF", 0): feed_forward,
    ("RBF", 0): radial_basis,
    ("DFF", 0): deep_feed_forward,
    ("RNN", 0): recurrent,
    ("LSTM", 0): long_short_term_memory,
    ("GRU", 0): gated_recurrent_unit,
    ("GRU", 1): gated_recurrent_unit_of_the_paper,
    ("AE", 0): auto_encoder,
    ("VAE", 0): variational_auto_encoder,
    ("DAE", 0): denoising_auto_encoder,
    ("SAE", 0): sparse_auto_encoder,
}


@pytest.mark.parametrize(("code", "number"), ALL)
def test_the_graph_computes_the_network(code: str, number: int) -> None:
    equations = equations_of(code)[number]
    given = given_values(equations)
    expected = dict(given)
    results = evaluated(equations, given)
    if "noise" in results:
        expected["noise"] = results["noise"]  # drawn
    IN_NUMPY[code, number](expected)
    for name, value in results.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("y", [-1.0, 1.0])
def test_the_perceptron_learns_from_mistakes_only(y: float) -> None:
    (rosenblatt, _) = equations_of("P")
    # All weights and inputs are positive, and so is the output.
    given = given_values(rosenblatt) | {"y": np.array([[y]])}
    result = evaluated(rosenblatt, given)
    assert (result["w_new"] == given["w"]).all() == (y > 0)


@pytest.mark.parametrize(("code", "number"), ALL)
def test_each_line_says_what_its_node_is_in_names_that_stand_before(code: str, number: int) -> None:
    equations = equations_of(code)[number]
    lines = lines_of(equations)
    names = [name.name for name, _ in lines]
    assert len(set(names)) == len(names)
    assert names == [node.name for node in named(equations)]
    known = {node.name for node in variables(equations.outputs)} | {"e", "π", "rows"}
    for name, formula in lines:
        # Places, such as 0:4, are no names.
        assert {each for each in symbols_in(formula) if ":" not in each} <= known
        known.add(name.name)


def test_a_line_that_is_a_formula_of_numbers_is_read_back_as_the_same_graph() -> None:
    x, c_old = cr.variable("x"), cr.variable("c")
    node = (cr.logistic(x) * c_old + cr.tanh(x)).named("c_new")
    ((name, formula),) = lines_of(Equations("", (node,)))
    assert cr.parse_formula(f"{name.name} = {formula_text(formula)}; {name.name}") is node


def test_equations_stand_for_the_first_eleven_and_no_other() -> None:
    assert list(EQUATIONS) == [
        *("P", "FF", "RBF", "DFF", "RNN", "LSTM", "GRU", "AE", "VAE", "DAE", "SAE")
    ]
    assert equations_of("HN") == ()


def test_the_equations_are_written_in_the_terms_of_the_field() -> None:
    def text(code: str) -> dict[str, str]:
        return {
            name.name: formula_text(formula)
            for equations in reversed(equations_of(code))
            for name, formula in lines_of(equations)
        }

    assert text("P")["margin"] == "y ⊙ output"
    assert text("RBF")["h1_in"] == "−gamma ⊙ squared_distance"
    assert text("LSTM")["c"] == "f ⊙ c_old + i ⊙ g"
    assert text("LSTM")["h"] == "o ⊙ tanh(c)"
    assert text("GRU")["h"] == "(1 − z) ⊙ n + z ⊙ h_old"
    assert text("VAE")["code"] == "mean + sigma ⊙ ε"
    assert text("VAE")["ELBO"] == "log_likelihood − divergence"


def test_shapes_are_those_of_the_picture() -> None:
    (equations,) = equations_of("DFF")
    shapes = {name.name: shape for name, shape in shapes_of(equations)}
    assert (shapes["W1"], shapes["W2"], shapes["W3"]) == ("3×4", "4×4", "4×2")
