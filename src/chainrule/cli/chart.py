"""``chainrule chart``: the networks of the chart, drawn, with their equations."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chainrule.networks.chart import ChartEntry

__all__ = ["chart"]


@click.command()
@click.argument("network", required=False)
@click.option("--fit", is_flag=True, help="Train the networks, and write a page about it.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a .html page or a .svg; with --fit a page, chart.html if not given.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="For --fit."
)
def chart(network: str | None, fit: bool, out: Path | None, seed: int) -> None:
    """List the 27 networks of the chart of 2016, show one NETWORK of them, or train them.

    The chart is "A mostly complete chart of Neural Networks" by Fjodor van Veen. A network has a
    code or a name.

    \b
    chainrule chart
    chainrule chart lstm
    chainrule chart "auto encoder" --out ae.html
    chainrule chart --out chart.svg
    chainrule chart --fit
    chainrule chart --fit lstm --out lstm.html
    """
    entry = None if network is None else _entry(network)
    if fit:
        _fit(entry, out, seed)
        return
    if out is not None:
        _write(entry, out)
        return
    # Imports wait until they are needed: a fault of the command line comes at once.
    from chainrule.reports.chart_text import chart_text, entry_text

    color = not os.environ.get("NO_COLOR")
    click.echo(chart_text(color) if entry is None else entry_text(entry, color))


def _entry(network: str) -> ChartEntry:
    """The network of that code or name, however it is capitalised."""
    from chainrule.networks.chart import CHART

    known = {entry.code.lower(): entry for entry in CHART}
    known |= {entry.name.lower(): entry for entry in CHART}
    wanted = " ".join(network.lower().replace("-", " ").replace("_", " ").split())
    spelled = {name.replace("-", " "): entry for name, entry in known.items()}
    if wanted in spelled:
        return spelled[wanted]
    close = [spelled[name] for name in difflib.get_close_matches(wanted, spelled, n=3)]
    close += [entry for name, entry in spelled.items() if len(wanted) > 2 and wanted in name]
    meant = [f"{each.name} ({each.code})" for each in dict.fromkeys(close)]
    hint = f"Did you mean {' or '.join(meant[:3])}?" if meant else "`chainrule chart` lists them."
    raise click.UsageError(f"{network!r} is no network of the chart. {hint}")


def _fit(entry: ChartEntry | None, out: Path | None, seed: int) -> None:
    from chainrule.cli.chart_fit import PAGE, fit_chart
    from chainrule.files.whole import check_writable
    from chainrule.networks.chart import CHART
    from chainrule.networks.equations import EQUATIONS

    out = PAGE if out is None else out
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"{str(out)!r} must end in .html: networks are trained for a page.")
    check_writable(out)
    if entry is not None and not entry.estimators:
        raise click.UsageError(
            f"{entry.name} ({entry.code}) is not built yet. `chainrule chart` says which are."
        )
    wanted = CHART if entry is None else (entry,)
    fit_chart([each for each in wanted if each.code in EQUATIONS or each.estimators], out, seed)


def _write(entry: ChartEntry | None, out: Path) -> None:
    form = out.suffix.lower()
    if form not in (".html", ".htm", ".svg"):
        raise click.UsageError(f"{str(out)!r} must end in .html or .svg.")
    from chainrule.files.whole import check_writable, write_whole

    check_writable(out)
    if form == ".svg":
        from chainrule.reports.chart_drawing import chart_svg, entry_svg

        text = chart_svg() if entry is None else entry_svg(entry)
    else:
        from chainrule.reports.chart_page import chart_page, entry_page

        text = chart_page() if entry is None else entry_page(entry)
    write_whole(out, text.encode("utf-8"))
    click.echo(f"written to {out}", err=True)
