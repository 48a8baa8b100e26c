"""A model of named columns reads DataFrames and files alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.datasets.read import read_table
from chainrule.datasets.targets import choose_target, describe_target
from chainrule.errors import DataError
from chainrule.estimators.table_fit import fit_table

ROWS = {
    "age": [1, 4, 2, 9, 7, 3, 8, 5],
    "fuel": ["gas", "oil"] * 4,
    "price": [9.5, 6.0, 8.5, 1.0, 3.5, 7.0, 2.5, 5.0],
}


@pytest.fixture(name="path")
def a_file(tmp_path: Path) -> Path:
    path = tmp_path / "cars.csv"
    lines = [",".join(ROWS), *(",".join(map(str, row)) for row in zip(*ROWS.values(), strict=True))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(name="model")
def a_model(path: Path, tmp_path: Path) -> cr.TableModel:
    table = read_table(path)
    target = describe_target(table, choose_target(table, None), "regression")
    saved = tmp_path / "cars.safetensors"
    fit_table(cr.LinearRegression(), table, target, test_size=0.25).model.save(saved)
    return cr.load(saved)


@pytest.fixture(name="frames", params=["pandas", "polars"])
def a_library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


def test_a_data_frame_is_read_by_the_names_of_its_columns(
    model: cr.TableModel, path: Path, frames: Any
) -> None:
    frame = frames.DataFrame({"unused": [0] * 8, "fuel": ROWS["fuel"], "age": ROWS["age"]})
    np.testing.assert_array_equal(model.predict(frame), model.predict(path))


def test_the_score_of_a_data_frame_is_that_of_its_file(
    model: cr.TableModel, path: Path, frames: Any
) -> None:
    score = model.score(frames.DataFrame(ROWS))
    assert 0.9 < score <= 1
    assert score == model.score(path)


def test_a_data_frame_without_a_column_is_refused(model: cr.TableModel, frames: Any) -> None:
    frame = frames.DataFrame({"age": ROWS["age"]})
    with pytest.raises(DataError, match="The DataFrame has no column 'fuel'"):
        model.predict(frame)
    with pytest.raises(DataError, match="no column 'price' to predict"):
        model.score(frame)


def test_rows_without_names_are_refused(model: cr.TableModel) -> None:
    with pytest.raises(DataError, match="data set, not list"):
        model.predict([[1, 2]])  # type: ignore[arg-type]


def test_a_model_says_what_it_predicts_from_what(model: cr.TableModel) -> None:
    assert repr(model) == "<TableModel: LinearRegression predicts 'price' from 'age', 'fuel'>"
