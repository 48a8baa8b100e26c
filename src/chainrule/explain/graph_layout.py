"""Where the parts of a drawn graph stand: columns from left to right, and lines between them.

Each line has a label, which gets a place of its own as the nodes do, in the column after that
of the node where the line begins. Where a line passes a column, it runs level through a place
that is kept free for it, and it rises and falls only between columns, where nothing stands. So
nothing can overlap, whatever the graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.errors import ChainruleError

__all__ = ["Box", "Layout", "Link", "Run", "lay_out"]

Point = tuple[float, float]

_PITCH = 40.0
"""From one place in a column to the next, before room is made for what is larger."""
_BETWEEN = 7.0
"""The least room between two neighbours of a column."""
_NARROWEST, _WIDEST, _STEEPNESS = 14.0, 64.0, 0.3
"""Of the gaps between columns: the more a line rises in one, the wider it is."""
_SWEEPS = 24


@dataclass(frozen=True, slots=True)
class Box:
    """The room that something takes around the line that leads to it."""

    width: float
    above: float
    below: float


_WAY = Box(0.0, 2.0, 2.0)
"""What a line needs where it passes a column."""


@dataclass(frozen=True, slots=True)
class Link:
    """A line from one box to another, by their places, and the room for its label."""

    source: int
    target: int
    label: Box


@dataclass(frozen=True, slots=True)
class Run:
    """A level piece of a line."""

    start: float
    stop: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes
    ----------
    width, height : float
    boxes : list of (float, float)
        The centre of each box, on the line that leads to it.
    labels : list of (float, float)
        The centre of each label, on its line.
    columns : list of float
        Where the column of each box begins.
    routes : list of list of Run
        The level pieces of each line, from the middle of one box to the left of the column of
        the other.
    """

    width: float
    height: float
    boxes: list[Point]
    labels: list[Point]
    columns: list[float]
    routes: list[list[Run]]


@dataclass(slots=True)
class _Place:
    """A box, a label, or the way of a line through a column."""

    box: Box
    column: int
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    y: float = 0.0


def lay_out(boxes: Sequence[Box], links: Sequence[Link]) -> Layout:
    """Place the boxes of an acyclic graph in columns, by Sugiyama's method.

    Parameters
    ----------
    boxes : sequence of Box
    links : sequence of Link
        From each box to those that come after it.

    Raises
    ------
    ChainruleError
        If igraph is not installed.

    Notes
    -----
    After Sugiyama, Tagawa & Toda 1981: igraph sorts each column so that few lines cross. The
    columns are chosen here, and so is the room between places, as igraph knows no sizes.
    """
    ranks = _ranks(len(boxes), links)
    places = [_Place(box, 2 * rank) for box, rank in zip(boxes, ranks, strict=True)]
    ways = [_add_way(places, link) for link in links]
    columns = _sorted_columns(places)
    _set_heights(places, columns)
    lefts, widths = _across(places, columns)
    middles = [left + width / 2 for left, width in zip(lefts, widths, strict=True)]
    points = [(middles[place.column], place.y) for place in places]
    routes = [
        [
            Run(points[link.source][0], lefts[first] + widths[first], points[link.source][1]),
            *(
                Run(lefts[column], lefts[column] + widths[column], places[way].y)
                for way in chain
                for column in [places[way].column]
            ),
        ]
        for link, chain in zip(links, ways, strict=True)
        for first in [places[link.source].column]
    ]
    bottom = max(place.y + place.box.below for place in places)
    return Layout(
        width=lefts[-1] + widths[-1],
        height=bottom,
        boxes=points[: len(boxes)],
        labels=[points[chain[0]] for chain in ways],
        columns=[lefts[place.column] for place in places[: len(boxes)]],
        routes=routes,
    )


def _ranks(n: int, links: Sequence[Link]) -> list[int]:
    """A rank for each box, higher than those of all before it; each as late as is no loss.

    Boxes that nothing leads to stand at the very left if they are needed early, and just before
    they are needed otherwise.
    """
    before: list[list[int]] = [[] for _ in range(n)]
    after: list[list[int]] = [[] for _ in range(n)]
    for link in links:
        before[link.target].append(link.source)
        after[link.source].append(link.target)
    order = _topological(before, after)
    ranks = [0] * n
    for box in order:
        ranks[box] = max((ranks[each] + 1 for each in before[box]), default=0)
    for box in reversed(order):
        if not after[box]:
            continue
        latest = min(ranks[each] for each in after[box]) - 1
        if before[box]:
            inner = sum(bool(before[each]) for each in before[box])
            if inner <= len(after[box]):
                ranks[box] = latest
        elif latest > 1:
            ranks[box] = latest
    return ranks


