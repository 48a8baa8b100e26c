"""Nodes are interned, immutable, and refuse what cannot stand in a formula."""

from __future__ import annotations

import copy
import gc
import math
import operator
import pickle
import threading
from collections.abc import Callable

import numpy as np
import pytest

import chainrule.graph.functions as fn
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import Node, constant, make, private_variable, variable

x, y = variable("x"), variable("y")
v = variable("v", (3,))


# --- interning ---------------------------------------------------------------------------


def test_equal_expressions_are_one_object() -> None:
    assert variable("x") is x
    assert x + y is x + y
    assert fn.sum(v, 0) is fn.sum(v, (0,))
    assert fn.exp(x * 2) is fn.exp(x * 2.0)


@pytest.mark.parametrize(
    "one, other",
    [
        (x + y, y + x),
        (x - y, y - x),
        (variable("x"), variable("x", (1,))),
        (variable("x"), variable("x", (), "int")),
        (variable("X", ("rows", 3)), variable("X", ("columns", 3))),
        (fn.sum(variable("w", (2, 2)), 0), fn.sum(variable("w", (2, 2)), 1)),
        (x + y, (x + y).named("q")),
        ((x + y).named("p"), (x + y).named("q")),
        (fn.uniform((3,), 0), fn.uniform((3,), 1)),
    ],
)
def test_different_expressions_are_different_objects(one: Node, other: Node) -> None:
    assert one is not other


@pytest.mark.parametrize("one, other", [(0.0, -0.0), (1.0, True), (0.0, False)])
def test_constants_that_compare_equal_but_differ_are_different_objects(
    one: float, other: float
) -> None:
    first, second = constant(one), constant(other)
    assert first is not second
    assert repr(first.attributes["value"]) == repr(one)
    assert repr(second.attributes["value"]) == repr(other)


def test_whole_numbers_and_nan_are_interned_as_floats() -> None:
    assert constant(2) is constant(2.0)
    assert constant(np.float32(0.5)) is constant(0.5)
    assert constant(np.int64(3)) is constant(3.0)
    assert constant(math.nan) is constant(math.nan)
    assert constant(True).kind == "bool"


def test_private_variables_are_never_shared() -> None:
    assert private_variable("h", (), "float") is not private_variable("h", (), "float")


def test_naming_keeps_the_value_and_names_of_inputs_count() -> None:
    q = (x + y).named("q")
    assert q.inputs == (x, y)
    assert q.named("q") is q
    assert (q * 2).inputs[0] is q
    assert fn.sum(v, 0).named("total").attributes == fn.sum(v, 0).attributes


def test_unused_nodes_are_forgotten() -> None:
    before = {id(each) for each in gc.get_objects() if type(each) is Node}
    chain = x
    for _ in range(100):
        chain = fn.sin(chain)
    del chain
    gc.collect()
    after = {id(each) for each in gc.get_objects() if type(each) is Node}
    assert len(after - before) < 10


def test_threads_that_make_the_same_node_get_the_same_object() -> None:
    barrier = threading.Barrier(8)
    made: list[list[Node]] = []

    def work() -> None:
        barrier.wait()
        chain = [x]
        for _ in range(200):
            chain.append(fn.cos(chain[-1]))
        made.append(chain)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 8
    assert all(chain == made[0] for chain in made)


# --- immutability ------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["operation", "inputs", "attributes", "shape", "name", "new"])
def test_no_field_of_a_node_can_be_set_or_deleted(field: str) -> None:
    node = x + y
    with pytest.raises(AttributeError, match="immutable"):
        setattr(node, field, None)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(node, field)


def test_attributes_cannot_be_changed() -> None:
    attributes = fn.sum(v, 0).attributes
    with pytest.raises(TypeError):
        attributes["axes"] = ()  # type: ignore[index]
    assert attributes["axes"] == (0,)


def test_copies_are_the_node_itself() -> None:
    node = x + y
    assert copy.copy(node) is node
    assert copy.deepcopy([node])[0] is node


def test_a_node_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(x + y)


