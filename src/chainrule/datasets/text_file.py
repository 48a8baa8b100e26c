"""Reading CSV: a header, then one row for each line; every fault is named with its line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from chainrule.datasets.table import Table
from chainrule.errors import DataError

__all__ = ["read_csv"]

DELIMITERS = (",", ";", "\t")


def read_csv(path: Path) -> Table:
    """Read a text file with a header.

    Columns are separated by commas; by semicolons or tabs where the header has no comma. Empty
    lines are skipped. All columns are text: what they mean is decided later.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8, is empty, repeats a name in its header, or
        has a line with too few or too many values.
    """
    text = _decoded(path)
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((each for each in DELIMITERS if each in first_line), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for values in reader:
            if values and not header:
                header = [name.strip() for name in values]
                _check_header(header, path)
            elif values:
                if len(values) != len(header):
                    raise DataError(_ragged(path, begins, values, header))
                rows.append(values)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {begins}: {error}. The usual cause is a quotation mark that is opened "
            f"and not closed: close it, or double it where it belongs to the text."
        ) from None
    if not header:
        raise DataError(
            f"{path} is empty: the first line must name the columns, and each further line is a "
            f"row."
        )
    if not rows:
        raise DataError(f"{path} has a header but no rows: add at least one line of values.")
    columns = {
        name: np.array(values) for name, values in zip(header, zip(*rows, strict=True), strict=True)
    }
    return Table(str(path), columns, np.array(lines))


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text. Save the "
            f"file as UTF-8; on a command line, `iconv -f latin1 -t utf-8` converts the usual "
            f"case. A spreadsheet or archive must be exported as CSV first."
        ) from None


def _check_header(header: Sequence[str], path: Path) -> None:
    for position, name in enumerate(header, 1):
        if not name:
            raise DataError(
                f"{path}: column {position} has no name in the header. Name it; or, if it is the "
                f"index that pandas wrote, write the file with index=False."
            )
    name, count = Counter(header).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"{path}: {count} columns are called {name!r} in the header. Give each a name of its "
            f"own."
        )


def _ragged(path: Path, line: int, values: Sequence[str], header: Sequence[str]) -> str:
    n, expected = len(values), len(header)
    have = f"{n} value{'s' if n != 1 else ''}"
    if n < expected:
        absent = ", ".join(repr(name) for name in islice(header, n, n + 3))
        reason = f"nothing is left for {absent}{' and more' if expected - n > 3 else ''}"
    else:
        reason = f"the first one too many is {values[expected]!r}"
    return (
        f"{path}, line {line} has {have}, but the header names {expected} columns: {reason}. "
        f"Correct that line; a value that contains the separator must be in quotation marks."
    )
