"""Names of the entries of arrays: ``W2[3, 1]``."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Index", "entry_name"]

Index = tuple[int, ...]


def entry_name(name: str, index: Sequence[int | str], sizes: Sequence[int], row: bool) -> str:
    """What an entry of an array is called.

    Parameters
    ----------
    name : str
        Of the array; where it ends in places of its own, as ``W2[3, :]`` does, the colon is
        filled in.
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
    ...     entry_name("output", (0, 0), (1, 1), row=True),
    ...     entry_name("W2[3, :]", (0, 5), (1, 9), False),
    ... )
    ('output', 'W2[3, 5]')
    """
    if name.endswith("]") and ":" in name:
        return name.replace(":", str(index[-1]))
    places = list(index)
    if row and places and sizes[0] == 1:
        places = places[1:]
        if all(size == 1 for size in sizes):
            places = []
    return f"{name}[{', '.join(map(str, places))}]" if places else name
