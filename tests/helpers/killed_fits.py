"""A fit whose process is killed again and again: at random moments, and while it writes.

Run as ``python -m tests.helpers.killed_fits FOLDER SEED``. Each fit is a fork of this process,
because Python alone takes longer to start than such a fit.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import chainrule as cr
import chainrule.engines.native.engine
import chainrule.estimators.mlp

TIMES = 4
"""How often it is killed at random moments; besides, once at each moment of writing."""

DRAWN = np.random.default_rng(0)
X = DRAWN.normal(size=(3000, 20))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]


def fit(checkpoint: cr.Checkpoint | None, result: Path) -> None:
    """Train, and write down what was learned."""
    warnings.simplefilter("ignore")
    model = cr.MLPRegressor(
        hidden_layer_sizes=(24,),
        dropout=0.1,
        early_stopping=True,
        batch_size=50,
        max_iter=24,
        n_iter_no_change=24,
        random_state=3,
        n_threads=1,
        checkpoint=checkpoint,
    ).fit(X, Y)
    del model.history_["seconds"]
    texts = (repr(model.history_), repr(model.n_iter_), repr(model.best_validation_score_))
    arrays = [*model._parameters, model.predict(X)]
    result.write_bytes(b"".join(each.tobytes() for each in arrays) + "".join(texts).encode())


def forked(work: Callable[[], None]) -> int:
    """Begin some work in a process of its own."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(0)


def killed_by_itself(function: str, after: bool, number: int) -> None:
    """Let this process kill itself at one of the calls by which a file is written."""
    original, calls = getattr(os, function), 0

    def kill(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        value = original(*arguments)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    setattr(os, function, kill)


def latest_epoch(folder: Path) -> int:
    """That of the latest checkpoint."""
    return max([0, *(int(each.stem[-8:]) for each in folder.glob("*/epoch-*"))])


def kill_after(child: int, folder: Path, epoch: int, seconds: float) -> None:
    """Kill a process some time after it has written an epoch."""
    deadline = time.monotonic() + 60
    while latest_epoch(folder) < epoch and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)


def main(folder: Path, seed: int) -> None:
    """Compare the unbroken fit with one that is killed."""
    chance = random.Random(seed)
    path, unbroken, broken = folder / "checkpoints", folder / "unbroken", folder / "broken"
    checkpoint = cr.Checkpoint(path, epochs=1)
    os.waitpid(forked(lambda: fit(None, unbroken)), 0)

    moments = [("", False)] * TIMES + [("fsync", False), ("replace", False), ("replace", True)]
    chance.shuffle(moments)
    killed = 0
    for function, after in moments:
        number, further = chance.randint(1, 4), chance.randint(0, 4)

        def work(function: str = function, after: bool = after, number: int = number) -> None:
            if function:
                killed_by_itself(function, after, number)
            fit(checkpoint, broken)

        reached = latest_epoch(path)
        child = forked(work)
        if not function:
            kill_after(child, path, reached + further, chance.uniform(0, 0.03))
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    assert not broken.exists(), "the fit was not broken off"
    os.waitpid(forked(lambda: fit(checkpoint, broken)), 0)
    same = unbroken.read_bytes() == broken.read_bytes()
    print(f"{'the same' if same else 'not the same'} after {killed} kills")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
