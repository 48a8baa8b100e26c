"""Plans as text: one line an instruction, to read and to compare in tests."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.engines.native.effects import loads_of
from chainrule.engines.native.plan import (
    Block,
    Buffer,
    Instruction,
    Kernel,
    LoopOver,
    MatMul,
    Plan,
    Take,
    View,
    contiguous,
)
from chainrule.graph.shape import format_shape

__all__ = ["format_plan"]


def format_plan(plan: Plan) -> str:
    """A plan as text.

    A buffer is named by the first letter of its place and its number: ``g0`` is given by the
    caller, ``l5`` local to a thread. ``ᵀ`` marks a matrix read by columns, ``[..]`` another view.
    Between two phases the threads wait for each other; where there is one thread, a phase only
    puts instructions in order.

    Examples
    --------
    >>> import chainrule as cr
    >>> import chainrule.graph.functions as fn
    >>> from chainrule.engines.base import Program
    >>> from chainrule.engines.native.lowering import lower_program
    >>> x, w = cr.variable("x", ("rows", 3)), cr.variable("w", (3,))
    >>> program = Program((x, w), (fn.sum(x * w, 1),))
    >>> print(format_plan(lower_program(program, n_threads=1)))
    phase 0
      kernel (rows, 3): g2 sum= from g0, g1
    """
    lines: list[str] = []
    phase = None
    for instruction in plan.block.instructions:
        if instruction.phase != phase:
            phase = instruction.phase
            lines.append(f"phase {phase}")
        lines += (f"  {line}" for line in _lines(instruction, plan.block))
    return "\n".join(lines)


def _lines(instruction: Instruction, block: Block) -> Iterator[str]:
    match instruction:
        case Kernel():
            yield _kernel(instruction, block)
        case MatMul(target, left, right, split):
            yield f"product{_split(split)}: {_view(target)} = {_view(left)} @ {_view(right)}"
        case Take(target, table, indices):
            yield f"take: {_view(target)} = rows {_view(indices)} of {_view(table)}"
        case LoopOver():
            order = "backwards " if instruction.reverse else ""
            carries = ", ".join(
                f"{_name(each.buffer)} from {_view(each.initial)}" for each in instruction.carries
            )
            yield f"loop {order}over {instruction.symbol} < {instruction.length}: {carries}"
            for inside in instruction.block.instructions:
                yield from (f"  {line}" for line in _lines(inside, instruction.block))
        case _:
            yield (
                f"scatter: {_view(instruction.target)} += {_view(instruction.values)} "
                f"at rows {_view(instruction.indices)}"
            )


def _kernel(kernel: Kernel, block: Block) -> str:
    signs = {"set": "=", "sum": "sum=", "max": "max="}
    stores = ", ".join(f"{_view(each.target)} {signs[each.mode]}" for each in kernel.stores)
    loads = ", ".join(_view(block.views[node]) for node in loads_of(kernel, block))
    state = " state" if kernel.writes_state else ""
    source = f" from {loads}" if loads else ""
    return f"kernel{state}{_split(kernel.split)} {format_shape(kernel.space)}: {stores}{source}"


def _split(split: bool) -> str:
    return " split" if split else ""


def _name(buffer: Buffer) -> str:
    return f"{buffer.place[0]}{buffer.index}"


def _view(view: View) -> str:
    name = _name(view.buffer)
    if view.is_contiguous and not view.offset:
        return name
    if len(view.shape) == 2 and not view.offset:
        turned = view.shape[::-1]
        if view.strides[::-1] == contiguous(turned):
            return f"{name}ᵀ"
    return f"{name}[..]"
