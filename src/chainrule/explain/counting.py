"""Numbers of things in sentences."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """So many things, in the plural unless it is one.

    Examples
    --------
    >>> counted(1, "row"), counted(9025, "number")
    ('1 row', '9,025 numbers')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
