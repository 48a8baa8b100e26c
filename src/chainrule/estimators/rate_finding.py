"""``find_learning_rate``: a copy of an estimator, trained while the rate rises."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from chainrule.engines.base import TrainingLoop
from chainrule.estimators.hints import ArrayLike, MatrixLike, SequencesLike
from chainrule.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.training.rate_search import (
    FIRST_STEPS,
    LearningRates,
    RisingRates,
    SearchEndedError,
)

__all__ = ["FindsLearningRates"]


class FindsLearningRates:
    """An estimator that can find a learning rate for itself."""

    solver: str
    _rates: Any = None
    _search: RisingRates | None = None

    def find_learning_rate(
        self,
        X: MatrixLike | SequencesLike,
        y: ArrayLike | SequencesLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        smallest: float = 1e-7,
        largest: float = 10.0,
        n_steps: int = 100,
    ) -> LearningRates:
        """Find a learning rate: one that trains fast, and is far from diverging.

        A copy of the estimator makes some steps of training from new weights, each at a higher
        rate than the one before, until the loss rises again. The estimator itself stays as it is:
        set ``learning_rate_init`` to the suggestion.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        smallest, largest : float, default=1e-7 and 10.0
            The rates of the first step and of the last.
        n_steps : int, default=100
            The most steps to make; at least 20.

        Returns
        -------
        LearningRates
            With ``rates``, ``losses``, ``suggestion`` and ``plot()``.

        Raises
        ------
        ValueError
            If there is no learning rate, as with L-BFGS; if the rates make no sense; or if the
            loss diverges at once.
        NonFiniteLossError
            If the loss is NaN or infinite before any step.

        References
        ----------
        Smith, "Cyclical learning rates for training neural networks", 2017 (first 2015).

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> model = cr.MLPClassifier((50,), random_state=0)
        >>> rates = model.find_learning_rate(X / 16, y)
        >>> 0.001 < rates.suggestion < 0.1
        True
        >>> model.set_params(learning_rate_init=rates.suggestion).fit(X / 16, y).score(X / 16, y)
        1.0
        """
        kind = type(self).__name__
        if self.solver not in STOCHASTIC_SOLVERS:
            raise ValueError(
                f"There is no learning rate to find for solver={self.solver!r}, which takes steps "
                f"of its own: choose another solver."
            )
        if not 0 < smallest < largest < np.inf:
            raise ValueError(
                f"Rates rise from smallest to largest, but these are {smallest} and {largest}."
            )
        if n_steps < 20:
            raise ValueError(f"n_steps is {n_steps}, which is too few to see a curve: give 20.")
        learner = self._copy_for_search(n_steps)
        learner._rates = np.geomspace(smallest, largest, n_steps)
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        try:
            learner.fit(X, y, **given)
        except SearchEndedError:
            pass
        else:
            raise ValueError(f"This {kind} makes no steps of training that have a learning rate.")
        found = learner._search.found()
        if len(found.losses) <= FIRST_STEPS:
            raise ValueError(
                f"The loss diverges at once, at a learning rate of {smallest:g}: scale the data, "
                f"with StandardScaler for one, or give a lower smallest."
            )
        return found

    def _copy_for_search(self, n_steps: int) -> Any:
        """An unfitted copy that nothing but the search will end, and that tells nobody."""
        learner = clone(self)
        wanted = {
            "accumulate_steps": 1,  # or not every rate would be tried
            "callbacks": None,
            "checkpoint": None,
            "early_stopping": False,
            "learning_rate": "constant",  # or a schedule would change the rates that are tried
            "max_iter": n_steps,
            "n_iter_no_change": n_steps,
            "scoring": None,
            "verbose": False,
        }
        known = learner.get_params(deep=False)
        learner.set_params(**{name: value for name, value in wanted.items() if name in known})
        learner.__dict__.pop("_skl_callbacks", None)
        return learner

    def _with_rising_rates(self, loop: TrainingLoop) -> TrainingLoop:
        """The loop itself, unless this is a copy in search of a rate."""
        if self._rates is None:
            return loop
        self._search = RisingRates(loop, self._rates)
        return self._search
