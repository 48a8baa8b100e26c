"""About how wide a piece of LaTeX mathematics is, to lay out what LaTeX would not break."""

from __future__ import annotations

import re
from collections import deque

__all__ = ["latex_width"]

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)

_LETTER, _UPRIGHT, _SCRIPT = 0.6, 0.56, 0.75
"""An average letter in italics and in a word, and how small a script is set, a bit too large."""

_WIDTHS = {
    **dict.fromkeys("0123456789", 0.5),
    **dict.fromkeys("=<>", 1.34),
    **dict.fromkeys("+-", 1.23),
    **dict.fromkeys(".:;'|[]", 0.28),
    **dict.fromkeys("()", 0.45),
    **dict.fromkeys("mw", 0.88),
    **dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0.85),
    **dict.fromkeys("MW", 1.1),
    **dict.fromkeys((" ", "{", "}", r"\left", r"\right", r"\bigl", r"\bigr"), 0.0),
    ",": 0.45,
    r"\ ": 0.33,
    r"\quad": 1.0,
    r"\cdot": 0.75,
    r"\times": 1.23,
    r"\odot": 1.23,
    r"\approx": 1.34,
    r"\le": 1.34,
    r"\to": 1.56,
    r"\infty": 1.0,
    r"\ldots": 1.17,
    r"\cdots": 1.17,
    r"\ddots": 1.3,
    r"\vdots": 0.3,
    r"\sum": 1.6,
    r"\omega": 0.7,
    r"\varphi": 0.7,
    r"\psi": 0.7,
}
"""In em of Computer Modern, with the space around signs."""

_CELL_ENDS = frozenset({"&", r"\\", r"\end"})
_BETWEEN_CELLS, _BRACKETS = 1.0, 1.2


def latex_width(latex: str) -> float:
    """The width of mathematics as ``formula_latex`` writes it, in em; rather too much.

    Examples
    --------
    >>> latex_width("x + y") > latex_width("x") > 0.5
    True
    >>> latex_width(r"\\frac{a + b}{c}") < latex_width("a + b") + 0.5
    True
    """
    return _run(deque(_TOKEN.findall(latex)), frozenset())[0]


Tokens = deque[str]


def _run(tokens: Tokens, ends: frozenset[str]) -> tuple[float, str]:
    """The width of what comes before one of these ends, and the end that was met."""
    width = 0.0
    while tokens:
        token = tokens.popleft()
        if token in ends:
            return width, token
        width += _one(token, tokens)
    return width, ""


def _one(token: str, tokens: Tokens) -> float:
    match token:
        case "{":
            return _run(tokens, frozenset("}"))[0]
        case "_" | "^":
            return _SCRIPT * _argument(tokens)
        case r"\frac":
            return max(_argument(tokens), _argument(tokens)) + 0.25
        case r"\sqrt":
            return _argument(tokens) + 0.9
        case r"\text" | r"\mathrm" | r"\operatorname":
            return _words(tokens)
        case r"\multicolumn":
            return [_argument(tokens) for _ in range(3)][-1]
        case r"\begin":
            return _table(tokens)
    if token.startswith("\\") and token not in _WIDTHS and len(token) > 2:
        # A function is as wide as its name, a letter has one of at most seven.
        return max(_LETTER, 0.5 * (len(token) - 1)) if token[1:] in _NAMES else _LETTER
    return _WIDTHS.get(token, _LETTER)


_NAMES = frozenset({"exp", "log", "sin", "cos", "tanh", "max", "min"})


def _argument(tokens: Tokens) -> float:
    return _one(tokens.popleft(), tokens) if tokens else 0.0


def _words(tokens: Tokens) -> float:
    """The width of an argument in upright letters, among which commands are single signs."""
    width, depth = 0.0, 0
    while tokens:
        token = tokens.popleft()
        depth += {"{": 1, "}": -1}.get(token, 0)
        if not depth:
            break
        if token in "{}$":
            continue
        wide = token.isupper() or token == r"\textbackslash"
        width += 0.85 if wide else 0.34 if token in " ,." else _UPRIGHT
    return width


def _table(tokens: Tokens) -> float:
    """The width of cases or of a matrix: its columns as wide as their widest cells."""
    environment = ""
    while tokens and not environment.endswith("}"):
        environment += tokens.popleft()
    if environment == "{array}":
        _argument(tokens)
    columns: list[float] = []
    place, end = 0, ""
    while tokens and end != r"\end":
        width, end = _run(tokens, _CELL_ENDS)
        columns += [0.0] * (place + 1 - len(columns))
        columns[place] = max(columns[place], width)
        place = place + 1 if end == "&" else 0
    _argument(tokens)
    return sum(columns) + _BETWEEN_CELLS * len(columns) + _BRACKETS
