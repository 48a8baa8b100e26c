"""Sizes multiply and divide as the numbers that they stand for, and shapes as NumPy's do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.graph.functions as fn
from chainrule.errors import ShapeError
from chainrule.graph.node import variable
from chainrule.graph.shape import (
    Dimension,
    Shape,
    Size,
    Type,
    as_shape,
    broadcast_shapes,
    count,
    divide,
    format_shape,
    multiply,
    resolve,
    resolve_shape,
    symbols_of,
)

SIZES = {"rows": 7, "time": 5, "n": 3}


def sizes(smallest: int = 0) -> st.SearchStrategy[Dimension]:
    symbols = st.lists(st.sampled_from(sorted(SIZES)), min_size=0, max_size=3)
    return st.builds(
        lambda coefficient, names: multiply(coefficient, *as_shape(names)),
        st.integers(smallest, 12),
        symbols,
    )


shapes = st.lists(sizes(), max_size=4).map(tuple)
plain_shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(st.lists(sizes(), max_size=5))
def test_a_product_of_sizes_has_the_product_of_their_values(dimensions: list[Dimension]) -> None:
    assert resolve(multiply(*dimensions), SIZES) == math.prod(
        resolve(each, SIZES) for each in dimensions
    )


@given(sizes(), sizes(), sizes())
def test_multiplication_does_not_mind_order_or_grouping(
    a: Dimension, b: Dimension, c: Dimension
) -> None:
    assert multiply(a, b) == multiply(b, a)
    assert multiply(a, multiply(b, c)) == multiply(multiply(a, b), c)
    assert multiply(a, 1) == a


@given(sizes(), sizes(smallest=1))
def test_division_undoes_multiplication(a: Dimension, b: Dimension) -> None:
    product = multiply(a, b)
    if product == 0:  # the symbols of b are lost in it
        assert divide(0, b) in (0, None)
    else:
        assert divide(product, b) == a


@given(sizes(), sizes())
def test_a_quotient_is_right_or_not_given(a: Dimension, b: Dimension) -> None:
    quotient = divide(a, b)
    if quotient is not None:
        assert multiply(quotient, b) == a


@pytest.mark.parametrize(
    "dividend, divisor",
    [(6, 0), (0, 0), (7, 2), (6, Size(1, ("rows",))), (Size(3, ("rows",)), 2)],
)
def test_what_does_not_divide_has_no_quotient(dividend: Dimension, divisor: Dimension) -> None:
    assert divide(dividend, divisor) is None


@given(st.lists(plain_shapes, min_size=1, max_size=3))
def test_plain_shapes_broadcast_as_in_numpy(given_shapes: list[tuple[int, ...]]) -> None:
    try:
        expected = np.broadcast_shapes(*given_shapes)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast"):
            broadcast_shapes(*given_shapes)
    else:
        assert broadcast_shapes(*given_shapes) == expected


@given(st.lists(shapes, min_size=1, max_size=3))
def test_symbolic_shapes_broadcast_as_their_values_do(given_shapes: list[Shape]) -> None:
    try:
        common = broadcast_shapes(*given_shapes)
    except ShapeError:
        return  # two sizes that may happen to be equal are still two sizes
    resolved = [resolve_shape(each, SIZES) for each in given_shapes]
    assert resolve_shape(common, SIZES) == np.broadcast_shapes(*resolved)


@given(shapes, st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 4))
def test_a_shape_broadcasts_with_itself_shortened_and_with_ones(
    shape: Shape, ones: list[bool], dropped: int
) -> None:
    reduced = tuple(1 if one else size for one, size in zip(ones, shape, strict=False))[dropped:]
    if dropped < len(shape):
        assert broadcast_shapes(shape, reduced) == shape
        assert broadcast_shapes(reduced, shape) == shape
    assert broadcast_shapes(shape) == shape


def test_two_symbols_on_one_axis_are_named_in_the_error() -> None:
    with pytest.raises(
        ShapeError,
        match=r"\(rows, 3\) and \(time, 3\) do not broadcast: sizes rows and time meet",
    ):
        broadcast_shapes(as_shape(("rows", 3)), as_shape(("time", 3)))


@given(shapes, st.integers(0, 4))
def test_a_size_of_minus_one_is_what_is_left(shape: Shape, position: int) -> None:
    if 0 in shape:
        shape = tuple(size or 1 for size in shape)
    x = variable("x", shape)
    target = list(shape)
    position = min(position, len(target))
    merged = (*target[:position], -1, *target[position + 1 :])
    reshaped = fn.reshape(x, merged)
    expected = shape[position] if position < len(shape) else 1
    assert reshaped.shape[position] == expected
    assert count(reshaped.shape) == count(shape)
    assert fn.reshape(x, (-1,)).shape == (count(shape),)


@given(shapes)
def test_the_number_of_elements_is_the_product_of_the_sizes(shape: Shape) -> None:
    assert resolve(count(shape), SIZES) == math.prod(resolve_shape(shape, SIZES))


def test_symbols_are_found_in_products_and_sorted() -> None:
    shape = (multiply(3, *as_shape(("time", "rows"))), 2, Size(1, ("n",)))
    assert symbols_of([shape, (4,)]) == ("n", "rows", "time")


@pytest.mark.parametrize(
    "shape, text",
    [
        ((), "()"),
        ((3,), "(3,)"),
        (("rows", 3), "(rows, 3)"),
        ((Size(50, ("rows",)), Size(2, ("rows", "time"))), "(50·rows, 2·rows·time)"),
    ],
)
def test_shapes_are_written_as_people_write_them(shape: Shape, text: str) -> None:
    assert format_shape(as_shape(shape)) == text
    assert str(Type(as_shape(shape), "float")) == "float" + text


@pytest.mark.parametrize(
    "shape, message",
    [
        ((2, -3), "A size cannot be negative, but -3"),
        ((2.5,), "A size is a whole number or a name, but 2.5"),
        ((None, 3), "A size is a whole number or a name, but None"),
        ("rows", r"write \('rows',\), not 'rows'"),
    ],
)
def test_what_is_no_shape_is_refused(shape: object, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        as_shape(shape)  # type: ignore[arg-type]


def test_sizes_of_numpy_become_plain_integers() -> None:
    (size,) = as_shape((np.int64(3),))
    assert type(size) is int
