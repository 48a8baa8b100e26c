"""Learning-rate schedules, as scikit-learn's MLP defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Schedule", "ScheduleKind"]

ScheduleKind = Literal["constant", "invscaling", "adaptive"]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes from epoch to epoch.

    Parameters
    ----------
    kind : {"constant", "invscaling", "adaptive"}, default="constant"
        ``"invscaling"`` divides the first rate by (rows seen + 1)^power_t after each epoch;
        ``"adaptive"`` divides the rate by 5 whenever training would stop for want of progress,
        until it is 1e-6 or less.
    initial : float, default=0.001
    power_t : float, default=0.5

    Examples
    --------
    >>> Schedule("invscaling", initial=0.1).after_epoch(0.1, rows_seen=99)
    0.01
    """

    kind: ScheduleKind = "constant"
    initial: float = 0.001
    power_t: float = 0.5

    def after_epoch(self, rate: float, rows_seen: int) -> float:
        """The rate of the next epoch."""
        if self.kind == "invscaling":
            return self.initial / (rows_seen + 1) ** self.power_t
        return rate

    def without_progress(self, rate: float) -> float | None:
        """The rate to go on with where training no longer improves; None to stop."""
        if self.kind == "adaptive" and rate > 1e-6:
            return rate / 5.0
        return None
