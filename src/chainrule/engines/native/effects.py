"""What each instruction reads and writes."""

from __future__ import annotations

from chainrule.engines.native.plan import (
    Block,
    Buffer,
    Instruction,
    Kernel,
    LoopOver,
    MatMul,
    ScatterAdd,
    Take,
)
from chainrule.graph.node import Node

__all__ = ["loads_of", "reads_of", "writes_of"]


def loads_of(kernel: Kernel, block: Block) -> list[Node]:
    """The values that a kernel reads from memory, in a fixed order."""
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    stack = [store.value for store in reversed(kernel.stores)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in block.views and node not in kernel.computed:
            found[node] = None
        else:
            stack.extend(reversed(node.inputs))
    return list(found)


def reads_of(instruction: Instruction, block: Block) -> list[Buffer]:
    """The buffers that an instruction reads."""
    if isinstance(instruction, Kernel):
        return [block.views[node].buffer for node in loads_of(instruction, block)]
    if isinstance(instruction, MatMul):
        return [instruction.left.buffer, instruction.right.buffer]
    if isinstance(instruction, Take):
        return [instruction.table.buffer, instruction.indices.buffer]
    if isinstance(instruction, ScatterAdd):
        return [instruction.values.buffer, instruction.indices.buffer]
    inside = [
        buffer
        for each in instruction.block.instructions
        for buffer in reads_of(each, instruction.block)
    ]
    return inside + [carry.initial.buffer for carry in instruction.carries]


def writes_of(instruction: Instruction) -> list[Buffer]:
    """The buffers that an instruction writes."""
    if isinstance(instruction, Kernel):
        return [store.target.buffer for store in instruction.stores]
    if isinstance(instruction, LoopOver):
        rings = [buffer for carry in instruction.carries for buffer in carry.ring or ()]
        return rings + [
            buffer for each in instruction.block.instructions for buffer in writes_of(each)
        ]
    return [instruction.target.buffer]
