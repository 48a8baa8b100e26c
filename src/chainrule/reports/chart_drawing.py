"""The networks of the chart as SVG, in its own style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.networks.chart import CHART, ChartEntry
from chainrule.networks.pictures import Cell, Link, Picture
from chainrule.pages.cells import CELL_KINDS, CELL_STYLE, FAMILIES, draw_cell
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.text_width import text_width

__all__ = ["LINK_STYLE", "RADIUS", "chart_svg", "draw_entry", "entry_svg", "layers_in_words"]

UNIT = 26.0
"""The distance of two cells of a layer, in pixels."""

RADIUS = 0.34
"""Of a cell, in that distance."""

_AROUND = 0.8  # between the outermost centres and the edge
_COLUMNS, _TILE_WIDTH, _TILE_HEIGHT, _GAP, _MARGIN, _PADDING = 6, 290.0, 268.0, 16.0, 44.0, 18.0
_TITLE = 66.0  # the height of what stands above the tiles
_LINE = 17.0

LINK_STYLE = """
.network .link, .network .loop { fill: none; stroke: var(--soft); stroke-opacity: .65; }
.network .loop { stroke-width: 1.4; stroke-opacity: 1; }
"""
"""CSS for what joins the cells, besides ``CELL_STYLE``."""

_FILE_STYLE = """
svg { color-scheme: light dark; --paper: #fdfcfa; --card: #ffffff; --ink: #1f2328; --soft: #667079;
  --rule: #e3e0da; --model: #0b6e99;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #15181b; --card: #1d2125; --ink: #e6e4df; --soft: #98a1a8; --rule: #31373d;
    --model: #58b7e0; }
}
.paper { fill: var(--paper); } .tile { fill: var(--card); stroke: var(--rule); }
text { fill: var(--soft); font-size: 11.5px; }
text.title { fill: var(--ink); font-size: 25px; font-weight: 650; }
text.name { fill: var(--ink); font-size: 13.5px; font-weight: 600; }
text.code { text-anchor: end; } text.built { fill: var(--model); }
"""


def draw_entry(entry: ChartEntry, scale: float = 1.0, **attributes: object) -> Markup:
    """The picture of a network; attributes such as ``x`` and ``y`` place it.

    Examples
    --------
    >>> draw_entry(CHART[0]).count("<circle")
    3
    """
    picture = entry.picture
    cells = picture.cells
    left = UNIT * (min(cell.x for cell in cells) - _AROUND)
    top = UNIT * (min(cell.y for cell in cells) - _AROUND)
    width, height = _size(picture)
    return element(
        "svg",
        element("title", f"{entry.name}: {layers_in_words(entry)}"),
        join(_link(cells, each) for each in picture.links),
        join(_loop(cells[each]) for each in picture.loops),
        join(draw_cell(each.kind, UNIT * each.x, UNIT * each.y, UNIT * RADIUS) for each in cells),
        viewBox=f"{left:.1f} {top:.1f} {width:.1f} {height:.1f}",
        width=f"{scale * width:.1f}",
        height=f"{scale * height:.1f}",
        class_="network",
        role="img",
        **attributes,
    )


def layers_in_words(entry: ChartEntry) -> str:
    """How many cells of which kind each layer has.

    Examples
    --------
    >>> layers_in_words(CHART[1])
    '2 input → 2 hidden → 1 output'
    """
    layers = []
    for kinds in entry.layers:
        parts = (f"{kinds.count(kind)} {CELL_KINDS[kind].label}" for kind in dict.fromkeys(kinds))
        layers.append(" + ".join(parts))
    return " → ".join(layers)


def entry_svg(entry: ChartEntry) -> str:
    """One network as a file: its picture, name, paper and the kinds of its cells."""
    scale = 1.6
    width, height = (scale * each for each in _size(entry.picture))
    kinds = entry.kinds
    inside = max(width, 280.0)
    lines = [
        *_lines(f"{entry.name} ({entry.code})", "name", 13.5, inside),
        *_lines(entry.paper.short, "", 11.5, inside),
    ]
    text_top = _MARGIN + height + 12
    legend_top = text_top + _LINE * (len(lines) + 1)
    content = [
        draw_entry(entry, scale, x=f"{_MARGIN + (inside - width) / 2:.1f}", y=f"{_MARGIN / 2:.1f}"),
        *_texts(lines, _MARGIN, text_top),
        *_legend([kinds], _MARGIN, legend_top),
    ]
    bottom = legend_top + 1.3 * _LINE * len(kinds) + _MARGIN / 2
    return _file(entry.name, inside + 2 * _MARGIN, bottom, content)


def chart_svg() -> str:
    """The whole chart as a file, in the manner of the poster."""
    content: list[Markup] = [
        element("text", "Neural networks", x=_MARGIN, y=_MARGIN + 22, class_="title"),
        element(
            "text",
            "After “A mostly complete chart of Neural Networks”, Fjodor van Veen, The Asimov "
            "Institute, 2016",
            x=_MARGIN,
            y=_MARGIN + 46,
        ),
    ]
    content += [_tile(entry, *_place(number)) for number, entry in enumerate(CHART)]
    legend_x, legend_y = _place(len(CHART))
    families = [
        [kind for kind, each in CELL_KINDS.items() if each.family == family] for family in FAMILIES
    ]
    content += _legend(families, legend_x + _PADDING, legend_y + _TILE_HEIGHT / 2 - 1.3 * _LINE)
    width = _place(_COLUMNS - 1)[0] + _TILE_WIDTH + _MARGIN
    return _file("Neural networks", width, legend_y + _TILE_HEIGHT + _MARGIN, content)


def _place(number: int) -> tuple[float, float]:
    """The upper left corner of a tile."""
    row, column = divmod(number, _COLUMNS)
    y = _MARGIN + _TITLE + row * (_TILE_HEIGHT + _GAP)
    return _MARGIN + column * (_TILE_WIDTH + _GAP), y


def _tile(entry: ChartEntry, x: float, y: float) -> Markup:
    inside = _TILE_WIDTH - 2 * _PADDING
    name = _lines(entry.name, "name", 13.5, inside - 50)
    built = ", ".join(entry.estimators)
    below = [
        (entry.paper.short, ""),
        *_lines(built or "not built yet", "built" if built else "", 11.5, inside),
    ]
    width, height = _size(entry.picture)
    top, bottom = y + _PADDING + 14, y + _TILE_HEIGHT - _PADDING - _LINE * (len(below) - 1)
    # The picture is centred in what the lines above and below leave.
    free_top, free_bottom = top + _LINE * (len(name) - 1), bottom - _LINE
    picture = draw_entry(
        entry,
        x=f"{x + (_TILE_WIDTH - width) / 2:.1f}",
        y=f"{(free_top + free_bottom - height) / 2:.1f}",
    )
    code_x = x + _TILE_WIDTH - _PADDING
    return element(
        "g",
        element("rect", x=x, y=y, width=_TILE_WIDTH, height=_TILE_HEIGHT, rx=10, class_="tile"),
        *_texts(name, x + _PADDING, top),
        element("text", entry.code, x=code_x, y=top, class_="code"),
        picture,
        *_texts(below, x + _PADDING, bottom),
    )


def _lines(text: str, kind: str, size: float, width: float) -> list[tuple[str, str]]:
    """A text in lines that are no wider than ``width``, each with its class."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [(line, kind) for line in lines]


