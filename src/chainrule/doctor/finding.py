"""One thing that is wrong with a fit, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chainrule.doctor.examination import Examination

__all__ = ["Finding", "Rule", "feature_text", "ranges_text", "score_text"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    illness : str
        Its name.
    severity : float
        From 0 to 100: how much it matters, causes above what they bring about.
    where : str
        The layer, feature or class.
    evidence : str
        What was measured.
    remedy : str
        What helps.
    """

    illness: str
    severity: float
    where: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.evidence}; {self.remedy}."


Rule = Callable[[Examination], Iterator[Finding]]
"""Looks for one illness; a healthy fit gives nothing."""


def score_text(exam: Examination) -> str:
    """The score, as evidence quotes it."""
    score = exam.patient.score
    return "no number" if math.isnan(score) else f"{score:.2f}"


def feature_text(exam: Examination, index: int) -> str:
    """What a column is called."""
    names = exam.patient.features
    return f"column {names[index]!r}" if index < len(names) else f"column {index}"


def ranges_text(numbers: Sequence[int]) -> str:
    """Numbers in order, those that follow each other as a range.

    Examples
    --------
    >>> ranges_text([1, 3, 4, 5, 9])
    '1, 3 to 5, 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
