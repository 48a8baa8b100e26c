"""Symbols for the nodes of a graph: the user's names, and letters for what has none."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from chainrule.graph.node import Node
from chainrule.notation.names import GREEK

__all__ = ["choose_symbols", "free_stem", "numbered", "stems_of"]

# Left out are letters that mean something beside a derivative: d, e, i, and l and o, which
# look like numbers; σ and π have their meaning too.
_LATIN = "abcghkmnpqrstuv"
_GREEK = "αβγδεζηθκλμνξρτφχψω"
_RESULT = ("f", "g", "h", "loss")
_RUN = "tsuvqpkrmnhgbac"
"""Where there are more values than letters, these are numbered: t1, t2 and so on."""


def choose_symbols(order: Sequence[Node], names: Iterable[str] = ()) -> dict[Node, str]:
    """A symbol for each node but the constants without a name.

    Parameters
    ----------
    order : sequence of Node
        The nodes of a graph, inputs first; the last is its result.
    names : iterable of str, optional
        Names that mean something beside this graph.

    Returns
    -------
    dict of Node to str
        All different. The user's names stand as they are, the result is called f if it has
        none, and everything else gets a letter, in order, or a number if letters run out. None
        of these is a name with another index: beside b1[0] there is no b, no b1 and no b2.

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
    stems = stems_of([*names, *taken])
    result = order[-1]
    if result not in symbols:
        candidates = itertools.chain(_RESULT, _versions("result"))
        symbols[result] = next(each for each in candidates if each not in stems | taken)
        stems.add(symbols[result])
    unnamed = [each for each in order if each not in symbols and each.operation != "constant"]
    symbols.update(zip(unnamed, _letters(len(unnamed), stems), strict=False))
    return {node: symbols[node] for node in order if node in symbols}


def stems_of(names: Iterable[str]) -> set[str]:
    """What names begin with, before their numbers and places, as it is typeset.

    Examples
    --------
    >>> sorted(stems_of(["W1[0, 0]", "h1_in[2]", "alpha", "row_loss"]))
    ['W', 'h', 'row', 'α']
    """
    stems = (re.split(r"[\W\d_]", unicodedata.normalize("NFKC", each))[0] for each in names)
    return {GREEK.get(each, each) for each in stems}


def free_stem(candidates: str, stems: set[str]) -> str:
    """The first of these letters, or else of their doubles, with which no name begins."""
    lengths = itertools.count(1)
    words = (letter * length for length in lengths for letter in candidates)
    return next(each for each in words if each not in stems)


def numbered(stem: str) -> Iterator[str]:
    """A run of names: t1, t2 and so on."""
    return (f"{stem}{number}" for number in itertools.count(1))


def _versions(name: str) -> Iterator[str]:
    """A name, and what it becomes where another node has it already."""
    yield name
    for count in itertools.count(2):
        yield f"{name}_{count}"


def _letters(count: int, stems: set[str]) -> Iterator[str]:
    """So many letters, and where there are too few, one of them with numbers after them."""
    letters = [each for each in _LATIN + _GREEK if each not in stems]
    if count <= len(letters):
        yield from letters
        return
    run = free_stem(_RUN, stems)
    yield from (each for each in letters if each != run)
    yield from numbered(run)
