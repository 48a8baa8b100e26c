"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from chainrule.errors import FileError

__all__ = ["check_writable", "write_whole"]


def write_whole(path: str | Path, data: bytes) -> None:
    """Write ``data``; whatever happens on the way, ``path`` is the old file or the new one.

    The bytes go to a file beside it, which then takes its name in one step. A symbolic link
    stays one: what it points to is replaced.

    Parameters
    ----------
    path : str or Path
    data : bytes

    Raises
    ------
    FileError
        If it cannot be written: the folder is absent, permission is denied, the disk is full,
        or there is something else than a file, a device for one.
    """
    target = _target(path)
    beside = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")
    try:
        try:
            # "x": a file of that name, however unlikely, belongs to somebody else.
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, target)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        raise FileError(_cannot_write(path, error.strerror or str(error))) from None


def check_writable(path: str | Path, keep: Sequence[str | Path] = ()) -> None:
    """Refuse a path that :func:`write_whole` could not write to, before there is work to lose.

    Parameters
    ----------
    path : str or Path
    keep : sequence of str or Path
        Files that must not be replaced: what is read, and what else is written.

    Raises
    ------
    FileError
    """
    target = _target(path)
    if any(target == Path(os.path.realpath(each)) for each in keep):
        raise FileError(
            f"{path} is named twice: what is read from it, or written to it first, would be lost. "
            f"Name another file to write to."
        )
    if not os.path.isdir(target.parent):
        raise FileError(_cannot_write(path, f"there is no folder {str(target.parent)!r}"))
    if not os.access(target.parent, os.W_OK):
        raise FileError(_cannot_write(path, f"no permission to write to {str(target.parent)!r}"))


def _target(path: str | Path) -> Path:
    """The file that a path leads to, if anywhere; refused if it is something else than a file.

    A name is given to the new file in one step, and whatever had it before would be gone.
    """
    try:
        target = Path(os.path.realpath(path))
    except ValueError as error:  # a character that no name may have
        raise FileError(_cannot_write(path, str(error))) from None
    if os.path.isdir(target):
        raise FileError(_cannot_write(path, "it is a folder"))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise FileError(_cannot_write(path, "it is a device or a pipe, not a file"))
    return target


def _cannot_write(path: str | Path, reason: str) -> str:
    return f"{path} cannot be written: {reason}. Name a file in a folder that you can write to."
