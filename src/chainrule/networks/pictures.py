"""Pictures of networks, as data: where each cell of a chart's drawing stands, and what it joins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

__all__ = ["COLUMN", "Cell", "Layers", "Link", "LinkRule", "Picture", "layers_of", "picture_of"]

Layers = tuple[tuple[str, ...], ...]
"""For each layer the kinds of its cells, keys of :data:`~chainrule.pages.cells.CELL_KINDS`."""

LinkRule = Literal["dense", "all", "local", "sparse", "skip", "memory", "lattice"]
"""Which cells are joined.

``dense``: each with all of the next layer; ``all``: each with each, in a ring; ``local``: filters
with what lies before them; ``sparse``: some at random; ``skip``: ``dense``, and past one layer;
``memory``: ``dense``, with memory apart, joined to the hidden layer; ``lattice``: neighbours.
"""

COLUMN = 1.4
"""The distance of two layers; that of two cells in a layer is 1."""

_WITH_A_PAST = ("recurrent", "memory", "different_memory")
_FILTERS = {"kernel", "convolution"}


@dataclass(frozen=True)
class Cell:
    """A cell: its kind, and its centre, from the left and from the top."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Link:
    """What joins two cells, by their numbers; ``rise`` is how far an arc rises above a line."""

    source: int
    target: int
    rise: float = 0.0


@dataclass(frozen=True)
class Picture:
    """The cells of a drawing, in units of the distance of two cells of a layer.

    Attributes
    ----------
    cells : tuple of Cell
    links : tuple of Link
    loops : tuple of int
        The cells that are joined to their own past.
    """

    cells: tuple[Cell, ...]
    links: tuple[Link, ...]
    loops: tuple[int, ...] = ()


def layers_of(text: str) -> Layers:
    """Read layers from text: numbers and kinds of cells, layers after one another.

    Examples
    --------
    >>> layers_of("2 input, 1 hidden + 1 memory, 1 output")
    (('input', 'input'), ('hidden', 'memory'), ('output',))
    """
    layers = []
    for layer in text.split(","):
        parts = [part.split() for part in layer.split("+")]
        layers.append(tuple(kind for number, kind in parts for _ in range(int(number))))
    return tuple(layers)


def picture_of(layers: Layers, links: LinkRule) -> Picture:
    """The drawing of a network.

    Parameters
    ----------
    layers : tuple of tuple of str
    links : str
        A ``LinkRule``.

    Examples
    --------
    >>> picture = picture_of(layers_of("2 input, 1 output"), "dense")
    >>> [(cell.x, cell.y) for cell in picture.cells]
    [(0.0, 0.0), (0.0, 1.0), (1.4, 0.5)]
    >>> picture.links
    (Link(source=0, target=2, rise=0.0), Link(source=1, target=2, rise=0.0))
    """
    if links == "all":
        return _ring([kind for layer in layers for kind in layer])
    if links == "memory":
        return _with_memory(layers)
    cells, numbers = _columns(layers)
    if links == "local":
        joined = _local(cells, numbers)
    elif links == "sparse":
        joined = _sparse(cells, numbers)
    elif links == "lattice":
        first, second, *_ = numbers
        joined = [*_dense([first, second]), *_neighbours(numbers[1:])]
    else:
        joined = _dense(numbers)
    if links == "skip":
        # The arcs rise to halfway between two rows of cells.
        joined += [
            Link(source, target, 0.5)
            for before, after in zip(numbers[1:-1], numbers[3:-1], strict=False)
            for source, target in zip(before, after, strict=True)
        ]
    loops = [number for number, cell in enumerate(cells) if cell.kind in _WITH_A_PAST]
    return Picture(tuple(cells), tuple(joined), tuple(loops))


def _columns(layers: Layers) -> tuple[list[Cell], list[list[int]]]:
    """Layers from left to right, each centred; and the numbers of the cells of each."""
    tallest = max(map(len, layers))
    cells: list[Cell] = []
    numbers = []
    for column, kinds in enumerate(layers):
        top = (tallest - len(kinds)) / 2
        numbers.append([len(cells) + row for row in range(len(kinds))])
        cells += [Cell(kind, COLUMN * column, top + row) for row, kind in enumerate(kinds)]
    return cells, numbers


def _dense(numbers: Sequence[Sequence[int]]) -> list[Link]:
    return [
        Link(source, target)
        for before, after in pairwise(numbers)
        for source in before
        for target in after
    ]


def _neighbours(columns: Sequence[Sequence[int]]) -> list[Link]:
    """A lattice: cells of one height, and cells above one another."""
    across = [
        Link(source, target)
        for before, after in pairwise(columns)
        for source, target in zip(before, after, strict=True)
    ]
    return across + [Link(above, below) for each in columns for above, below in pairwise(each)]


def _local(cells: Sequence[Cell], numbers: Sequence[Sequence[int]]) -> list[Link]:
    """A filter sees what is at its height; between filters and hidden layers all is joined."""
    joined = []
    for before, after in pairwise(numbers):
        kinds = {cells[before[0]].kind, cells[after[0]].kind}
        near = bool(kinds & _FILTERS) and not any("hidden" in kind for kind in kinds)
        joined += [
            link
            for link in _dense([before, after])
            if not near or abs(cells[link.source].y - cells[link.target].y) < 1.0
        ]
    return joined


def _sparse(cells: Sequence[Cell], numbers: Sequence[Sequence[int]]) -> list[Link]:
    """Some links between near cells, drawn once and for all; no cell is left out."""
    draws = np.random.default_rng(8)
    joined = []
    for before, after in pairwise(numbers):
        near = [
            link
            for link in _dense([before, after])
            if abs(cells[link.source].y - cells[link.target].y) < 1.6
        ]
        draws.shuffle(near)
        kept: list[Link] = []
        for link in near:
            sources, targets = {each.source for each in kept}, {each.target for each in kept}
            is_needed = link.source not in sources or link.target not in targets
            if is_needed or draws.random() < 0.2:
                kept.append(link)
        joined += kept
    for column in numbers[1:-1]:
        joined += [Link(above, below) for above, below in pairwise(column) if draws.random() < 0.45]
    return joined


def _ring(kinds: Sequence[str]) -> Picture:
    """Cells in a circle, each joined to each."""
    n = len(kinds)
    radius = 0.6 / math.sin(math.pi / n)
    angles = [2 * math.pi * (k + 0.5) / n - math.pi / 2 for k in range(n)]
    cells = [
        Cell(kind, radius * (1 + math.cos(angle)), radius * (1 + math.sin(angle)))
        for kind, angle in zip(kinds, angles, strict=True)
    ]
    return Picture(tuple(cells), tuple(Link(j, k) for j in range(n) for k in range(j + 1, n)))


def _with_memory(layers: Layers) -> Picture:
    """Layers, and below them a row of memory that the hidden layer reads and writes."""
    (memory,) = (layer for layer in layers if "memory" in layer)
    rest = tuple(layer for layer in layers if layer is not memory)
    cells, numbers = _columns(rest)
    hidden = numbers[1]
    middle, below = cells[hidden[0]].x, max(cell.y for cell in cells) + COLUMN
    joined = _dense(numbers)
    for place, kind in enumerate(memory):
        # From the ends of the row, lines pass by the lower hidden cells to the upper ones.
        reached = hidden if place in (0, len(memory) - 1) else hidden[-1:]
        joined += [Link(len(cells), target) for target in reached]
        cells.append(Cell(kind, middle + place - (len(memory) - 1) / 2, below))
    return Picture(tuple(cells), tuple(joined))
