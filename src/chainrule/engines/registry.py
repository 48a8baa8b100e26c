"""Engines by name, and :func:`compile`, the public way to one."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

from chainrule.engines.base import Engine, FloatType, Function, Program
from chainrule.errors import GraphError
from chainrule.graph.node import Node

__all__ = ["ENGINES", "compile", "get_engine"]

ENGINES = ("native", "reference")


def get_engine(name: str) -> Engine:
    """The engine of a name; its code is loaded on first use."""
    if name == "reference":
        from chainrule.engines.reference import ReferenceEngine

        return ReferenceEngine()
    if name == "native":
        from chainrule.engines.native.engine import NativeEngine

        return NativeEngine()
    raise GraphError(f"There is no engine {name!r}; there are {' and '.join(ENGINES)}.")


def compile(
    outputs: Sequence[Node] | Node,
    inputs: Sequence[Node],
    engine: str = "native",
    dtype: FloatType = "float64",
    n_threads: int = 1,
) -> Function:
    """Make a function of a graph.

    Parameters
    ----------
    outputs : Node or sequence of Node
        What to compute.
    inputs : sequence of Node
        The variables, in the order of the function's arguments.
    engine : {"native", "reference"}, default="native"
        Machine code, or the NumPy interpreter that defines what it must compute.
    dtype : {"float64", "float32"}, default="float64"
    n_threads : int, default=1
        Threads that share the rows of the arguments (native engine).

    Returns
    -------
    callable
        Takes one array-like for each input and returns a list of arrays.

    Raises
    ------
    GraphError
        If the outputs need a variable that is not among the inputs, or ``n_threads`` is not a
        whole number of 1 or more.

    Examples
    --------
    >>> import chainrule as cr
    >>> x, y = cr.variable("x"), cr.variable("y")
    >>> f = cr.compile([x * y, x + y], inputs=[x, y], engine="reference")
    >>> f(3.0, 4.0)
    [array(12.), array(7.)]
    """
    if not isinstance(n_threads, Integral) or n_threads < 1:
        raise GraphError(f"n_threads is {n_threads!r}; it must be a whole number of 1 or more.")
    wanted = (outputs,) if isinstance(outputs, Node) else tuple(outputs)
    for each in (*inputs, *wanted):
        if not isinstance(each, Node):
            raise GraphError(f"{each!r} is not a node: make one by variable or parse_formula.")
    return get_engine(engine).compile(Program(tuple(inputs), wanted), dtype, int(n_threads))
