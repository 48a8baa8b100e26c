"""How sharply a loss bends: the largest eigenvalue of its Hessian.

The Hessian is never formed. Its product with a direction is the gradient of the gradient's
component along that direction, so the chain rule, applied twice, gives it as a graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse.linalg

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Array, Function, Program
from chainrule.graph.node import Node, constant, variable
from chainrule.training.step import Objective

__all__ = ["hessian_product", "largest_curvature"]


def hessian_product(objective: Objective) -> Program:
    """Σ over the rows of the Hessian of weight·loss, times a direction.

    Inputs are the minibatch, the parameters, and a direction for each parameter; outputs are
    the products, of the shapes of the parameters.

    References
    ----------
    Pearlmutter, "Fast exact multiplication by the Hessian", 1994.
    """
    directions = [variable(f"{each.name}_direction", each.shape) for each in objective.parameters]
    slope: Node = constant(0.0)
    for each, direction in zip(
        gradient(objective.loss_sum, objective.parameters), directions, strict=True
    ):
        slope = slope + fn.sum(each * direction)
    inputs = (*objective.minibatch, *objective.parameters, *directions)
    return Program(inputs, tuple(gradient(slope, objective.parameters)))


def largest_curvature(
    function: Function, data: Sequence[Array], parameters: Sequence[Array], weight: float
) -> float:
    """λmax, the largest eigenvalue of the Hessian of (Σ weight·loss) / weight, to about 1 %.

    Gradient descent on a quadratic loss approaches the minimum with any learning rate below
    2/λmax, and leaves it with any above.

    Parameters
    ----------
    function : Function
        Compiled from :func:`hessian_product`.
    data, parameters : sequence of array
        The minibatch, and where to measure.
    weight : float

    Returns
    -------
    float
        Infinite where the products overflow.

    References
    ----------
    Lanczos, "An iteration method for the solution of the eigenvalue problem of linear
    differential and integral operators", 1950; ARPACK's form of it.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.engines.reference import ReferenceEngine
    >>> x, w = cr.variable("x", ("rows", 2)), cr.variable("w", (2, 1))
    >>> objective = Objective(cr.sum(cr.square(x @ w), 1), (x,), (w,))
    >>> function = ReferenceEngine().compile(hessian_product(objective), "float64")
    >>> largest_curvature(function, [np.array([[3.0, 0.0], [0.0, 1.0]])], [np.ones((2, 1))], 2)
    9.0
    """
    shapes = [each.shape for each in parameters]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    size = int(ends[-1])

    def product(vector: Array) -> Array:
        parts = np.split(vector.ravel().astype(function.dtype), ends[:-1])
        direction = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        results = function(*data, *parameters, *direction)
        return np.concatenate([each.ravel() for each in results]).astype(np.float64) / weight

    if size == 1:
        return float(product(np.ones(1))[0])
    operator = scipy.sparse.linalg.LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    first = product(start)
    if not np.isfinite(first).all():
        return math.inf
    if not first.any():  # a flat loss, which ARPACK takes for a bad start
        return 0.0
    return float(
        scipy.sparse.linalg.eigsh(
            operator, k=1, which="LA", v0=start, tol=0.01, return_eigenvectors=False
        )[0]
    )
