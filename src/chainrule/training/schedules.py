"""Learning-rate schedules: how the rate changes while training goes on.

The first three are those of scikit-learn's MLP, and change the rate between epochs; so does a
schedule in steps. Warm-up, the cosine and the cycle change it at every minibatch: they are
written as graph, and are compiled into the step.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.engines.base import Function, Program
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.node import Node, constant, variable

__all__ = [
    "SCHEDULES",
    "AdaptiveSchedule",
    "ConstantSchedule",
    "CosineSchedule",
    "InverseScalingSchedule",
    "OneCycleSchedule",
    "Schedule",
    "StepSchedule",
]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs, or a part of one, over which the rate first rises from near 0 to what it would
        be without warm-up, by the same amount at every step.
    """

    has_end: ClassVar[bool] = False
    """Whether the rate comes to an end with the last epoch, so that this one is not too early."""

    warmup: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "warmup", 0 <= self.warmup < math.inf, "a number of epochs, 0 or more")

    @property
    def within_epochs(self) -> bool:
        """Whether the rate changes from step to step."""
        return self.warmup > 0

    def factor(self, time: Node, epochs: Node) -> Node:
        """What the rate is multiplied by at a step.

        Parameters
        ----------
        time : Node
            The epochs that will be over after the step: 2.5 in the midst of the third.
        epochs : Node
            The most epochs there may be.
        """
        shape = self._shape(time, epochs)
        return fn.minimum(time / self.warmup, 1.0) * shape if self.warmup else shape

    def rates(self, epochs: int, initial: float = 1.0) -> npt.NDArray[np.float64]:
        """The rate at the last step of each epoch, if every epoch brings progress: (epochs,)."""
        rates = [initial]
        for epoch in range(1, epochs):
            rates.append(self.after_epoch(initial, rates[-1], epoch, 0))
        factors = [self.factor_at(epoch + 1, epochs) for epoch in range(epochs)]
        return np.multiply(rates, factors)

    def factor_at(self, time: float, epochs: float) -> float:
        """The number that ``factor`` describes."""
        return float(_factor_function(self)(time, epochs)[0])

    def _shape(self, time: Node, epochs: Node) -> Node:
        """The factor apart from warm-up."""
        return constant(1.0)

    def after_epoch(self, initial: float, rate: float, epochs: int, rows_seen: int) -> float:
        """The rate of the next epoch, before ``factor``.

        Parameters
        ----------
        initial : float
            The rate that training started with.
        rate : float
            The rate of the last epoch.
        epochs, rows_seen : int
            Epochs that are over, and rows that were read in all of them.
        """
        return rate

    def without_progress(self, rate: float) -> float | None:
        """The rate to go on with where training no longer improves; None to stop."""
        return None


@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """The same rate from the first epoch to the last, after a warm-up if there is one.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs over which the rate first rises from near 0.

    References
    ----------
    Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, for warm-up.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPClassifier(learning_rate=cr.ConstantSchedule(warmup=5))
    """


@dataclass(frozen=True)
class InverseScalingSchedule(Schedule):
    """The first rate, divided by (rows seen + 1)^power_t after each epoch, as in scikit-learn.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs over which the rate first rises from near 0.
    power_t : float, default=0.5

    Examples
    --------
    >>> InverseScalingSchedule().after_epoch(0.1, 0.1, epochs=1, rows_seen=99)
    0.01
    """

    power_t: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "power_t", self.power_t >= 0, "0 or more")

    def after_epoch(self, initial: float, rate: float, epochs: int, rows_seen: int) -> float:
        """The first rate over a power of the rows seen."""
        return initial / (rows_seen + 1) ** self.power_t


@dataclass(frozen=True)
class AdaptiveSchedule(Schedule):
    """The rate is divided whenever training would stop for want of progress, until it is tiny.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs over which the rate first rises from near 0.
    divisor : float, default=5.0
    least : float, default=1e-6
        A rate that is no larger is not divided again: training ends.

    Examples
    --------
    >>> AdaptiveSchedule().without_progress(0.1)
    0.02
    """

    divisor: float = 5.0
    least: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "divisor", self.divisor > 1, "more than 1")
        _require(self, "least", self.least > 0, "more than 0")

    def without_progress(self, rate: float) -> float | None:
        """The rate divided, while it is not tiny."""
        return rate / self.divisor if rate > self.least else None


