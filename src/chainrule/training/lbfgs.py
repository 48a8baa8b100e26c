"""L-BFGS: SciPy's optimizer over the compiled loss and gradient."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result

from chainrule.engines.base import Array, Function
from chainrule.engines.threads import one_blas_thread
from chainrule.training.blocks import blocks, dense_rows, on_shares
from chainrule.training.callbacks import Callback, Moment, entered, tell
from chainrule.training.history import History
from chainrule.training.loop import Measure

__all__ = ["Sums", "minimise"]

Vector = npt.NDArray[np.float64]

STOPPED_BY_CALLBACK = 99
"""SciPy's status for it."""


@dataclass
class Sums:
    """An objective and its gradient over all rows, as a function of one flat vector.

    Attributes
    ----------
    function : Function
        Compiled from :meth:`~chainrule.training.step.Objective.sums_and_gradients`.
    data : sequence of array or CSR matrix
        The minibatch variables, for all rows; sparse ones are made dense a block at a time.
    parameters : sequence of array
        First values; they give shapes and precision, and are updated in place.
    alpha, share : float
        As in :class:`~chainrule.training.step.Objective`.
    weight : float
        Σ weight over all rows.
    block : int
        Rows evaluated at a time, so that hidden layers of all rows are never held at once.
    n_threads : int, default=1
        Threads that share the blocks.
    """

    function: Function
    data: Sequence[Array]
    parameters: Sequence[Array]
    alpha: float
    share: float
    weight: float
    block: int
    n_threads: int = 1
    reported: float = math.nan

    def split(self, vector: Vector) -> list[Array]:
        """The parameters inside a flat vector, in their precision."""
        flat = vector.astype(self.parameters[0].dtype, copy=False)
        ends = np.cumsum([each.size for each in self.parameters])
        return [
            flat[end - each.size : end].reshape(each.shape)
            for each, end in zip(self.parameters, ends, strict=True)
        ]

    def put(self, vector: Vector) -> None:
        """Make a flat vector the parameters."""
        for array, values in zip(self.parameters, self.split(vector), strict=True):
            array[...] = values

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """The value and gradient; ``reported`` keeps the loss that people are told."""
        parameters = self.split(vector)

        def share(start: int, stop: int) -> Vector:
            """Loss, penalty and gradient of some rows, one after another in a vector."""
            total = np.zeros(2 + len(vector))
            for rows in blocks(start, stop, self.block):
                data = [dense_rows(each, rows) for each in self.data]
                alpha = self.alpha if rows.start == 0 else 0.0
                outputs = self.function(*data, *parameters, alpha)
                total += np.concatenate([each.ravel() for each in outputs])
            return total

        shares = on_shares(share, self.data[0].shape[0], self.block, self.n_threads)
        losses, penalty, *_ = total = np.sum(shares, axis=0)
        self.reported = float(self.share * losses + penalty) / self.weight
        return float(losses + penalty) / self.weight, total[2:] / self.weight


def minimise(
    sums: Sums,
    max_iter: int,
    max_fun: int,
    tol: float,
    *,
    options: Mapping[str, float] | None = None,
    measure: Measure | None = None,
    callbacks: Sequence[Callback] = (),
    verbose: bool = False,
    history: History | None = None,
    estimator: Any = None,
) -> History:
    """Minimise with L-BFGS-B, in double precision.

    Ctrl-C ends it with a warning. What a callback raises comes out as it is. Either leaves the
    parameters of the latest iteration.

    Parameters
    ----------
    sums : Sums
        Its parameters are updated in place after each iteration.
    max_iter, max_fun : int
        The most iterations, and evaluations of the objective.
    tol : float
        It has converged when no element of the gradient is larger.
    options : mapping of str to number, optional
        More of SciPy's options, such as ``ftol``.
    measure : callable, optional
        Called with the parameters after each iteration: more columns of its row.
    callbacks : sequence of callable
        Called after each iteration.
    verbose : bool, default=False
        Print a line for each iteration.
    history : History, optional
        Where the rows go; by default a new one.
    estimator : estimator, optional
        Whose training this is: what callbacks are told.

    Returns
    -------
    History
        A row for each iteration; ``sums.reported`` is the final loss.

    References
    ----------
    Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", 1989;
    Zhu, Byrd, Lu & Nocedal, "Algorithm 778: L-BFGS-B", 1997.
    """
    latest = np.concatenate([each.ravel() for each in sums.parameters]).astype(np.float64)
    history = History() if history is None else history
    clock = time.perf_counter()

    def after_iteration(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal latest, clock
        latest = intermediate_result.x.copy()
        seconds = time.perf_counter() - clock
        iteration = len(history.get("epoch", ())) + 1
        sums.put(latest)
        measured = {} if measure is None else measure(sums.parameters)
        history.record(epoch=iteration, loss=sums.reported, **measured, seconds=seconds)
        if verbose:
            print(f"Iteration {iteration}, loss = {sums.reported:.8f}")
        moment = Moment(
            iteration, max_iter, 1, 1, sums.reported, True, history, estimator=estimator
        )
        if tell(callbacks, moment):
            raise StopIteration
        clock = time.perf_counter()

    try:
        with entered(callbacks), one_blas_thread():
            result = scipy.optimize.minimize(
                sums,
                latest,
                method="L-BFGS-B",
                jac=True,
                callback=after_iteration,
                options={
                    "maxfun": max_fun,
                    "maxiter": max_iter,
                    "gtol": tol,
                    **(options or {}),
                },
            )
        latest = result.x
        if result.status != STOPPED_BY_CALLBACK and np.isfinite(result.fun):
            _check_optimize_result("lbfgs", result, max_iter)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    finally:
        sums.put(latest)
        sums(latest)
    return history
