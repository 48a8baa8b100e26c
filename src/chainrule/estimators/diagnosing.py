"""``model.diagnose``: what is wrong with a fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.explaining import check_names
from chainrule.estimators.hints import ArrayLike, MatrixLike, SequencesLike

if TYPE_CHECKING:
    from chainrule.doctor.diagnosis import Diagnosis
    from chainrule.doctor.examination import Patient

__all__ = ["Diagnosable"]


class Diagnosable(ABC):
    """An estimator of a network that can be examined."""

    @abstractmethod
    def _patient(self, X: Any, y: Any, features: Sequence[str]) -> tuple[Patient, Array, Array]:
        """The network as the doctor sees it; and rows with their targets, in double precision."""

    def diagnose(
        self,
        X: MatrixLike | SequencesLike,
        y: ArrayLike | SequencesLike | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Diagnosis:
        """Look for what is wrong with this fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or sequences
            The rows it was fitted to, or some of them; of more than 5,000 every so many is
            examined.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As for ``fit``; without it where that has none.
        names : sequence of str, optional
            What the features are called; ``feature_names_in_`` by default.

        Returns
        -------
        Diagnosis
            Its findings, each with evidence and remedy, that which matters most first; none
            for a healthy fit. ``print`` writes them out, ``to_html()`` draws them.

        Raises
        ------
        NotFittedError
            If there is nothing to examine yet.
        ValueError
            If X has another width than in ``fit``, or y other classes.

        Notes
        -----
        A fit that ended with a loss that is not finite keeps its weights, and can be examined.

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.diagnose(X, y)
        <Diagnosis: healthy>
        >>> model.coefs_[0][:] = 0.0
        >>> model.intercepts_[0][:] = -1.0
        >>> model.diagnose(X, y).findings[0].where
        'layer 1'
        """
        from chainrule.doctor.diagnosis import Diagnosis
        from chainrule.doctor.examination import examine

        check_is_fitted(self)
        check_names(self, names)
        features = list(getattr(self, "feature_names_in_", ()) if names is None else names)
        return Diagnosis(examine(*self._patient(X, y, features)))
