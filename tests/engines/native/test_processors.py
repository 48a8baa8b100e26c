"""Threads of one run begin on processors of their own, and are bound to none."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from chainrule.engines.native import processors
from chainrule.engines.native.processors import Processors
from chainrule.engines.native.team import Team


@pytest.fixture
def everybody_is_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let each thread find itself on the processor that is named."""

    def place(number: int) -> None:
        monkeypatch.setattr(processors, "_current_processor", lambda: lambda: number)

    return place


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Where threads are moved on a machine with the processors 0 to 2; nobody really is."""
    made: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {0, 1, 2}, raising=False)
    monkeypatch.setattr(
        os, "sched_setaffinity", lambda thread, where: made.append(set(where)), raising=False
    )
    return made


def test_a_thread_is_moved_only_from_where_another_runs(
    everybody_is_on: Callable[[int], None], moves: list[set[int]]
) -> None:
    everybody_is_on(1)
    run = Processors()
    with run.one():
        assert moves == []
        with run.one():
            assert moves == [{0}, {0, 1, 2}]  # there, and then free to go
            with run.one():
                assert moves[2:] == [{2}, {0, 1, 2}]
                with run.one():
                    assert len(moves) == 4  # all are taken


def test_a_processor_is_free_again_when_its_thread_has_ended(
    everybody_is_on: Callable[[int], None], moves: list[set[int]]
) -> None:
    everybody_is_on(1)
    run = Processors()
    with pytest.raises(ValueError, match="planned"), run.one():
        raise ValueError("planned")
    with run.one():
        assert moves == []


def test_a_system_that_does_not_tell_moves_nobody(
    monkeypatch: pytest.MonkeyPatch, moves: list[set[int]]
) -> None:
    monkeypatch.setattr(processors, "_current_processor", lambda: None)
    run = Processors()
    with run.one(), run.one():
        assert moves == []


def test_a_processor_that_has_been_taken_away_is_done_without(
    everybody_is_on: Callable[[int], None], moves: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: int, where: set[int]) -> None:
        raise OSError("no such processor")

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    everybody_is_on(0)
    run = Processors()
    with run.one(), run.one():
        pass


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not tell")
def test_a_run_leaves_its_threads_free_to_go_anywhere() -> None:
    before, seen = os.sched_getaffinity(0), []
    meeting = threading.Barrier(2, timeout=10)

    def share(thread: int) -> None:
        meeting.wait()
        seen.append(os.sched_getaffinity(0))

    team = Team(2)
    for _ in range(20):
        team.run(share)
    assert seen == [before] * 40
    assert os.sched_getaffinity(0) == before
