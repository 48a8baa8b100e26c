"""The figures that each network should reach, measured, on the terminal and as a page.

To add one, write a function in a module of this package, decorate it with
:func:`~benchmarks.figures.figure.figure`, and name a new module in ``MODULES``.
"""

from __future__ import annotations

import argparse
import platform
from importlib import import_module, metadata
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Table, progress

MODULES = ("one_layer", "feed_forward", "radial", "hard_cases", "recurrent", "autoencoders")
"""In the order of the chart."""

PAGE = Path(__file__).parents[2] / "docs" / "figures.md"
PACKAGES = ("chainrule", "numpy", "scipy", "scikit-learn", "aeon", "statsmodels")

HEAD = """# Figures to reach

Each network is held to numbers that others have reached, on data that is at hand. This page is
written by

```
make figures
```

and says what came out: **reached** or **not reached**, whichever it is. A target that comes from a
peer in the same run says so. Where a figure depends on the random start it is the median over
several seeds, unless its measure names one, and the detail gives the range. Settings that are not
named are defaults; those that are were chosen by hand among a few, with the test rows in sight, so
a value says what these settings give, and is no estimate of what they would give on other data.

"""


def versions() -> str:
    """Of the packages that take part, where they are installed."""
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


def main(arguments: list[str]) -> int:
    """Measure, print, write the page if all were asked for; 1 if one could not be measured."""
    from benchmarks.figures.figure import FIGURES, Row, short

    for name in MODULES:
        import_module(f"{__name__}.{name}")
    names = [each.name for each in FIGURES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks figures", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page is written")
    options = parser.parse_args(arguments)

    chosen = [each for each in FIGURES if not options.only or each.name in options.only]
    rows: list[Row] = []
    for number, each in enumerate(chosen, 1):
        progress(f"{number} of {len(chosen)}: {each.network} on {each.data}")
        rows.append(each.measured())
    progress("")

    table = Table("figure", "value", "target", "verdict", "seconds")
    for row in rows:
        value = short(row.found.value) if row.found else ""
        target = str(row.target or "")
        table.row(row.figure.name, value, target, row.verdict, f"{row.seconds:.0f}")
    print(table)
    for row in rows:
        if row.missing:
            print(f"! {row.figure.name}: {row.missing}")
    if not options.only:
        options.page.write_text(page(rows), encoding="utf-8")
        print(f"written to {options.page}")
    return int(any(row.found is None for row in rows))


def page(rows: list) -> str:
    """The page, in Markdown."""
    from benchmarks.figures.figure import short

    lines = [
        "| network | data | measure | value | target | | detail | settings | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        each, found = row.figure, row.found
        cells = [
            each.network,
            each.data,
            each.measure,
            short(found.value) if found else "",
            str(row.target or ""),
            f"**{row.verdict}**" if row.verdict == "not reached" else row.verdict,
            found.detail if found else row.missing,
            each.settings,
            f"{row.seconds:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    about = machine.description()
    foot = (
        f"{versions()}. {about['cpu']}, {about['cores']} cores; `s` is seconds for the whole row."
    )
    return HEAD + "\n".join(lines) + f"\n\n{foot}\n"
