from __future__ import annotations

import numpy as np
import pytest

from chainrule.datasets.features import Feature, describe_features, encode, encoded_names
from chainrule.datasets.table import Table
from chainrule.errors import DataError


def table_with(**columns: list[str]) -> Table:
    n_rows = len(next(iter(columns.values())))
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Table("t.csv", arrays, np.arange(n_rows) + 2)


def described(table: Table, **options: object) -> tuple[Feature, ...]:
    return describe_features(table, list(table.columns), np.arange(table.n_rows), **options)  # type: ignore[arg-type]


def test_numbers_are_standardised_by_the_training_rows_only() -> None:
    table = table_with(x=["1", "3", "1000"])
    (feature,) = describe_features(table, ["x"], np.array([0, 1]))
    assert (feature.mean, feature.scale) == (2.0, 1.0)
    np.testing.assert_array_equal(encode([feature], table).ravel(), [-1.0, 1.0, 998.0])


def test_text_becomes_a_column_for_each_category_of_the_whole_table() -> None:
    table = table_with(colour=["red", " blue", "green "])
    (feature,) = describe_features(table, ["colour"], np.array([0, 1]))
    assert encoded_names([feature]) == ["colour=blue", "colour=green", "colour=red"]
    np.testing.assert_array_equal(encode([feature], table), [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_a_constant_column_becomes_zeros() -> None:
    table = table_with(x=["7", "7"])
    np.testing.assert_array_equal(encode(described(table), table), [[0.0], [0.0]])


def test_columns_may_come_in_another_order_and_with_others_between() -> None:
    features = described(table_with(a=["1", "2"], b=["x", "y"]))
    later = table_with(more=["?"], b=["y"], a=["2"])
    np.testing.assert_array_equal(encode(features, later), [[1.0, 0.0, 1.0]])


def test_numbers_may_be_categories() -> None:
    (feature,) = described(table_with(code=["10", "2", "10"]), categorical=["code"])
    assert feature.categories == ("10", "2")


@pytest.mark.parametrize("missing", ["", " ", "NA", "n/a", "NaN", "?", "null"])
def test_a_missing_value_is_refused_with_column_and_line(missing: str) -> None:
    with pytest.raises(DataError, match=r"line 3: column 'x' has no value.*--impute"):
        described(table_with(x=["1", missing, "3"]))


def test_missing_values_are_imputed_from_the_training_rows() -> None:
    table = table_with(x=["1", "", "3", "5", "900"], c=["b", "a", "", "b", "a"])
    features = describe_features(table, ["x", "c"], np.array([0, 1, 2, 3]), impute=True)
    assert [feature.fill for feature in features] == [3.0, "b"]
    encoded = encode(features, table)
    assert encoded[1, 0] == encoded[2, 0]
    np.testing.assert_array_equal(encoded[2, 1:], [0.0, 1.0])
    later = table_with(x=["", "3"], c=["", "b"])
    first, second = encode(features, later)
    np.testing.assert_array_equal(first, second)


FAULTS = {
    "infinity": (["1", "inf", "2"], r"line 3: column 'x' holds infinity"),
    "one text among numbers": (["1"] * 20 + ["1,5"], r"line 22: .* numbers, but here '1,5'"),
    "nothing at all": (["", "", ""], r"'x' has no values at all.*--ignore"),
    "names": ([f"name {k}" for k in range(300)], r"300 different texts.*--ignore 'x'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_column_that_cannot_be_used_is_refused(fault: str) -> None:
    values, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        described(table_with(x=values))


LATER_FAULTS = {
    "an absent column": ({"c": ["u"]}, r"has no column 'x'.*names of the training data"),
    "an unknown category": (
        {"x": ["1"], "c": ["w"]},
        r"line 2: column 'c' holds 'w'.*knows 'u', 'v'.*--unknown-as-zeros",
    ),
    "text for a number": ({"x": ["one"], "c": ["u"]}, r"line 2: column 'x' held numbers.*'one'"),
    "a missing value": ({"x": [""], "c": ["u"]}, r"line 2: column 'x' has no value"),
    "infinity": ({"x": ["-inf"], "c": ["u"]}, r"line 2: column 'x' holds infinity"),
}


@pytest.mark.parametrize("fault", LATER_FAULTS)
def test_a_later_table_that_does_not_fit_is_refused(fault: str) -> None:
    columns, message = LATER_FAULTS[fault]
    features = described(table_with(x=["1", "2"], c=["u", "v"]))
    with pytest.raises(DataError, match=message):
        encode(features, table_with(**columns))


def test_an_unknown_category_may_be_none_of_the_known() -> None:
    features = described(table_with(c=["u", "v"]))
    encoded = encode(features, table_with(c=["w"]), unknown_as_zeros=True)
    np.testing.assert_array_equal(encoded, [[0.0, 0.0]])


def test_whole_numbers_and_text_of_them_are_the_same_category() -> None:
    features = described(table_with(c=["1", "2"]), categorical=["c"])
    later = Table("later", {"c": np.array([2.0])})
    np.testing.assert_array_equal(encode(features, later), [[0.0, 1.0]])
