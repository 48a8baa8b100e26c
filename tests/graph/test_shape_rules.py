"""Every shape rule says what fits, and its error names what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import chainrule.graph.functions as fn
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import Node, constant, make, variable
from chainrule.graph.operations import OPERATIONS, normalise_ranges
from chainrule.graph.shape import Shape, Size, as_shape
from tests.helpers.operation_cases import CASES, OperationCase

ROWS = Size(1, ("rows",))
number = variable("number")
vector = variable("vector", (3,))
matrix = variable("matrix", (2, 3))
table = variable("table", ("rows", 3))
indices = variable("indices", (4,), "int")
mask = variable("mask", (3,), "bool")


def test_every_operation_has_a_case() -> None:
    assert {case.operation for case in CASES} == set(OPERATIONS)
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_of_the_operation_that_it_names(case: OperationCase) -> None:
    assert case.graph()[1].operation == case.operation


@pytest.mark.parametrize(
    "built, shape",
    [
        (lambda: table + vector, ("rows", 3)),
        (lambda: fn.sum(table), ()),
        (lambda: fn.sum(table, -1), ("rows",)),
        (lambda: fn.sum(table, (-2, -1), keepdims=True), (1, 1)),
        (lambda: fn.max(table, 0), (3,)),
        (lambda: fn.mean(table, 1, keepdims=True), ("rows", 1)),
        (lambda: fn.matmul(table, fn.transpose(matrix)), ("rows", 2)),
        (lambda: fn.transpose(table), (3, "rows")),
        (lambda: fn.transpose(table, (-1, 0)), (3, "rows")),
        (lambda: fn.reshape(table, (-1,)), (Size(3, ("rows",)),)),
        (lambda: fn.reshape(table, (3, "rows")), (3, "rows")),
        (lambda: fn.expand_dims(table, -1), ("rows", 3, 1)),
        (lambda: fn.expand_dims(table, 0), (1, "rows", 3)),
        (lambda: fn.broadcast_to(vector, ("rows", 3)), ("rows", 3)),
        (lambda: fn.slice_axes(table, [(-2, None), (0, 2)]), (2, 2)),
        (lambda: fn.slice_axes(vector, [(5, 9)]), (0,)),
        (lambda: fn.slice_axes(vector, [(-2, 9)]), (2,)),
        (lambda: fn.pad(matrix, ("rows", 3), [(0, 2), None]), ("rows", 3)),
        (lambda: fn.concatenate([matrix, matrix], -1), (2, 6)),
        (lambda: fn.take(table, indices), (4, 3)),
        (lambda: fn.scatter_add(variable("v", (4, 3)), indices, "rows"), ("rows", 3)),
        (lambda: fn.logsumexp(table, 1), ("rows", 1)),
        (lambda: fn.softmax(table, -1), ("rows", 3)),
        (lambda: fn.normal(("rows", 2), 0), ("rows", 2)),
    ],
)
def test_functions_give_the_shape_of_numpy(built: Callable[[], Node], shape: Shape) -> None:
    assert built().shape == as_shape(shape)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: matrix + variable("w", (2,)), r"\(2, 3\) and \(2,\) do not broadcast"),
        (lambda: vector < variable("w", (2,)), "do not broadcast"),
        (lambda: fn.select(mask, number, variable("w", (2,))), "do not broadcast"),
        (lambda: mask + vector, "Input 0 of 'add' has kind 'bool', but 'float'.*convert"),
        (lambda: vector * indices, "Input 1 of 'multiply' has kind 'int', but 'float'"),
        (lambda: fn.exp(mask), "'exp' has kind 'bool'"),
        (lambda: vector < mask, "A float cannot be compared with a bool"),
        (lambda: fn.select(vector, vector, vector), "'select' has kind 'float', but 'bool'"),
        (lambda: fn.select(mask, vector, mask), "one kind, not 'float' and 'bool'"),
        (lambda: fn.sum(mask), "sum or max.* has kind 'bool'"),
        (lambda: fn.sum(matrix, 2), r"no axis 2 in \(2, 3\)"),
        (lambda: fn.mean(matrix, -3), r"no axis -3 in \(2, 3\)"),
        (lambda: fn.sum(matrix, (0, 0)), r"Axes \(0, 0\) do not name distinct axes"),
        (lambda: make("sum", matrix, axes=(1, 0)), "do not name distinct axes"),
        (lambda: fn.matmul(matrix, matrix), r"\(m, n\) and \(n, p\), but got \(2, 3\) and"),
        (lambda: fn.matmul(matrix, vector), r"but got \(2, 3\) and \(3,\)"),
        (lambda: fn.matmul(matrix, variable("b", (3, 3), "bool")), "'matmul' has kind 'bool'"),
        (lambda: fn.transpose(matrix, (0, 0)), r"\(0, 0\) is not a permutation"),
        (lambda: fn.transpose(matrix, (0,)), "not a permutation"),
        (lambda: fn.transpose(matrix, (0, 2)), r"no axis 2 in \(2, 3\)"),
        (lambda: fn.reshape(matrix, (4,)), r"\(2, 3\) has 6 elements .* \(4,\), which has 4"),
        (lambda: fn.reshape(table, (4, -1)), r"\(rows, 3\) cannot be reshaped to \(4, -1\)"),
        (lambda: fn.reshape(table, (-1, -1)), "cannot be negative, but -1"),
        (lambda: fn.reshape(table, (3,)), r"has 3·rows elements"),
        (lambda: fn.expand_dims(vector, 3), r"no place 3 for an axis in \(3,\)"),
        (lambda: fn.expand_dims(vector, -3), "no place -3"),
        (lambda: fn.broadcast_to(matrix, (2, 1)), r"\(2, 3\) cannot be stretched to \(2, 1\)"),
        (lambda: fn.broadcast_to(matrix, (3,)), r"\(2, 3\) cannot be stretched to \(3,\)"),
        (lambda: fn.broadcast_to(vector, (4,)), "do not broadcast"),
        (lambda: fn.slice_axes(matrix, [None]), r"1 ranges were given for \(2, 3\)"),
        (lambda: fn.slice_axes(table, [(1, 2), None]), "only a prefix or a suffix .* not 1:2"),
        (lambda: fn.slice_axes(table, [(-2, 0), None]), "only a prefix or a suffix"),
        (lambda: fn.slice_axes(table, [(0, -1), None]), "only a prefix or a suffix"),
        (lambda: fn.slice_axes(table, [(2, None), None]), "only a prefix or a suffix"),
        (lambda: fn.pad(vector, (5,), [None]), r"\(3,\) does not fill the place \(5,\)"),
        (lambda: fn.pad(vector, (5,), [(0, 2)]), r"\(3,\) does not fill the place \(2,\)"),
        (lambda: fn.pad(vector, (3,), [(0, 2)]), r"\(3,\) does not fill the place \(2,\)"),
        (lambda: fn.concatenate([], 0), "nothing to concatenate"),
        (lambda: make("concatenate", axis=0), "nothing to concatenate"),
        (lambda: fn.concatenate([matrix, matrix], 2), r"no axis 2 in \(2, 3\)"),
        (lambda: fn.concatenate([number, number], 0), r"no axis 0 in \(\)"),
        (lambda: make("concatenate", matrix, axis=-1), "no axis -1"),
        (lambda: fn.concatenate([matrix, vector], 1), "cannot be concatenated along it"),
        (lambda: fn.concatenate([matrix, table], 1), "differ on another axis"),
        (lambda: fn.concatenate([table, matrix], 0), "axis of symbolic size rows"),
        (lambda: fn.concatenate([vector, mask], 0), "A float cannot be concatenated with a bool"),
        (lambda: fn.take(vector, vector), "indices of 'take' must be of kind 'int', not 'float'"),
        (lambda: fn.take(number, indices), "A single number has no rows"),
        (lambda: fn.scatter_add(vector, vector, 3), "indices of 'scatter_add' must be of kind"),
        (lambda: fn.scatter_add(vector, indices, 3), r"\(3,\) need one row for each index \(4,\)"),
        (lambda: fn.scatter_add(mask, indices, 3), "'scatter_add' has kind 'bool'"),
        (lambda: fn.scatter_add(vector, indices, -1), "cannot be negative"),
        (lambda: fn.uniform((-1,), 0), "cannot be negative"),
    ],
)
def test_what_does_not_fit_is_named(build: Callable[[], Node], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build()


def test_faults_of_shape_are_shape_errors() -> None:
    with pytest.raises(ShapeError):
        fn.matmul(matrix, matrix)
    with pytest.raises(ShapeError):
        fn.broadcast_to(vector, (4,))


@pytest.mark.parametrize(
    "shape, given, unique",
    [
        ((5,), (0, 5), None),
        ((5,), (0, None), None),
        ((5,), (-2, None), (3, 5)),
        ((5,), (1, -1), (1, 4)),
        ((5,), (4, 2), (4, 4)),
        ((5,), (-9, 9), None),
        ((ROWS,), (0, None), None),
        ((ROWS,), (0, 2), (0, 2)),
        ((ROWS,), (-2, None), (-2, None)),
    ],
)
def test_one_range_has_one_form(
    shape: Shape, given: tuple[int, int | None], unique: tuple[int, int | None] | None
) -> None:
    assert normalise_ranges(shape, [given]) == (unique,)


def test_functions_that_change_nothing_return_the_node() -> None:
    assert fn.reshape(matrix, (2, 3)) is matrix
    assert fn.transpose(matrix, (0, 1)) is matrix
    assert fn.transpose(vector) is vector
    assert fn.broadcast_to(matrix, (2, 3)) is matrix
    assert fn.slice_axes(matrix, [None, (0, 3)]) is matrix
    assert fn.pad(matrix, (2, 3), [None, None]) is matrix
    assert fn.concatenate([matrix], 1) is matrix
    assert fn.convert(matrix) is matrix
    assert fn.sum(number) is number
    assert fn.size(7) is constant(7.0)
