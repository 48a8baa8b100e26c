"""A gradient checked against a central difference: the definition of a derivative itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.engines.base import Array
from chainrule.explain.worksheet import Check

__all__ = ["check_gradient"]

# The step that balances the error of the difference, h², and of rounding, eps/h.
_STEP = float(np.cbrt(np.finfo(np.float64).eps))


def check_gradient(
    function: Callable[[Array], float], at: Array, gradient: Array, kink: str | None = None
) -> Check:
    """Compare a gradient with (f(x+h) - f(x-h))/2h.

    Parameters
    ----------
    function : callable
        f, from an array of the shape of ``at`` to a number.
    at : array
        x, a number or an array.
    gradient : array
        The derivative of f at x, of the same shape.
    kink : str, optional
        Why f has no derivative there, if it has none: then there is nothing to check.

    Returns
    -------
    Check

    Notes
    -----
    An array is moved along one random direction, the same in every run, so that the check of a
    large matrix costs no more than that of a number.
    """
    direction = _direction(at.shape)
    derivative = float(np.sum(gradient * direction))
    if kink is not None:
        return Check(derivative, None, kink)
    size = float(np.max(np.abs(at), initial=0.0))
    # Where the formula has no value so far away, a step in proportion may fit in.
    for scale in (max(1.0, size), size):
        ahead, behind = at + _STEP * scale * direction, at - _STEP * scale * direction
        rise = function(ahead) - function(behind)
        run = float(np.sum((ahead - behind) * direction))
        if np.isfinite(rise) and run > 0.0:
            return Check(derivative, rise / run)
    return Check(derivative, None, "the formula has no value on both sides of this point")


def _direction(shape: tuple[int, ...]) -> Array:
    if not shape:
        return np.ones(())
    draw = np.random.default_rng(0).normal(size=shape)
    direction: Array = draw / np.linalg.norm(draw)
    return direction
