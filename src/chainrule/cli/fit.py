"""``chainrule fit``: train a network on a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.networks import NETWORKS, build
from chainrule.errors import ChainruleError

__all__ = ["fit"]


@click.command()
@click.argument("data")
@click.option("--network", type=click.Choice(list(NETWORKS)), default="mlp", show_default=True)
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="What the target holds; text, and up to 20 different whole numbers, are classes.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of the network, such as hidden_layer_sizes=64,64. Can be repeated.",
)
@click.option("--impute", is_flag=True, help="Fill in missing values.")
@click.option("--ignore", metavar="COLUMN", multiple=True, help="Leave a column out.")
@click.option(
    "--categorical", metavar="COLUMN", multiple=True, help="Take a column's numbers for categories."
)
@click.option(
    "--test-size",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="The share of rows held out to measure the result.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of all chance."
)
@click.option("--out", metavar="MODEL", type=click.Path(path_type=Path), help="Save the model.")
@click.option(
    "--report", metavar="FILE.html", type=click.Path(path_type=Path), help="Write a page about it."
)
def fit(
    data: str,
    network: str,
    target: str | None,
    task: Any,
    settings: tuple[str, ...],
    impute: bool,
    ignore: tuple[str, ...],
    categorical: tuple[str, ...],
    test_size: float,
    seed: int,
    out: Path | None,
    report: Path | None,
) -> None:
    """Train a network on DATA: a built-in data set, or a CSV or Parquet file.

    Built in are digits, iris, wine, breast_cancer and diabetes. A file has a header. Its target
    is a column called target, class, label or y, or else the last one. Numbers are standardised,
    text becomes one column of 0 and 1 for each category, and the model keeps the description.

    Ctrl-C ends training; the model is kept as far as it got.
    """
    # Imports wait until they are needed: a fault of the command line or the file comes at once.
    from chainrule.datasets.read import read_table
    from chainrule.datasets.targets import choose_target, describe_target
    from chainrule.files.whole import check_writable, write_whole

    if test_size != test_size:
        raise click.BadParameter("nan is no share of the rows.", param_hint="--test-size")
    keep: list[str | Path] = [data] if Path(data).exists() else []
    for path in (out, report):
        if path is not None:
            check_writable(path, keep)
            keep.append(path)
    table = read_table(data)
    described = describe_target(table, choose_target(table, target), task)
    if described.name in ignore:
        raise click.UsageError(
            f"The target {described.name!r} cannot be ignored. Name another --target."
        )

    import rich.progress  # noqa: F401  else its import would be counted as time of training
    from rich.console import Console

    from chainrule.callbacks import ProgressBar
    from chainrule.estimators.table_fit import fit_table
    from chainrule.reports.facts import facts

    estimator = build(
        network,
        described.task,
        settings,
        random_state=seed,
        callbacks=[ProgressBar(Console(stderr=True))],
    )
    try:
        result = fit_table(
            estimator,
            table,
            described,
            test_size=test_size,
            seed=seed,
            impute=impute,
            ignore=ignore,
            categorical=categorical,
            # Counts must stay counts.
            scale_target=described.task == "regression"
            and network != "linear"
            and estimator.loss != "poisson",
            fit_options="validation_data"
            if network in ("mlp", "rnn", "lstm", "gru") and not estimator.early_stopping
            else None,
        )
    except ChainruleError:
        raise
    except ValueError as error:
        # A parameter that does not suit the data: the estimator says which, and why.
        raise click.ClickException(str(error)) from None
    lines = facts(result)
    page = b""
    if report is not None:
        from chainrule.reports.fit_report import fit_report

        page = fit_report(result, __version__).encode("utf-8")
    # Only now, so that Ctrl-C finds either nothing written or everything.
    if out is not None:
        result.model.save(out)
        lines.append(("model", str(out)))
    if report is not None:
        write_whole(report, page)
        lines.append(("report", str(report)))
    for name, text in lines:
        click.echo(f"{click.style(f'{name:10}', bold=True)} {text}")
