"""Views: whole buffers, steps of sequences, parts, other orders of axes."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.engines.native.plan import Buffer, View, contiguous
from chainrule.graph.node import Node
from chainrule.graph.operations import Range
from chainrule.graph.shape import Dimension, Size, multiply

__all__ = ["derive_view", "step_of", "subview", "whole"]


def whole(buffer: Buffer) -> View:
    return View(buffer, buffer.shape, contiguous(buffer.shape))


def step_of(view: View, symbol: str) -> View:
    """One step of a sequence: the step's number is a symbol, known inside the loop."""
    offset = multiply(view.strides[0], Size(1, (symbol,)))
    return View(view.buffer, view.shape[1:], view.strides[1:], (*view.offset, offset))


def subview(view: View, ranges: Sequence[Range | None]) -> View:
    shape: list[Dimension] = []
    offset = list(view.offset)
    for size, stride, bounds in zip(view.shape, view.strides, ranges, strict=True):
        if bounds is None:
            shape.append(size)
            continue
        start, stop = bounds
        if stop is None:
            offset.append(multiply(size, stride))
        offset.append(multiply(start, stride))
        shape.append(-start if stop is None else stop - start)
    terms = tuple(term for term in offset if term != 0)
    return View(view.buffer, tuple(shape), view.strides, terms)


def derive_view(node: Node, view: View) -> View:
    """A view operation applied to a view."""
    match node.operation:
        case "reshape":
            return View(view.buffer, node.shape, contiguous(node.shape), view.offset)
        case "transpose":
            order = node.attributes["permutation"]
            strides = tuple(view.strides[axis] for axis in order)
            return View(view.buffer, node.shape, strides, view.offset)
        case _:
            return subview(view, node.attributes["ranges"])
