"""What a demonstration is, and running one."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.estimators.loading import ESTIMATORS
from chainrule.estimators.table_fit import INTERRUPTED
from chainrule.pages.markup import Markup
from chainrule.training.callbacks import Callback

__all__ = ["Baseline", "Demonstration", "Measure", "Outcome", "Split"]

Array = npt.NDArray[Any]


class Split(NamedTuple):
    """Rows to learn from, and rows held out.

    Attributes
    ----------
    X_train : array
    X_test : array
    y_train : array or None
        None where the network learns from X alone.
    y_test : array
        What is compared with; for networks that learn from X alone it may only name the rows.
    """

    X_train: Array
    X_test: Array
    y_train: Array | None
    y_test: Array


@dataclass(frozen=True)
class Measure:
    """What is measured on the rows held out.

    Parameters
    ----------
    name : str
    of : callable (model, X_test, y_test) -> float
        One ``return``, which is shown as the line of code that computes the figure.
    high_is_good : bool
    """

    name: str
    of: Callable[[Any, Array, Array], float]
    high_is_good: bool = True


@dataclass(frozen=True)
class Baseline:
    """What a network has to beat, measured in the same way on the same rows.

    Parameters
    ----------
    name : str
    of : callable (Split) -> float
    """

    name: str
    of: Callable[[Split], float]


@dataclass(frozen=True)
class Demonstration:
    """A network of the chart on some data.

    Parameters
    ----------
    network : str
        Its code on the chart.
    data : str
        What is learned, in a few words.
    load : callable () -> Split
        Its body is shown as code.
    estimator : str
        The public name.
    parameters : mapping
        Of the estimator, besides ``random_state``.
    measure : Measure
    baseline : Baseline
    picture : callable (Outcome) -> sequence of Markup
        What came out, as figures of a page.
    remark : str
        What is to be seen.
    label : str, optional
        Tells it from others of the same network; the code of the network by default.
    """

    network: str
    data: str
    load: Callable[[], Split]
    estimator: str
    parameters: Mapping[str, Any]
    measure: Measure
    baseline: Baseline
    picture: Callable[[Outcome], Sequence[Markup]]
    remark: str
    label: str = ""

    @property
    def name(self) -> str:
        """What the table calls the network."""
        return self.label or self.network

    def run(self, seed: int = 0, callbacks: Sequence[Callback] = ()) -> Outcome:
        """Train the network, and measure it and its baseline.

        Parameters
        ----------
        seed : int, default=0
            The ``random_state`` of the estimator; the data are always the same.
        callbacks : sequence of callable
            Told how training goes.

        Returns
        -------
        Outcome

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C was pressed. Estimators keep what they have learned so far; half a
            demonstration is none.
        """
        data = self.load()
        model = self.estimator_of(seed, callbacks)
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(data.X_train, data.y_train)
        seconds = time.perf_counter() - start
        if any(str(each.message) == INTERRUPTED for each in caught):
            raise KeyboardInterrupt
        figure = float(self.measure.of(model, data.X_test, data.y_test))
        return Outcome(self, seed, data, model, figure, float(self.baseline.of(data)), seconds)

    def estimator_of(self, seed: int = 0, callbacks: Sequence[Callback] = ()) -> Any:
        """The estimator, not yet fitted.

        Parameters
        ----------
        seed : int, default=0
        callbacks : sequence of callable
        """
        kind: Any = ESTIMATORS[self.estimator]
        return kind(**self.parameters, random_state=seed, callbacks=list(callbacks) or None)


@dataclass(frozen=True, eq=False)
class Outcome:
    """A demonstration that was run.

    Attributes
    ----------
    demonstration : Demonstration
    seed : int
    data : Split
    model : estimator
        Fitted.
    figure, baseline : float
        On the rows held out.
    seconds : float
        That training took, compiling included.
    """

    demonstration: Demonstration
    seed: int
    data: Split
    model: Any
    figure: float
    baseline: float
    seconds: float

    @property
    def is_better(self) -> bool:
        """Whether the network beats its baseline."""
        gain = self.figure - self.baseline
        return gain > 0 if self.demonstration.measure.high_is_good else gain < 0

    @property
    def losses(self) -> list[float]:
        """The loss after each epoch."""
        return [float(each) for each in self.model.history_["loss"]]

    @property
    def rows(self) -> tuple[int, int]:
        """How many were learned from, and held out: of one series, its steps."""
        data = self.data
        n_train = data.X_train.size if data.X_train.ndim == 1 else len(data.X_train)
        return n_train, len(np.asarray(data.y_test))
