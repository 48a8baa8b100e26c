"""The graphs of auto encoders: layers, corruption, sparsity, and the variational bound."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.corruption import Corruption
from chainrule.networks.sparsity import SparsityTarget, divergence
from chainrule.networks.variational import VariationalNetwork

ROWS = np.random.default_rng(0).normal(size=(5000, 4))


def value(node: cr.Node, given: dict[cr.Node, object], seed: int = 0, step: int = 0):
    function = cr.compile([node], list(given), engine="reference")
    return function(*given.values(), seed=seed, step=step)[0]


def first_values(network, *arguments):
    drawn = network.initial_parameters(np.random.RandomState(0), np.float64, *arguments)
    return dict(zip(network.parameters, drawn, strict=True))


def test_layers_lead_to_the_code_and_back() -> None:
    network = AutoencoderNetwork(4, (6,), 2, (5,), "tanh", "logistic", "logistic")
    parameters = first_values(network)
    W1, W2, W3, W4, b1, b2, b3, b4 = parameters.values()

    def logistic(x):
        return 1 / (1 + np.exp(-x))

    code = logistic(np.tanh(ROWS @ W1 + b1) @ W2 + b2)
    output = logistic(np.tanh(code @ W3 + b3) @ W4 + b4)
    given = {network.X: ROWS, **parameters}
    encoded = network.encode(network.X)
    assert value(encoded, given) == pytest.approx(code)
    raw = network.decode(encoded)
    assert value(network.reconstruction(raw), given) == pytest.approx(output)
    losses = 0.5 * np.sum((output - ROWS) ** 2, axis=1)
    assert value(network.row_losses(network.X, raw), given) == pytest.approx(losses)


def test_tied_decoders_use_the_encoders_weights_transposed() -> None:
    network = AutoencoderNetwork(4, (6,), 2, (6,), "tanh", tied=True)
    parameters = first_values(network)
    W1, W2, b1, b2, b3, b4 = parameters.values()
    code = np.tanh(ROWS @ W1 + b1) @ W2 + b2
    output = np.tanh(code @ W2.T + b3) @ W1.T + b4
    given = {network.X: ROWS, **parameters}
    assert value(network.decode(network.encode(network.X)), given) == pytest.approx(output)
    assert network.describe("W2", (3, 1)) == (
        "the weight from unit 3 of hidden layer 1 to component 1 of the code, and from component "
        "1 of the code to unit 3 of hidden layer 3"
    )


@pytest.mark.parametrize("kind", ["gaussian", "masking", "salt_and_pepper"])
def test_corruption_is_as_strong_as_asked_for_and_fresh_at_each_step(kind) -> None:
    X = cr.variable("X", ("rows", 4))
    noisy = Corruption(kind, 0.3, low=-7.0, high=9.0)(X)
    first, again, next_step = (value(noisy, {X: ROWS}, seed=3, step=k) for k in (0, 0, 1))
    assert (first == again).all()
    assert (first != next_step).mean() > 0.3
    changed = first != ROWS
    if kind == "gaussian":
        noise = first - ROWS
        assert noise.mean() == pytest.approx(0, abs=0.01)
        assert noise.std() == pytest.approx(0.3, rel=0.02)
    else:
        assert changed.mean() == pytest.approx(0.3, abs=0.02)
    if kind == "masking":
        assert (first[changed] == 0).all()
    if kind == "salt_and_pepper":
        assert set(np.unique(first[changed])) == {-7.0, 9.0}
        assert (first[changed] == 9.0).mean() == pytest.approx(0.5, abs=0.03)


def test_divergence_is_zero_at_its_target_and_finite_at_the_ends() -> None:
    rho_hat = cr.variable("rho_hat", (3,))
    slopes = cr.gradient(divergence(0.05, rho_hat), [rho_hat])[0]
    assert value(divergence(0.05, rho_hat), {rho_hat: np.full(3, 0.05)}) == pytest.approx(0)
    for dtype in ("float32", "float64"):
        function = cr.compile(
            [divergence(0.05, rho_hat), slopes], [rho_hat], engine="reference", dtype=dtype
        )
        assert all(np.isfinite(each).all() for each in function([0.0, 0.5, 1.0]))


def test_running_mean_counts_rows_and_forgets() -> None:
    code = cr.variable("code", ("rows", 2))
    term, running = SparsityTarget(0.1, 2.0, decay=0.5).term(code, None)
    (total, new_total), (rows, new_rows) = running
    batch = np.array([[0.2, 0.4], [0.4, 0.2], [0.3, 0.9]])
    given = {code: batch, total: np.array([3.0, 1.0]), rows: 10.0}
    assert value(new_total, given) == pytest.approx([1.5 + 0.9, 0.5 + 1.5])
    assert value(new_rows, given) == 5 + 3
    mean = np.array([2.4, 2.0]) / 8
    kl = 0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean))
    assert value(term, given) == pytest.approx(2 * kl.sum())
    # Each row moves the minibatch's own mean, and meets the slope at the running one.
    slope = 2 * (0.9 / (1 - mean) - 0.1 / mean)
    (bar,) = cr.gradient(term, [code])
    assert value(bar, given) == pytest.approx(np.tile(slope / 3, (3, 1)))


def test_running_mean_that_has_seen_nothing_is_that_of_the_weighted_minibatch() -> None:
    code, weight = cr.variable("code", ("rows", 2)), cr.variable("weight", ("rows",))
    batch, weights = np.array([[0.2, 0.4], [0.4, 0.2]]), np.array([1.0, 3.0])
    terms = [SparsityTarget(0.1, 2.0, decay).term(code, weight) for decay in (0.5, None)]
    (term, running), (own, nothing) = terms
    assert nothing == ()
    zeros = {node: np.zeros([int(n) for n in node.shape]) for node, _ in running}
    given = {code: batch, weight: weights}
    assert value(term, {**given, **zeros}) == pytest.approx(value(own, given))


def variational(noise_variance, loss="squared_error") -> VariationalNetwork:
    layers = AutoencoderNetwork(4, (), 2, (), "identity", loss=loss, numbers_per_component=2)
    return VariationalNetwork(layers, noise_variance)


def test_bound_has_all_its_constants_and_sums_over_features_and_components() -> None:
    network = variational(noise_variance=None)
    parameters = first_values(network, 0.3)
    W1, W2, b1, b2, log_variance_of_noise = parameters.values()
    assert np.exp(log_variance_of_noise) == pytest.approx(0.3)
    mean, log_variance = np.split(ROWS @ W1 + b1, 2, axis=1)
    epsilon = np.array([0.5, -1.0])
    output = (mean + np.exp(log_variance / 2) * epsilon) @ W2 + b2
    squares = np.sum((ROWS - output) ** 2, axis=1)
    likelihood = -0.5 * squares / 0.3 - 2 * math.log(2 * math.pi * 0.3)
    kl = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)
    draw = cr.variable("epsilon", (2,))
    given = {network.X: ROWS, draw: epsilon, **parameters}
    assert value(network.bound(network.X, draw), given) == pytest.approx(likelihood - kl)
    tripled = value(network.bound(network.X, draw, beta=3.0), given)
    assert tripled == pytest.approx(likelihood - 3 * kl)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_the_gradient_goes_through_the_draw_to_mean_and_variance(loss) -> None:
    network = variational(1.0, loss)
    parameters = first_values(network, 1.0)
    X = (ROWS[:3] > 0).astype(float)
    mean, log_variance = (cr.variable(name, ("rows", 2)) for name in ("m", "l"))
    draw = cr.variable("epsilon", (2,))
    code = network.drawn_code(mean, log_variance, draw)
    total = cr.sum(network.log_likelihood(network.X, code))
    given = {
        network.X: X,
        mean: np.full((3, 2), 0.1),
        log_variance: np.full((3, 2), -0.2),
        draw: np.array([0.5, -1.0]),
        **{each: parameters[each] for each in network.parameters if each.name in ("W2", "b2")},
    }
    bars = cr.gradient(total, [mean, log_variance])
    for node, bar in zip((mean, log_variance), bars, strict=True):
        computed = value(bar, given)
        assert np.abs(computed).min() > 1e-3
        for place in np.ndindex(3, 2):
            change = np.zeros((3, 2))
            change[place] = 1e-5
            up, down = (value(total, {**given, node: given[node] + s * change}) for s in (1, -1))
            assert computed[place] == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_draws_are_fresh_at_each_step_and_of_unit_variance() -> None:
    network = variational(1.0)
    first, second = (value(network.random_draw(), {network.X: ROWS}, step=k) for k in (0, 1))
    assert (first != second).all()
    assert first.std() == pytest.approx(1, rel=0.03)


def test_parts_of_the_code_layer_are_named() -> None:
    network = variational(None)
    assert network.describe("W1", (0, 3)) == (
        "the weight from input 0 to the log variance of component 1 of the code"
    )
    assert network.describe("b1", (0,)) == "the bias of the mean of component 0 of the code"
    assert network.describe("log_noise_variance", (0,)) == (
        "the logarithm of the variance of the noise"
    )
