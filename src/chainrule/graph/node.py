"""The node: one value of a graph, immutable and interned.

Two nodes of the same operation, inputs, attributes and name are the same object, so a graph
never computes one thing twice and equality is identity. A name given by the user or by a
layer stays on the node: it is what a derivation prints.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Iterable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.shape import Dimension, Kind, Shape, Type, as_shape

__all__ = ["Node", "Operand", "as_node", "constant", "make", "private_variable", "variable"]


def _not_numpys(name: str) -> GraphError:
    return GraphError(
        f"NumPy's {name} computes numbers, not nodes: use an operator, or the function of "
        f"chainrule, such as cr.exp(x) for np.exp(x)."
    )


class Node:
    """One value of a graph: an operation applied to other nodes.

    Nodes are made by :func:`variable`, :func:`constant`, Python's operators and the functions
    of :mod:`chainrule.graph.functions`, never by calling this class.

    Attributes
    ----------
    operation : str
        A key of the operation table.
    inputs : tuple of Node
    attributes : mapping
        What else the operation needs to know, such as the axes of a sum.
    shape : tuple
        Sizes, each an integer or a symbolic :class:`~chainrule.graph.shape.Size`.
    kind : {"float", "int", "bool"}
    name : str or None
        The user's name for this value.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", ("rows", 3))
    >>> y = (2.0 * x).named("y")
    >>> y, y.rank, y.inputs[1] is x
    (<Node y: multiply float(rows, 3)>, 2, True)
    """

    __slots__ = ("__weakref__", "attributes", "inputs", "kind", "name", "operation", "shape")

    operation: str
    inputs: tuple[Node, ...]
    attributes: Mapping[str, Any]
    shape: Shape
    kind: Kind
    name: str | None

    @property
    def type(self) -> Type:
        """Shape and kind together."""
        return Type(self.shape, self.kind)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def named(self, name: str) -> Node:
        """The same value under a name of the user's, which derivations print.

        Examples
        --------
        >>> import chainrule as cr
        >>> x, y = cr.variable("x"), cr.variable("y")
        >>> (x + y).named("q").name
        'q'
        """
        if self.operation == "variable":
            raise GraphError(f"{self.name!r} is a variable and keeps its name.")
        return make(self.operation, *self.inputs, name=name, **self.attributes)

    def __setattr__(self, field: str, value: object) -> None:
        raise AttributeError(f"A node is immutable: {field!r} cannot be set.")

    def __delattr__(self, field: str) -> None:
        raise AttributeError(f"A node is immutable: {field!r} cannot be deleted.")

    def __repr__(self) -> str:
        label = f"{self.name}: " if self.name else ""
        return f"<Node {label}{self.operation} {self.type}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("A node is not pickled: save the model or the formula it came from.")

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self

    def __bool__(self) -> bool:
        raise GraphError(
            "A node has no truth value before it is computed: use select(condition, a, b) "
            "instead of if."
        )

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """What NumPy calls for ``np.mean(node)``, which would otherwise take it for a number."""
        raise _not_numpys(function.__name__)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """What NumPy calls for ``np.exp(node)``, and for an operator after one of its scalars."""
        name = ufunc.__name__
        if method == "__call__" and not options and not isinstance(inputs[0], Node):
            if name in ("equal", "not_equal"):
                return name == "not_equal"
            if name in _REFLECTED:
                # To compare a scalar, NumPy first makes an array without axes of it.
                left = inputs[0].item() if getattr(inputs[0], "ndim", None) == 0 else inputs[0]
                return getattr(self, _REFLECTED[name])(left)
        raise _not_numpys(name)

    def __neg__(self) -> Node:
        return make("negate", self)

    def __add__(self, other: Operand) -> Node:
        return make("add", self, as_node(other))

    def __radd__(self, other: Operand) -> Node:
        return make("add", as_node(other), self)

    def __sub__(self, other: Operand) -> Node:
        return make("subtract", self, as_node(other))

    def __rsub__(self, other: Operand) -> Node:
        return make("subtract", as_node(other), self)

    def __mul__(self, other: Operand) -> Node:
        return make("multiply", self, as_node(other))

    def __rmul__(self, other: Operand) -> Node:
        return make("multiply", as_node(other), self)

    def __truediv__(self, other: Operand) -> Node:
        return make("divide", self, as_node(other))

    def __rtruediv__(self, other: Operand) -> Node:
        dividend = as_node(other)
        if dividend is constant(1.0):
            return make("reciprocal", self)
        return make("divide", dividend, self)

    def __pow__(self, other: Operand) -> Node:
        return make("power", self, as_node(other))

    def __rpow__(self, other: Operand) -> Node:
        return make("power", as_node(other), self)

    def __matmul__(self, other: Operand) -> Node:
        return make("matmul", self, as_node(other))

    def __abs__(self) -> Node:
        return make("absolute", self)

    def __lt__(self, other: Operand) -> Node:
        return make("less", self, as_node(other))

    def __le__(self, other: Operand) -> Node:
        return make("less_equal", self, as_node(other))

    def __gt__(self, other: Operand) -> Node:
        return make("less", as_node(other), self)

    def __ge__(self, other: Operand) -> Node:
        return make("less_equal", as_node(other), self)


_REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "power": "__rpow__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
}
"""The method of the right operand for each operator, by NumPy's name for it."""

