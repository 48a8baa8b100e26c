"""``chainrule explain``: the chain rule on one formula or trained network, step by step."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation

__all__ = ["explain"]


class FormulaCommand(click.Command):
    """A command whose formula may begin with a minus sign: -h calls for help, -h*x does not."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Read the command line."""
        spelled = ["--help" if each == "-h" else each for each in arguments]
        return super().parse_args(context, spelled)


FORMATS = ("text", "html", "latex", "svg", "json")


@click.command(
    cls=FormulaCommand,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("expression", metavar="EXPRESSION|MODEL")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...|DATA")
@click.option(
    "--wrt", metavar="NAME[,NAME]...", multiple=True, help="Derive by these variables only."
)
@click.option("--spell-out", is_flag=True, help="Write σ and tanh in exp and 1/x.")
@click.option("--row", type=click.IntRange(0), help="Of DATA, counted from 0.  [default: 0]")
@click.option(
    "--parameter",
    metavar="NAME",
    help="Of MODEL: a weight W1[0, 0], bias b1[0], input x[0] or unit h1_out[0].",
)
@click.option(
    "--digits", type=click.IntRange(1, 17), default=4, show_default=True, help="Of each number."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By default that of FILE, or text."
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write it here.")
def explain(
    expression: str,
    values: tuple[str, ...],
    wrt: tuple[str, ...],
    spell_out: bool,
    row: int | None,
    parameter: str | None,
    digits: int,
    form: str | None,
    out: Path | None,
) -> None:
    """Work out EXPRESSION and its derivatives at one point, or one number of a trained MODEL.

    \b
    chainrule explain "(x + y) * z" x=-2 y=5 z=-4
    chainrule explain "q = x + y; q * z" x=-2 y=5 z=-4 --out chain.html
    chainrule explain iris.safetensors iris --row 0 --parameter "W2[3, 1]"
    """
    from chainrule.files.whole import check_writable, write_whole

    if form is None:
        form = _form_of(out)
    is_model = expression.endswith(".safetensors") or Path(expression).is_file()
    if out is not None:
        inputs = [expression, *values] if is_model else []
        check_writable(out, [each for each in inputs if Path(each).exists()])
    if is_model:
        if wrt or spell_out:
            raise click.UsageError(
                "--wrt and --spell-out are for formulas: for a model, name a --parameter."
            )
        work = _explain_model(Path(expression), values, row or 0, parameter)
    else:
        if row is not None or parameter is not None:
            raise click.UsageError(
                "--row and --parameter are for a MODEL and its DATA; a formula is derived --wrt "
                "its variables."
            )
        work = _explain_formula(expression, values, wrt, spell_out)
    text = _rendered(work, form, digits, color=out is None and not os.environ.get("NO_COLOR"))
    if out is None:
        click.echo(text.removesuffix("\n"))
    else:
        write_whole(out, text.encode("utf-8"))
        click.echo(f"written to {out}", err=True)


def _form_of(out: Path | None) -> str:
    """The form that the name of a file asks for."""
    forms = {".html": "html", ".htm": "html", ".tex": "latex", ".svg": "svg", ".json": "json"}
    if out is None or out.suffix.lower() in ("", ".txt"):
        return "text"
    form = forms.get(out.suffix.lower())
    if form is None:
        raise click.UsageError(
            f"{out} ends in {out.suffix}, which is none of .txt, {', '.join(forms)}: say --format."
        )
    return form


def _rendered(work: Derivation, form: str, digits: int, color: bool) -> str:
    match form:
        case "html":
            return work.to_html(digits)
        case "latex":
            return work.to_latex(digits)
        case "svg":
            return work.to_svg(digits)
        case "json":
            return json.dumps(work.to_dict(), indent=2, ensure_ascii=False) + "\n"
    return work.to_text(digits, color) + "\n"


def _explain_model(
    model: Path, values: Sequence[str], row: int, parameter: str | None
) -> Derivation:
    from chainrule.cli.models import load_table_model

    if len(values) != 1:
        raise click.UsageError(
            f"{model} is a model: give one DATA, a built-in data set or a CSV or Parquet file, "
            f"and a --row of it."
        )
    return load_table_model(model).explain(values[0], row, parameter)


def _explain_formula(
    expression: str, values: Sequence[str], wrt: Sequence[str], spell_out: bool
) -> Derivation:
    import chainrule as cr

    point: dict[str | cr.Node, float] = {}
    for each in values:
        name, number = _assignment(each)
        if name in point:
            raise click.UsageError(f"{name!r} is given two values.")
        point[name] = number
    names = [name.strip() for each in wrt for name in each.split(",")]
    return cr.explain(expression, point, wrt=names or None, spell_out=spell_out)


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        # The minus sign of the blackboard is not the one of the keyboard.
        number = float(value.strip().replace("−", "-"))
    except ValueError:
        number = None
    if not equals or not name.strip() or number is None:
        raise click.UsageError(
            f"{text!r} gives no variable a number: write it as x=-2. A formula with blanks must "
            f"be in quotation marks."
        )
    return name.strip(), number
