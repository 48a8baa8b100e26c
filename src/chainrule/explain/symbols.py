"""Symbols for the nodes of a graph: the user's names, and letters for what has none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from chainrule.graph.node import Node
from chainrule.notation.names import GREEK

__all__ = ["choose_symbols"]

# Left out are letters that mean something beside a derivative: d, e, i, and l and o, which
# look like numbers; σ and π have their meaning too.
_LATIN = "abcghkmnpqrstuv"
_GREEK = "αβγδεζηθκλμνξρτφχψω"
_RESULT = ("f", "g", "h", "loss", "result")


def choose_symbols(order: Sequence[Node]) -> dict[Node, str]:
    """A symbol for each node but the constants without a name.

    Parameters
    ----------
    order : sequence of Node
        The nodes of a graph, inputs first; the last is its result.

    Returns
    -------
    dict of Node to str
        All different. The user's names stand as they are, the result is called f if it has
        none, and everything else gets a letter, in order.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.graph.traversal import topological_order
    >>> list(choose_symbols(topological_order([cr.parse_formula("(a*x + 1)^2")])).values())
    ['a', 'x', 'b', 'c', 'f']
    """
    symbols: dict[Node, str] = {}
    taken: set[str] = set()
    for node in order:
        if node.name:
            symbols[node] = next(each for each in _versions(node.name) if each not in taken)
            taken.add(symbols[node])
    result = order[-1]
    if result not in symbols:
        symbols[result] = next(each for each in _RESULT if each not in taken)
        taken.add(symbols[result])
    # A name such as alpha is set as the letter.
    taken |= {GREEK[each] for each in taken if each in GREEK}
    # Beside w1 and w2, or w[0], a letter w would be read as one of them.
    taken |= {stem.group() for each in taken if (stem := re.match(r"[^\W\d_](?=[\d\[])", each))}
    letters = (each for each in _letters() if each not in taken)
    for node in order:
        if node not in symbols and node.operation != "constant":
            symbols[node] = next(letters)
    return {node: symbols[node] for node in order if node in symbols}


def _versions(name: str) -> Iterator[str]:
    """A name, and what it becomes where another node has it already."""
    yield name
    for count in itertools.count(2):
        yield f"{name}_{count}"


def _letters() -> Iterator[str]:
    yield from _LATIN
    yield from _GREEK
    for count in itertools.count(1):
        for letter in _LATIN:
            yield f"{letter}{count}"
