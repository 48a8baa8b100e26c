"""Compiled code on disk: found again by the hash of all that it was made from.

A file that is damaged, foreign or writable by others is ignored and made anew. A folder that
cannot be written costs only the time to compile again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["cache_folder", "key_of", "load", "save"]

_MAGIC = b"chainrule object 1\n"

_LONG_AGO = 3600.0
"""Seconds after which nobody is still writing a file."""

_MOST_BYTES = 256 * 2**20
"""When the folder holds more than this, the files not used for longest are removed."""


def cache_folder() -> Path:
    """The folder for compiled code; ``CHAINRULE_CACHE_DIR`` overrides the user's own."""
    chosen = os.environ.get("CHAINRULE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return root / "chainrule"


def key_of(*parts: str) -> str:
    """The name under which code made from ``parts`` is kept."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def load(key: str) -> bytes | None:
    """The code kept under a key, or None where there is none that can be trusted."""
    path = cache_folder() / f"{key}.o"
    try:
        with path.open("rb") as file:
            if not _is_ours(file.fileno()):
                return None
            content = file.read()
    except OSError:
        return None
    header = len(_MAGIC) + 32
    code = content[header:]
    if not content.startswith(_MAGIC) or _digest(key, code) != content[len(_MAGIC) : header]:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return code


def save(key: str, code: bytes) -> None:
    """Keep code under a key: written aside and renamed, so that no one reads half of it."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + _digest(key, code) + code)
        os.replace(name, folder / f"{key}.o")
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        return
    _make_room(folder)


def _digest(key: str, code: bytes) -> bytes:
    """With the key, so that a file under the name of another is found out."""
    return hashlib.sha256(key.encode() + code).digest()


def _is_ours(descriptor: int) -> bool:
    """Whether a file is the user's own and nobody else could have written it."""
    if not hasattr(os, "getuid"):
        return True
    status = os.fstat(descriptor)
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _make_room(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for part in folder.glob("*.part"):  # of a process that was killed while it wrote
            if time.time() - part.stat().st_mtime > _LONG_AGO:
                part.unlink()
        files = [(each.stat(), each) for each in folder.glob("*.o")]
        total = sum(status.st_size for status, _ in files)
        for status, each in sorted(files, key=lambda pair: pair[0].st_mtime):
            if total <= _MOST_BYTES:
                break
            each.unlink()
            total -= status.st_size
