"""``chainrule explain``: the chain rule on one formula, step by step."""

from __future__ import annotations

import click

__all__ = ["explain"]


# A formula may begin with a minus sign; -h*x is no option then, and no call for help.
@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("expression")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--wrt", metavar="NAME", multiple=True, help="Derive by this variable only.")
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
    work = cr.explain(expression, point, wrt=list(wrt) or None)
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
