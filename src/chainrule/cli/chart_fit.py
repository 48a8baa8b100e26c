"""``chainrule chart --fit``: the networks of the chart, trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule import __version__

if TYPE_CHECKING:
    from chainrule.demonstrations.base import Demonstration, Outcome
    from chainrule.networks.chart import ChartEntry

__all__ = ["PAGE", "fit_chart"]

PAGE = Path("chart.html")
"""Where the page is written if no other file is named."""


def fit_chart(entries: Sequence[ChartEntry], out: Path, seed: int) -> None:
    """Train each network, print the table, write the page.

    Parameters
    ----------
    entries : sequence of ChartEntry
        Those of which there are demonstrations.
    out : Path
    seed : int
    """
    from rich.console import Console

    from chainrule.demonstrations.catalogue import demonstrations_of
    from chainrule.files.whole import write_whole
    from chainrule.reports.training_page import training_page
    from chainrule.reports.training_table import table_head, table_row

    built = [entry for entry in entries if entry.estimators]
    missing = [entry for entry in entries if not entry.estimators]
    demonstrations = [each for entry in built for each in demonstrations_of(entry)]
    console = Console(stderr=True)
    outcomes: list[Outcome] = []
    head = table_head(demonstrations)
    if console.is_terminal:
        outcomes = _with_progress(demonstrations, seed, console)
        click.echo(click.style(head, bold=True))
        for outcome in outcomes:
            click.echo(table_row(outcome, demonstrations))
    else:
        click.echo(head)
        for each in demonstrations:
            outcomes.append(each.run(seed))
            click.echo(table_row(outcomes[-1], demonstrations))
    for entry in missing:
        click.echo(f"{entry.code}: not built yet")
    trained = [
        (entry, [each for each in outcomes if each.demonstration.network == entry.code])
        for entry in built
    ]
    # Only now, so that Ctrl-C finds no page or a whole one.
    write_whole(out, training_page(trained, missing, __version__).encode("utf-8"))
    click.echo(f"page written to {out}")


def _with_progress(
    demonstrations: Sequence[Demonstration], seed: int, console: Any
) -> list[Outcome]:
    """Train them all below a bar that moves with the epochs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from chainrule.training.callbacks import Moment

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(demonstrations))

        def move(moment: Moment) -> None:
            share = (moment.epoch - 1 + moment.step / moment.steps) / moment.max_epochs
            progress.update(task, completed=len(outcomes) + share)

        for each in demonstrations:
            progress.update(task, description=f"{each.estimator}: {each.data}")
            outcomes.append(each.run(seed, [move]))
            progress.update(task, completed=len(outcomes))
    return outcomes
