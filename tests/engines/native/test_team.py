"""Teams: all threads of a run begin, and nobody leaves before it has ended."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from chainrule.engines.native.team import Team
from chainrule.errors import ChainruleError

LIMIT = 10.0
"""Seconds: far more than any of this takes."""


def run(team: Team, function: Callable[[int], object]) -> None:
    """Run a Python function as if it were machine code; it is given the thread's number."""
    job = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda pointer: function(pointer - 1))
    address = ctypes.cast(job, ctypes.c_void_p).value
    assert address is not None
    team.run(address, range(1, team.size + 1))  # the null pointer would come as None


def sleeping() -> int:
    """The address of machine code that sleeps as many microseconds as its argument says."""
    address = ctypes.cast(ctypes.CDLL(None).usleep, ctypes.c_void_p).value
    assert address is not None
    return address


def waiting_threads() -> int:
    return sum(each.name.startswith("chainrule_") for each in threading.enumerate())


def test_all_threads_run_at_the_same_time_each_with_its_own_argument() -> None:
    meeting, seen = threading.Barrier(3, timeout=LIMIT), []
    team = Team(3)
    for _ in range(50):
        run(team, lambda thread: (meeting.wait(), seen.append(thread)))
    assert sorted(seen) == sorted([0, 1, 2] * 50)


def test_the_caller_is_one_of_them() -> None:
    seen = {}
    run(Team(2), lambda thread: seen.setdefault(thread, threading.current_thread()))
    assert seen[0] is threading.current_thread()
    assert seen[1] is not threading.current_thread()


def test_a_team_of_one_needs_no_other_thread() -> None:
    before, seen = waiting_threads(), []
    run(Team(1), lambda thread: seen.append(threading.current_thread()))
    assert seen == [threading.current_thread()]
    assert waiting_threads() == before


def test_runs_asked_for_at_once_follow_each_other() -> None:
    team, meeting, running = Team(2), threading.Barrier(2, timeout=LIMIT), []

    def share(thread: int) -> None:
        running.append(1)
        meeting.wait()
        assert len(running) == 2
        meeting.wait()
        if thread == 0:
            running.clear()
        meeting.wait()

    askers = [threading.Thread(target=run, args=(team, share)) for _ in range(4)]
    for each in askers:
        each.start()
    for each in askers:
        each.join(LIMIT)
    assert not any(each.is_alive() for each in askers)
    assert not meeting.broken


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
@pytest.mark.parametrize("presses", [1, 4])
def test_ctrl_c_is_raised_when_the_run_has_ended(presses: int) -> None:
    team, pressed = Team(2), []

    def press(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def press_again() -> None:
        for _ in range(presses):
            time.sleep(0.03)
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, press)
    finger = threading.Thread(target=press_again)
    try:
        start = time.monotonic()
        finger.start()
        with pytest.raises(KeyboardInterrupt):
            team.run(sleeping(), [300_000, 300_000])
        # The caller's own sleep may end early; the other thread's does not.
        assert time.monotonic() - start >= 0.3
        finger.join(LIMIT)
        assert len(pressed) == presses
        start = time.monotonic()
        team.run(sleeping(), [1, 50_000])
        assert time.monotonic() - start >= 0.05
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_team_that_is_gone_leaves_no_threads() -> None:
    gc.collect()
    before = waiting_threads()
    team = Team(3)
    run(team, lambda thread: None)
    assert waiting_threads() == before + 2
    del team
    deadline = time.monotonic() + LIMIT
    while waiting_threads() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert waiting_threads() == before


def test_locks_of_a_team_that_is_gone_serve_the_next() -> None:
    """They are taken, as new ones are: otherwise a thread would begin before it is told to."""
    for _ in range(20):
        meeting, seen = threading.Barrier(2, timeout=LIMIT), []
        team = Team(2)
        run(team, lambda thread, m=meeting, s=seen: (m.wait(), s.append(thread)))
        assert sorted(seen) == [0, 1]
        del team


def test_a_system_without_more_threads_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    team = Team(2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(ChainruleError, match="lower n_threads"):
            run(team, lambda thread: None)
    run(team, lambda thread: None)
