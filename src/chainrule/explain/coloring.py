"""A written derivation in colours, for a terminal."""

from __future__ import annotations

import re

__all__ = ["colored"]

_STYLES = {
    "heading": "1",
    "value": "36",
    "gradient": "35",
    "right": "32",
    "wrong": "31",
    "dim": "2",
}
"""Bold, cyan, magenta, green, red and faint: names that every terminal theme has colours for."""

_HEADING = re.compile(r"(Forward|Backward|Chain rule|Result|Update by \w+)(?=$|:| )")
_RESULT = re.compile(r"(?<=[=≈] )\S+$")


def colored(text: str) -> str:
    """Mark headings, values, gradients and checks.

    Parameters
    ----------
    text : str
        As ``to_text`` writes it.

    Returns
    -------
    str
        The same with ANSI escape sequences.

    Examples
    --------
    >>> colored("Forward\\n  f = x·y = 6").splitlines()
    ['\\x1b[1mForward\\x1b[0m', '  f = x·y = \\x1b[36m6\\x1b[0m']
    """
    section = ""
    lines = []
    for line in text.split("\n"):
        if heading := _HEADING.match(line):
            section = heading.group()
            lines.append(_styled("heading", heading.group()) + line[heading.end() :])
        elif "✓" in line or "✗" in line or "not checked: " in line:
            lines.append(_checked(line))
        elif line.startswith("Note: ") or line.lstrip().startswith("where "):
            lines.append(_styled("dim", line))
        else:
            style = "gradient" if section in ("Backward", "Chain rule", "Result") else "value"
            lines.append(_with_result(style, line) if section else line)
    return "\n".join(lines)


def _checked(line: str) -> str:
    """A line with its check, or with what a check is."""
    place = min(k for sign in ("✓", "✗", "not checked: ") if (k := line.find(sign)) >= 0)
    style = "right" if line[place] == "✓" else "wrong" if line[place] == "✗" else "dim"
    if not line[:place].strip():
        return _styled("dim", line)
    before = line[:place].rstrip()
    gap = line[len(before) : place]
    return f"{_with_result('gradient', before)}{gap}{_styled(style, line[place:])}"


def _with_result(style: str, line: str) -> str:
    """A line with what it comes to at its end marked."""
    return _RESULT.sub(lambda found: _styled(style, found.group()), line)


def _styled(style: str, text: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
