"""Matrix products as machine code of their own.

BLAS finds out at each call what a compiler knows beforehand: how many columns there are, and how
the operands lie. Where that is known, a tile of the result is kept in vector registers, and what
can be read where it lies is not copied. A right operand that is too long for the caches, or lies
across, is read from a panel: some of its lines, copied side by side once for many rows.

After Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.native.frame import Frame
from chainrule.engines.native.kernels import emit_loop
from chainrule.engines.native.modules import Modules, call_function
from chainrule.engines.native.plan import Block, LoopOver, MatMul, View
from chainrule.engines.native.tiles import Tiles
from chainrule.graph.shape import Dimension, Size

__all__ = ["Operands", "ProductEmitter", "is_written_out", "needs_blas"]

Value = Any

_I1, _I32, _I64, _POINTER = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.PointerType()

_PANEL_LINES = 128
"""So many lines of a panel about fill the nearest cache."""

_NEAR = 256 * 1024
"""Bytes of a block of columns up to which they stay near without being copied."""

_MANY_ROWS = 16
"""From so many rows on, copying lines that could be read where they lie is worth it."""

_ROWS_AT_ONCE = 256
"""So many rows of the left operand stay near while all columns are computed."""


@dataclass(frozen=True)
class Operands:
    """A product at run time: how many rows, the inner size, and three addresses."""

    rows: Value
    inner: Value
    left: Value
    right: Value
    target: Value


def is_written_out(product: MatMul) -> bool:
    """Whether the code of a product can be written here, rather than given to BLAS."""
    _, right = _oriented(product)
    target = product.target
    return isinstance(right.shape[1], int) and (target.strides[1] == 1 or target.is_contiguous)


def needs_blas(block: Block) -> bool:
    """Whether code calls BLAS."""
    return any(
        needs_blas(each.block)
        if isinstance(each, LoopOver)
        else isinstance(each, MatMul) and not is_written_out(each)
        for each in block.instructions
    )


def _oriented(product: MatMul) -> tuple[View, View]:
    """Left and right; a column of results is a row of the transposed product, with long vectors."""
    left, right = product.left, product.right
    if _is_exchanged(product):
        return _transposed(right), _transposed(left)
    return left, right


def _is_exchanged(product: MatMul) -> bool:
    return (
        product.right.shape[1] == 1
        and product.left.strides[1] != 1
        and product.target.is_contiguous
        and not product.split
    )


def _transposed(view: View) -> View:
    return View(view.buffer, view.shape[::-1], view.strides[::-1], view.offset)


class ProductEmitter:
    """Emits the products of one program."""

    def __init__(self, frame: Frame, modules: Modules, vector: tuple[int, int]) -> None:
        self.frame, self.b = frame, frame.b
        self.tiles = Tiles(modules, frame.m, vector)
        self._walks: dict[int, _Walk] = {}
        self._panel: Value = None

    def emit(self, product: MatMul, operands: Operands) -> None:
        """Write a product where the frame's builder stands."""
        left, right = _oriented(product)
        rows, first, second = operands.rows, operands.left, operands.right
        target_row = product.target.strides[0]
        if _is_exchanged(product):
            rows, first, second = self.frame.size(left.shape[0]), second, first
            target_row = right.shape[1]
        columns, inner = right.shape[1], left.shape[1]
        assert isinstance(columns, int)
        in_order = right.strides[0] == 1 and left.strides[1] == 1 and product.target.is_contiguous
        if columns == 1 and in_order:
            dots = self.tiles.dots(None if isinstance(inner, Size) else inner)
            step = self.frame.size(left.strides[0])
            arguments = [rows, operands.inner, first, step, second, operands.target]
            call_function(self.b, dots, arguments)
            return
        steps = [self.frame.size(each) for each in (*left.strides, *right.strides, target_row)]
        full = self.tiles.columns
        whole, rest = divmod(columns, full)
        for start, blocks, width in ((0, whole, full), (whole * full, 1, rest)):
            if blocks and width:
                lies_across = width > 1 and right.strides[1] != 1
                function = self._walk(width, lies_across, inner)
                position = self.frame.number(start)
                self.b.call(
                    function,
                    [
                        *(rows, operands.inner, self.frame.number(blocks)),
                        *(first, self.tiles.place(self.b, second, self.b.mul(position, steps[3]))),
                        *(self.tiles.place(self.b, operands.target, position), *steps),
                        *(ir.Constant(_I1, int(lies_across)), self._memory_of_a_panel()),
                    ],
                )

    def finish(self) -> None:
        """Write the functions that the products called."""
        for walk in self._walks.values():
            walk.write()

    def _walk(self, columns: int, lies_across: bool, inner: Dimension) -> ir.Function:
        if columns not in self._walks:
            self._walks[columns] = _Walk(self.tiles, columns)
        walk = self._walks[columns]
        walk.turns |= lies_across
        walk.copies |= isinstance(inner, Size) or inner > walk.near
        return walk.function

    def _memory_of_a_panel(self) -> Value:
        if self._panel is None:
            size = _PANEL_LINES * self.tiles.columns
            with self.b.goto_entry_block():
                self._panel = self.b.alloca(self.frame.m.type, size=ir.Constant(_I32, size))
            self._panel.align = 64
        return self._panel


