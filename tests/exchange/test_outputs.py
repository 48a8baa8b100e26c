"""Labels are those of scikit-learn's classifiers, probabilities the nearest to some outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.errors import FileError
from chainrule.exchange.onnx_model import Exported, Output, onnx_model
from chainrule.exchange.outputs import Labels, NearestProbabilities
from chainrule.graph.node import Node, variable
from chainrule.training.simplex import nearest_probabilities
from tests.helpers.onnx_models import run_model, types_of

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [0.0, 0.0, 0.6]])


def model_of(node: Node, output: Output, dtype: Any = "float64") -> onnx.ModelProto:
    return onnx_model(Exported((node,), {}, {"label": output}), dtype, "t")


def labels_of(classes: Any, scores: Any, task: Any, threshold: float = 0.5) -> Any:
    node = variable("scores", ("rows", *np.shape(scores)[1:]))
    output = Labels(node, np.asarray(classes), task, threshold)
    return run_model(model_of(node, output), {"scores": scores})["label"]


def test_the_largest_of_several_outputs_is_the_class_and_the_first_of_equal_ones() -> None:
    assert labels_of(["a", "ß", "c"], SCORES, "multiclass").tolist() == ["ß", "a", "c"]


def test_an_output_above_the_threshold_is_the_second_of_two_classes() -> None:
    found = labels_of([3, 7], [[0.5], [0.6], [-1.0]], "binary")
    assert found.dtype == np.int64
    assert found.tolist() == [3, 7, 3]
    assert labels_of([3, 7], [[0.5], [0.0]], "binary", threshold=0.0).tolist() == [7, 3]


def test_each_output_above_the_threshold_is_a_label_of_several() -> None:
    found = labels_of([0, 1, 2], SCORES, "multilabel-indicator")
    assert found.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([False, True], [1, 0]),
        ([1.0, 2.0], [2, 1]),
        (np.array([1, 200], np.uint8), [200, 1]),
        (np.array(["no", "yes"], object), ["yes", "no"]),
    ],
)
def test_classes_of_all_kinds_become_whole_numbers_or_text(classes: Any, expected: Any) -> None:
    assert labels_of(classes, [[0.9], [0.1]], "binary").tolist() == expected


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (np.array(["a", None], object), r"the class None is of type NoneType.*labels of text"),
        (np.array([1, 2**64 - 1], np.uint64), "18446744073709551615 is too large"),
    ],
)
def test_classes_that_onnx_has_no_type_for_are_named(classes: Any, message: str) -> None:
    node = variable("scores", ("rows", 1))
    with pytest.raises(FileError, match=message):
        model_of(node, Labels(node, classes, "binary", 0.5))


def test_labels_of_steps_lose_the_axis_of_outputs_only() -> None:
    node = variable("scores", ("rows", "time", 3))
    model = model_of(node, Labels(node, np.arange(3), "multiclass", 0.5))
    assert types_of(model.graph.output) == {"label": (onnx.TensorProto.INT64, ["rows", "time"])}
    assert run_model(model, {"scores": SCORES[np.newaxis]})["label"].tolist() == [[1, 0, 2]]


@settings(max_examples=settings().max_examples // 4)
@given(
    st.integers(1, 6).flatmap(
        lambda n: arrays(np.float64, (4, n), elements=st.floats(-1e3, 1e3, width=32))
    )
)
def test_the_nearest_probabilities_are_those_that_are_solved_for(outputs: Any) -> None:
    node = variable("outputs", ("rows", outputs.shape[1]))
    found = run_model(model_of(node, NearestProbabilities(node)), {"outputs": outputs})["label"]
    np.testing.assert_allclose(found, nearest_probabilities(outputs), atol=1e-12)
