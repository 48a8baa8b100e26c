"""A figure: what a network is measured by, the number it should reach, and how it is registered."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from sklearn.exceptions import ConvergenceWarning

from chainrule.errors import DataError


@dataclass(frozen=True)
class Target:
    """The number to reach, from below or from above.

    Parameters
    ----------
    bound
        Compared with the measured value.
    at_least
        Whether more is better.
    source
        Whose number it is.
    """

    bound: float
    at_least: bool
    source: str

    def reached(self, value: float) -> bool:
        """Whether ``value`` is on the good side of the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {short(self.bound)} ({self.source})"


@dataclass(frozen=True)
class Measured:
    """What a figure's function found.

    Parameters
    ----------
    value
        What is compared with the target.
    detail
        What the value alone does not say: spread, seeds, a peer in the same run.
    target
        A target that is itself measured in the same run, instead of the figure's own.
    """

    value: float
    detail: str = ""
    target: Target | None = None


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Parameters
    ----------
    network, data, measure
        What is measured.
    settings
        All parameters that are not defaults.
    function
        Measures it.
    target
        None where the figure is there for comparison, or has a target of the same run.
    """

    network: str
    data: str
    measure: str
    settings: str
    function: Callable[[], Measured]
    target: Target | None = None

    @property
    def name(self) -> str:
        """How the command line chooses it."""
        return self.function.__name__.replace("_", "-")

    def measured(self) -> Row:
        """Measure it, and how long that takes."""
        start = time.perf_counter()
        found, missing = None, ""
        with warnings.catch_warnings():
            # A number of epochs is a setting here: that they end training is no surprise.
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                found = self.function()
            except (ImportError, DataError) as error:
                missing = str(error)
        return Row(self, found, time.perf_counter() - start, missing)


@dataclass(frozen=True)
class Row:
    """A figure, once it is measured; or why it could not be."""

    figure: Figure
    found: Measured | None
    seconds: float
    missing: str = ""

    @property
    def target(self) -> Target | None:
        """What it should reach."""
        return (self.found and self.found.target) or self.figure.target

    @property
    def verdict(self) -> str:
        """In words."""
        if self.found is None:
            return "not measured"
        if self.target is None:
            return "for comparison"
        return "reached" if self.target.reached(self.found.value) else "not reached"


FIGURES: list[Figure] = []
"""All of them, in the order of the page; see :func:`figure`."""


def figure(
    network: str,
    data: str,
    measure: str,
    *,
    settings: str = "defaults",
    at_least: float | None = None,
    at_most: float | None = None,
    source: str = "",
) -> Callable[[Callable[[], Measured]], Callable[[], Measured]]:
    """Register a function without arguments as what measures a figure.

    Its name is the figure's on the command line.
    """
    target = None
    if at_least is not None:
        target = Target(at_least, True, source)
    if at_most is not None:
        target = Target(at_most, False, source)

    def register(function: Callable[[], Measured]) -> Callable[[], Measured]:
        FIGURES.append(Figure(network, data, measure, settings, function, target))
        return function

    return register


def short(value: float) -> str:
    """Three digits, or as many as a number near 1 needs."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.3f}"


def over_seeds(values: Sequence[float], target: Target | None = None, more: str = "") -> Measured:
    """The median over seeds, with the smallest and the largest."""
    spread = f"{short(min(values))} to {short(max(values))} over {len(values)} seeds"
    return Measured(median(values), f"{spread}; {more}" if more else spread, target)
