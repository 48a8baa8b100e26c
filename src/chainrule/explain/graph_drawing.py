"""The graph of a derivation, drawn: values above the lines, gradients below them."""

from __future__ import annotations

import itertools
from pathlib import Path

from chainrule.explain.graph_layout import Box, Layout, Link, lay_out
from chainrule.explain.graph_parts import Edge, Parts, Picture, Vertex, single_layers
from chainrule.explain.worksheet import Worksheet
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.text_width import text_width

__all__ = ["draw_graph", "graph_figure", "to_svg"]

_STYLE = Path(__file__).with_name("graph_drawing.css")

_RADIUS, _PILL, _PAD = 17.0, 13.0, 9.0
_MARGIN = 12.0
_SIGN, _NAME, _LABEL = 14.0, 11.5, 12.0  # sizes of fonts


def draw_graph(sheet: Worksheet, digits: int = 4) -> Markup:
    """The graph of a worksheet as SVG, from the variables on the left to the result.

    Parameters
    ----------
    sheet : Worksheet
    digits : int, default=4
        Significant digits of numbers.

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
    return _draw(Parts(sheet, digits).picture(single_layers(sheet.forward)), sheet.symbol)


def graph_figure(sheet: Worksheet, digits: int = 4) -> Markup:
    """The drawing, and below it that of each layer which is drawn as one box."""
    return draw_graph(sheet, digits)


def to_svg(sheet: Worksheet, digits: int = 4) -> str:
    """The drawing as a file of its own, readable on a light and on a dark page."""
    picture = Parts(sheet, digits).picture(single_layers(sheet.forward))
    paper = element("rect", width="100%", height="100%", class_="paper")
    drawn = _draw(picture, sheet.symbol, paper, xmlns="http://www.w3.org/2000/svg")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def _draw(picture: Picture, result: str, paper: str = "", **attributes: object) -> Markup:
    boxes = [_box(each) for each in picture.vertices]
    links = [Link(each.source, each.target, _label_box(each)) for each in picture.edges]
    layout = lay_out(boxes, links)
    ports = _ports(picture, layout)
    edges = [_edge(picture, layout, place, port) for place, port in enumerate(ports)]
    nodes = [
        _node(vertex, x, y) for vertex, (x, y) in zip(picture.vertices, layout.boxes, strict=True)
    ]
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    return element(
        "svg",
        element("title", f"The graph of {result}: values above the lines, gradients below."),
        element("style", raw(_STYLE.read_text(encoding="utf-8"))),
        paper,
        element("g", *edges, *nodes, transform=f"translate({_MARGIN:g} {_MARGIN:g})"),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        class_="drawn-graph",
        role="img",
        style=f"width:{width:.0f}px;min-width:{0.75 * width:.0f}px;max-width:100%",
        **attributes,
    )


def _box(vertex: Vertex) -> Box:
    if vertex.kind in ("operation", "layer"):
        name = text_width(vertex.name, _NAME)
        return Box(max(2 * _half_width(vertex), name), _RADIUS, _RADIUS + (14 if name else 0))
    return Box(2 * _half_width(vertex), _PILL, _PILL)


def _half_width(vertex: Vertex) -> float:
    """Of the disc or the pill."""
    inside = text_width(vertex.text, _SIGN) / 2
    if vertex.kind == "operation":
        return _RADIUS if inside < _RADIUS - 2 else inside + _PAD - 2
    return max(inside + _PAD, _PILL)


def _label_box(edge: Edge) -> Box:
    width = max(text_width(edge.value, _LABEL), text_width(edge.gradient, _LABEL))
    return Box(width + 4, 16, 15 if edge.gradient else 3)


def _ports(picture: Picture, layout: Layout) -> list[float]:
    """How far above or below the middle of a node each line arrives: they share its height."""
    ports = [0.0] * len(picture.edges)
    arriving: dict[int, list[int]] = {}
    for place, edge in enumerate(picture.edges):
        arriving.setdefault(edge.target, []).append(place)
    for places in arriving.values():
        places.sort(key=lambda place: layout.routes[place][-1].y)
        step = min(14.0, 22.0 / max(len(places) - 1, 1))
        for k, place in enumerate(places):
            ports[place] = step * (k - (len(places) - 1) / 2)
    return ports


def _edge(picture: Picture, layout: Layout, place: int, port: float) -> Markup:
    edge = picture.edges[place]
    source, target = picture.vertices[edge.source], picture.vertices[edge.target]
    x, y = layout.boxes[edge.target]
    end_x, end_y = x - _half_width(target), y + port
    if target.kind == "operation":
        end_x += _RADIUS - (_RADIUS**2 - port**2) ** 0.5
    runs = layout.routes[place]
    path = [f"M{runs[0].start + _half_width(source):.1f} {runs[0].y:.1f}H{runs[0].stop:.1f}"]
    column = layout.columns[edge.target]
    for before, after in itertools.pairwise(runs):
        path.append(_curve(before.stop, before.y, after.start, after.y))
        path.append(f"H{after.stop:.1f}")
    path.append(_curve(runs[-1].stop, runs[-1].y, column, end_y))
    path.append(f"H{end_x:.1f}")
    middle, line = layout.labels[place]
    label = {"x": f"{middle:.1f}", "text_anchor": "middle"}
    return element(
        "g",
        element("path", d="".join(path), class_="line"),
        element("text", edge.value, y=f"{line - 4:.1f}", class_="value", **label),
        element("text", edge.gradient, y=f"{line + 12.5:.1f}", class_="gradient", **label)
        if edge.gradient
        else raw(""),
        class_="edge" if edge.flows else "edge still",
        data_from=source.symbol,
        data_to=target.symbol,
    )


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    if abs(y1 - y0) < 0.05:
        return ""
    middle = (x0 + x1) / 2
    return f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def _node(vertex: Vertex, x: float, y: float) -> Markup:
    half = _half_width(vertex)
    height = _RADIUS if vertex.kind in ("operation", "layer") else _PILL
    if vertex.kind == "operation" and half == _RADIUS:
        shape = element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{_RADIUS:g}")
    else:
        shape = element(
            "rect",
            x=f"{x - half:.1f}",
            y=f"{y - height:.1f}",
            width=f"{2 * half:.1f}",
            height=f"{2 * height:g}",
            rx=f"{height:g}",
        )
    anchor = {"x": f"{x:.1f}", "text_anchor": "middle"}
    parts = [
        element("title", vertex.title) if vertex.title else raw(""),
        shape,
        element("text", vertex.text, y=f"{y:.1f}", dy=".35em", class_="sign", **anchor),
    ]
    if vertex.name:
        parts.append(
            element("text", vertex.name, y=f"{y + height + 11:.1f}", class_="name", **anchor)
        )
    if vertex.kind == "outside":
        return element("g", join(parts), class_="outside")
    return element("g", join(parts), class_=f"node {vertex.kind}", data_symbol=vertex.symbol)
