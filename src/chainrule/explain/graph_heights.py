"""How high each place of a layered graph stands: room for all, and lines as level as can be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

__all__ = ["Line", "find_heights"]

_SWEEPS = 40


@dataclass(frozen=True, slots=True)
class Line:
    """From a place of one column to one of the next.

    ``weight`` says how much it matters that it is level; it arrives ``port`` below the middle of
    its target. One that ``leads`` has its target follow it, whatever else is joined to that.
    """

    left: int
    right: int
    weight: float
    port: float = 0.0
    leads: bool = False


def find_heights(
    columns: Sequence[Sequence[int]], room: Sequence[Sequence[float]], lines: Sequence[Line]
) -> list[float]:
    """A height for each place, with little rise in all the lines.

    Parameters
    ----------
    columns : sequence of sequence of int
        The places of each column, from top to bottom; their order is kept.
    room : sequence of sequence of float
        The least distance between each place of a column and the next.
    lines : sequence of Line

    Notes
    -----
    First the sum of how far lines rise is made least, by linear programming: as many as can be
    are level. Places in a row, each with one line in and one out, are then moved as one to the
    mean of what they are joined to, as far as there is room.
    """
    heights = _Heights(columns, room, lines, _level(columns, room, lines))
    for _ in range(_SWEEPS):
        heights.centre()
    return heights.y


class _Heights:
    def __init__(
        self,
        columns: Sequence[Sequence[int]],
        room: Sequence[Sequence[float]],
        lines: Sequence[Line],
        start: Sequence[float],
    ) -> None:
        self.y = list(start)
        self.rows = _rows(len(start), lines)
        row_of = {place: number for number, row in enumerate(self.rows) for place in row}
        self.around: list[list[tuple[int, float, float]]] = [[] for _ in self.rows]
        led = {row_of[line.right] for line in lines if line.leads}
        for line in lines:
            left, right = row_of[line.left], row_of[line.right]
            if left != right and left not in led:
                self.around[left].append((line.right, line.port, line.weight))
            if left != right and (line.leads or right not in led):
                self.around[right].append((line.left, -line.port, line.weight))
        self.above: list[list[tuple[int, float]]] = [[] for _ in start]
        self.below: list[list[tuple[int, float]]] = [[] for _ in start]
        for column, distances in zip(columns, room, strict=True):
            for (upper, lower), distance in zip(itertools.pairwise(column), distances, strict=True):
                self.below[upper].append((lower, distance))
                self.above[lower].append((upper, distance))

    def centre(self) -> None:
        """Move each row to where its lines are most level, long rows first."""
        for number, row in sorted(enumerate(self.rows), key=lambda each: -len(each[1])):
            top = max(
                (self.y[each] + room for place in row for each, room in self.above[place]),
                default=-math.inf,
            )
            bottom = min(
                (self.y[each] - room for place in row for each, room in self.below[place]),
                default=math.inf,
            )
            if top <= bottom and self.around[number]:
                y = min(max(self._wanted(number), top), bottom)
                for place in row:
                    self.y[place] = y

    def _wanted(self, number: int) -> float:
        around = self.around[number]
        total = sum(weight for _, _, weight in around)
        return sum(weight * (self.y[each] + port) for each, port, weight in around) / total


def _rows(n: int, lines: Sequence[Line]) -> list[list[int]]:
    """The places in rows: each but the ends of a row has one line in and one line out."""
    after: list[list[int]] = [[] for _ in range(n)]
    before: list[list[int]] = [[] for _ in range(n)]
    for line in lines:
        after[line.left].append(line.right)
        before[line.right].append(line.left)

    def follow(place: int) -> Iterator[int]:
        yield place
        while len(after[place]) == 1 and len(before[after[place][0]]) == 1:
            (place,) = after[place]
            yield place

    def begins(place: int) -> bool:
        return len(before[place]) != 1 or len(after[before[place][0]]) != 1

    return [list(follow(place)) for place in range(n) if begins(place)]


def _level(
    columns: Sequence[Sequence[int]],
    room: Sequence[Sequence[float]],
    lines: Sequence[Line],
) -> list[float]:
    """Heights for which the sum of how far lines rise, by their weights, is least."""
    n, m = sum(map(len, columns)), len(lines)
    pairs = [
        (upper, lower, distance)
        for column, distances in zip(columns, room, strict=True)
        for (upper, lower), distance in zip(itertools.pairwise(column), distances, strict=True)
    ]
    # A line from u to v rises by the difference of two numbers that are not negative.
    rise = _differences([(line.left, line.right) for line in lines], n)
    rises = sparse.hstack([rise, sparse.eye(m), -sparse.eye(m)])
    order = _differences([(upper, lower) for upper, lower, _ in pairs], n)
    weights = np.array([line.weight for line in lines])
    solved = linprog(
        np.concatenate([np.zeros(n), weights, weights]),
        A_ub=sparse.hstack([order, sparse.csr_array((len(pairs), 2 * m))]),
        b_ub=np.array([-distance for _, _, distance in pairs]),
        A_eq=rises,
        b_eq=np.array([line.port for line in lines]),
    )
    return [float(y) for y in solved.x[:n]]


def _differences(pairs: Sequence[tuple[int, int]], n: int) -> sparse.csr_array:
    """A matrix of which each row takes the second of a pair from the first."""
    rows = np.repeat(np.arange(len(pairs)), 2)
    columns = np.array(pairs, dtype=int).reshape(-1)
    signs = np.tile([1.0, -1.0], len(pairs))
    return sparse.csr_array((signs, (rows, columns)), shape=(len(pairs), n))
