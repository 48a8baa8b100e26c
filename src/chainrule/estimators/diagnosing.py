"""``model.diagnose``: what is wrong with a fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.explaining import check_names
from chainrule.graph.node import Node
from chainrule.graph.traversal import topological_order

if TYPE_CHECKING:
    from chainrule.doctor.diagnosis import Diagnosis

__all__ = ["Diagnosable"]


class Diagnosable(ABC):
    """An estimator of a network that can be examined."""

    @abstractmethod
    def _examined_rows(self, X: Any, y: Any) -> tuple[Array, Array]:
        """Checked rows and their targets, in columns, in double precision."""

    def diagnose(self, X: Any, y: Any, *, names: Sequence[str] | None = None) -> Diagnosis:
        """Look for what is wrong with this fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows it was fitted to, or some of them; of more than 5,000 every so many is
            examined.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        names : sequence of str, optional
            What the features are called; ``feature_names_in_`` by default.

        Returns
        -------
        Diagnosis
            Its findings, each with evidence and remedy, that which matters most first; none
            for a healthy fit. ``print`` writes them out, ``to_html()`` draws them.

        Raises
        ------
        NotFittedError
            If there is nothing to examine yet.
        ValueError
            If X has another width than in ``fit``, or y other classes.

        Notes
        -----
        A fit that ended with a loss that is not finite keeps its weights, and can be examined.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.diagnose(X, y)
        <Diagnosis: healthy>
        >>> model.coefs_[0][:] = 0.0
        >>> model.intercepts_[0][:] = -1.0
        >>> model.diagnose(X, y).findings[0].where
        'layer 1'
        """
        from chainrule.doctor.diagnosis import Diagnosis
        from chainrule.doctor.examination import Patient, examine

        check_is_fitted(self, "coefs_")
        model: Any = self
        check_names(model, names)
        rows, targets = self._examined_rows(X, y)
        network = model._network
        objective = model._objective(weighted=False, training=False)
        parameters = {
            node: np.asarray(array, dtype=np.float64)
            for node, array in zip(network.parameters, model._parameters, strict=True)
        }
        named = {node.name: node for node in topological_order([objective.row_losses])}
        # Without an activation, sums and outputs are the same.
        outputs = [named[f"h{number}_out"] for number in range(1, len(network.weights))]
        layers = tuple(
            (named.get(f"h{number}_in", output), output) for number, output in enumerate(outputs, 1)
        )
        exclusive = hasattr(model, "classes_") and model._label_kind != "multilabel-indicator"
        stochastic = model.solver != "lbfgs"
        with np.errstate(all="ignore"):
            score = _score(model, X, y)
        patient = Patient(
            row_losses=objective.row_losses,
            layers=layers,
            output=_output(named),
            weights=network.weights,
            parameters=parameters,
            X=objective.minibatch[0],
            Y=objective.minibatch[1],
            activation=network.activation,
            history=getattr(model, "history_", model._progress.history),
            learning_rate=float(model.learning_rate_init) if stochastic else None,
            solver=model.solver,
            labels=np.asarray(y).ravel() if exclusive else None,
            classes=model.classes_.tolist() if exclusive else (),
            features=list(getattr(model, "feature_names_in_", ()) if names is None else names),
            score=score,
            comparable=model.loss in ("squared_error", "log_loss", "hinge"),
        )
        return Diagnosis(examine(patient, rows, targets))


def _output(named: dict[str | None, Node]) -> Node:
    return named["output"] if "output" in named else named["output_in"]


def _score(model: Any, X: Any, y: Any) -> float:
    try:
        return float(model.score(X, y))
    except ValueError:  # predictions that are not finite have none
        return float("nan")
