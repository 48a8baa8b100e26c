"""The NumPy interpreter: the definition of every operation.

It has no speed tricks on purpose. What a graph means is what this file computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

from chainrule.engines import random_bits
from chainrule.engines.base import (
    Array,
    Engine,
    FloatType,
    Function,
    Program,
    RunReport,
    TrainingLoop,
    TrainingStep,
    as_arrays,
    bind_sizes,
    minibatch_bounds,
)
from chainrule.errors import ShapeError
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.operations import Range
from chainrule.graph.shape import resolve, resolve_shape
from chainrule.graph.traversal import topological_order

__all__ = ["MEANINGS", "ReferenceEngine", "evaluate"]


@dataclass(frozen=True)
class Context:
    """What an operation may know besides its inputs."""

    sizes: Mapping[str, int]
    dtype: np.dtype[Any]
    seed: int = 0
    step: int = 0


def _sum(node: Node, context: Context, x: Array) -> Array:
    return np.asarray(np.sum(x, axis=node.attributes["axes"], dtype=x.dtype))


def _uniform(node: Node, context: Context) -> Array:
    shape = resolve_shape(node.shape, context.sizes)
    draws = random_bits.uniform(
        context.seed, context.step, node.attributes["stream"], math.prod(shape), context.dtype
    )
    return draws.reshape(shape)


def _index(ranges: Sequence[Range | None]) -> tuple[slice, ...]:
    return tuple(slice(None) if bounds is None else slice(*bounds) for bounds in ranges)


def _pad(node: Node, context: Context, x: Array) -> Array:
    result = np.zeros(resolve_shape(node.shape, context.sizes), dtype=x.dtype)
    result[_index(node.attributes["ranges"])] = x
    return result


def _slice(node: Node, context: Context, x: Array) -> Array:
    result = x[_index(node.attributes["ranges"])]
    if result.shape != resolve_shape(node.shape, context.sizes):
        raise ShapeError(f"{x.shape} is too short for {node!r}.")
    return result


def _check_indices(indices: Array, size: int) -> None:
    # NumPy would count negative ones from the end.
    wrong = indices[(indices < 0) | (indices >= size)]
    if wrong.size:
        raise ShapeError(f"There is no row {wrong[0]} among {size} rows, counted from 0.")


def _take(node: Node, context: Context, x: Array, indices: Array) -> Array:
    _check_indices(indices, len(x))
    return np.take(x, indices, axis=0)


def _scatter_add(node: Node, context: Context, values: Array, indices: Array) -> Array:
    result = np.zeros(resolve_shape(node.shape, context.sizes), dtype=values.dtype)
    _check_indices(indices, len(result))
    np.add.at(result, indices, values)
    return result


def _select(node: Node, context: Context, condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, x, y)


def _scan(node: Node, context: Context, *arguments: Array) -> Array:
    loop: Loop = node.attributes["loop"]
    output: Node = node.attributes["output"]
    n_carried, n_sequences = len(loop.carries), len(loop.sequences)
    carried = list(arguments[:n_carried])
    sequences = arguments[n_carried : n_carried + n_sequences]
    constants = arguments[n_carried + n_sequences :]
    length = resolve(loop.length, context.sizes)
    order = topological_order([*loop.updates, output])
    result = np.zeros(resolve_shape(node.shape, context.sizes), dtype=_dtype(output, context))
    for time in reversed(range(length)) if loop.reverse else range(length):
        slices = [np.asarray(each[time]) for each in sequences]
        values = dict(zip(loop.variables, [*carried, *slices, *constants], strict=True))
        for each, value in _evaluate_in(order, values, context):
            values[each] = value
        carried = [values[each] for each in loop.updates]
        result[time] = values[output]
    return result


Meaning = Callable[..., Any]
"""``meaning(node, context, *input_arrays) -> array``."""


def _plain(function: Callable[..., Any]) -> Meaning:
    """A meaning that needs only the values of the inputs."""
    return lambda node, context, *arrays: function(*arrays)


MEANINGS: dict[str, Meaning] = {
    "constant": lambda node, context: np.asarray(
        node.attributes["value"], dtype=_dtype(node, context)
    ),
    "size": lambda node, context: np.asarray(
        resolve(node.attributes["dimension"], context.sizes), dtype=context.dtype
    ),
    "uniform": _uniform,
    "negate": _plain(np.negative),
    "reciprocal": _plain(np.reciprocal),
    "exp": _plain(np.exp),
    "log": _plain(np.log),
    "log1p": _plain(np.log1p),
    "expm1": _plain(np.expm1),
    "sqrt": _plain(np.sqrt),
    "sin": _plain(np.sin),
    "cos": _plain(np.cos),
    "tanh": _plain(np.tanh),
    "logistic": _plain(scipy.special.expit),
    "softplus": _plain(lambda x: np.logaddexp(x, x.dtype.type(0))),
    "erf": _plain(scipy.special.erf),
    "absolute": _plain(np.absolute),
    "sign": _plain(np.sign),
    "add": _plain(np.add),
    "subtract": _plain(np.subtract),
    "multiply": _plain(np.multiply),
    "divide": _plain(np.divide),
    "power": _plain(np.power),
    "maximum": _plain(np.maximum),
    "minimum": _plain(np.minimum),
    "less": _plain(np.less),
    "less_equal": _plain(np.less_equal),
    "equal": _plain(np.equal),
    "select": _select,
    "convert": lambda node, context, x: x.astype(context.dtype),
    "stop_gradient": _plain(lambda x: x),
    "sum": _sum,
    "max": lambda node, context, x: np.max(x, axis=node.attributes["axes"]),
    "matmul": _plain(np.matmul),
    "transpose": lambda node, context, x: np.transpose(x, node.attributes["permutation"]),
    "reshape": lambda node, context, x: x.reshape(resolve_shape(node.shape, context.sizes)),
    "broadcast": lambda node, context, x: np.broadcast_to(
        x, resolve_shape(node.shape, context.sizes)
    ),
    "slice": _slice,
    "pad": _pad,
    "concatenate": lambda node, context, *parts: np.concatenate(
        parts, axis=node.attributes["axis"]
    ),
    "take": _take,
    "scatter_add": _scatter_add,
    "scan": _scan,
}
"""The meaning of every operation; a variable's is the value that it is given."""


