"""exp, log, tanh and kin as LLVM code that vectorises.

Each function is branch-free and inlined where it is used, so that LLVM turns a loop over it
into vector instructions. Results are within 3.2 units in the last place of the true value;
``_power`` and ``_sine_or_cosine`` say how far theirs hold. NaN goes in and comes out; infinities
are honoured; nothing here may be reassociated, since several tricks rest on the order of
rounding.

The polynomials are Taylor series on intervals so short that the first term left out is below
the rounding error; tests measure the error of each against NumPy in higher precision.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from llvmlite import ir

__all__ = ["Mathematics"]

Value = Any
"""An llvmlite value; llvmlite has no type hints."""

_LN2 = math.log(2.0)
_LN2_HEAD, _LN2_TAIL = 0.6931471803691238, 1.9082149292705877e-10
"""ln 2 as a sum; the head is so short that its product with an exponent is exact."""
_I32, _I64 = ir.IntType(32), ir.IntType(64)


class Mathematics:
    """The mathematical functions of one module in one precision.

    Parameters
    ----------
    module : llvmlite.ir.Module
        Where the functions are defined, each when it is first used.
    dtype : {"float32", "float64"}
    """

    def __init__(self, module: ir.Module, dtype: Literal["float32", "float64"]) -> None:
        self.module = module
        self.single = dtype == "float32"
        self.type = ir.FloatType() if self.single else ir.DoubleType()
        self.bits = _I32 if self.single else _I64
        self.mantissa = 23 if self.single else 52
        self.bias = 127 if self.single else 1023
        self._double: Mathematics | None = None

    def call(self, builder: ir.IRBuilder, name: str, *arguments: Value) -> Value:
        """The value of one of the functions of ``BODIES``."""
        return builder.call(self._function(name, len(arguments)), arguments)

    def number(self, value: float) -> Value:
        """A constant of this precision."""
        return ir.Constant(self.type, float(np.float32(value)) if self.single else float(value))

    def intrinsic(self, builder: ir.IRBuilder, name: str, *arguments: Value) -> Value:
        """An operation that LLVM knows by itself, such as ``llvm.sqrt``."""
        kind = ir.FunctionType(self.type, [self.type] * len(arguments))
        function = self.module.declare_intrinsic(name, [self.type], kind)
        return builder.call(function, arguments)

    def _function(self, name: str, arity: int) -> ir.Function:
        full_name = f"cr_{name}_{'f32' if self.single else 'f64'}"
        found = self.module.globals.get(full_name)
        if found is not None:
            return found
        kind = ir.FunctionType(self.type, [self.type] * arity)
        function = ir.Function(self.module, kind, full_name)
        function.linkage = "internal"
        function.attributes.add("alwaysinline")
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(BODIES[name](self, builder, *function.args))
        return function

    @property
    def in_double(self) -> Mathematics:
        """The same functions in double precision."""
        if not self.single:
            return self
        if self._double is None:
            self._double = Mathematics(self.module, "float64")
        return self._double

    # --- small pieces --------------------------------------------------------------------

    def fused(self, builder: ir.IRBuilder, x: Value, y: Value, z: Value) -> Value:
        """x·y + z with one rounding."""
        return builder.fma(x, y, z)

    def horner(self, builder: ir.IRBuilder, x: Value, coefficients: Sequence[float]) -> Value:
        """A polynomial; coefficients from the highest power down."""
        result = self.number(coefficients[0])
        for each in coefficients[1:]:
            result = self.fused(builder, result, x, self.number(each))
        return result

    def where(
        self, builder: ir.IRBuilder, relation: str, x: Value, y: float, yes: Value, no: Value
    ) -> Value:
        """``yes`` where ``x relation y`` (false for NaN), else ``no``."""
        condition = builder.fcmp_ordered(relation, x, self.number(y))
        return builder.select(condition, yes, no)

    def power_of_two(self, builder: ir.IRBuilder, exponent: Value) -> Value:
        """2 to the power of an integer that keeps the result normal."""
        biased = builder.add(exponent, ir.Constant(self.bits, self.bias))
        shifted = builder.shl(biased, ir.Constant(self.bits, self.mantissa))
        return builder.bitcast(shifted, self.type)


def _taylor_exp(degree: int) -> list[float]:
    return [1.0 / math.factorial(power) for power in range(degree, -1, -1)]


def _exp(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """exp x = 2^n · exp r with |r| ≤ ln 2 / 2."""
    low, high = (-104.0, 89.0) if m.single else (-746.0, 710.0)
    x = m.where(b, "<", x, low, m.number(low), x)
    x = m.where(b, ">", x, high, m.number(high), x)
    # Adding 1.5·2^mantissa rounds to an integer and leaves it in the low bits.
    magic = m.number(1.5 * 2.0**m.mantissa)
    shifted = b.fadd(b.fmul(x, m.number(1.0 / _LN2)), magic)
    n_float = b.fsub(shifted, magic)
    n = b.sub(b.bitcast(shifted, m.bits), b.bitcast(magic, m.bits))
    head = float(np.float32(0.693145751953125)) if m.single else _LN2_HEAD
    tail = _LN2 - head if m.single else _LN2_TAIL
    minus_n = b.fneg(n_float)
    r = m.fused(b, minus_n, m.number(head), x)
    r = m.fused(b, minus_n, m.number(tail), r)
    series = m.horner(b, r, _taylor_exp(7 if m.single else 13))
    # In two steps, so that results beyond the normal range round or overflow as they should.
    half = b.ashr(n, ir.Constant(m.bits, 1))
    scaled = b.fmul(series, m.power_of_two(b, half))
    return b.fmul(scaled, m.power_of_two(b, b.sub(n, half)))


def _expm1(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """A series near 0, where exp x - 1 would cancel."""
    series = m.fused(
        b,
        b.fmul(x, x),
        m.horner(b, x, _taylor_exp(9 if m.single else 15)[:-2]),
        x,
    )
    far = b.fsub(m.call(b, "exp", x), m.number(1.0))
    size = m.intrinsic(b, "llvm.fabs", x)
    series = m.where(b, "==", x, 0.0, x, series)
    return m.where(b, "<", size, 0.4, series, far)


def _log(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """log x = e·ln 2 + log f with √½ ≤ f < √2, and log f = 2 artanh((f-1)/(f+1))."""
    smallest = 2.0**-126 if m.single else 2.0**-1022
    lift = float(m.mantissa + 1)
    tiny = b.fcmp_ordered("<", x, m.number(smallest))
    lifted = b.select(tiny, b.fmul(x, m.number(2.0**lift)), x)
    bits = b.bitcast(lifted, m.bits)
    # Offsetting by the bits of √½ puts the fraction into [√½, √2).
    root_bits = int(
        np.float32(math.sqrt(0.5)).view(np.uint32)
        if m.single
        else np.float64(math.sqrt(0.5)).view(np.uint64)
    )
    offset = b.sub(bits, ir.Constant(m.bits, root_bits))
    exponent = b.ashr(offset, ir.Constant(m.bits, m.mantissa))
    fraction = b.bitcast(b.sub(bits, b.shl(exponent, ir.Constant(m.bits, m.mantissa))), m.type)
    e = b.sitofp(exponent, m.type)
    e = b.select(tiny, b.fsub(e, m.number(lift)), e)
    f = b.fsub(fraction, m.number(1.0))
    s = b.fdiv(f, b.fadd(m.number(2.0), f))
    z = b.fmul(s, s)
    terms = 6 if m.single else 12
    series = m.horner(b, z, [2.0 / (2 * k + 1) for k in range(terms, 0, -1)])
    # log f = f - (f²/2 - s·(f²/2 + z·series)): nothing cancels near 1.
    half_square = b.fmul(m.number(0.5), b.fmul(f, f))
    inner = b.fmul(s, b.fadd(half_square, b.fmul(z, series)))
    head = float(np.float32(0.693145751953125)) if m.single else _LN2_HEAD
    tail = _LN2 - head if m.single else _LN2_TAIL
    low = m.fused(b, e, m.number(tail), inner)
    result = m.fused(b, e, m.number(head), b.fsub(f, b.fsub(half_square, low)))
    result = m.where(b, "==", x, math.inf, x, result)
    result = m.where(b, "==", x, 0.0, m.number(-math.inf), result)
    result = m.where(b, "<", x, 0.0, m.number(math.nan), result)
    return b.select(b.fcmp_unordered("uno", x, x), x, result)


def _log1p(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """log(1 + x) = log(u)·x/(u - 1) with u = 1 + x rounded (Kahan)."""
    u = b.fadd(m.number(1.0), x)
    difference = b.fsub(u, m.number(1.0))
    corrected = b.fmul(m.call(b, "log", u), b.fdiv(x, difference))
    result = m.where(b, "==", difference, 0.0, x, corrected)
    result = m.where(b, "==", x, math.inf, x, result)
    return m.where(b, "==", x, -1.0, m.number(-math.inf), result)


def _tanh(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """tanh x = -t/(t + 2) with t = exp(-2|x|) - 1, and the sign of x."""
    size = m.intrinsic(b, "llvm.fabs", x)
    t = m.call(b, "expm1", b.fmul(m.number(-2.0), size))
    result = b.fdiv(b.fneg(t), b.fadd(t, m.number(2.0)))
    return m.intrinsic(b, "llvm.copysign", result, x)


def _logistic(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """1/(1 + e) for x ≥ 0 and e/(1 + e) for x < 0, with e = exp(-|x|)."""
    e = m.call(b, "exp", b.fneg(m.intrinsic(b, "llvm.fabs", x)))
    above = m.where(b, "<", x, 0.0, e, m.number(1.0))
    return b.fdiv(above, b.fadd(m.number(1.0), e))


def _softplus(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """max(x, 0) + log(1 + exp(-|x|))."""
    e = m.call(b, "exp", b.fneg(m.intrinsic(b, "llvm.fabs", x)))
    positive = m.where(b, "<", x, 0.0, m.number(0.0), x)
    return b.fadd(positive, m.call(b, "log1p", e))


@functools.cache
def _erf_series(terms: int) -> list[float]:
    """erf x / x as a polynomial in x², by its Taylor series, highest power first."""
    scale = 2.0 / math.sqrt(math.pi)
    return [scale * (-1.0) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(terms, -1, -1)]


_ERF_MIDDLE, _ERF_HALF = -0.15532734274711169, 0.42362002567394097
_ERFCX = (
    9.221416862144651e-13,
    -1.0916399672945839e-11,
    -2.6272916395608653e-11,
    5.817701888316369e-10,
    -5.077789690234809e-10,
    -2.6026697718249957e-08,
    1.5661279614016897e-07,
    3.8795961642040445e-07,
    -1.2124217488802076e-05,
    0.00010235046827213673,
    -0.0005583735794567324,
    0.0022310348189431956,
    -0.006629715755801395,
    0.013468950921007533,
    -0.009786319057257343,
    -0.05653837221144366,
    1.2590014314983107,
)
"""(1 + 2x)·exp(x²)·erfc x for 1 ≤ x ≤ 6.5 as a polynomial, highest power first (Schonfelder 1978).

