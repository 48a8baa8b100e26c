"""``chainrule predict``: predict with a saved model."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click

__all__ = ["predict"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--out", metavar="FILE.csv", type=click.Path(path_type=Path), help="Write it here.")
@click.option(
    "--unknown-as-zeros",
    is_flag=True,
    help="Encode a category that was not there in training as none of those that were.",
)
def predict(model: Path, data: str, out: Path | None, unknown_as_zeros: bool) -> None:
    """Predict each row of DATA with MODEL, which `chainrule fit --out` has saved.

    Writes CSV: the prediction, and for classes the probability of the one predicted. Where DATA
    has the target too, says how many predictions are right.
    """
    from chainrule.cli.models import load_table_model
    from chainrule.datasets.read import read_table
    from chainrule.datasets.targets import read_target
    from chainrule.estimators.table_model import measure
    from chainrule.files.whole import check_writable, write_whole

    if out is not None:
        check_writable(out, [model, *([data] if Path(data).exists() else [])])
    loaded = load_table_model(model)
    table = read_table(data)
    X = loaded.encoded(table, unknown_as_zeros)
    known = loaded.target.name in table.columns
    actual = read_target(loaded.target, table) if known else None
    predicted = loaded.predict_encoded(X)
    columns = {f"predicted {loaded.target.name}": predicted.tolist()}
    if hasattr(loaded.estimator, "predict_proba"):
        most = loaded.estimator.predict_proba(X).max(axis=1)
        columns["probability"] = [f"{each:.6g}" for each in most]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    if out is not None:
        write_whole(out, text.getvalue().encode("utf-8"))
        click.echo(f"{len(predicted):,} predictions in {out}", err=True)
    else:
        click.echo(text.getvalue(), nl=False)
    if actual is not None:
        name, score = measure(loaded.target, actual, predicted)
        click.echo(f"{name} {score:.3f} on these {len(predicted):,} rows", err=True)
