"""The parameter ``normalization`` of an estimator, and the arrays that are learned with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sklearn.utils._param_validation import StrOptions

from chainrule.engines.base import Array
from chainrule.networks.hidden_normalization import NORMALIZATIONS

__all__ = ["MOMENTS", "NORMALISED", "NORMALIZATION", "Normalised"]

NORMALIZATION: dict[str, list[Any]] = {"normalization": [StrOptions(set(NORMALIZATIONS)), None]}
"""The constraint of the parameter."""

MOMENTS = ("running_means_", "running_variances_")
"""Lists of what follows the rows that are seen."""

NORMALISED = ("scales_", "shifts_", *MOMENTS)
"""Lists with an array for each hidden layer, in the order in which networks have them."""


class Normalised:
    """An estimator that normalises its hidden layers on request."""

    normalization: Any
    solver: Any

    @property
    def _normalization_asked_for(self) -> str | None:
        """The parameter; ValueError if the solver cannot work with it."""
        if self.solver == "lbfgs" and self.normalization == "batch":
            raise ValueError(
                "normalization='batch' takes its means over minibatches, which 'lbfgs' does not "
                "have: choose another solver, or normalization='layer'."
            )
        return self.normalization

    @property
    def _normalised_by(self) -> str | None:
        """The normalisation of the weights that there are."""
        if not hasattr(self, "scales_"):
            return None
        return "batch" if hasattr(self, "running_means_") else "layer"

    def _normalised_arrays(self) -> list[Array]:
        """All that the normalisation has learned."""
        return [each for name in NORMALISED for each in getattr(self, name, [])]

    def _set_normalised(self, kind: str | None, n_hidden: int, arrays: Iterator[Array]) -> None:
        """Publish these arrays; those of a fit with another normalisation go."""
        for name in NORMALISED:
            if n_hidden and kind and (kind == "batch" or name not in MOMENTS):
                setattr(self, name, list(islice(arrays, n_hidden)))
            elif hasattr(self, name):
                delattr(self, name)
