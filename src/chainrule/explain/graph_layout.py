"""Where the parts of a drawn graph stand: columns from left to right, and lines between them.

Each line has a label, which gets a place of its own as the nodes do, in the column after that
of the node where the line begins. Where a line passes a column, it runs level through a place
that is kept free for it, and it rises and falls only between columns, where nothing stands. So
nothing can overlap, whatever the graph.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.errors import ChainruleError
from chainrule.explain.graph_heights import Line, find_heights

__all__ = ["Box", "Layout", "Link", "Run", "lay_out"]

Point = tuple[float, float]

_BETWEEN = 7.0
"""The least room between two neighbours of a column."""
_NARROWEST, _WIDEST, _STEEPNESS = 14.0, 64.0, 0.3
"""Of the gaps between columns: the more a line rises in one, the wider it is."""
_PORT = 14.0
"""From where one line arrives at a box to where the next does, if there is room."""
_TRUNK = 2.0
"""How much more it matters that the lines between operations are level than those from leaves."""


@dataclass(frozen=True, slots=True)
class Box:
    """The room that something takes around the line that leads to it.

    ``entry`` is how far above and below the middle lines may arrive.
    """

    width: float
    above: float
    below: float
    entry: float = 0.0


_WAY = Box(0.0, 2.0, 2.0)
"""What a line needs where it passes a column."""


@dataclass(frozen=True, slots=True)
class Link:
    """A line from one box to another, by their places, and the room for its label.

    ``order`` is its place among the lines that arrive, from top to bottom, if that is fixed.
    """

    source: int
    target: int
    label: Box
    order: int | None = None


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
    ports : list of float
        How far below the middle of its target each line arrives.
    routes : list of list of Run
        The level pieces of each line, from the middle of one box to the left of the column of
        the other.
    """

    width: float
    height: float
    boxes: list[Point]
    labels: list[Point]
    columns: list[float]
    ports: list[float]
    routes: list[list[Run]]


@dataclass(slots=True)
class _Place:
    """A box, a label, or the way of a line through a column."""

    box: Box
    column: int
    weight: float
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
    led_to = {link.target for link in links}
    places = [
        _Place(box, 2 * rank, _TRUNK if number in led_to else 1.0)
        for number, (box, rank) in enumerate(zip(boxes, ranks, strict=True))
    ]
    ways = [_add_way(places, link) for link in links]
    columns = _sorted_columns(places)
    ports = _ports(places, columns, links, ways)
    _set_heights(places, columns, {way[-1]: port for way, port in zip(ways, ports, strict=True)})
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
        ports=ports,
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
        elif latest > 2:
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
    weight = places[link.source].weight
    chain = list(range(len(places), len(places) + last - first - 1))
    places.append(_Place(link.label, first + 1, weight))
    places.extend(_Place(_WAY, column, weight) for column in range(first + 2, last))
    stops = [link.source, *chain, link.target]
    for left, right in itertools.pairwise(stops):
        places[left].after.append(right)
        places[right].before.append(left)
    return chain


def _sorted_columns(places: list[_Place]) -> list[list[int]]:
    """The places of each column from top to bottom."""
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
        columns[place.column].append(index)
    for column in columns:
        column.sort(key=lambda index: layout[index][0])
    return columns


def _ports(
    places: Sequence[_Place],
    columns: Sequence[Sequence[int]],
    links: Sequence[Link],
    ways: Sequence[Sequence[int]],
) -> list[float]:
    """How far below the middle of its target each line arrives, so that none meet there."""
    height = {index: k for column in columns for k, index in enumerate(column)}
    arriving: dict[int, list[int]] = defaultdict(list)
    for number, link in enumerate(links):
        arriving[link.target].append(number)
    ports = [0.0] * len(links)
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: (links[number].order or 0, height[ways[number][-1]]))
        span = min(2 * places[target].box.entry, _PORT * (len(numbers) - 1))
        for k, number in enumerate(numbers[1:], 1):
            ports[number] = span * k / (len(numbers) - 1)
        for number in numbers:
            ports[number] -= span / 2
    return ports


def _set_heights(
    places: list[_Place], columns: Sequence[Sequence[int]], ports: Mapping[int, float]
) -> None:
    """Make room in each column, with lines as level as that allows."""
    room = [
        [
            places[upper].box.below + _BETWEEN + places[lower].box.above
            for upper, lower in itertools.pairwise(column)
        ]
        for column in columns
    ]
    lines = [
        Line(left, right, _line_weight(place, places[right]), ports.get(left, 0.0))
        for left, place in enumerate(places)
        for right in place.after
    ]
    heights = find_heights(columns, room, lines)
    top = min(y - place.box.above for y, place in zip(heights, places, strict=True))
    for y, place in zip(heights, places, strict=True):
        place.y = y - top


def _line_weight(left: _Place, right: _Place) -> float:
    """How much it matters that a line is level: more where it passes columns than at its ends."""
    ways = (left.box is _WAY) + (right.box is _WAY)
    return min(left.weight, right.weight) * (1.0, 2.0, 8.0)[ways]


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
