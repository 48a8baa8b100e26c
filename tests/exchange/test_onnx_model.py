"""A model says what it reads and gives, under names that people chose, and holds no surprises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.errors import FileError
from chainrule.exchange import onnx_model as module
from chainrule.exchange.onnx_model import Exported, Value, onnx_model
from chainrule.graph.loop import scan
from chainrule.graph.node import variable
from chainrule.graph.shape import Size, multiply
from tests.helpers.onnx_models import run_model, types_of

FLOAT, DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE


def test_inputs_and_outputs_have_their_names_types_and_symbolic_sizes() -> None:
    x, w = variable("x", ("rows", 3)), variable("W1", (3, 2))
    y = fn.tanh(x @ w).named("h1_out")
    model = onnx_model(
        Exported((x,), {w: np.ones((3, 2))}, {"code": Value(y), "sum": Value(fn.sum(y))}),
        "float32",
        "Thing",
    )
    assert types_of(model.graph.input) == {"x": (FLOAT, ["rows", 3])}
    assert types_of(model.graph.output) == {"code": (FLOAT, ["rows", 2]), "sum": (FLOAT, [])}
    assert [each.name for each in model.graph.initializer][:1] == ["W1"]
    assert "h1_out" in {name for each in model.graph.node for name in each.output}


def test_the_metadata_say_who_wrote_it_and_what_the_features_are_called() -> None:
    x = variable("x", ("rows", 2))
    model = onnx_model(Exported((x,), {}, {"y": Value(x)}), "float64", "Thing", ["höhe", "b"])
    assert (model.producer_name, model.producer_version) == ("chainrule", cr.__version__)
    metadata = {each.key: each.value for each in model.metadata_props}
    assert metadata["estimator"] == model.graph.name == "Thing"
    assert json.loads(metadata["feature_names"]) == ["höhe", "b"]
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert model.ir_version == 8


def test_names_that_meet_are_told_apart() -> None:
    x, y = variable("y", ("rows",)), variable("y", ())
    value = (x + 1.0).named("y")
    model = onnx_model(Exported((x,), {y: np.array(2.0)}, {"y": Value(value * y)}), "float64", "t")
    (found,) = run_model(model, {"y": [1.0, 2.0]}).values()
    np.testing.assert_array_equal(found, [4.0, 6.0])


def test_what_is_not_needed_is_not_written() -> None:
    x, w = variable("x", ("rows",)), variable("w", (1000,))
    model = onnx_model(Exported((x,), {w: np.ones(1000)}, {"y": Value(x)}), "float64", "t")
    assert not model.graph.initializer


def test_several_values_of_a_loop_are_stacked_by_one_scan() -> None:
    x, start = variable("x", ("time", 2)), variable("start", (2,))

    def body(carries, slices):
        new = carries[0] + slices[0]
        return [new], [new, carries[0], slices[0]]

    outputs = scan(body, [start], [x])
    named = {f"y{k}": Value(each) for k, each in enumerate(outputs)}
    model = onnx_model(Exported((x, start), {}, named), "float64", "t")
    assert [each.op_type for each in model.graph.node].count("Scan") == 1
    values = np.arange(6.0).reshape(3, 2)
    found = run_model(model, {"x": values, "start": np.ones(2)})
    np.testing.assert_array_equal(found["y0"], 1.0 + values.cumsum(axis=0))
    np.testing.assert_array_equal(found["y1"], found["y0"] - values)
    np.testing.assert_array_equal(found["y2"], values)


def test_a_size_that_is_a_product_is_computed() -> None:
    x = variable("x", ("rows", "time", 2))
    merged = multiply(2, Size(1, ("rows",)), Size(1, ("time",)))
    outputs = {
        "flat": Value(fn.reshape(x, (merged,))),
        "wide": Value(fn.broadcast_to(fn.size(merged), (merged,))),
    }
    found = run_model(
        onnx_model(Exported((x,), {}, outputs), "float64", "t"), {"x": np.ones((3, 4, 2))}
    )
    np.testing.assert_array_equal(found["flat"], np.ones(24))
    np.testing.assert_array_equal(found["wide"], np.full(24, 24.0))


def test_numbers_too_large_for_single_precision_are_named() -> None:
    x, w = variable("x", ("rows",)), variable("w", ())
    exported = Exported((x,), {w: np.array(1e200)}, {"y": Value(x * w)})
    assert onnx_model(exported, "float64", "t").graph.initializer
    with pytest.raises(FileError, match=r"w has values too large for float32.*float64"):
        onnx_model(exported, "float32", "t")


def test_a_model_larger_than_a_file_can_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    x, w = variable("x", ("rows", 5)), variable("w", (5, 5))
    exported = Exported((x,), {w: np.zeros((5, 5))}, {"y": Value(x @ w)})
    assert onnx_model(exported, "float32", "t")  # just 100
    with pytest.raises(FileError, match="2 GB at most"):
        onnx_model(exported, "float64", "t")


def test_without_onnx_an_error_says_what_to_install(tmp_path: Path) -> None:
    # In a process of its own, in which the package cannot be imported.
    program = (
        "import sys; sys.modules['onnx'] = None\n"
        "import chainrule as cr\n"
        "line = cr.LinearRegression().fit([[0.0], [1.0]], [3.0, 5.0])\n"
        "try:\n    line.to_onnx()\n"
        "except cr.ChainruleError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'chainrule[onnx]'" in run.stdout, run.stderr


def test_onnx_is_imported_only_where_it_is_needed() -> None:
    program = (
        "import sys, chainrule as cr\n"
        "cr.MLPClassifier, cr.GRURegressor, cr.TableModel\n"
        "print('onnx' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "False", run.stderr
