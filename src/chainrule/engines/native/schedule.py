"""The order of a block's instructions: which kernel takes a store, and the phases.

Each instruction belongs to a phase; between two phases all threads wait for each other, which is
needed just where one reads what others have written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.engines.native.effects import loads_of, reads_of, writes_of
from chainrule.engines.native.plan import (
    Block,
    Buffer,
    Instruction,
    Kernel,
    LoopOver,
    Store,
    View,
)
from chainrule.graph.node import Node
from chainrule.graph.shape import Shape

__all__ = ["Schedule"]

_MOST_STORES = 8
"""Beyond so many results a kernel runs out of registers."""

_NOWHERE = View(Buffer(-1, (), "float", "local"), (), ())


class Schedule:
    """Puts instructions in a block, one after the other.

    Parameters
    ----------
    block : Block
        Is added to; its views say where values are.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.written_by: dict[Buffer, Instruction] = {}
        self.position: dict[Instruction, int] = {}

    def add_store(self, space: Shape, store: Store, root: Node | None, split: bool) -> None:
        """Add a store to the latest kernel that it fits in, or to a new one."""
        for instruction in reversed(self.block.instructions):
            if (
                isinstance(instruction, Kernel)
                and instruction.space == space
                and instruction.split == split
                and len(instruction.stores) < _MOST_STORES
                and self._fits(instruction, store.value, root)
            ):
                instruction.stores.append(store)
                if root is not None:
                    instruction.computed.add(root)
                self.written_by[store.target.buffer] = instruction
                return
        self.add_kernel(space, store, split, root)

    def add_kernel(
        self, space: Shape, store: Store, split: bool, root: Node | None = None
    ) -> Kernel:
        """A new kernel with one store, after all instructions so far."""
        computed = set() if root is None else {root}
        kernel = Kernel(space, [store], computed, split)
        views = [self.block.views[each] for each in loads_of(kernel, self.block)]
        self.append(kernel, views, shares=space if split else None)
        self.written_by[store.target.buffer] = kernel
        return kernel

    def _fits(self, kernel: Kernel, value: Node, root: Node | None) -> bool:
        """Whether ``kernel`` can compute ``value`` as well, and had better.

        All that it reads from memory must be there before the kernel runs. Values that read
        nothing in common gain nothing from one loop, and kernels that are alike are one function
        as long as they are apart.
        """
        computed = kernel.computed if root is None else kernel.computed | {root}
        probe = Kernel(kernel.space, [Store(value, _NOWHERE, "set")], computed, False)
        loads = loads_of(probe, self.block)
        own = {node for node in loads if node.shape}
        if kernel.space and own and own.isdisjoint(loads_of(kernel, self.block)):
            return False
        needed = 0
        for node in loads:
            buffer = self.block.views[node].buffer
            writer = self.written_by.get(buffer)
            if writer is kernel:
                return False
            shares = kernel.space if kernel.split else None
            needed = max(needed, self._ready(self.block.views[node], shares))
            if (
                writer is not None
                and writer.phase == kernel.phase
                and self.position[writer] > self.position[kernel]
            ):
                return False
        return needed == kernel.phase

    def append(
        self, instruction: Instruction, reads: Sequence[View], shares: Shape | None = None
    ) -> None:
        instruction.phase = max((self._ready(view, shares) for view in reads), default=0)
        self.position[instruction] = len(self.block.instructions)
        self.block.instructions.append(instruction)
        if isinstance(instruction, LoopOver):
            for buffer in writes_of(instruction):
                self.written_by[buffer] = instruction
        elif not isinstance(instruction, Kernel):
            self.written_by[instruction.target.buffer] = instruction

    def _ready(self, view: View, shares: Shape | None) -> int:
        """The first phase in which a thread may read a view.

        ``shares`` is the space of a reader that takes the same share of it as of the view:
        what it reads it has written itself.
        """
        writer = self.written_by.get(view.buffer)
        if writer is None:
            return 0
        own = view.buffer.shape == shares and view.is_contiguous and not view.offset
        by_others = getattr(writer, "split", False) and not own
        return writer.phase + (1 if by_others or view.buffer.combine is not None else 0)

    def drop_unread_stores(self, kept: Collection[Buffer]) -> None:
        """Values that only their own kernel uses need no memory, but for those that are kept."""
        read = {buffer for each in self.block.instructions for buffer in reads_of(each, self.block)}
        for instruction in self.block.instructions:
            if isinstance(instruction, Kernel):
                instruction.stores = [
                    store
                    for store in instruction.stores
                    if store.target.buffer in read
                    or store.target.buffer in kept
                    or store.target.buffer.place in ("given", "carry")
                ]
        self.block.instructions = [
            each for each in self.block.instructions if not isinstance(each, Kernel) or each.stores
        ]
