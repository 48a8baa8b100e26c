"""The networks of the chart as text: pictures of signs and dotted lines, and their equations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from chainrule.networks.chart import CHART, ChartEntry
from chainrule.networks.equations import Equations, equations_of, lines_of, shapes_of
from chainrule.networks.pictures import COLUMN, Picture
from chainrule.notation.formula_text import formula_text
from chainrule.pages.cells import CELL_KINDS, FAMILIES
from chainrule.reports.chart_drawing import layers_in_words

__all__ = ["chart_text", "entry_text", "picture_text"]

_ACROSS, _DOWN = 6 / COLUMN, 2.0
"""Characters and lines in the distance of two cells: six between layers, two in a layer."""

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bits of the dots of a Braille sign, four rows of two."""

_BRAILLE = 0x2800
_WIDTH = 88


class _Style:
    """Marks text for a terminal, or leaves it plain."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def cell(self, kind: str, text: str) -> str:
        red, green, blue = bytes.fromhex(FAMILIES[CELL_KINDS[kind].family][1:])
        # The colour cube that nearly every terminal has: six steps of each primary colour.
        steps = [round(5 * each / 255) for each in (red, green, blue)]
        return self._marked(f"38;5;{16 + 36 * steps[0] + 6 * steps[1] + steps[2]}", text)

    def dim(self, text: str) -> str:
        return self._marked("2", text)

    def bold(self, text: str) -> str:
        return self._marked("1", text)

    def built(self, text: str) -> str:
        return self._marked("32", text)

    def _marked(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text


def chart_text(color: bool = False) -> str:
    """The whole chart, a line for each network, and what the signs mean.

    Parameters
    ----------
    color : bool, default=False
        With the escape sequences of a terminal.
    """
    style = _Style(color)
    name_width = max(len(entry.name) for entry in CHART)
    signs_width = max(len(_signs(entry)) for entry in CHART)
    lines = []
    for entry in CHART:
        layers = [
            "".join(style.cell(kind, CELL_KINDS[kind].sign) for kind in layer)
            for layer in entry.layers
        ]
        padding = " " * (signs_width - len(_signs(entry)))
        built = ", ".join(entry.estimators)
        status = style.built(built) if built else style.dim("not built yet")
        lines.append(
            f"{style.bold(f'{entry.code:5}')}  {entry.name:{name_width}}  "
            f"{' '.join(layers)}{padding}  {status}"
        )
    n_built = sum(bool(entry.estimators) for entry in CHART)
    lines += ["", *_legend(list(CELL_KINDS), style), ""]
    lines.append(f"{n_built} of {len(CHART)} are built. `chainrule chart lstm` shows one of them.")
    return "\n".join(lines)


def entry_text(entry: ChartEntry, color: bool = False) -> str:
    """One network: its picture, paper, estimators and equations.

    Parameters
    ----------
    entry : ChartEntry
    color : bool, default=False
        With the escape sequences of a terminal.
    """
    style = _Style(color)
    built = ", ".join(entry.estimators)
    lines = [
        style.bold(f"{entry.name} ({entry.code})"),
        "",
        *(f"  {line}".rstrip() for line in picture_text(entry.picture, color).split("\n")),
        "",
        f"  {'   '.join(_legend(entry.kinds, style))}",
        *_wrapped(layers_in_words(entry), "  "),
        "",
        f"{style.bold('Paper')}       {_wrapped(str(entry.paper), ' ' * 12)[0].strip()}",
        *_wrapped(str(entry.paper), " " * 12)[1:],
        f"{style.bold('Estimators')}  {style.built(built) or style.dim('not built yet')}",
    ]
    groups = equations_of(entry.code)
    for group in groups:
        title = "Equations" if len(groups) == 1 else group.title
        lines += ["", style.bold(title), *_equations(group, style)]
    return "\n".join(lines)


def picture_text(picture: Picture, color: bool = False) -> str:
    """A picture in lines of text: a sign for each cell, and lines of Braille dots.

    Parameters
    ----------
    picture : Picture
    color : bool, default=False
        With the escape sequences of a terminal.

    Examples
    --------
    >>> print(picture_text(CHART[0].picture))
    ○⠤⣄⡀
       ⢉⣉⠷■
    ○⠒⠉⠁
    """
    style = _Style(color)
    left, top = (min(getattr(cell, axis) for cell in picture.cells) for axis in "xy")
    places = [
        (round((cell.y - top) * _DOWN), round((cell.x - left) * _ACROSS)) for cell in picture.cells
    ]
    height, width = (max(each) + 1 for each in zip(*places, strict=True))
    dots = np.zeros((4 * height, 2 * width), bool)
    for link in picture.links:
        _draw_line(dots, places[link.source], places[link.target], link.rise)
    signs = (dots.reshape(height, 4, width, 2) * _DOTS[:, None, :]).sum(axis=(1, 3))
    drawn = [[style.dim(chr(_BRAILLE + sign)) if sign else " " for sign in line] for line in signs]
    for cell, (line, column) in zip(picture.cells, places, strict=True):
        drawn[line][column] = style.cell(cell.kind, CELL_KINDS[cell.kind].sign)
    return "\n".join("".join(line).rstrip() for line in drawn)


def _draw_line(
    dots: npt.NDArray[np.bool_], source: tuple[int, int], target: tuple[int, int], rise: float
) -> None:
    """Set the dots of a line or arc between the middles of two characters."""
    start, end = (
        np.array([4.0 * line + 1.5, 2.0 * column + 0.5]) for line, column in (source, target)
    )
    along = np.linspace(0.0, 1.0, 2 * int(np.abs(end - start).max()) + 1)[:, None]
    points = start + along * (end - start)
    points[:, :1] -= 4 * rise * 4 * _DOWN * along * (1 - along)
    down, across = np.clip(np.rint(points).astype(int), 0, np.array(dots.shape) - 1).T
    dots[down, across] = True


def _signs(entry: ChartEntry) -> str:
    return " ".join("".join(CELL_KINDS[kind].sign for kind in layer) for layer in entry.layers)


def _legend(kinds: Iterable[str], style: _Style) -> list[str]:
    """The signs with their names, each family in a line of its own."""
    lines: dict[str, list[str]] = {}
    for kind in kinds:
        cell = CELL_KINDS[kind]
        lines.setdefault(cell.family, []).append(f"{style.cell(kind, cell.sign)} {cell.label}")
    return ["   ".join(line) for line in lines.values()]


def _equations(equations: Equations, style: _Style) -> list[str]:
    written = [(name.name, formula_text(formula)) for name, formula in lines_of(equations)]
    widest = max(len(name) for name, _ in written)
    lines = [f"  {name:{widest}} = {formula}" for name, formula in written]
    shapes = ", ".join(f"{name.name} {shape}" for name, shape in shapes_of(equations))
    remarks = [*_wrapped(equations.given, "  "), *_wrapped(f"Shapes: {shapes}.", "  ")]
    return [*lines, *map(style.dim, remarks)]


def _wrapped(text: str, indent: str) -> list[str]:
    """A text in lines, broken between words only."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
