"""Are the derivatives right? Compare gradients with central differences along random directions.

One direction tests all elements of all inputs at once: a wrong gradient agrees with it only by
chance. The second order is the first order again, of the first derivative along a direction.
(The idea: Maclaurin, Duvenaud & Adams, autograd's ``check_grads``.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Program, as_arrays, bind_sizes
from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.checker import check_graph
from chainrule.graph.node import Node, private_variable
from chainrule.graph.shape import resolve_shape

Array = np.ndarray[Any, Any]
Values = Mapping[Node, npt.ArrayLike]

_STEP = 1e-3
# (x offset in steps, weight): the error of the difference shrinks with the fourth power.
_STENCIL = ((-2, 1.0 / 12.0), (-1, -8.0 / 12.0), (1, 8.0 / 12.0), (2, -1.0 / 12.0))


class DerivativeError(AssertionError):
    """A gradient is not what differences of the function say."""


def check_derivatives(
    output: Node, values: Values, order: int = 2, seed: int = 0, tolerance: float = 1e-8
) -> None:
    """Compare the gradients of ``output`` with central differences, in double precision.

    Parameters
    ----------
    output : Node
        Of any shape and kind; it is reduced to a number with random weights.
    values : mapping of Node to array
        The variables and where to test. Those of kind float are differentiated; the function
        must be smooth within 0.002 of their values.
    order : int, default=2
        Up to which order of derivatives.
    tolerance : float, default=1e-8
        Allowed difference, relative to the larger of 1 and the size of what is compared.

    Raises
    ------
    DerivativeError
        Where the two differ.
    """
    rng = np.random.default_rng(seed)
    inputs = list(values)
    arrays = as_arrays(inputs, list(values.values()), np.dtype(np.float64))
    point = dict(zip(inputs, arrays, strict=True))
    wrt = [node for node in inputs if node.kind == "float"]

    along, point = _weighted(fn.convert(output), point, rng)
    for each in range(1, order + 1):
        slopes = gradient(along, wrt)
        check_graph(slopes, inputs=set(point))
        for node, slope in zip(wrt, slopes, strict=True):
            if slope.shape != node.shape:
                raise DerivativeError(f"The gradient for {node!r} has shape {slope.shape}.")
        _compare(along, wrt, slopes, point, rng, f"order {each}", tolerance)
        # The derivative along a random direction is the function of the next order.
        parts = []
        for slope in slopes:
            part, point = _weighted(slope, point, rng)
            parts.append(part)
        along = sum(parts[1:], start=parts[0])


def _weighted(
    output: Node, point: Mapping[Node, Array], rng: np.random.Generator
) -> tuple[Node, dict[Node, Array]]:
    """Σ weights·output, the weights being variables with random values."""
    sizes = bind_sizes(list(point), list(point.values()))
    weights = private_variable("weights", output.shape, "float")
    drawn = rng.normal(size=resolve_shape(output.shape, sizes))
    return fn.sum(weights * output), {**point, weights: drawn}


def _compare(
    along: Node,
    wrt: list[Node],
    slopes: list[Node],
    point: Mapping[Node, Array],
    rng: np.random.Generator,
    what: str,
    tolerance: float,
) -> None:
    engine = ReferenceEngine()
    inputs = tuple(point)
    function = engine.compile(Program(inputs, (along,)), "float64")
    derivative = engine.compile(Program(inputs, tuple(slopes)), "float64")
    direction = {node: rng.uniform(-1.0, 1.0, size=point[node].shape) for node in wrt}

    def moved(steps: int) -> float:
        place = {
            node: value + steps * _STEP * direction[node] if node in direction else value
            for node, value in point.items()
        }
        return float(function(*place.values())[0])

    difference = sum(weight * moved(steps) for steps, weight in _STENCIL) / _STEP
    found = derivative(*point.values())
    product = sum(
        float(np.sum(direction[node] * slope)) for node, slope in zip(wrt, found, strict=True)
    )
    scale = max(1.0, abs(difference), abs(moved(0)))
    if not abs(product - difference) <= tolerance * scale:
        raise DerivativeError(
            f"Derivative of {what} along a random direction: the rules say {product!r}, "
            f"differences say {difference!r}."
        )
