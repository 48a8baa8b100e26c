"""The memory plan: one arena a thread and one for all, used again when the last reader is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.engines.native.allocation import ALIGNMENT
from chainrule.engines.native.effects import reads_of, writes_of
from chainrule.engines.native.layout import global_shape
from chainrule.engines.native.plan import Block, Buffer, LoopOver, Plan
from chainrule.graph.shape import count, resolve

__all__ = ["Layout", "plan_memory"]


@dataclass(frozen=True)
class Layout:
    """Where each buffer lies in its arena, in bytes from the start."""

    local: dict[Buffer, int]
    shared: dict[Buffer, int]
    local_size: int
    shared_size: int


@dataclass
class _Lifetime:
    first: int
    last: int

    def include(self, first: int, last: int) -> None:
        self.first, self.last = min(self.first, first), max(self.last, last)


def plan_memory(plan: Plan, sizes: Mapping[str, int], item_size: int) -> Layout:
    """Place all buffers for given sizes.

    Parameters
    ----------
    plan : Plan
    sizes : mapping of str to int
        The symbolic sizes; ``rows`` is the most that one thread will take, and ``rows total``
        the most of all.
    item_size : int
        Bytes of a float.
    """
    lifetimes = _Lifetimes(plan).found
    widths = {"float": item_size, "int": 8, "bool": 1}

    def place(*kinds: str) -> tuple[dict[Buffer, int], int]:
        chosen = [buffer for buffer in lifetimes if buffer.place in kinds]
        chosen.sort(key=lambda buffer: lifetimes[buffer].first)
        offsets: dict[Buffer, int] = {}
        total = 0
        for buffer in chosen:
            shape = global_shape(buffer.shape) if buffer.place == "rows" else buffer.shape
            needed = resolve(count(shape), sizes) * widths[buffer.kind]
            needed = -(-max(needed, 1) // ALIGNMENT) * ALIGNMENT
            life = lifetimes[buffer]
            # First fit among the buffers that live at the same time.
            taken = sorted(
                (offsets[other], ends[other])
                for other in offsets
                if lifetimes[other].last >= life.first and lifetimes[other].first <= life.last
            )
            start = 0
            for low, high in taken:
                if start + needed <= low:
                    break
                start = max(start, high)
            offsets[buffer], ends[buffer] = start, start + needed
            total = max(total, start + needed)
        return offsets, total

    ends: dict[Buffer, int] = {}
    local, local_size = place("local")
    shared, shared_size = place("shared", "rows")
    return Layout(local, shared, local_size, shared_size)


class _Lifetimes:
    """From which instruction to which a buffer holds something that is still needed."""

    def __init__(self, plan: Plan) -> None:
        self.found: dict[Buffer, _Lifetime] = {}
        self.now = 0
        self.phase_ends: dict[int, int] = {}
        self._visit(plan.block, top=True)
        if plan.loss is not None:
            self._touch(plan.loss.buffer, 0, self.now + 1)
        self._respect_other_threads(plan)

    def _touch(self, buffer: Buffer, first: int, last: int) -> None:
        life = self.found.setdefault(buffer, _Lifetime(first, last))
        life.include(first, last)

    def _visit(self, block: Block, top: bool = False) -> None:
        for instruction in block.instructions:
            self.now += 1
            if isinstance(instruction, LoopOver):
                self._visit_loop(instruction)
            else:
                for buffer in [*reads_of(instruction, block), *writes_of(instruction)]:
                    self._touch(buffer, self.now, self.now)
            if top:
                self.phase_ends[instruction.phase] = self.now

    def _visit_loop(self, loop: LoopOver) -> None:
        before, start = set(self.found), self.now
        self._visit(loop.block)
        # What comes from before the loop, or is carried, must last through all its steps; so
        # must what it writes for later, which is only known to be read once it is.
        inside = [*reads_of(loop, loop.block), *writes_of(loop)]
        temporary = _temporaries(loop)
        for buffer in inside:
            if buffer in before or buffer not in temporary:
                self._touch(buffer, start, self.now)

    def _respect_other_threads(self, plan: Plan) -> None:
        """What others may read lives to the end of the phase, and theirs begins with it."""
        if plan.n_threads == 1:
            return
        for buffer, life in self.found.items():
            if buffer.combine is not None or buffer.place in ("shared", "rows"):
                phase = next(
                    (p for p in sorted(self.phase_ends) if life.last <= self.phase_ends[p]), None
                )
                if phase is not None:
                    life.last = self.phase_ends[phase]
                starts = [end + 1 for end in self.phase_ends.values() if end < life.first]
                life.first = max(starts, default=0)


def _temporaries(loop: LoopOver) -> set[Buffer]:
    """Buffers that are written and used up within one step of a loop."""
    kept = {carry.initial.buffer for carry in loop.carries}
    kept |= {buffer for carry in loop.carries for buffer in carry.ring or ()}
    written: set[Buffer] = set()
    temporary: set[Buffer] = set()
    for instruction in loop.block.instructions:
        for buffer in reads_of(instruction, loop.block):
            if buffer not in written:
                kept.add(buffer)
        for buffer in writes_of(instruction):
            written.add(buffer)
            temporary.add(buffer)
    return temporary - kept - loop.stacked
