"""Networks of PyTorch, taken over by their weights."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.engines.base import Array
from chainrule.estimators.hints import ActivationName, ArrayLike
from chainrule.estimators.mlp import MLPClassifier, MLPRegressor
from chainrule.estimators.recurrent_classifiers import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
)
from chainrule.estimators.recurrent_regressors import GRURegressor, LSTMRegressor, RNNRegressor
from chainrule.exchange.torch_state import Dense, Recurrent, State, read_state, sort_state
from chainrule.networks.activations import ACTIVATIONS

__all__ = ["from_torch"]

_KINDS: dict[str, tuple[type[Any], type[Any]]] = {
    "mlp": (MLPRegressor, MLPClassifier),
    "rnn": (RNNRegressor, RNNClassifier),
    "lstm": (LSTMRegressor, LSTMClassifier),
    "gru": (GRURegressor, GRUClassifier),
}

_GATES = {"rnn": (0,), "lstm": (0, 1, 3, 2), "gru": (0, 1, 2)}
"""The place in PyTorch of each of our gates: its LSTM has i, f, g, o, ours i, f, o, g."""

_IN_THE_WEIGHTS = (
    "hidden_layer_sizes",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "reset_after",
)


def from_torch(
    source: str | Path | Mapping[str, Any],
    *,
    activation: ActivationName | None = None,
    classes: ArrayLike | None = None,
    multilabel: bool = False,
    layers: Sequence[str] | None = None,
    **parameters: Any,
) -> Any:
    """Take over a multi-layer perceptron, RNN, LSTM or GRU that PyTorch has trained.

    PyTorch need not be installed. Which network it is follows from the names and shapes of its
    tensors: ``Linear`` modules, one after another, are a multi-layer perceptron; an ``RNN``,
    ``LSTM`` or ``GRU`` module, of any number of layers, with a ``Linear`` module on it, is a
    recurrent network. What names and shapes do not tell has to be given.

    Parameters
    ----------
    source : str, Path or mapping of str to array or tensor
        A file that ``safetensors.torch.save_file(model.state_dict(), path)`` has written, or the
        state_dict itself.
    activation : str, optional
        Of the hidden layers of a multi-layer perceptron, which must be given: ``"relu"``,
        ``"tanh"``, ``"logistic"`` (``Sigmoid``), ``"gelu"``, ``"silu"``, ``"elu"``,
        ``"softplus"``, ``"leaky_relu"`` or another. Of an RNN ``"tanh"``, if not given, or
        ``"relu"``.
    classes : array-like, optional
        The label of each output, in the order of the outputs, for a classifier. For two classes
        there may be one output, of ``classes[1]``, as ``BCEWithLogitsLoss`` has it, or two, as
        ``CrossEntropyLoss`` has it. Without it the outputs are numbers, and the network is a
        regressor.
    multilabel : bool, default=False
        Whether each output is a label of its own, which a row may have or not. Then ``classes``
        are the labels' numbers, which need not be given.
    layers : sequence of str, optional
        The names of the ``Linear`` modules in the order in which they are applied. A file does
        not keep it; it is needed where numbers in the names and shapes leave a choice.
    **parameters
        Of the estimator, such as ``output="each"`` for an output at each step, or ``loss``.

    Returns
    -------
    estimator
        Fitted: ``MLPClassifier``, ``LSTMRegressor`` and so on, in the precision of the tensors
        (16 bits become 32). ``partial_fit`` and ``warm_start`` train it further.

    Raises
    ------
    FileError
        If the source cannot be read, or a tensor is missing, unexpected or of another shape than
        it should be; the message names it.
    ValueError
        If what is given does not go with the network.

    See Also
    --------
    from_sklearn : Multi-layer perceptrons of scikit-learn.

    Notes
    -----
    Predictions are those of PyTorch in evaluation mode, after the softmax or logistic that its
    losses include. ``output="last"`` of a recurrent network is the state after the last step, in
    both directions ``torch.cat([h_n[-2], h_n[-1]], 1)``; this is not ``output[:, -1]``, where the
    backward direction has seen one step only. Both biases of a recurrent layer are added up, of
    which a GRU keeps one apart. Two outputs of two classes become one, their difference.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> state = {
    ...     "0.weight": np.array([[1.0, -1.0], [0.5, 0.5], [0.0, 2.0]]),
    ...     "0.bias": np.zeros(3),
    ...     "2.weight": np.array([[1.0, 2.0, 3.0]]),
    ...     "2.bias": np.array([0.5]),
    ... }
    >>> model = cr.from_torch(state, activation="relu")
    >>> model
    MLPRegressor(hidden_layer_sizes=(3,))
    >>> model.predict([[1.0, 2.0]])
    array([15.5])
    """
    ordered = isinstance(source, OrderedDict)  # as PyTorch's own is, and none read from a file
    state = sort_state(read_state(source), layers, ordered)
    own = [name for name in _IN_THE_WEIGHTS if name in parameters]
    if own:
        raise ValueError(f"{', '.join(own)} cannot be given: it follows from the weights.")
    if multilabel and classes is None:
        classes = np.arange(len(state.dense[-1].biases))
    recurrent = state.recurrent
    kind = "mlp" if recurrent is None else recurrent.kind
    estimator = _KINDS[kind][classes is not None]
    structure = _mlp(state, activation) if recurrent is None else _cells(recurrent, activation)
    try:
        model = estimator(**structure, **parameters)
    except TypeError as error:
        raise ValueError(f"{estimator.__name__} cannot be made: {error}") from None
    model._validate_params()
    *hidden, top = state.dense
    if classes is not None:
        top = _take_up_classes(model, top, classes, multilabel)
    model.history_, model.loss_curve_, model.n_iter_, model.t_ = {}, [], 0, 0
    if recurrent is None:
        _take_up_layers(model, [*hidden, top])
    else:
        _take_up_cells(model, recurrent, top)
    model._restore()
    return model


def _mlp(state: State, activation: str | None) -> dict[str, Any]:
    sizes = tuple(len(each.biases) for each in state.dense[:-1])
    if not sizes:
        return {"hidden_layer_sizes": ()}
    if activation not in ACTIVATIONS:
        known = ", ".join(map(repr, ACTIVATIONS))
        got = "" if activation is None else f" There is no {activation!r}."
        raise ValueError(
            f"A state_dict does not tell the activation of the hidden layers: give activation=..., "
            f"one of {known}.{got}"
        )
    return {"hidden_layer_sizes": sizes, "activation": activation}


def _cells(recurrent: Recurrent, activation: str | None) -> dict[str, Any]:
    structure: dict[str, Any] = {
        "hidden_size": recurrent.hidden_size,
        "num_layers": recurrent.num_layers,
        "bidirectional": recurrent.bidirectional,
    }
    if recurrent.kind == "rnn":
        structure["activation"] = activation or "tanh"
    elif activation is not None:
        raise ValueError(
            f"{recurrent.kind.upper()} layers have activations of their own: leave out "
            f"activation={activation!r}."
        )
    return structure


def _take_up_classes(model: Any, top: Dense, classes: Any, multilabel: bool) -> Dense:
    """Give the model its classes; the last layer with an output for each, in their order."""
    labels, first = np.unique(np.asarray(classes), return_index=True)
    given = np.size(classes)
    n_outputs = len(top.biases)
    if np.ndim(classes) != 1 or len(labels) < given or given < 2:
        raise ValueError(f"classes must be two or more different labels, but got {classes!r}.")
    if n_outputs != given and (multilabel or (n_outputs, given) != (1, 2)):
        raise ValueError(
            f"classes has {given} labels, but the network has {n_outputs} outputs: give a label "
            f"for each, in the order of the outputs."
        )
    model.classes_ = labels
    weights, biases = top.weights, top.biases
    if n_outputs < given:
        # The output is that of the second class, beside one of the first that is 0.
        weights = np.column_stack([np.zeros_like(weights), weights])
        biases = np.append(np.zeros_like(biases), biases)
    weights, biases = weights[:, first], biases[first]  # estimators have their classes sorted
    if multilabel:
        model._label_kind = "multilabel-indicator"
    elif given > 2:
        model._label_kind = "multiclass"
    else:
        model._label_kind = "binary"
        weights, biases = weights[:, 1:] - weights[:, :1], biases[1:] - biases[:1]
    return Dense(top.name, weights, biases)


def _take_up_layers(model: Any, layers: Sequence[Dense]) -> None:
    model.coefs_ = [np.array(each.weights, order="C") for each in layers]
    model.intercepts_ = [np.array(each.biases) for each in layers]
    model.n_features_in_ = len(layers[0].weights)
    model._activation = model.activation
    model.out_activation_ = model._row_loss().output_activation


def _take_up_cells(model: Any, recurrent: Recurrent, top: Dense) -> None:
    model.n_features_in_ = recurrent.n_features
    model._is_table = model._is_forecaster = False
    network = model._described_network(recurrent.n_features, len(top.biases))
    arrays: dict[str, Array] = {}
    for (layer, back), tensors in sorted(recurrent.arrays.items()):
        suffix = f"{layer + 1}_back" if back else f"{layer + 1}"
        arrays |= _cell_arrays(recurrent, tensors, suffix)
    arrays |= {"V": top.weights, "d": top.biases}
    model.weights_ = {
        str(node.name): np.array(arrays[str(node.name)], order="C") for node in network.parameters
    }
    model._described = dataclasses.asdict(network)
    model.out_activation_ = network.output_activation


def _cell_arrays(
    recurrent: Recurrent, tensors: Mapping[str, Array], suffix: str
) -> dict[str, Array]:
    """W, U, b, and what a GRU has besides, of one layer in one direction."""
    units = recurrent.hidden_size

    def gates(array: Array) -> Array:
        parts = np.split(array, len(array) // units)
        return np.concatenate([parts[k] for k in _GATES[recurrent.kind]])

    W, U = gates(tensors["weight_ih"]).T, gates(tensors["weight_hh"]).T
    none = np.zeros(W.shape[1], W.dtype)
    given, own = (gates(tensors.get(name, none)) for name in ("bias_ih", "bias_hh"))
    found = {f"W{suffix}": W, f"U{suffix}": U}
    if recurrent.kind != "gru":
        return {**found, f"b{suffix}": given + own}
    # The reset gate comes before the recurrent bias of the new state, which so stays apart.
    apart = own[2 * units :]
    own = np.concatenate([own[: 2 * units], np.zeros_like(apart)])
    return {**found, f"b{suffix}": given + own, f"b{suffix}_n": apart}
