"""A table by name: a built-in data set or a file."""

from __future__ import annotations

import difflib
from pathlib import Path

from chainrule.datasets.builtin import BUILT_IN, table_of
from chainrule.datasets.frames import Frame, is_frame, read_frame, read_parquet
from chainrule.datasets.table import Table
from chainrule.datasets.text_file import read_csv
from chainrule.errors import DataError

__all__ = ["read_table"]


def read_table(source: Table | Frame | str | Path) -> Table:
    """Read a built-in data set, a CSV file, a Parquet file or a DataFrame.

    Parameters
    ----------
    source : DataFrame, str, Path or Table
        A DataFrame of pandas or polars, a table of Arrow; a name in ``BUILT_IN``; or a path:
        ``./digits`` is a file even though ``digits`` is a built-in set. A table is returned as
        it is.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If there is neither, or the file cannot be used; the message says where and why.
    """
    if isinstance(source, Table):
        return source
    if is_frame(source):
        return read_frame(source)
    if not isinstance(source, str | Path):
        raise DataError(
            f"A table has named columns: give a DataFrame, the path of a file or the name of a "
            f"built-in data set, not {type(source).__name__}."
        )
    if str(source) in BUILT_IN:
        return table_of(str(source))
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a CSV or Parquet file inside it.")
    if not path.exists():
        close = difflib.get_close_matches(str(source), BUILT_IN, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise DataError(
            f"There is no file {str(source)!r}, and no built-in data set of that name.{hint} "
            f"Built in are {', '.join(BUILT_IN)}."
        )
    if path.suffix.lower() in (".parquet", ".pq"):
        return read_parquet(path)
    return read_csv(path)
