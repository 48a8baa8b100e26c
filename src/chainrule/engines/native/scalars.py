"""Element-wise operations as LLVM instructions, one entry for each operation of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from chainrule.engines.native.mathematics import Mathematics
from chainrule.engines.random_bits import PARITY, ROTATIONS
from chainrule.graph.node import Node

__all__ = ["SCALARS", "constant_value", "emit_stream_key", "emit_uniform", "storage_type"]

Value = Any
Emit = Callable[..., Value]
"""``emit(mathematics, builder, node, *inputs) -> value``."""

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
# A product and a sum may become one instruction; nothing else is allowed to change.
_FLAGS = ("contract",)


def storage_type(m: Mathematics, kind: str) -> ir.Type:
    """How a value of a kind lies in memory."""
    return {"float": m.type, "int": _I64, "bool": _I8}[kind]


def constant_value(m: Mathematics, node: Node) -> Value:
    """A constant node as an LLVM constant."""
    value = node.attributes["value"]
    return ir.Constant(ir.IntType(1), int(value)) if node.kind == "bool" else m.number(value)


def _compare(relation: str) -> Emit:
    def emit(m: Mathematics, b: ir.IRBuilder, node: Node, x: Value, y: Value) -> Value:
        kind = node.inputs[0].kind
        if kind == "float":
            return b.fcmp_ordered(relation, x, y)
        return (b.icmp_signed if kind == "int" else b.icmp_unsigned)(relation, x, y)

    return emit


def _call(name: str) -> Emit:
    return lambda m, b, node, *inputs: m.call(b, name, *inputs)


def _extreme(relation: str, intrinsic: str) -> Emit:
    """NaN wins, as in NumPy; against a number, one comparison does it."""

    def emit(m: Mathematics, b: ir.IRBuilder, node: Node, x: Value, y: Value) -> Value:
        for variable, fixed, node_of_fixed in ((x, y, node.inputs[1]), (y, x, node.inputs[0])):
            if node_of_fixed.operation == "constant":
                chosen = b.fcmp_unordered(relation, variable, fixed)
                return b.select(chosen, variable, fixed)
        return m.intrinsic(b, intrinsic, x, y)

    return emit


def _sign(m: Mathematics, b: ir.IRBuilder, node: Node, x: Value) -> Value:
    zero = m.number(0.0)
    positive = b.fcmp_ordered(">", x, zero)
    negative = b.fcmp_ordered("<", x, zero)
    return b.select(positive, m.number(1.0), b.select(negative, m.number(-1.0), x))


def _convert(m: Mathematics, b: ir.IRBuilder, node: Node, x: Value) -> Value:
    return (b.uitofp if node.inputs[0].kind == "bool" else b.sitofp)(x, m.type)


def _power(m: Mathematics, b: ir.IRBuilder, node: Node, x: Value, y: Value) -> Value:
    """Small whole exponents by multiplication, ½ by a root, the rest by logarithms."""
    exponent = node.inputs[1].attributes.get("value")
    if isinstance(exponent, float) and abs(exponent) <= 8 and exponent == int(exponent):
        result, square, left = None, x, abs(int(exponent))
        while left:
            if left & 1:
                result = square if result is None else b.fmul(result, square)
            left >>= 1
            if left:
                square = b.fmul(square, square)
        if result is None:
            return m.number(1.0)
        return b.fdiv(m.number(1.0), result) if exponent < 0 else result
    return m.call(b, "power", x, y)


SCALARS: dict[str, Emit] = {
    "negate": lambda m, b, node, x: b.fneg(x),
    "reciprocal": lambda m, b, node, x: b.fdiv(m.number(1.0), x),
    "exp": _call("exp"),
    "log": _call("log"),
    "log1p": _call("log1p"),
    "expm1": _call("expm1"),
    "sqrt": lambda m, b, node, x: m.intrinsic(b, "llvm.sqrt", x),
    "sin": _call("sin"),
    "cos": _call("cos"),
    "tanh": _call("tanh"),
    "logistic": _call("logistic"),
    "softplus": _call("softplus"),
    "erf": _call("erf"),
    "absolute": lambda m, b, node, x: m.intrinsic(b, "llvm.fabs", x),
    "sign": _sign,
    "add": lambda m, b, node, x, y: b.fadd(x, y, flags=_FLAGS),
    "subtract": lambda m, b, node, x, y: b.fsub(x, y, flags=_FLAGS),
    "multiply": lambda m, b, node, x, y: b.fmul(x, y, flags=_FLAGS),
    "divide": lambda m, b, node, x, y: b.fdiv(x, y),
    "power": _power,
    "maximum": _extreme(">", "llvm.maximum"),
    "minimum": _extreme("<", "llvm.minimum"),
    "less": _compare("<"),
    "less_equal": _compare("<="),
    "equal": _compare("=="),
    "select": lambda m, b, node, condition, x, y: b.select(condition, x, y),
    "convert": _convert,
    "stop_gradient": lambda m, b, node, x: x,
    "broadcast": lambda m, b, node, x: x,
    "reshape": lambda m, b, node, x: x,
}


# --- random draws ------------------------------------------------------------------------


def _rotate(b: ir.IRBuilder, word: Value, places: int) -> Value:
    kind = ir.FunctionType(_I32, [_I32] * 3)
    rotate = b.module.declare_intrinsic("llvm.fshl", [_I32], kind)
    return b.call(rotate, [word, word, ir.Constant(_I32, places)])


def _opaque_zero(b: ir.IRBuilder) -> Value:
    """A 0 that LLVM knows only at run time."""
    kind = ir.FunctionType(_I32, [_I32])
    return b.asm(kind, "", "=r,0", [ir.Constant(_I32, 0)], False)


def _threefry(
    b: ir.IRBuilder, keys: tuple[Value, Value], x: tuple[Value, Value], zero: Value
) -> Any:
    """The rounds of ``engines.random_bits.threefry``.

    The zero changes no number. Without it, LLVM's analysis of loops takes the sum of each round
    for one with all sums before it, and compiling takes half a second.
    """
    third = b.xor(b.xor(keys[0], keys[1]), ir.Constant(_I32, PARITY))
    schedule = (keys[0], keys[1], third)
    x0, x1 = b.add(x[0], keys[0]), b.add(x[1], keys[1])
    for group in range(5):
        for rotation in ROTATIONS[:4] if group % 2 == 0 else ROTATIONS[4:]:
            x0 = b.xor(b.add(x0, x1), zero)
            x1 = b.xor(_rotate(b, x1, rotation), x0)
        x0 = b.add(x0, schedule[(group + 1) % 3])
        x1 = b.add(x1, schedule[(group + 2) % 3])
        x1 = b.add(x1, ir.Constant(_I32, group + 1))
    return x0, x1


def _halves(b: ir.IRBuilder, word: Value) -> tuple[Value, Value]:
    return b.trunc(word, _I32), b.trunc(b.lshr(word, ir.Constant(_I64, 32)), _I32)


def emit_stream_key(b: ir.IRBuilder, seed: Value, step: Value, stream: int) -> Any:
    """The key of a stream, as in ``engines.random_bits.stream_key``, and a zero for its use."""
    low, high = _halves(b, step)
    zero = _opaque_zero(b)
    counter = (low, b.xor(high, ir.Constant(_I32, stream)))
    return _threefry(b, _halves(b, seed), counter, zero), zero


def emit_uniform(m: Mathematics, b: ir.IRBuilder, key: Any, element: Value) -> Value:
    """The draw of one element, as in ``engines.random_bits.uniform``."""
    words, zero = key
    x0, x1 = _threefry(b, words, _halves(b, element), zero)
    if m.single:
        cell = b.sitofp(b.lshr(x0, ir.Constant(_I32, 9)), m.type)
        return b.fmul(b.fadd(cell, m.number(0.5)), m.number(2.0**-23))
    high = b.shl(b.zext(x0, _I64), ir.Constant(_I64, 20))
    low = b.zext(b.lshr(x1, ir.Constant(_I32, 12)), _I64)
    cell = b.sitofp(b.or_(high, low), m.type)
    return b.fmul(b.fadd(cell, m.number(0.5)), m.number(2.0**-52))
