"""The drawn graph: what stands in it, and that nothing stands on anything else."""

from __future__ import annotations

import functools
import random
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.explain.derivation import Derivation
from chainrule.explain.graph_drawing import draw_graph, graph_figure
from chainrule.explain.graph_signs import ORDERED, SIGNS, sign_of
from chainrule.graph import functions as fn
from chainrule.graph.node import Node, variable
from chainrule.graph.operations import OPERATIONS
from chainrule.graph.traversal import topological_order
from chainrule.pages.text_width import text_width
from tests.helpers.random_graphs import RandomGraph, smooth_graphs

B7 = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
SLIDE_B7 = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
SIZES = {"sign": 13.5, "note": 11.5, "value": 12.0, "gradient": 12.0}


# --- reading a drawing -----------------------------------------------------------------------


@dataclass(frozen=True)
class Patch:
    """A rectangle of the drawing, and what is in it."""

    what: str
    left: float
    top: float
    right: float
    bottom: float


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(re.sub(r'^<\?xml.*?\?>|xmlns="[^"]*"', "", svg))


def groups(drawing: ET.Element, kind: str) -> list[ET.Element]:
    return [each for each in drawing.iter("g") if kind in (each.get("class") or "").split()]


def place(element: ET.Element, name: str) -> float:
    return float(element.get(name, "nan"))


def shape_patch(group: ET.Element) -> Patch:
    what = group.findtext("title") or ""
    circle, rect = group.find("circle"), group.find("rect")
    if circle is not None:
        x, y, r = (place(circle, name) for name in ("cx", "cy", "r"))
        return Patch(what, x - r, y - r, x + r, y + r)
    assert rect is not None
    x, y = place(rect, "x"), place(rect, "y")
    return Patch(what, x, y, x + place(rect, "width"), y + place(rect, "height"))


def text_patch(text: ET.Element) -> Patch:
    size = SIZES[text.get("class", "")]
    x, y = place(text, "x"), place(text, "y")
    half = text_width(text.text or "", size) / 2
    return Patch(text.text or "", x - half, y - 0.78 * size, x + half, y + 0.22 * size)


