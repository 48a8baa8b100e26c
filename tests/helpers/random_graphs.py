"""Random graphs for property-based tests: strategies of Hypothesis that draw expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.errors import ShapeError
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.shape import broadcast_shapes, resolve_shape
from chainrule.graph.traversal import substitute

__all__ = [
    "RandomGraph",
    "any_graphs",
    "continuous_graphs",
    "looping_graphs",
    "smooth_graphs",
    "special_values",
]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class RandomGraph:
    """A graph, and the variables that it may depend on."""

    inputs: tuple[Node, ...]
    output: Node

    def values(self, rows: int, seed: int = 0) -> list[Array]:
        """Ordinary numbers for the variables."""
        rng = np.random.default_rng(seed)
        return [rng.normal(size=resolve_shape(each.shape, {"rows": rows})) for each in self.inputs]


def _variables() -> tuple[Node, ...]:
    return (
        variable("x", ("rows", 3)),
        variable("y", (3,)),
        variable("z", ("rows", 1)),
        variable("s"),
        variable("m", (3, 3)),
    )


Unary = Callable[[Node], Node]
Binary = Callable[[Node, Node], Node]

# Smooth everywhere, and of values that do not grow: what differences can follow.
_SMOOTH_UNARY: list[Unary] = [
    fn.tanh,
    fn.sin,
    fn.cos,
    fn.logistic,
    fn.softplus,
    fn.erf,
    lambda x: -x,
    lambda x: fn.exp(fn.sin(x)),
    lambda x: fn.expm1(fn.cos(x)),
    lambda x: fn.log(2.0 + fn.sin(x)),
    lambda x: fn.log1p(fn.softplus(x)),
    lambda x: fn.sqrt(2.0 + fn.cos(x)),
    lambda x: fn.reciprocal(2.0 + fn.sin(x)),
    lambda x: fn.square(fn.tanh(x)),
    lambda x: fn.power(2.0 + fn.cos(x), -1.5),
]
_SMOOTH_BINARY: list[Binary] = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: fn.tanh(x) * y,
    lambda x, y: x / (2.0 + fn.sin(y)),
    lambda x, y: fn.power(2.0 + fn.sin(x), fn.cos(y)),
]

# Anything, constants included that the simplifier looks for.
_ANY_UNARY: list[Unary] = [
    *(
        lambda x, name=name: make(name, x)
        for name in (
            "negate",
            "reciprocal",
            "exp",
            "log",
            "log1p",
            "expm1",
            "sqrt",
            "tanh",
            "logistic",
            "softplus",
            "absolute",
            "sign",
            "stop_gradient",
        )
    ),
    lambda x: make("negate", -x),
    lambda x: fn.power(x, 1.0),
    lambda x: fn.power(x, 2.0),
    lambda x: 1.0 * x,
    lambda x: x * -1.0,
    lambda x: x / 1.0,
    lambda x: 1.0 / x,
]
_ANY_BINARY: list[Binary] = [
    *(
        lambda x, y, name=name: make(name, x, y)
        for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")
    ),
    lambda x, y: x + -y,
    lambda x, y: x - -y,
    lambda x, y: fn.select(x < y, x, y),
    lambda x, y: fn.select(fn.equal(x, y), y, fn.convert(y <= x)),
]


def _moved(x: Node, choice: int) -> Node:
    """x after one of the operations that change its shape."""
    match choice:
        case 0:
            return fn.transpose(x)
        case 1:
            return fn.sum(x, tuple(range(x.rank))[:1])
        case 2:
            return fn.sum(x, tuple(range(x.rank))[-1:], keepdims=True)
        case 3:
            return fn.reshape(x, (-1,))
        case 4:
            return fn.expand_dims(x, 0) if x.rank < 3 else x
        case 5:
            return fn.broadcast_to(x, (2, *x.shape)) if x.rank < 3 else x
        case 6:
            return fn.concatenate([x, x], -1) if x.rank and isinstance(x.shape[-1], int) else x
        case 7:
            return fn.max(x, tuple(range(x.rank))[-1:], keepdims=True)
        case _:
            return fn.mean(x)


def _joined(x: Node, candidates: Sequence[Node]) -> list[Node]:
    """Those of ``candidates`` whose shapes broadcast with that of x."""
    fitting = []
    for each in candidates:
        try:
            broadcast_shapes(x.shape, each.shape)
        except ShapeError:
            continue
        fitting.append(each)
    return fitting


@st.composite
def _graphs(
    draw: st.DrawFn,
    unary: Sequence[Unary],
    binary: Sequence[Binary],
    constants: Sequence[float],
    movements: int,
) -> RandomGraph:
    inputs = _variables()
    pool = list(inputs)
    for _ in range(draw(st.integers(2, 10))):
        # The newest values are the likeliest, so that graphs grow deep.
        x = pool[-1 - min(draw(st.integers(0, 3)), len(pool) - 1)]
        kind = draw(st.sampled_from(["unary", "binary", "binary", "movement", "matmul"]))
        if kind == "unary":
            pool.append(draw(st.sampled_from(unary))(x))
        elif kind == "binary":
            others = [*_joined(x, pool), *(constant(each) for each in constants)]
            pair = [x, draw(st.sampled_from(others))]
            if draw(st.booleans()):
                pair.reverse()
            pool.append(draw(st.sampled_from(binary))(*pair))
        elif kind == "movement":
            pool.append(_moved(x, draw(st.integers(0, movements))))
        elif x.rank == 2 and x.shape[1] == 3:
            pool.append(fn.matmul(x, inputs[-1]))
    return RandomGraph(inputs, pool[-1])


def smooth_graphs() -> st.SearchStrategy[RandomGraph]:
    """Graphs whose outputs are smooth functions of their inputs, with values of ordinary size."""
    return _graphs(_SMOOTH_UNARY, _SMOOTH_BINARY, (0.5, 2.0), movements=6)


def continuous_graphs() -> st.SearchStrategy[RandomGraph]:
    """Smooth graphs with kinks: a small error of rounding stays a small error."""
    kinks: list[Unary] = [fn.absolute, fn.relu]
    extremes: list[Binary] = [
        fn.maximum,
        fn.minimum,
        lambda x, y: fn.select(x < y, x, y),
        lambda x, y: fn.select(fn.less_equal(x, y), x - y, fn.tanh(y - x)),
    ]
    return _graphs(_SMOOTH_UNARY + kinks, _SMOOTH_BINARY + extremes, (0.0, 0.5, 2.0), movements=8)


@st.composite
def looping_graphs(draw: st.DrawFn) -> RandomGraph:
    """Loops over 4 steps whose bodies are smooth graphs, read in one way or another."""
    inner = draw(smooth_graphs())
    x, y, z, s, m = inner.inputs
    sequence = variable("sequence", (4, *z.shape))

    def body(carries: Sequence[Node], slices: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        (value,) = substitute([inner.output], {x: carries[0], z: slices[0]})
        fits = _joined(x, [value]) and broadcast_shapes(x.shape, value.shape) == x.shape
        new = fn.tanh(carries[0] + 0.5 * (value if fits else fn.mean(value)))
        return [new], [new, value]

    states, values = scan(body, [x], [sequence], reverse=draw(st.booleans()))
    last = fn.slice_axes(states, [(3, 4), None, None])
    output = draw(st.sampled_from([states, values, last, fn.mean(values, 0), states * fn.sum(x)]))
    return RandomGraph((x, y, sequence, s, m), output)


def any_graphs() -> st.SearchStrategy[RandomGraph]:
    """Graphs of all operations that need no special inputs, in all the forms to be simplified."""
    constants = (0.0, -0.0, 1.0, -1.0, 2.0, 0.1, 0.2, 1e30, float("inf"), float("nan"))
    return _graphs(_ANY_UNARY, _ANY_BINARY, constants, movements=8)


def special_values(shape: tuple[int, ...], seed: int) -> Array:
    """Numbers, zeros of both signs, infinities and NaN, in random places."""
    rng = np.random.default_rng(seed)
    special = [0.0, -0.0, 1.0, -1.0, 0.1, -2.5, 1e-30, 1e30, np.inf, -np.inf, np.nan]
    return np.where(
        rng.random(size=shape) < 0.5, rng.choice(special, size=shape), rng.normal(size=shape)
    )
