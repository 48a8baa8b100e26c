"""The learning-rate range test: training for some steps while the rate rises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import RunReport, TrainingLoop
from chainrule.training.curves import draw_rates

__all__ = ["FIRST_STEPS", "LearningRates", "RisingRates", "SearchEndedError"]

MEMORY = 0.8
"""How much of the smoothed loss is that of the step before: luck is evened out."""
FIRST_STEPS = 10
"""By these it is judged where the loss starts."""
RISE = 0.25
"""Of all that the loss has fallen: if it rises as much again, it diverges."""

Numbers = npt.NDArray[np.float64]


class SearchEndedError(Exception):
    """Ends a training that was for the search alone."""


@dataclass(frozen=True, repr=False)
class LearningRates:
    """How the loss fares while the learning rate rises: what ``find_learning_rate`` returns.

    Attributes
    ----------
    rates : array of shape (n_steps,)
        The learning rate of each step.
    losses : array of shape (n_steps,)
        The loss of its minibatch, before the update.
    diverged : bool
        Whether the loss rose again, which ended the search before the highest rate.
    """

    rates: Numbers
    losses: Numbers
    diverged: bool
    smoothed: Numbers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "smoothed", _smoothed(self.losses))

    @property
    def suggestion(self) -> float:
        """The rate at which the loss was half-way down, or a quarter of that at its lowest.

        The lower of both: at the lowest loss itself, training is about to diverge. Half-way is
        measured in the logarithm of the loss, where it is positive.
        """
        heights = _heights(self.smoothed)
        lowest = self._lowest
        middle = (heights[:FIRST_STEPS].mean() + heights[lowest]) / 2
        above = np.flatnonzero(heights[: lowest + 1] > middle)
        half_way = min(int(above[-1]) + 1, lowest) if len(above) else 0
        return float(min(self.rates[half_way], self.rates[lowest] / 4))

    @property
    def _lowest(self) -> int:
        """The step with the lowest smoothed loss; the first steps smooth over few."""
        first = min(FIRST_STEPS, len(self.losses)) - 1
        return first + int(np.argmin(self.smoothed[first:]))

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss over the learning rates, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default in a figure of its own.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed: ``pip install 'chainrule[plot]'``.
        """
        return draw_rates(
            self.rates.tolist(), self.losses.tolist(), self.smoothed.tolist(), self.suggestion, ax
        )

    def __repr__(self) -> str:
        end = f"rises again from {self.rates[-1]:.2g} on" if self.diverged else "rises nowhere"
        lowest = self.rates[self._lowest]
        return (
            f"<LearningRates: {self.suggestion:.2g} suggested; the loss is lowest at {lowest:.2g} "
            f"and {end}>"
        )


class RisingRates(TrainingLoop):
    """A training loop whose learning rate rises from step to step, until that ends it.

    Parameters
    ----------
    loop : TrainingLoop
        Makes the steps. In the end its state is as it was at first.
    rates : array
        One for each step.

    Raises
    ------
    SearchEndedError
        By ``run``, after the last rate, or when the loss diverges.
    """

    def __init__(self, loop: TrainingLoop, rates: Numbers) -> None:
        super().__init__(loop.step, loop.data, loop.state, loop.settings, loop.seed)
        self.loop = loop
        self.rates = rates
        self.losses: list[float] = []
        self._start = [each.copy() for each in loop.state]

    def count_minibatches(self, order: Any, batch_size: int) -> int:
        return self.loop.count_minibatches(order, batch_size)

    def rows_of_minibatch(self, order: Any, batch_size: int, index: int) -> Any:
        return self.loop.rows_of_minibatch(order, batch_size, index)

    def found(self) -> LearningRates:
        """What has been seen so far."""
        losses = np.array(self.losses)
        return LearningRates(self.rates[: len(losses)], losses, len(losses) < len(self.rates))

    def _run(
        self, order: Any, batch_size: int, first: int, last: int, loss_sum: float
    ) -> RunReport:
        report = RunReport(loss_sum=loss_sum)
        for step in range(first, last):
            if len(self.losses) == len(self.rates):
                self._end()
            self.settings["learning_rate"] = float(self.rates[len(self.losses)])
            self.loop.settings, self.loop.steps_done = self.settings, self.steps_done
            made = self.loop.run(order, batch_size, step, step + 1)
            self.steps_done = self.loop.steps_done
            if made.failed_step is not None:
                if self.losses:
                    self._end()
                report.failed_step = step  # before any update: that is the fault of the data
                return report
            self.losses.append(made.loss_sum / made.rows)
            if _diverges(np.array(self.losses)):
                self._end()
            report.steps += 1
            report.rows += made.rows
            report.loss_sum += made.loss_sum
        return report

    def _end(self) -> None:
        # What has diverged could neither be evaluated nor published.
        for array, start in zip(self.loop.state, self._start, strict=True):
            array[...] = start
        raise SearchEndedError


def _smoothed(losses: Numbers) -> Numbers:
    """The mean over the latest losses, whose weights fall off with their age.

    Examples
    --------
    >>> _smoothed(np.array([1.0, 1.0, 10.0]))  # 1, 1 and (0.64·1 + 0.8·1 + 10)/(0.64 + 0.8 + 1)
    array([1. , 1. , 4.69])
    """
    means, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        means[k] = mean / (1 - MEMORY ** (k + 1))
    return means


def _heights(losses: Numbers) -> Numbers:
    """Losses on the scale on which their changes are compared."""
    return np.log(losses) if losses.min() > 0 else losses


def _diverges(losses: Numbers) -> bool:
    """Whether the latest loss shows that the rate is too high."""
    if len(losses) <= FIRST_STEPS:
        return bool(losses[-1] - losses[0] > 100 * abs(losses[0]))
    raw = _heights(losses)
    heights = _heights(_smoothed(losses))
    start, lowest = heights[:FIRST_STEPS].mean(), heights[FIRST_STEPS:].min()
    # The standard deviation about a trend, whatever single steps did, and what smoothing leaves.
    spread = 1.4826 * np.median(np.abs(np.diff(raw))) / np.sqrt(2)
    by_chance = spread * np.sqrt((1 - MEMORY) / (1 + MEMORY))
    return bool(heights[-1] > lowest + max(RISE * (start - lowest), 8 * by_chance, 0.1))
