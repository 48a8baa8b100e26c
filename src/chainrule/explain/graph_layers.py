"""The steps of a graph that is too large to be drawn at once, gathered into layers.

What a step needs is in the same layer or in one before it: no two layers need each other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.explain.worksheet import ForwardStep

__all__ = ["MOST_DRAWN", "Layer", "layers_of"]

MOST_DRAWN = 200
"""So many nodes are drawn one by one."""

_MOST_BLOCKS, _SMALLEST_BLOCK = 12, 50
_LARGEST_SHARE, _MOST_NAMED = 0.8, 0.25
"""Where one name stands for more of the steps, the names do not tell them apart; where there are
more names than this share of the steps, they gather nothing."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Steps that are drawn as one; a single step is drawn as itself."""

    name: str
    steps: tuple[ForwardStep, ...]


def layers_of(steps: Sequence[ForwardStep]) -> list[Layer]:
    """The steps one by one if they are few, and in layers otherwise.

    Parameters
    ----------
    steps : sequence of ForwardStep
        What each needs of the others comes before it.

    Returns
    -------
    list of Layer
        Steps that lead to a named part are one layer with it, and so are parts whose names begin
        alike: ``h1_in`` and ``h1_out`` belong to h1, which falls into units, h1[0] and so on, if
        it is too large itself. Where names do not tell the steps apart, neighbouring depths are
        one layer.
    """
    leaves = {each for step in steps for each in step.inputs if isinstance(each, str)}
    leaves -= {step.symbol for step in steps}
    if len(steps) + len(leaves) <= MOST_DRAWN:
        return [Layer(step.symbol, (step,)) for step in steps]
    for single_units in (False, True):
        named = _by_name(steps, _stems(steps, single_units))
        largest = max(len(layer.steps) for layer in named)
        few = len(named) <= min(MOST_DRAWN, _MOST_NAMED * len(steps))
        if few and largest <= _LARGEST_SHARE * len(steps):
            return named
    return _by_depth(steps)


def _by_name(steps: Sequence[ForwardStep], stems: Mapping[str, str]) -> list[Layer]:
    """Layers by name, given the layer of each step that has one."""
    names = list(dict.fromkeys(stems.values()))
    number = {name: place for place, name in enumerate(names)}
    users = _users(steps)
    home: dict[str, int] = {}
    for step in reversed(steps):
        if step.symbol in stems:
            home[step.symbol] = number[stems[step.symbol]]
        else:
            home[step.symbol] = min(home[each] for each in users[step.symbol])
    layers: dict[int, list[ForwardStep]] = defaultdict(list)
    for step in steps:
        # A part may need one whose name came later: it then goes there.
        before = (home[each] for each in step.inputs if isinstance(each, str) and each in home)
        home[step.symbol] = max(home[step.symbol], *before, 0)
        layers[home[step.symbol]].append(step)
    return [Layer(names[place], tuple(layers[place])) for place in sorted(layers)]


def _stems(steps: Sequence[ForwardStep], single_units: bool) -> dict[str, str]:
    """The layer of each step that has a name, or that no other step needs.

    Of ``h1_in[0]``, that is h1, and of single units h1[0].
    """
    users = _users(steps)
    named = [step.symbol for step in steps if step.node.name or not users[step.symbol]]
    parted = {symbol: symbol.partition("[") for symbol in named}
    count = Counter(bare.rpartition("_")[0] for bare in {each[0] for each in parted.values()})
    stems = {}
    for symbol, (bare, bracket, places) in parted.items():
        stem = bare.rpartition("_")[0]
        stems[symbol] = stem if count[stem] > 1 and stem else bare
        if single_units:
            stems[symbol] += bracket + places
    return stems


def _users(steps: Sequence[ForwardStep]) -> Mapping[str, list[str]]:
    users: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        for each in step.inputs:
            if isinstance(each, str):
                users[each].append(step.symbol)
    return users


def _by_depth(steps: Sequence[ForwardStep]) -> list[Layer]:
    depth: dict[str, int] = {}
    levels: dict[int, list[ForwardStep]] = defaultdict(list)
    for step in steps:
        inputs = (depth.get(each, 0) for each in step.inputs if isinstance(each, str))
        depth[step.symbol] = 1 + max(inputs, default=0)
        levels[depth[step.symbol]].append(step)
    most = max(_SMALLEST_BLOCK, math.ceil(len(steps) / _MOST_BLOCKS))
    layers: list[Layer] = []
    block: list[ForwardStep] = []
    first = 1
    for level in sorted(levels):
        if block and len(block) + len(levels[level]) > most:
            layers += _cut(block, first, level - 1, most)
            block, first = [], level
        block += levels[level]
    return layers + _cut(block, first, max(levels), most)


def _cut(block: Sequence[ForwardStep], first: int, last: int, most: int) -> list[Layer]:
    """A block of depths; a single one that is too wide falls into parts."""
    name = f"depth {first}" if first == last else f"depths {first} to {last}"
    n_parts = math.ceil(len(block) / most) if first == last else 1
    size = math.ceil(len(block) / n_parts)
    return [
        Layer(f"{name}, part {k + 1}" if n_parts > 1 else name, tuple(part))
        for k in range(n_parts)
        if (part := block[k * size : (k + 1) * size])
    ]
