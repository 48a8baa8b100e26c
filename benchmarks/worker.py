"""A process that trains one network with one contender, and the handle that drives it.

Every contender has a process of its own, so that no library's threads, allocator or settings
touch another's.  The two sides speak lines of JSON: the process reports once that it is
ready, then answers each line, a least number of seconds, with the epochs it timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks import agreement
from benchmarks.contenders import Contender
from benchmarks.recurrent_task import RecurrentTask
from benchmarks.task import Network
from benchmarks.variational_task import VariationalTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.task import Task

KINDS = {each.__name__: each for each in (Network, RecurrentTask, VariationalTask)}
"""The classes of tasks, which a worker is told by name."""


class WorkerError(RuntimeError):
    """The contender's process failed; the message is its own."""


class Worker:
    """A contender's process, seen from outside.

    Parameters
    ----------
    contender
        Who trains.
    task
        What is trained.
    seed
        Of the data, the first weights and the orders of the rows.
    environment
        Variables set for the process, on top of this one's.
    """

    def __init__(
        self, contender: Contender, task: Task, seed: int, environment: Mapping[str, str]
    ) -> None:
        order = {
            "contender": asdict(contender),
            "kind": type(task).__name__,
            "task": asdict(task),  # type: ignore[call-overload]
            "seed": seed,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **contender.environment, **environment},
        )
        try:
            ready = self._receive()
        except WorkerError:
            self.close()
            raise
        self.compile_seconds: float | None = ready["compile_seconds"]
        self.fault: str | None = ready["fault"]
        self.losses: list[float] = []

    def turn(self, seconds: float) -> float:
        """Train for one untimed epoch, then for at least ``seconds``: seconds per epoch."""
        assert self.process.stdin is not None
        with suppress(OSError):  # the process is gone: _receive says so
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        answer = self._receive()
        self.losses += answer["losses"]
        return float(answer["seconds_per_epoch"])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"the process ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer


def serve(order: dict[str, Any]) -> None:
    """Train inside the process, until standard input ends."""
    # Whatever a library prints goes to standard error: standard output carries answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        task: Task = KINDS[order["kind"]](**order["task"])
        contender, seed = Contender(**order["contender"]), order["seed"]
        training = contender.prepare(task, *task.data(seed), seed)
        fault = _first_steps(contender, task, seed)
        answer(compile_seconds=training.compile_seconds, fault=fault)
        for line in sys.stdin:
            losses = [training.epoch()]
            seconds, start = 0.0, time.perf_counter()
            while seconds < float(line):
                losses.append(training.epoch())
                seconds = time.perf_counter() - start
            answer(seconds_per_epoch=seconds / (len(losses) - 1), losses=losses)
    except Exception as error:
        traceback.print_exc()
        answer(error=f"{type(error).__name__}: {error}")


def _first_steps(contender: Contender, task: Task, seed: int) -> str | None:
    """Compare the losses of the first steps on one minibatch with the expected ones."""
    single = task.with_steps(1)
    X, Y = single.data(seed)
    training = contender.prepare(single, X, Y, seed)
    losses = [training.epoch() for _ in range(agreement.STEPS)]
    expected = agreement.expected_losses(single, X, Y, single.parameters(seed))
    draws = isinstance(task, VariationalTask)
    tolerance = agreement.DRAWN_TOLERANCE if draws else agreement.STEP_TOLERANCE
    return agreement.first_steps_fault(losses, expected, tolerance)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
