"""Handing work to threads that wait in machine code.

A thread that waits in Python needs the interpreter's lock to begin, and gets it some time after
it has been woken; an epoch of a small network may take no longer. Here threads wait in machine
code, and are handed an address to call.

``lead`` is one call from Python. So whatever interrupts Python, Ctrl-C for one, comes before all
threads have begun or after all have ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from chainrule.engines.native.compiler import Code, compile_code
from chainrule.engines.native.kernels import emit_loop
from chainrule.engines.native.modules import Modules, call_address

__all__ = ["BOX", "Handover", "handover", "lock_function", "new_lock", "spare_lock"]

_VOID, _I32, _I64, _POINTER = ir.VoidType(), ir.IntType(32), ir.IntType(64), ir.PointerType()

BOX = ("acquire", "release", "begin", "ended", "stop", "code", "arguments")
"""What a waiting thread finds in its box, as 64-bit numbers: the interpreter's functions for
locks, two locks, whether to stop waiting, and what to call with what."""

_LOOKS = 4000
"""Looks at a lock before going to sleep: 0.1 ms or so. To be woken costs up to half of that, and
between two epochs of a small network there is often less."""


@dataclass(frozen=True)
class Handover:
    """Machine code for a team.

    Attributes
    ----------
    code : Code
        Keeps the machine code in memory.
    lead : callable
        ``lead(boxes, stride, n_boxes, code, arguments)`` lets the threads of all boxes begin,
        calls ``code(arguments)`` itself, and returns when all have ended.
    follow : callable
        ``follow(box)`` waits and calls, again and again, until it is to stop.
    """

    code: Code
    lead: Callable[[int, int, int, int, int], None]
    follow: Callable[[int], None]


_lock = threading.Lock()


def handover() -> Handover:
    """The code, compiled when it is first needed, and kept: threads may be waiting in it."""
    with _lock:
        return _compiled()


@functools.cache
def _compiled() -> Handover:
    code = compile_code("handover", _modules)
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    lead = ctypes.CFUNCTYPE(None, pointer, number, number, pointer, pointer)
    follow = ctypes.CFUNCTYPE(None, pointer)
    return Handover(code, lead(code.address("lead")), follow(code.address("follow")))


_spare: list[int] = []


def new_lock() -> int:
    """One of the interpreter's locks, taken; any thread may release it."""
    with contextlib.suppress(IndexError):
        return _spare.pop()
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, lock_function("acquire")
    allocate.restype = ctypes.c_void_p
    lock = allocate()
    if not lock:
        raise MemoryError("The system has no more locks.")
    acquire(lock, 1)
    return int(lock)


def spare_lock(lock: int) -> None:
    """Let a lock be used again, which is taken, and for which nobody waits.

    It is not freed, since whoever released it last may not yet have returned.
    """
    _spare.append(lock)


def lock_function(name: str) -> Any:
    """``acquire(lock, wait)`` or ``release(lock)``."""
    function = getattr(ctypes.pythonapi, f"PyThread_{name}_lock")
    function.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * (name == "acquire")
    return function


# --- machine code ------------------------------------------------------------------------


class _Box:
    """A box as code sees it."""

    def __init__(self, b: ir.IRBuilder, address: Any) -> None:
        self.b, self.address = b, address

    def place(self, name: str) -> Any:
        index = ir.Constant(_I64, BOX.index(name))
        return self.b.gep(self.address, [index], source_etype=_I64)

    def value(self, name: str) -> Any:
        return self.b.load(self.place(name), typ=_POINTER)

    def acquire(self, lock: str) -> None:
        """Look for the lock for a while, and go to sleep only then."""
        b = self.b
        before = b.block
        look, done, sleep = (b.append_basic_block(name) for name in ("look", "taken", "sleep"))
        again = b.append_basic_block("again")
        b.branch(look)
        b.position_at_end(look)
        looks = b.phi(_I64)
        looks.add_incoming(ir.Constant(_I64, 0), before)
        b.cbranch(self._take(lock, wait=False), done, again)
        b.position_at_end(again)
        more = b.add(looks, ir.Constant(_I64, 1))
        looks.add_incoming(more, again)
        b.cbranch(b.icmp_signed("<", more, ir.Constant(_I64, _LOOKS)), look, sleep)
        b.position_at_end(sleep)
        self._take(lock, wait=True)
        b.branch(done)
        b.position_at_end(done)

    def _take(self, lock: str, wait: bool) -> Any:
        """Whether the lock could be taken."""
        kind = ir.FunctionType(_I32, [_POINTER, _I32])
        arguments = [self.value(lock), ir.Constant(_I32, int(wait))]
        taken = call_address(self.b, self.value("acquire"), kind, arguments)
        return self.b.icmp_signed("!=", taken, ir.Constant(_I32, 0))

    def release(self, lock: str) -> None:
        kind = ir.FunctionType(_VOID, [_POINTER])
        call_address(self.b, self.value("release"), kind, [self.value(lock)])


_JOB = ir.FunctionType(_VOID, [_POINTER])


def _modules() -> Modules:
    modules = Modules()
    _write_lead(modules.control)
    _write_follow(modules.control)
    return modules


def _write_lead(module: ir.Module) -> None:
    kind = ir.FunctionType(_VOID, [_POINTER, _I64, _I64, _POINTER, _POINTER])
    function = ir.Function(module, kind, "lead")
    boxes, stride, count, code, arguments = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))

    def box(number: Any) -> _Box:
        return _Box(b, b.gep(boxes, [b.mul(number, stride)], source_etype=_I64))

    none = ir.Constant(_I64, 0)
    emit_loop(b, none, count, lambda number: box(number).release("begin"))
    call_address(b, code, _JOB, [arguments])
    emit_loop(b, none, count, lambda number: box(number).acquire("ended"))
    b.ret_void()


def _write_follow(module: ir.Module) -> None:
    function = ir.Function(module, ir.FunctionType(_VOID, [_POINTER]), "follow")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    box = _Box(b, function.args[0])
    wait, work, stop = (function.append_basic_block(name) for name in ("wait", "work", "stop"))
    b.branch(wait)
    b.position_at_end(wait)
    box.acquire("begin")
    stopped = b.load(box.place("stop"), typ=_I64)
    b.cbranch(b.icmp_signed("==", stopped, ir.Constant(_I64, 0)), work, stop)
    b.position_at_end(work)
    call_address(b, box.value("code"), _JOB, [box.value("arguments")])
    box.release("ended")
    b.branch(wait)
    b.position_at_end(stop)
    b.ret_void()
