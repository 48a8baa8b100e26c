"""The plan of a program: buffers, and instructions that fill them.

A plan is what lowering makes of a graph and what assembly makes machine code of. Sizes are
still symbolic. A :class:`View` reads or writes a buffer with any strides, so reshaping,
transposing, slicing and stretching cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chainrule.graph.node import Node
from chainrule.graph.shape import Dimension, Kind, Shape, multiply

__all__ = [
    "Block",
    "Buffer",
    "Carry",
    "Instruction",
    "Kernel",
    "LoopOver",
    "MatMul",
    "Plan",
    "ScatterAdd",
    "Take",
    "View",
    "contiguous",
]

Place = Literal["local", "rows", "shared", "given", "carry"]


@dataclass(eq=False)
class Buffer:
    """A contiguous piece of memory.

    Attributes
    ----------
    index : int
        Its number in the table of pointers.
    shape, kind
        What it holds.
    place : str
        ``"local"``: each thread has its own; ``"rows"``: one for all, each thread writes its
        rows of it; ``"shared"``: one for all; ``"given"``: the caller's memory; ``"carry"``: a
        pointer that a loop moves from step to step.
    combine : {"sum", "max"} or None
        How the threads' own values make the whole, where each holds only its part.
    """

    index: int
    shape: Shape
    kind: Kind
    place: Place
    combine: Literal["sum", "max"] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a buffer: at index i, the one at offset + Σ strides·i."""

    buffer: Buffer
    shape: Shape
    strides: tuple[Dimension, ...]
    offset: tuple[Dimension, ...] = ()
    """The terms of a sum."""

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in order without gaps."""
        expected = contiguous(self.shape)
        return all(
            size == 1 or stride == wanted
            for size, stride, wanted in zip(self.shape, self.strides, expected, strict=True)
        )


def contiguous(shape: Shape) -> tuple[Dimension, ...]:
    """The strides of elements in order."""
    strides: list[Dimension] = []
    step: Dimension = 1
    for size in reversed(shape):
        strides.append(step)
        step = multiply(step, size)
    return tuple(reversed(strides))


@dataclass(eq=False)
class Store:
    """Where a kernel writes a value: set it, or sum or maximise it over some axes."""

    value: Node
    target: View
    mode: Literal["set", "sum", "max"]
    axes: tuple[int, ...] = ()


@dataclass(eq=False)
class Kernel:
    """One loop nest over ``space`` that computes values element by element and stores them.

    Attributes
    ----------
    space : tuple
        The sizes of the loops.
    stores : list of Store
    computed : set of Node
        Values that this kernel computes itself although they may have a buffer.
    split : bool
        Whether each thread computes its share of the first axis only.
    """

    space: Shape
    stores: list[Store]
    computed: set[Node]
    split: bool
    writes_state: bool = False
    phase: int = 0


@dataclass(eq=False)
class MatMul:
    """``target = left · right``; each operand is a matrix, or its transpose, in memory.

    Attributes
    ----------
    split : bool
        A sum over all rows of the minibatch: each thread computes its share of the lines of
        the result, from the rows of all threads.
    """

    target: View
    left: View
    right: View
    split: bool = False
    phase: int = 0


@dataclass(eq=False)
class Take:
    """Rows of a table by their numbers."""

    target: View
    table: View
    indices: View
    phase: int = 0


@dataclass(eq=False)
class ScatterAdd:
    """Rows added to a table of zeros at their numbers."""

    target: View
    values: View
    indices: View
    phase: int = 0


@dataclass(eq=False)
class Carry:
    """A value that a loop carries: a pointer to where the step before left it."""

    buffer: Buffer
    initial: View
    update: View
    """Where the step writes the new value."""
    ring: tuple[Buffer, Buffer] | None
    """Where the new value is not kept for every step: two buffers, used in turn."""


@dataclass(eq=False)
class LoopOver:
    """A block run once for each step; ``symbol`` is the number of the step."""

    symbol: str
    length: Dimension
    reverse: bool
    block: Block
    carries: list[Carry]
    stacked: set[Buffer]
    """The buffers outside that it fills, one step after the other."""
    phase: int = 0


Instruction = Kernel | MatMul | Take | ScatterAdd | LoopOver


@dataclass(eq=False)
class Block:
    """Instructions in the order in which they run, and where each value is found."""

    instructions: list[Instruction] = field(default_factory=list)
    views: dict[Node, View] = field(default_factory=dict)


@dataclass(eq=False)
class Plan:
    """A program ready for assembly.

    Attributes
    ----------
    buffers : list of Buffer
        All of them, by index.
    inputs, outputs : list of Buffer
        In the order of the program; their pointers are given by the caller.
    block : Block
    phases : int
        The number of phases; threads wait for each other between two.
    symbols : tuple of str
        The symbolic sizes, sorted.
    n_threads : int
    loss : View or None
        For a training step: where the loss is found before the state is written.
    own_state : bool
        Whether each thread has a copy of the state, and keeps it up to date by itself.
    """

    buffers: list[Buffer]
    inputs: list[Buffer]
    outputs: list[Buffer]
    block: Block
    phases: int
    symbols: tuple[str, ...]
    n_threads: int
    loss: View | None = None
    own_state: bool = False
