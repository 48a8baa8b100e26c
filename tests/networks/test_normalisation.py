"""Normalisation and its derivatives are those that JAX computes of a version in NumPy's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.networks.norm_layers import BatchNorm, LayerNorm
from chainrule.networks.stack import Stack

ROWS, UNITS, MOMENTUM, EPSILON = 7, 4, 0.3, 1e-3
RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, (ROWS, UNITS))
SCALE, SHIFT = RNG.normal(size=UNITS), RNG.normal(size=UNITS)
W, B = RNG.normal(size=(UNITS, 1)), RNG.normal(size=1)
OLD_MEAN, OLD_VARIANCE = RNG.normal(size=UNITS), RNG.uniform(1, 2, UNITS)
WEIGHTS = np.array([0.5, 0.0, 1.0, 3.0, 1.5, 2.0, 0.25])

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")


@pytest.fixture(autouse=True, scope="module")
def _in_double_precision() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def written_out(
    x: Any, scale: Any, shift: Any, kind: str, weight: Any = None
) -> tuple[Any, Any, Any]:
    """What is normalised, and the running moments after: sums over all, as in the papers."""
    if kind == "layer":
        mean = x.sum(1, keepdims=True) / UNITS
        variance = ((x - mean) ** 2).sum(1, keepdims=True) / UNITS
    else:
        share = jnp.ones(len(x)) if weight is None else weight
        mean = (share[:, None] * x).sum(0) / share.sum()
        variance = (share[:, None] * (x - mean) ** 2).sum(0) / share.sum()
    out = scale * (x - mean) / jnp.sqrt(variance + EPSILON) + shift
    if kind == "layer":
        return out, OLD_MEAN, OLD_VARIANCE
    rows = jnp.maximum(share.sum(), share.sum() ** 2 / (share**2).sum())
    estimate = variance * rows / (rows - 1)
    return (
        out,
        (1 - MOMENTUM) * OLD_MEAN + MOMENTUM * mean,
        (1 - MOMENTUM) * OLD_VARIANCE + MOMENTUM * estimate,
    )


def by_chainrule(kind: str, engine: str, x: Any, weight: Any = None) -> list[np.ndarray]:
    """The sum of squares of the outputs, its gradients, and the statistics after."""
    layer = LayerNorm(EPSILON) if kind == "layer" else BatchNorm(MOMENTUM, EPSILON)
    stack = Stack(UNITS, (layer,), 1)
    node = None if weight is None else cr.variable("sample_weight", ("rows",))
    built = stack.built(training=True, sample_weight=node)
    total = cr.sum(cr.square(built.raw_output))
    wanted = [total, *cr.gradient(total, [stack.X, *stack.parameters[:2]])]
    wanted += built.statistics.values()
    inputs = [stack.X, *stack.parameters, *stack.statistics, *([] if node is None else [node])]
    given = [x, SCALE, SHIFT, W, B]
    given += [OLD_MEAN, OLD_VARIANCE] if kind == "batch" else []
    given += [] if weight is None else [weight]
    return cr.compile(wanted, inputs, engine=engine)(*given)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    "kind, weight", [("batch", None), ("batch", WEIGHTS), ("layer", None)], ids=str
)
def test_forward_and_backward_are_those_of_jax(kind: str, weight: Any, engine: str) -> None:
    def total(x: Any, scale: Any, shift: Any) -> Any:
        return ((written_out(x, scale, shift, kind, weight)[0] @ W + B) ** 2).sum()

    actual = by_chainrule(kind, engine, X, weight)
    np.testing.assert_allclose(actual[0], total(X, SCALE, SHIFT), rtol=1e-12)
    expected = jax.grad(total, argnums=(0, 1, 2))(X, SCALE, SHIFT)
    for mine, theirs in zip(actual[1:4], expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)
    after = written_out(X, SCALE, SHIFT, kind, weight)[1:]
    for mine, theirs in zip(actual[4:], after, strict=False):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    assert len(actual) == (6 if kind == "batch" else 4)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("weight", [None, np.array([2.0])], ids=["plain", "weighted"])
def test_a_single_row_is_normalised_with_running_moments_and_leaves_them(
    engine: str, weight: Any
) -> None:
    total, slope, *_, mean, variance = by_chainrule("batch", engine, X[:1], weight)

    def expected(x: Any) -> Any:
        hat = (x - OLD_MEAN) / jnp.sqrt(OLD_VARIANCE + EPSILON)
        return (((SCALE * hat + SHIFT) @ W + B) ** 2).sum()

    np.testing.assert_allclose(total, expected(X[:1]), rtol=1e-12)
    np.testing.assert_allclose(slope, jax.grad(expected)(X[:1]), rtol=1e-9)
    np.testing.assert_array_equal(mean, OLD_MEAN)
    np.testing.assert_array_equal(variance, OLD_VARIANCE)


def test_rows_of_weight_0_count_for_nothing() -> None:
    some = WEIGHTS > 0
    with_them = by_chainrule("batch", "reference", X, WEIGHTS)
    without = by_chainrule("batch", "reference", X[some], WEIGHTS[some])
    for mine, theirs in zip(with_them[4:], without[4:], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-13)
    alone = np.where(np.arange(ROWS) == 3, 5.0, 0.0)
    *_, mean, variance = by_chainrule("batch", "native", X, alone)
    np.testing.assert_array_equal([mean, variance], [OLD_MEAN, OLD_VARIANCE])


def test_a_weight_of_two_is_a_row_that_is_there_twice() -> None:
    weight = np.array([1, 2, 1, 0, 3, 1, 1])
    weighted = by_chainrule("batch", "reference", X, weight.astype(float))
    repeated = by_chainrule("batch", "reference", np.repeat(X, weight, axis=0))
    for mine, theirs in zip(weighted[4:], repeated[4:], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_weights_that_are_equal_shares_are_as_good_as_none() -> None:
    plain = by_chainrule("batch", "reference", X)
    weighted = by_chainrule("batch", "reference", X, np.full(ROWS, 1 / ROWS))
    for mine, theirs in zip(weighted[4:], plain[4:], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_predictions_are_made_with_the_running_moments() -> None:
    stack = Stack(UNITS, (BatchNorm(MOMENTUM, EPSILON),), 1)
    inputs = [stack.X, *stack.parameters, *stack.statistics]
    f = cr.compile(stack.raw_output(stack.X), inputs, engine="reference")
    (actual,) = f(X, SCALE, SHIFT, W, B, OLD_MEAN, OLD_VARIANCE)
    hat = (X - OLD_MEAN) / np.sqrt(OLD_VARIANCE + EPSILON)
    np.testing.assert_allclose(actual, (SCALE * hat + SHIFT) @ W + B, rtol=1e-12)
