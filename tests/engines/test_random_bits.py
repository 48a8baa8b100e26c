"""Draws are Threefry's, lie inside (0, 1), and do not depend on one another."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.engines import random_bits
from chainrule.engines.base import FloatType, Program
from chainrule.engines.random_bits import stream_key, threefry, uniform
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.node import variable

FLOATS: list[FloatType] = ["float32", "float64"]
N = 100_000


# --- known answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "counter, key, expected",
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_known_answers_of_its_authors(
    counter: tuple[int, int], key: tuple[int, int], expected: tuple[int, int]
) -> None:
    """The vectors of Random123's kat_vectors for threefry2x32 with 20 rounds."""
    words = tuple(np.array([each], dtype=np.uint32) for each in counter)
    found = threefry(key, (words[0], words[1]))
    assert tuple(int(each[0]) for each in found) == expected
    assert all(each.dtype == np.uint32 for each in found)


def test_counters_are_independent_of_those_beside_them() -> None:
    low = np.arange(1000, dtype=np.uint32)
    together = threefry((1, 2), (low, low[::-1]))
    alone = [threefry((1, 2), (low[k : k + 1], low[::-1][k : k + 1])) for k in range(1000)]
    for word in range(2):
        np.testing.assert_array_equal(together[word], [int(each[word][0]) for each in alone])


def test_threefry_is_one_to_one_for_each_key() -> None:
    low = np.arange(50_000, dtype=np.uint32)
    first, second = threefry((7, 8), (low, np.zeros_like(low)))
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(low)


# --- the interval ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_draws_lie_strictly_between_zero_and_one(dtype: FloatType) -> None:
    draws = uniform(0, 0, 0, N, dtype)
    assert draws.dtype == dtype
    assert draws.min() > 0.0
    assert draws.max() < 1.0
    assert np.isfinite(np.log(draws)).all()
    assert np.isfinite(np.log1p(-draws)).all()


@pytest.mark.parametrize("dtype, bits", [("float32", 23), ("float64", 52)])
@pytest.mark.parametrize("words", [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_the_extreme_draws_are_inside_the_interval(
    dtype: FloatType, bits: int, words: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = tuple(np.array([each], dtype=np.uint32) for each in words)
    monkeypatch.setattr(random_bits, "stream_key", lambda *key: (0, 0))
    monkeypatch.setattr(random_bits, "threefry", lambda key, counter: fixed)
    (draw,) = uniform(0, 0, 0, 1, dtype)
    half_a_cell = 2.0 ** -(bits + 1)
    assert float(draw) == (half_a_cell if words[0] == 0 else 1.0 - half_a_cell)


def test_single_and_double_precision_draw_nearly_the_same() -> None:
    single, double = uniform(5, 6, 7, N, "float32"), uniform(5, 6, 7, N, "float64")
    assert np.abs(single - double).max() <= 2.0**-23


# --- statistics --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("key", [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2**40, 2**33, 9)])
def test_draws_are_uniform(key: tuple[int, int, int], dtype: FloatType) -> None:
    draws = uniform(*key, N, dtype).astype(np.float64)
    assert scipy.stats.kstest(draws, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02
    # All bits, the low ones included.
    low = np.floor(draws * 2.0**20) % 64
    assert scipy.stats.chisquare(np.bincount(low.astype(int), minlength=64)).pvalue > 1e-3


def test_streams_steps_and_seeds_are_independent() -> None:
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)]
    draws = [uniform(*key, N, "float64") for key in keys]
    correlations = np.corrcoef(draws) - np.eye(len(keys))
    assert np.abs(correlations).max() < 0.02
    assert len({each.tobytes() for each in draws}) == len(keys)


def test_normal_draws_are_normal_and_independent() -> None:
    x = variable("x", ("rows",))
    nodes = (fn.normal(("rows",), 0), fn.normal(("rows",), 1))
    one, other = ReferenceEngine().compile(Program((x,), nodes), "float64")(np.zeros(N))
    assert scipy.stats.kstest(one, "norm").pvalue > 1e-3
    assert scipy.stats.kstest(other, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


# --- a function of the key and the place -------------------------------------------------

words32, words64 = st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1)


@given(words64, words64, words32, st.integers(1, 50), st.integers(0, 50))
def test_a_draw_does_not_depend_on_how_many_are_drawn(
    seed: int, step: int, stream: int, number: int, more: int
) -> None:
    few = uniform(seed, step, stream, number, "float64")
    many = uniform(seed, step, stream, number + more, "float64")
    np.testing.assert_array_equal(few, many[:number])


@given(words64, words32, words32, st.sampled_from(["seed", "step", "stream"]), st.integers(0, 31))
def test_any_bit_of_the_key_changes_the_draws(
    seed: int, step: int, stream: int, what: str, bit: int
) -> None:
    key = {"seed": seed, "step": step, "stream": stream}
    other = {**key, what: key[what] ^ (1 << bit)}
    assert stream_key(**key) != stream_key(**other)
    one, two = (uniform(**each, elements=8, dtype="float64") for each in (key, other))
    assert (one != two).all()


def test_seeds_may_be_negative_and_long() -> None:
    assert stream_key(-1, 0, 0) == stream_key(2**64 - 1, 0, 0)
    assert stream_key(2**40, 0, 0) != stream_key(0, 0, 0)
    assert len({stream_key(0, step, 0) for step in (0, 2**31, 2**32, 2**33, 2**40)}) == 5


def test_elements_of_an_array_are_drawn_in_order() -> None:
    x = variable("x", ("rows",))
    nodes = (fn.uniform(("rows", 3), 4), fn.uniform((3, "rows"), 4), fn.uniform((), 4))
    tall, wide, one = ReferenceEngine().compile(Program((x,), nodes), "float32")(
        np.zeros(5), seed=1, step=2
    )
    expected = uniform(1, 2, 4, 15, "float32")
    np.testing.assert_array_equal(tall, expected.reshape(5, 3), strict=True)
    np.testing.assert_array_equal(wide, expected.reshape(3, 5), strict=True)
    assert one == expected[0]
