"""Recurrent cells: one step of time, as functions from nodes to nodes.

The first part says what each cell is: its new state, from the sums that reach its gates. The second
part makes a step of a layer of it, fast: one product with ``U`` for the gates of all units, added
to what the input brings (``X·W + b``), which is computed for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["CELLS", "Cell", "gated_recurrent_unit", "long_short_term_memory", "parts_of"]


# --- what a cell is ----------------------------------------------------------------------


def long_short_term_memory(
    i: Node, f: Node, o: Node, g: Node, c: Node, suffix: str = ""
) -> tuple[Node, Node]:
    """The new h and c, from the sums of the gates and the old c.

    i, f, o = σ(…), g = tanh(…), c = f⊙c + i⊙g and h = o⊙tanh(c). The parts are named by their
    letters and ``suffix``.
    """
    i, f, o = (
        fn.logistic(each).named(f"{name}{suffix}") for name, each in (("i", i), ("f", f), ("o", o))
    )
    g = fn.tanh(g).named(f"g{suffix}")
    new_c = (f * c + i * g).named(f"c{suffix}")
    return (o * fn.tanh(new_c)).named(f"h{suffix}"), new_c


def gated_recurrent_unit(
    r: Node, z: Node, new_state: Callable[[Node], Node], h: Node, suffix: str = ""
) -> Node:
    """The new h, from the sums of the gates, and the old h.

    r, z = σ(…), n = tanh(new_state(r)) and h = (1 - z)⊙n + z⊙h.
    """
    r = fn.logistic(r).named(f"r{suffix}")
    z = fn.logistic(z).named(f"z{suffix}")
    n = fn.tanh(new_state(r)).named(f"n{suffix}")
    return ((1.0 - z) * n + z * h).named(f"h{suffix}")


# --- layers of them ----------------------------------------------------------------------

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


def parts_of(values: Node, number: int) -> list[Node]:
    """The parts, side by side, of an array of shape (rows, number·units)."""
    width = values.shape[1]
    assert isinstance(width, int)
    units = width // number
    return [fn.slice_axes(values, [None, (k * units, (k + 1) * units)]) for k in range(number)]


def _elman(activation: Callable[[Node], Node]) -> Step:
    """h = activation(x·W + h·U + b) (Elman 1990)."""

    def step(
        inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
    ) -> list[Node]:
        total = (inputs + carried[0] @ U).named(f"h{suffix}_in")
        return [activation(total).named(f"h{suffix}")]

    return step


def _lstm(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    h, c = carried
    given, own = parts_of(inputs, 4), parts_of(h @ U, 4)
    i, f, o, g = (there + here for there, here in zip(given, own, strict=True))
    return list(long_short_term_memory(i, f, o, g, c, suffix))


def _gru_reset_after(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """The reset after the product, which has a bias of its own, as in PyTorch and Keras."""
    (h,) = carried
    assert extra is not None
    r_in, z_in, n_in = parts_of(inputs, 3)
    r_own, z_own, n_own = parts_of(h @ U, 3)

    def new_state(r: Node) -> Node:
        return n_in + r * (n_own + extra)

    return [gated_recurrent_unit(r_in + r_own, z_in + z_own, new_state, h, suffix)]


def _gru_reset_before(
    inputs: Node, carried: Sequence[Node], U: Node, extra: Node | None, suffix: str
) -> list[Node]:
    """The reset before the product, as in Cho et al. 2014."""
    (h,) = carried
    r_in, z_in, n_in = parts_of(inputs, 3)
    units = h.shape[1]
    assert isinstance(units, int)
    of_gates = fn.slice_axes(U, [None, (0, 2 * units)])
    of_new = fn.slice_axes(U, [None, (2 * units, 3 * units)])
    r_own, z_own = parts_of(h @ of_gates, 2)

    def new_state(r: Node) -> Node:
        return n_in + (r * h) @ of_new

    return [gated_recurrent_unit(r_in + r_own, z_in + z_own, new_state, h, suffix)]


CELLS: dict[str, Cell] = {
    "rnn_tanh": Cell(("h",), 1, _elman(fn.tanh)),
    "rnn_relu": Cell(("h",), 1, _elman(fn.relu)),
    "lstm": Cell(("i", "f", "o", "g"), 2, _lstm),
    "gru": Cell(("r", "z", "n"), 1, _gru_reset_after, extra_bias=True),
    "gru_reset_before": Cell(("r", "z", "n"), 1, _gru_reset_before),
}
"""The cells, by name."""
