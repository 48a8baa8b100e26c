"""Recurrent cells: one step of time, as functions from nodes to nodes.

A cell is given what the input contributes to its gates at this step (``X·W + b``, computed for
all steps at once), and adds what its own state contributes: one product with ``U`` for all gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["CELLS", "Cell"]

Step = Callable[[Node, Sequence[Node], Node, Node | None, str], list[Node]]
"""``step(inputs, carried, U, extra, suffix)``: the new carried values, the output first.

``inputs`` is (rows, gates·units), each carried value (rows, units), ``U`` (units, gates·units);
``extra`` is a bias of the cell's own, (units,). Names get ``suffix``.
"""


@dataclass(frozen=True)
class Cell:
    """A kind of recurrent cell.

    Attributes
    ----------
    gates : tuple of str
        The parts of ``W``, ``U`` and ``b``, in order.
    n_carried : int
        Values carried from step to step.
    step : callable
    extra_bias : bool, default=False
        Whether there is a bias beside that of the input.
    """

    gates: tuple[str, ...]
    n_carried: int
    step: Step
    extra_bias: bool = False


def _gates(values: Node, number: int) -> list[Node]:
    """The parts of (rows, number·units)."""
    width = values.shape[1]
    assert isinstance(width, int)
    units = width // number
    return [fn.slice_axes(values, [None, (k * units, (k + 1) * units)]) for k in range(number)]


def _elman(activation: Callable[[Node], Node]) -> Step:
    """h = activation(x·W + h·U + b) (Elman 1990)."""

    def step(
        inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
    ) -> list[Node]:
        return [activation(inputs + carried[0] @ U).named(f"h{suffix}")]

    return step


def _lstm(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """c = f⊙c + i⊙g and h = o⊙tanh(c) (Hochreiter & Schmidhuber 1997; Gers 2000 for f)."""
    h, c = carried
    i, f, o, g = (
        given + own for given, own in zip(_gates(inputs, 4), _gates(h @ U, 4), strict=True)
    )
    i, f, o = (
        fn.logistic(each).named(f"{name}{suffix}") for name, each in (("i", i), ("f", f), ("o", o))
    )
    g = fn.tanh(g).named(f"g{suffix}")
    new_c = (f * c + i * g).named(f"c{suffix}")
    return [(o * fn.tanh(new_c)).named(f"h{suffix}"), new_c]


def _gru_reset_after(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """n = tanh(x·W + b + r⊙(h·U + b')): the reset after the product, as in PyTorch and Keras."""
    (h,) = carried
    assert extra is not None
    r_in, z_in, n_in = _gates(inputs, 3)
    r_own, z_own, n_own = _gates(h @ U, 3)
    r = fn.logistic(r_in + r_own).named(f"r{suffix}")
    z = fn.logistic(z_in + z_own).named(f"z{suffix}")
    n = fn.tanh(n_in + r * (n_own + extra)).named(f"n{suffix}")
    return [_mixed(z, n, h, suffix)]


def _gru_reset_before(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """n = tanh(x·W + b + (r⊙h)·U): the reset before the product, as in Cho et al. 2014."""
    (h,) = carried
    r_in, z_in, n_in = _gates(inputs, 3)
    U_r, U_z, U_n = _gates(U, 3)
    r = fn.logistic(r_in + h @ U_r).named(f"r{suffix}")
    z = fn.logistic(z_in + h @ U_z).named(f"z{suffix}")
    n = fn.tanh(n_in + (r * h) @ U_n).named(f"n{suffix}")
    return [_mixed(z, n, h, suffix)]


def _mixed(z: Node, n: Node, h: Node, suffix: str) -> Node:
    """(1 - z)⊙n + z⊙h: z keeps the old state."""
    return (n + z * (h - n)).named(f"h{suffix}")


CELLS: dict[str, Cell] = {
    "rnn_tanh": Cell(("h",), 1, _elman(fn.tanh)),
    "rnn_relu": Cell(("h",), 1, _elman(fn.relu)),
    "lstm": Cell(("i", "f", "o", "g"), 2, _lstm),
    "gru": Cell(("r", "z", "n"), 1, _gru_reset_after, extra_bias=True),
    "gru_reset_before": Cell(("r", "z", "n"), 1, _gru_reset_before),
}
"""The cells, by name."""
