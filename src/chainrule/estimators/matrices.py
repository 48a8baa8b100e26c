"""``model.matrix_form`` and ``model.collapse``: a fitted network as products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.errors import FormulaError
from chainrule.estimators.hints import ArrayLike, MatrixLike
from chainrule.estimators.inputs import validated
from chainrule.graph.node import Node, variable
from chainrule.networks.linear import LinearModel
from chainrule.networks.mlp import MLP

if TYPE_CHECKING:
    from chainrule.matrices.collapse import Collapse
    from chainrule.matrices.form import MatrixForm

__all__ = ["LinearMatrices", "NetworkMatrices"]


class LinearMatrices:
    """Linear regression as one layer: ``output = X·w + b``."""

    coef_: Array
    intercept_: Any

    def matrix_form(
        self, X: ArrayLike, *, entry: tuple[int, int] | None = None, y: ArrayLike | None = None
    ) -> MatrixForm:
        """Write the prediction as X·w + b in numbers, with one entry worked out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        entry : tuple (row, column), default=(0, 0)
            The entry that is marked, counted from 0.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Targets: then the gradients of the mean squared error are written too.

        Returns
        -------
        MatrixForm
            ``print`` writes it out; ``to_html`` and ``to_latex`` make pages of it.

        Raises
        ------
        NotFittedError
            If the model has not been fitted yet.
        ShapeError
            If there is no such entry.

        Examples
        --------
        >>> import chainrule as cr
        >>> model = cr.LinearRegression().fit([[0.0], [1.0], [2.0]], [4.0, 4.5, 5.0])
        >>> model.matrix_form([[3.0], [5.0]], entry=(1, 0)).entry.value
        6.5
        """
        from chainrule.matrices.form import form_of_layers
        from chainrule.matrices.values import linear_layers

        check_is_fitted(self)
        X, targets = _rows(self, X, y, y_numeric=True)
        coefficients = np.atleast_2d(self.coef_)
        model = LinearModel(coefficients.shape[1], coefficients.shape[0])
        w, b = model.parameters
        # Without an intercept it is 0 for all targets.
        intercept = np.broadcast_to(self.intercept_, len(coefficients))
        given = {model.X: X, w: _double(coefficients.T), b: _double(intercept)}
        losses = None
        if targets is not None:
            given[model.y] = _columns(targets, len(coefficients))
            losses = model.row_losses
        return form_of_layers(
            linear_layers(model), given, entry, None, losses, "mean_squared_error"
        )


class NetworkMatrices:
    """A perceptron as its layers, ``h1_in = X·W1 + b1`` and so on, forward and in reverse."""

    def matrix_form(
        self,
        X: MatrixLike,
        *,
        layer: int | None = None,
        entry: tuple[int, int] | None = None,
        y: ArrayLike | None = None,
    ) -> MatrixForm:
        """Write the network as products of matrices in numbers, with one entry worked out.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        layer : int, optional
            The layer to write out, from 1, and to mark the entry in. By default all are, and
            the entry is in the last.
        entry : tuple (row, column), default=(0, 0)
            The entry of that layer, before its activation, that is marked; counted from 0.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Targets as for ``fit``: then the gradients of the mean loss of these rows are written
            too, without the penalty on the weights.

        Returns
        -------
        MatrixForm
            ``print`` writes it out; ``to_html`` and ``to_latex`` make pages of it.

        Raises
        ------
        NotFittedError
            If the model has not been fitted yet.
        ShapeError
            If there is no such layer or entry.
        FormulaError
            If the layers are normalised: they are more than products of matrices.

        Notes
        -----
        Everything is computed by the reference engine in double precision, without dropout.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, y)
        >>> form = model.matrix_form(X, y=y)
        >>> [layer.gradients.W.value.shape for layer in form.layers]
        [(4, 5), (5, 3)]
        """
        from chainrule.matrices.form import form_of_layers
        from chainrule.matrices.values import mlp_layers

        check_is_fitted(self)
        estimator: Any = self
        network = estimator._network
        _check_plain(network)
        classes = getattr(self, "classes_", None)
        X, targets = _rows(self, X, y, y_numeric=classes is None)
        nodes = mlp_layers(network)
        parameters = map(_double, estimator._parameters)
        given: dict[Node, Array] = {network.X: X}
        given |= dict(zip(network.parameters, parameters, strict=True))
        losses: Node | None = None
        notes: tuple[str, ...] = ()
        if targets is not None:
            if np.ndim(targets) == 2 and np.shape(targets)[1] == 1:
                targets = np.ravel(targets)
            _check_classes(targets, estimator)
            n_outputs = network.layer_sizes[-1]
            target = variable("y", ("rows", n_outputs))
            given[target] = _columns(estimator._columns(targets, np.float64), n_outputs)
            losses = estimator._row_loss().per_row(target, nodes[-1].Z)
            notes = ("The penalty on the weights is left out.",) if estimator.alpha else ()
        name = _loss_name(estimator.loss, network.output_activation)
        return form_of_layers(nodes, given, entry, layer, losses, name, notes)

    def collapse(self, X: MatrixLike | None = None) -> Collapse:
        """Bring the network down to one matrix and one bias, if it has no activation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), optional
            Where the outputs, before their last activation, are compared; by default at zero
            and at each unit vector.

        Returns
        -------
        Collapse
            With ``W`` and ``b`` where ``holds`` is true. Where an activation is in between, it
            shows that no matrix has these outputs, and ``W`` and ``b`` raise FormulaError.

        Raises
        ------
        NotFittedError
            If the model has not been fitted yet.
        FormulaError
            If the layers are normalised.

        Examples
        --------
        >>> import chainrule as cr
        >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
        >>> model = cr.MLPClassifier((4,), "identity", solver="lbfgs", random_state=0).fit(X, y)
        >>> one = model.collapse()
        >>> one.W.shape, one.agrees
        ((2, 1), True)
        """
        from chainrule.matrices.collapse import collapse_network

        check_is_fitted(self)
        estimator: Any = self
        _check_plain(estimator._network)
        rows = None if X is None else _rows(self, X, None)[0]
        parameters = [_double(each) for each in estimator._parameters]
        return collapse_network(estimator._network, parameters, rows)


def _check_plain(network: MLP) -> None:
    """Refuse a network whose layers are more than products of matrices."""
    if network.normalization is not None:
        raise FormulaError(
            f"With normalization={network.normalization!r}, a layer is more than X·W + b, and is "
            f"not written as matrices: fit with normalization=None, or use explain."
        )


def _rows(estimator: Any, X: Any, y: Any, **options: Any) -> tuple[Array, Any]:
    """Checked rows, dense and in double precision, and checked targets if there are any."""
    options |= {"accept_sparse": ["csr", "csc"], "dtype": np.float64, "reset": False}
    if y is None:
        options.pop("y_numeric", None)
        X = validated(estimator, X, **options)
    else:
        X, y = validated(estimator, X, y, multi_output=True, **options)
    return X.toarray() if sparse.issparse(X) else X, y


def _columns(targets: Any, n_outputs: int) -> Array:
    columns = _double(targets).reshape(len(targets), -1)
    if columns.shape[1] != n_outputs:
        raise ValueError(f"y has {columns.shape[1]} outputs, but the model has {n_outputs}.")
    return columns


def _check_classes(y: Any, estimator: Any) -> None:
    """Refuse labels that the model does not know: they would be no class at all."""
    if not hasattr(estimator, "classes_") or np.ndim(y) == 2:
        return
    known = estimator.classes_.tolist()
    unknown = [each for each in dict.fromkeys(np.ravel(y).tolist()) if each not in known]
    if unknown:
        raise ValueError(f"y has {unknown}, which are not among the classes {known}.")


def _loss_name(loss: Any, output_activation: str) -> str:
    if not isinstance(loss, str):
        return ""
    return f"{output_activation}_log_loss" if loss == "log_loss" else loss


def _double(array: Any) -> Array:
    return np.asarray(array, dtype=np.float64)
