"""Threads that share a minibatch: same bits each time, never stuck, and no trace left behind."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.engines.base import TrainingLoop, TrainingStep
from chainrule.engines.native import sharing
from chainrule.engines.registry import get_engine
from chainrule.errors import ShapeError
from chainrule.graph.node import variable
from tests.helpers.training_steps import N_ROWS, TRAINING_CASES, TrainingCase, train

Array = np.ndarray[Any, Any]

LIMIT = 60.0
"""Seconds: far more than any of this takes, also on a busy machine."""


pytestmark = pytest.mark.usefixtures("threads_are_worthwhile")


def trained(name: str, n_threads: int, batch_size: int = 8, epochs: int = 2) -> list[Array]:
    loop = TRAINING_CASES[name].loop("native", n_threads=n_threads, batch_size=batch_size)
    train(loop, epochs, batch_size)
    return loop.state


def assert_same_bits(one: list[Array], other: list[Array]) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


def blas_threads() -> list[int]:
    info = ThreadpoolController().select(user_api="blas").info()
    return [each["num_threads"] for each in info]


# --- values ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("name", TRAINING_CASES)
def test_any_number_of_threads_agrees_and_repeats_to_the_bit(name: str, n_threads: int) -> None:
    first = trained(name, n_threads)
    for _ in range(3):
        assert_same_bits(trained(name, n_threads), first)
    for one, other in zip(first, trained(name, 1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("batch_size", [3, 5, 8])
def test_minibatches_may_have_fewer_rows_than_there_are_threads(batch_size: int) -> None:
    """33 rows: the last minibatch has 3, 3 and 1 of them."""
    for name in ("mlp", "recurrent"):
        case = TRAINING_CASES[name]
        many = case.loop("native", n_threads=5, batch_size=8)
        train(many, 2, batch_size)
        for one, other in zip(many.state, trained(name, 1, batch_size), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 9])
def test_functions_may_be_called_with_fewer_rows_than_threads(rows: int) -> None:
    x, w = variable("x", ("rows", 3)), variable("w", (3, 4))
    y = fn.tanh(x @ w)
    outputs = [y, fn.sum(y), fn.max(y, 0), fn.transpose(x) @ y]
    assert sharing.is_shareable(outputs)
    values = [np.random.default_rng(rows).normal(size=(rows, 3)), np.linspace(-1, 1, 12)]
    values[1] = values[1].reshape(3, 4)
    one, many = (cr.compile(outputs, [x, w], engine="native", n_threads=k) for k in (1, 8))
    for left, right in zip(one(*values), many(*values), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-13, atol=1e-14)


def test_more_threads_than_processors_finish_in_time() -> None:
    """Waiting threads let others have the processor: spinning, they would take minutes."""
    n_threads = 4 * (os.cpu_count() or 1)
    case = TRAINING_CASES["mlp"]
    loop = case.loop("native", n_threads=n_threads, batch_size=N_ROWS)
    start = time.monotonic()
    for _ in range(100):
        loop.run(None, N_ROWS, 0, 1)
    assert time.monotonic() - start < LIMIT
    assert loop.steps_done == 100


# --- fits at once ------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_fits_in_several_python_threads_do_not_disturb_each_other(n_threads: int) -> None:
    names = ["mlp", "lstm", "mlp with dropout", "mlp"]
    expected = [trained(name, n_threads) for name in names]
    found: dict[int, list[Array]] = {}

    def fit(number: int) -> None:
        found[number] = trained(names[number], n_threads)

    fits = [threading.Thread(target=fit, args=(number,)) for number in range(len(names))]
    for each in fits:
        each.start()
    for each in fits:
        each.join(LIMIT)
    assert not any(each.is_alive() for each in fits)
    for number, state in enumerate(expected):
        assert_same_bits(found[number], state)


def test_one_function_may_be_called_by_several_threads_at_once() -> None:
    x = variable("x", ("rows", 3))
    function = cr.compile([fn.exp(x), fn.sum(fn.square(x))], [x], engine="native", n_threads=2)
    wrong: list[int] = []

    def call(number: int) -> None:
        values = np.full((50 + number, 3), float(number))
        for _ in range(30):
            powers, total = function(values)
            if total != 3 * (50 + number) * number**2 or np.ptp(powers) != 0:
                wrong.append(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join(LIMIT)
    assert not any(each.is_alive() for each in callers)
    assert not wrong


def _run_in_child(queue: Any, loop: TrainingLoop) -> None:
    """One loop of the child's own, and one that ran in the parent before."""
    own = trained("mlp", n_threads=2)
    train(loop, 1)
    queue.put((own, loop.state))


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_a_forked_child_can_fit_after_its_parent_did() -> None:
    expected = trained("mlp", n_threads=2)
    loop = TRAINING_CASES["mlp"].loop("native", n_threads=2)
    train(loop, 1)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        # Python 3.12 warns of forking while there are threads: that it works is the point here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = context.Process(target=_run_in_child, args=(queue, loop))
        child.start()
    try:
        own, continued = queue.get(timeout=LIMIT)
    finally:
        child.join(5)
        if child.is_alive():
            child.kill()
            child.join()
    assert child.exitcode == 0
    assert_same_bits(own, expected)
    assert_same_bits(trained("mlp", n_threads=2), expected)
    train(loop, 1)
    assert_same_bits(continued, loop.state)


