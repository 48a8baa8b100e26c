"""A model of named columns in ONNX reads the columns themselves, and encodes them as here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest

import chainrule as cr
from chainrule.datasets.read import read_table
from chainrule.datasets.targets import describe_target
from chainrule.estimators.table_fit import fit_table
from tests.helpers.onnx_models import run_model, types_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAW = np.random.default_rng(0)
N = 60
AGE, FUEL = DRAW.normal(40.0, 9.0, N).round(1), DRAW.choice(["gas", "oil", "öl"], N)
CARS = pd.DataFrame(
    {
        "age (years)": AGE,
        "fuel": FUEL,
        "label": DRAW.integers(0, 9, N).astype(float),
        "price": 100.0 * AGE + 500.0 * (FUEL == "öl") + 20.0,
    }
)
WITH_HOLES = CARS.assign(
    **{"age (years)": AGE.copy(), "fuel": np.where(np.arange(N) == 4, "", FUEL)}
)
WITH_HOLES.loc[3, "age (years)"] = np.nan


def model_of(
    estimator: Any, table: pd.DataFrame, target: str, task: Any, **options: Any
) -> cr.TableModel:
    read = read_table(table)
    return fit_table(estimator, read, describe_target(read, target, task), **options).model


def columns(model: onnx.ModelProto, table: pd.DataFrame) -> dict[str, Any]:
    """What the model reads, of the types that it declares."""
    text = onnx.TensorProto.STRING
    return {
        name: table[name].to_numpy(object if kind == text else float).reshape(-1, 1)
        for name, (kind, _) in types_of(model.graph.input).items()
    }


@pytest.mark.parametrize(
    "estimator",
    [
        cr.LinearRegression(),
        cr.MLPRegressor(max_iter=5, engine="reference"),
        cr.GRURegressor(3, max_iter=1, engine="reference"),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale_target", [False, True])
def test_values_are_in_the_units_of_the_table(estimator: Any, scale_target: bool) -> None:
    model = model_of(estimator, CARS, "price", "regression", scale_target=scale_target)
    written = model.to_onnx()
    found = run_model(written, columns(written, CARS))
    np.testing.assert_allclose(found["variable"][:, 0], model.predict(CARS), rtol=1e-5)


def test_quantiles_are_in_the_units_of_the_table() -> None:
    estimator = cr.MLPRegressor("quantile", quantile=[0.1, 0.5, 0.9], max_iter=5)
    model = model_of(estimator, CARS, "price", "regression", scale_target=True)
    written = model.to_onnx()
    found = run_model(written, columns(written, CARS))
    np.testing.assert_allclose(found["variable"][:, 0], model.predict(CARS), rtol=1e-5)
    np.testing.assert_allclose(found["quantiles"][:, 0, 1], model.predict(CARS), rtol=1e-5)


def test_each_column_is_an_input_of_its_name_and_kind() -> None:
    types = onnx.TensorProto
    written = model_of(cr.LinearRegression(), CARS, "price", "regression").to_onnx()
    assert types_of(written.graph.input) == {
        "age (years)": (types.DOUBLE, ["rows", 1]),
        "fuel": (types.STRING, ["rows", 1]),
        "label": (types.DOUBLE, ["rows", 1]),
    }


def test_a_column_may_be_called_like_what_is_inside() -> None:
    names = ["number_of_rows", "constant", "price", "sub", "div", "W", "variable", "x", "add"]
    table = pd.DataFrame({name: DRAW.normal(size=N) for name in names})
    written = model_of(cr.LinearRegression(), table, "price", "regression").to_onnx()
    assert [each.name for each in written.graph.input] == [n for n in names if n != "price"]
    assert run_model(written, columns(written, table)).keys() == {"variable_2"}


def test_a_class_is_text_and_gives_way_to_a_column_of_its_name() -> None:
    estimator = cr.MLPClassifier((4,), max_iter=5, engine="reference")
    model = model_of(estimator, CARS, "fuel", "classification")
    written = model.to_onnx(dtype="float32")
    found = run_model(written, columns(written, CARS))
    assert found["label_2"].tolist() == model.predict(CARS).tolist()
    assert found["probabilities"].dtype == np.float32
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(CARS), atol=1e-5)


def test_missing_values_are_filled_in_where_the_model_does_so() -> None:
    model = model_of(cr.LinearRegression(), WITH_HOLES, "price", "regression", impute=True)
    written = model.to_onnx()
    found = run_model(written, columns(written, WITH_HOLES))["variable"][:, 0]
    np.testing.assert_allclose(found, model.predict(WITH_HOLES), rtol=1e-9)
    assert np.isfinite(found[[3, 4]]).all()


def test_an_unknown_category_stops_the_runtime_or_is_none_of_them() -> None:
    model = model_of(cr.LinearRegression(), CARS, "price", "regression")
    strange = CARS.assign(fuel="coal")
    written = model.to_onnx()
    with pytest.raises(Exception, match="Unknown Category"):
        run_model(written, columns(written, strange))
    written = model.to_onnx(unknown_as_zeros=True)
    found = run_model(written, columns(written, strange))["variable"][:, 0]
    np.testing.assert_allclose(found, model.predict(strange, unknown_as_zeros=True), rtol=1e-9)


def test_it_is_written_to_a_file_and_says_what_it_is(tmp_path: Path) -> None:
    model = model_of(cr.LinearRegression(), CARS, "price", "regression")
    written = model.to_onnx(tmp_path / "cars.onnx")
    assert onnx.load(tmp_path / "cars.onnx") == written
    assert written.metadata_props[0].value == "LinearRegression"
