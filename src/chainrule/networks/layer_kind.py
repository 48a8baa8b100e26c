"""What a layer is, as a plain description, and lists of them."""

from __future__ import annotations

import dataclasses
import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

from chainrule.graph.node import Node
from chainrule.networks.activations import ACTIVATIONS
from chainrule.networks.building import Building

__all__ = ["LayerKind", "apply_in_turn", "check_layers", "width_of"]


@dataclass(frozen=True, repr=False)
class LayerKind(ABC):
    """One layer of a network, as data."""

    uses_minibatch: ClassVar[bool] = False
    """Whether what it gives for a row depends, in training, on the other rows."""

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers in training."""
        return False

    @property
    def inside(self) -> tuple[LayerKind, ...]:
        """The layers that it holds."""
        return ()

    @abstractmethod
    def apply(self, x: Node, building: Building) -> Node:
        """What the layer makes of x, (rows, units); what it learns is put down in ``building``."""

    def __repr__(self) -> str:
        """The code that makes it: what must be given by place, what may be left out by name."""
        parts = []
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if each.default is dataclasses.MISSING or each.name == "activation":
                if value is not None:
                    parts.append(repr(value))
            elif value != each.default:
                parts.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _refuse(self, name: str, wanted: str) -> None:
        """Raise ValueError: this value of a field cannot be."""
        raise ValueError(
            f"{type(self).__name__}: {name} must be {wanted}, but got {getattr(self, name)!r}."
        )

    def _check_number(
        self, name: str, low: float, high: float, wanted: str, strictly: bool = False
    ) -> None:
        """Whether a field is a number from ``low`` (with ``strictly`` above it) to ``high``."""
        given = getattr(self, name)
        if not isinstance(given, Real) or isinstance(given, bool):
            self._refuse(name, wanted)
        try:
            value = float(given)  # a plain one, as files hold it
        except OverflowError:
            self._refuse(name, wanted)
        if not low <= value <= high or (strictly and value == low):
            self._refuse(name, wanted)
        object.__setattr__(self, name, value)

    def _check_activation(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, str) or value not in ACTIVATIONS:
            close = difflib.get_close_matches(str(value).lower(), ACTIVATIONS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"{type(self).__name__}: there is no activation {value!r}.{hint} There are "
                f"{', '.join(ACTIVATIONS)}; one of your own is chainrule.Layer(function)."
            )


def check_layers(given: object, name: str) -> tuple[LayerKind, ...]:
    """A list of layers as a tuple.

    Raises
    ------
    ValueError
        If it is no list, or something in it is no layer: the message says in which place.
    """
    if isinstance(given, (LayerKind, str)) or not isinstance(given, Iterable):
        raise ValueError(
            f"{name} must be a list of layers, such as [Dense(64, 'relu'), Dropout(0.2)], but got "
            f"{given!r}."
        )
    layers = tuple(given)
    for place, each in enumerate(layers):
        if isinstance(each, LayerKind):
            continue
        fix = "layers are those of chainrule, such as Dense(64, 'relu')"
        if isinstance(each, type) and issubclass(each, LayerKind):
            fix = f"write {each.__name__}(...), with its brackets"
        elif callable(each):
            fix = "a function is made a layer by chainrule.Layer(function)"
        elif isinstance(each, Integral):
            fix = f"a layer of {each} units is Dense({each}, 'relu')"
        raise ValueError(f"{name}[{place}] is no layer, but {each!r}: {fix}.")
    return layers


def apply_in_turn(layers: Sequence[LayerKind], x: Node, building: Building, where: str) -> Node:
    """What layers, one after another, make of x."""
    for place, layer in enumerate(layers):
        building.place = f"{where}[{place}]"
        x = layer.apply(x, building)
    return x


def width_of(x: Node) -> int:
    """The units of (rows, units)."""
    return int(x.shape[1])  # type: ignore[arg-type]
