"""The program ``chainrule``: its commands, and how faults are told."""

from __future__ import annotations

import importlib
import io
import os
import sys
import textwrap
from collections.abc import Sequence

import click

from chainrule import __version__
from chainrule.errors import ChainruleError

__all__ = ["chainrule", "main"]

COMMANDS = {
    "fit": "chainrule.cli.fit",
    "predict": "chainrule.cli.predict",
    "explain": "chainrule.cli.explain",
    "doctor": "chainrule.cli.doctor",
    "chart": "chainrule.cli.chart",
}
"""Each module has a command of the same name, and is imported when the command is called."""

SUMMARIES = {
    "fit": "Train a network on a table or a built-in data set.",
    "predict": "Predict with a saved model.",
    "explain": "Work out a formula, or one number of a saved model, to the last derivative.",
    "doctor": "Say what is wrong with a saved model, and what helps.",
    "chart": "Show the chart of neural networks, or one of them with its equations.",
}


class Commands(click.Group):
    """Commands whose modules are imported when they are called, so that help is quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names, in the order of help."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in COMMANDS:
            return None
        return getattr(importlib.import_module(COMMANDS[name]), name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chainrule")
def chainrule() -> None:
    """Classic neural networks, compiled to native code, explained to the last derivative.

    Start with `chainrule fit digits`.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        0; 1 for a fault of the input, 2 for one of the command line, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal or file cannot take a sign of ours, it gets a question mark.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        chainrule(arguments, prog_name="chainrule", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        _tell("Interrupted: nothing was written.")
        return 130
    except OSError as error:
        # What Python still has in its buffer must go somewhere, or it complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0  # the reader, `head` for one, has all it wants
        _tell(f"Error: the output cannot be written: {error.strerror or error}.")
        return 1
    except (ChainruleError, click.ClickException) as error:
        _tell(
            f"Error: {error.format_message() if isinstance(error, click.ClickException) else error}"
        )
        return 1
    except MemoryError:
        _tell("Error: there is not enough memory for this. Take fewer rows, or a smaller network.")
        return 1
    return 0


def _tell(message: str) -> None:
    """Write a message: sentences are wrapped, indented lines stay as they are."""
    for line in message.splitlines():
        if not line.startswith(" "):
            line = textwrap.fill(line, 88, break_long_words=False, break_on_hyphens=False)
        click.echo(line, err=True)
