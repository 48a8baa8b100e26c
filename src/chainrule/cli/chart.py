"""``chainrule chart``: the networks of the chart, and which of them are built."""

from __future__ import annotations

import click

from chainrule.networks.chart import CHART

__all__ = ["chart"]


@click.command()
def chart() -> None:
    """List the 27 networks of the chart of 2016, and say which are built.

    The chart is "A mostly complete chart of Neural Networks" by Fjodor van Veen.
    """
    name_width = max(len(entry.name) for entry in CHART)
    source_width = max(len(entry.paper.short) for entry in CHART)
    for entry in CHART:
        line = f"{entry.code:5}  {entry.name:{name_width}}  {entry.paper.short:{source_width}}"
        built = ", ".join(entry.estimators)
        status = click.style(built, fg="green") if built else click.style("not yet", dim=True)
        click.echo(f"{line}  {status}")
    n_built = sum(bool(entry.estimators) for entry in CHART)
    click.echo(f"\n{n_built} of {len(CHART)} are built.")
