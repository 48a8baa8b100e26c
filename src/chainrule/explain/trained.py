"""One number of a trained network: how the loss of a row depends on it, and how it is updated."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Array
from chainrule.engines.reference import evaluate
from chainrule.errors import FormulaError
from chainrule.explain.blocks import blocks_first
from chainrule.explain.counting import counted
from chainrule.explain.derivation import Derivation, derive
from chainrule.explain.differences import Probe
from chainrule.explain.narrowing import narrow
from chainrule.explain.optimizer_step import OptimizerState, update_of
from chainrule.explain.unrolling import unrolled
from chainrule.graph.node import Node
from chainrule.graph.shape import format_shape
from chainrule.graph.traversal import dependents, topological_order
from chainrule.notation.entries import Index, entry_name

__all__ = ["TrainedNetwork", "explain_trained"]

_LONGEST_FORMULA = 30
"""Beside a chain in named parts, a formula in the inputs alone must be short to say more."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network and one row of data, as a derivation needs them.

    Attributes
    ----------
    loss : Node
        What training descends, for the row alone: a single number. All shapes are known.
    given : mapping of Node to array
        The row, its target and the parameters.
    parameters : tuple of Node
    row : Node
        The input: (1, features); of a recurrent network (1, time, features).
    target : Node
        (1, outputs), or (1, time, outputs).
    kind : str
        What it is, in words: ``MLPClassifier 4 → 8 → 3``.
    features : tuple of str
        Names of the features, if they have any; of sequences of one number, of their steps.
    aliases : mapping of str to str
        Other names of arrays.
    describe : callable or None
        What an entry of a parameter is, from the name and the place: "the weight from ...".
    optimizer : OptimizerState or None
        How training goes on from here.
    no_update : str
        Why not, if it does not: a sentence.
    note : str
        What else there is to say of the network: a sentence.
    """

    loss: Node
    given: Mapping[Node, Array]
    parameters: tuple[Node, ...]
    row: Node
    target: Node
    kind: str
    features: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    describe: Callable[[str, Index], str] | None = None
    optimizer: OptimizerState | None = None
    no_update: str = ""
    note: str = ""


def explain_trained(network: TrainedNetwork, parameter: str | None = None) -> Derivation:
    """Derive the loss of a row by one number of the network.

    Parameters
    ----------
    network : TrainedNetwork
    parameter : str, optional
        A weight, a bias, an input or a unit: ``"W2[3, 1]"``, ``"b1[0]"``, ``"x[2]"``,
        ``"h1_out[4]"``. By default the parameter whose gradient is the largest.

    Returns
    -------
    Derivation

    Raises
    ------
    FormulaError
        If there is no such number, or the loss has no finite value or derivative here.
    """
    network = dataclasses.replace(network, loss=blocks_first(unrolled(network.loss)))
    arrays = _Arrays(network)
    notes: list[str] = []
    if parameter is None:
        node, index, slope = _steepest(network)
        notes.append(
            "No parameter was named: this is the one whose gradient is the largest."
            if slope
            else _nothing_moves(network)
        )
    else:
        node, index = arrays.find(parameter)
    narrowed = narrow(network.loss, node, index, network.given, (network.row, network.target))
    symbol = narrowed.target.name or ""
    if node is network.row and network.features:
        of_steps = node.rank == 3 and node.shape[2] == 1
        narrowed.notes[narrowed.target] = network.features[index[1] if of_steps else index[-1]]
    values = dict(evaluate([network.loss], network.given))
    names = [each.name for each in values if each.name]
    work = derive(
        narrowed.output,
        [narrowed.target],
        narrowed.given,
        notes=narrowed.notes,
        probes={narrowed.target: Probe(network.loss, node, values, index)},
        longest=_LONGEST_FORMULA,
        names=names,
    )
    notes += work.worksheet.notes
    if node in network.parameters and network.describe is not None:
        notes.append(f"{symbol} is {network.describe(node.name or '', index)}.")
    shown = [name for name, _ in work.worksheet.parts]
    for stem, sentence in narrowed.definitions.items():
        if not any(name.startswith(f"{stem}[") for name in shown):
            notes.append(f"{sentence}, and likewise at each step.")
    notes.append(network.note)
    left_out = narrowed.n_computed - narrowed.n_kept
    if left_out:
        notes.append(
            f"{symbol} changes {narrowed.n_kept:,} of the {counted(narrowed.n_computed, 'number')} "
            f"that the network computes for this row; the other {left_out:,} "
            f"{'is' if left_out == 1 else 'are'} left out."
        )
    update = None
    if node in network.parameters:
        if network.optimizer is None:
            notes.append(network.no_update)
        else:
            slope = float(np.asarray(work.gradients[symbol]))
            state, numbers = network.optimizer, network.given[node]
            norm = 0.0 if state.clip_norm is None else _length_of_gradient(network)
            names += [each.symbol for each in work.worksheet.given]
            update = update_of(state, node, index, symbol, slope, numbers, norm, names)
            if network.optimizer.note:
                notes.append(network.optimizer.note)
    worksheet = dataclasses.replace(
        work.worksheet,
        title=f"{symbol} in one row's loss: {network.kind}",
        notes=tuple(each for each in notes if each),
        update=update,
    )
    return Derivation(worksheet)


def _steepest(network: TrainedNetwork) -> tuple[Node, Index, float]:
    """The parameter with the largest gradient, and how large that is."""
    bars = gradient(network.loss, network.parameters)
    computed = dict(evaluate(bars, network.given))
    slopes = [np.abs(computed[bar]) for bar in bars]
    best = max(range(len(slopes)), key=lambda k: float(np.max(slopes[k], initial=0.0)))
    place = np.unravel_index(int(np.argmax(slopes[best])), slopes[best].shape)
    index = tuple(int(each) for each in place)
    return network.parameters[best], index, float(slopes[best][index])


def _nothing_moves(network: TrainedNetwork) -> str:
    values = dict(evaluate([network.loss], network.given))
    margins = [value for node, value in values.items() if node.name == "margin"]
    right = bool(margins) and all(bool(np.all(each > 0.0)) for each in margins)
    reason = " The row is on the right side, so its loss is 0." if right else ""
    return (
        f"No parameter was named, and no parameter's gradient differs from 0 for this row: nothing "
        f"moves.{reason} This is the first one."
    )


def _length_of_gradient(network: TrainedNetwork) -> float:
    """Of all parameters together."""
    bars = gradient(network.loss, network.parameters)
    computed = dict(evaluate(bars, network.given))
    return float(np.sqrt(sum(np.sum(np.square(computed[bar])) for bar in bars)))


class _Arrays:
    """The arrays of a network of which an entry may be asked for, by name."""

    def __init__(self, network: TrainedNetwork) -> None:
        self.network = network
        order = topological_order([network.loss])
        depending = dependents(order, [network.row, *network.parameters])
        self.named = {
            node.name: node
            for node in order
            if node.name and node in depending and node is not network.loss
        }
        self.rows = dependents(order, [network.row])

    def find(self, text: str) -> tuple[Node, Index]:
        """The array and the place that a text such as ``W2[3, 1]`` names."""
        if not isinstance(text, str):
            raise FormulaError(f"A parameter is named by text such as 'W1[0, 0]', not {text!r}.")
        name, places = _read(text)
        name = self.network.aliases.get(name, name)
        node = self.named.get(name)
        step = self.named.get(f"{name}[{places[0]}]") if places else None
        if step is not None:  # of a loop over time, the value at one step
            name, node, places = step.name or "", step, places[1:]
        elif f"{name}[0]" in self.named:
            steps = sum(each.startswith(f"{name}[") for each in self.named)
            raise FormulaError(
                f"There is no {text!r} in the network: {name} is a value of each step, from "
                f"{name}[0] to {name}[{steps - 1}]; {name}[0, 1] is entry 1 of the first."
            )
        # A column may be called like a weight: then it goes by its place, x[2].
        if node is None and text in self.network.features:
            return self.network.row, self._place(self.network.features.index(text))
        if node is None:
            known = [*self.network.features, *self.named]
            close = difflib.get_close_matches(name, known, n=1)
            starts = [each for each in self.network.features if each.startswith(name)]
            close = starts[:1] or close
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise FormulaError(f"There is no {text!r} in the network.{hint} {self._listing()}")
        sizes = self._sizes(node)
        places = _filled(places, sizes)
        if len(places) != len(sizes) or any(
            not 0 <= place < size for place, size in zip(places, sizes, strict=True)
        ):
            first = entry_name(name, (0,) * len(sizes), sizes, row=False)
            last = entry_name(name, [size - 1 for size in sizes], sizes, row=False)
            raise FormulaError(
                f"There is no {text!r} in the network: {name} goes from {first} to {last}."
            )
        return node, (0, *places) if node in self.rows and node.rank else places

    def _place(self, feature: int) -> Index:
        """Where a named feature is in the row; of sequences of one number, names are of steps."""
        if self.network.row.rank == 2:
            return (0, feature)
        return (0, feature, 0) if self.network.row.shape[2] == 1 else (0, 0, feature)

    def _sizes(self, node: Node) -> tuple[int, ...]:
        """The shape without the axis of the single row."""
        sizes = tuple(int(size) for size in node.shape)  # type: ignore[arg-type]
        return sizes[1:] if node in self.rows else sizes

    def _listing(self) -> str:
        """What there is: parameters, the input, and units."""
        listed = ", ".join(self._described())
        return f"It has {listed}. Places are counted from 0."

    def _described(self) -> Iterator[str]:
        chosen = [*self.network.parameters, self.network.row]
        chosen += [node for node in self.named.values() if node not in chosen]
        steps = {name for name in self.named if name.endswith("]")}
        for node in chosen:
            name = node.name or ""
            if f"{name}[0]" in steps:
                continue
            if name in steps:
                if not name.endswith("[0]"):
                    continue
                last = sum(each.startswith(name[:-2]) for each in steps) - 1
                name = f"{name} to {name[:-2]}{last}]"
            yield f"{name} {format_shape(self._sizes(node))}"


def _filled(places: Index, sizes: Index) -> Index:
    """Places for all axes, where those along axes of size 1 were left out."""
    long = [axis for axis, size in enumerate(sizes) if size != 1]
    if len(places) == len(sizes) or len(places) != len(long):
        return places
    filled = [0] * len(sizes)
    for axis, place in zip(long, places, strict=True):
        filled[axis] = place
    return tuple(filled)


def _read(text: str) -> tuple[str, Index]:
    """The name and the place in a text: ``coefs_[1]`` and (3, 1) in ``coefs_[1][3, 1]``."""
    match = re.fullmatch(r"\s*(.+?)\s*(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?\s*", text)
    if match is None:
        raise FormulaError(f"{text!r} names no parameter: write it as 'W1[0, 0]'.")
    name, places = match.groups()
    return name, tuple(int(each) for each in places.split(",")) if places else ()
