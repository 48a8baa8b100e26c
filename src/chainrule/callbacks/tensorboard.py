"""Training logged for TensorBoard."""

from __future__ import annotations

import itertools
import time
import weakref
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from chainrule.callbacks.records import Logger, name_of, parameters_of
from chainrule.training.callbacks import Moment

__all__ = ["TensorBoard"]

SECONDS_BETWEEN_FLUSHES = 2.0


class TensorBoard(Logger):
    """A callback that logs training for TensorBoard.

    Each training is a run in a folder of its own, such as ``MLPClassifier-20260131-154501``, so
    that the models of a grid search can be compared. There, and nowhere else, the parameters and,
    for each epoch, all that ``history_`` has are written: losses, scores, learning rate, seconds.
    ``partial_fit`` goes on with the run of the call before. Files are complete when training ends,
    also by an error or Ctrl-C.

    See the log with ``tensorboard --logdir runs``.

    Parameters
    ----------
    log_dir : path, default="runs"
        The folder of all runs; it is made if it is not there.

    Raises
    ------
    ImportError
        If tensorboardX, which writes the files, is not installed:
        ``pip install 'chainrule[tensorboard]'``.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(callbacks=[cr.callbacks.TensorBoard("runs")])
    """

    def __init__(self, log_dir: str | PathLike[str] = "runs") -> None:
        _tensorboardX()
        self.log_dir = log_dir
        self._folder: Path | None = None
        self._writer: Any = None
        self._closing: Any = None

    def _begin(self, moment: Moment, again: bool) -> None:
        # partial_fit may be called many times: a file for each of them would be too many.
        self._may_go_on = moment.max_epochs == 1
        if not again or self._folder is None:
            self._close()
            self._folder = _new_folder(Path(self.log_dir), name_of(moment.estimator))
        if self._writer is None:
            # Its SummaryWriter would write from a thread of its own, and flush what that has read.
            self._writer = _tensorboardX().event_file_writer.EventsWriter(
                str(self._folder / "events"),
                filename_suffix=f".{self._n_logged:08d}",  # files are named by the second
            )
            self._closing = weakref.finalize(self, self._writer.close)
        # Written with the first epoch: only then it is known what is measured.
        self._parameters = None if again else parameters_of(moment.estimator)
        self._flushed = time.perf_counter()

    def _log(self, epoch: int, values: dict[str, float]) -> None:
        summary = _tensorboardX().summary
        tagged = {_tag(name): value for name, value in values.items()}
        if self._parameters is not None:
            for each in _of_parameters(summary, self._parameters, tagged):
                self._write(each, step=0)
            self._parameters = None
        for tag, value in tagged.items():
            self._write(summary.scalar(tag, value), epoch)
        if time.perf_counter() - self._flushed >= SECONDS_BETWEEN_FLUSHES:
            self._writer.flush()
            self._flushed = time.perf_counter()

    def _write(self, summary: Any, step: int) -> None:
        event = _tensorboardX().proto.event_pb2.Event
        self._writer.write_event(event(summary=summary, step=step, wall_time=time.time()))

    def _end(self, error: BaseException | None) -> None:
        if self._may_go_on and error is None:
            self._writer.flush()
        else:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._closing()
            self._writer = self._closing = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_writer": None, "_closing": None}


def _of_parameters(
    summary: ModuleType, parameters: dict[str, Any], measured: dict[str, float]
) -> list[Any]:
    """A table of the parameters, and what the page that compares runs needs."""
    lines = [f"| {name} | {str(value)[:200]} |" for name, value in parameters.items()]
    table = summary.text("parameters", "\n".join(["| parameter | value |", "|-|-|", *lines]))
    comparable = {
        name: value if isinstance(value, bool | int | float) else str(value)[:200]
        for name, value in parameters.items()
    }
    return [table, *summary.hparams(comparable, measured)]


def _tensorboardX() -> ModuleType:
    try:
        import tensorboardX
        import tensorboardX.event_file_writer
        import tensorboardX.proto.event_pb2
        import tensorboardX.summary
    except ImportError as error:
        raise ImportError(
            "Logging for TensorBoard needs tensorboardX, which writes its files: "
            "pip install 'chainrule[tensorboard]'"
        ) from error
    return tensorboardX


def _tag(name: str) -> str:
    """Where TensorBoard shows a column of the history: what is alike stands side by side.

    Examples
    --------
    >>> [_tag(name) for name in ("loss", "validation_loss", "learning_rate")]
    ['loss/training', 'loss/validation', 'learning_rate']
    """
    if name == "loss":
        return "loss/training"
    kind, _, rest = name.partition("_")
    return f"{rest}/validation" if kind == "validation" and rest else name


def _new_folder(log_dir: Path, name: str) -> Path:
    """A folder that nothing has been logged to; other processes may be looking for one too."""
    started = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in itertools.count(1):
        folder = log_dir / (started if number == 1 else f"{started}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("there is always a next number")