# --- operators ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "built, operation, inputs",
    [
        (-x, "negate", (x,)),
        (abs(x), "absolute", (x,)),
        (x + 2, "add", (x, constant(2))),
        (2 + x, "add", (constant(2), x)),
        (x - 2, "subtract", (x, constant(2))),
        (2 - x, "subtract", (constant(2), x)),
        (x * 2, "multiply", (x, constant(2))),
        (2 * x, "multiply", (constant(2), x)),
        (x / 2, "divide", (x, constant(2))),
        (2 / x, "divide", (constant(2), x)),
        (1 / x, "reciprocal", (x,)),
        (x**2, "power", (x, constant(2))),
        (2**x, "power", (constant(2), x)),
        (x < y, "less", (x, y)),
        (x > y, "less", (y, x)),
        (x <= y, "less_equal", (x, y)),
        (x >= y, "less_equal", (y, x)),
        (x > 0, "less", (constant(0), x)),
        (np.float64(2.0) * x, "multiply", (constant(2), x)),
        (np.float32(2.0) - x, "subtract", (constant(2), x)),
        (np.int64(2) + x, "add", (constant(2), x)),
        (np.float64(1.0) / x, "reciprocal", (x,)),
        (np.float64(2.0) ** x, "power", (constant(2), x)),
        (np.float64(2.0) < x, "less", (constant(2), x)),
        (np.float64(2.0) <= x, "less_equal", (constant(2), x)),
        (np.float64(2.0) > x, "less", (x, constant(2))),
        (np.float64(2.0) >= x, "less_equal", (x, constant(2))),
        (x * np.float64(2.0), "multiply", (x, constant(2))),
    ],
)
def test_operators_build_the_operation_of_their_sign(
    built: Node, operation: str, inputs: tuple[Node, ...]
) -> None:
    assert built.operation == operation
    assert built.inputs == inputs


@pytest.mark.parametrize("function", [np.exp, np.abs, np.sum, lambda node: np.add(node, 2)])
def test_a_function_of_numpy_names_the_one_to_use(function: Callable[[Node], object]) -> None:
    with pytest.raises(GraphError, match=r"cr\.exp\(x\) for np\.exp\(x\)"):
        function(x)


def test_an_array_cannot_stand_on_either_side_of_an_operator() -> None:
    with pytest.raises(GraphError, match="arrays as variables"):
        np.ones(2) * x
    with pytest.raises(GraphError, match="arrays as variables"):
        x * np.ones(2)


def test_a_node_equals_no_number_of_numpy() -> None:
    assert (np.float64(2.0) == x) is False
    assert (np.float64(2.0) != x) is True


def test_the_matrix_product_operator() -> None:
    a, b = variable("a", ("rows", 3)), variable("b", (3, 2))
    assert a @ b is fn.matmul(a, b)


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("value", ["3", None, [1.0], np.ones(3), 1j, np.ones((3, 3))])
@pytest.mark.parametrize("combine", [operator.add, operator.mul, operator.pow, operator.lt])
def test_what_is_no_number_cannot_stand_in_a_formula(combine: object, value: object) -> None:
    with pytest.raises(GraphError, match=r"cannot stand in a formula: give a node or a number"):
        combine(x, value)  # type: ignore[operator]


def test_a_number_is_no_matrix() -> None:
    with pytest.raises(ShapeError, match="matrix product"):
        v @ 2.0


def test_a_node_has_no_truth_value() -> None:
    with pytest.raises(GraphError, match="use select"):
        bool(x < y)


def test_a_variable_keeps_its_name() -> None:
    with pytest.raises(GraphError, match="'x' is a variable and keeps its name"):
        x.named("z")


def test_unknown_operations_and_wrong_numbers_of_inputs_are_refused() -> None:
    with pytest.raises(GraphError, match="no operation 'cosine'"):
        make("cosine", x)
    with pytest.raises(GraphError, match="'add' takes 2 inputs, but got 3"):
        make("add", x, y, x)


def test_a_node_says_what_it_is() -> None:
    assert repr(variable("X", ("rows", 3))) == "<Node X: variable float(rows, 3)>"
    assert repr((x < y).named("c")) == "<Node c: less bool()>"
    assert repr(v + 1) == "<Node add float(3,)>"


@pytest.mark.parametrize(
    "function", [np.mean, np.median, np.var, np.cumsum, np.argmax, np.ravel, np.round, np.sum]
)
def test_functions_of_numpy_are_refused_rather_than_taken_for_numbers(function) -> None:
    with pytest.raises(GraphError, match="computes numbers, not nodes"):
        function(variable("x", (3,)))


def test_products_of_numpy_are_refused() -> None:
    with pytest.raises(GraphError, match="computes numbers, not nodes"):
        np.dot(variable("x", (3,)), variable("x", (3,)))
