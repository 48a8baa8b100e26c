"""Entries of arrays: their names, ``W2[3, 1]``, and formulas of arrays at one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.notation.formula import Entries, Formula, Partial, Product, Symbol, Transposed

__all__ = ["Index", "entry_name", "entry_of"]

Index = tuple[int, ...]


def entry_name(name: str, index: Sequence[int | str], sizes: Sequence[int], row: bool) -> str:
    """What an entry of an array is called.

    Parameters
    ----------
    name : str
        Of the array; where it ends in places of its own, as ``W2[3, :]`` does, the colon is
        filled in, and to those of a step, ``h1[2]``, others are added.
    index : sequence of int or str
        A letter or a colon may stand for an axis.
    sizes : sequence of int
        The shape of the array.
    row : bool
        Whether its first axis is a single row of data, which goes without saying.

    Examples
    --------
    >>> entry_name("W2", (3, 1), (4, 2), row=False), entry_name("h1_out", (0, 3), (1, 4), row=True)
    ('W2[3, 1]', 'h1_out[3]')
    >>> (
    ...     entry_name("h1[2]", (0, 3), (1, 4), row=True),
    ...     entry_name("U[:, 4:6]", (2, 1), (3, 2), False),
    ... )
    ('h1[2, 3]', 'U[2, 5]')
    >>> (
    ...     entry_name("output", (0, 0), (1, 1), row=True),
    ...     entry_name("W2[3, :]", (0, 5), (1, 9), False),
    ... )
    ('output', 'W2[3, 5]')
    """
    if name.endswith("]") and ":" in name:
        return _filled(name, index)
    places = list(index)
    if row and places and sizes[0] == 1:
        places = places[1:]
        if all(size == 1 for size in sizes):
            places = []
    if not places:
        return name
    written = ", ".join(map(str, places))
    return f"{name[:-1]}, {written}]" if name.endswith("]") else f"{name}[{written}]"


def _filled(name: str, index: Sequence[int | str]) -> str:
    """The name of a part of an array, ``U[:, 4:6]``, at a place of this part."""
    array, _, inside = name.removesuffix("]").partition("[")
    parts = inside.split(", ")
    # An axis of one place may have been left out.
    open_axes = [axis for axis, part in enumerate(parts) if ":" in part]
    axes = range(len(parts)) if len(parts) == len(index) else open_axes
    for axis, place in zip(reversed(axes), reversed(index), strict=False):
        if ":" in parts[axis]:
            start = int(parts[axis].partition(":")[0] or 0)
            parts[axis] = str(start + place if isinstance(place, int) else place)
    return f"{array}[{', '.join(parts)}]"


def entry_of(formula: Formula, index: Index, arrays: Mapping[str, Index]) -> Formula:
    """A formula of arrays that is worked out entry by entry, at one of these entries.

    Parameters
    ----------
    formula : Formula
    index : tuple of int
    arrays : mapping of str to tuple
        The shapes of the symbols that are arrays.

    Examples
    --------
    >>> from chainrule.notation.formula_text import formula_text
    >>> product = Product(Partial("loss", "a"), Symbol("W2[0, :]"), "entries")
    >>> formula_text(entry_of(product, (0, 7), {"a": (1, 9), "W2[0, :]": (1, 9)}))
    '∂loss/∂a[7]·W2[0, 7]'
    """

    if not all(_reaches(sizes, index) for sizes in arrays.values()):
        return Entries(formula, tuple(Symbol(str(place)) for place in index))

    def named(name: str) -> str:
        sizes = arrays[name]
        places = index[len(index) - len(sizes) :]
        own = [0 if size == 1 else place for size, place in zip(sizes, places, strict=True)]
        return entry_name(name, own, sizes, row=True)

    def written(part: Formula) -> Formula:
        match part:
            case Symbol(name):
                return Symbol(named(name)) if name in arrays else part
            case Partial(of, by):
                return Partial(of, named(by)) if by in arrays else part
            case Product(left, right, "entries"):
                return Product(written(left), written(right))
            case Product(_, _, "matrices") | Entries() | Transposed():
                return Entries(part, tuple(Symbol(str(place)) for place in index))
        changes: dict[str, Any] = {}
        for each in dataclasses.fields(part):
            value = getattr(part, each.name)
            if isinstance(value, Formula):
                changes[each.name] = written(value)
            elif isinstance(value, tuple):
                changes[each.name] = tuple(written(inner) for inner in value)
        return dataclasses.replace(part, **changes)

    return written(formula)


def _reaches(sizes: Index, index: Index) -> bool:
    """Whether an array of these sizes, spread out as arithmetic does it, has such an entry."""
    places = index[len(index) - len(sizes) :]
    return len(sizes) <= len(index) and all(
        size == 1 or place < size for size, place in zip(sizes, places, strict=True)
    )
