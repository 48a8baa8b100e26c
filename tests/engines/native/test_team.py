"""Teams: all threads of a run start, and nobody leaves before it has ended."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from chainrule.engines.native.team import Team


def test_all_threads_run_at_the_same_time() -> None:
    meeting, seen = threading.Barrier(3, timeout=10), []
    Team(3).run(lambda thread: (meeting.wait(), seen.append(thread)))
    assert sorted(seen) == [0, 1, 2]


def test_a_team_of_one_needs_no_other_thread() -> None:
    seen = []
    Team(1).run(lambda thread: seen.append(threading.current_thread()))
    assert seen == [threading.current_thread()]


def test_runs_asked_for_at_once_follow_each_other() -> None:
    team, meeting, running = Team(2), threading.Barrier(2, timeout=10), []

    def share(thread: int) -> None:
        running.append(1)
        meeting.wait()
        assert len(running) == 2
        meeting.wait()
        if thread == 0:
            running.clear()
        meeting.wait()

    askers = [threading.Thread(target=team.run, args=(share,)) for _ in range(4)]
    for each in askers:
        each.start()
    for each in askers:
        each.join(10)
    assert not any(each.is_alive() for each in askers)


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def share(thread: int) -> None:
        raise ValueError(f"share {thread}")

    with pytest.raises(ValueError, match="share"):
        Team(2).run(share)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
@pytest.mark.parametrize("presses", [1, 4])
def test_ctrl_c_is_raised_when_the_run_has_ended(presses: int) -> None:
    team, ended, pressed = Team(2), [], []

    def press(number: int, frame: object) -> None:
        pressed.append(number)
        if len(pressed) < presses:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
        raise KeyboardInterrupt

    def share(thread: int) -> None:
        time.sleep(0.3)
        ended.append(thread)

    before = signal.signal(signal.SIGALRM, press)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            team.run(share)
        assert sorted(ended) == [0, 1]
        assert len(pressed) == presses
        team.run(ended.append)
        assert sorted(ended) == [0, 0, 1, 1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_team_that_is_gone_leaves_no_threads() -> None:
    def of_teams() -> int:
        return sum(each.name.startswith("chainrule_") for each in threading.enumerate())

    before = of_teams()
    team = Team(3)
    team.run(lambda thread: None)
    assert of_teams() == before + 3
    del team
    deadline = time.monotonic() + 10
    while of_teams() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert of_teams() == before
