"""The graph of a derivation, drawn: values above the lines, gradients below them."""

from __future__ import annotations

import itertools
from pathlib import Path

from chainrule.explain.graph_layers import layers_of
from chainrule.explain.graph_layout import Box, Layout, Link, lay_out
from chainrule.explain.graph_parts import Edge, Parts, Picture, Vertex
from chainrule.explain.worksheet import ForwardStep, Worksheet
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.text_width import text_width

__all__ = ["draw_graph", "graph_figure", "to_svg"]

_STYLE = Path(__file__).with_name("graph_drawing.css")

_RADIUS, _PILL = 19.0, 13.0
_LINE = 17.0  # of the text in a box
_SIGN, _NOTE, _LABEL = 13.5, 11.5, 12.0  # sizes of fonts, as in the style sheet
_MARGIN, _LEGEND = 14.0, 44.0
_LONGEST_NAME = 28
"""Of a longer name the beginning is written; all of it stands in the title."""


def draw_graph(sheet: Worksheet, digits: int = 4) -> Markup:
    """The graph of a worksheet as SVG, from the variables on the left to the result.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

    Returns
    -------
    Markup
        Above each line stands the value, and below it what this use adds to the gradient. Of
        more than 200 nodes, layers are drawn.

    Raises
    ------
    ChainruleError
        If igraph is not installed.

    Examples
    --------
    >>> import chainrule as cr
    >>> draw_graph(cr.explain("x*y", x=2, y=3).worksheet).startswith("<svg")
    True
    """
    return _drawn(Parts(sheet, digits).picture(layers_of(sheet.forward)), sheet.symbol)


def graph_figure(sheet: Worksheet, digits: int = 4) -> Markup:
    """The drawing, and below it that of each layer which is drawn as one box, folded away.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.
    """
    return _figure(Parts(sheet, digits), sheet.forward)


def _figure(parts: Parts, steps: tuple[ForwardStep, ...]) -> Markup:
    layers = layers_of(steps)
    return join(
        [
            _drawn(parts.picture(layers), parts.sheet.symbol),
            *(
                element(
                    "details",
                    element("summary", f"{layer.name}: {len(layer.steps):,} operations"),
                    _figure(parts, layer.steps),
                    class_="drawn-layer",
                )
                for layer in layers
                if len(layer.steps) > 1
            ),
        ]
    )


def to_svg(sheet: Worksheet, digits: int = 4) -> str:
    """The drawing as a file of its own, readable on a light and on a dark page."""
    picture = Parts(sheet, digits).picture(layers_of(sheet.forward))
    drawn = _drawn(picture, sheet.symbol, xmlns="http://www.w3.org/2000/svg")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def _drawn(picture: Picture, result: str, **attributes: object) -> Markup:
    layout = lay_out(
        [_box(each) for each in picture.vertices],
        [Link(each.source, each.target, _label_box(each), each.order) for each in picture.edges],
    )
    edges = [_edge(picture, layout, number) for number in range(len(picture.edges))]
    nodes = [
        _node(vertex, x, y) for vertex, (x, y) in zip(picture.vertices, layout.boxes, strict=True)
    ]
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN + _LEGEND
    return element(
        "svg",
        element("title", f"The graph of {result}: values above the lines, gradients below them"),
        element("style", raw(_STYLE.read_text(encoding="utf-8"))),
        element("rect", width="100%", height="100%", class_="paper"),
        element(
            "g",
            *edges,
            *nodes,
            _legend(layout.height + _LEGEND - 16),
            transform=f"translate({_MARGIN:g} {_MARGIN:g})",
        ),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        class_="drawn-graph",
        role="img",
        style=f"width:{width:.0f}px;min-width:{0.75 * width:.0f}px;max-width:100%",
        **attributes,
    )


def _legend(y: float) -> Markup:
    """A line as all others, on which stands what stands on them."""
    width = text_width("gradient", _LABEL) + 20
    return element(
        "g",
        element("path", d=f"M0 {y:.1f}H{width:.1f}", class_="line"),
        *_on_line("value", "gradient", width / 2, y),
        class_="legend",
    )


# --- nodes ---------------------------------------------------------------------------------


