"""What models give besides values of the network: labels, probabilities solved for, quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.errors import FileError
from chainrule.exchange.onnx_model import Made, Output
from chainrule.graph.node import Node

if TYPE_CHECKING:
    from chainrule.exchange.builder import GraphBuilder

__all__ = ["LabelKind", "Labels", "NearestProbabilities", "OneQuantile", "Quantiles"]

LabelKind: TypeAlias = Literal["binary", "multiclass", "multilabel-indicator"]
"""One of two classes, one of several, or several labels: scikit-learn's words for it."""


@dataclass(frozen=True, eq=False)
class Labels(Output):
    """The class of each row, or of each step of it; or which labels it has.

    Attributes
    ----------
    node : Node
        What they are told by: (..., outputs).
    classes : array of shape (n_classes,)
    task : {"binary", "multiclass", "multilabel-indicator"}
        One output says which of two classes it is, the largest of several which class, or each
        whether the row has its label.
    threshold : float
        Above it, it is the second class, or the row has the label.
    """

    node: Node
    classes: npt.NDArray[Any]
    task: LabelKind
    threshold: float

    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """Whole numbers or text; of several labels 0 and 1."""
        add, whole_number = builder.add, builder.element_type("int")
        if self.task == "multiclass":
            index = add("ArgMax", value, axis=-1, keepdims=0)
        else:
            above = add("Greater", value, builder.constant(self.threshold))
            index = add("Cast", above, to=whole_number)
            if self.task == "multilabel-indicator":
                return Made(index, whole_number, self.node.shape)
            index = add("Squeeze", index, builder.whole(-1))
        labels = _as_labels(self.classes)
        types = builder.onnx.TensorProto
        element_type = whole_number if labels.dtype == np.int64 else types.STRING
        classes = builder.initializer("classes", labels)
        label = add("Gather", classes, index, axis=0)
        return Made(label, element_type, self.node.shape[:-1])


def _as_labels(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Classes as ONNX has them: int64, or text as an array of objects."""
    if classes.dtype.kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise FileError(f"The class {classes.max()} is too large for an int64 label of ONNX.")
    # scikit-learn takes numbers with decimals for classes only where they are whole.
    if classes.dtype.kind in "biuf":
        return classes.astype(np.int64)
    other = [each for each in classes.tolist() if not isinstance(each, str)]
    if other:
        raise FileError(
            f"ONNX has labels of whole numbers or of text, but the class {other[0]!r} is of type "
            f"{type(other[0]).__name__}: fit with labels of text."
        )
    return classes.astype(object)


@dataclass(frozen=True)
class NearestProbabilities(Output):
    """The probabilities that are nearest to some outputs, (rows, classes).

    They are max(output - t, 0), as :func:`chainrule.training.simplex.nearest_probabilities`
    says, with the t of as many of the largest outputs as stay above it.
    """

    node: Node

    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """Computed with the outputs of each row in falling order."""
        add, whole, number = builder.add, builder.whole, builder.constant
        n_classes = self.node.shape[1]
        assert isinstance(n_classes, int)
        falling, _ = builder.add_many(
            "TopK", [value, whole(n_classes)], ["falling", "places"], axis=1
        )
        sums = add("CumSum", falling, builder.constant(1, np.int64))
        counts = number(np.arange(1, n_classes + 1))
        thresholds = add("Div", add("Sub", sums, number(1.0)), counts)
        # The last t that its output is above is the largest of all.
        t = add("ReduceMax", thresholds, axes=[1], keepdims=1)
        probabilities = add("Max", add("Sub", value, t), number(0.0))
        return Made(probabilities, builder.element_type("float"), self.node.shape)


@dataclass(frozen=True)
class Quantiles(Output):
    """Several quantiles of each target, in rising order: (..., targets, quantiles)."""

    node: Node

    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """Sorted, so that those of the network that cross are put in order."""
        return Made(self._rising(builder, value), builder.element_type("float"), self.node.shape)

    def _rising(self, builder: GraphBuilder, value: str) -> str:
        number = builder.size(self.node.shape[-1])
        options = {"axis": -1, "largest": 0}
        return builder.add_many("TopK", [value, number], ["rising", "places"], **options)[0]


@dataclass(frozen=True)
class OneQuantile(Quantiles):
    """The quantile at one place of the rising order: (..., targets)."""

    place: int

    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """One of the sorted ones."""
        place = builder.constant(self.place, np.int64)
        one = builder.add("Gather", self._rising(builder, value), place, axis=-1)
        return Made(one, builder.element_type("float"), self.node.shape[:-1])
