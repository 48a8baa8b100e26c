"""HTML and SVG as text, in which whatever comes from users is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

__all__ = ["Markup", "element", "join", "raw"]


class Markup(str):
    """Text that is markup already; all other text is escaped where it is put in."""

    __slots__ = ()


def raw(text: str) -> Markup:
    """Markup written by the program itself."""
    return Markup(text)


def join(parts: Iterable[str], between: str = "") -> Markup:
    """Several pieces, one after another."""
    return Markup(_escaped(between).join(_escaped(part) for part in parts))


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """An element; ``class_`` stands for class, and ``stroke_width`` for stroke-width.

    Examples
    --------
    >>> element("td", "a < b", class_="name")
    '<td class="name">a &lt; b</td>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def _escaped(text: str) -> str:
    return text if isinstance(text, Markup) else html.escape(text)