Its variable is ((x - 3.75)/(x + 3.75) - middle)/half, from -1 to 1. The coefficients are those of
its Chebyshev series of degree 16, computed with 40 digits; the rest of the series is below 4e-18.
"""


def _erf(m: Mathematics, b: ir.IRBuilder, x: Value) -> Value:
    """A series for |x| < 1; beyond, 1 - erfc |x|, which is 1 from 6 on."""
    if m.single:
        wide = m.in_double.call(b, "erf", b.fpext(x, ir.DoubleType()))
        return b.fptrunc(wide, m.type)
    size = m.intrinsic(b, "llvm.fabs", x)
    near = b.fmul(x, m.horner(b, b.fmul(x, x), _erf_series(22)))
    bounded = m.where(b, ">", size, 6.5, m.number(6.5), size)
    t = b.fdiv(b.fsub(bounded, m.number(3.75)), b.fadd(bounded, m.number(3.75)))
    u = b.fdiv(b.fsub(t, m.number(_ERF_MIDDLE)), m.number(_ERF_HALF))
    scaled = m.horner(b, u, _ERFCX)
    bell = m.call(b, "exp", b.fneg(b.fmul(bounded, bounded)))
    tail = b.fdiv(b.fmul(scaled, bell), m.fused(b, m.number(2.0), bounded, m.number(1.0)))
    far = m.intrinsic(b, "llvm.copysign", b.fsub(m.number(1.0), tail), x)
    result = m.where(b, "<", size, 1.0, near, far)
    return b.select(b.fcmp_unordered("uno", x, x), x, result)


_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
"""π/2 as a sum of three doubles."""


def _sine_or_cosine(m: Mathematics, b: ir.IRBuilder, x: Value, turn: int) -> Value:
    """x minus a multiple of π/2, then the series of sine or cosine; ``turn`` quarters ahead.

    Beyond |x| = 3·10¹⁵, where neighbouring doubles are half a radian apart, the result is NaN.
    """
    if m.single:
        name = "cos" if turn else "sin"
        wide = m.in_double.call(b, name, b.fpext(x, ir.DoubleType()))
        return b.fptrunc(wide, m.type)
    magic = m.number(1.5 * 2.0**52)
    shifted = b.fadd(b.fmul(x, m.number(2.0 / math.pi)), magic)
    n = b.fsub(shifted, magic)
    quarter = b.add(b.bitcast(shifted, _I64), ir.Constant(_I64, turn))
    first, second, third = (m.number(each) for each in _HALF_PI)
    # x - n·first is exact: the bits that are left fit into one number.
    start = m.fused(b, b.fneg(n), first, x)
    # From there on, what is lost in rounding is kept (Knuth's difference of two numbers).
    step = b.fmul(n, second)
    r = b.fsub(start, step)
    moved = b.fsub(r, start)
    rest = b.fsub(b.fsub(start, b.fsub(r, moved)), b.fadd(step, moved))
    rest = b.fsub(rest, m.fused(b, n, second, b.fneg(step)))
    rest = m.fused(b, b.fneg(n), third, rest)
    z = b.fmul(r, r)
    sine_terms = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(9, 0, -1)]
    cosine_terms = [(-1.0) ** k / math.factorial(2 * k) for k in range(9, -1, -1)]
    cosine = m.horner(b, z, cosine_terms)
    sine = m.fused(b, b.fmul(r, z), m.horner(b, z, sine_terms), m.fused(b, rest, cosine, r))
    cosine = m.fused(b, b.fneg(rest), r, cosine)
    one, two = ir.Constant(_I64, 1), ir.Constant(_I64, 2)
    odd = b.icmp_unsigned("!=", b.and_(quarter, one), ir.Constant(_I64, 0))
    back = b.icmp_unsigned("!=", b.and_(quarter, two), ir.Constant(_I64, 0))
    value = b.select(odd, cosine, sine)
    value = b.select(back, b.fneg(value), value)
    near = b.fcmp_ordered("<", m.intrinsic(b, "llvm.fabs", x), m.number(3e15))
    value = b.select(near, value, m.number(math.nan))
    return value if turn else m.where(b, "==", x, 0.0, x, value)


def _long_log(m: Mathematics, b: ir.IRBuilder, x: Value) -> tuple[Value, Value]:
    """log x of a positive double as a sum of two doubles, to about 60 bits.

    As in ``_log``, but with what is lost in rounding s = f/(2 + f) and in adding up kept.
    """
    tiny = b.fcmp_ordered("<", x, m.number(2.0**-1022))
    lifted = b.select(tiny, b.fmul(x, m.number(2.0**53)), x)
    bits = b.bitcast(lifted, _I64)
    offset = b.sub(bits, ir.Constant(_I64, int(np.float64(math.sqrt(0.5)).view(np.uint64))))
    exponent = b.ashr(offset, ir.Constant(_I64, 52))
    fraction = b.bitcast(b.sub(bits, b.shl(exponent, ir.Constant(_I64, 52))), m.type)
    e = b.sitofp(exponent, m.type)
    e = b.select(tiny, b.fsub(e, m.number(53.0)), e)
    f = b.fsub(fraction, m.number(1.0))
    below = b.fadd(m.number(2.0), f)
    below_rest = b.fsub(f, b.fsub(below, m.number(2.0)))
    s = b.fdiv(f, below)
    left = m.fused(b, b.fneg(s), below, f)
    s_rest = b.fdiv(m.fused(b, b.fneg(s), below_rest, left), below)
    z = b.fmul(s, s)
    series = m.horner(b, z, [2.0 / (2 * k + 1) for k in range(12, 0, -1)])
    small = m.fused(b, m.number(2.0), s_rest, b.fmul(b.fmul(s, z), series))
    whole, twice = b.fmul(e, m.number(_LN2_HEAD)), b.fmul(m.number(2.0), s)
    # |whole| > |twice|, or it is 0: the sum and its rounding error are exact.
    head = b.fadd(whole, twice)
    none = b.fcmp_ordered("==", e, m.number(0.0))
    lost = b.select(none, m.number(0.0), b.fsub(twice, b.fsub(head, whole)))
    tail = m.fused(b, e, m.number(_LN2_TAIL), b.fadd(lost, small))
    total = b.fadd(head, tail)
    return total, b.fadd(b.fsub(head, total), tail)


def _power(m: Mathematics, b: ir.IRBuilder, x: Value, y: Value) -> Value:
    """|x|^y = exp(y·log |x|); for x < 0 only whole exponents have a value.

    The error in units of the last place grows with y·log |x|: 1.5 + |y·log x|/20 at most.
    """
    if m.single:
        double = ir.DoubleType()
        wide = m.in_double.call(b, "power", b.fpext(x, double), b.fpext(y, double))
        return b.fptrunc(wide, m.type)
    size = m.intrinsic(b, "llvm.fabs", x)
    logarithm, rest = _long_log(m, b, size)
    logarithm = m.where(b, "==", size, math.inf, size, logarithm)
    logarithm = m.where(b, "==", size, 0.0, m.number(-math.inf), logarithm)
    logarithm = b.select(b.fcmp_unordered("uno", x, x), x, logarithm)
    product = b.fmul(y, logarithm)
    lost = m.fused(b, y, rest, m.fused(b, y, logarithm, b.fneg(product)))
    factor = m.call(b, "exp", product)
    # Only where it is small; what is infinite or 0 stays so.
    correction = b.fmul(factor, lost)
    slight = m.where(b, "<", m.intrinsic(b, "llvm.fabs", product), 1e3, correction, m.number(0.0))
    ordinary = b.fcmp_ordered("<", factor, m.number(math.inf))
    result = b.fadd(factor, b.select(ordinary, slight, m.number(0.0)))
    whole = b.fcmp_ordered("==", m.intrinsic(b, "llvm.trunc", y), y)
    half = b.fmul(y, m.number(0.5))
    even = b.fcmp_ordered("==", m.intrinsic(b, "llvm.trunc", half), half)
    odd = b.and_(whole, b.not_(even))
    negative = b.icmp_signed("<", b.bitcast(x, _I64), ir.Constant(_I64, 0))
    result = b.select(b.and_(negative, odd), b.fneg(result), result)
    below = b.and_(b.fcmp_ordered("<", x, m.number(0.0)), b.not_(whole))
    finite = b.fcmp_ordered("<", size, m.number(math.inf))
    result = b.select(b.and_(below, finite), m.number(math.nan), result)
    result = m.where(b, "==", y, 0.0, m.number(1.0), result)
    return m.where(b, "==", x, 1.0, m.number(1.0), result)


Body = Callable[..., Value]

BODIES: dict[str, Body] = {
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "tanh": _tanh,
    "logistic": _logistic,
    "softplus": _softplus,
    "erf": _erf,
    "sin": lambda m, b, x: _sine_or_cosine(m, b, x, 0),
    "cos": lambda m, b, x: _sine_or_cosine(m, b, x, 1),
    "power": _power,
}
