"""Writing new training state over the old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.engines.native.blocks import BlockBuilder
from chainrule.engines.native.effects import loads_of, reads_of, writes_of
from chainrule.engines.native.plan import Buffer, Kernel, Store
from chainrule.engines.native.views import whole
from chainrule.graph.node import Node, variable

__all__ = ["StateWriter"]


class StateWriter:
    """Writes new state over the old: in place where no reader of the old comes later.

    Parameters
    ----------
    builder : BlockBuilder
        Has lowered the step.
    updates : mapping of Node to sequence of Buffer
        The new values, and the state that each is for.
    loss : Buffer
        Where the loss is found; no state is written before it.
    """

    def __init__(
        self, builder: BlockBuilder, updates: Mapping[Node, Sequence[Buffer]], loss: Buffer
    ) -> None:
        self.loss = loss
        self.builder = builder
        self.block, self.schedule = builder.block, builder.schedule
        self.updates = updates
        self.state = {buffer for buffers in updates.values() for buffer in buffers}
        lowering = builder.lowering
        self.is_shared = lowering.n_threads > 1 and not lowering.own_state

    def write(self) -> None:
        in_place = self._kernels_in_place()
        done = {store.value for kernel in in_place for store in kernel.stores}
        # What reads old state must be kept aside before anything new is written.
        copied = {
            update: self._kept_aside(update) if self._loads(update) & self.state else update
            for update in self.updates
            if update not in done
        }
        for kernel in in_place:
            for store in kernel.stores:
                store.target = whole(self.updates[store.value][0])
                self.block.views[store.value] = store.target
            self._finish(kernel)
        for update, value in copied.items():
            for buffer in self.updates[update]:
                copy = Store(value, whole(buffer), "set")
                self._finish(self.schedule.add_kernel(update.shape, copy, split=self.is_shared))

    def _kernels_in_place(self) -> list[Kernel]:
        stored = {
            store.value
            for each in self.block.instructions
            if isinstance(each, Kernel)
            for store in each.stores
            if store.mode == "set"
        }
        # An update that is a view reads the memory of something else.
        read = {
            buffer
            for update in self.updates
            if update not in stored
            for buffer in self._loads(update)
        }
        chosen = [
            each
            for each in self.block.instructions
            if isinstance(each, Kernel) and self._may_write_in_place(each, read)
        ]
        # Two of them may not read each other's state: one of the two would come too late.
        for kernel in list(chosen):
            written = {self.updates[store.value][0] for store in kernel.stores}
            if any(
                written & set(reads_of(other, self.block))
                for other in chosen
                if other is not kernel
            ):
                chosen.remove(kernel)
        return chosen

    def _may_write_in_place(self, kernel: Kernel, read: set[Buffer]) -> bool:
        if not all(
            store.mode == "set" and len(self.updates.get(store.value, ())) == 1
            for store in kernel.stores
        ):
            return False
        if self.is_shared and not kernel.split:
            return False
        written = set(writes_of(kernel))
        if self.loss in written or written & read:
            return False
        if any(
            written & set(reads_of(each, self.block))
            for each in self.block.instructions
            if each is not kernel
        ):
            return False
        state = {self.updates[store.value][0] for store in kernel.stores}
        views = [self.block.views[node] for node in loads_of(kernel, self.block)]
        return all(
            view.is_contiguous and view.shape == kernel.space and not view.offset
            for view in views
            if view.buffer in state
        )

    def _loads(self, update: Node) -> set[Buffer]:
        """The buffers that copying an update reads."""
        copy = Kernel(update.shape, [Store(update, whole(self.loss), "set")], set(), split=False)
        return set(reads_of(copy, self.block))

    def _kept_aside(self, update: Node) -> Node:
        """A value of its own, equal to an update."""
        name = f"{update.name or 'update'}, kept aside"
        known = {*self.builder.order, *self.block.views}
        while (value := variable(name, update.shape, update.kind)) in known:
            name += "'"
        view = whole(self.builder.lowering.new_buffer(update.shape, update.kind, "local"))
        self.schedule.add_kernel(update.shape, Store(update, view, "set"), split=False)
        self.block.views[value] = view
        return value

    def _finish(self, kernel: Kernel) -> None:
        """Put a kernel that writes state after the loss, and after all that reads the old."""
        kernel.writes_state = True
        written = set(writes_of(kernel))
        for position, each in enumerate(self.block.instructions):
            if each is kernel:
                continue
            later = position > self.block.instructions.index(kernel)
            if written & set(reads_of(each, self.block)):
                # Another thread may still be reading in that phase.
                kernel.phase = max(kernel.phase, each.phase + (1 if later or self.is_shared else 0))
            if self.loss in writes_of(each):
                kernel.phase = max(kernel.phase, each.phase + (1 if later else 0))
