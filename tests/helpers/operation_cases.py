"""Every operation of the table in use: what tests of rules and engines go through.

A case builds one node of its operation from variables, says how to draw values for them (in
the operation's domain, and away from the points where it has no derivative), and says in plain
NumPy, in double precision, what the node's value is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

import chainrule.graph.functions as fn
from chainrule.graph.loop import scan
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.shape import Dimension, Kind, Size, as_shape, multiply, resolve_shape

Array = np.ndarray[Any, Any]
Sampler = Callable[[np.random.Generator, tuple[int, ...], int], Array]
"""``sampler(generator, shape, rows) -> values``."""

TIME = 4
"""The value of the symbolic size ``time``."""


# --- samplers ----------------------------------------------------------------------------


def anywhere(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.normal(size=shape)


def positive(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.uniform(0.4, 2.5, size=shape)


def above_minus_one(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.uniform(-0.6, 2.0, size=shape)


def off_zero(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.4, 2.0, size=shape)


def on_grid(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    """Quarters; together with ``off_grid`` no two values are nearly equal."""
    return np.round(rng.normal(size=shape) * 4.0) / 4.0


def off_grid(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return on_grid(rng, shape, rows) + 0.125


def distinct(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    """No two values nearer than 0.1 to one another."""
    number = math.prod(shape)
    return 0.1 * rng.permutation(number).reshape(shape) - 0.05 * number


def truth(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.integers(0, 2, size=shape).astype(np.bool_)


def below(limit: int) -> Sampler:
    """Whole numbers from 0 up to, not including, ``limit``."""
    return lambda rng, shape, rows: rng.integers(0, limit, size=shape)


def below_rows(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> Array:
    return rng.integers(0, rows, size=shape)


# --- the form of a case ------------------------------------------------------------------


@dataclass(frozen=True)
class Argument:
    """A variable of a case: its shape, and how its values are drawn."""

    shape: tuple[Dimension | str, ...]
    draw: Sampler = anywhere
    kind: Kind = "float"


@dataclass(frozen=True, eq=False)
class OperationCase:
    """One use of one operation.

    Attributes
    ----------
    operation : str
        The operation of the node that ``build`` returns.
    label : str
        What is special about this use.
    arguments : tuple of Argument
    build : callable
        Variables in, node out.
    expected : callable
        Arrays in, the value of the node out, by NumPy alone.
    """

    operation: str
    label: str
    arguments: tuple[Argument, ...]
    build: Callable[..., Node]
    expected: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.operation}: {self.label}"

    def graph(self, prefix: str = "x") -> tuple[tuple[Node, ...], Node]:
        """The variables of the case and the node that they make."""
        inputs = tuple(
            variable(f"{prefix}{position}", each.shape, each.kind)
            for position, each in enumerate(self.arguments)
        )
        return inputs, self.build(*inputs)

    def values(self, rows: int = 3, seed: int = 0) -> list[Array]:
        """Values for the variables."""
        rng = np.random.default_rng(seed)
        sizes = {"rows": rows, "time": TIME}
        return [
            each.draw(rng, resolve_shape(as_shape(each.shape), sizes), rows)
            for each in self.arguments
        ]


CASES: list[OperationCase] = []


def _case(
    operation: str,
    label: str,
    arguments: tuple[Argument, ...],
    build: Callable[..., Node],
    expected: Callable[..., Any],
) -> None:
    CASES.append(OperationCase(operation, label, arguments, build, expected))


def _of(*shapes: tuple[Dimension | str, ...], draw: Sampler = anywhere) -> tuple[Argument, ...]:
    return tuple(Argument(shape, draw) for shape in shapes)


# --- leaves ------------------------------------------------------------------------------

_case("variable", "itself", _of(("rows", 3)), lambda x: x, lambda x: x)
_case("variable", "whole numbers", (Argument(("rows",), below(9), "int"),), lambda x: x, np.array)
_case("constant", "number", (), lambda: constant(0.1), lambda: 0.1)
_case("constant", "truth value", (), lambda: constant(True), lambda: True)
_case("size", "rows", _of(("rows", 3)), lambda x: fn.size(x.shape[0]), len)
_case(
    "size",
    "product",
    _of(("rows", "time")),
    lambda x: fn.size(multiply(3, *x.shape)),
    lambda x: 3 * x.size,
)

# --- element by element ------------------------------------------------------------------

_UNARY: list[tuple[str, Sampler, Callable[[Array], Array]]] = [
    ("negate", anywhere, lambda x: 0.0 - x),
    ("reciprocal", off_zero, lambda x: 1.0 / x),
    ("exp", anywhere, lambda x: math.e**x),
    ("log", positive, lambda x: np.log2(x) * math.log(2.0)),
    ("log1p", above_minus_one, lambda x: np.log(1.0 + x)),
    ("expm1", anywhere, lambda x: np.exp(x) - 1.0),
    ("sqrt", positive, lambda x: x**0.5),
    ("sin", anywhere, lambda x: np.imag(np.exp(1j * x))),
    ("cos", anywhere, lambda x: np.real(np.exp(1j * x))),
    ("tanh", anywhere, lambda x: np.sinh(x) / np.cosh(x)),
    ("logistic", anywhere, lambda x: 1.0 / (1.0 + np.exp(-x))),
    ("softplus", anywhere, lambda x: np.log(1.0 + np.exp(x))),
    ("erf", anywhere, lambda x: 1.0 - scipy.special.erfc(x)),
    ("absolute", off_zero, lambda x: np.where(x < 0.0, -x, x)),
    ("sign", off_zero, lambda x: np.where(x < 0.0, -1.0, 1.0)),
    ("stop_gradient", anywhere, lambda x: x),
]
for _name, _draw, _expected in _UNARY:
    for _label, _shape in [("rows", ("rows", 3)), ("vector", (5,)), ("number", ())]:
        _case(
            _name,
            _label,
            _of(_shape, draw=_draw),
            lambda x, name=_name: make(name, x),
            _expected,
        )

_BROADCASTS: list[tuple[str, tuple[Dimension | str, ...], tuple[Dimension | str, ...]]] = [
    ("rows with rows", ("rows", 3), ("rows", 3)),
    ("rows with vector", ("rows", 3), (3,)),
    ("number with rows", (), ("rows", 3)),
    ("column with vector", ("rows", 1), (4,)),
    ("both stretched", (2, 1), (3, 1, 3)),
]
_BINARY: list[tuple[str, Sampler, Sampler, Callable[[Array, Array], Array]]] = [
    ("add", anywhere, anywhere, lambda x, y: x + y),
    ("subtract", anywhere, anywhere, lambda x, y: x - y),
    ("multiply", anywhere, anywhere, lambda x, y: x * y),
    ("divide", anywhere, off_zero, lambda x, y: x / y),
    ("power", positive, anywhere, lambda x, y: np.exp(y * np.log(x))),
    ("maximum", on_grid, off_grid, lambda x, y: np.where(x > y, x, y)),
    ("minimum", on_grid, off_grid, lambda x, y: np.where(x > y, y, x)),
    ("less", on_grid, off_grid, lambda x, y: ~(x >= y)),
    ("less_equal", on_grid, off_grid, lambda x, y: ~(x > y)),
    ("equal", on_grid, off_grid, lambda x, y: ~(x != y)),
]
for _name, _left, _right, _both in _BINARY:
    for _label, _first, _second in _BROADCASTS:
        _case(
            _name,
            _label,
            (Argument(_first, _left), Argument(_second, _right)),
            lambda x, y, name=_name: make(name, x, y),
            _both,
        )
for _exponent in (0.0, 1.0, 2.0, 3.0, -1.5, 0.5):
    _case(
        "power",
        f"exponent {_exponent}",
        _of(("rows", 3), draw=positive),
        lambda x, exponent=_exponent: fn.power(x, exponent),
        lambda x, exponent=_exponent: np.exp(exponent * np.log(x)),
    )
for _exponent in (2.0, 3.0):
    _case(
        "power",
        f"negative base, exponent {_exponent}",
        _of(("rows", 3), draw=off_zero),
        lambda x, exponent=_exponent: fn.power(x, exponent),
        lambda x, exponent=_exponent: math.prod([x] * int(exponent)),
    )
for _name, _compare in [("less", np.less), ("less_equal", np.less_equal), ("equal", np.equal)]:
    _case(
        _name,
        "whole numbers",
        (Argument(("rows", 3), below(3), "int"), Argument((3,), below(3), "int")),
        lambda x, y, name=_name: make(name, x, y),
        _compare,
    )
    _case(
        _name,
        "equal numbers",
        _of(("rows", 3)),
        lambda x, name=_name: make(name, x, x),
        lambda x, compare=_compare: compare(x, x),
    )
_case(
    "equal",
    "truth values",
    (Argument(("rows", 3), truth, "bool"), Argument((3,), truth, "bool")),
    fn.equal,
    lambda x, y: ~(x ^ y),
)

_case(
    "select",
    "rows",
    (Argument(("rows", 3), truth, "bool"), *_of(("rows", 3), ("rows", 3))),
    fn.select,
    lambda condition, x, y: condition * x + ~condition * y,
)
_case(
    "select",
    "stretched branches",
    (Argument(("rows", 1), truth, "bool"), *_of((3,), ())),
    fn.select,
    lambda condition, x, y: condition * x + ~condition * y,
)
_case(
    "select",
    "stretched condition",
    (Argument((), truth, "bool"), *_of(("rows", 3), (3,))),
    fn.select,
    lambda condition, x, y: x + 0.0 * y if condition else y + 0.0 * x,
)
_case(
    "select",
    "whole numbers",
    (
        Argument(("rows",), truth, "bool"),
        Argument(("rows",), below(9), "int"),
        Argument((), below(9), "int"),
    ),
    fn.select,
    lambda condition, x, y: condition * x + ~condition * y,
)
_case(
    "convert",
    "truth values",
    (Argument(("rows", 3), truth, "bool"),),
    fn.convert,
    lambda x: x * 1.0,
)
_case(
    "convert",
    "whole numbers",
    (Argument(("rows", 3), below(1000), "int"),),
    fn.convert,
    lambda x: x * 1.0,
)

# --- reductions --------------------------------------------------------------------------

for _name, _draw, _reduce in [("sum", anywhere, np.sum), ("max", distinct, np.max)]:
    for _label, _shape, _axes in [
        ("over columns", ("rows", 3), (1,)),
        ("over rows", ("rows", 3), (0,)),
        ("over all", ("rows", 3), (0, 1)),
        ("over the middle", (2, "rows", 3), (1,)),
        ("over both ends", (2, "rows", 3), (0, 2)),
        ("of a vector", (7,), (0,)),
        ("of many columns", ("rows", 41), (1,)),
    ]:
        _case(
            _name,
            _label,
            _of(_shape, draw=_draw),
            lambda x, name=_name, axes=_axes: make(name, x, axes=axes),
            lambda x, reduce=_reduce, axes=_axes: reduce(x, axis=axes),
        )

# --- matrices ----------------------------------------------------------------------------

for _label, _first, _second in [
    ("rows times weights", ("rows", 3), (3, 5)),
    ("sum over rows", (3, "rows"), ("rows", 5)),
    ("rows by rows", ("rows", 3), (3, "rows")),
    ("no rows", (2, 3), (3, 4)),
    ("to a column", ("rows", 6), (6, 1)),
    ("from a column", ("rows", 1), (1, 6)),
    ("wide", ("rows", 33), (33, 17)),
]:
    _case(
        "matmul",
        _label,
        _of(_first, _second),
        fn.matmul,
        lambda x, y: np.sum(x[:, :, None] * y[None, :, :], axis=1),
    )
_case(
    "matmul",
    "of a transpose",
    _of(("rows", 3), ("rows", 5)),
    lambda x, y: fn.matmul(fn.transpose(x), y),
    lambda x, y: np.einsum("ra,rb->ab", x, y),
)
_case(
    "matmul",
    "by a transpose",
    _of(("rows", 3), (5, 3)),
    lambda x, y: fn.matmul(x, fn.transpose(y)),
    lambda x, y: np.einsum("ra,ba->rb", x, y),
)
_case(
    "matmul",
    "by itself",
    _of((3, 3)),
    lambda x: fn.matmul(x, x),
    lambda x: np.einsum("ij,jk->ik", x, x),
)

# --- movement ----------------------------------------------------------------------------

_case("transpose", "matrix", _of(("rows", 3)), fn.transpose, lambda x: x.T)
_case(
    "transpose",
    "three axes in a circle",
    _of((2, "rows", 3)),
    lambda x: fn.transpose(x, (1, 2, 0)),
    lambda x: np.moveaxis(x, 0, 2),
)
_case(
    "transpose",
    "time first",
    _of(("rows", 4, 3)),
    lambda x: fn.transpose(x, (1, 0, 2)),
    lambda x: np.swapaxes(x, 0, 1),
)
_case(
    "transpose",
    "whole numbers",
    (Argument(("rows", 3), below(9), "int"),),
    fn.transpose,
    lambda x: x.T,
)
_case(
    "reshape",
    "rows merged",
    _of(("rows", 2, 3)),
    lambda x: fn.reshape(x, (-1, 3)),
    lambda x: np.concatenate(list(x)),
)
_case(
    "reshape",
    "rows kept",
    _of(("rows", 2, 3)),
    lambda x: fn.reshape(x, ("rows", 6)),
    lambda x: np.concatenate([x[:, 0], x[:, 1]], axis=1),
)
_case(
    "reshape",
    "rows split",
    _of((multiply(2, Size(1, ("rows",))), "rows")),
    lambda x: fn.reshape(x, ("rows", 2, "rows")),
    lambda x: np.stack([x[0::2], x[1::2]], axis=1),
)
_case("reshape", "axis added", _of((4,)), lambda x: fn.reshape(x, (4, 1)), lambda x: x[:, None])
_case("reshape", "number", _of((1, 1)), lambda x: fn.reshape(x, ()), lambda x: x[0, 0])
_case(
    "reshape",
    "of a transpose",
    _of(("rows", 2)),
    lambda x: fn.reshape(fn.transpose(x), (-1,)),
    lambda x: np.concatenate([x[:, 0], x[:, 1]]),
)
_case(
    "broadcast",
    "vector to rows",
    (Argument((3,)), Argument(("rows",))),
    lambda x, y: fn.broadcast_to(x, ("rows", 3)),
    lambda x, y: np.tile(x, (len(y), 1)),
)
_case(
    "broadcast",
    "column and new axis",
    _of(("rows", 1)),
    lambda x: fn.broadcast_to(x, (2, "rows", 3)),
    lambda x: np.stack([np.tile(x, (1, 3))] * 2),
)
_case(
    "broadcast",
    "truth value",
    (Argument((), truth, "bool"),),
    lambda x: fn.broadcast_to(x, (2, 3)),
    lambda x: np.full((2, 3), x),
)
_case(
    "slice",
    "columns",
    _of(("rows", 5)),
    lambda x: fn.slice_axes(x, [None, (1, 4)]),
    lambda x: x[:, 1:4],
)
_case(
    "slice",
    "from the end",
    _of(("rows", 5)),
    lambda x: fn.slice_axes(x, [None, (-2, None)]),
    lambda x: x[:, 3:],
)
_case(
    "slice",
    "first row",
    _of(("rows", 5)),
    lambda x: fn.slice_axes(x, [(0, 1), None]),
    lambda x: x[:1],
)
_case(
    "slice",
    "last row, some columns",
    _of(("rows", 5)),
    lambda x: fn.slice_axes(x, [(-1, None), (0, 2)]),
    lambda x: x[-1:, :2],
)
_case(
    "slice",
    "a step of time",
    _of((4, "rows", 3)),
    lambda x: fn.slice_axes(x, [(3, 4), None, None]),
    lambda x: x[3:],
)
_case(
    "pad",
    "columns",
    _of(("rows", 2)),
    lambda x: fn.pad(x, ("rows", 5), [None, (1, 3)]),
    lambda x: np.pad(x, ((0, 0), (1, 2))),
)
_case(
    "pad",
    "first of the rows",
    (Argument((1, 3)), Argument(("rows",))),
    lambda x, y: fn.pad(x, ("rows", 3), [(0, 1), None]),
    lambda x, y: np.pad(x, ((0, len(y) - 1), (0, 0))),
)
_case(
    "pad",
    "last of the rows",
    (Argument((1, 3)), Argument(("rows",))),
    lambda x, y: fn.pad(x, ("rows", 4), [(-1, None), (0, 3)]),
    lambda x, y: np.pad(x, ((len(y) - 1, 0), (0, 1))),
)
_case(
    "concatenate",
    "columns",
    _of(("rows", 2), ("rows", 1), ("rows", 3)),
    lambda *parts: fn.concatenate(parts, 1),
    lambda *parts: np.hstack(parts),
)
_case(
    "concatenate",
    "first axis",
    _of((2, "rows"), (1, "rows")),
    lambda *parts: fn.concatenate(parts, 0),
    lambda *parts: np.vstack(parts),
)
_case(
    "concatenate",
    "with itself",
    _of(("rows", 2)),
    lambda x: fn.concatenate([x, x], -1),
    lambda x: np.tile(x, (1, 2)),
)

# --- indexing ----------------------------------------------------------------------------

_case(
    "take",
    "a row of a table for each row",
    (Argument((5, 3)), Argument(("rows",), below(5), "int")),
    fn.take,
    lambda x, i: np.stack([x[k] for k in i]),
)
_case(
    "take",
    "two for each row",
    (Argument((5, 3)), Argument(("rows", 2), below(5), "int")),
    fn.take,
    lambda x, i: np.stack([np.stack([x[k] for k in each]) for each in i]),
)
_case(
    "take",
    "some of the rows",
    (Argument(("rows", 3)), Argument((4,), below_rows, "int")),
    fn.take,
    lambda x, i: np.stack([x[k] for k in i]),
)
_case(
    "take",
    "one number",
    (Argument((5,)), Argument((), below(5), "int")),
    fn.take,
    lambda x, i: x[int(i)],
)
_case(
    "take",
    "whole numbers",
    (Argument((5,), below(9), "int"), Argument(("rows",), below(5), "int")),
    fn.take,
    lambda x, i: np.array([x[k] for k in i]),
)
_case(
    "scatter_add",
    "rows into a table",
    (Argument(("rows", 3)), Argument(("rows",), below(5), "int")),
    lambda x, i: fn.scatter_add(x, i, 5),
    lambda x, i: np.equal.outer(np.arange(5), i) @ x,
)
_case(
    "scatter_add",
    "numbers into a vector",
    (Argument(("rows",)), Argument(("rows",), below(5), "int")),
    lambda x, i: fn.scatter_add(x, i, 5),
    lambda x, i: np.bincount(i, weights=x, minlength=5),
)
_case(
    "scatter_add",
    "two for each row",
    (Argument(("rows", 2, 3)), Argument(("rows", 2), below(5), "int")),
    lambda x, i: fn.scatter_add(x, i, 5),
    lambda x, i: np.einsum("krt,rtc->kc", np.equal.outer(np.arange(5), i) * 1.0, x),
)
_case(
    "scatter_add",
    "into the rows",
    (Argument((4, 3)), Argument((4,), below_rows, "int"), Argument(("rows",))),
    lambda x, i, y: fn.scatter_add(x, i, "rows"),
    lambda x, i, y: np.equal.outer(np.arange(len(y)), i) @ x,
)

# --- loops -------------------------------------------------------------------------------


def _running_sum(x: Node, start: Node) -> Node:
    (total,) = scan(lambda c, s: ([c[0] + s[0]], [c[0] + s[0]]), [start], [x])
    return total


def _recurrent(reverse: bool) -> Callable[..., Node]:
    def build(x: Node, state: Node, weights: Node, bias: Node) -> Node:
        def body(carries: Any, slices: Any) -> Any:
            new = fn.tanh(carries[0] @ weights + slices[0] + bias)
            return [new], [new]

        (states,) = scan(body, [state], [x], reverse=reverse)
        return states

    return build


def _recurrent_expected(reverse: bool) -> Callable[..., Array]:
    def compute(x: Array, state: Array, weights: Array, bias: Array) -> Array:
        states = np.zeros_like(x)
        for time in range(len(x))[:: -1 if reverse else 1]:
            state = np.tanh(state @ weights + x[time] + bias)
            states[time] = state
        return states

    return compute


def _two_states(x: Node, first: Node, second: Node, scale: Node) -> Node:
    """The state before the step is what comes out; the carried values feed one another."""

    def body(carries: Any, slices: Any) -> Any:
        one, two = carries
        return [fn.sin(two) * scale, one + slices[0]], [one * two]

    (products,) = scan(body, [first, second], [x])
    return products


def _two_states_expected(x: Array, first: Array, second: Array, scale: Array) -> Array:
    products = []
    for each in x:
        products.append(first * second)
        first, second = np.sin(second) * scale, first + each
    return np.stack(products)


def _decay(start: Node) -> Node:
    (values,) = scan(lambda c, s: ([0.5 * c[0]], [c[0]]), [start], [], length=3)
    return values


def _without_state(x: Node, y: Node) -> Node:
    (products,) = scan(lambda c, s: ([], [s[0] * s[1]]), [], [x, y])
    return products


def _counted(x: Node, start: Node, places: Node) -> Node:
    """A table read at whole numbers, one for each step."""

    def body(carries: Any, slices: Any) -> Any:
        total = carries[0] + fn.take(x, slices[0])
        return [total], [total]

    (totals,) = scan(body, [start], [places])
    return totals


def _nested(x: Node, start: Node) -> Node:
    """For each row of x the running product with sin, started where the row before ended."""

    def outer(carries: Any, slices: Any) -> Any:
        def inner(inner_carries: Any, inner_slices: Any) -> Any:
            new = fn.sin(inner_carries[0]) + inner_slices[0] * carries[0]
            return [new], [new]

        (row,) = scan(inner, [carries[0]], [slices[0]])
        return [fn.mean(row)], [row]

    (rows,) = scan(outer, [start], [x])
    return rows


def _nested_expected(x: Array, start: Array) -> Array:
    result = np.zeros_like(x)
    carried = start
    for i, row in enumerate(x):
        value = carried
        for j, each in enumerate(row):
            value = np.sin(value) + each * carried
            result[i, j] = value
        carried = result[i].mean()
    return result


for _label, _reverse in [("recurrent", False), ("recurrent, backward", True)]:
    _case(
        "scan",
        _label,
        _of((4, "rows", 3), ("rows", 3), (3, 3), (3,)),
        _recurrent(_reverse),
        _recurrent_expected(_reverse),
    )
_case(
    "scan",
    "two carried values",
    _of((4, "rows", 3), ("rows", 3), ("rows", 3), (3,)),
    _two_states,
    _two_states_expected,
)
_case(
    "scan",
    "over the rows",
    _of(("rows", 3), (3,)),
    _running_sum,
    lambda x, start: start + np.cumsum(x, axis=0),
)
_case(
    "scan",
    "numbers over symbolic time",
    _of(("time",), ()),
    _running_sum,
    lambda x, start: start + np.cumsum(x),
)
_case(
    "scan",
    "without sequences",
    _of(("rows",)),
    _decay,
    lambda start: np.stack([start, start / 2, start / 4]),
)
_case("scan", "without carried values", _of((4, "rows"), (4, "rows")), _without_state, np.multiply)
_case(
    "scan",
    "whole numbers read",
    (Argument((5, 2)), Argument(("rows", 2)), Argument((4, "rows"), below(5), "int")),
    _counted,
    lambda x, start, places: start + np.cumsum(x[places], axis=0),
)
_case("scan", "in a scan", _of((3, 4), ()), _nested, _nested_expected)

# --- random draws ------------------------------------------------------------------------


def _no_expectation(*values: Array) -> Array:
    raise AssertionError("A random draw has no value that NumPy could compute.")


_case(
    "uniform",
    "rows",
    _of(("rows", 3)),
    lambda x: fn.uniform(x.shape, stream=5),
    _no_expectation,
)