def _name(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _size(vertex: Vertex) -> tuple[float, float]:
    """Half the width and half the height of the disc, the pill or the box."""
    inside = text_width(_name(vertex.text), _SIGN)
    match vertex.kind:
        case "operation":
            return (_RADIUS if inside < 2 * _RADIUS - 5 else inside / 2 + 6), _RADIUS
        case "layer":
            widest = max([inside, *(text_width(each, _NOTE) for each in vertex.notes)])
            return widest / 2 + 14, (len(vertex.notes) + 1) * _LINE / 2 + 8
        case "end":
            return inside / 2 + 4, _PILL
        case _:
            return max(inside / 2 + 9, _PILL), _PILL


def _box(vertex: Vertex) -> Box:
    half, height = _size(vertex)
    width, below = 2 * half, height
    if vertex.kind == "operation" and vertex.notes:
        width, below = max(width, text_width(_name(vertex.notes[0]), _NOTE)), height + 16
    return Box(width, height, below, entry=0.6 * height)


def _node(vertex: Vertex, x: float, y: float) -> Markup:
    half, height = _size(vertex)
    texts = [(_name(vertex.text), "sign", y + 5)]
    if vertex.kind == "layer":
        top = y - len(vertex.notes) * _LINE / 2
        texts = [(_name(vertex.text), "sign", top + 5)]
        texts += [(note, "note", top + _LINE * k + 4) for k, note in enumerate(vertex.notes, 1)]
    elif vertex.notes:
        texts.append((_name(vertex.notes[0]), "note", y + height + 13))
    if vertex.kind == "operation" and half == _RADIUS:
        shape = element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{_RADIUS:g}")
    else:
        shape = element(
            "rect",
            x=f"{x - half:.1f}",
            y=f"{y - height:.1f}",
            width=f"{2 * half:.1f}",
            height=f"{2 * height:g}",
            rx=f"{10 if vertex.kind == 'layer' else height:g}",
        )
    return element(
        "g",
        element("title", vertex.title or vertex.text),
        shape,
        *(
            element("text", text, x=f"{x:.1f}", y=f"{line:.1f}", class_=kind)
            for text, kind, line in texts
        ),
        class_=_classes(vertex),
        **({} if vertex.kind == "end" else {"data_symbol": vertex.symbol}),
    )


def _classes(vertex: Vertex) -> str:
    if vertex.kind == "end":
        return "end"
    return f"node {vertex.kind}{' again' if vertex.again else ''}"


# --- lines ---------------------------------------------------------------------------------


def _label_box(edge: Edge) -> Box:
    width = max(text_width(edge.value, _LABEL), text_width(edge.gradient, _LABEL))
    return Box(width + 4, 16, 16 if edge.gradient else 3)


def _edge(picture: Picture, layout: Layout, number: int) -> Markup:
    edge = picture.edges[number]
    source, target = picture.vertices[edge.source], picture.vertices[edge.target]
    x, y = layout.boxes[edge.target]
    port, runs = layout.ports[number], layout.routes[number]
    half, height = _size(target)
    # Discs and pills are round at their sides.
    round_by = 0.0 if target.kind == "layer" else height - (height**2 - port**2) ** 0.5
    path = [f"M{runs[0].start + _size(source)[0]:.1f} {runs[0].y:.1f}H{runs[0].stop:.1f}"]
    for before, after in itertools.pairwise(runs):
        path.append(_curve(before.stop, before.y, after.start, after.y))
        path.append(f"H{after.stop:.1f}")
    path.append(_curve(runs[-1].stop, runs[-1].y, layout.columns[edge.target], y + port))
    path.append(f"H{x - half + round_by:.1f}")
    return element(
        "g",
        element("path", d="".join(path), class_="line"),
        *_on_line(edge.value, edge.gradient, *layout.labels[number]),
        class_="edge" if edge.gradient else "edge still",
        data_from=source.symbol,
        data_to=target.symbol,
    )


def _on_line(value: str, gradient: str, x: float, y: float) -> list[Markup]:
    texts = [(value, "value", y - 4), (gradient, "gradient", y + 12.5)]
    return [
        element("text", text, x=f"{x:.1f}", y=f"{line:.1f}", class_=kind)
        for text, kind, line in texts
        if text
    ]


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    if abs(y1 - y0) < 0.05:
        return ""
    middle = (x0 + x1) / 2
    return f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
