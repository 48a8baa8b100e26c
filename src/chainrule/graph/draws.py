"""Random draws, fresh at every step of training."""

from __future__ import annotations

import math
from collections.abc import Iterable

from chainrule.graph.elementwise import cos, log, sqrt
from chainrule.graph.node import Node, make
from chainrule.graph.shape import Dimension, as_shape

__all__ = [
    "normal",
    "uniform",
]


def uniform(shape: Iterable[Dimension | str], stream: int) -> Node:
    """Draws from (0, 1), fresh at every step of training.

    The draw is a function of (seed, step, stream, element) alone, so every engine and every
    number of threads draws the same. Different places of a network use different streams.

    Parameters
    ----------
    shape : iterable of int, Size or str
    stream : int
        Another one for each place of a network.

    Returns
    -------
    Node
        Of that shape.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (4,))
    >>> f = cr.compile([x * cr.uniform((4,), stream=0)], [x])
    >>> bool((f([1.0] * 4, seed=0)[0] == f([1.0] * 4, seed=0)[0]).all())
    True
    """
    return make("uniform", shape=as_shape(shape), stream=stream)


def normal(shape: Iterable[Dimension | str], stream: int) -> Node:
    """Draws from the standard normal distribution (Box & Muller 1958); uses two streams.

    Parameters
    ----------
    shape : iterable of int, Size or str
    stream : int
        Another one for each place of a network.

    Returns
    -------
    Node
        Of that shape.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (1000,))
    >>> draws = cr.compile([x + cr.normal((1000,), stream=0)], [x])([0.0] * 1000)[0]
    >>> abs(float(draws.mean())) < 0.1
    True
    """
    target = as_shape(shape)
    radius = sqrt(-2.0 * log(uniform(target, 2 * stream)))
    return radius * cos(2.0 * math.pi * uniform(target, 2 * stream + 1))
