"""What an engine is: something that runs programs and training steps.

The NumPy interpreter (``engines.reference``) defines what every program means; every other
engine must agree with it in values, gradients and whole training trajectories.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from chainrule.errors import GraphError, ShapeError
from chainrule.graph.checker import check_graph
from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Size, format_shape, resolve_shape, symbols_of
from chainrule.graph.traversal import topological_order

__all__ = [
    "Array",
    "Engine",
    "FloatType",
    "Function",
    "Program",
    "RunReport",
    "TrainingLoop",
    "TrainingStep",
    "as_arrays",
    "bind_sizes",
    "minibatch_bounds",
]

Array = npt.NDArray[Any]
FloatType = Literal["float32", "float64"]


@dataclass(frozen=True)
class Program:
    """Some graphs, to be evaluated together for given values of their variables."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    def check(self) -> None:
        """Raise GraphError where the program is not well formed."""
        check_graph(self.outputs, inputs=set(self.inputs))
        for each in self.inputs:
            if each.operation != "variable":
                raise GraphError(f"An input must be a variable, but {each!r} is not.")
        known = {_symbol(dimension) for each in self.inputs for dimension in each.shape}
        for node in [*self.inputs, *topological_order(self.outputs)]:
            for symbol in symbols_of([node.shape, (node.attributes.get("dimension", 1),)]):
                if symbol not in known:
                    raise GraphError(
                        f"The size {symbol!r} of {node!r} cannot be read off the inputs: give one "
                        f"of them an axis of just this size."
                    )


@dataclass(frozen=True)
class TrainingStep:
    """One step of training as graph: read a minibatch, compute the loss, update the state.

    Attributes
    ----------
    minibatch : tuple of Node
        Variables whose first axis is the symbolic size ``rows``; their rows are gathered
        from the data at every step.
    state : tuple of Node
        Variables kept from step to step: weights, and what the optimizer remembers.
    updates : tuple of Node
        The value of each state variable after the step.
    settings : tuple of Node
        Scalar variables that the caller may change between runs, such as the learning rate.
    loss : Node
        A scalar; where it is not finite the step stops before the update.
    """

    minibatch: tuple[Node, ...]
    state: tuple[Node, ...]
    updates: tuple[Node, ...]
    settings: tuple[Node, ...]
    loss: Node

    @property
    def program(self) -> Program:
        """The step as a program: loss and new state from minibatch, state and settings."""
        return Program((*self.minibatch, *self.state, *self.settings), (self.loss, *self.updates))

    def check(self) -> None:
        """Raise GraphError where the step is not well formed."""
        self.program.check()
        if self.loss.shape or self.loss.kind != "float":
            raise GraphError(f"The loss must be a single number, but it is {self.loss.type}.")
        if len(self.state) != len(self.updates):
            raise GraphError(
                f"The step has {len(self.state)} state variables, but {len(self.updates)} updates."
            )
        for variable, update in zip(self.state, self.updates, strict=True):
            if variable.type != update.type:
                raise GraphError(f"{variable!r} cannot be updated with {update.type}.")
        for variable in self.minibatch:
            if not variable.shape or variable.shape[0] != Size(1, ("rows",)):
                raise GraphError(f"{variable!r} needs 'rows' as its first axis.")


@dataclass
class RunReport:
    """What a run of training steps did.

    Attributes
    ----------
    steps : int
        The number of steps completed.
    loss_sum : float
        What the sum started from, and Σ over the steps of loss times rows.
    rows : int
        The number of rows seen.
    failed_step : int or None
        The step (counted from the start of the epoch) whose loss was not finite; its
        update was not made.
    """

    steps: int = 0
    loss_sum: float = 0.0
    rows: int = 0
    failed_step: int | None = None

    def go_on(self, part: RunReport) -> bool:
        """Add what a run did that went on from here; whether none of its steps failed."""
        self.steps += part.steps
        self.rows += part.rows
        self.loss_sum = part.loss_sum
        return part.failed_step is None


