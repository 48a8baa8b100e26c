"""What is learned from: classes, or numbers, as columns of what a network should put out."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.special
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import Tags, compute_sample_weight
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

import chainrule.graph.functions as fn
from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.rows import Rows
from chainrule.exchange.onnx_model import Output, Value
from chainrule.exchange.outputs import LabelKind, Labels
from chainrule.graph.node import Node

__all__ = ["ClassTargets", "NumberTargets", "has_margins", "has_probabilities"]


def has_probabilities(estimator: Any) -> bool:
    """Whether ``predict_proba`` makes sense; AttributeError if not, as scikit-learn has it."""
    if estimator.loss == "hinge":
        raise AttributeError("The hinge loss gives no probabilities: use loss='log_loss'.")
    return True


def has_margins(estimator: Any) -> bool:
    """Whether ``decision_function`` makes sense; AttributeError if not, as scikit-learn has it."""
    if estimator.loss != "hinge":
        raise AttributeError("With probabilities there is predict_proba: loss='hinge' has margins.")
    return True


class ClassTargets(ClassifierMixin):
    """A classifier's targets: one of two classes, one of several, or several labels.

    The estimator has ``warm_start``, ``class_weight``, ``n_outputs_`` and ``out_activation_``.
    """

    _learned_of_classes: ClassVar[tuple[str, ...]] = ("classes_", "_label_kind")
    _label_binarizer: LabelBinarizer

    def _learn_classes(self, y: Any, incremental: bool) -> None:
        """Take up the classes of y, or check that they are among those of the fit before."""
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            binarizer = LabelBinarizer().fit(y)
            if len(binarizer.classes_) == 1:
                only = binarizer.classes_.tolist()[0]
                raise ValueError(
                    f"y holds one class only, {only!r}, and there is nothing to tell apart: give "
                    f"rows of at least two classes."
                )
            self._label_binarizer, self.classes_ = binarizer, binarizer.classes_
        else:
            self._check_classes(unique_labels(y))

    def _learn_all_classes(self, y: Any, classes: Any) -> None:
        """Take up the classes that the first call of ``partial_fit`` names."""
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some: "
                "give the weights as a dict."
            )
        if _check_partial_fit_first_call(self, classes):
            y = as_given(y, "y")
            labels = y if type_of_target(y).startswith("multilabel") else classes
            self._label_binarizer = LabelBinarizer().fit(labels)

    @property
    def _threshold(self) -> float:
        """The output above which it is the second class, or has the label."""
        # The hinge loss has its margin around 0, probabilities theirs around ½.
        return 0.0 if self.out_activation_ == "identity" else 0.5

    def _labels(self, outputs: Array) -> Array:
        if self.n_outputs_ == 1:
            outputs = outputs.ravel()
        return self._label_binarizer.inverse_transform(outputs, self._threshold)

    def _exported_outputs(self, output: Node) -> dict[str, Output]:
        labels = Labels(output, self.classes_, self._label_kind, self._threshold)
        if self.out_activation_ == "identity":
            return {"label": labels, "scores": Value(output)}
        if self.n_outputs_ == 1:
            output = fn.concatenate([1.0 - output, output], -1)
        return {"label": labels, "probabilities": Value(output)}

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        (y,) = rows.targets
        if self._label_binarizer.y_type_ == "multiclass":
            right = outputs.argmax(axis=1) == y.argmax(axis=1)
        else:
            right = ((outputs > self._threshold) == (y > 0.5)).all(axis=1)
        return float(np.average(right, weights=rows.weight))

    def _strata(self, rows: Rows) -> Array | None:
        (y,) = rows.targets
        # scikit-learn keeps the shares of two classes, but not of more.
        return self._label_binarizer.inverse_transform(y.ravel()) if y.shape[1] == 1 else None

    def _probabilities(self, outputs: Array) -> Array:
        """Of each class, from activated outputs."""
        return np.hstack([1.0 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def _log_probabilities(self, raw: Array) -> Array:
        """From outputs before the activation, so that none is too small for a logarithm."""
        if self.out_activation_ == "softmax":
            return scipy.special.log_softmax(raw, axis=1)
        if self.n_outputs_ == 1:
            raw = np.hstack([-raw, raw])
        return scipy.special.log_expit(raw)

    def _row_weights(self, sample_weight: Any, X: Any, Y: Array) -> Array | None:
        weights = super()._row_weights(sample_weight, X, Y)
        if self.class_weight is None:
            return weights
        of_class = compute_sample_weight(
            self.class_weight, self._label_binarizer.inverse_transform(Y)
        ).astype(X.dtype)
        if not ((of_class >= 0) & np.isfinite(of_class)).all():
            raise ValueError(
                f"class_weight must give each class a finite factor of 0 or more, but got "
                f"{self.class_weight}."
            )
        weights = of_class if weights is None else of_class * weights
        if not weights.any():
            raise ValueError(
                f"class_weight={self.class_weight} leaves no row of a weight above 0: give at "
                f"least one class of y a factor above 0."
            )
        return weights

    def _check_classes(self, classes: Any) -> None:
        """Whether training may go on with these labels."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _one_target(self, y: Any) -> Array:
        targets = np.asarray(y)[np.newaxis]
        if self._label_kind == "multilabel-indicator":
            if targets.shape != (1, self.n_outputs_) or not np.isin(targets, (0, 1)).all():
                raise ValueError(f"y must hold {self.n_outputs_} labels, 0 or 1, but got {y!r}.")
        elif targets.ndim != 1 or targets[0] not in self.classes_:
            known = ", ".join(map(repr, self.classes_.tolist()[:20]))
            raise ValueError(f"y must be one of the classes {known}, but got {y!r}.")
        return targets

    def _columns(self, y: Any, dtype: Any) -> Array:
        return self._label_binarizer.transform(y).astype(dtype)

    @property
    def _label_kind(self) -> LabelKind:
        """One of two classes, one of several, or several labels: scikit-learn's word for it."""
        return self._label_binarizer.y_type_

    @_label_kind.setter
    def _label_kind(self, kind: LabelKind) -> None:
        # A saved model has classes_ and this, from which the rest follows.
        self._label_binarizer = LabelBinarizer().fit(self.classes_)
        self._label_binarizer.y_type_ = kind

    def _restore(self) -> None:
        super()._restore()
        n_classes = len(self.classes_)
        outputs = {"binary": 1, "multiclass": n_classes, "multilabel-indicator": n_classes}
        if outputs.get(self._label_kind) != self.n_outputs_:
            raise FileError(f"{n_classes} classes do not fit {self.n_outputs_} outputs")

    def _check_held_out(self, y: Any, name: str = "The y of validation_data") -> None:
        if self._label_kind == "multilabel-indicator":
            return
        known = self.classes_.tolist()
        # Not by sorting: a mix of text and numbers has no order.
        unknown = [each for each in dict.fromkeys(np.ravel(y).tolist()) if each not in known]
        if unknown:
            raise ValueError(
                f"{name} has {unknown}, which are not among the classes "
                f"{known} of the training data."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class NumberTargets(RegressorMixin):
    """A regressor's targets: one number or several."""

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        return float(r2_score(*rows.targets, outputs, sample_weight=rows.weight))

    def _exported_outputs(self, output: Node) -> dict[str, Output]:
        return {"variable": Value(output)}

    def _one_target(self, y: Any) -> Array:
        try:
            targets = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"y must be a number, but got {y!r}.") from None
        return targets.reshape(1, -1)

    def _columns(self, y: Any, dtype: Any) -> Array:
        try:
            columns = np.asarray(y, dtype=dtype, order="C")
        except (TypeError, ValueError):  # text, or a sparse matrix
            raise ValueError(
                f"y must hold numbers in a dense array, but got {type(y).__name__} of {y.dtype}."
            ) from None
        if self.loss == "poisson" and (columns < 0).any():
            raise ValueError(
                "loss='poisson' is for counts, but y has negative values: choose another loss."
            )
        return columns.reshape(len(columns), -1)
