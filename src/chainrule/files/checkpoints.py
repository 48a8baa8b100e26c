"""Checkpoints: what a fit can go on from after its process was killed, in a folder of files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from chainrule.errors import FileError
from chainrule.files.model_file import VERSION, read_model_file, write_model_file
from chainrule.files.values import pack, unpack
from chainrule.files.whole import write_whole

__all__ = ["Checkpoint", "FitFolder", "digest"]

_NAME = re.compile(r"epoch-(\d{8})\.safetensors")

_MOST_TIME = 0.1
"""The share of the time that checkpoints may take where the user does not say how often."""

_LONG_AGO = 600.0
"""Seconds after which nobody is still writing a file."""

T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a fit keeps what it can go on from: for the parameter ``checkpoint``.

    Parameters
    ----------
    path : str or Path
        A folder; it is made if there is none. Each fit has a folder of its own in it, so that the
        candidates of a grid search can share one.
    epochs : int, optional
        Write after every so many epochs.
    minutes : float, optional
        Write after the first epoch that ends so many minutes after the last file, or after the
        start. Where both are given, whichever is due first; where neither is, after each epoch,
        less often where writing would take more than a tenth of the time.
    keep : int, default=2
        How many files to keep: the latest, and those before it in case that it is damaged.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(checkpoint=cr.Checkpoint("run", minutes=5))
    """

    path: str | PathLike[str]
    epochs: int | None = None
    minutes: float | None = None
    keep: int = 2

    def __post_init__(self) -> None:
        self._require("path", isinstance(self.path, (str, PathLike)), "the path of a folder")
        number = "a whole number, 1 or more"
        self._require("epochs", self.epochs is None or _counts(self.epochs), number)
        positive = isinstance(self.minutes, Real) and 0 < self.minutes < float("inf")
        self._require("minutes", self.minutes is None or positive, "a number above 0")
        self._require("keep", _counts(self.keep), number)

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(f"{name} must be {what}, but got {getattr(self, name)!r}.")


def _counts(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


class FitFolder:
    """The folder of one fit: a description of it, and its latest checkpoints.

    Everything in a file follows from the fit, and nothing from when it was written. So processes
    that make the same fit at the same time only write the same files.

    Parameters
    ----------
    checkpoint : Checkpoint
    kind : str
        Of the fit, for people to read.
    description : mapping
        All that the bits of the fit depend on, as JSON has it: another description is another
        fit, and has another folder.

    Raises
    ------
    FileError
        If the folder cannot be made or written to.
    """

    def __init__(self, checkpoint: Checkpoint, kind: str, description: Mapping[str, Any]) -> None:
        self.checkpoint = checkpoint
        text = json.dumps(description, indent=2, sort_keys=True, ensure_ascii=False)
        self.fit = hashlib.sha256(text.encode()).hexdigest()
        self.path = Path(checkpoint.path) / f"{kind}-{self.fit[:16]}"
        self._open(text)
        self._damaged: list[Path] = []
        self._wrote = time.perf_counter()
        self._cost = 0.0
        self._failing = False

    def _open(self, text: str) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"checkpoint={str(self.checkpoint.path)!r} cannot be used: {error.strerror}. Give "
                f"a folder that you can write to, or the name of a new one."
            ) from None
        # Written each time: better no training than one whose checkpoints cannot be written.
        write_whole(self.path / "fit.json", text.encode())
        self._remove_parts()

    def latest(self, most: int, read: Callable[[Any], T]) -> tuple[T, Path] | None:
        """The latest sound checkpoint, if there is one, and its file.

        Parameters
        ----------
        most : int
            Its epoch is not above this.
        read : callable
            Makes something of the values that were written. It may raise FileError or ValueError
            for values that are not sound.
        """
        for epoch, path in reversed(self._files()):
            if epoch > most:
                continue
            try:
                return read(self._read(path)), path
            except (FileError, ValueError) as error:
                self._damaged.append(path)
                warnings.warn(
                    f"A checkpoint is passed over, and training goes on from the one before it, "
                    f"if there is one: {str(error).rstrip('.')} ({path}).",
                    stacklevel=2,
                )
        return None

    def is_due(self, epoch: int) -> bool:
        """Whether the state after an epoch should be written."""
        asked = self.checkpoint
        seconds = time.perf_counter() - self._wrote
        if asked.epochs is None and asked.minutes is None:
            return self._cost <= _MOST_TIME * (self._cost + seconds)
        after_epochs = asked.epochs is not None and epoch % asked.epochs == 0
        return after_epochs or (asked.minutes is not None and seconds >= 60 * asked.minutes)

    def write(self, epoch: int, values: Mapping[str, Any]) -> None:
        """Write the state after an epoch, and remove what is no longer kept.

        If that cannot be, it is a warning: a fit is worth more than its checkpoints.
        """
        start = time.perf_counter()
        path = self.path / f"epoch-{epoch:08d}.safetensors"
        try:
            self._write(path, values)
        except (FileError, MemoryError) as error:
            if not self._failing:
                reason = str(error) or f"There is not enough memory to write {path}."
                warnings.warn(
                    f"{reason} Training goes on without this checkpoint, and tries to write later "
                    f"ones.",
                    stacklevel=2,
                )
            self._failing = True
        else:
            self._failing = False
            with contextlib.suppress(OSError):
                self._remove_old(epoch, path)
        self._wrote = time.perf_counter()
        self._cost = self._wrote - start

    def _write(self, path: Path, values: Mapping[str, Any]) -> None:
        tensors: dict[str, npt.NDArray[Any]] = {}
        packed = pack(dict(values), "state", tensors)
        content = {"version": VERSION, "checkpoint": packed, "fit": self.fit}
        write_model_file(path, {**content, "digest": digest(content, tensors)}, tensors)

    def _read(self, path: Path) -> Any:
        content, tensors = read_model_file(path, advice="")
        if content.pop("digest", None) != digest(content, tensors):
            raise FileError("its content is not what was written")
        if content.get("fit") != self.fit:
            raise FileError("it is of another fit")
        return unpack(content.get("checkpoint"), tensors)

    def _files(self) -> list[tuple[int, Path]]:
        """The epochs of which there are files, in order."""
        found = [(_NAME.fullmatch(each.name), each) for each in self.path.iterdir()]
        return sorted((int(match[1]), path) for match, path in found if match)

    def _remove_old(self, epoch: int, written: Path) -> None:
        """Keep the latest files up to an epoch that are sound; later ones are of the same fit."""
        kept = self.checkpoint.keep
        before = [path for at, path in self._files() if at <= epoch and path not in self._damaged]
        for path in {*before[:-kept], *self._damaged} - {written}:
            with contextlib.suppress(OSError):
                path.unlink()
        self._damaged.clear()
        self._remove_parts()

    def _remove_parts(self) -> None:
        """Remove what processes left behind that were killed while they wrote."""
        for part in self.path.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > _LONG_AGO:
                    part.unlink()


def digest(content: Any, tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """Of all that is in a file, JSON and tensors: safetensors has no check of its own."""
    whole = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        whole.update(f"\n{name} {tensor.dtype} {tensor.shape}\n".encode())
        whole.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return whole.hexdigest()
