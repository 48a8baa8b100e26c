"""Why a loss is NaN or infinite: the first operation that gave such a value, and of what.

The engine stops before the update, so the state is still the one that the failed minibatch met.
The reference engine goes through that minibatch again, node by node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import Array, FloatType, TrainingLoop
from chainrule.engines.reference import evaluate
from chainrule.errors import NonFiniteLossError
from chainrule.graph.node import Node
from chainrule.graph.traversal import dependents, topological_order, variables
from chainrule.notation.formula_text import formula_text, number_text
from chainrule.notation.writing import write
from chainrule.training.blame import Link, chain_to, has_rows, written_with_numbers
from chainrule.training.blocks import blocks, dense_rows

__all__ = ["Fault", "explain_failure", "find_fault", "find_fault_in_blocks"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fault:
    """The first value of a graph that is not finite.

    Attributes
    ----------
    at : Link
        The first entry of it that is not finite.
    layer : str or None
        The name of the value, or of the first named one that is computed from it.
    row : int or None
        The row of the data it belongs to.
    numbers : str
        The operation with the numbers that went into it.
    chain : tuple of Link
        The values that led there.
    """

    at: Link
    layer: str | None
    row: int | None
    numbers: str
    chain: tuple[Link, ...]

    @property
    def node(self) -> Node:
        """The value."""
        return self.at.node

    @property
    def feature(self) -> int | None:
        """The column of X that weighs most in it."""
        first = (*self.chain, self.at)[0]
        return first.index[1] if first.node.name == "X" and len(first.index) == 2 else None

    def __str__(self) -> str:
        row = "" if self.row is None else f", for row {self.row} of the data"
        if self.node.operation == "variable":
            return f"{self.at}{row}"
        layer = "" if self.layer is None else f", on the way to {self.layer}"
        operation = formula_text(write(self.node))
        value = number_text(self.at.value)
        return (
            f"{operation} is the first operation to give a value that is not finite: "
            f"{self.numbers} = {value}{layer}{row}"
        )

    def history(self) -> str:
        """How it came about, a line for each value; empty if there is nothing to tell."""
        if not self.chain:
            return ""
        lines = "".join(f"\n    {link}" for link in self.chain)
        return f"\n  How it came about:{lines}"


def find_fault(
    outputs: Sequence[Node],
    values: Mapping[Node, npt.ArrayLike],
    rows: Rows,
    dtype: FloatType = "float64",
    seed: int = 0,
    step: int = 0,
) -> Fault | None:
    """Compute ``outputs`` node by node up to the first value that is not finite.

    Parameters
    ----------
    outputs : sequence of Node
    values : mapping of Node to array
        The values of the variables.
    rows : array of int64
        The row of the data that each row of the values is.
    dtype : {"float64", "float32"}, default="float64"
    seed, step : int, default=0
        They key the random draws.
    """
    needed = {each: values[each] for each in variables(outputs)}
    known: dict[Node, Array] = {}
    for node, value in evaluate(outputs, needed, dtype, seed, step):
        known[node] = value
        if node.kind == "float" and not np.isfinite(value).all():
            index = tuple(int(k) for k in np.argwhere(~np.isfinite(value))[0])
            by_rows = has_rows(node)
            order = topological_order(outputs)
            users = dependents(order, [node])
            named = (
                each.name
                for each in order
                if each in users and each.operation != "variable" and each.name
            )
            return Fault(
                Link(node, index, float(value[index])),
                next(named, None),
                int(rows[index[0]]) if by_rows else None,
                written_with_numbers(node, index, known),
                tuple(chain_to(node, index, known)),
            )
    return None


def find_fault_in_blocks(
    outputs: Sequence[Node],
    data: Mapping[Node, Array],
    others: Mapping[Node, npt.ArrayLike],
    block: int,
    dtype: FloatType,
) -> Fault | None:
    """The same over all rows of ``data``, a block of rows at a time."""
    n_rows = next(iter(data.values())).shape[0]
    for rows in blocks(0, n_rows, block):
        part = {node: dense_rows(array, rows) for node, array in data.items()}
        numbers = np.arange(rows.start, rows.stop)
        fault = find_fault(outputs, {**part, **others}, numbers, dtype)
        if fault is not None:
            return fault
    return None


def explain_failure(
    loop: TrainingLoop, order: Rows | None, batch_size: int, failed_step: int, epoch: int
) -> NonFiniteLossError:
    """The error that says why a step of training gave a loss that is not finite.

    Parameters
    ----------
    loop : TrainingLoop
        As the failed step left it: its update was not made.
    order : array of int64 or None
        The rows of the epoch.
    batch_size : int
    failed_step : int
        Counted from 0 at the start of the epoch.
    epoch : int
        Counted from 1.
    """
    rows = loop.rows_of_minibatch(order, batch_size, failed_step)
    settings = {node: loop.settings[node.name or ""] for node in loop.step.settings}
    read = loop.values_of_minibatch(order, batch_size, failed_step)
    minibatch = dict(zip(loop.step.minibatch, read, strict=True))
    values: dict[Node, npt.ArrayLike] = {
        **minibatch,
        **dict(zip(loop.step.state, loop.state, strict=True)),
        **settings,
    }
    dtype: FloatType = "float32" if loop.state[0].dtype == np.float32 else "float64"
    where = f"The loss is not finite at step {failed_step + 1} of epoch {epoch}"
    if any(node.name == "sample_weight" and not each.any() for node, each in minibatch.items()):
        return NonFiniteLossError(
            f"{where}: all {len(rows)} rows of the minibatch have weight 0, and their mean loss is "
            f"0/0. Leave the rows of weight 0 out, or make batch_size larger than {batch_size}."
        )
    fault = find_fault([loop.step.loss], values, rows, dtype, loop.seed, loop.steps_done)
    rate = settings.get(_named(loop.step.settings, "learning_rate"))
    lower = "lower learning_rate_init" + (f" (the rate is {rate:g})" if rate is not None else "")
    if fault is None:
        return NonFiniteLossError(
            f"{where}, although the reference engine computes a finite one from the same values: "
            f"they are at the edge of what {dtype} can hold. Scale the data, or {lower}."
        )
    if fault.node in loop.step.state:
        return NonFiniteLossError(
            f"{where}: {fault}, and the update of the step before it produced that. Training "
            f"diverges: {lower}, or scale the data, with StandardScaler for one."
        )
    if fault.node in loop.step.minibatch:
        return NonFiniteLossError(
            f"{where}: {fault}. Remove or replace that value.", feature=fault.feature
        )
    return NonFiniteLossError(
        f"{where}: {fault}. The update was not made. Scale the data, with StandardScaler for "
        f"one, or {lower}.{fault.history()}",
        feature=fault.feature,
    )


def _named(nodes: Sequence[Node], name: str) -> Node:
    return next(node for node in nodes if node.name == name)
