"""What went wrong in training: the rate, the length, the fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding, score_text
from chainrule.notation.formula_text import number_text

__all__ = ["overfitting", "rate_too_high", "rate_too_low", "underfitting"]


def rate_too_high(exam: Examination) -> Iterator[Finding]:
    """Steps as large as the weights, and a loss that leaps.

    A healthy step changes a weight by about a thousandth. At a tenth, what has been learned is
    overwritten within a few steps.
    """
    losses = np.asarray(exam.patient.history.get("loss", ()), dtype=np.float64)
    rate = exam.patient.learning_rate
    if rate is None or len(losses) < 3:
        return
    share = max(exam.update_shares, default=0.0)
    start = float(losses[0])
    rises = np.diff(losses)
    scale = max(abs(float(np.median(losses))), 1e-12)
    leaps = float(np.mean(rises > 0.1 * scale)) if len(rises) else 0.0
    worse = float(losses[-1]) > 1.5 * float(losses.min()) and leaps > 0.05
    poor = exam.patient.score < exam.baseline - 0.03
    grown = float(losses[-1]) > start
    if (share > 0.1 and (leaps > 0.1 or poor)) or (grown and leaps > 0.1) or (worse and poor):
        evidence = f"the loss rose by a tenth or more in {leaps:.0%} of the epochs"
        if leaps <= 0.1:
            evidence = (
                f"steps are {share:.0%} of the weights that they change, and the score of "
                f"{score_text(exam)} is below the {exam.baseline:.2f} of a linear model"
            )
        yield Finding(
            "learning rate too high",
            90.0,
            "training",
            evidence,
            f"lower learning_rate_init from {number_text(rate)} to {number_text(rate / 10)}, or "
            f"less",
        )


def rate_too_low(exam: Examination) -> Iterator[Finding]:
    """A loss that still falls, and has hardly fallen, while a linear model does better."""
    losses = np.asarray(exam.patient.history.get("loss", ()), dtype=np.float64)
    rate = exam.patient.learning_rate
    if rate is None or len(losses) < 3 or not exam.patient.score < exam.baseline - 0.03:
        return
    fallen = 1.0 - float(losses[-1]) / max(float(losses[0]), 1e-300)
    falling = float(np.mean(np.diff(losses) < 0))
    last = losses[-max(len(losses) // 5, 2) :]
    steady = float(last[0] - last[-1]) > 0.02 * max(float(losses[0] - losses[-1]), 1e-300)
    if falling > 0.8 and steady and fallen < 0.7:
        yield Finding(
            "learning rate too low",
            65.0,
            "training",
            f"after {len(losses):,} epochs the loss has fallen by {fallen:.1%} and is still "
            f"falling; the score of {score_text(exam)} is below the {exam.baseline:.2f} of a "
            f"linear model",
            f"raise learning_rate_init from {number_text(rate)} to {number_text(rate * 10)}, or "
            f"max_iter",
        )


def overfitting(exam: Examination) -> Iterator[Finding]:
    """The loss of rows held out has turned upward, well above its lowest."""
    history = exam.patient.history
    held_out = np.asarray(history.get("validation_loss", ()), dtype=np.float64)
    held_out = held_out[np.isfinite(held_out)]
    losses = np.asarray(history.get("loss", ()), dtype=np.float64)
    if len(held_out) < 5 or len(losses) < 5:
        return
    best = int(np.argmin(held_out))
    if held_out[-1] > 1.5 * held_out[best] and losses[-1] < 0.5 * held_out[-1]:
        yield Finding(
            "overfitting",
            40.0,
            "training",
            f"the loss of rows held out was lowest, {number_text(held_out[best], 3)}, in epoch "
            f"{best + 1}, and is {number_text(held_out[-1], 3)} now, while that of the rows it "
            f"learns from is {number_text(losses[-1], 3)}",
            "set early_stopping=True, dropout or a larger alpha, or take fewer units",
        )


def underfitting(exam: Examination) -> Iterator[Finding]:
    """A network that is clearly worse than a straight line has not learned."""
    if exam.patient.score < exam.baseline - 0.1:
        yield Finding(
            "underfitting",
            30.0,
            "network",
            f"the score of {score_text(exam)} is below the {exam.baseline:.2f} of a linear model "
            f"on the same rows",
            "train longer, lower alpha, or take more units",
        )
