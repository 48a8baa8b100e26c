"""The signs of the blackboard in Python's spelling: ``2·x² − √y`` is a formula too.

Each character of the new spelling remembers its place in the text, so that an error points
into what the user wrote.
"""

from __future__ import annotations

import re

__all__ = ["Spelling", "spell"]

_SIGNS = {"·": "*", "⋅": "*", "×": "*", "÷": "/", "−": "-", "^": "**"}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_WORD = rf"[^\W{''.join(_RAISED)}]"
_ATOM = rf"(?>{_WORD}+(?:\.\d{_WORD}*|(?<=\d)\.)?|\.\d{_WORD}*)"
_SHOWN = 40  # characters on either side of the mark in a message
_TOKEN = re.compile(
    rf"""
    (?P<atom>{_ATOM})                           # a name or a number
    | √\s*(?P<radicand>{_ATOM})(?!\s*\()         # √x, but not √f(x)
    | (?P<root>√)(?=\s*\()                       # √(...)
    | (?P<raised>[{"".join(_RAISED)}]+)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE,
)


class Spelling:
    """A formula as the user wrote it and as Python spells it.

    Attributes
    ----------
    text : str
        What the user wrote.
    source : str
        The same in Python's spelling.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.source = ""
        self._origins: list[int] = []

    def append(self, spelled: str, origin: int) -> None:
        """Add to the source what stands for the text at ``origin``."""
        self.source += spelled
        self._origins.extend([origin] * len(spelled))

    def origin(self, line: int, column: int) -> int:
        """The place in the text of a place in the source, both counted from 0."""
        starts = [0, *(end.end() for end in re.finditer("\n", self.source))]
        place = min(starts[min(line, len(starts) - 1)] + column, len(self._origins) - 1)
        return self._origins[place]

    def point_at(self, line: int, column: int) -> str:
        """The line of the text with a mark under a place of the source, counted from 0."""
        origin = self.origin(line, column)
        start = max(self.text.rfind("\n", 0, origin) + 1, origin - _SHOWN)
        shown = self.text[start : origin + _SHOWN].partition("\n")[0]
        return f"  {shown}\n  {' ' * (origin - start)}^"


def spell(text: str) -> Spelling:
    """Read the signs of the blackboard: ``· × − ÷ ^``, raised numbers, ``√`` and ``|x|``."""
    spelling = Spelling(text)
    # A bar closes after an operand and opens elsewhere, as no product is written without a sign.
    after_operand, open_bars = False, 0
    for token in _TOKEN.finditer(text):
        kind, place = token.lastgroup, token.start()
        written = token.group()
        opens = written == "|" and not after_operand
        closes = written == "|" and after_operand and open_bars > 0
        if kind == "raised":
            spelled = "**" + "".join(_RAISED[each] for each in written)
        elif kind == "radicand":
            spelled = f"sqrt({token.group('radicand')})"
        elif kind == "root":
            spelled = "sqrt"
        elif opens or closes:
            spelled = "abs(" if opens else ")"
            open_bars += 1 if opens else -1
        else:
            spelled = _SIGNS.get(written, written)
        spelling.append(spelled, place)
        if kind != "space":
            after_operand = kind in ("atom", "radicand", "raised") or written == ")" or closes
    return spelling
