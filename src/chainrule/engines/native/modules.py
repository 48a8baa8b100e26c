"""The LLVM modules of one program, and calls between them.

Most of the time to compile goes into turning loops over elements into vectors. What only calls
such loops, or was written in vectors from the start, has a module of its own, which is merely
tidied up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llvmlite import ir

__all__ = ["Modules", "call_address", "call_function"]

Value = Any


@dataclass(frozen=True)
class Modules:
    """Two modules that are linked once each has been optimised.

    Attributes
    ----------
    loops : llvmlite.ir.Module
        Loops over elements, which LLVM turns into vectors.
    control : llvmlite.ir.Module
        Everything else; the exported functions are here.
    """

    loops: ir.Module = field(default_factory=lambda: ir.Module("loops"))
    control: ir.Module = field(default_factory=lambda: ir.Module("control"))

    def __str__(self) -> str:
        return f"{self.loops}\n{self.control}"


def call_function(b: ir.IRBuilder, function: ir.Function, arguments: Sequence[Value]) -> Value:
    """Call a function of the builder's module, or of the other one."""
    if function.module is not b.module:
        known = b.module.globals.get(function.name)
        function = known or ir.Function(b.module, function.function_type, function.name)
    return b.call(function, arguments)


def call_address(
    b: ir.IRBuilder, address: Value, kind: ir.FunctionType, arguments: Sequence[Value]
) -> Value:
    """Call a function by its address."""
    return b.call(_Callable(address, kind), arguments)


class _Callable:
    """An address as a function of known type: LLVM's pointers know no type, calls need one."""

    def __init__(self, address: Value, kind: ir.FunctionType) -> None:
        self.function_type = kind
        self.type = address.type
        self.get_reference = address.get_reference
