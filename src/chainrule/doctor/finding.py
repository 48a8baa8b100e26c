"""One thing that is wrong with a fit, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.doctor.examination import Examination

__all__ = ["Finding", "Rule", "feature_text", "score_text"]


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
