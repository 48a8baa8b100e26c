"""ONNX models, checked by onnx and run by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

__all__ = ["run_model", "run_reference", "types_of"]

Array = np.ndarray[Any, Any]


def run_model(model: onnx.ModelProto, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """Each output of a model by its name, on the CPU.

    Inputs that the model does not have are left out. Shapes that onnx infers must agree with
    those that the model declares.
    """
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors come as exceptions too; warnings are shown
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = {each.name for each in session.get_inputs()}
    given = {name: np.asarray(value) for name, value in inputs.items() if name in names}
    outputs = [each.name for each in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, given), strict=True))


def run_reference(model: onnx.ModelProto, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """The same, by the interpreter with which onnx defines its operators."""
    evaluator = ReferenceEvaluator(model)
    given = {name: np.asarray(inputs[name]) for name in evaluator.input_names}
    with np.errstate(all="ignore"):
        values = evaluator.run(None, given)
    return dict(zip(evaluator.output_names, map(np.asarray, values), strict=True))


def types_of(values: Any) -> dict[str, tuple[int, list[Any]]]:
    """Type and shape that a model declares for its inputs or outputs, by name."""
    found = {}
    for each in values:
        tensor = each.type.tensor_type
        shape = [size.dim_param or size.dim_value for size in tensor.shape.dim]
        found[each.name] = (tensor.elem_type, shape)
    return found
