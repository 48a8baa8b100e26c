"""The perceptron and the adaline."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

from sklearn.utils._param_validation import Interval, StrOptions

from chainrule.engines.base import Array
from chainrule.estimators.hints import Callbacks, ClassWeight, EngineName, RandomState
from chainrule.estimators.row_by_row import RowByRowClassifier, documented
from chainrule.training.row_by_row import largest_rate

__all__ = ["Adaline", "Perceptron"]


@documented
class Perceptron(RowByRowClassifier):
    """Rosenblatt's perceptron: where a row is on the wrong side of the line, move the line.

    With y = 1 or -1, whenever y·(w·x + b) ≤ 0: w ← w + eta0·y·x and b ← b + eta0·y. That is
    gradient descent on max(0, -y·(w·x + b)), one row at a time. Several classes are learned one
    by one, each against the rest.

    Parameters
    ----------
    eta0 : float, default=1.0
        The learning rate. From weights of zero it scales them, and changes no prediction.
    fit_intercept : bool, default=True
        Whether there is a b; otherwise it is 0.
    {training}

    Attributes
    ----------
    {attributes}

    Notes
    -----
    With ``shuffle=False`` the weights are those of :class:`sklearn.linear_model.Perceptron`, bit
    for bit where ``eta0`` is a power of 2, as long as no row is so near to the line that rounding
    decides about its side. Other orders of rows are drawn in another way than there, and
    ``early_stopping`` returns to the weights with the best score, not the last ones. If no line
    separates the classes, the weights never come to rest, and ``tol`` and ``max_iter`` decide
    where training ends.

    References
    ----------
    Rosenblatt, "The perceptron: a probabilistic model for information storage and organization
    in the brain", Psychological Review 65, 1958.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.Perceptron(shuffle=False).fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])
    >>> model.coef_, model.intercept_
    (array([[3., 2.]]), array([-4.]))
    >>> model.predict([[1, 1], [1, 0]])
    array([1, 0])
    """

    _loss_name: ClassVar[str] = "perceptron"
    _judged_without_weights: ClassVar[bool] = True

    def __init__(
        self,
        *,
        eta0: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        random_state: RandomState = 0,
        n_iter_no_change: int = 5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        warm_start: bool = False,
        verbose: bool | int = False,
        callbacks: Callbacks = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())


@documented
class Adaline(RowByRowClassifier):
    """The adaptive linear element of Widrow and Hoff: a line that is fitted to 1 and -1.

    With y = 1 or -1 and output o = w·x + b, after each row w ← w + eta0·(y - o)·x and
    b ← b + eta0·(y - o): gradient descent on ½(y - o)². The sign of o is the class. Unlike the
    perceptron it comes to rest where classes overlap, and rows far on the right side of the line
    draw it towards them. Several classes are learned one by one, each against the rest.

    Parameters
    ----------
    eta0 : float or "auto", default="auto"
        The learning rate. With ``"auto"``, a tenth of 1/max(‖x‖² + 1), the rate at which a step
        brings the error of the longest row just to 0; twice that rate and more may diverge.
    fit_intercept : bool, default=True
        Whether there is a b; otherwise it is 0.
    {training}

    Attributes
    ----------
    {attributes}

    Notes
    -----
    With ``shuffle=False`` the weights are those of :class:`sklearn.linear_model.SGDClassifier`
    with ``loss="squared_error"``, ``penalty=None`` and ``learning_rate="constant"``; where rows
    or classes have weights, with these in the loss by which progress is judged.
    Standardised features are learned faster.

    References
    ----------
    Widrow & Hoff, "Adaptive switching circuits", IRE WESCON Convention Record 4, 1960.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.Adaline().fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])
    >>> model.predict([[1, 1], [1, 0]])
    array([1, 0])
    """

    _loss_name: ClassVar[str] = "squared_error"
    _parameter_constraints: dict[str, list[Any]] = {
        **RowByRowClassifier._parameter_constraints,
        "eta0": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        eta0: float | Literal["auto"] = "auto",
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        random_state: RandomState = 0,
        n_iter_no_change: int = 5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        warm_start: bool = False,
        verbose: bool | int = False,
        callbacks: Callbacks = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    def _learning_rate(self, X: Any, update_weights: Array | None) -> float:
        if self.eta0 != "auto":
            return float(self.eta0)
        weights = None if update_weights is None else update_weights.max(axis=1)
        return 0.1 * largest_rate(X, weights, self.fit_intercept)
