"""Regressors that may learn quantiles: one, or several at once."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

import chainrule.graph.functions as fn
from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.decorators import available_if
from chainrule.estimators.hints import MatrixLike, Outputs, SequencesLike
from chainrule.estimators.rows import Rows
from chainrule.estimators.targets import NumberTargets
from chainrule.exchange.onnx_model import Output
from chainrule.exchange.outputs import OneQuantile, Quantiles
from chainrule.graph.node import Node
from chainrule.networks.losses import Loss, regression_loss

__all__ = ["REGRESSION_CONSTRAINTS", "RegressionTargets"]

REGRESSION_CONSTRAINTS: dict[str, list[Any]] = {
    "loss": [
        StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"}),
        callable,
    ],
    "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    "huber_delta": [Interval(Real, 0, None, closed="neither")],
}


def _has_quantiles(estimator: Any) -> bool:
    if estimator.loss != "quantile":
        raise AttributeError(
            f"The loss {estimator.loss!r} learns no quantiles: use loss='quantile'."
        )
    return True


class RegressionTargets(NumberTargets):
    """Targets of a loss by name, quantiles among them.

    The estimator has ``loss``, ``quantile`` and ``huber_delta``. Of several quantiles, the
    network has the outputs for the first, then those for the second, and so on.
    """

    quantiles_: npt.NDArray[np.float64]
    _learned_of_numbers = ("quantiles_",)

    def _learn_quantiles(self) -> None:
        """Take up the quantiles that are asked for."""
        quantiles = np.atleast_1d(np.asarray(self.quantile, dtype=np.float64))
        rising = quantiles.ndim == 1 and quantiles.size and (np.diff(quantiles) > 0).all()
        if not rising or quantiles[0] <= 0 or quantiles[-1] >= 1:
            raise ValueError(
                f"quantile must be a number between 0 and 1, or several in rising order, but got "
                f"{self.quantile!r}."
            )
        if self.loss != "quantile" and len(quantiles) > 1:
            raise ValueError(
                f"quantile={self.quantile!r} asks for several quantiles, but loss={self.loss!r} "
                f"learns none: set loss='quantile'."
            )
        if self.loss == "quantile":
            self.quantiles_ = quantiles
        elif hasattr(self, "quantiles_"):
            del self.quantiles_

    def _restore(self) -> None:
        super()._restore()
        if self.n_outputs_ % self._n_quantiles:
            raise FileError(
                f"{self.n_outputs_} outputs are not {self._n_quantiles} for each target"
            )

    @property
    def _n_quantiles(self) -> int:
        return len(getattr(self, "quantiles_", (0.5,)))

    def _row_loss(self) -> Loss:
        quantiles = tuple(getattr(self, "quantiles_", (0.5,)))
        return regression_loss(self.loss, quantiles, self.huber_delta)

    def _columns(self, y: Any, dtype: Any) -> Array:
        return np.tile(super()._columns(y, dtype), (1, self._n_quantiles))

    def _by_quantile(self, outputs: Array) -> Array:
        """Outputs in rising order along a last axis of quantiles: they never cross."""
        values = outputs.reshape(*outputs.shape[:-1], self._n_quantiles, -1)
        return np.sort(np.swapaxes(values, -1, -2), axis=-1)

    @property
    def _central(self) -> int:
        """The place of the quantile that is nearest to the median."""
        return int(np.argmin(np.abs(self.quantiles_ - 0.5)))

    def _predicted(self, outputs: Array) -> Array:
        """One number for each target; of several quantiles, the one nearest to the median."""
        if self._n_quantiles > 1:
            outputs = self._by_quantile(outputs)[..., self._central]
        return outputs

    def _exported_outputs(self, output: Node) -> dict[str, Output]:
        if self._n_quantiles == 1:
            return super()._exported_outputs(output)
        *rows, _ = output.shape
        grouped = fn.reshape(output, (*rows, self._n_quantiles, -1))
        axes = (*range(len(rows)), len(rows) + 1, len(rows))
        values = fn.transpose(grouped, axes)
        return {"variable": OneQuantile(values, self._central), "quantiles": Quantiles(values)}

    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        (targets,) = rows.targets
        n_targets = targets.shape[-1] // self._n_quantiles
        one_each = Rows(rows.inputs, (targets[..., :n_targets],), rows.weight)
        return super()._score_outputs(one_each, self._predicted(outputs))

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: MatrixLike | SequencesLike) -> Outputs:
        """The quantiles of the target that were learned, where ``loss="quantile"``.

        Parameters
        ----------
        X : array-like
            As for :meth:`predict`.

        Returns
        -------
        array of shape (n_samples, n_quantiles) or (n_samples, n_outputs, n_quantiles)
            In the order of ``quantiles_``, rising. An output for each step of a sequence adds an
            axis after the first, or makes it a list, as in :meth:`predict`.

        Notes
        -----
        Where the network's own quantiles cross, they are put in order.

        References
        ----------
        Chernozhukov, Fernández-Val & Galichon, "Quantile and probability curves without
        crossing", 2010.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> draw = np.random.default_rng(0)
        >>> X = draw.uniform(0, 1, (2000, 1))
        >>> y = X.ravel() * draw.normal(size=2000)  # the wider, the larger x is
        >>> model = cr.MLPRegressor("quantile", quantile=[0.1, 0.5, 0.9], random_state=0).fit(X, y)
        >>> low, median, high = model.predict_quantiles([[0.9]])[0]
        >>> bool(low < median < high)
        True
        """
        check_is_fitted(self)
        return self._quantiles_of(X)

    def _quantiles_of(self, X: Any) -> Outputs:
        quantiles = self._by_quantile(self._outputs(X))
        return quantiles[..., 0, :] if quantiles.shape[-2] == 1 else quantiles