class Function(ABC):
    """A compiled program: call it with the values of its inputs, in order."""

    def __init__(self, program: Program, dtype: FloatType) -> None:
        self.program = program
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise GraphError(f"A program runs in float32 or float64, not in {self.dtype}.")

    @abstractmethod
    def __call__(self, *arguments: npt.ArrayLike, seed: int = 0, step: int = 0) -> list[Array]:
        """The outputs, as arrays of the compiled precision.

        ``seed`` and ``step`` key the random draws.
        """


class TrainingLoop(ABC):
    """A compiled training step bound to data and state.

    ``state`` is updated in place; ``settings`` may be changed between runs.
    """

    def __init__(
        self,
        step: TrainingStep,
        data: Sequence[Array],
        state: Sequence[Array],
        settings: Mapping[str, float],
        seed: int,
    ) -> None:
        self.step = step
        self.data = list(data)
        self.state = list(state)
        self.settings = dict(settings)
        self.seed = seed
        self.steps_done = 0
        # The rows of all data must agree, or the last minibatches would pair the wrong ones.
        bind_sizes((*step.minibatch, *step.state), (*self.data, *self.state))
        missing = {each.name for each in step.settings} - set(self.settings)
        if missing:
            raise GraphError(f"The step needs a value for the setting {min(map(str, missing))!r}.")
        for node, array in zip(step.state, self.state, strict=True):
            if not array.flags.writeable:
                raise GraphError(f"{node.name!r} is updated in place, but its array is read-only.")

    @property
    def n_rows(self) -> int:
        """The number of rows of the data."""
        return int(self.data[0].shape[0])

    def count_minibatches(self, order: npt.NDArray[np.int64] | None, batch_size: int) -> int:
        """The number of minibatches of an epoch over the rows of ``order``."""
        n_visited = self.n_rows if order is None else len(order)
        return -(-n_visited // batch_size) if batch_size > 0 else 0

    def rows_of_minibatch(
        self, order: npt.NDArray[np.int64] | None, batch_size: int, index: int
    ) -> npt.NDArray[np.int64]:
        """The rows of the data that make a minibatch."""
        n_visited = self.n_rows if order is None else len(order)
        bounds = minibatch_bounds(index, batch_size, n_visited)
        return np.arange(*bounds) if order is None else order[slice(*bounds)]

    def values_of_minibatch(
        self, order: npt.NDArray[np.int64] | None, batch_size: int, index: int
    ) -> list[Array]:
        """The values of the step's minibatch variables in one minibatch."""
        rows = self.rows_of_minibatch(order, batch_size, index)
        return [each[rows] for each in self.data]

    def run(
        self,
        order: npt.NDArray[np.int64] | None,
        batch_size: int,
        first: int,
        last: int,
        loss_sum: float = 0.0,
    ) -> RunReport:
        """Run the minibatches ``first`` up to, not including, ``last`` of one epoch.

        Parameters
        ----------
        order : array of int64 or None
            The rows of an epoch in the order in which they are visited; they may be some of
            the data only. None for all rows in the order of the data.
        batch_size : int
            Rows of a minibatch; the last one of an epoch may have fewer.
        first, last : int
            Which minibatches of the epoch.
        loss_sum : float, default=0.0
            What the sum of the losses starts from: that of the run before, so that it does not
            depend on how an epoch is divided into runs.

        Raises
        ------
        ShapeError
            If the epoch does not have such minibatches, or the data such rows.
        """
        n_rows = self.n_rows
        n_visited = n_rows if order is None else len(order)
        n_steps = self.count_minibatches(order, batch_size)
        if not 0 <= first <= last <= n_steps:
            raise ShapeError(
                f"Minibatches {first} to {last} of {batch_size} rows are asked for, but "
                f"{n_visited} rows make {n_steps}."
            )
        if order is not None:
            order = np.ascontiguousarray(order)
            visited = order[first * batch_size : last * batch_size]
            missing = visited.size and (visited.min() < 0 or visited.max() >= n_rows)
            if order.dtype.kind not in "iu" or missing:
                wrong = visited[(visited < 0) | (visited >= n_rows)]
                what = f"row {wrong[0]}" if wrong.size else f"rows of type {order.dtype}"
                raise ShapeError(f"The order has {what}, but the data has rows 0 to {n_rows - 1}.")
            order = order.astype(np.int64, copy=False)
        return self._run(order, batch_size, first, last, loss_sum)

    @abstractmethod
    def _run(
        self,
        order: npt.NDArray[np.int64] | None,
        batch_size: int,
        first: int,
        last: int,
        loss_sum: float,
    ) -> RunReport:
        """What ``run`` does, once it is checked."""


class Engine(ABC):
    """Runs programs in one way."""

    name: str

    @abstractmethod
    def compile(self, program: Program, dtype: FloatType, n_threads: int = 1) -> Function:
        """Make a program callable."""

    @abstractmethod
    def compile_step(
        self,
        step: TrainingStep,
        dtype: FloatType,
        data: Sequence[Array],
        state: Sequence[Array],
        settings: Mapping[str, float],
        seed: int = 0,
        n_threads: int = 1,
        batch_size: int = 1,
    ) -> TrainingLoop:
        """Make a training step runnable on data (rows first) from a state, updated in place."""


def as_arrays(
    inputs: Sequence[Node], arguments: Sequence[npt.ArrayLike], dtype: np.dtype[Any]
) -> list[Array]:
    """The values given for variables as arrays of their kinds, numbers in precision ``dtype``.

    Raises
    ------
    ShapeError
        If there are more or fewer values than variables.
    GraphError
        If a value is of another kind: fractions are not silently cut off.
    """
    _check_number(inputs, arguments)
    kinds = {"float": dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
    arrays = []
    for node, argument in zip(inputs, arguments, strict=True):
        array = np.asarray(argument)
        if not np.can_cast(array.dtype, kinds[node.kind], "same_kind"):
            raise GraphError(f"{node.name!r} is of kind {node.kind!r}, but got {array.dtype}.")
        arrays.append(array.astype(kinds[node.kind], copy=False))
    return arrays


def bind_sizes(inputs: Sequence[Node], arguments: Sequence[Array]) -> dict[str, int]:
    """Read the symbolic sizes off the arguments, and check every shape."""
    _check_number(inputs, arguments)
    sizes: dict[str, int] = {}
    for node, array in zip(inputs, arguments, strict=True):
        if len(node.shape) != array.ndim:
            raise _misfit(node, array, sizes)
        for dimension, actual in zip(node.shape, array.shape, strict=True):
            if (symbol := _symbol(dimension)) is not None:
                sizes.setdefault(symbol, actual)
    for node, array in zip(inputs, arguments, strict=True):
        if resolve_shape(node.shape, sizes) != array.shape:
            raise _misfit(node, array, sizes)
    return sizes


def _check_number(inputs: Sequence[Node], arguments: Sequence[object]) -> None:
    if len(inputs) != len(arguments):
        raise ShapeError(
            f"The program has {len(inputs)} inputs, but {len(arguments)} values are given."
        )


def _misfit(node: Node, array: Array, sizes: Mapping[str, int]) -> ShapeError:
    known = ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())
    return ShapeError(
        f"{node.name!r} needs shape {format_shape(node.shape)}"
        f"{f' with {known}' if known else ''}, but {format_shape(array.shape)} is given."
    )


def _symbol(dimension: Dimension) -> str | None:
    """The name of a size that is one symbol and nothing else."""
    if isinstance(dimension, Size) and dimension == Size(1, dimension.symbols[:1]):
        return dimension.symbols[0]
    return None


def minibatch_bounds(index: int, batch_size: int, n_rows: int) -> tuple[int, int]:
    """The first row of a minibatch and the row after its last."""
    start = index * batch_size
    if not 0 <= start < n_rows:
        raise ShapeError(f"{n_rows} rows have no minibatch {index} of {batch_size} rows.")
    return start, min(start + batch_size, n_rows)