class _Walk:
    """The way through blocks of columns: some rows at a time, and panel by panel.

    walk(rows, inner, blocks, left, right, target, left_row, left_inner, right_inner,
    right_column, target_row, lies_across, panel): the steps from one element to the next follow
    the addresses. It turns or copies lines of the right operand only where a product needs it.
    """

    def __init__(self, tiles: Tiles, columns: int) -> None:
        self.tiles, self.columns = tiles, columns
        self.turns = self.copies = False
        types = [*[_I64] * 3, *[_POINTER] * 3, *[_I64] * 5, _I1, _POINTER]
        self.function = tiles.new_function(f"walk_{columns}", types)

    @property
    def near(self) -> int:
        """The inner size up to which the right operand stays near."""
        return _NEAR // (self.columns * self.tiles.width)

    def write(self) -> None:
        """Write the function, once it is known what it is used for."""
        tiles, place = self.tiles, self.tiles.place
        rows, inner, blocks, left, right, target = self.function.args[:6]
        left_row, left_inner, right_inner, right_column, target_row = self.function.args[6:11]
        lies_across, panel = self.function.args[11:]
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        none, one = _number(0), _number(1)
        far = b.and_(
            b.icmp_signed(">", inner, _number(self.near)),
            b.icmp_signed(">=", rows, _number(_MANY_ROWS)),
        )
        far = far if self.copies else ir.Constant(_I1, 0)
        in_panels = b.or_(lies_across, far)
        every = b.select(b.icmp_signed(">", inner, none), inner, one)
        at_once = b.select(in_panels, _number(_PANEL_LINES), every)
        # An empty sum is zero, and has to be written as well.
        panels = b.udiv(b.add(every, b.sub(at_once, one)), at_once)
        block, zeros = tiles.block(self.columns), tiles.zeros()

        def some_rows(n: Value) -> None:
            first = b.mul(n, _number(_ROWS_AT_ONCE))
            count = _smaller(b, b.sub(rows, first), _number(_ROWS_AT_ONCE))
            start = place(b, left, b.mul(first, left_row))
            goal = place(b, target, b.mul(first, target_row))
            emit_loop(b, none, blocks, lambda m: some_columns(m, count, start, goal))

        def some_columns(n: Value, count: Value, start: Value, goal: Value) -> None:
            first = b.mul(n, _number(self.columns))
            lines = place(b, right, b.mul(first, right_column))
            goal = place(b, goal, first)
            emit_loop(b, none, panels, lambda m: some_lines(m, count, start, lines, goal))

        def some_lines(n: Value, count: Value, start: Value, lines: Value, goal: Value) -> None:
            first = b.mul(n, at_once)
            length = _smaller(b, b.sub(inner, first), at_once)
            lines = place(b, lines, b.mul(first, right_inner))
            if self.turns:
                with b.if_then(lies_across):
                    b.call(tiles.turn(self.columns), [length, lines, right_column, panel])
            if self.copies:
                with b.if_then(b.and_(far, b.not_(lies_across))):
                    b.call(tiles.copy(self.columns), [length, lines, right_inner, panel])
            begins = b.icmp_signed("==", n, none)
            b.call(
                block,
                [
                    *(count, length),
                    *(place(b, start, b.mul(first, left_inner)), left_row, left_inner),
                    b.select(in_panels, panel, lines),
                    b.select(in_panels, _number(self.columns), right_inner),
                    *(goal, target_row),
                    *(b.select(begins, zeros, goal), b.select(begins, none, target_row)),
                ],
            )

        chunks = b.udiv(b.add(rows, _number(_ROWS_AT_ONCE - 1)), _number(_ROWS_AT_ONCE))
        emit_loop(b, none, chunks, some_rows)
        b.ret_void()


def _number(value: int) -> Value:
    return ir.Constant(_I64, value)


def _smaller(b: ir.IRBuilder, x: Value, y: Value) -> Value:
    return b.select(b.icmp_signed("<", x, y), x, y)
