"""The page around a report: one file, readable in light and dark, on paper and without network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainrule.pages.cells import CELL_STYLE
from chainrule.pages.markup import Markup, element, join, raw

__all__ = ["figure", "page", "section"]

STYLE = Path(__file__).with_name("page.css")


def page(title: str, *content: str) -> str:
    """A whole document.

    Parameters
    ----------
    title : str
    *content : str
        Markup; other text is escaped.
    """
    head = join(
        (
            raw('<meta charset="utf-8">'),
            raw('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", title),
            element("style", raw(STYLE.read_text(encoding="utf-8")), raw(CELL_STYLE)),
        )
    )
    body = element("body", element("main", *content))
    return f"<!DOCTYPE html>\n{element('html', element('head', head), body, lang='en')}\n"


def section(heading: str, *content: str, lead: str = "") -> Markup:
    """A heading, a sentence about what is to be seen, and the content."""
    sentence = element("p", lead) if lead else raw("")
    return element("section", element("h2", heading), sentence, *content)


def figure(heading: str, *content: str, legend: Sequence[str] = ()) -> Markup:
    """A card with a heading and, for several lines, their names in the order of colours."""
    names = raw("")
    if legend:
        names = element("div", *(element("span", name) for name in legend), class_="legend")
    return element("figure", element("h3", heading), names, *content, class_="card")
