from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import FileError
from chainrule.files.values import pack, unpack

KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def through_json(value: Any) -> Any:
    tensors: dict[str, Any] = {}
    text = json.dumps(pack(value, "value", tensors), allow_nan=False)
    return unpack(json.loads(text), tensors)


@given(VALUES)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    assert repr(through_json(value)) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.array([1, 2], np.int64),
        np.array([[True], [False]]),
        np.empty((0, 3), np.float32),
        np.array(["a", "longer"]),
        np.array(["a", "b"], dtype=object),
    ],
)
def test_arrays_come_back_with_their_dtype(array: np.ndarray) -> None:
    again = through_json({"deep": [array]})["deep"][0]
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_numpy_scalars_become_plain_numbers() -> None:
    assert through_json(np.float32(0.5)) == 0.5
    assert math.isnan(through_json(np.float64("nan")))


UNITS, RATES = st.integers(1, 10**6), st.floats(0, 0.999)
ACTIVATIONS_THERE_ARE = st.sampled_from(["relu", "tanh", "identity", "unit_step"])
ANY_LAYER = st.recursive(
    st.builds(cr.Dense, UNITS, st.none() | ACTIVATIONS_THERE_ARE, st.booleans())
    | st.builds(cr.Activation, ACTIVATIONS_THERE_ARE)
    | st.builds(cr.Dropout, RATES)
    | st.builds(cr.GaussianNoise, st.floats(0, 1e300))
    | st.builds(cr.LayerNorm, st.floats(1e-300, 1))
    | st.builds(cr.BatchNorm, st.floats(1e-300, 1), st.floats(1e-300, 1)),
    lambda inner: st.builds(cr.Residual, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


@given(st.lists(ANY_LAYER, max_size=4))
def test_any_list_of_layers_comes_back_equal_and_prints_the_same(layers: list[Any]) -> None:
    again = through_json(layers)
    assert again == layers
    assert repr(again) == repr(layers)


LAYERS = (
    cr.Dense(3, "relu", bias=False),
    cr.Residual([cr.Dense(4), cr.BatchNorm(0.5), cr.Residual([cr.LayerNorm(1e-3)])]),
    cr.Dropout(0),
    cr.GaussianNoise(np.float32(0.5)),
    cr.Activation("tanh"),
)


@pytest.mark.parametrize("layers", [LAYERS, list(LAYERS), {"deep": LAYERS}], ids=str)
def test_layers_come_back_as_they_were(layers: Any) -> None:
    assert through_json(layers) == layers
    assert repr(through_json(layers)) == repr(layers)


@pytest.mark.parametrize(
    "description, message",
    [
        ({"kind": "Dense", "with": {"units": -1}}, "no such Dense.*units"),
        ({"kind": "Dense", "with": {"units": 3, "more": 1}}, "no such Dense"),
        ({"kind": "Dense", "with": {}}, "no such Dense"),
        ({"kind": "Residual", "with": {"layers": [1]}}, "no such Residual"),
        ({"kind": "Layer", "with": {"function": "os.system"}}, "no such Layer"),
        ({"kind": "CosineSchedule", "with": {"warmup": -1}}, "no such CosineSchedule"),
        ({"kind": "LayerKind", "with": {}}, "does not describe a value"),
        ({"kind": "Dense", "with": {"units": 3}, "more": 1}, "does not describe a value"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(description: Any, message: str) -> None:
    with pytest.raises(FileError, match=message):
        unpack(description, {})


def test_the_function_of_a_layer_is_refused_where_none_may_be() -> None:
    with pytest.raises(FileError, match=r"layers\.0\.function cannot be saved"):
        pack([cr.Layer(cr.sin)], "layers", {})


@pytest.mark.parametrize("value", [print, object(), {1, 2}, [lambda: 0], np.array([print])])
def test_code_and_strange_objects_are_refused(value: Any) -> None:
    with pytest.raises(FileError, match="cannot be saved"):
        pack(value, "value", {})


def test_of_a_function_the_name_stays() -> None:
    functions: dict[str, Any] = {}
    described = pack([math.sqrt, math.sqrt], "value", {}, functions)
    assert described == [{"function": "sqrt"}] * 2
    assert functions == {"sqrt": math.sqrt}
    assert unpack(described, {}, functions) == [math.sqrt, math.sqrt]


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(FileError, match="two functions that are both called 'sqrt'"):
        pack([math.sqrt, np.emath.sqrt], "value", {}, {})


def test_a_class_is_no_function() -> None:
    with pytest.raises(FileError, match="cannot be saved"):
        pack(int, "value", {}, {})


def test_depth_has_a_limit_on_both_ways() -> None:
    value: Any = 1
    for _ in range(60):
        value = [value]
    with pytest.raises(FileError, match="nested more than 50"):
        pack(value, "value", {})
    with pytest.raises(FileError, match="nested more than 50"):
        unpack(value, {})


def test_one_long_text_among_many_short_ones_asks_for_no_memory() -> None:
    texts = ["a" * 100_000, *["b"] * 100_000]
    with pytest.raises(FileError, match="no labels"):
        unpack({"text": texts, "as": "U"}, {})
    assert unpack({"text": texts, "as": "O"}, {}).shape == (100_001,)
    assert unpack({"text": [*texts[:2], "c"], "as": "U"}, {}).shape == (3,)


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"tensor": "absent"},
        {"tensor": ["a"]},
        {"float": "1e5"},
        {"float": "nan", "more": 1},
        {"text": [1], "as": "U"},
        {"text": ["a"], "as": "V8"},
        {"tuple": 3},
        {"dict": [["a"]]},
        {"dict": [[["list"], 1]]},
        {"call": "os.system"},
        {"function": "print"},
    ],
)
def test_a_description_that_pack_does_not_write_is_refused(description: Any) -> None:
    with pytest.raises(FileError, match="does not describe"):
        unpack(description, {})
