"""The steps of a derivation, forward and backward, one for each operation of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.calculus.reverse import local_gradients, pull_back, unbroadcast
from chainrule.calculus.rules import NOT_DIFFERENTIABLE
from chainrule.engines.base import Array
from chainrule.explain.board import Board
from chainrule.explain.faults import check_slope, find_kink
from chainrule.explain.slopes import Slopes
from chainrule.explain.worksheet import BackwardStep, ForwardStep, Term, Use, as_value
from chainrule.graph.node import Node, constant, make
from chainrule.notation.entries import entry_of
from chainrule.notation.formula import Call, Formula, Number, Partial, Product, Symbol
from chainrule.notation.writing import write

__all__ = ["backward_steps", "forward_steps"]


def forward_steps(board: Board) -> list[ForwardStep]:
    """From the variables to the result."""
    return [_forward_step(board, node) for node in board.order if _is_step(node)]


def _is_step(node: Node) -> bool:
    return node.operation != "variable" and (node.operation != "constant" or bool(node.name))


def _forward_step(board: Board, node: Node) -> ForwardStep:
    cut = _cut(board, node)
    numbers: dict[Node, Formula] = {}
    for each in node.inputs:
        if each.operation == "constant":
            continue
        if each.shape == () and each.kind == "float":
            numbers[board.stand_in(each)] = Number(float(board.values[each]))
        elif each.shape == ():
            truth = str(board.values[each].item()).lower()
            numbers[board.stand_in(each)] = Symbol(truth)
    complete = bool(numbers) and all(each.shape == () for each in node.inputs)
    return ForwardStep(
        symbol=board.symbols[node],
        rule=write(cut),
        numbers=write(cut, numbers) if complete else None,
        value=as_value(board.values[node]),
        kink=find_kink(node, [board.values[each] for each in node.inputs]),
        node=node,
        inputs=tuple(
            board.symbols[each] if each in board.symbols else each.attributes["value"]
            for each in node.inputs
        ),
    )


def _cut(board: Board, node: Node) -> Node:
    """One operation on its own: its inputs are stand-ins for whatever led to them."""
    inputs = (board.stand_in(each) for each in node.inputs)
    return make(node.operation, *inputs, **node.attributes)


@dataclass(frozen=True)
class _Draft:
    """One use of a node before its numbers are known: graphs over stand-ins."""

    user: Node
    position: int
    slope: Node | None
    product: Node
    slope_formula: Formula | None
    rule: Formula
    terms: Node | None = None
    term_formula: Formula | None = None


_LARGEST = 3
"""So many terms of a long sum are written out."""


def backward_steps(board: Board) -> list[BackwardStep]:
    """From the result to the variables: operations in reverse order, then the variables."""
    drafts: dict[Node, list[_Draft]] = {node: [] for node in board.gradients}
    for user in board.reached:
        for position, node in enumerate(user.inputs):
            if node in drafts and (draft := _draft(board, user, position)) is not None:
                drafts[node].append(draft)
    every = [draft for drafts_of_node in drafts.values() for draft in drafts_of_node]
    graphs = [draft.product for draft in every]
    graphs += [draft.slope for draft in every if draft.slope is not None]
    graphs += [draft.terms for draft in every if draft.terms is not None]
    values = dict(zip(graphs, board.evaluate(graphs), strict=True))
    operations = dict.fromkeys(node for node in reversed(board.reached) if node.inputs)
    leaves = [node for node in board.gradients if node not in operations]
    return [
        BackwardStep(
            symbol=board.symbols[node],
            uses=tuple(_use(board, draft, values) for draft in drafts[node]),
            gradient=as_value(board.gradients[node]),
            end=NOT_DIFFERENTIABLE.get(node.operation) if node.inputs else None,
        )
        for node in [*operations, *leaves]
    ]


def _draft(board: Board, user: Node, position: int) -> _Draft | None:
    node, cut, bar = user.inputs[position], _cut(board, user), board.bar(user)
    upstream = Partial(board.symbols[board.output], board.symbols[user])
    rule: Formula
    if user.operation == "scan":
        if node in user.inputs[:position]:
            return None
        (product,) = pull_back([cut], [bar], [board.stand_in(node)])
        rule = Call("back_through_time", (upstream,))
        return None if product is None else _Draft(user, position, None, product, None, rule)
    flowing = local_gradients(cut, bar)[position]
    if flowing is None:
        return None
    product = unbroadcast(flowing, node.shape)
    if user.shape or node.shape:
        slopes = Slopes([cut], {bar: upstream})
        rule = slopes.write(product)
        if node.shape or not user.shape:
            return _Draft(user, position, None, product, None, rule)
        term = slopes.write(flowing)
        return _Draft(user, position, None, product, None, rule, flowing, term)
    slope = local_gradients(cut, constant(1.0))[position]
    assert slope is not None
    formula = Slopes([cut]).write(slope)
    return _Draft(user, position, slope, product, formula, Product(upstream, formula))


def _use(board: Board, draft: _Draft, values: Mapping[Node, Array]) -> Use:
    slope_value = None if draft.slope is None else values[draft.slope]
    product = values[draft.product]
    formula = draft.slope_formula or draft.rule
    value = product if slope_value is None else slope_value
    check_slope(draft.user, draft.position, formula, value, board.values)
    terms = None if draft.terms is None else values[draft.terms]
    return Use(
        by=board.symbols[draft.user],
        upstream=as_value(board.gradients[draft.user]),
        slope=draft.slope_formula,
        slope_value=None if slope_value is None else float(slope_value),
        rule=draft.rule,
        product=as_value(product),
        largest=() if terms is None else tuple(_largest(board, draft, terms)),
        n_terms=0 if terms is None else terms.size,
    )


def _largest(board: Board, draft: _Draft, terms: Array) -> Iterator[Term]:
    """The largest terms of a sum over the entries of an array."""
    assert draft.term_formula is not None
    around = [draft.user, *(each for each in draft.user.inputs if each.shape)]
    sizes = {board.symbols[each]: board.values[each].shape for each in around}
    order = np.argsort(-np.abs(terms), axis=None, kind="stable")[:_LARGEST]
    for place in order:
        index = tuple(int(each) for each in np.unravel_index(place, terms.shape))
        yield Term(entry_of(draft.term_formula, index, sizes), float(terms[index]))