def patches(drawing: ET.Element) -> list[Patch]:
    """All discs and boxes, and all text but that within them."""
    found = [shape_patch(each) for each in (*groups(drawing, "node"), *groups(drawing, "end"))]
    for group in drawing.iter("g"):
        inside = "layer" in (group.get("class") or "")
        for text in group.findall("text"):
            if not inside and text.get("class") != "sign":
                found.append(text_patch(text))
    return found


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points of a line, a few pixels apart."""
    x = y = 0.0
    for command, numbers in re.findall(r"([MHC])([^MHC]*)", path):
        values = [float(each) for each in numbers.split()]
        if command == "M":
            x, y = values
        elif command == "H":
            yield from ((float(each), y) for each in np.linspace(x, values[0], 40))
            x = values[0]
        else:
            x1, y1, x2, y2, x3, y3 = values
            for t in np.linspace(0.0, 1.0, 40):
                s = 1.0 - t
                yield (
                    float(s**3 * x + 3 * s * s * t * x1 + 3 * s * t * t * x2 + t**3 * x3),
                    float(s**3 * y + 3 * s * s * t * y1 + 3 * s * t * t * y2 + t**3 * y3),
                )
            x, y = x3, y3
    yield x, y


def assert_nothing_overlaps(svg: str) -> None:
    drawing = parsed(svg)
    every = patches(drawing)
    boxes = np.array([(each.left, each.top, each.right, each.bottom) for each in every])
    left, top, right, bottom = boxes.T
    meet = (left < right[:, None]) & (left[:, None] < right)
    meet &= (top < bottom[:, None]) & (top[:, None] < bottom)
    overlapping = [(every[i], every[j]) for i, j in np.argwhere(np.triu(meet, 1))]
    assert not overlapping
    width, height = map(float, drawing.get("viewBox", "").split()[2:])
    assert min(left.min(), top.min()) >= -14
    assert max(right.max() - width, bottom.max() - height) <= -14
    for edge in groups(drawing, "edge"):
        path = edge.find("path")
        assert path is not None
        line = np.array(list(points(path.get("d", ""))))
        x, y = line[:, :1], line[:, 1:]
        inside = (left < x) & (x < right) & (top < y) & (y < bottom)
        # A line begins and ends at the rims of its own nodes.
        (x0, y0), (x1, y1) = line[0] - (3, 0), line[-1] + (3, 0)
        own = (left < x0) & (x0 < right) & (top < y0) & (y0 < bottom)
        own |= (left < x1) & (x1 < right) & (top < y1) & (y1 < bottom)
        crossed = [every[k] for k in np.flatnonzero(inside.any(axis=0) & ~own)]
        assert not crossed, path.get("d")


# --- graphs to draw --------------------------------------------------------------------------

UNARY = [fn.tanh, fn.sin, fn.logistic, fn.softplus, lambda x: -x, lambda x: 0.00005 * x]
BINARY = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y, fn.maximum]


def random_work(n_nodes: int, seed: int = 0, name: str = "x") -> Derivation:
    """A derivation of about so many nodes, each of which is needed."""
    rng = random.Random(seed)
    values = {variable(f"{name}{k}"): rng.gauss(0, 1) for k in range(max(2, n_nodes // 4))}
    made: list[Node] = list(values)
    loose = list(values)
    while len(loose) > 1:
        first = loose.pop(rng.randrange(len(loose)))
        room = n_nodes - len(made) - len(loose) > 0
        kind = rng.random() if room else 1.0
        if kind < 0.45:
            new = rng.choice(UNARY)(first)
        elif kind < 0.9 or (room and len(loose) == 1):
            new = rng.choice(BINARY)(first, rng.choice(made))
        else:
            new = rng.choice(BINARY)(first, loose.pop(rng.randrange(len(loose))))
        if len(name) > 1 and rng.random() < 0.3:
            new = new.named(f"{name}_part_{len(made)}")
        made.append(new)
        loose.append(new)
    return cr.explain(loose[0], {each: values[each] for each in values})


@functools.cache
def network_work() -> Derivation:
    """A network written out unit by unit: more than 200 operations, with the names of layers."""
    rng = np.random.default_rng(0)
    values: dict[Node, float] = {}

    def given_number(name: str) -> Node:
        node = variable(name)
        values[node] = float(rng.normal())
        return node

    units = [given_number(f"x[{i}]") for i in range(6)]
    for layer, width in enumerate((8, 8, 2), 1):
        new = []
        for j in range(width):
            total = given_number(f"b{layer}[{j}]")
            for i, unit in enumerate(units):
                total = total + given_number(f"W{layer}[{i}, {j}]") * unit
            new.append(fn.tanh(total.named(f"h{layer}_in[{j}]")).named(f"h{layer}_out[{j}]"))
        units = new
    return cr.explain(fn.square(units[0] - units[1]).named("loss"), values)


# --- tests -----------------------------------------------------------------------------------


def test_the_slide_is_drawn_with_its_signs_and_numbers() -> None:
    drawing = parsed(draw_graph(cr.explain(B7, **SLIDE_B7).worksheet, digits=2))
    signs = [each.findtext("text") for each in groups(drawing, "operation")]
    assert sorted(map(str, signs)) == sorted(["×", "×", "+", "+", "×−1", "exp", "+1", "1/x"])
    assert [each.get("data-symbol") for each in groups(drawing, "variable")] == list(
        dict.fromkeys(["w0", "x0", "w1", "x1", "w2"])
    )
    numbers = {
        each.get("data-from"): [text.text for text in each.findall("text")]
        for each in groups(drawing, "edge")
    }
    assert numbers["w0"] == ["2", "−0.2"]
    assert numbers["x0"] == ["−1", "0.39"]
    assert numbers["w1"] == ["−3", "−0.39"]
    assert numbers["x1"] == ["−2", "−0.59"]
    assert numbers["w2"] == ["−3", "0.2"]
    assert numbers["f"] == ["0.73", "1"]
    along = [numbers[each] for each in ("c", "g", "h", "k", "m")]
    assert along == [
        ["4", "0.2"],
        ["1", "0.2"],
        ["−1", "−0.2"],
        ["0.37", "−0.53"],
        ["1.4", "−0.53"],
    ]


def test_a_value_used_twice_has_a_line_for_each_use() -> None:
    drawing = parsed(draw_graph(cr.explain("x*x + sin(x)", x=2).worksheet))
    gradients = [
        each.findall("text")[1].text
        for each in groups(drawing, "edge")
        if each.get("data-from") == "x"
    ]
    assert sorted(map(str, gradients)) == ["2", "2", "−0.4161"]


def test_a_variable_is_written_again_where_it_is_used_much_later() -> None:
    x = variable("x")
    chain: Node = x
    for _ in range(40):
        chain = fn.sin(chain) * x
    svg = draw_graph(cr.explain(chain, x=0.5).worksheet)
    assert_nothing_overlaps(svg)
    drawing = parsed(svg)
    written = [each for each in groups(drawing, "variable") if each.get("data-symbol") == "x"]
    assert 5 <= len(written) <= 10
    assert len(groups(drawing, "again")) == len(written) - 1
    assert len([each for each in groups(drawing, "edge") if each.get("data-from") == "x"]) == 41


def test_arrays_are_shown_by_their_shapes_and_loose_ends_by_dashes() -> None:
    x, w = variable("X", ("rows", 2)), variable("W", (2, 1))
    loss = fn.sum(fn.square(x @ w)).named("loss")
    work = cr.explain(loss, X=[[1, 2], [3, 4], [5, 6]], W=[[1], [2]], wrt="W")
    edges = {
        each.get("data-from"): each for each in groups(parsed(draw_graph(work.worksheet)), "edge")
    }
    assert [each.text for each in edges["W"].findall("text")] == ["2×1", "2×1"]
    assert [each.text for each in edges["X"].findall("text")] == ["3×2"]
    assert edges["X"].get("class") == "edge still"


def test_a_node_tells_all_about_itself() -> None:
    drawing = parsed(draw_graph(cr.explain("a*x - 3", a=2, x=0.5).worksheet))
    titles = {each.get("data-symbol"): each.findtext("title") for each in groups(drawing, "node")}
    assert titles["b"] == "b = a·x = 2·0.5 = 1\n∂f/∂b = 1"
    assert titles["a"] == "a = 2\n∂f/∂a = 0.5"


def test_the_first_operand_comes_in_above_the_second() -> None:
    """Even where the layout would have them the other way round."""
    drawing = parsed(draw_graph(cr.explain("(p + q) - r/s", p=1, q=2, r=3, s=4).worksheet))
    ends = {}
    for edge in groups(drawing, "edge"):
        path = edge.find("path")
        assert path is not None
        ends[edge.get("data-from")] = list(points(path.get("d", "")))[-1][1]
    assert ends["r"] < ends["s"]
    assert ends["a"] < ends["b"]


def test_every_operation_has_a_sign() -> None:
    assert set(SIGNS) == set(OPERATIONS)
    assert set(OPERATIONS) > ORDERED


@pytest.mark.parametrize(
    "formula, sign",
    [
        ("x + 2", "+2"),
        ("x - 2", "−2"),
        ("x + (-2)", "−2"),
        ("2 - x", "2 − x"),
        ("-2 - x", "−2 − x"),
        ("2*x", "×2"),
        ("x/2", "÷2"),
        ("1/x", "1/x"),
        ("x^2", "x²"),
        ("x^0.5", "x^0.5"),
        ("2^x", "2^x"),
        ("max(x, 0)", "max(x, 0)"),
        ("0.00005*x", "×5·10⁻⁵"),
        ("-x", "×−1"),
        ("abs(x)", "|x|"),
    ],
)
def test_a_number_among_the_operands_is_part_of_the_sign(formula: str, sign: str) -> None:
    (step,) = cr.explain(formula, x=3).forward
    assert sign_of(step, 4)[0] == sign


def test_a_single_variable_is_drawn() -> None:
    drawing = parsed(draw_graph(cr.explain("x", x=3).worksheet))
    (edge,) = groups(drawing, "edge")
    assert [each.text for each in edge.findall("text")] == ["3", "1"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_nodes", [3, 11, 50, 100, 200])
def test_nothing_overlaps(n_nodes: int, seed: int) -> None:
    work = random_work(n_nodes, seed)
    drawn = len(work.forward) + len(work.worksheet.given)
    assert 0.75 * n_nodes <= drawn <= n_nodes
    svg = draw_graph(work.worksheet)
    assert len({each.get("data-symbol") for each in groups(parsed(svg), "node")}) == drawn
    assert_nothing_overlaps(svg)


def test_nothing_overlaps_with_long_names() -> None:
    name = "the_weight_of_the_second_longest_feature"
    svg = draw_graph(random_work(60, 1, name).worksheet, digits=12)
    assert_nothing_overlaps(svg)
    assert f"{name}1 =" in svg


@pytest.mark.parametrize("formula", [B7, "x*x*x*x", "(a + b)*(a - b)/(a + b)", "x^x"])
def test_nothing_overlaps_in_formulas(formula: str) -> None:
    names = set(re.findall(r"\b[a-z]\d?\b", formula))
    work = cr.explain(formula, {name: 1.5 + k / 8 for k, name in enumerate(sorted(names))})
    assert_nothing_overlaps(draw_graph(work.worksheet))


@given(smooth_graphs())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_graph_of_arrays_is_drawn(graph: RandomGraph) -> None:
    output = fn.sum(graph.output)
    values = dict(zip(graph.inputs, graph.values(rows=2), strict=True))
    used = set(topological_order([output]))
    work = cr.explain(output, {each: value for each, value in values.items() if each in used})
    assert_nothing_overlaps(draw_graph(work.worksheet))


def test_a_large_network_is_drawn_by_its_layers() -> None:
    work = network_work()
    assert len(work.forward) > 200
    svg = draw_graph(work.worksheet)
    assert_nothing_overlaps(svg)
    drawing = parsed(svg)
    layers = [each.get("data-symbol") for each in groups(drawing, "layer")]
    assert [each for each in layers if "x" not in str(each)] == ["h1", "h2", "h3", "loss"]
    labels = [text.text for text in drawing.iter("text")]
    assert "8 values" in labels
    assert "104 operations" in labels


def test_each_layer_opens_into_a_drawing_of_its_own() -> None:
    work = network_work()
    figure = graph_figure(work.worksheet)
    assert figure.startswith("<svg")
    assert figure.count("<details") == figure.count("<summary") >= 4
    drawings = re.findall(r"<svg.*?</svg>", figure, re.S)
    for each in drawings:
        assert_nothing_overlaps(each)
    drawn = {each.get("data-symbol") for svg in drawings for each in groups(parsed(svg), "node")}
    assert {step.symbol for step in work.forward} <= drawn


def test_without_names_neighbouring_depths_are_one_layer() -> None:
    terms = " + ".join(f"sin(w{k}*x)^2" for k in range(120))
    work = cr.explain(terms, {**{f"w{k}": k / 100 for k in range(120)}, "x": 1})
    svg = draw_graph(work.worksheet)
    assert_nothing_overlaps(svg)
    layers = [str(each.get("data-symbol")) for each in groups(parsed(svg), "layer")]
    assert 3 <= len(layers) <= 24
    assert all(each.startswith("depth") for each in layers)
    assert len(svg) < 30_000


def test_names_of_layers_that_need_each_other_make_no_circle() -> None:
    x = variable("x")
    first, second = x, x
    for k in range(60):
        first, second = (first + fn.sin(second)).named(f"a_{k}"), (second * 0.5).named(f"b_{k}")
    work = cr.explain(first + second, x=1.0)
    assert len(work.forward) > 180
    assert_nothing_overlaps(draw_graph(work.worksheet))


def test_a_small_graph_has_no_layers() -> None:
    assert "<details" not in graph_figure(cr.explain(B7, **SLIDE_B7).worksheet)


def test_the_file_is_a_document_of_its_own_that_escapes_names() -> None:
    x = variable("x")
    work = cr.explain((x * x).named('<b>&"'), x=2)
    svg = work.to_svg()
    assert svg.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<svg')
    root = ET.fromstring(svg.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<b>" not in svg
    assert "prefers-color-scheme: dark" in svg


def test_without_igraph_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ChainruleError, match=r"pip install 'chainrule\[draw\]'"):
        cr.explain("x*y", x=1, y=2).to_svg()
