"""``model.hidden_activations``: what a hidden layer makes of some rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.hints import MatrixLike
from chainrule.estimators.inputs import validated
from chainrule.graph.node import Node

__all__ = ["HiddenLayers", "chosen_layer"]


class HiddenLayers(EvaluatingEstimator):
    """An estimator of a network whose hidden layers can be looked at."""

    @abstractmethod
    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """What the network reads, and what each hidden layer puts out: (rows, units)."""

    def hidden_activations(self, X: MatrixLike, layer: int = -1) -> Array:
        """What a hidden layer makes of each row, after its activation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        layer : int, default=-1
            Which hidden layer, from 0; negative ones count from the last, -1. Of a network made
            of a list of layers, the place in that list. A radial basis network has one, its bumps;
            the code of an auto encoder is one as well.

        Returns
        -------
        array of shape (n_samples, n_units)
            As for predictions: without dropout or noise, and with running means.

        Raises
        ------
        NotFittedError
            If there is no network yet.
        ValueError
            If there is no such layer, or X has another width than in ``fit``.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((8, 5), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.hidden_activations(X).shape, model.hidden_activations(X, layer=0).shape
        ((150, 5), (150, 8))
        """
        check_is_fitted(self)
        place = chosen_layer(layer, len(self._describe_hidden()[1]))
        sparse = "csr" if self.__sklearn_tags__().input_tags.sparse else False
        return self._hidden_values((validated(self, X, accept_sparse=sparse, reset=False),), place)

    def _hidden_values(self, inputs: Sequence[Any], place: int) -> Array:
        """What the layer at a place, counted from 0, makes of checked rows."""

        def describe() -> tuple[tuple[Node, ...], Node]:
            read, layers = self._describe_hidden()
            return read, layers[place]

        return self._evaluated(("hidden", place), describe, inputs)


def chosen_layer(layer: int, number: int) -> int:
    """The place of a layer among so many, counted from 0.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    if not isinstance(layer, Integral) or isinstance(layer, bool):
        raise ValueError(f"layer must be a whole number, such as -1 for the last, not {layer!r}.")
    if not -number <= layer < number:
        known = f"0 to {number - 1}" if number else "none"
        raise ValueError(f"There is no hidden layer {layer}: the network has {known}.")
    return int(layer) % number
