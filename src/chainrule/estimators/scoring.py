"""A user's own scorers, asked after each epoch of training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.metrics import check_scoring, get_scorer

from chainrule.engines.base import Array
from chainrule.training.loop import Measure

__all__ = ["Scorers", "scorers"]


@dataclass(frozen=True)
class Scorers:
    """Scorers by name, and the estimator that they judge.

    Attributes
    ----------
    estimator : estimator
    score : callable
        ``score(estimator, X, y)`` gives the value of each by name.
    names : tuple of str
    """

    estimator: Any
    score: Callable[..., Mapping[str, float]]
    names: tuple[str, ...]

    def on(self, scored: tuple[Any, ...], prefix: str) -> Measure:
        """Their values on some rows, as columns ``prefix_NAME``."""
        # The rows are checked already, and have lost the names of their columns.
        judged = copy.copy(self.estimator)
        vars(judged).pop("feature_names_in_", None)
        given = scored if len(scored) > 1 else (*scored, None)

        def measure(parameters: Sequence[Array]) -> dict[str, float]:
            judged._set_parameters(list(parameters))
            values = self.score(judged, *given)
            return {f"{prefix}_{name}": float(values[name]) for name in self.names}

        return measure


def scorers(estimator: Any, scoring: Any) -> Scorers:
    """What the parameter ``scoring`` asks for.

    Raises
    ------
    ValueError
        If a name is none of scikit-learn's scorers, or a name that history_ has anyway, or there
        is none at all.
    """
    if isinstance(scoring, str):
        scoring = [scoring]
    elif callable(scoring):
        function = getattr(scoring, "_score_func", scoring)  # what a scorer of scikit-learn calls
        scoring = {getattr(function, "__name__", "scorer"): scoring}
    if not isinstance(scoring, Mapping):
        scoring = {name: get_scorer(name) for name in scoring}
    if not scoring:
        raise ValueError("scoring names no scorer: give at least one, or None.")
    for name in ("loss", "score"):
        if name in scoring:
            raise ValueError(
                f"scoring calls a scorer {name!r}, which is what history_ calls the {name} that it "
                f"has anyway: give it another name."
            )
    return Scorers(estimator, check_scoring(estimator, scoring), tuple(scoring))
