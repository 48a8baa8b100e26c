"""How a graph is written: from nodes to a formula as a person would put it on the board."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.graph.node import Node
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import topological_order
from chainrule.notation.formula import (
    Call,
    Choice,
    Entries,
    Formula,
    Magnitude,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Root,
    Sum,
    Symbol,
    Transposed,
)
from chainrule.notation.formula_text import formula_text

__all__ = ["PRIMED", "format_formula", "function_name", "write"]

PRIMED = ("logistic", "tanh")
"""Functions whose derivative is written with a prime, as σ′(z), and spelled out once."""

_LONGEST = 200
_KNOWN_NUMBERS = {math.pi: "π", math.e: "e"}


def format_formula(node: Node, expand: bool = False, digits: int | None = 4) -> str:
    """A graph as a formula in one line of text.

    Parameters
    ----------
    node : Node
    expand : bool, default=False
        Write out the parts that have names, instead of their names.
    digits : int or None, default=4
        Significant digits of numbers; None for as many as distinguish them.

    Returns
    -------
    str
        ``parse_formula`` reads it, unless the graph has arrays or comparisons.

    Examples
    --------
    >>> import chainrule as cr
    >>> h = cr.parse_formula("h = w*x + b; sigmoid(h)^2")
    >>> format_formula(h), format_formula(h, expand=True)
    ('σ(h)²', 'σ(w·x + b)²')
    """
    return formula_text(write(node, expand=expand), digits)


def write(node: Node, known: Mapping[Node, Formula] | None = None, expand: bool = False) -> Formula:
    """A graph as a formula.

    Parameters
    ----------
    node : Node
    known : mapping of Node to Formula, optional
        How some nodes are written; what they are made of is not looked at.
    expand : bool, default=False
        Write out the parts that have names, instead of their names.

    Returns
    -------
    Formula
        Of a node too large to read, the outermost operations: the rest is an ellipsis.
    """
    written = dict(known or {})
    if not expand:
        for each in topological_order([node], known=written):
            if each.name and each is not node:
                written[each] = Symbol(each.name)
    order = topological_order([node], known=written)
    names = {each.name for each in order}
    names |= {each.name for each in written.values() if isinstance(each, Symbol)}
    lengths: dict[Node, int] = {}
    for each in order:
        parts = [
            written[part] if lengths.get(part, 1) <= _LONGEST else Symbol("…")
            for part in each.inputs
        ]
        lengths[each] = 1 + sum(min(lengths.get(part, 1), _LONGEST) for part in each.inputs)
        written[each] = _write_one(each, parts, names)
    return written[node]


def function_name(operation: str) -> str:
    """The name of an operation that is written as a function of its inputs."""
    return OPERATIONS[operation].notation.partition("(")[0]


def _write_one(node: Node, parts: list[Formula], names: set[str | None]) -> Formula:
    writer = _WRITERS.get(node.operation)
    if writer is None:
        return Call(function_name(node.operation), tuple(parts))
    if node.operation == "exp" and "e" in names:
        return Call("exp", tuple(parts))
    if node.operation == "constant" and _KNOWN_NUMBERS.get(node.attributes["value"]) in names:
        return Number(node.attributes["value"])
    return writer(node, *parts)


Writer = Callable[..., Formula]
"""``writer(node, *formulas_of_the_inputs) -> formula``."""


def _variable(node: Node) -> Formula:
    return Symbol(node.name or "")


def _constant(node: Node) -> Formula:
    value = node.attributes["value"]
    if node.kind == "bool":
        return Symbol(str(value).lower())
    name = _KNOWN_NUMBERS.get(value)
    return Symbol(name) if name else Number(value)


def _size(node: Node) -> Formula:
    dimension = node.attributes["dimension"]
    factors: list[Formula] = [Symbol(each) for each in dimension.symbols]
    if dimension.coefficient != 1:
        factors.insert(0, Number(float(dimension.coefficient)))
    return functools.reduce(Product, factors)


def _multiply(node: Node, x: Formula, y: Formula) -> Formula:
    both_arrays = all(each.shape for each in node.inputs)
    return Product(x, y, "entries" if both_arrays else "numbers")


def _as_it_is(node: Node, x: Formula) -> Formula:
    return x


def _reshape(node: Node, x: Formula) -> Formula:
    """New axes of size 1 are not worth a word."""
    (before,) = node.inputs
    same = [size for size in before.shape if size != 1] == [s for s in node.shape if s != 1]
    return x if same else Call("reshape", (x,))


def _relation(sign: str) -> Writer:
    return lambda node, x, y: Relation(x, sign, y)


def _axes_below(node: Node) -> str:
    """What stands below Σ: nothing where all is summed, else the axes."""
    (x,) = node.inputs
    axes = node.attributes["axes"]
    if len(axes) == x.rank:
        return ""
    return ",".join(str(x.shape[axis]) if _is_symbolic(x, axis) else str(axis) for axis in axes)


def _is_symbolic(x: Node, axis: int) -> bool:
    return not isinstance(x.shape[axis], int)


def _reduction(function: str) -> Writer:
    return lambda node, x: Call(function, (x,), index=_axes_below(node))


def _transpose(node: Node, x: Formula) -> Formula:
    if node.attributes["permutation"] == (1, 0):
        return Transposed(x)
    return Call("transpose", (x,), index=",".join(map(str, node.attributes["permutation"])))


def _slice(node: Node, x: Formula) -> Formula:
    return Entries(x, tuple(Symbol(_range(each)) for each in node.attributes["ranges"]))


def _range(bounds: Any) -> str:
    if bounds is None:
        return ":"
    start, stop = bounds
    if stop == start + 1:
        return str(start)
    return f"{start}:{'' if stop is None else stop}"


_WRITERS: dict[str, Writer] = {
    "variable": _variable,
    "constant": _constant,
    "size": _size,
    "uniform": lambda node: Call("uniform", (Number(0.0), Number(1.0))),
    "negate": lambda node, x: Negative(x),
    "reciprocal": lambda node, x: Quotient(Number(1.0), x),
    "exp": lambda node, x: Power(Symbol("e"), x),
    "sqrt": lambda node, x: Root(x),
    "absolute": lambda node, x: Magnitude(x),
    "add": lambda node, x, y: Sum(x, y),
    "subtract": lambda node, x, y: Sum(x, y, minus=True),
    "multiply": _multiply,
    "matmul": lambda node, x, y: Product(x, y, "matrices"),
    "divide": lambda node, x, y: Quotient(x, y),
    "power": lambda node, x, y: Power(x, y),
    "less": _relation("<"),
    "less_equal": _relation("≤"),
    "equal": _relation("="),
    "select": lambda node, condition, x, y: Choice(condition, x, y),
    "convert": _as_it_is,
    "stop_gradient": _as_it_is,
    "broadcast": _as_it_is,
    "reshape": _reshape,
    "sum": _reduction("Σ"),
    "max": _reduction("max"),
    "transpose": _transpose,
    "slice": _slice,
    "take": lambda node, x, indices: Entries(x, (indices,)),
    "concatenate": lambda node, *parts: Call("", parts),
}
"""What is not written as a function: f(x, y)."""
