"""Networks of a list of layers: ``NetworkClassifier`` and ``NetworkRegressor``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.feed_forward_tasks import FeedForwardClassifier, FeedForwardRegressor
from chainrule.estimators.hints import (
    ArrayLike,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    ClassLoss,
    ClassWeight,
    EngineName,
    LearningRate,
    NumberLoss,
    RandomState,
    Scoring,
    Solver,
)
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.mlp_base import BaseFeedForward
from chainrule.estimators.parameters import (
    CLASSIFIER_LOSSES,
    TRAINING_CONSTRAINTS,
    documented,
)
from chainrule.estimators.quantiles import REGRESSION_CONSTRAINTS, RegressionTargets
from chainrule.estimators.targets import ClassTargets
from chainrule.graph.node import Node
from chainrule.networks.activations import OUTPUT_ACTIVATIONS
from chainrule.networks.layer_kind import LayerKind, check_layers
from chainrule.networks.plain_layers import Dense
from chainrule.networks.stack import Stack

__all__ = ["NetworkClassifier", "NetworkRegressor"]

_USUAL = (Dense(100, "relu"),)

_OF_LISTS = ("hidden_layer_sizes", "activation", "dropout")
"""What the layers say by themselves."""


class BaseNetwork(BaseFeedForward):
    """A network of a list of layers."""

    layers: Any
    _parameter_constraints: dict[str, Any] = {
        "layers": "no_validation",  # fit looks at them, and says which one is at fault
        **{name: rule for name, rule in TRAINING_CONSTRAINTS.items() if name not in _OF_LISTS},
    }
    _learned = (*BaseFeedForward._learned, "statistics_", "weights_", "_layers")
    _holds_functions = ("_layers",)

    @property
    def _parameters(self) -> list[Array]:
        return list(self._named_arrays.values())

    def _set_parameters(self, parameters: list[Array]) -> None:
        network, arrays = self._network, iter(parameters)
        self.weights_ = {node.name: next(arrays) for node in network.parameters}
        self.statistics_ = {node.name: next(arrays) for node in network.statistics}

    def _describe_network(self, n_features: int, n_outputs: int) -> Stack:
        layers = check_layers(self.layers, "layers")
        stack = Stack(n_features, layers, n_outputs, self._row_loss().output_activation)
        for place, layer in stack.all_layers:
            self._check_layer(place, layer)
        stack.built()  # says where layers do not fit together
        return stack

    def _check_layer(self, place: str, layer: LayerKind) -> None:
        """ValueError for a layer that L-BFGS cannot train."""
        if self.solver != "lbfgs":
            return
        if layer.draws:
            raise ValueError(
                f"{place}, {layer!r}: it draws anew at every step, which solver='lbfgs' cannot "
                f"work with: choose another solver, or leave the layer out."
            )
        if layer.uses_minibatch:
            raise ValueError(
                f"{place}, {layer!r}: it takes its means over minibatches, which solver='lbfgs' "
                f"does not have: choose another solver, or LayerNorm()."
            )

    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        return (self._network.X,), self._network.built().hidden

    def _check_goes_on(self, network: Stack) -> None:
        there = {name: np.shape(each) for name, each in self._named_arrays.items()}
        nodes = (*network.parameters, *network.statistics)
        if there != {node.name: node.shape for node in nodes}:
            raise ValueError(
                f"Training goes on from layers {list(self._layers)}, but now "
                f"{list(network.layers)} are asked for, which learn other arrays: fit with "
                f"warm_start=False first."
            )

    @property
    def _named_arrays(self) -> dict[str, Array]:
        return {**self.weights_, **self.statistics_}

    def _begin(self, network: Stack, dtype: Any, fresh: bool) -> None:
        super()._begin(network, dtype, fresh)
        self._layers = network.layers  # the parameter may be set to others

    def summary(self) -> str:
        """A table of the layers: units, and the arrays that each learns, with their shapes.

        Raises
        ------
        NotFittedError
            If it is not known yet how many features and outputs there are.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> layers = [cr.Dense(8, "relu"), cr.Dropout(0.2)]
        >>> model = cr.NetworkClassifier(layers, max_iter=1, tol=float(10**9), random_state=0)
        >>> print(model.partial_fit(X, y, classes=[0, 1, 2]).summary())
            layer             units  numbers  learned
            4 inputs              4
         0  Dense(8, 'relu')      8       40  W1 (4, 8), b1 (8,)
         1  Dropout(0.2)          8
            output, softmax       3       27  W2 (8, 3), b2 (3,)
                                          67  learned by descent
        """
        check_is_fitted(self)
        return self._network.summary()

    def _restore(self) -> None:
        if self.out_activation_ not in OUTPUT_ACTIVATIONS:
            raise FileError(f"the activation {self.out_activation_!r} is not known")
        if not isinstance(self.n_features_in_, int) or self.n_features_in_ < 1:
            raise FileError(f"{self.n_features_in_!r} features cannot be")
        last = list(self.weights_.values())[-1]
        self.n_outputs_ = len(last)
        layers = check_layers(self._layers, "layers")
        network = Stack(self.n_features_in_, layers, self.n_outputs_, self.out_activation_)
        for nodes, arrays in (
            (network.parameters, self.weights_),
            (network.statistics, self.statistics_),
        ):
            if list(arrays) != [node.name for node in nodes]:
                raise FileError(f"{', '.join(map(str, arrays))} are not what its layers learn")
            for node in nodes:
                name = node.name or ""
                require_numbers(arrays[name], node.shape, name, last.dtype)  # type: ignore[arg-type]
        self._restore_progress()
        self._network = network


@documented
class NetworkClassifier(FeedForwardClassifier, BaseNetwork):
    """A classifier made of a list of layers.

    The layers are plain descriptions; how many numbers each reads follows from the one before, and
    for the first from X. The output layer, a dense one with an output for each class (one output
    for two classes), is added by the estimator.

    Parameters
    ----------
    {list_of_layers}
    {training}
    {classifier_loss}
    {without_dropout}

    Attributes
    ----------
    classes_ : array
        The labels.
    {learned_by_layers}
    {attributes}

    Notes
    -----
    With ``[Dense(100, "relu")]`` and the same ``random_state``, it is :class:`MLPClassifier`.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> layers = [cr.BatchNorm(), cr.Dense(16), cr.LayerNorm(), cr.Activation("tanh")]
    >>> model = cr.NetworkClassifier(layers, learning_rate_init=0.02, tol=0.001, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints = {**BaseNetwork._parameter_constraints, **CLASSIFIER_LOSSES}
    _learned = (*BaseNetwork._learned, *ClassTargets._learned_of_classes)

    def __init__(
        self,
        layers: Sequence[LayerKind] = _USUAL,
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        loss: ClassLoss = "log_loss",
        class_weight: ClassWeight = None,
        rho: float = 0.9,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())


@documented
class NetworkRegressor(FeedForwardRegressor, BaseNetwork):
    """A regressor made of a list of layers.

    The layers are plain descriptions; how many numbers each reads follows from the one before, and
    for the first from X. The output layer, a dense one with an output for each target, is added by
    the estimator.

    Parameters
    ----------
    {list_of_layers}
    {training}
    {row_regressor_loss}
    {without_dropout}

    Attributes
    ----------
    quantiles_ : array
        With ``loss="quantile"``, those that are predicted.
    {learned_by_layers}
    {attributes}

    Notes
    -----
    With ``[Dense(100, "relu")]`` and the same ``random_state``, it is :class:`MLPRegressor`.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> block = cr.Residual([cr.Dense(20, "tanh"), cr.Dense(20)])
    >>> model = cr.NetworkRegressor([cr.Dense(20), block], solver="lbfgs", random_state=0)
    >>> model.fit(X, X.ravel() ** 2).score(X, X.ravel() ** 2) > 0.95
    True
    """

    _parameter_constraints = {**BaseNetwork._parameter_constraints, **REGRESSION_CONSTRAINTS}
    _learned = (*BaseNetwork._learned, *RegressionTargets._learned_of_numbers)

    def __init__(
        self,
        layers: Sequence[LayerKind] = _USUAL,
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        loss: NumberLoss = "squared_error",
        quantile: float | ArrayLike = 0.5,
        huber_delta: float = 1.0,
        rho: float = 0.9,
        clip_norm: float | None = None,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())