def _dtype(node: Node, context: Context) -> np.dtype[Any]:
    kinds = {"float": context.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}
    return kinds[node.kind]


def _evaluate_in(
    order: Sequence[Node], known: Mapping[Node, Array], context: Context
) -> Iterator[tuple[Node, Array]]:
    values = dict(known)
    for node in order:
        if node not in values:
            inputs = [values[each] for each in node.inputs]
            # Not around the loop: what the caller does between two nodes keeps its own state.
            with np.errstate(all="ignore"):
                result = MEANINGS[node.operation](node, context, *inputs)
            # In C order: how a sum or product rounds must not hang on strides of earlier views.
            values[node] = np.asarray(result, dtype=_dtype(node, context), order="C")
        yield node, values[node]


def evaluate(
    outputs: Sequence[Node],
    values: Mapping[Node, npt.ArrayLike],
    dtype: FloatType = "float64",
    seed: int = 0,
    step: int = 0,
) -> Iterator[tuple[Node, Array]]:
    """Every node that ``outputs`` need with its value, one by one, inputs first.

    A caller that looks for the first value that is not finite can stop there.
    """
    Program(tuple(values), tuple(outputs)).check()
    arrays = as_arrays(list(values), list(values.values()), np.dtype(dtype))
    context = Context(bind_sizes(list(values), arrays), np.dtype(dtype), seed, step)
    known = dict(zip(values, arrays, strict=True))
    return _evaluate_in(topological_order(outputs), known, context)


class ReferenceFunction(Function):
    """A program run by the interpreter."""

    def __call__(self, *arguments: npt.ArrayLike, seed: int = 0, step: int = 0) -> list[Array]:
        inputs = self.program.inputs
        arrays = as_arrays(inputs, arguments, self.dtype)
        context = Context(bind_sizes(inputs, arrays), self.dtype, seed, step)
        given = dict(zip(inputs, arrays, strict=True))
        order = topological_order(self.program.outputs)
        values = dict(_evaluate_in(order, given, context))
        # Copies: an output may be an input as it is, or a view of one.
        return [values[node].copy() for node in self.program.outputs]


class ReferenceLoop(TrainingLoop):
    """A training step run by the interpreter."""

    def __init__(
        self,
        step: TrainingStep,
        dtype: FloatType,
        data: Sequence[Array],
        state: Sequence[Array],
        settings: Mapping[str, float],
        seed: int,
    ) -> None:
        super().__init__(step, data, state, settings, seed)
        self._function = ReferenceFunction(step.program, dtype)

    def _run(
        self,
        order: npt.NDArray[np.int64] | None,
        batch_size: int,
        first: int,
        last: int,
        loss_sum: float,
    ) -> RunReport:
        report = RunReport(loss_sum=loss_sum)
        settings = [self.settings[node.name or ""] for node in self.step.settings]
        n_rows = len(self.data[0]) if order is None else len(order)
        for index in range(first, last):
            start, stop = minibatch_bounds(index, batch_size, n_rows)
            rows = slice(start, stop) if order is None else order[start:stop]
            minibatch = [each[rows] for each in self.data]
            loss, *updates = self._function(
                *minibatch, *self.state, *settings, seed=self.seed, step=self.steps_done
            )
            if not np.isfinite(loss):
                report.failed_step = index
                break
            for array, update in zip(self.state, updates, strict=True):
                array[...] = update
            report.steps += 1
            report.rows += stop - start
            report.loss_sum += float(loss) * (stop - start)
            self.steps_done += 1
        return report


class ReferenceEngine(Engine):
    """The slow engine that defines what the fast ones compute."""

    name = "reference"

    def compile(self, program: Program, dtype: FloatType, n_threads: int = 1) -> Function:
        """Make a program callable; the interpreter has one thread."""
        program.check()
        return ReferenceFunction(program, dtype)

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
        """Make a training step runnable; the interpreter has one thread."""
        step.check()
        return ReferenceLoop(step, dtype, data, state, settings, seed)
