"""The errors of chainrule: each names the fault, where it is, and the fix."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ChainruleError",
    "DataError",
    "FileError",
    "FormulaError",
    "GraphError",
    "NonFiniteLossError",
    "ShapeError",
]


class ChainruleError(Exception):
    """Base of all errors that chainrule raises for a fault of the input.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.load("no such file")
    ... except cr.ChainruleError as error:
    ...     print(type(error).__name__)
    FileError
    """


class GraphError(ChainruleError, ValueError):
    """A graph is not well formed, or a node is used where it cannot be.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> try:
    ...     cr.compile([x], inputs=[])
    ... except cr.GraphError:
    ...     print("x is no input")
    x is no input
    """


class ShapeError(GraphError):
    """The shapes of an operation's inputs do not fit together.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.variable("x", (2, 3)) @ cr.variable("w", (2, 3))
    ... except cr.ShapeError:
    ...     print("3 columns and 2 rows do not fit")
    3 columns and 2 rows do not fit
    """


class FormulaError(ChainruleError, ValueError):
    """A formula in text cannot be read, or cannot be evaluated at the given point.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.explain("x +", x=1)
    ... except cr.FormulaError:
    ...     print("something is missing")
    something is missing
    """


class DataError(ChainruleError, ValueError):
    """A table cannot be used as it is: the message names the column and the row.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.MLPClassifier().fit_stream([])
    ... except cr.DataError as error:
    ...     print(error)
    The source has no rows: there is nothing to learn from.
    """


class FileError(ChainruleError, ValueError):
    """A model file cannot be read or written.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.load(".")
    ... except cr.FileError as error:
    ...     print(error)
    . is a folder: give the path of a model file in it.
    """


class NonFiniteLossError(ChainruleError, ValueError):
    """Training stopped because the loss became NaN or infinite, before the update.

    Parameters
    ----------
    message : str
    feature : int, optional
        The feature that weighs most in it.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.MLPRegressor(solver="sgd", learning_rate_init=1e6, random_state=0)
    >>> try:
    ...     model.fit([[0.0], [1e5], [-1e5]], [0.0, 1.0, 2.0])
    ... except cr.NonFiniteLossError as error:
    ...     print(str(error).partition(":")[0])
    The loss is not finite at step 1 of epoch 4
    """

    def __init__(self, message: str, feature: int | None = None) -> None:
        super().__init__(message)
        self.feature = feature

    def with_names(self, features: Sequence[str]) -> NonFiniteLossError:
        """The same error, saying how the feature is called."""
        if self.feature is None or self.feature >= len(features):
            return self
        name = features[self.feature]
        return NonFiniteLossError(f"{self}\n  X[{self.feature}] is the column {name!r}.")
