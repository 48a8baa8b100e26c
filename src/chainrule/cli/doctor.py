"""``chainrule doctor``: what is wrong with a saved model."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["doctor"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "--report", metavar="FILE.html", type=click.Path(path_type=Path), help="Write a page here."
)
def doctor(model: Path, data: str, report: Path | None) -> None:
    """Look for what is wrong with MODEL, which `chainrule fit --out` has saved.

    DATA are the rows that it was fitted to, or others with the same columns and the target: a
    built-in data set, or a CSV or Parquet file.
    """
    from chainrule.cli.models import load_table_model
    from chainrule.files.whole import check_writable, write_whole

    if report is not None:
        if report.suffix.lower() not in (".html", ".htm"):
            raise click.UsageError(f"The report is a page: let {report} end in .html.")
        check_writable(report, [model, *([data] if Path(data).exists() else [])])
    diagnosis = load_table_model(model).diagnose(data)
    click.echo(str(diagnosis))
    if report is not None:
        write_whole(report, diagnosis.to_html().encode("utf-8"))
        click.echo(f"written to {report}", err=True)
