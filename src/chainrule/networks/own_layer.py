"""A layer of the user's own: one function over nodes, and the arrays that it learns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.graph.node import Node
from chainrule.graph.shape import Size, format_shape
from chainrule.graph.traversal import dependents, topological_order
from chainrule.networks.building import Building, Evenly, Filled, Index
from chainrule.networks.initialisers import glorot_bound
from chainrule.networks.layer_kind import LayerKind, width_of

__all__ = ["Layer"]

FEATURES = "features"
"""In a shape, the number of units that the layer is given."""

_KEPT = ("scale", "shift", "running_mean", "running_variance")
"""Names of what normalisations learn."""

Shape = tuple[int | str, ...]


@dataclass(frozen=True, repr=False)
class Layer(LayerKind):
    """A layer of your own: one function over chainrule's operations.

    Its derivative, its machine code and its derivation follow from the function.

    Parameters
    ----------
    function : callable
        ``function(x, W, ...)`` gets x, a node of shape (rows, units), and its parameters as
        nodes, in order. It returns a node of shape (rows, any number). Each row has to be treated
        by itself, and without random draws.
    parameters : dict of str to shape, default={}
        The arrays that it learns. A shape is a tuple of whole numbers, in which ``"features"``
        stands for the units that the layer is given; ``()`` is a single number.
    first : dict of str to float, default={}
        A number that all entries of a parameter start from. Without one, matrices are drawn after
        Glorot, and others start from 0.
    name : str, default=""
        What it is called, in summaries and derivations; by default as the function is.

    Raises
    ------
    ValueError
        If something else is given; or in ``fit``, if the function gives no node of this shape.

    Notes
    -----
    Where a penalty on weights is asked for, it counts matrices.

    Examples
    --------
    >>> import chainrule as cr
    >>> def waves(x, W):
    ...     return cr.sin(x @ W)
    >>> cr.Layer(waves, parameters={"W": ("features", 8)})
    Layer(waves, parameters={'W': ('features', 8)})
    """

    function: Callable[..., Node]
    parameters: Mapping[str, Shape] | tuple[tuple[str, Shape], ...] = field(default=())
    first: Mapping[str, float] | tuple[tuple[str, float], ...] = field(default=())
    name: str = ""

    def __post_init__(self) -> None:
        if not callable(self.function):
            self._refuse("function", "a function of nodes, such as chainrule.sin")
        if not isinstance(self.name, str) or not (self.name == "" or self.name.isidentifier()):
            self._refuse("name", "a word, such as 'waves'")
        # Pairs: a description is not changed, and can be a key.
        shapes = tuple(
            (_checked_name(name), _checked_shape(name, shape))
            for name, shape in _pairs(self.parameters, "parameters")
        )
        values = tuple(_pairs(self.first, "first"))
        for name, value in values:
            if name not in dict(shapes):
                raise ValueError(
                    f"Layer: first has {name!r}, which is not among the parameters "
                    f"{[each for each, _ in shapes]}."
                )
            if not isinstance(value, Real) or isinstance(value, bool):
                raise ValueError(f"Layer: first[{name!r}] must be a number, but got {value!r}.")
        object.__setattr__(self, "parameters", shapes)
        object.__setattr__(self, "first", tuple((name, float(value)) for name, value in values))

    @property
    def label(self) -> str:
        """What it is called."""
        own = getattr(self.function, "__name__", "")
        return self.name or (own if own.isidentifier() else "own_layer")

    def __repr__(self) -> str:
        named = getattr(self.function, "__name__", repr(self.function))
        parts = [f"{name}={dict(pairs)!r}" for name, pairs in self._given() if pairs]
        parts += [f"name={self.name!r}"] if self.name else []
        return f"Layer({', '.join([named, *parts])})"

    def apply(self, x: Node, building: Building) -> Node:
        shapes, first = dict(self.parameters), dict(self.first)
        self._check_call(building, len(shapes))
        k = building.next_layer() if shapes else building.layer
        nodes = [self._learn(name, shapes[name], first, k, x, building) for name in shapes]
        try:
            out = self.function(x, *nodes)
        except ChainruleError as error:
            raise building.fault(self, f"the function cannot be built: {error}") from error
        self._check_result(out, x, nodes, building)
        building.source = f"hidden layer {k}" if shapes else self.label
        return building.named(out, f"h{k}_out" if shapes else self.label)

    def _given(self) -> tuple[tuple[str, Any], ...]:
        return (("parameters", self.parameters), ("first", self.first))

    def _learn(
        self, name: str, shape: Shape, first: Mapping[str, float], k: int, x: Node, building: Any
    ) -> Node:
        sizes = tuple(width_of(x) if each == FEATURES else int(each) for each in shape)
        start: Evenly | Filled = Filled(first.get(name, 0.0))
        if name not in first and len(sizes) > 1:
            start = Evenly(glorot_bound(sizes[-2], sizes[-1]))

        def describe(at: Index) -> str:
            return f"entry {', '.join(map(str, at))} of {name} of {self.label}, layer {k}"

        return building.parameter(f"{name}{k}", sizes, start, describe, len(sizes) > 1)

    def _check_call(self, building: Building, n_parameters: int) -> None:
        try:
            inspect.signature(self.function).bind(*range(1 + n_parameters))
        except TypeError:
            wanted = ", ".join(["x", *dict(self.parameters)])
            raise building.fault(
                self,
                f"the function must take ({wanted}): x and one argument for each of its "
                f"parameters, in order.",
            ) from None
        except ValueError:
            return  # of some built-in functions the arguments are not known

    def _check_result(self, out: Any, x: Node, nodes: list[Node], building: Building) -> None:
        """Refuse what is no layer of a network: the message says what was returned."""
        if not isinstance(out, Node):
            raise building.fault(self, f"the function must return a node, but it returned {out!r}.")
        if out.rank != 2 or out.shape[0] != x.shape[0] or not isinstance(out.shape[1], int):
            raise building.fault(
                self,
                f"the function must return a node of shape (rows, n), a row for each row of x, "
                f"but it returned one of {format_shape(out.shape)}.",
            )
        order = topological_order([out], known={x, *nodes})  # what the function made
        if any(each.operation == "uniform" for each in order):
            raise building.fault(
                self,
                "the function draws random numbers, which would go into predictions too: put "
                "Dropout(...) or GaussianNoise(...) before it.",
            )
        strange = [each.name for each in order if each.operation == "variable"]
        if strange:
            raise building.fault(
                self,
                f"the function reads {strange[0]!r}, which nobody gives: name it in parameters.",
            )
        if isinstance(x.shape[0], Size) and not _keeps_rows_apart(order, x):
            raise building.fault(
                self,
                "the function mixes rows, so that what is predicted for one would depend on the "
                "others: sum over units, axis 1.",
            )


def _keeps_rows_apart(order: list[Node], x: Node) -> bool:
    """Whether all that is computed of x has its rows, once."""
    reach = dependents(order, [x])
    return all(
        sum(isinstance(size, Size) for size in each.shape) == 1 for each in order if each in reach
    )


def _pairs(given: Any, name: str) -> list[tuple[str, Any]]:
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, (list, tuple)) or any(
        not isinstance(each, (list, tuple)) or len(each) != 2 for each in pairs
    ):
        raise ValueError(f"Layer: {name} must be a dict, but got {given!r}.")
    return [(key, value) for key, value in pairs]


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier() or name in _KEPT:
        raise ValueError(
            f"Layer: a parameter is called by a word, such as 'W', but not {name!r}; {_KEPT} are "
            f"those of normalisations."
        )
    if name[-1].isdigit():
        raise ValueError(
            f"Layer: a parameter's name gets the number of its layer, so that {name!r} cannot "
            f"end in a digit: call it {name.rstrip('0123456789_') or 'W'!r}."
        )
    return name


def _checked_shape(name: str, shape: Any) -> Shape:
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    for size in sizes:
        if size == FEATURES and isinstance(size, str):
            continue
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"Layer: the shape of {name!r} must hold whole numbers of 1 or more, or "
                f"'features', as in ('features', 8), but got {shape!r}."
            )
    return tuple(size if isinstance(size, str) else int(size) for size in sizes)
