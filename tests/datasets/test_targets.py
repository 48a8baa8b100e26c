from __future__ import annotations

import numpy as np
import pytest

from chainrule.datasets.table import Table
from chainrule.datasets.targets import choose_target, describe_target, read_target
from chainrule.errors import DataError


def table_with(**columns: list[str]) -> Table:
    return Table("t.csv", {name: np.array(values) for name, values in columns.items()})


def test_the_target_is_the_one_asked_for_or_the_usual_or_the_last() -> None:
    table = table_with(a=["1"], Class=["x"], b=["2"])
    assert choose_target(table, "a") == "a"
    assert choose_target(table, None) == "Class"
    assert choose_target(table_with(a=["1"], b=["2"]), None) == "b"


def test_an_absent_target_is_refused_with_the_columns_there_are() -> None:
    with pytest.raises(DataError, match=r"no column 'prise'.*Did you mean 'price'.*'size'"):
        choose_target(table_with(price=["1"], size=["2"]), "prise")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        (["0", "1", "1.0"], "classification"),
        (["0.5", "1"], "regression"),
        ([str(k) for k in range(30)], "regression"),
    ],
)
def test_classes_and_values_are_told_apart(values: list[str], task: str) -> None:
    assert describe_target(table_with(y=values), "y").task == task


def test_the_task_can_be_given() -> None:
    assert describe_target(table_with(y=["0", "1"]), "y", "regression").task == "regression"


def test_one_class_written_in_two_ways_is_one() -> None:
    table = table_with(y=["1", "1.0", "01", "2"])
    assert read_target(describe_target(table, "y"), table).tolist() == ["1", "1", "1", "2"]


def test_a_missing_target_is_refused() -> None:
    with pytest.raises(DataError, match=r"row 1 .*target 'y' has no value"):
        describe_target(table_with(y=["1", "", "2"]), "y")


def test_text_cannot_be_a_value() -> None:
    table = table_with(y=["1", "low", "2"])
    with pytest.raises(DataError, match=r"row 1 .*must hold numbers, but here is 'low'"):
        read_target(describe_target(table, "y", "regression"), table)
