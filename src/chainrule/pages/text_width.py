"""How wide text will be, before a browser sets it: enough to leave room for it."""

from __future__ import annotations

import unicodedata

__all__ = ["text_width"]

_NARROW, _WIDE = frozenset("ijltfrI.,:;'|!()[]{}/ ·′⁰¹²³⁴⁵⁶⁷⁸⁹⁻"), frozenset("mwMW@%—…∂⊙≈")


def text_width(text: str, size: float) -> float:
    """The width of a line of text in a sans-serif font, rather too large than too small.

    Parameters
    ----------
    text : str
    size : float
        Of the font, in pixels.

    Examples
    --------
    >>> text_width("−0.5344", 12) > text_width("0.53", 12)
    True
    """
    return size * sum(_share(sign) for sign in text)


def _share(sign: str) -> float:
    """The width of one character as a share of the size of its font."""
    if sign in _NARROW:
        return 0.43
    if unicodedata.combining(sign):
        return 0.0
    if sign in _WIDE or unicodedata.east_asian_width(sign) in "WF":
        return 1.05
    return 0.75 if sign.isupper() else 0.66
