"""Blocks: nodes become instructions, one after the other.

Element-wise operations are fused: a value gets memory only where something must read it from
there, and all values over the same space go into one kernel where their order allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import chainrule.graph.functions as fn
from chainrule.engines.native.fusion import choose_stored
from chainrule.engines.native.plan import (
    Block,
    Buffer,
    Carry,
    LoopOver,
    MatMul,
    Place,
    Plan,
    ScatterAdd,
    Store,
    Take,
    View,
    contiguous,
)
from chainrule.engines.native.schedule import Schedule
from chainrule.engines.native.sharing import ROWS, has_rows, part_of
from chainrule.engines.native.views import derive_view, step_of, subview, whole
from chainrule.graph.loop import Loop
from chainrule.graph.node import Node
from chainrule.graph.shape import (
    Shape,
    Size,
    count,
    symbols_of,
)
from chainrule.graph.traversal import topological_order

__all__ = ["BlockBuilder", "Lowering"]

Target = tuple[Node, View]

_LARGE = 2048
"""From this number of elements on, threads share work that is the same for all."""

_VIEWS = frozenset({"transpose", "reshape", "slice"})
_MAKES_MEMORY = frozenset({"sum", "max", "matmul", "scatter_add", "take", "concatenate", "pad"})


class Lowering:
    """Lowers one program; blocks of loops are lowered by the same object.

    Parameters
    ----------
    n_threads : int
    rows : int, optional
        For how many rows the plan should be fast.
    own_state : bool, default=False
        Whether each thread has a copy of the state, and keeps it up to date by itself.
    """

    def __init__(self, n_threads: int, rows: int | None = None, own_state: bool = False) -> None:
        self.n_threads = n_threads
        self.rows = rows
        self.own_state = own_state
        self.buffers: list[Buffer] = []
        self.inputs: dict[Node, View] = {}
        self.loops = 0

    def new_buffer(self, shape: Shape, kind: str, place: Place) -> Buffer:
        buffer = Buffer(len(self.buffers), shape, kind, place)  # type: ignore[arg-type]
        self.buffers.append(buffer)
        return buffer

    def given(self, node: Node) -> Buffer:
        buffer = self.new_buffer(node.shape, node.kind, "given")
        self.inputs[node] = whole(buffer)
        return buffer

    def plan(self, inputs: list[Buffer], outputs: list[Buffer], block: Block) -> Plan:
        phases = max((each.phase for each in block.instructions), default=0) + 1
        symbols = symbols_of(buffer.shape for buffer in self.buffers)
        block.instructions.sort(key=lambda each: each.phase)
        return Plan(
            self.buffers,
            inputs,
            outputs,
            block,
            phases,
            symbols,
            self.n_threads,
            own_state=self.own_state,
        )


class BlockBuilder:
    """Lowers the nodes of one block, inputs first."""

    def __init__(
        self,
        lowering: Lowering,
        known: Mapping[Node, View],
        outputs: Sequence[Node],
        targets: Sequence[Target],
        inside_loop: bool = False,
        updates: Collection[Node] = (),
    ) -> None:
        self.lowering = lowering
        self.block = Block(views=dict(known))
        self.order = topological_order(outputs, known=self.block.views)
        self.targets = list(targets)
        self.inside_loop = inside_loop
        self.updates = frozenset(updates)
        self.schedule = Schedule(self.block)
        self.uses: dict[Node, list[Node]] = {}
        for node in self.order:
            for each in node.inputs:
                self.uses.setdefault(each, []).append(node)
        self.destination: dict[Node, View] = {}
        self.copies: dict[Node, View] = {}
        self.loops_done: set[tuple[object, ...]] = set()
        self.stored = choose_stored(
            self.order, self.uses, {node for node, _ in targets} | self.updates
        )

    def build(self) -> Block:
        self._assign_destinations()
        for node in self.order:
            self._lower_node(node)
        for node, target in self.targets:
            if self.destination.get(node) is not target:
                self._copy(node, target)
        views = self.block.views
        kept = {target.buffer for _, target in self.targets}
        kept |= {views[each].buffer for each in self.updates if each in views}
        self.schedule.drop_unread_stores(kept)
        return self.block

    # --- what gets memory ----------------------------------------------------------------

    def _assign_destinations(self) -> None:
        """Let each wanted value be written right where it is wanted, once."""
        for node, target in self.targets:
            makes_memory = node in self.stored or node.operation in _MAKES_MEMORY
            # Several threads may not write one place of the caller's.
            alone = (
                self.lowering.n_threads == 1
                or self.inside_loop
                or has_rows(node.shape)
                or (target.buffer.place == "local" and part_of(node) is None)
            )
            if makes_memory and alone and node not in self.destination:
                self.destination[node] = target

    def _memory_for(self, node: Node, split: bool = False) -> View:
        """Where a value is written: where it is wanted, or in memory of its own."""
        view = self.destination.get(node)
        if view is None:
            view = whole(self.lowering.new_buffer(node.shape, node.kind, "local"))
            if self.lowering.n_threads > 1:
                view.buffer.combine = part_of(node)
            if split and self.lowering.n_threads > 1:
                view.buffer.place = "shared"
        self.block.views[node] = view
        return view

    # --- node by node --------------------------------------------------------------------

    def _lower_node(self, node: Node) -> None:
        match node.operation:
            case "constant" | "size":
                pass
            case "sum" | "max":
                self._lower_reduction(node)
            case "matmul":
                self._lower_matmul(node)
            case "take" | "scatter_add":
                self._lower_indexing(node)
            case "concatenate" | "pad":
                self._lower_assembled(node)
            case "scan":
                self._lower_scan(node)
            case operation if operation in _VIEWS:
                self._lower_view(node)
            case _:
                if node in self.stored:
                    self._lower_elementwise(node)

    def _lower_elementwise(self, node: Node) -> None:
        split = self._worth_splitting(node)
        target = self._memory_for(node, split)
        self.schedule.add_store(node.shape, Store(node, target, "set"), node, split)

    def _lower_reduction(self, node: Node) -> None:
        value = node.inputs[0]
        mode: Literal["sum", "max"] = "sum" if node.operation == "sum" else "max"
        store = Store(value, self._memory_for(node), mode, node.attributes["axes"])
        self.schedule.add_store(value.shape, store, None, split=False)

    def _worth_splitting(self, node: Node) -> bool:
        """Whether threads share the elements of a value that is the same for all of them."""
        if self.lowering.n_threads == 1 or self.inside_loop or has_rows(node.shape):
            return False
        if self.lowering.own_state:
            return False
        if node in self.updates:
            return node not in self.destination
        elements = count(node.shape)
        return isinstance(elements, int) and elements >= _LARGE

    def _lower_matmul(self, node: Node) -> None:
        left, right = (self._matrix(each) for each in node.inputs)
        if not self._sums_over_all_rows(node, left, right):
            self.schedule.append(MatMul(self._memory_for(node), left, right), [left, right])
            return
        for view in (left, right):
            if view.buffer.place == "local":
                view.buffer.place = "rows"
        target = whole(self.lowering.new_buffer(node.shape, node.kind, "shared"))
        self.block.views[node] = target
        product = MatMul(target, left, right, split=True)
        self.schedule.append(product, [left, right])
        product.phase += 1  # the rows of the other threads must be there

    def _sums_over_all_rows(self, node: Node, left: View, right: View) -> bool:
        """Whether threads share the lines of a product instead of adding up one from each.

        Both give the gradient of a weight matrix. To share, a thread reads the rows of the
        others; to add up, it reads their results. A large result is better shared: there is one
        instead of one for each thread, and who computes a line also updates it.
        """
        threads, rows = self.lowering.n_threads, self.lowering.rows
        if threads == 1 or rows is None or self.inside_loop or part_of(node) != "sum":
            return False
        if self.lowering.own_state:
            return False
        lines, columns = node.shape
        return (
            isinstance(lines, int)
            and isinstance(columns, int)
            and lines >= 2 * threads
            and 2 * lines * columns >= rows * (lines + columns)
            and all(
                view.buffer.shape[:1] == (Size(1, (ROWS,)),)
                and len(view.buffer.shape) == 2
                and not view.offset
                and set(view.strides) == set(contiguous(view.buffer.shape))
                for view in (left, right)
            )
        )

    def _matrix(self, node: Node) -> View:
        """A value as products read it, BLAS and ours: rows or columns without gaps inside them."""
        view = self._in_memory(node)
        rows, columns = view.strides
        aligned = columns == 1 or rows == 1 or 1 in view.shape
        if view.buffer.combine is not None or not aligned or 0 in view.strides:
            return self._copied(node)
        return view

    def _lower_indexing(self, node: Node) -> None:
        values, indices = (self._plain(each) for each in node.inputs)
        target = self._memory_for(node)
        if node.operation == "take":
            self.schedule.append(Take(target, values, indices), [values, indices])
        else:
            self.schedule.append(ScatterAdd(target, values, indices), [values, indices])

    def _lower_assembled(self, node: Node) -> None:
        """Parts written side by side; what no part covers is zero."""
        target = self._memory_for(node)
        if node.operation == "pad":
            zeros = fn.broadcast_to(0.0, node.shape)
            self.schedule.add_kernel(node.shape, Store(zeros, target, "set"), split=False)
            self.schedule.add_kernel(
                node.inputs[0].shape,
                Store(node.inputs[0], subview(target, node.attributes["ranges"]), "set"),
                split=False,
            )
            return
        axis, start = node.attributes["axis"], 0
        for part in node.inputs:
            length = part.shape[axis]
            assert isinstance(length, int)
            bounds = [(start, start + length) if k == axis else None for k in range(node.rank)]
            store = Store(part, subview(target, bounds), "set")
            self.schedule.add_store(part.shape, store, None, split=False)
            start += length

    def _lower_view(self, node: Node) -> None:
        source = node.inputs[0]
        view = self._contiguous(source) if node.operation == "reshape" else self._in_memory(source)
        self.block.views[node] = derive_view(node, view)

    def _in_memory(self, node: Node) -> View:
        """Where a value can be read; a constant, or what was not stored, is written first."""
        view = self.block.views.get(node)
        return view if view is not None else self._copied(node)

    def _contiguous(self, node: Node) -> View:
        view = self._in_memory(node)
        return view if view.is_contiguous else self._copied(node)

    def _copied(self, node: Node) -> View:
        if node not in self.copies:
            view = whole(self.lowering.new_buffer(node.shape, node.kind, "local"))
            self._copy(node, view)
            self.copies[node] = view
        return self.copies[node]

    def _of_all_threads(self, node: Node) -> View:
        """A value that loops and look-ups can read: not in parts."""
        view = self._in_memory(node)
        return view if view.buffer.combine is None else self._copied(node)

    def _copy(self, node: Node, target: View) -> None:
        split = target.buffer.place == "given" and not has_rows(node.shape)
        self.schedule.add_kernel(node.shape, Store(node, target, "set"), split=split)

    def _plain(self, node: Node) -> View:
        """A value in order, without gaps, and not in parts."""
        view = self._of_all_threads(node)
        return view if view.is_contiguous else self._copied(node)

    # --- loops ---------------------------------------------------------------------------

    def _lower_scan(self, node: Node) -> None:
        """All scan nodes over one loop and the same inputs become one loop."""
        key = (node.attributes["loop"], node.inputs)
        if key in self.loops_done:
            return
        self.loops_done.add(key)
        together = [
            each
            for each in self.order
            if each.operation == "scan" and (each.attributes["loop"], each.inputs) == key
        ]
        lowering, loop = self.lowering, node.attributes["loop"]
        assert isinstance(loop, Loop)
        lowering.loops += 1
        symbol = f"time {lowering.loops}"
        n_carried, n_sequences = len(loop.carries), len(loop.sequences)
        initial = [self._plain(each) for each in node.inputs[:n_carried]]
        sequences = [
            self._of_all_threads(each) for each in node.inputs[n_carried : n_carried + n_sequences]
        ]
        constants = [self._of_all_threads(each) for each in node.inputs[n_carried + n_sequences :]]

        known = {
            var: whole(lowering.new_buffer(var.shape, var.kind, "carry")) for var in loop.carries
        }
        carried = [known[var].buffer for var in loop.carries]
        for var, view in zip(loop.sequences, sequences, strict=True):
            known[var] = step_of(view, symbol)
        known.update(zip(loop.constants, constants, strict=True))

        stacks = {each: self._memory_for(each) for each in together}
        targets = [
            (each.attributes["output"], step_of(stack, symbol)) for each, stack in stacks.items()
        ]
        kept = dict(reversed(targets))
        carries = []
        for buffer, start, update in zip(carried, initial, loop.updates, strict=True):
            ring = None
            if update not in kept:
                pair = [lowering.new_buffer(update.shape, update.kind, "local") for _ in range(2)]
                ring = (pair[0], pair[1])
                turn = whole(lowering.new_buffer(update.shape, update.kind, "carry"))
                targets.append((update, turn))
                kept[update] = turn
            carries.append(Carry(buffer, start, kept[update], ring))
        outputs = [*loop.updates, *(each.attributes["output"] for each in together)]
        body = BlockBuilder(lowering, known, outputs, targets, inside_loop=True).build()
        instruction = LoopOver(
            symbol,
            loop.length,
            loop.reverse,
            body,
            carries,
            {stack.buffer for stack in stacks.values()},
        )
        self.schedule.append(instruction, [*initial, *sequences, *constants])
