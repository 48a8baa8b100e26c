"""What the networks of the chart came to, as a table: row by row, or whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.demonstrations.base import Demonstration, Outcome

__all__ = ["HEADS", "cells", "number", "table_head", "table_row"]

HEADS = ("network", "data", "rows", "figure", "", "baseline", "", "s")


def number(value: float) -> str:
    """A figure as it is printed everywhere."""
    text = f"{value:.2f}" if abs(value) >= 1.5 else f"{value:.4f}"
    return text.replace("-", "−")


def cells(outcome: Outcome) -> tuple[str, ...]:
    """One row, as text.

    Parameters
    ----------
    outcome : Outcome
    """
    demonstration = outcome.demonstration
    return (
        *_known(demonstration),
        "+".join(map(str, outcome.rows)),
        demonstration.measure.name,
        number(outcome.figure),
        demonstration.baseline.name,
        number(outcome.baseline),
        f"{outcome.seconds:.1f}",
    )


def table_head(demonstrations: Sequence[Demonstration]) -> str:
    """The first line of the table.

    Parameters
    ----------
    demonstrations : sequence of Demonstration
        All that will have a row: their texts decide how wide columns are.
    """
    return _line(HEADS, demonstrations)


def table_row(outcome: Outcome, demonstrations: Sequence[Demonstration]) -> str:
    """A line of the table.

    Parameters
    ----------
    outcome : Outcome
    demonstrations : sequence of Demonstration
    """
    return _line(cells(outcome), demonstrations)


def _known(demonstration: Demonstration) -> tuple[str, str]:
    return demonstration.name, demonstration.data


def _line(texts: Iterable[str], demonstrations: Sequence[Demonstration]) -> str:
    widest = [
        [*(_known(each)[0] for each in demonstrations), HEADS[0]],
        [*(_known(each)[1] for each in demonstrations), HEADS[1]],
        ["1000+1000"],
        [*(each.measure.name for each in demonstrations), HEADS[3]],
        ["0.0000"],
        [*(each.baseline.name for each in demonstrations), HEADS[5]],
        ["−0.0000"],
        ["00.0"],
    ]
    to_the_right = (False, False, False, False, True, False, True, True)
    columns = []
    for text, others, right in zip(texts, widest, to_the_right, strict=True):
        width = max(map(len, others))
        columns.append(text.rjust(width) if right else text.ljust(width))
    return "  ".join(columns).rstrip()
