"""``model.explain``: the chain rule behind one number of a trained network."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.estimators.hints import ArrayLike

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation
    from chainrule.explain.trained import TrainedNetwork

__all__ = ["Explainable", "check_names", "one_row"]


class Explainable(ABC):
    """An estimator that can derive the loss of a row by any of its numbers."""

    @abstractmethod
    def _target_row(self, y: Any) -> Array:
        """The target of one row as the network is given it: (1, outputs)."""

    def _explained(self, x_row: npt.ArrayLike, y: Any) -> tuple[Array, Array]:
        """One row and its target, checked, in doubles, with an axis for rows."""
        return one_row(self, x_row), self._target_row(y)

    @abstractmethod
    def _trained_network(self, x: Array, y: Array) -> TrainedNetwork:
        """The network, with one row of doubles and its target."""

    def explain(
        self,
        x_row: npt.ArrayLike,
        y: ArrayLike | None = None,
        parameter: str | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Derivation:
        """Derive the loss of one row by one number of the network, and update that number.

        Parameters
        ----------
        x_row : array-like of shape (n_features,) or (1, n_features)
            A row as ``predict`` takes it; for a recurrent network a sequence, (n_timesteps,
            n_features), of at most 100 steps.
        y : label, number, or array-like of shape (n_outputs,)
            What the output should be; left out where ``fit`` has none.
        parameter : str, optional
            A weight, a bias, an input or a unit, counted from 0: ``"W2[3, 1]"`` is
            ``coefs_[1][3, 1]``; ``"b1[0]"``, ``"x[2]"`` or the name of a feature,
            ``"h1_in[4]"`` and ``"h1_out[4]"`` before and after the activation, and where layers are
            normalised ``"scale1[4]"`` and ``"shift1[4]"``. Networks of one
            layer have ``"w[3, 0]"`` and ``"b[0]"``; those of radial bases also centres,
            ``"C[3, 1]"``, and widths, ``"gamma[3]"``. Of a recurrent network ``"x[5, 2]"`` is
            feature 2 of step 5, ``"h1[5, 3]"`` unit 3 of layer 1 after step 5, and so are its
            gates. By default the parameter whose gradient is the largest for this row.
        names : sequence of str, optional
            What the features are called; ``feature_names_in_`` by default.

        Returns
        -------
        Derivation
            The path from the loss back to the number, in symbols and numbers, checked against
            a central difference of the whole network, and the step that the optimizer would
            take with this row as its minibatch. ``print`` writes it out.

        Raises
        ------
        NotFittedError
            If there is nothing to explain yet.
        ValueError
            If the row has another width than those of ``fit``, or ``y`` is no target of it.
        FormulaError
            If there is no such parameter; the message lists those that there are.

        Notes
        -----
        Everything is computed by the reference engine in double precision, without dropout.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> work = model.explain(X[0], y[0], parameter="W2[3, 1]")
        >>> work.chains[0].check.agrees
        True
        """
        from chainrule.explain.trained import explain_trained

        check_is_fitted(self)
        check_names(self, names)
        network = self._trained_network(*self._explained(x_row, y))
        if names is None:
            names = getattr(self, "feature_names_in_", ())
        return explain_trained(dataclasses.replace(network, features=tuple(names)), parameter)


def check_names(estimator: Any, names: Sequence[str] | None) -> None:
    """Raise ValueError if there are not as many names as features."""
    if names is not None and len(names) != estimator.n_features_in_:
        raise ValueError(
            f"names has {len(names)} names, but there are {estimator.n_features_in_} features."
        )


def one_row(estimator: Any, x_row: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """One row of numbers, of the width that the estimator learned from: (1, n_features).

    Raises
    ------
    ValueError
        If it is not that.
    """
    name, width = type(estimator).__name__, estimator.n_features_in_
    known = list(getattr(estimator, "feature_names_in_", ()))
    labels = getattr(x_row, "columns", getattr(x_row, "index", ()))
    given = [] if callable(labels) else list(labels)  # a list's index is a method
    if known and given and given != known and all(isinstance(each, str) for each in given):
        if sorted(given) != sorted(known):
            raise ValueError(
                f"x_row has the features {', '.join(given)}, but {name} was fitted to "
                f"{', '.join(known)}."
            )
        x_row = x_row[known]  # type: ignore[index,call-overload]
    try:
        row = np.asarray(as_given(x_row, "x_row"), dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"x_row must hold {width} numbers, but got {x_row!r}.") from None
    if row.ndim == 2 and len(row) != 1:
        raise ValueError(f"explain takes one row, but got {len(row)}: give X[0], for one.")
    row = row.reshape(1, -1) if row.ndim in (1, 2) else row
    if row.shape != (1, width):
        if row.ndim != 2:
            raise ValueError(f"x_row must be a row of {width} numbers, but got {x_row!r}.")
        raise ValueError(f"x_row has {row.size} features, but {name} was fitted to {width}.")
    if not np.isfinite(row).all():
        raise ValueError(f"x_row has NaN or infinity at place {int(np.argmin(np.isfinite(row)))}.")
    return row
