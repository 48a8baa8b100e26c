"""What the signatures of estimators say: the data that they take, and choices with a name.

Type checkers and editors read them. What a parameter may be is checked by ``fit``, by the tables
of ``_parameter_constraints``; a test holds both to the same choices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.files.checkpoints import Checkpoint
from chainrule.networks.losses import RowLoss
from chainrule.training.callbacks import Callback
from chainrule.training.schedules import Schedule

__all__ = [
    "ActivationName",
    "ArrayLike",
    "BatchSize",
    "Callbacks",
    "CheckpointFolder",
    "ClassLoss",
    "ClassWeight",
    "EngineName",
    "HiddenSizes",
    "LearningRate",
    "MatrixLike",
    "Normalization",
    "NumberLoss",
    "OneLayerSolver",
    "Outputs",
    "Pooling",
    "RandomState",
    "ReconstructionActivation",
    "ReconstructionLoss",
    "Scoring",
    "SequencesLike",
    "Solver",
    "StochasticSolver",
    "ValidationMatrix",
    "ValidationRows",
    "ValidationSequences",
]

# --- data --------------------------------------------------------------------------------


class OffersDLPack(Protocol):
    """An array of another library, such as CuPy or PyTorch."""

    def __dlpack__(self, *args: Any, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[Any, Any]: ...


class SparseMatrix(Protocol):
    """A sparse matrix, or sparse array, of SciPy."""

    def tocsr(self) -> Any: ...


ArrayLike: TypeAlias = npt.ArrayLike | OffersDLPack
"""Numbers or labels: lists, arrays, and the frames and columns of pandas, polars and Arrow."""

MatrixLike: TypeAlias = ArrayLike | SparseMatrix
"""Rows of features."""

SequencesLike: TypeAlias = ArrayLike | Sequence[ArrayLike]
"""Sequences in one array, or one by one where their lengths differ."""

ValidationRows: TypeAlias = (
    tuple[MatrixLike, ArrayLike] | tuple[MatrixLike, ArrayLike, ArrayLike | None]
)
"""``(X, y)`` or ``(X, y, sample_weight)``."""

ValidationSequences: TypeAlias = (
    tuple[SequencesLike]
    | tuple[SequencesLike, SequencesLike | None]
    | tuple[SequencesLike, SequencesLike | None, ArrayLike | None]
)
"""``(X, y)`` or ``(X, y, sample_weight)``; of forecasters ``(X,)``."""

ValidationMatrix: TypeAlias = (
    MatrixLike
    | tuple[MatrixLike]
    | tuple[MatrixLike, ArrayLike | None]
    | tuple[MatrixLike, ArrayLike | None, ArrayLike | None]
)
"""``X``, or a tuple as others take it, of which y is ignored."""

Outputs: TypeAlias = npt.NDArray[Any] | list[npt.NDArray[Any]]
"""What is said of sequences: a list where each step has an output and they were given as a list."""

# --- choices -----------------------------------------------------------------------------

ActivationName: TypeAlias = Literal[
    "identity",
    "linear",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "piecewise_linear",
    "unit_step",
    "sign",
]
StochasticSolver: TypeAlias = Literal["sgd", "adam", "adamw", "adagrad", "rmsprop"]
Solver: TypeAlias = Literal["lbfgs"] | StochasticSolver
OneLayerSolver: TypeAlias = Literal["lbfgs", "sgd", "adam", "adagrad", "rmsprop"]
LearningRate: TypeAlias = (
    Literal["constant", "invscaling", "adaptive", "step", "cosine", "one_cycle"] | Schedule
)
ClassLoss: TypeAlias = Literal["log_loss", "hinge"] | RowLoss
NumberLoss: TypeAlias = (
    Literal["squared_error", "absolute_error", "huber", "quantile", "poisson"] | RowLoss
)
ReconstructionLoss: TypeAlias = Literal["squared_error", "log_loss"]
ReconstructionActivation: TypeAlias = Literal["auto", "identity", "logistic"]
Pooling: TypeAlias = Literal["last", "mean", "max", "each"]
Normalization: TypeAlias = Literal["batch", "layer"] | None
EngineName: TypeAlias = Literal["native", "reference"]

# --- other parameters --------------------------------------------------------------------

BatchSize: TypeAlias = int | Literal["auto"]
Callbacks: TypeAlias = Sequence[Callback] | None
CheckpointFolder: TypeAlias = str | PathLike[str] | Checkpoint | None
ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None
HiddenSizes: TypeAlias = int | Sequence[int] | npt.NDArray[np.integer[Any]]
RandomState: TypeAlias = int | np.random.RandomState | None
Scoring: TypeAlias = (
    str | Callable[..., Any] | Sequence[str] | Mapping[str, str | Callable[..., Any]] | None
)
