"""Networks as a file describes them, checked before anything of their size is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engines.base import Array
from chainrule.errors import FileError
from chainrule.estimators.learned import require_numbers
from chainrule.estimators.normalised import NORMALISED
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.autoencoder import AutoencoderNetwork
from chainrule.networks.cells import CELLS
from chainrule.networks.hidden_normalization import NORMALIZATIONS
from chainrule.networks.recurrent import RecurrentNetwork

__all__ = ["restored_autoencoder", "restored_mlp_sizes", "restored_recurrent"]


def restored_mlp_sizes(
    weights: Sequence[Array], biases: Sequence[Array], n_features: int
) -> tuple[int, ...]:
    """Features, units of each layer, outputs: those of the arrays, which have to fit together.

    Raises
    ------
    FileError
        Names the array that does not.
    """
    if not isinstance(weights, list) or not isinstance(biases, list) or not weights:
        raise FileError("the weights and biases are not lists of arrays")
    if len(weights) != len(biases):
        raise FileError(f"there are {len(weights)} matrices of weights, but {len(biases)} biases")
    sizes = (n_features, *(len(each) for each in biases))
    dtype = weights[0].dtype
    for k, (matrix, vector) in enumerate(zip(weights, biases, strict=True)):
        require_numbers(matrix, sizes[k : k + 2], f"W{k + 1}", dtype)
        require_numbers(vector, sizes[k + 1 : k + 2], f"b{k + 1}", dtype)
    return sizes


def restored_recurrent(model: Any) -> RecurrentNetwork:
    """The network that the learned attributes of a recurrent estimator describe.

    Raises
    ------
    FileError
        If they do not fit together.
    """
    weights = model.weights_
    network = _network(RecurrentNetwork, model._described)
    sizes = (network.n_features, network.hidden_size, network.num_layers, network.n_outputs)
    _require_sizes(sizes)
    _require_share(network.dropout)
    if (
        network.cell not in CELLS
        or network.output_activation not in OUTPUT_ACTIVATIONS
        or network.pooling not in ("last", "mean", "max", "each")
        or not isinstance(network.bidirectional, bool)
        or network.masked is not False
        or network.carried_in is not False
    ):
        raise FileError("the recurrent network that it describes is of no known kind")
    if not isinstance(model._is_table, bool) or not isinstance(model._is_forecaster, bool):
        raise FileError("it does not say what its sequences are")
    if network.n_features != (1 if model._is_table else model.n_features_in_):
        raise FileError(f"W1 is for {network.n_features} features, not {model.n_features_in_}")
    if model.out_activation_ != network.output_activation:
        raise FileError("out_activation_ is not that of its network")
    # Counted first: a description may ask for any number of layers.
    in_layer = 4 if CELLS[network.cell].extra_bias else 3
    wanted = network.num_layers * (2 if network.bidirectional else 1) * in_layer + 2
    if not isinstance(weights, Mapping) or len(weights) != wanted:
        raise FileError(f"its weights are not the {wanted} arrays that the network needs")
    nodes = network.parameters
    if list(weights) != [each.name for each in nodes]:
        raise FileError(f"the weights {', '.join(map(str, weights))} are not those it needs")
    for node in nodes:
        name = node.name or ""
        require_numbers(weights[name], node.shape, name, weights["d"].dtype)  # type: ignore[arg-type]
    return network


def restored_autoencoder(
    layout: Any,
    weights: Sequence[Array],
    biases: Sequence[Array],
    normalised: Mapping[str, Any],
    n_features: int,
) -> AutoencoderNetwork:
    """The layers of these fields, whose arrays these are.

    Parameters
    ----------
    layout : object
        The fields of an ``AutoencoderNetwork``, by name.
    weights, biases : list of array
        Of all layers, the tied ones included.
    normalised : mapping of str to list of array
        What the normalisation has learned, by the names of the attributes.
    n_features : int

    Raises
    ------
    FileError
    """
    if isinstance(layout, Mapping):
        layout = {"normalization": None, **layout}  # files of before there was any
    layers = _network(AutoencoderNetwork, layout)
    if not all(isinstance(each, tuple) for each in (layers.encoder_sizes, layers.decoder_sizes)):
        raise FileError("the sizes of its layers are not described")
    _require_sizes(layers.layer_sizes)
    _require_share(layers.dropout)
    if (
        not {layers.activation, layers.code_activation} <= set(ACTIVATIONS)
        or layers.output_activation not in OUTPUT_ACTIVATIONS
        or layers.loss not in ("squared_error", "log_loss")
        or not isinstance(layers.tied, bool)
        or layers.numbers_per_component not in (1, 2)
        or layers.normalization not in (None, *NORMALIZATIONS)
    ):
        raise FileError("the auto encoder that it describes is of no known kind")
    if layers.tied and (
        layers.decoder_sizes != layers.encoder_sizes[::-1] or layers.numbers_per_component != 1
    ):
        raise FileError("its decoder does not mirror its encoder, to which it is tied")
    if layers.n_features != n_features:
        raise FileError(f"W1 is for {layers.n_features} columns, not {n_features}")
    shapes = layers.weight_shapes
    if not isinstance(weights, list) or not isinstance(biases, list):
        raise FileError("the weights and biases are not lists of arrays")
    if len(weights) != len(shapes) or len(biases) != len(shapes):
        raise FileError(f"its weights and biases are not those of {len(shapes)} layers")
    for k, shape in enumerate(shapes):
        require_numbers(weights[k], shape, f"W{k + 1}", weights[0].dtype)
        require_numbers(biases[k], shape[1:], f"b{k + 1}", weights[0].dtype)
    _require_normalised(layers, normalised, weights[0].dtype)
    return layers


def _require_normalised(
    layers: AutoencoderNetwork, normalised: Mapping[str, Any], dtype: np.dtype[Any]
) -> None:
    """Whether these are the lists of arrays that the layers are normalised with."""
    learned = layers.parameters[len(layers.weights) + len(layers.biases) :]
    nodes = iter((*learned, *layers.statistics))
    numbers = {"batch": 4, "layer": 2}
    wanted = NORMALISED[: numbers.get(layers.normalization or "", 0)] if learned else ()
    if set(normalised) != set(wanted):
        raise FileError(
            f"for normalization={layers.normalization!r} it needs {', '.join(wanted) or 'nothing'},"
            f" but has {', '.join(normalised) or 'nothing'}"
        )
    n_hidden = len(layers.hidden_layers)
    for name in wanted:
        arrays = normalised[name]
        if not isinstance(arrays, list) or len(arrays) != n_hidden:
            raise FileError(f"{name} is not a list of {n_hidden} arrays")
        for array, node in zip(arrays, nodes, strict=False):
            require_numbers(array, node.shape, node.name or "", dtype)  # type: ignore[arg-type]


def _network(kind: type[Any], fields: Any) -> Any:
    names = {each.name for each in dataclasses.fields(kind)}
    if not isinstance(fields, Mapping) or set(fields) != names:
        raise FileError("the network is not described")
    return kind(**fields)


def _require_sizes(sizes: Sequence[Any]) -> None:
    for each in sizes:
        if type(each) is not int or not 0 < each < 2**31:
            raise FileError("layers of the sizes that it describes cannot be")


def _require_share(dropout: Any) -> None:
    if type(dropout) is not float or not 0.0 <= dropout < 1.0:
        raise FileError("the dropout that it describes cannot be")
