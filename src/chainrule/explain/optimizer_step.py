"""The step that an optimizer takes along one gradient, written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.engines.base import Array
from chainrule.explain.board import Board
from chainrule.explain.steps import forward_steps
from chainrule.explain.worksheet import Given, Update
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.traversal import substitute
from chainrule.notation.entries import Index
from chainrule.training.optimizers import Optimizer, soft_threshold

__all__ = ["OptimizerState", "update_of"]

_LETTERS = {"mean": "m", "squares": "v", "sum_of_squares": "v", "velocity": "v"}
_WORDS = {
    "mean": "running mean of the gradient",
    "squares": "running mean of its square",
    "sum_of_squares": "sum of its squares",
    "velocity": "the step before",
}


@dataclass(frozen=True, eq=False)
class OptimizerState:
    """An optimizer in the midst of training.

    Attributes
    ----------
    name : str
    rule : Optimizer
    learning_rate : float
    steps_done : int
    memory : mapping of Node to mapping of str to array
        What is remembered of each parameter; zeros where nothing is.
    decay : mapping of Node to float
        For each parameter that is shrunk apart from its gradient, the strength of that.
    shrinkage : mapping of Node to float
        For each parameter with a penalty on its absolute values, the strength of that.
    clip_norm : float or None
        To what length the whole gradient is shortened where it is longer.
    note : str
        What there is to say about it.
    """

    name: str
    rule: Optimizer
    learning_rate: float
    steps_done: int = 0
    memory: Mapping[Node, Mapping[str, Array]] = field(default_factory=dict)
    decay: Mapping[Node, float] = field(default_factory=dict)
    shrinkage: Mapping[Node, float] = field(default_factory=dict)
    clip_norm: float | None = None
    note: str = ""


def update_of(
    state: OptimizerState,
    node: Node,
    index: Index,
    symbol: str,
    slope: float,
    values: Array,
    norm: float = 0.0,
    names: Iterable[str] = (),
) -> Update:
    """What the optimizer makes of one entry of a parameter.

    Parameters
    ----------
    state : OptimizerState
    node : Node
        The parameter.
    index : tuple of int
        The entry.
    symbol : str
        What it is called.
    slope : float
        Its gradient.
    values : array
        The parameter's values.
    norm : float, default=0.0
        The length of the gradient of all parameters together.
    names : iterable of str, optional
        What the network is made of: no value on the way is called so.

    Returns
    -------
    Update
    """
    parameter, rate = variable(symbol), variable("η")
    bar, count = variable("g"), variable("t")
    told: dict[Node, tuple[float, str]] = {
        parameter: (float(values[index]), ""),
        bar: (slope, "its gradient, from above"),
        rate: (state.learning_rate, "learning rate"),
    }
    descended = bar
    if state.clip_norm is not None and norm > state.clip_norm:
        length = variable("‖g‖")
        told[length] = norm, f"length of the whole gradient, to be {state.clip_norm:g} at most"
        descended = (bar * (state.clip_norm / length)).named("g_clipped")
    if state.rule.counts_steps:
        told[count] = float(state.steps_done + 1), "number of this step"
    remembered = []
    for name in state.rule.memory:
        node_of_memory = variable(_LETTERS[name])
        kept = state.memory.get(node, {}).get(name)
        told[node_of_memory] = 0.0 if kept is None else float(kept[index]), _WORDS[name]
        remembered.append(node_of_memory)
    start = parameter
    if node in state.decay:
        start = (parameter * (1.0 - rate * state.decay[node])).named(_fresh(symbol, "shrunk"))
    l1 = constant(state.shrinkage[node]) if node in state.shrinkage else None
    if state.rule.decoupled_decay:
        value, kept_on = state.rule.update(start, descended, remembered, rate, count)
        value = soft_threshold(value, None if l1 is None else rate * l1)
    else:
        value, kept_on = state.rule.update(start, descended, remembered, rate, count, l1)
    named = {
        each: each.named(f"{before.name}_new")
        for each, before in zip(kept_on, remembered, strict=True)
        if each is not value
    }
    (value,) = substitute([value], named)
    value = value.named(_fresh(symbol, "new"))
    given = {each: np.asarray(number) for each, (number, _) in told.items()}
    board = Board(value, [], given, names)
    return Update(
        optimizer=state.name,
        symbol=symbol,
        given=tuple(Given(each.name or "", number, note) for each, (number, note) in told.items()),
        forward=tuple(forward_steps(board)),
        before=float(values[index]),
        after=float(board.values[value]),
    )


def _fresh(symbol: str, word: str) -> str:
    """``W2[3, 1]`` becomes ``W2_new[3, 1]``."""
    name, bracket, places = symbol.partition("[")
    return f"{name}_{word}{bracket}{places}"
