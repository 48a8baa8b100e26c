"""Models that the command line made, read again."""

from __future__ import annotations

from pathlib import Path

import chainrule as cr
from chainrule.errors import FileError

__all__ = ["load_table_model"]


def load_table_model(path: Path) -> cr.TableModel:
    """A model with the description of its columns.

    Raises
    ------
    FileError
        If the file holds none.
    """
    loaded = cr.load(path)
    if not isinstance(loaded, cr.TableModel):
        raise FileError(
            f"{path} holds a {type(loaded).__name__} without a description of its columns, so a "
            f"table cannot be encoded for it. Load it in Python with chainrule.load, or make a "
            f"model with `chainrule fit --out`."
        )
    return loaded
