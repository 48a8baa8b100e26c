"""Writing new training state over the old."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.engines.native.blocks import BlockBuilder
from chainrule.engines.native.effects import loads_of, reads_of, writes_of
from chainrule.engines.native.plan import Buffer, Kernel, Store
from chainrule.engines.native.views import whole
from chainrule.graph.node import Node

__all__ = ["StateWriter"]


class StateWriter:
    """Writes new state over the old: in place where no reader of the old comes later."""

    def __init__(self, builder: BlockBuilder, updates: Mapping[Node, Buffer], loss: Buffer) -> None:
        self.loss = loss
        self.builder = builder
        self.block = builder.block
        self.updates = updates

    def write(self) -> None:
        in_place = {
            instruction
            for instruction in self.block.instructions
            if isinstance(instruction, Kernel) and self._may_write_in_place(instruction)
        }
        # Two of them may not read each other's state: one of the two would come too late.
        for kernel in list(in_place):
            written = {self.updates[store.value] for store in kernel.stores}
            for other in in_place - {kernel}:
                if written & set(reads_of(other, self.block)):
                    in_place.discard(kernel)
        for kernel in sorted(in_place, key=self.block.instructions.index):
            for store in kernel.stores:
                store.target = whole(self.updates[store.value])
                self.block.views[store.value] = store.target
            self._finish(kernel)
        done = {store.value for kernel in in_place for store in kernel.stores}
        for update, buffer in self.updates.items():
            if update not in done:
                copy = Store(update, whole(buffer), "set")
                self._finish(self.builder.add_kernel(update.shape, copy, split=True))

    def _finish(self, kernel: Kernel) -> None:
        """Put a kernel that writes state after the loss, and after all that reads the old."""
        kernel.writes_state = True
        written = set(writes_of(kernel))
        threads = self.builder.lowering.n_threads
        for position, each in enumerate(self.block.instructions):
            if each is kernel:
                continue
            later = position > self.block.instructions.index(kernel)
            if written & set(reads_of(each, self.block)):
                # Another thread may still be reading in that phase.
                kernel.phase = max(kernel.phase, each.phase + (1 if later or threads > 1 else 0))
            if self.loss in writes_of(each):
                kernel.phase = max(kernel.phase, each.phase + (1 if later else 0))

    def _may_write_in_place(self, kernel: Kernel) -> bool:
        if not all(store.mode == "set" and store.value in self.updates for store in kernel.stores):
            return False
        if self.builder.lowering.n_threads > 1 and not kernel.split:
            return False
        written = set(writes_of(kernel))
        if any(
            written & set(reads_of(each, self.block))
            for each in self.block.instructions
            if each is not kernel
        ):
            return False
        state = {self.updates[store.value] for store in kernel.stores}
        views = [self.block.views[node] for node in loads_of(kernel, self.block)]
        return all(
            view.is_contiguous and view.shape == kernel.space and not view.offset
            for view in views
            if view.buffer in state
        )
