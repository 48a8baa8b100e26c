"""Matrix products written out here: any sizes, either way around, in panels or as they lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.engines.base import FloatType, Program
from chainrule.engines.native import products, tiles
from chainrule.engines.native.lowering import lower_program
from chainrule.engines.native.products import needs_blas
from chainrule.graph.node import Node, variable

Array = np.ndarray[Any, Any]

TOLERANCE = {"float32": 2e-5, "float64": 1e-13}


@pytest.fixture
def small_panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which a product is divided, so small that small products are."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(products, "_PANEL_LINES", 8)
    monkeypatch.setattr(products, "_NEAR", 512)
    monkeypatch.setattr(products, "_MANY_ROWS", 3)
    monkeypatch.setattr(products, "_ROWS_AT_ONCE", 16)


def product(left_turned: bool, right_turned: bool, inner: int, columns: int) -> Program:
    """(rows, inner)·(inner, columns), each factor as it lies in memory or across."""
    left = variable("left", ("rows", inner))
    right = variable("right", (columns, inner) if right_turned else (inner, columns))
    if left_turned:  # a sum over the rows, as in the gradient of a weight
        right = variable("right", ("rows", columns))
        return Program((left, right), (fn.transpose(left) @ right,))
    return Program((left, right), (left @ (fn.transpose(right) if right_turned else right),))


def shape_of(node: Node, rows: int) -> tuple[int, ...]:
    return tuple(rows if str(size) == "rows" else int(str(size)) for size in node.shape)


def assert_right(program: Program, rows: int, dtype: FloatType, seed: int = 0) -> None:
    function = cr.compile(program.outputs, list(program.inputs), engine="native", dtype=dtype)
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=shape_of(each, rows)).astype(dtype) for each in program.inputs]
    (found,) = function(*values)
    left, right = (
        value.astype(float).T if factor.operation == "transpose" else value.astype(float)
        for factor, value in zip(program.outputs[0].inputs, values, strict=True)
    )
    error = np.abs(found - left @ right)
    assert np.all(error <= TOLERANCE[dtype] * (np.abs(left) @ np.abs(right)))


SIZES = st.integers(1, 70)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIZES, SIZES, SIZES, st.booleans(), st.booleans())
def test_products_of_any_sizes_are_right(
    small_panels: None,
    dtype: FloatType,
    rows: int,
    inner: int,
    columns: int,
    left_turned: bool,
    right_turned: bool,
) -> None:
    assert_right(product(left_turned, right_turned, inner, columns), rows, dtype)


@pytest.mark.parametrize(
    "rows, inner, columns, left_turned, right_turned",
    [
        (300, 40, 70, False, False),  # more rows than are computed at once
        (20, 1500, 70, False, False),  # lines that are copied to panels
        (20, 300, 70, False, True),  # lines that lie across
        (1500, 20, 70, True, False),  # a long sum over the rows
        (3, 1500, 70, False, False),  # too few rows to be worth a copy
    ],
)
def test_products_of_real_sizes_are_right(
    rows: int, inner: int, columns: int, left_turned: bool, right_turned: bool
) -> None:
    for dtype in ("float32", "float64"):
        assert_right(product(left_turned, right_turned, inner, columns), rows, dtype)


@pytest.mark.parametrize("left_turned", [False, True])
def test_a_sum_of_no_terms_is_zero(left_turned: bool) -> None:
    program = product(left_turned, False, 5, 9)
    function = cr.compile(program.outputs, list(program.inputs), engine="native")
    values = [
        np.ones([0 if str(s) == "rows" else int(str(s)) for s in each.shape])
        for each in program.inputs
    ]
    (found,) = function(*values)
    np.testing.assert_array_equal(found, np.zeros((5, 9) if left_turned else (0, 9)))


def test_nan_and_infinity_reach_every_number_that_they_should() -> None:
    """No term is left out, and none is added that is not there: 0·∞ would be NaN."""
    left, right = variable("left", ("rows", 3)), variable("right", (3, 70))
    function = cr.compile([left @ right], [left, right], engine="native")
    A, B = np.ones((6, 3)), np.ones((3, 70))
    A[2, 1], B[0, 69] = np.nan, np.inf
    (found,) = function(A, B)
    np.testing.assert_array_equal(np.isnan(found), (np.arange(6) == 2)[:, None] & np.ones(70, bool))
    assert np.isinf(found[np.arange(6) != 2, 69]).all()
    assert np.isfinite(found[np.arange(6) != 2, :69]).all()


def test_only_a_number_of_columns_known_at_run_time_needs_blas() -> None:
    x, w = variable("x", ("rows", 7)), variable("w", (7, 300))

    def needs(output: Node) -> bool:
        return needs_blas(lower_program(Program((x, w), (output,)), 1).block)

    assert not needs(x @ w)
    assert not needs(fn.transpose(x) @ (x @ w))
    assert needs(x @ fn.transpose(x))


def copy_one_line_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels lack their last line."""
    original = tiles.emit_loop

    def shorter(b: Any, start: Any, stop: Any, body: Any) -> None:
        is_line = "copy_" in b.function.name and stop is b.function.args[0]
        original(b, start, b.sub(stop, tiles._number(1)) if is_line else stop, body)

    monkeypatch.setattr(tiles, "emit_loop", shorter)


def turn_without_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines after the last whole square are not turned."""
    original = tiles.Tiles._turn_singly

    def nothing(self: tiles.Tiles) -> Any:
        function = original(self)
        function.blocks.clear()
        b = tiles.ir.IRBuilder(function.append_basic_block("nothing"))
        b.ret_void()
        return function

    monkeypatch.setattr(tiles.Tiles, "_turn_singly", nothing)


def compute_whole_tiles_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows after the last whole tile are left out."""
    original = tiles._BlockWriter._tile

    def tile(self: Any, row: Any, height: int) -> None:
        if height > 1:
            original(self, row, height)

    monkeypatch.setattr(tiles._BlockWriter, "_tile", tile)


@pytest.mark.parametrize(
    "fault, right_turned",
    [
        (copy_one_line_less, False),
        (turn_without_the_rest, True),
        (compute_whole_tiles_only, False),
    ],
)
def test_planted_faults_are_caught(
    small_panels: None, monkeypatch: pytest.MonkeyPatch, fault: Any, right_turned: bool
) -> None:
    program = product(False, right_turned, 61, 67)
    assert_right(program, 35, "float64")
    fault(monkeypatch)
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(Path(os.environ["CHAINRULE_CACHE_DIR"]) / "new"))
    with pytest.raises(AssertionError):
        assert_right(program, 35, "float64", seed=1)  # other numbers than memory may still hold
