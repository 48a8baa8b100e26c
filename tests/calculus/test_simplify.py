"""Each exact rewrite fires where it should, and changes no bit of any result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import ALGEBRA, EXACT, simplify
from chainrule.engines.base import FloatType, Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.checker import check_graph
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.shape import resolve_shape
from tests.helpers.random_graphs import RandomGraph, any_graphs, smooth_graphs, special_values

x, y, s = variable("x", ("rows", 3)), variable("y", ("rows", 3)), variable("s")
cube = variable("cube", (2, 3, 4))
ones = fn.broadcast_to(1.0, ("rows", 3))

FIRES: list[tuple[str, Node, Node]] = [
    ("arithmetic", constant(2) + constant(3), constant(5)),
    ("arithmetic", constant(2) - constant(3), constant(-1)),
    ("arithmetic", constant(2) * constant(3), constant(6)),
    ("arithmetic", constant(3) / constant(2), constant(1.5)),
    ("arithmetic", constant(1e30) * constant(1e30), constant(1e30 * 1e30)),
    ("arithmetic", -constant(0.1), constant(-0.1)),
    ("arithmetic", constant(0.0) * constant(-1.0), constant(-0.0)),
    ("arithmetic", (constant(2) + constant(3)) * constant(4), constant(20)),
    ("times one", x * 1.0, x),
    ("times one", 1.0 * x, x),
    ("times one", x * ones, x),
    ("times one", s * ones, fn.broadcast_to(s, ("rows", 3))),
    ("over one", x / 1.0, x),
    ("over one", make("divide", constant(1.0), x), fn.reciprocal(x)),
    ("over one", make("divide", ones, x), fn.reciprocal(x)),
    ("times minus one", x * -1.0, -x),
    ("times minus one", -1.0 * x, -x),
    ("double negation", make("negate", -x), x),
    ("adding a negative", x + -y, x - y),
    ("adding a negative", x - -y, x + y),
    ("power one", x**1.0, x),
    ("one reshape", fn.reshape(fn.reshape(cube, (6, 4)), (24,)), fn.reshape(cube, (24,))),
    ("one reshape", fn.reshape(fn.reshape(cube, (24,)), (2, 3, 4)), cube),
    (
        "one reshape",
        fn.broadcast_to(fn.broadcast_to(s, (4,)), (3, 4)),
        fn.broadcast_to(s, (3, 4)),
    ),
    (
        "one reshape",
        fn.reshape(fn.broadcast_to(-0.0, (2, 3)), (6,)),
        fn.broadcast_to(-0.0, (6,)),
    ),
    (
        "one reshape",
        fn.broadcast_to(fn.reshape(constant(2.0), (1, 1)), (2, 3)),
        fn.broadcast_to(2.0, (2, 3)),
    ),
    (
        "double transpose",
        fn.transpose(fn.transpose(cube, (1, 2, 0)), (1, 2, 0)),
        fn.transpose(cube, (2, 0, 1)),
    ),
    ("double transpose", fn.transpose(fn.transpose(cube)), cube),
    ("spare stretch", x + fn.broadcast_to(s, ("rows", 3)), x + s),
    ("spare stretch", fn.broadcast_to(s, (1, 3)) * x, s * x),
    ("spare stretch", fn.maximum(x, fn.broadcast_to(0.0, ("rows", 3))), fn.relu(x)),
    ("max of one", fn.max(fn.reshape(s, (1, 1)), 0), fn.reshape(s, (1,))),
]

STAYS: list[Node] = [
    constant(0.1) + constant(0.6),  # in single precision another number
    constant(0.1) * constant(0.6),
    constant(2.0) / constant(0.0),
    constant(math.inf) - constant(math.inf),
    x + 0.0,  # -0 + 0 is +0
    x * 0.0,  # NaN·0 is NaN
    x - x,
    x / x,
    fn.sum(fn.reshape(s, (1,))),  # a sum begins at +0
    fn.reciprocal(fn.reciprocal(x)),
    fn.log(fn.exp(x)),
    x**2.0,
    make("divide", ones, s),
    fn.broadcast_to(s, (3,)) + fn.broadcast_to(constant(2.0), (3,)),
    fn.sum(fn.broadcast_to(s, (3,))),
    fn.transpose(x),
    1.0 / (1.0 + fn.exp(-x)),
]


def test_the_examples_go_through_the_table() -> None:
    assert {name for name, _, _ in FIRES} == set(EXACT)
    assert not set(EXACT) & (set(ALGEBRA) - set(EXACT))


@pytest.mark.parametrize("name, before, after", FIRES)
def test_an_exact_rewrite_fires(name: str, before: Node, after: Node) -> None:
    made: list[str] = []
    assert simplify([before], trace=lambda rewrite, old, new: made.append(rewrite)) == [after]
    assert name in made


@pytest.mark.parametrize("name, before, after", FIRES)
def test_a_rewrite_fires_inside_a_graph_and_is_told(name: str, before: Node, after: Node) -> None:
    told: list[tuple[str, Node, Node]] = []
    (found,) = simplify([fn.exp(before)], trace=lambda *each: told.append(each))
    assert found is fn.exp(after)
    assert all(old is not new and old.type == new.type for _, old, new in told)
    assert name in {each for each, _, _ in told}


@pytest.mark.parametrize("node", STAYS)
def test_what_is_not_exact_stays(node: Node) -> None:
    made: list[str] = []
    simplify([node], trace=lambda rewrite, old, new: made.append(rewrite))
    assert made in ([], ["spare stretch"])
    (found,) = simplify([node])
    assert found.type == node.type
    assert found.operation == node.operation


MANY = 5 * settings().max_examples  # random graphs: enough for the rarer rewrites to be met

# --- bit for bit -------------------------------------------------------------------------


def bits(node: Node, graph: RandomGraph, dtype: FloatType, seed: int) -> np.ndarray[Any, Any]:
    """The value where inputs are anything, every NaN made the same one."""
    values = [
        special_values(resolve_shape(each.shape, {"rows": 3}), seed + number)
        for number, each in enumerate(graph.inputs)
    ]
    with np.errstate(over="ignore"):  # 1e30 is infinite in single precision
        arrays = [each.astype(dtype) for each in values]
    (result,) = ReferenceEngine().compile(Program(graph.inputs, (node,)), dtype)(*arrays)
    result[np.isnan(result)] = np.nan
    return result.view(f"u{result.itemsize}")


@settings(max_examples=MANY)
@given(any_graphs(), st.sampled_from(["float64", "float32"]), st.integers(0, 1000))
def test_values_are_kept_bit_for_bit(graph: RandomGraph, dtype: FloatType, seed: int) -> None:
    (simple,) = simplify([graph.output])
    assert simple.type == graph.output.type
    check_graph([simple], inputs=graph.inputs)
    np.testing.assert_array_equal(
        bits(simple, graph, dtype, seed), bits(graph.output, graph, dtype, seed), strict=True
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, before, after", FIRES)
def test_each_rewrite_keeps_every_bit(
    name: str, before: Node, after: Node, dtype: FloatType
) -> None:
    inputs = (x, y, s, cube)
    for seed in range(20):
        one, other = (
            bits(each, RandomGraph(inputs, each), dtype, seed) for each in (before, after)
        )
        np.testing.assert_array_equal(one, other, strict=True)


def test_the_comparison_of_bits_sees_the_sign_of_zero_and_nan() -> None:
    graph = RandomGraph((s,), s)
    zero = bits(constant(0.0), graph, "float64", 0)
    assert zero != bits(constant(-0.0), graph, "float64", 0)
    assert zero != bits(constant(math.nan), graph, "float64", 0)
    assert bits(s - s, RandomGraph((s,), s), "float64", 0).shape == ()


def test_random_graphs_do_meet_the_rewrites() -> None:
    """Otherwise the tests of random graphs would compare graphs with themselves."""
    met: set[str] = set()

    @settings(max_examples=MANY)
    @given(any_graphs())
    def collect(graph: RandomGraph) -> None:
        simplify([graph.output], trace=lambda name, old, new: met.add(name))

    collect()
    assert met >= set(EXACT) - {"arithmetic", "max of one"}


# --- the whole ---------------------------------------------------------------------------


@given(any_graphs())
def test_what_is_simple_stays(graph: RandomGraph) -> None:
    (once,) = simplify([graph.output])
    assert simplify([once]) == [once]


@given(smooth_graphs())
def test_algebra_keeps_ordinary_values(graph: RandomGraph) -> None:
    (simple,) = simplify([graph.output], algebra=True)
    assert simple.type == graph.output.type
    both = ReferenceEngine().compile(Program(graph.inputs, (simple, graph.output)), "float64")
    for seed in range(3):
        found, expected = both(*graph.values(rows=2, seed=seed))
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale)


def test_several_outputs_are_simplified_together() -> None:
    shared = x * 1.0
    first, second = simplify([fn.exp(shared), fn.exp(shared) + y])
    assert second.inputs[0] is first is fn.exp(x)


def test_names_of_what_stays_are_kept() -> None:
    named = fn.exp(x * 1.0).named("powers")
    (found,) = simplify([named])
    assert (found.name, found.inputs) == ("powers", (x,))


def test_the_gradient_comes_simplified() -> None:
    slopes = gradient(fn.sum(2.0 * x - -y), [x, y])
    assert simplify(slopes) == slopes
    assert slopes == [fn.broadcast_to(2.0, x.shape), fn.broadcast_to(1.0, y.shape)]