# --- what is left behind -----------------------------------------------------------------


def test_blas_has_its_threads_back_after_a_run_and_after_an_error() -> None:
    table, i = variable("table", (4, 40)), variable("i", ("rows",), "int")
    function = cr.compile(fn.take(table, i) @ fn.transpose(table), [table, i], engine="native")
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        before = blas_threads()
        assert 2 in before
        train(TRAINING_CASES["mlp"].loop("native", n_threads=2), 1)
        assert blas_threads() == before
        with pytest.raises(ShapeError, match="no row 9"):
            function(np.ones((4, 40)), [9])
        assert blas_threads() == before
        function(np.ones((4, 40)), [3])
        assert blas_threads() == before


def test_a_function_works_on_after_a_wrong_index() -> None:
    table, i = variable("table", (4, 2)), variable("i", ("rows",), "int")
    function = cr.compile(fn.take(table, i), [table, i], engine="native", n_threads=2)
    values = np.arange(8.0).reshape(4, 2)
    for _ in range(2):
        with pytest.raises(ShapeError):
            function(values, [0, 1, 7, 2])
        np.testing.assert_array_equal(function(values, [3, 1, 0])[0], values[[3, 1, 0]])


# --- losses that are not finite ----------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("failing", [0, 1, 3])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_state_stays_that_of_the_last_good_step(
    n_threads: int, failing: int, bad: float
) -> None:
    case = TRAINING_CASES["mlp"]
    labels = case.data[1].copy()
    labels[8 * failing + 5, 0] = bad  # the loss is linear in the labels
    broken = TrainingCase(case.step, [case.data[0], labels], case.state, case.settings)
    good, failed = (each.loop("native", n_threads=n_threads) for each in (case, broken))
    expected = good.run(None, 8, 0, failing)
    report = failed.run(None, 8, 0, 5)
    assert report.failed_step == failing
    assert (report.steps, report.rows) == (expected.steps, expected.rows) == (failing, 8 * failing)
    assert report.loss_sum == expected.loss_sum
    assert failed.steps_done == failing
    assert_same_bits(failed.state, good.state)
    # It can go on with the next minibatch, and fails at the same one again.
    assert failed.run(None, 8, failing, 5).steps == 0
    assert failed.run(None, 8, failing + 1, 5).failed_step is None


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, "two"])
def test_a_number_of_threads_that_is_none_is_refused(n_threads: object) -> None:
    x = variable("x", ("rows",))
    with pytest.raises(cr.GraphError, match="must be a whole number"):
        cr.compile([x], [x], n_threads=n_threads)  # type: ignore[arg-type]


AT_EXIT = """
import atexit
import numpy as np
import chainrule as cr

x = cr.variable("x", ("rows", 3))
f = cr.compile([cr.tanh(x)], [x], n_threads=2)
X = np.ones((8, 3))
atexit.register(lambda: print("once more", f(X)[0].shape))
f(X)
"""


def test_a_function_may_be_called_once_more_at_exit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=LIMIT, check=True
    )
    assert done.stdout.strip() == "once more (8, 3)"


@pytest.mark.parametrize("seed", [-1, 2**63 + 5, 2**64 + 5])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    x = variable("x", ("rows", 3))
    draws = [fn.uniform(x.shape, stream=1)]
    one, other = (cr.compile(draws, [x], engine=engine) for engine in ("native", "reference"))
    values = np.ones((4, 3))
    np.testing.assert_array_equal(one(values, seed=seed)[0], other(values, seed=seed)[0])


def test_two_threads_may_run_one_loop() -> None:
    loop = TRAINING_CASES["mlp"].loop("native", n_threads=2)
    threads = [
        threading.Thread(target=lambda: [loop.run(None, 8, 0, 4) for _ in range(50)])
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(LIMIT)
    assert not any(each.is_alive() for each in threads)
    assert loop.steps_done == 400
    assert all(np.isfinite(each).all() for each in loop.state)


def test_one_array_for_two_variables_is_one_for_every_thread() -> None:
    X, a, b = variable("X", ("rows", 3)), variable("a", (3,)), variable("b", (3,))
    loss = fn.mean(fn.square(X @ fn.reshape(a, (3, 1)) + fn.sum(b)))
    step = TrainingStep((X,), (a, b), (a * 0.9, b), (), loss)
    found = []
    for n_threads in (1, 2):
        state = np.ones(3)
        loop = get_engine("native").compile_step(
            step,
            "float64",
            [np.arange(24.0).reshape(8, 3)],
            [state, state],
            {},
            n_threads=n_threads,
            batch_size=4,
        )
        found.append((loop.run(None, 4, 0, 2).loss_sum, state.tolist()))
    assert found[0][1] == found[1][1]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-13)
