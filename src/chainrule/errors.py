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
    """Base of all errors that chainrule raises for a fault of the input."""


class GraphError(ChainruleError, ValueError):
    """A graph is not well formed, or a node is used where it cannot be."""


class ShapeError(GraphError):
    """The shapes of an operation's inputs do not fit together."""


class FormulaError(ChainruleError, ValueError):
    """A formula in text cannot be read, or cannot be evaluated at the given point."""


class DataError(ChainruleError, ValueError):
    """A table cannot be used as it is: the message names the column and the row."""


class FileError(ChainruleError, ValueError):
    """A model file cannot be read or written."""


class NonFiniteLossError(ChainruleError, ValueError):
    """Training stopped because the loss became NaN or infinite, before the update.

    Parameters
    ----------
    message : str
    feature : int, optional
        The feature that weighs most in it.
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
