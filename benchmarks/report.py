"""Plain text: a table, units, and a line of progress."""

from __future__ import annotations

import sys


class Table:
    """Columns as wide as their widest cell, the first to the left and the others to the right."""

    def __init__(self, *headings: str) -> None:
        self.rows = [headings]

    def row(self, *cells: str) -> None:
        """Add a row of as many cells as there are headings."""
        self.rows.append(cells)

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = []
        for first, *others in self.rows:
            cells = [c.rjust(w) for c, w in zip(others, widths[1:], strict=True)]
            lines.append("  ".join([first.ljust(widths[0]), *cells]))
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join(lines)


def milliseconds(seconds: float | None) -> str:
    """A duration, or nothing."""
    return "" if seconds is None else f"{1e3 * seconds:.0f} ms"


def progress(text: str) -> None:
    """Replace the line of progress, where somebody is watching."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
