"""Threads: as many as asked for, and a limit on BLAS that overlapping users share."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.pool import ThreadPool

import pytest
import scipy.linalg  # noqa: F401  its BLAS is one of those that are limited
from threadpoolctl import ThreadpoolController

from chainrule.engines import threads
from chainrule.engines.threads import available_threads, one_blas_thread


@pytest.fixture
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_processors", lambda: 8)


def blas_threads() -> set[int]:
    info = ThreadpoolController().select(user_api="blas").info()
    return {each["num_threads"] for each in info}


def test_a_given_number_of_threads_is_kept_and_the_default_is_at_least_one():
    assert available_threads(7) == 7
    assert available_threads() >= 1


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    "limit, expected",
    [("1", 1), (" 3 ", 3), ("4,2", 4), ("64", 8), ("", 8), ("0", 8), ("-1", 8), ("many", 8)],
)
def test_the_limit_for_openmp_holds_up_to_the_processors(
    limit: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert available_threads() == expected
    assert available_threads(5) == 5


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize("jobs, share", [(1, 8), (2, 4), (3, 2), (20, 1)])
def test_threads_of_a_pool_share_the_processors(jobs: int, share: int) -> None:
    with ThreadPool(jobs) as pool:
        assert {pool.apply(available_threads) for _ in range(jobs)} == {share}
        assert pool.apply(available_threads, (7,)) == 7
        assert available_threads() == 8, "the thread that started the pool waits for it"


def test_a_process_of_a_pool_is_left_one_thread() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(available_threads) == 1


def test_the_limit_lasts_from_the_first_user_to_the_last():
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        before = blas_threads()
        entered, leave = threading.Event(), threading.Event()

        def other_user() -> None:
            with one_blas_thread():
                entered.set()
                leave.wait(10)

        thread = threading.Thread(target=other_user)
        with one_blas_thread():
            thread.start()
            assert entered.wait(10)
        assert blas_threads() == {1}
        leave.set()
        thread.join(10)
        assert blas_threads() == before
