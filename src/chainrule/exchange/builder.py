"""Building an ONNX graph: names, constants, sizes, one operator after another."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import FloatType
from chainrule.errors import ChainruleError
from chainrule.graph.shape import Dimension, Kind, Size
from chainrule.version import VERSION

__all__ = ["ML_DOMAIN", "GraphBuilder", "import_onnx"]

OPSET = 17
"""The version of ONNX's operators: of 2022, so that runtimes of some age read it as well."""

IR_VERSION = 8
"""The version of the file format that came with these operators."""

ML_DOMAIN, ML_OPSET = "ai.onnx.ml", 3
"""The operators of classic machine learning, and the version of them that is of the same time."""

_END = np.iinfo(np.int64).max


def import_onnx() -> ModuleType:
    """The package onnx; ChainruleError where it is not installed."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ChainruleError(
            "Writing a model as ONNX needs the package onnx: pip install 'chainrule[onnx]'"
        ) from error
    return onnx


@dataclass
class _Shared:
    """What a graph and the bodies of its loops have in common."""

    onnx: ModuleType
    dtype: np.dtype[Any]
    names: set[str] = field(default_factory=set)
    initializers: list[Any] = field(default_factory=list)
    constants: dict[tuple[Any, ...], str] = field(default_factory=dict)
    axes: dict[str, tuple[str, int]] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    size_nodes: list[Any] = field(default_factory=list)
    domains: dict[str, int] = field(default_factory=lambda: {"": OPSET})


class GraphBuilder:
    """Collects the operators of a graph, or of the body of a loop in it.

    Values go by names. A body may read the values of the graph around it, so no name is given
    twice; constants and sizes are those of the outermost graph.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The precision of all numbers with decimals.
    """

    def __init__(self, dtype: FloatType) -> None:
        self._shared = _Shared(import_onnx(), np.dtype(dtype))
        self._is_outermost = True
        self._clear()

    def _clear(self) -> None:
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def body(self) -> GraphBuilder:
        """The body of a loop inside this graph."""
        inner = copy.copy(self)
        inner._is_outermost = False
        inner._clear()
        return inner

    @property
    def onnx(self) -> Any:
        """The package."""
        return self._shared.onnx

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of all numbers with decimals."""
        return self._shared.dtype

    # --- names and types -----------------------------------------------------------------

    def fresh(self, wanted: str) -> str:
        """A name that is not taken yet: the one that is wanted, or it with a number."""
        wanted = wanted or "value"
        name, number = wanted, 1
        while name in self._shared.names:
            number += 1
            name = f"{wanted}_{number}"
        self._shared.names.add(name)
        return name

    def element_type(self, kind: Kind) -> int:
        """ONNX's number for the type of a kind of values."""
        types = self.onnx.TensorProto
        if kind == "float":
            return types.DOUBLE if self.dtype == np.float64 else types.FLOAT
        return types.INT64 if kind == "int" else types.BOOL

    def described(self, name: str, element_type: int, shape: Sequence[Dimension]) -> Any:
        """Name, type and shape of a value, as an input or an output is declared."""
        sizes = [str(each) if isinstance(each, Size) else each for each in shape]
        return self.onnx.helper.make_tensor_value_info(name, element_type, sizes)

    # --- what a graph is made of -----------------------------------------------------------

    def input(self, wanted: str, element_type: int, shape: Sequence[Dimension]) -> str:
        """Declare an input of the outermost graph; symbolic sizes are read off it."""
        name = self.variable(wanted, element_type, shape)
        for axis, each in enumerate(shape):
            if each == Size(1, (str(each),)):
                self._shared.axes.setdefault(str(each), (name, axis))
        return name

    def variable(self, wanted: str, element_type: int, shape: Sequence[Dimension]) -> str:
        """Declare what the body of a loop is given at each step."""
        name = self.fresh(wanted)
        self._inputs.append(self.described(name, element_type, shape))
        return name

    def initializer(self, wanted: str, array: npt.NDArray[Any]) -> str:
        """An array that the file holds."""
        name = self.fresh(wanted)
        self._shared.initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Numbers that the file holds once, however often they are asked for.

        They are of the graph's precision if nothing else is said.
        """
        with np.errstate(over="ignore"):  # too large a number is infinite, as in every engine
            array = np.asarray(value).astype(dtype or self.dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        constants = self._shared.constants
        if key not in constants:
            constants[key] = self.initializer("constant", array)
        return constants[key]

    def whole(self, *numbers: int | None) -> str:
        """A vector of whole numbers; None stands for the end of an axis."""
        return self.constant([_END if each is None else each for each in numbers], np.int64)

    def size_of(self, symbol: str) -> str:
        """A symbolic size, as a vector of one whole number."""
        shared = self._shared
        if symbol not in shared.sizes:
            shared.sizes[symbol] = size = self.fresh(f"number_of_{symbol}")
            value, axis = shared.axes[symbol]
            shared.size_nodes.append(
                self.onnx.helper.make_node("Shape", [value], [size], start=axis, end=axis + 1)
            )
        return shared.sizes[symbol]

    def fix_size(self, symbol: str, size: int) -> None:
        """Say how large a symbolic size is that no input shows."""
        self._shared.sizes[symbol] = self.whole(size)

    def size(self, dimension: Dimension) -> str:
        """Any size, as a vector of one whole number."""
        if not isinstance(dimension, Size):
            return self.whole(dimension)
        first, *others = (self.size_of(symbol) for symbol in dimension.symbols)
        if dimension.coefficient != 1:
            others.append(self.whole(dimension.coefficient))
        for each in others:
            first = self.add("Mul", first, each)
        return first

    def shape(self, dimensions: Sequence[Dimension]) -> str:
        """Sizes, as a vector of whole numbers."""
        known = [each for each in dimensions if not isinstance(each, Size)]
        if len(known) == len(dimensions):
            return self.whole(*known)
        return self.add("Concat", *(self.size(each) for each in dimensions), axis=0)

    def add(self, operator: str, *inputs: str, name: str = "", **options: Any) -> str:
        """The value of an operator that has one.

        Parameters
        ----------
        operator : str
        *inputs : str
        name : str, optional
            What the value should be called.
        **options
            The operator's attributes, and its ``domain``.
        """
        return self.add_many(operator, inputs, [name or operator.lower()], **options)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], wanted: Sequence[str], **options: Any
    ) -> list[str]:
        """The values of an operator that has several."""
        names = [self.fresh(each) for each in wanted]
        if options.get("domain") == ML_DOMAIN:
            self._shared.domains[ML_DOMAIN] = ML_OPSET
        make = self.onnx.helper.make_node
        self._nodes.append(make(operator, list(inputs), names, name=names[0], **options))
        return names

    # --- what is finished ----------------------------------------------------------------

    def output(self, name: str, value: str, element_type: int, shape: Sequence[Dimension]) -> None:
        """Declare an output of the graph, under a name that is reserved for it.

        No output is an input as it is, nor another output.
        """
        self._nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(self.described(name, element_type, shape))

    def graph(self, name: str) -> Any:
        """The body of a loop, or the outermost graph, with all that the file holds."""
        make, shared = self.onnx.helper.make_graph, self._shared
        if not self._is_outermost:
            return make(self._nodes, name, self._inputs, self._outputs)
        nodes = [*shared.size_nodes, *self._nodes]
        return make(nodes, name, self._inputs, self._outputs, shared.initializers)

    def model(self, name: str, doc_string: str, metadata: Mapping[str, str]) -> Any:
        """The finished model."""
        helper = self.onnx.helper
        model = helper.make_model(
            self.graph(name),
            opset_imports=[helper.make_opsetid(*each) for each in self._shared.domains.items()],
            ir_version=IR_VERSION,
            producer_name="chainrule",
            producer_version=VERSION,
            doc_string=doc_string,
        )
        helper.set_model_props(model, metadata)
        return model