@dataclass(frozen=True)
class StepSchedule(Schedule):
    """The rate is multiplied by ``gamma`` after every so many epochs.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs over which the rate first rises from near 0.
    every : int, default=30
        Epochs between two changes.
    gamma : float, default=0.1

    Examples
    --------
    >>> schedule = StepSchedule(every=2, gamma=0.5)
    >>> [schedule.after_epoch(0.8, 0.8, epochs, 0) for epochs in (1, 2, 3, 4)]
    [0.8, 0.4, 0.4, 0.2]
    """

    every: int = 30
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = isinstance(self.every, int) and self.every >= 1
        _require(self, "every", whole, "a whole number of epochs, 1 or more")
        _require(self, "gamma", self.gamma > 0, "more than 0")

    def after_epoch(self, initial: float, rate: float, epochs: int, rows_seen: int) -> float:
        """The first rate, times gamma for each change so far."""
        return initial * self.gamma ** (epochs // self.every)


@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """The rate falls along half a cosine, from the first step to the last of ``max_iter`` epochs.

    Parameters
    ----------
    warmup : float, default=0.0
        Epochs over which the rate first rises from near 0; the cosine begins after them.
    final : float, default=0.0
        The rate of the last step, as a share of the first.

    Notes
    -----
    Give ``n_iter_no_change=numpy.inf`` where training is to run to the end of the cosine.

    References
    ----------
    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016; without
    the restarts.

    Examples
    --------
    >>> CosineSchedule().rates(4).round(3)
    array([0.854, 0.5  , 0.146, 0.   ])
    """

    has_end: ClassVar[bool] = True
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "final", 0 <= self.final <= 1, "a share of the first rate, from 0 to 1")

    @property
    def within_epochs(self) -> bool:
        """The rate changes from step to step."""
        return True

    def _shape(self, time: Node, epochs: Node) -> Node:
        # Warm-up may take up all epochs there are, and then nothing is left to fall.
        left = fn.maximum(epochs - self.warmup, 1e-9)
        passed = fn.minimum(fn.maximum((time - self.warmup) / left, 0.0), 1.0)
        return _along_cosine(passed, 1.0, self.final)


@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """The rate rises to its peak, ``learning_rate_init``, and falls to almost nothing.

    Parameters
    ----------
    warmup : float, default=0.0
        Of little use here: the cycle itself begins low.
    rising : float, default=0.3
        The share of all ``max_iter`` epochs over which it rises.
    first, final : float, default=0.04, 4e-6
        The rates before the first step and at the last, as shares of the peak.

    Notes
    -----
    Both ways go along half a cosine, and the momentum stays as it is. Give
    ``n_iter_no_change=numpy.inf`` where training is to run to the end of the cycle.

    References
    ----------
    Smith & Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2017.

    Examples
    --------
    >>> OneCycleSchedule(rising=0.5).rates(4).round(3)
    array([0.52, 1.  , 0.5 , 0.  ])
    """

    has_end: ClassVar[bool] = True
    rising: float = 0.3
    first: float = 0.04
    final: float = 4e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self, "rising", 0 < self.rising < 1, "a share of all epochs, between 0 and 1")
        _require(self, "first", 0 <= self.first <= 1, "a share of the peak, from 0 to 1")
        _require(self, "final", 0 <= self.final <= 1, "a share of the peak, from 0 to 1")

    @property
    def within_epochs(self) -> bool:
        """The rate changes from step to step."""
        return True

    def _shape(self, time: Node, epochs: Node) -> Node:
        passed = fn.minimum(time / epochs, 1.0)
        up = _along_cosine(passed / self.rising, self.first, 1.0)
        down = _along_cosine((passed - self.rising) / (1.0 - self.rising), 1.0, self.final)
        return fn.select(passed <= self.rising, up, down)


@functools.cache
def _factor_function(schedule: Schedule) -> Function:
    time, epochs = variable("time"), variable("epochs")
    program = Program((time, epochs), (schedule.factor(time, epochs),))
    return ReferenceEngine().compile(program, "float64")


def _along_cosine(passed: Node, start: float, end: float) -> Node:
    """From ``start`` to ``end`` while ``passed`` goes from 0 to 1, slowly at both ends."""
    return end + (start - end) * (0.5 * (1.0 + fn.cos(math.pi * passed)))


def _require(schedule: Schedule, name: str, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(
            f"The {name!r} of {type(schedule).__name__} must be {wanted}, but got "
            f"{getattr(schedule, name)!r}."
        )


SCHEDULES: dict[str, Schedule] = {
    "constant": ConstantSchedule(),
    "invscaling": InverseScalingSchedule(),
    "adaptive": AdaptiveSchedule(),
    "step": StepSchedule(),
    "cosine": CosineSchedule(),
    "one_cycle": OneCycleSchedule(),
}
"""Schedules with their defaults, by name."""
