"""Outputs of a network, and its loss and score on rows held out, a block of rows at a time."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from chainrule.engines.base import Array, Program
from chainrule.engines.threads import available_threads
from chainrule.estimators.compiled import CompilingEstimator
from chainrule.estimators.exporting import Exportable
from chainrule.estimators.rows import Rows
from chainrule.exchange.onnx_model import Exported, Output, Value
from chainrule.graph.node import Node
from chainrule.training.blocks import block_rows, blocks, dense_rows, on_shares
from chainrule.training.loop import Measure
from chainrule.training.step import Objective

__all__ = ["EvaluatingEstimator"]


class EvaluatingEstimator(Exportable, CompilingEstimator, ABC):
    """Evaluates a network that a subclass describes, and can write it as ONNX."""

    scoring: Any = None
    """Scorers that are asked after each epoch, where the estimator takes any."""

    @property
    @abstractmethod
    def _parameters(self) -> list[Array]:
        """The learned arrays, in the order in which the objective has them; training updates them.

        These are its parameters, then its statistics.
        """

    @abstractmethod
    def _description(self) -> Hashable:
        """All that the graphs depend on: the network, and its loss."""

    @abstractmethod
    def _describe_objective(self, weighted: bool, training: bool) -> Objective:
        """What training makes small; ``training`` puts random draws into the graph."""

    @abstractmethod
    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        """What the network reads, and its output: (rows, columns)."""

    def _describe_scored(self) -> Node:
        """What a score is made of, for each row: the activated outputs, if nothing else is said."""
        return self._describe_output(activated=True)[1]

    @abstractmethod
    def _score_outputs(self, rows: Rows, outputs: Array) -> float:
        """The score, from what ``_describe_scored`` describes."""

    def _scored(self, X: Any, y: Any = None) -> tuple[Any, ...]:
        """What scorers are given of rows; nothing if there are no scorers."""
        if self.scoring is None:
            return ()
        return (X,) if y is None else (X, y)

    @property
    @abstractmethod
    def _numbers_per_row(self) -> int:
        """About how many numbers the network computes for a row."""

    def _objective(self, weighted: bool, training: bool = True) -> Objective:
        key = ("objective", self._description(), weighted, training)
        return self._once(key, lambda: self._describe_objective(weighted, training))

    def _validator(self, held_out: Rows) -> Measure:
        """Evaluates loss, without random draws and penalty, and score on rows held out."""
        weighted, n_rows = held_out.weight is not None, len(held_out)
        objective = self._objective(weighted, training=False)
        output = self._describe_scored()

        def program() -> Program:
            losses = objective.share * objective.loss_sum
            return Program((*objective.minibatch, *objective.learned), (output, losses))

        key = ("validate", self._description(), weighted)
        function = self._compiled(key, held_out.dtype, program)
        tail, block = _tail(output, held_out.inputs), self._block_rows(held_out.dtype)

        def validate(parameters: Sequence[Array]) -> dict[str, float]:
            outputs = np.zeros((n_rows, *tail), held_out.dtype)

            def share(start: int, stop: int) -> float:
                losses = 0.0
                for rows in blocks(start, stop, block):
                    data = self._block_of(held_out.arrays, rows)
                    part, loss = function(*data, *parameters)
                    _put(outputs[rows], part)
                    losses += float(loss)
                return losses

            loss_sum = sum(on_shares(share, n_rows, block, available_threads(self.n_threads)))
            # Weights may have overflowed in the last update: the next step will say so.
            score = math.nan
            if np.isfinite(outputs).all():
                score = self._score_outputs(held_out, outputs)
            loss = loss_sum / held_out.total_weight
            return {"validation_loss": loss, "validation_score": score}

        return validate

    def _evaluate(self, *inputs: Any, activated: bool = True) -> Array:
        """The outputs of the network for checked inputs, which may be sparse."""
        return self._evaluated(
            ("outputs", activated), lambda: self._describe_output(activated), inputs
        )

    def _evaluated(
        self, key: Hashable, describe: Any, inputs: Sequence[Any], shared: Sequence[Array] = ()
    ) -> Array:
        """A value of the network for each row of the inputs.

        Parameters
        ----------
        key : hashable
            What the value is, by name.
        describe : callable
            Gives the variables that are read, and the value: (rows, columns).
        inputs : sequence of array or sparse matrix
        shared : sequence of array
            What is the same for all rows, read after the inputs.
        """
        parameters = self._parameters
        dtype = parameters[0].dtype
        nodes = self._objective(weighted=False, training=False).learned

        def program() -> Program:
            read, value = describe()
            return Program((*read, *nodes), (value,))

        function = self._compiled((key, self._description()), dtype, program)
        inputs = [each.tocsr() if sparse.issparse(each) else each for each in inputs]
        tail = _tail(function.program.outputs[0], inputs)
        values = np.zeros((inputs[0].shape[0], *tail), dtype)
        block = self._block_rows(dtype)

        def share(start: int, stop: int) -> None:
            for rows in blocks(start, stop, block):
                (part,) = function(*self._block_of(inputs, rows), *shared, *parameters)
                _put(values[rows], part)

        on_shares(share, len(values), block, available_threads(self.n_threads))
        return values

    def _exported(self) -> Exported:
        read, output = self._describe_output(activated=True)
        nodes = self._objective(weighted=False, training=False).learned
        parameters = dict(zip(nodes, self._parameters, strict=True))
        return Exported(read, parameters, self._exported_outputs(output))

    def _exported_outputs(self, output: Node) -> Mapping[str, Output]:
        """What an ONNX model gives, by name: the activated outputs, if nothing else is said."""
        return {"output": Value(output)}

    def _block_of(self, arrays: Sequence[Any], rows: slice) -> list[Array]:
        """Some rows of each array, dense."""
        return [dense_rows(each, rows) for each in arrays]

    def _block_rows(self, dtype: np.dtype[Any]) -> int:
        return block_rows(self._numbers_per_row, dtype.itemsize)


def _tail(output: Node, inputs: Sequence[Any]) -> tuple[int, ...]:
    """The sizes of an output beyond its rows; one that is not known is that of the first input."""
    return tuple(
        size if isinstance(size, int) else int(inputs[0].shape[axis])
        for axis, size in enumerate(output.shape[1:], 1)
    )


def _put(place: Array, values: Array) -> None:
    """Write values that may end before their place does: a block has the steps it needs."""
    place[tuple(slice(size) for size in values.shape)] = values
