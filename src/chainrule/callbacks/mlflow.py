"""Training logged with MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from chainrule.callbacks.records import Logger, name_of, parameters_of
from chainrule.training.callbacks import Moment

__all__ = ["MLflow"]

SECONDS_BETWEEN_BATCHES = 1.0
MOST_IN_A_BATCH = 1000
"""More metrics at once are refused by MLflow's server."""


class MLflow(Logger):
    """A callback that logs training as a run of MLflow.

    The parameters and, for each epoch, all that ``history_`` has are logged: losses, scores,
    learning rate, seconds. ``partial_fit`` goes on with the run of the call before. Inside another
    run, as in ``with mlflow.start_run():``, it is a child of that. The run is closed when training
    ends: as failed after an error, as killed after Ctrl-C.

    Where runs go is told to MLflow itself, with ``mlflow.set_tracking_uri`` and
    ``mlflow.set_experiment``.

    Parameters
    ----------
    run_name : str, optional
        By default the name of the estimator.
    tags : mapping of str to str, optional

    Raises
    ------
    ImportError
        If MLflow is not installed: ``pip install 'chainrule[mlflow]'``.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(callbacks=[cr.callbacks.MLflow()])  # doctest: +SKIP
    """

    def __init__(self, run_name: str | None = None, tags: Mapping[str, str] | None = None) -> None:
        _mlflow()
        self.run_name = run_name
        self.tags = tags
        self._run_id: str | None = None
        self._waiting: list[Any] = []

    def _begin(self, moment: Moment, again: bool) -> None:
        mlflow = _mlflow()
        run = mlflow.start_run(
            run_id=self._run_id if again else None,
            run_name=self.run_name or name_of(moment.estimator),
            nested=mlflow.active_run() is not None,
            tags=None if self.tags is None else dict(self.tags),
        )
        if not again:
            mlflow.log_params(parameters_of(moment.estimator))
        self._run_id = run.info.run_id
        self._written = time.perf_counter()

    def _log(self, epoch: int, values: dict[str, float]) -> None:
        metric = _mlflow().entities.Metric
        now = int(1000 * time.time())
        self._waiting += [metric(name, value, now, epoch) for name, value in values.items()]
        # An epoch may take less time than a transaction does.
        if time.perf_counter() - self._written >= SECONDS_BETWEEN_BATCHES:
            self._write()

    def _write(self) -> None:
        client = _mlflow().MlflowClient()
        for start in range(0, len(self._waiting), MOST_IN_A_BATCH):
            batch = self._waiting[start : start + MOST_IN_A_BATCH]
            client.log_batch(self._run_id, metrics=batch)
        self._waiting = []
        self._written = time.perf_counter()

    def _end(self, error: BaseException | None) -> None:
        status = "FINISHED" if error is None else "FAILED"
        if isinstance(error, KeyboardInterrupt):
            status = "KILLED"
        try:
            self._write()
        finally:
            self._waiting = []
            _mlflow().end_run(status)


def _mlflow() -> ModuleType:
    try:
        import mlflow
        import mlflow.entities
    except ImportError as error:
        raise ImportError(
            "Logging with MLflow needs mlflow: pip install 'chainrule[mlflow]'"
        ) from error
    return mlflow
