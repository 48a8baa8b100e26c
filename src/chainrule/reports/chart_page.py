"""The chart, and each of its networks, as a page."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.networks.chart import CHART, ChartEntry
from chainrule.networks.equations import Equations, equations_of, lines_of, shapes_of
from chainrule.notation.formula_mathml import formula_mathml, operator
from chainrule.pages.cells import CELL_KINDS, cell_icon
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.page import page, section
from chainrule.reports.chart_drawing import LINK_STYLE, draw_entry, layers_in_words

__all__ = ["chart_page", "entry_page"]

_WIDE = "main { max-width: 116rem; } .network-legend { margin: 1rem 0 1.4rem; }"

_STYLE = """
.chart { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(17.5rem, 1fr)); }
.chart .card { display: grid; grid-template-rows: auto 1fr auto; }
.chart h3 { display: flex; justify-content: space-between; gap: 1rem; line-height: 1.3; }
.chart h3 span { font-weight: 400; color: var(--soft); }
.chart .card > svg { align-self: center; margin: 0 auto; }
.chart p { margin: .6rem 0 0; font-size: .85rem; line-height: 1.45; color: var(--soft); }
.chart b { display: block; font-weight: 400; }
.built { color: var(--model); }
svg.network { width: auto; max-width: 100%; }
.picture { margin: 1.4rem 0; padding: 1.6rem; } .picture svg { margin: 0 auto; }
.picture .network-legend { justify-content: center; margin-top: 1.2rem; }
.equations { border-collapse: collapse; margin: .4rem 0 .8rem; }
.equations td { padding: .28rem 0; font-size: 1.12rem; vertical-align: middle; }
.equations td:first-child { text-align: right; padding-right: .35rem; }
"""


def chart_page() -> str:
    """The whole chart as a self-contained page, in the manner of the poster."""
    n_built = sum(bool(entry.estimators) for entry in CHART)
    header = element(
        "header",
        element("p", "chainrule · chart"),
        element("h1", "Neural networks"),
        element(
            "p",
            "After “A mostly complete chart of Neural Networks”, Fjodor van Veen, The Asimov "
            f"Institute, 2016. {n_built} of {len(CHART)} are built.",
        ),
    )
    cards = element("div", *map(_card, CHART), class_="chart")
    wide = element("style", raw(_WIDE))
    return _page("Neural networks", wide, header, _legend(CELL_KINDS), element("section", cards))


def entry_page(entry: ChartEntry) -> str:
    """One network as a self-contained page: picture, paper, estimators, equations.

    Parameters
    ----------
    entry : ChartEntry
    """
    header = element(
        "header",
        element("p", f"chainrule · chart · {entry.code}"),
        element("h1", entry.name),
        element("p", f"{entry.paper}."),
        element("p", "Estimators: ", _built(entry)),
    )
    picture = element("figure", draw_entry(entry, 1.8), _legend(entry.kinds), class_="card picture")
    layers = element("p", layers_in_words(entry))
    groups = equations_of(entry.code)
    sections = [
        section("Equations" if len(groups) == 1 else each.title, *_equations(each))
        for each in groups
    ]
    return _page(entry.name, header, picture, layers, *sections)


def _page(title: str, *content: Markup) -> str:
    style = element("style", raw(LINK_STYLE + _STYLE))
    return page(title, style, *content)


def _card(entry: ChartEntry) -> Markup:
    return element(
        "figure",
        element("h3", entry.name, element("span", entry.code)),
        draw_entry(entry),
        element("p", entry.paper.short, element("b", _built(entry))),
        class_="card",
        title=str(entry.paper),
    )


def _built(entry: ChartEntry) -> Markup:
    if not entry.estimators:
        return join(["not built yet"])
    return element("span", ", ".join(entry.estimators), class_="built")


def _legend(kinds: Iterable[str]) -> Markup:
    entries = (element("span", cell_icon(kind), f" {CELL_KINDS[kind].label}") for kind in kinds)
    return element("div", join(entries, raw(" ")), class_="network-legend")


def _equations(equations: Equations) -> Iterable[Markup]:
    rows = (
        element(
            "tr",
            element("td", element("math", formula_mathml(name))),
            element(
                "td", element("math", operator("="), formula_mathml(formula), displaystyle="true")
            ),
        )
        for name, formula in lines_of(equations)
    )
    yield element("div", element("table", *rows, class_="equations"), class_="scroll")
    if equations.given:
        yield element("p", equations.given)
    shapes = (
        join([element("math", formula_mathml(name)), f" {shape}"])
        for name, shape in shapes_of(equations)
    )
    yield element("p", "Shapes: ", join(shapes, ", "), ".")
