"""A fitted network as an ONNX model: what is read, what was learned, and what comes out."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.calculus.simplify import simplify
from chainrule.engines.base import Array, FloatType
from chainrule.errors import FileError
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension
from chainrule.graph.traversal import topological_order

if TYPE_CHECKING:
    from onnx import ModelProto

    from chainrule.exchange.builder import GraphBuilder

__all__ = ["Exported", "Made", "Output", "Source", "Value", "onnx_model"]

MOST_BYTES = 2_000_000_000
"""A file is one message of Protocol Buffers, which can have just over two thousand million."""

Source = Callable[["GraphBuilder"], str]
"""Adds inputs, and what makes of them the value of a variable: its name."""


class Made(NamedTuple):
    """A value of an ONNX graph: its name, ONNX's number for its type, and its shape."""

    name: str
    element_type: int
    shape: Sequence[Dimension]


class Output(ABC):
    """Something that an ONNX model gives, made of a value of the network, ``node``."""

    node: Node

    @abstractmethod
    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """Add what makes it of that value."""


@dataclass(frozen=True)
class Value(Output):
    """A value of the network as it is."""

    node: Node

    def made_of(self, builder: GraphBuilder, value: str) -> Made:
        """Itself."""
        return Made(value, builder.element_type(self.node.kind), self.node.shape)


@dataclass(frozen=True)
class Exported:
    """What is written of a network.

    Attributes
    ----------
    inputs : tuple of Node
        What it reads.
    parameters : mapping of Node to array
        What it has learned.
    outputs : mapping of str to Output
        What it gives, by name.
    sources : mapping of Node to Source
        Where inputs come from that are not read as they are.
    """

    inputs: tuple[Node, ...]
    parameters: Mapping[Node, Array]
    outputs: Mapping[str, Output]
    sources: Mapping[Node, Source] = field(default_factory=dict)


def onnx_model(
    exported: Exported,
    dtype: FloatType,
    kind: str,
    feature_names: Sequence[str] = (),
) -> ModelProto:
    """Write a network as an ONNX model.

    Parameters
    ----------
    exported : Exported
    dtype : {"float32", "float64"}
        The precision of inputs, parameters and outputs.
    kind : str
        What the model is, for its metadata.
    feature_names : sequence of str
        Kept in the metadata.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ChainruleError
        If onnx is not installed.
    GraphError
        If ONNX has nothing for one of the network's operations.
    FileError
        If the model is larger than an ONNX file can be, or has numbers too large for ``dtype``.
    """
    # Every estimator knows what it would export; only one that does needs the operators of ONNX.
    from chainrule.exchange.builder import GraphBuilder
    from chainrule.exchange.translation import translate

    builder = GraphBuilder(dtype)
    known = {node: _source(exported, node)(builder) for node in exported.inputs}
    # Reserved before all that is between, which goes by other names.
    names = [builder.fresh(wanted) for wanted in exported.outputs]
    nodes = simplify([each.node for each in exported.outputs.values()])
    needed = set(topological_order(nodes))
    learned = {node: array for node, array in exported.parameters.items() if node in needed}
    _check_size(learned, dtype)
    for node, array in learned.items():
        name = node.name or "parameter"
        known[node] = builder.initializer(name, _in_precision(array, dtype, name))
    values = translate(builder, nodes, known)
    for name, output, value in zip(names, exported.outputs.values(), values, strict=True):
        builder.output(name, *output.made_of(builder, value))
    metadata = {"estimator": kind}
    if len(feature_names):
        metadata["feature_names"] = json.dumps(list(map(str, feature_names)), ensure_ascii=False)
    return builder.model(kind, f"A {kind} of chainrule.", metadata)


def _source(exported: Exported, node: Node) -> Source:
    def read(builder: GraphBuilder) -> str:
        return builder.input(node.name or "X", builder.element_type(node.kind), node.shape)

    return exported.sources.get(node, read)


def _check_size(learned: Mapping[Node, Array], dtype: FloatType) -> None:
    n_bytes = sum(array.size for array in learned.values()) * np.dtype(dtype).itemsize
    if n_bytes > MOST_BYTES:
        raise FileError(
            f"The model has {n_bytes / 1e9:.1f} GB of parameters, but an ONNX file holds 2 GB at "
            f"most: write it with dtype='float32', or train a smaller network."
        )


def _in_precision(array: Array, dtype: FloatType, name: str) -> Array:
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    if not np.isfinite(result).all():
        raise FileError(f"{name} has values too large for {dtype}: write with dtype='float64'.")
    return result