def _texts(lines: Sequence[tuple[str, str]], x: float, y: float) -> Iterable[Markup]:
    for k, (text, kind) in enumerate(lines):
        yield element("text", text, x=x, y=f"{y + _LINE * k:.1f}", class_=kind)


def _legend(columns: Sequence[Sequence[str]], x: float, y: float) -> Iterable[Markup]:
    """Kinds of cells with their names, each sequence below one another."""
    for column, kinds in enumerate(columns):
        left = x + column * 172
        for row, kind in enumerate(kinds):
            middle = y + 1.3 * _LINE * row
            yield element("g", draw_cell(kind, left + 9, middle, 8.0), class_="network")
            label = CELL_KINDS[kind].label
            yield element("text", label, x=left + 25, y=f"{middle + 4:.1f}")


def _file(title: str, width: float, height: float, content: Iterable[Markup]) -> str:
    drawn = element(
        "svg",
        element("title", title),
        element("style", raw(_FILE_STYLE + CELL_STYLE + LINK_STYLE)),
        element("rect", width="100%", height="100%", class_="paper"),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def _size(picture: Picture) -> tuple[float, float]:
    across, down = [each.x for each in picture.cells], [each.y for each in picture.cells]
    width = max(across) - min(across) + 2 * _AROUND
    return UNIT * width, UNIT * (max(down) - min(down) + 2 * _AROUND)


def _link(cells: Sequence[Cell], link: Link) -> Markup:
    source, target = cells[link.source], cells[link.target]
    x1, y1, x2, y2 = (UNIT * each for each in (source.x, source.y, target.x, target.y))
    if not link.rise:
        return element(
            "line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_="link"
        )
    # A curve reaches half as high as the point that bends it.
    middle, high = (x1 + x2) / 2, (y1 + y2) / 2 - 2 * UNIT * link.rise
    curve = f"M{x1:.1f} {y1:.1f}Q{middle:.1f} {high:.1f} {x2:.1f} {y2:.1f}"
    return element("path", d=curve, class_="link")


def _loop(cell: Cell) -> Markup:
    """A handle on top: the cell is joined to its own past."""
    x, y, r = UNIT * cell.x, UNIT * cell.y, UNIT * RADIUS
    handle = f"M{x - 0.5 * r:.1f} {y - 0.8 * r:.1f}C{x - 0.9 * r:.1f} {y - 1.8 * r:.1f} "
    handle += f"{x + 0.9 * r:.1f} {y - 1.8 * r:.1f} {x + 0.5 * r:.1f} {y - 0.8 * r:.1f}"
    return element("path", d=handle, class_="loop")
