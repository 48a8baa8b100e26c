"""``chainrule explain``: the chain rule on one formula, step by step."""

from __future__ import annotations

import click

__all__ = ["explain"]


class FormulaCommand(click.Command):
    """A command whose formula may begin with a minus sign: -h calls for help, -h*x does not."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Read the command line."""
        spelled = ["--help" if each == "-h" else each for each in arguments]
        return super().parse_args(context, spelled)


@click.command(
    cls=FormulaCommand,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("expression")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--wrt", metavar="NAME[,NAME]...", multiple=True, help="Derive by these variables only."
)
@click.option(
    "--digits", type=click.IntRange(1, 17), default=4, show_default=True, help="Of each number."
)
def explain(expression: str, values: tuple[str, ...], wrt: tuple[str, ...], digits: int) -> None:
    """Work out EXPRESSION and its derivatives at one point.

    \b
    chainrule explain "(x + y) * z" x=-2 y=5 z=-4
    chainrule explain "q = x + y; q * z" x=-2 y=5 z=-4
    """
    import chainrule as cr

    point: dict[str | cr.Node, float] = {}
    for each in values:
        name, number = _assignment(each)
        if name in point:
            raise click.UsageError(f"{name!r} is given two values.")
        point[name] = number
    names = [name.strip() for each in wrt for name in each.split(",")]
    work = cr.explain(expression, point, wrt=names or None)
    click.echo(work.to_text(digits))


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        # The minus sign of the blackboard is not the one of the keyboard.
        number = float(value.strip().replace("−", "-"))
    except ValueError:
        number = None
    if not equals or not name.strip() or number is None:
        raise click.UsageError(
            f"{text!r} gives no variable a value: write it as x=-2. A formula with blanks must "
            f"be in quotation marks."
        )
    return name.strip(), number