Operand = Node | float | int | bool

_interned: weakref.WeakValueDictionary[tuple[Any, ...], Node] = weakref.WeakValueDictionary()
_interning = threading.Lock()
_private_names = itertools.count()


def make(operation: str, *inputs: Node, name: str | None = None, **attributes: Any) -> Node:
    """The node of ``operation`` on ``inputs``; an equal one that exists already is returned.

    Raises
    ------
    GraphError
        If the operation is unknown or has another number of inputs.
    ShapeError
        If the shapes of the inputs do not fit together.
    """
    # repr tells -0.0 from 0.0 and True from 1, which compare equal.
    values = tuple(
        (key, repr(value) if key == "value" else value) for key, value in attributes.items()
    )
    key = (operation, inputs, values, name)
    found = _interned.get(key)
    if found is not None:
        return found
    entry = OPERATIONS.get(operation)
    if entry is None:
        raise GraphError(f"There is no operation {operation!r} in the table.")
    if entry.arity is not None and entry.arity != len(inputs):
        raise GraphError(f"{operation!r} takes {entry.arity} inputs, but got {len(inputs)}.")
    result_type = entry.infer([each.type for each in inputs], attributes)
    node = object.__new__(Node)
    fill = object.__setattr__
    fill(node, "operation", operation)
    fill(node, "inputs", inputs)
    fill(node, "attributes", MappingProxyType(attributes))
    fill(node, "shape", result_type.shape)
    fill(node, "kind", result_type.kind)
    fill(node, "name", name)
    with _interning:
        return _interned.setdefault(key, node)


def variable(name: str, shape: Iterable[Dimension | str] = (), kind: Kind = "float") -> Node:
    """A value that is given when the graph is evaluated.

    Parameters
    ----------
    name : str
        The name that derivations print.
    shape : iterable of int or str, default=()
        A string is a symbolic size: ``("rows", 3)``.
    kind : {"float", "int", "bool"}, default="float"

    Returns
    -------
    Node

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.variable("X", ("rows", 3))
    <Node X: variable float(rows, 3)>
    """
    return make("variable", name=name, shape=as_shape(shape), kind=kind)


def private_variable(name: str, shape: Shape, kind: Kind) -> Node:
    """A variable that no other call can return: the body of a loop needs its own."""
    return make("variable", name=name, shape=shape, kind=kind, scope=next(_private_names))


def constant(value: float | int | bool) -> Node:
    """A number that never changes. Integers count as numbers with decimals, as in algebra.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.constant(2) is cr.constant(2.0)
    True
    """
    if isinstance(value, bool):
        return make("constant", value=value, kind="bool")
    if not isinstance(value, Real):
        raise GraphError(
            f"{type(value).__name__} cannot stand in a formula: give a node or a number, and "
            f"arrays as variables."
        )
    return make("constant", value=float(value), kind="float")


def as_node(value: Operand) -> Node:
    """A node as it is, a number as a constant."""
    return value if isinstance(value, Node) else constant(value)