def _topological(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(each) for each in before]
    order = [box for box, count in enumerate(waiting) if not count]
    for box in order:
        for each in after[box]:
            waiting[each] -= 1
            if not waiting[each]:
                order.append(each)
    return order


def _add_way(places: list[_Place], link: Link) -> list[int]:
    """Places for the label of a line, and for the line in each column that it passes."""
    first, last = places[link.source].column, places[link.target].column
    chain = list(range(len(places), len(places) + last - first - 1))
    places.append(_Place(link.label, first + 1))
    places.extend(_Place(_WAY, column) for column in range(first + 2, last))
    stops = [link.source, *chain, link.target]
    for left, right in itertools.pairwise(stops):
        places[left].after.append(right)
        places[right].before.append(left)
    return chain


def _sorted_columns(places: list[_Place]) -> list[list[int]]:
    """The places of each column from top to bottom; their heights are set for a start."""
    try:
        import igraph
    except ImportError as error:
        raise ChainruleError(
            "Drawing a graph needs igraph, which finds the layout: pip install 'chainrule[draw]'"
        ) from error
    edges = [(left, right) for left, place in enumerate(places) for right in place.after]
    graph = igraph.Graph(n=len(places), edges=edges, directed=True)
    layout = graph.layout_sugiyama(layers=[place.column for place in places])
    columns: list[list[int]] = [[] for _ in range(max(place.column for place in places) + 1)]
    for index, place in enumerate(places):
        place.y = _PITCH * layout[index][0]
        columns[place.column].append(index)
    for column in columns:
        column.sort(key=lambda index: places[index].y)
    return columns


def _set_heights(places: list[_Place], columns: Sequence[Sequence[int]]) -> None:
    """Make room in each column, with lines as level as that allows."""
    for sweep in range(_SWEEPS + 1):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [places[index].y if not sweep else _wanted(places, index) for index in column]
            room = [
                places[upper].box.below + _BETWEEN + places[lower].box.above
                for upper, lower in itertools.pairwise(column)
            ]
            for index, y in zip(column, _spread(wanted, room), strict=True):
                places[index].y = y
    top = min(place.y - place.box.above for place in places)
    for place in places:
        place.y -= top


def _wanted(places: Sequence[_Place], index: int) -> float:
    """The height at which the lines of a place are most level; long lines above all."""
    place = places[index]
    around = [*place.before, *place.after]
    weights = [_weight(place) * _weight(places[each]) for each in around]
    total = sum(weights)
    return sum(w * places[each].y for w, each in zip(weights, around, strict=True)) / total


def _weight(place: _Place) -> float:
    return 3.0 if place.box is _WAY else 1.0


def _spread(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Heights as near to those wanted as the room between them allows, by least squares.

    Notes
    -----
    Less the room above each, the heights must not fall: the problem of isotonic regression,
    solved by pooling adjacent violators (Ayer et al. 1955).
    """
    offsets = [0.0]
    for each in room:
        offsets.append(offsets[-1] + each)
    pools: list[tuple[float, int]] = []
    for y, offset in zip(wanted, offsets, strict=True):
        mean, count = y - offset, 1
        while pools and pools[-1][0] > mean:
            other, size = pools.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        pools.append((mean, count))
    levels = [mean for mean, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _across(
    places: Sequence[_Place], columns: Sequence[Sequence[int]]
) -> tuple[list[float], list[float]]:
    """Where each column begins, and how wide it is."""
    widths = [max(places[index].box.width for index in column) for column in columns]
    lefts = [0.0]
    for column, width in zip(columns[:-1], widths, strict=False):
        rises = (abs(places[each].y - places[i].y) for i in column for each in places[i].after)
        gap = min(max(_STEEPNESS * max(rises, default=0.0), _NARROWEST), _WIDEST)
        lefts.append(lefts[-1] + width + gap)
    return lefts, widths
