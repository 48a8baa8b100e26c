"""Checks that every contender does the same work.

Two of them.  On a data set of one minibatch the order of the rows does not matter, so the
losses of the first steps from common weights must be those of :func:`expected_losses`, an
independent double-precision NumPy computation.  In the timed runs the orders differ, but
after the same number of epochs the losses must be of the same size, and must have fallen.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.task import LEARNING_RATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.task import Array, Task

STEPS = 3
"""Steps that are compared on the data set of one minibatch.

A learning rate that is wrong by a tenth shows at the second.  Rounding, and where Adam adds
its 1e-8, differ between libraries, and in the largest network each step triples the effect.
"""

STEP_TOLERANCE = 1e-3
"""Relative; honest contenders stay below a fifth of it."""

DRAWN_TOLERANCE = 1e-2
"""The same where every contender draws codes of its own."""

EPOCH_FACTOR = 1.5
"""How far a loss may be from the contenders' median after the same number of epochs."""


def expected_losses(
    task: Task, X: Array, Y: Array, parameters: Sequence[Array], steps: int = STEPS
) -> list[float]:
    """The loss before each of the first Adam steps on all of X, in float64."""
    import numpy as np

    rows, targets, *now = (each.astype(np.float64) for each in (X, Y, *parameters))
    first, second = [np.zeros_like(p) for p in now], [np.zeros_like(p) for p in now]
    losses = []
    for step in range(1, steps + 1):
        loss, gradients = task.loss_and_gradients(now, rows, targets)
        losses.append(loss)
        for p, g, m, v in zip(now, gradients, first, second, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            m_hat, v_hat = m / (1.0 - 0.9**step), v / (1.0 - 0.999**step)
            p -= LEARNING_RATE * m_hat / (np.sqrt(v_hat) + 1e-8)
    return losses


def first_steps_fault(
    losses: Sequence[float], expected: Sequence[float], tolerance: float = STEP_TOLERANCE
) -> str | None:
    """What is wrong with the losses of the first steps, or None."""
    for step, (loss, truth) in enumerate(zip(losses, expected, strict=True), start=1):
        if not abs(loss - truth) <= tolerance * abs(truth):
            return f"loss of step {step} on one minibatch is {loss:.6g}, should be {truth:.6g}"
    return None


def epoch_faults(losses: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """Contenders whose losses, one per epoch, did not fall as the others' did, and why."""
    faults = {}
    epochs = min(map(len, losses.values()), default=0)
    for name, curve in losses.items():
        if not curve[epochs - 1] < curve[0]:
            faults[name] = f"loss did not fall: {curve[0]:.4g} to {curve[epochs - 1]:.4g}"
        for epoch in range(epochs):
            usual = median(other[epoch] for other in losses.values())
            if not usual / EPOCH_FACTOR <= curve[epoch] <= usual * EPOCH_FACTOR:
                faults[name] = f"loss of epoch {epoch + 1} is {curve[epoch]:.4g}, usual {usual:.4g}"
                break
    return faults
