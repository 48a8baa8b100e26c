"""Where the parts of a drawn graph stand: columns from left to right, and lines between them.

Each line has a label, which gets a place of its own as the nodes do, in the column after that
of the node where the line begins. Where a line passes a column, it runs level through a place
that is kept free for it, and it rises and falls only between columns, where nothing stands. So
nothing can overlap, whatever the graph.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chainrule.errors import ChainruleError
from chainrule.explain.graph_heights import Line, find_heights

__all__ = ["Box", "Layout", "Link", "Run", "depths", "lay_out"]

Point = tuple[float, float]

_BETWEEN = 7.0
"""The least room between two neighbours of a column."""
_NARROWEST, _WIDEST, _STEEPNESS = 14.0, 64.0, 0.3
"""Of the gaps between columns: the more a line rises in one, the wider it is."""
_PORT = 14.0
"""From where one line arrives at a box to where the next does, if there is room."""
_EARLY = 2
"""Up to this column, what nothing leads to stays at the very left."""
_TRUNK, _INNER = 2.0, 8.0
"""How much more it matters that a line is level which comes from further back than others that
arrive with it, and how much more within a line than at its ends."""


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
    pairs = [(link.source, link.target) for link in links]
    ranks = _ranks(len(boxes), pairs)
    places = [_Place(box, 2 * rank) for box, rank in zip(boxes, ranks, strict=True)]
    ways = [_add_way(places, link) for link in links]
    columns = _sorted_columns(places)
    trunks = _trunks(len(boxes), pairs)
    ports = _ports(boxes, columns, links, ways, trunks)
    lines = [
        line
        for link, way, port, trunk in zip(links, ways, ports, trunks, strict=True)
        for line in _lines(link, way, port, trunk)
    ]
    _set_heights(places, columns, lines)
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


def depths(n: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """How many links lead to each of n boxes, one after another, on the longest way.

    Examples
    --------
    >>> depths(4, [(0, 1), (1, 3), (2, 3)])
    [0, 1, 0, 2]
    """
    before, after = _neighbours(n, links)
    found = [0] * n
    for box in _topological(before, after):
        found[box] = max((found[each] + 1 for each in before[box]), default=0)
    return found


def _ranks(n: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """A rank for each box, higher than those of all before it; each as late as is no loss.

    Boxes that nothing leads to stand at the very left if they are needed early, and just before
    they are needed otherwise.
    """
    before, after = _neighbours(n, links)
    ranks = depths(n, links)
    for box in reversed(_topological(before, after)):
        if not after[box]:
            continue
        latest = min(ranks[each] for each in after[box]) - 1
        if before[box]:
            inner = sum(bool(before[each]) for each in before[box])
            if inner <= len(after[box]):
                ranks[box] = latest
        elif latest > _EARLY:
            ranks[box] = latest
    return ranks


def _neighbours(
    n: int, links: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """The boxes before each box, and those after it."""
    before: list[list[int]] = [[] for _ in range(n)]
    after: list[list[int]] = [[] for _ in range(n)]
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    return before, after


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


def _trunks(n: int, links: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether each link comes from as far back as any that lead to the same box."""
    depth = depths(n, links)
    deepest = [0] * n
    for source, target in links:
        deepest[target] = max(deepest[target], depth[source])
    return [depth[source] == deepest[target] for source, target in links]


def _ports(
    boxes: Sequence[Box],
    columns: Sequence[Sequence[int]],
    links: Sequence[Link],
    ways: Sequence[Sequence[int]],
    trunks: Sequence[bool],
) -> list[float]:
    """How far below the middle of its target each line arrives, so that none meet there.

    Of two lines, one that comes from further back arrives in the middle, to go straight on.
    """
    height = {index: k for column in columns for k, index in enumerate(column)}
    arriving: dict[int, list[int]] = defaultdict(list)
    for number, link in enumerate(links):
        arriving[link.target].append(number)
    ports = [0.0] * len(links)
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: (links[number].order or 0, height[ways[number][-1]]))
        most = len(numbers) - 1
        middle = most / 2
        straight = [k for k, number in enumerate(numbers) if trunks[number]]
        if most == 1 and len(straight) == 1:
            middle = straight[0]
        step = min(_PORT, boxes[target].entry / max(middle, most - middle, 1))
        for k, number in enumerate(numbers):
            ports[number] = step * (k - middle)
    return ports


def _lines(link: Link, way: Sequence[int], port: float, trunk: bool) -> Iterator[Line]:
    """The pieces of a link: the longer it is, the more it matters that it is level."""
    weight = _TRUNK if trunk else 1.0
    inner = _INNER if len(way) > 1 else 1.0
    yield Line(link.source, way[0], weight)
    for left, right in itertools.pairwise(way):
        yield Line(left, right, weight * inner)
    yield Line(way[-1], link.target, weight, port, trunk)


def _set_heights(
    places: list[_Place], columns: Sequence[Sequence[int]], lines: Sequence[Line]
) -> None:
    """Make room in each column, with lines as level as that allows."""
    room = [
        [
            places[upper].box.below + _BETWEEN + places[lower].box.above
            for upper, lower in itertools.pairwise(column)
        ]
        for column in columns
    ]
    heights = find_heights(columns, room, lines)
    top = min(y - place.box.above for y, place in zip(heights, places, strict=True))
    for y, place in zip(heights, places, strict=True):
        place.y = y - top


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
