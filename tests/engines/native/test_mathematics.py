"""The functions that are written as machine code, against the same in higher precision.

Errors are counted in units in the last place (ulp) of the true result: 0.5 is the best that
rounding allows. The bounds are just above the largest errors found over millions of arguments.
Single precision is compared with double, double with NumPy's ``longdouble`` where that is longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.base import FloatType
from chainrule.graph.node import make, variable

Array = np.ndarray[Any, Any]

PRECISIONS: list[FloatType] = ["float32", "float64"]
LONG = np.longdouble
needs_long_double = pytest.mark.skipif(
    np.finfo(LONG).eps > 1e-18, reason="this machine's longdouble is no longer than double"
)
N = 60_000


def compiled(name: str, dtype: FloatType, arity: int = 1) -> Callable[..., Array]:
    variables = [variable(f"x{k}", ("rows",)) for k in range(arity)]
    function = cr.compile([make(name, *variables)], variables, engine="native", dtype=dtype)
    return lambda *arguments: function(*arguments)[0]


def errors_in_ulp(found: Array, true: Array) -> Array:
    """How far results are from the truth; infinite where one is not finite and the other is."""
    with np.errstate(all="ignore"):
        rounded = true.astype(found.dtype)
        finite = np.isfinite(found) & np.isfinite(rounded)
        alike = finite | (found == rounded) | (np.isnan(found) & np.isnan(rounded))
        step = np.spacing(np.where(finite, np.abs(rounded), 1)).astype(LONG)
        errors = np.abs(found.astype(LONG) - true) / step
    return np.where(finite, errors, np.where(alike, 0, np.inf)).astype(np.float64)


# --- what is true ------------------------------------------------------------------------


def _logistic(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: Array) -> Array:
    """e^(-x²)·2/√π·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n+1)), whose terms are all of one sign."""
    bounded = np.clip(x, -7, 7).astype(LONG)
    term = total = bounded
    for n in range(1, 200):
        term = term * (2 * bounded * bounded / (2 * n + 1))
        total = total + term
    bell = np.exp(-bounded * bounded)
    return 2 / np.sqrt(LONG(np.pi) + LONG(1.2246467991473532e-16)) * bell * total


TRUTH: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "logistic": _logistic,
    "softplus": _softplus,
    "erf": _erf,
    "sin": np.sin,
    "cos": np.cos,
    "sqrt": np.sqrt,
    "reciprocal": lambda x: 1 / x,
}


def truth(name: str, x: Array) -> Array:
    """The function in the next higher precision, elementary functions of single ones in double."""
    with np.errstate(all="ignore"):
        higher = np.float64 if x.dtype == np.float32 else LONG
        return TRUTH[name](x.astype(higher)).astype(LONG)


# --- arguments ---------------------------------------------------------------------------


def arguments_of(name: str, dtype: FloatType) -> Array:
    """Every magnitude from the smallest number to the largest, and more where it is difficult."""
    rng, limits = np.random.default_rng(0), np.finfo(dtype)
    smallest, largest = np.log10(float(limits.smallest_subnormal)), np.log10(float(limits.max))
    overflow = np.log(float(limits.max))
    x = np.concatenate(
        [
            10 ** rng.uniform(smallest, largest - 0.001, N),
            rng.uniform(0, 1, N),
            rng.uniform(0, 12, N),
            1 + rng.uniform(-1, 1, N) * 10 ** rng.uniform(-16, 0, N),
            rng.uniform(0, 1.1 * overflow, N),
            overflow + rng.uniform(-1, 1, 1000),
            # Where results are too small for normal numbers.
            np.log(float(limits.tiny)) * rng.uniform(0.98, 1.1, N),
        ]
    )
    if name in ("sin", "cos"):
        quarters = np.arange(N) * (np.pi / 2)
        x = np.concatenate([x, quarters, np.round(quarters * 2**26) * (np.pi / 2)])
        x = x[np.abs(x) < 2.9e15]
    x = x.astype(dtype)
    if name in ("log", "sqrt"):
        return x[x >= 0]
    return np.concatenate([x, -x[x < 1] if name == "log1p" else -x])


BOUNDS = {
    "exp": 1.0,
    "expm1": 3.2,
    "log": 0.9,
    "log1p": 2.5,
    "tanh": 3.2,
    "logistic": 2.5,
    "softplus": 2.8,
    "erf": 1.6,
    "sin": 2.0,
    "cos": 2.0,
    "sqrt": 0.501,
    "reciprocal": 0.501,
}
"""In ulp, for both precisions; single precision computes some in double, to 0.501."""
ROUNDED_FROM_DOUBLE = ("sin", "cos", "erf", "power")


@pytest.mark.parametrize("name", BOUNDS)
@needs_long_double
def test_double_precision_is_within_a_few_ulp(name: str) -> None:
    x = arguments_of(name, "float64")
    errors = errors_in_ulp(compiled(name, "float64")(x), truth(name, x))
    worst = np.argmax(errors)
    assert errors[worst] <= BOUNDS[name], f"at {x[worst]!r}"


@pytest.mark.parametrize("name", BOUNDS)
def test_single_precision_is_within_a_few_ulp(name: str) -> None:
    x = arguments_of(name, "float32")
    errors = errors_in_ulp(compiled(name, "float32")(x), truth(name, x))
    worst = np.argmax(errors)
    bound = 0.501 if name in ROUNDED_FROM_DOUBLE else BOUNDS[name]
    assert errors[worst] <= bound, f"at {x[worst]!r}"


def test_a_sine_of_a_number_too_large_to_have_one_is_nan() -> None:
    """Neighbouring doubles are then more than half a radian apart."""
    for name in ("sin", "cos"):
        found = compiled(name, "float64")([3.1e15, -1e16, 1e300, np.inf, -np.inf])
        assert np.all(np.isnan(found))


# --- powers ------------------------------------------------------------------------------


def powers(dtype: FloatType) -> tuple[Array, Array]:
    """Bases of every magnitude, bases near 1 with large exponents, decay rates, whole exponents."""
    rng, limits = np.random.default_rng(0), np.finfo(dtype)
    smallest, largest = np.log10(float(limits.smallest_subnormal)), np.log10(float(limits.max))
    pairs = [
        (10 ** rng.uniform(smallest, largest - 0.1, N), rng.uniform(-3, 3, N)),
        (
            1 + rng.uniform(-0.5, 1, N) * 10 ** rng.uniform(-16, 0, N),
            rng.normal(size=N) * 10 ** rng.uniform(0, 12, N),
        ),
        (rng.choice([0.9, 0.99, 0.999], N), np.arange(N)),
        (rng.uniform(-20, 20, N), rng.integers(-60, 60, N)),
    ]
    x, y = (np.concatenate(each).astype(dtype) for each in zip(*pairs, strict=True))
    return x, y


@pytest.mark.parametrize(
    "dtype", [PRECISIONS[0], pytest.param(PRECISIONS[1], marks=needs_long_double)]
)
def test_powers_lose_little_even_with_large_exponents(dtype: FloatType) -> None:
    """An error of log x counts y·log x times: without a longer logarithm it is 700 ulp."""
    x, y = powers(dtype)
    higher = np.float64 if dtype == "float32" else LONG
    with np.errstate(all="ignore"):
        true = np.power(x.astype(higher), y.astype(higher)).astype(LONG)
        extent = np.abs(y * np.log(np.abs(x)).astype(higher))
    errors = errors_in_ulp(compiled("power", dtype, arity=2)(x, y), true)
    extent = np.minimum(extent.astype(np.float64), 800.0)
    bound = 0.501 if dtype == "float32" else 1.5 + extent / 20
    worst = np.argmax(errors - bound)
    assert np.all(errors <= bound), f"{x[worst]!r} to the {y[worst]!r}: {errors[worst]} ulp"


SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 2.5)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_powers_of_special_numbers_are_those_of_c(dtype: FloatType) -> None:
    x, y = np.array([(one, other) for one in SPECIAL for other in SPECIAL], dtype=dtype).T
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    found = compiled("power", dtype, arity=2)(x, y)
    odd = (x == -1) & np.isinf(y)  # C says 1, though it is no limit
    np.testing.assert_allclose(found[~odd], expected[~odd], rtol=2 * np.finfo(dtype).eps)
    zero = (expected == 0) & ~odd
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


# --- special numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", TRUTH)
def test_special_numbers_give_what_numpy_gives_with_the_sign_of_zero(
    name: str, dtype: FloatType
) -> None:
    limits = np.finfo(dtype)
    edges = [limits.max, limits.tiny, limits.smallest_subnormal, limits.eps, 1.0]
    values = [np.nan, np.inf, 0.0, *edges]
    x = np.array([*values, *(-each for each in values)], dtype=dtype)
    if name in ("sin", "cos"):
        x = x[np.abs(x) != limits.max]
    expected = truth(name, x) if name != "erf" else np.where(np.isnan(x), x, _erf(x))
    found = compiled(name, dtype)(x)
    assert np.all(errors_in_ulp(found, expected) <= 2)
    zero = found == 0
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_results_do_not_hang_on_the_place_in_a_vector(dtype: FloatType) -> None:
    """Numbers left over after whole vectors go through other instructions, to the same bits."""
    x = np.random.default_rng(0).normal(size=67).astype(dtype)
    for name in TRUTH:
        function = compiled(name, dtype)
        whole = function(x)
        one_by_one = np.concatenate([function(x[k : k + 1]) for k in range(len(x))])
        np.testing.assert_array_equal(whole, one_by_one)
