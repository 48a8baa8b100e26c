"""Threads: as many as asked for, and a limit on BLAS that overlapping users share."""

from __future__ import annotations

import threading

import scipy.linalg  # noqa: F401  its BLAS is one of those that are limited
from threadpoolctl import ThreadpoolController

from chainrule.engines.threads import available_threads, one_blas_thread


def blas_threads() -> set[int]:
    info = ThreadpoolController().select(user_api="blas").info()
    return {each["num_threads"] for each in info}


def test_a_given_number_of_threads_is_kept_and_the_default_is_at_least_one():
    assert available_threads(7) == 7
    assert available_threads() >= 1


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
