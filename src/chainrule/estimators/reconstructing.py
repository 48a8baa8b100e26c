"""Codes, reconstructions and scores of rows: what a fitted auto encoder is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from chainrule.datasets.foreign import as_given
from chainrule.engines.base import Array
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.explaining import check_names, one_row
from chainrule.estimators.hidden import HiddenLayers
from chainrule.estimators.hints import ArrayLike, MatrixLike
from chainrule.estimators.inputs import dense_if_small, validated
from chainrule.exchange.onnx_model import Output, Value
from chainrule.graph.node import Node
from chainrule.networks.autoencoder import AutoencoderNetwork

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation

__all__ = ["Reconstructing"]


class Reconstructing(
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
    HiddenLayers,
    EvaluatingEstimator,
):
    """The methods of a fitted auto encoder."""

    _network: Any
    offset_: float

    @property
    def _layers(self) -> AutoencoderNetwork:
        """The layers of the network."""
        return self._network

    def _validate_rows(self, X: Any, *, reset: bool = False, dtype: Any = "numeric") -> Array:
        """Checked rows in the order of C, or many sparse ones; those in order are not copied."""
        X = validated(self, X, accept_sparse="csr", dtype=dtype, order="C", reset=reset)
        return dense_if_small(X)

    def _check_values(self, X: Array, layers: AutoencoderNetwork) -> None:
        """Refuse what the loss cannot compare with."""
        if layers.loss != "log_loss":
            return
        low, high = float(X.min()), float(X.max())
        if low < 0 or high > 1:
            binary, other = self._names_of_losses
            raise ValueError(
                f"{binary} is for values from 0 to 1, but X goes from {low:g} to {high:g}: scale "
                f"it, with MinMaxScaler for one, or use {other}."
            )

    _names_of_losses: ClassVar[tuple[str, str]] = ("loss='log_loss'", "loss='squared_error'")

    # --- codes and reconstructions -------------------------------------------------------

    def transform(self, X: MatrixLike) -> Array:
        """The code of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        return self._codes(validated(self, X, accept_sparse="csr", reset=False))

    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        layers, code = self._layers, self._describe_code()
        hidden = (*layers.encoder_layers(layers.X), code, *layers.decoder_layers(code))
        return (layers.X,), hidden

    def _codes(self, X: Any) -> Array:
        """The codes of checked rows."""
        return self._evaluated("code", lambda: ((self._layers.X,), self._describe_code()), (X,))

    def _describe_code(self) -> Node:
        """What ``transform`` gives: (rows, components)."""
        return self._layers.encode(self._layers.X)

    def inverse_transform(self, X: ArrayLike) -> Array:
        """The row that each code stands for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, as ``transform`` gives them.

        Returns
        -------
        array of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        codes: Array = check_array(as_given(X, "X"), input_name="X")
        layers = self._layers
        if codes.shape[1] != layers.n_components:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but a code of {type(self).__name__} has "
                f"{layers.n_components}."
            )

        def describe() -> tuple[tuple[Node, ...], Node]:
            code = layers.given_code
            return (code,), layers.reconstruction(layers.decode(code))

        return self._evaluated("decoded", describe, (codes,))

    def reconstruct(self, X: MatrixLike) -> Array:
        """Each row as it comes back from its code.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validated(self, X, accept_sparse="csr", reset=False)
        return self._evaluate(X)

    def _exported_outputs(self, output: Node) -> dict[str, Output]:
        return {"reconstruction": Value(output), "code": Value(self._describe_code())}

    # --- scores --------------------------------------------------------------------------

    def score_samples(self, X: MatrixLike) -> Array:
        """How well each row is restored: less the error, averaged over its features.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            Less the mean squared error, or the mean log loss: the larger the better.
        """
        check_is_fitted(self)
        X = self._validate_rows(X)
        self._check_values(X, self._layers)
        return self._scores(X)

    def _scores(self, X: Array) -> Array:
        """The scores of checked rows: (rows,)."""
        scored = self._evaluated(
            "scored", lambda: ((self._layers.X,), self._describe_scored()), (X,)
        )
        return scored[:, 0]

    def score(
        self, X: MatrixLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """The mean of ``score_samples``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        weights = None if sample_weight is None else as_given(sample_weight, "sample_weight")
        return float(np.average(self.score_samples(X), weights=weights))

    def decision_function(self, X: MatrixLike) -> Array:
        """How far each row is on the side of what was learned from.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            ``score_samples(X) - offset_``: below 0 for outliers.
        """
        check_is_fitted(self)
        return self.score_samples(X) - self.offset_

    def predict(self, X: MatrixLike) -> Array:
        """Which rows are outliers: badly restored in comparison with the training rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            -1 for outliers, 1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @property
    def _n_features_out(self) -> int:
        return self._layers.n_components

    # --- derivations ---------------------------------------------------------------------

    def explain(
        self,
        x_row: npt.ArrayLike,
        parameter: str | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Derivation:
        """Derive the loss of one row by one number of the network, and update that number.

        The row is its own target; noise and dropout are left out.

        Parameters
        ----------
        x_row : array-like of shape (n_features,) or (1, n_features)
        parameter : str, optional
            A weight, a bias, an input or a unit, counted from 0: ``"W2[3, 1]"`` is
            ``coefs_[1][3, 1]``; ``"b1[0]"``, ``"x[2]"`` or the name of a feature, ``"code[1]"``.
            By default the parameter whose gradient is the largest for this row.
        names : sequence of str, optional
            What the features are called; ``feature_names_in_`` by default.

        Returns
        -------
        Derivation
            The path from the loss back to the number, checked against a central difference of
            the whole network, and the step of the optimizer with this row as its minibatch.

        Raises
        ------
        NotFittedError
            If there is nothing to explain yet.
        ValueError
            If the row has another width than those of ``fit``.
        FormulaError
            If there is no such parameter; the message lists those that there are.

        Notes
        -----
        Everything is computed by the reference engine in double precision. Of a sparsity penalty,
        the row has the share that its code adds to the gradient: each number of the code counts
        with the slope of the penalty at ``mean_activation_``.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, _ = load_iris(return_X_y=True)
        >>> model = cr.Autoencoder(2, (), solver="lbfgs", max_iter=500, random_state=0).fit(X)
        >>> work = model.explain(X[0], "W1[2, 0]")
        >>> work.chains[0].check.agrees
        True
        """
        return self._explained(x_row, parameter, names)

    def _explained(self, x_row: Any, parameter: Any, names: Any, **options: Any) -> Derivation:
        from chainrule.estimators.trained_autoencoders import trained_autoencoder
        from chainrule.explain.trained import explain_trained

        check_is_fitted(self)
        check_names(self, names)
        network = trained_autoencoder(self, one_row(self, x_row), **options)
        if names is None:
            names = getattr(self, "feature_names_in_", ())
        return explain_trained(dataclasses.replace(network, features=tuple(names)), parameter)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
