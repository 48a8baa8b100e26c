"""The loop: which rows are visited, how long a call takes, when training stops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import shuffle

from chainrule.callbacks import ProgressBar
from chainrule.engines.base import RunReport, TrainingLoop
from chainrule.training import loop as loop_module
from chainrule.training.loop import Epochs, Plan, Progress
from chainrule.training.schedules import AdaptiveSchedule

SECONDS_PER_STEP = 0.003


class Clock:
    """Time as the tests tell it."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(loop_module, "time", clock)
    return clock


class StubLoop(TrainingLoop):
    """Stands for an engine: notes what it is told, and takes its time."""

    def __init__(self, clock, n_rows=10, losses=()):  # there is no step: no super().__init__
        self.data = [np.zeros((n_rows, 1))]
        self.state = [np.zeros(2)]
        self.settings = {"learning_rate": 0.0}
        self.steps_done = 0
        self.clock = clock
        self.losses = iter(losses)
        self.loss = 1.0
        self.calls = []
        self.orders = []
        self.rates = []

    def _run(self, order, batch_size, first, last, loss_sum):
        self.calls.append((first, last))
        n_rows = len(self.data[0]) if order is None else len(order)
        rows = min(last * batch_size, n_rows) - first * batch_size
        if first == 0:
            self.orders.append(None if order is None else order.copy())
            self.rates.append(self.settings["learning_rate"])
            self.loss = next(self.losses, self.loss)
            self.state[0] += 1.0
        self.clock.now += SECONDS_PER_STEP * (last - first)
        self.steps_done += last - first
        return RunReport(last - first, loss_sum + self.loss * rows, rows)


def train(loop, plan, warn=False, seed=0, **options):
    progress = Progress(plan.learning_rate)
    run = Epochs(loop, plan, progress, np.random.RandomState(seed), **options)
    run.run(warn)
    return progress


ENDLESS = {"tol": 0.0, "patience": math.inf}


def test_each_epoch_visits_every_minibatch_once_in_calls_of_a_tenth_of_a_second(clock):
    loop = StubLoop(clock, n_rows=1001)
    progress = train(loop, Plan(10, 3, **ENDLESS))
    steps = [step for first, last in loop.calls for step in range(first, last)]
    assert steps == [*range(101)] * 3
    lengths = [(last - first) * SECONDS_PER_STEP for first, last in loop.calls]
    assert lengths[0] == SECONDS_PER_STEP
    assert max(lengths) <= 0.1
    assert sorted(lengths)[len(lengths) // 2] > 0.05
    assert progress.steps == 303
    assert progress.rows_seen == 3003
    assert progress.history["seconds"] == pytest.approx([101 * SECONDS_PER_STEP] * 3)


def test_rows_are_shuffled_as_scikit_learn_shuffles_them(clock):
    loop = StubLoop(clock, n_rows=23)
    train(loop, Plan(5, 3, **ENDLESS), seed=4)
    random_state = np.random.RandomState(4)
    order = np.arange(23)
    for actual in loop.orders:
        order = shuffle(order, random_state=random_state)
        np.testing.assert_array_equal(actual, order)


def test_without_shuffling_rows_keep_their_order(clock):
    loop = StubLoop(clock)
    train(loop, Plan(5, 2, shuffle=False, **ENDLESS))
    assert loop.orders == [None, None]


def test_only_the_rows_asked_for_are_visited(clock):
    loop = StubLoop(clock, n_rows=100)
    rows = np.array([3, 30, 31, 99, 50])
    train(loop, Plan(2, 2, **ENDLESS), rows=rows)
    for order in loop.orders:
        assert sorted(order) == sorted(rows)
    assert (loop.orders[0] != loop.orders[1]).any()


def test_training_stops_when_the_loss_no_longer_improves(clock):
    loop = StubLoop(clock, losses=[5.0, 4.0, 3.0, 2.999, 2.998, 2.997, 1.0])
    progress = train(loop, Plan(5, 100, tol=0.1, patience=2), warn=True)
    assert progress.losses == [5.0, 4.0, 3.0, 2.999, 2.998, 2.997]
    assert progress.best_loss == 2.997


def test_the_last_epoch_warns_that_training_has_not_converged(clock):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        train(StubLoop(clock), Plan(5, 3, **ENDLESS), warn=True)


def test_adaptive_rates_fall_where_training_would_stop(clock):
    loop = StubLoop(clock, losses=[1.0] * 9)
    plan = Plan(5, 9, learning_rate=0.5, schedule=AdaptiveSchedule(), tol=0.1, patience=2)
    progress = train(loop, plan)
    assert loop.rates == pytest.approx([0.5] * 4 + [0.1] * 3 + [0.02] * 2)
    assert progress.history["learning_rate"] == loop.rates


def test_the_best_scored_parameters_come_back(clock):
    loop = StubLoop(clock)
    scores = iter([0.1, 0.9, 0.3, 0.2, 0.2, 0.2])
    progress = train(
        loop,
        Plan(5, 100, tol=0.01, patience=2, watched="score"),
        n_parameters=1,
        measure=lambda parameters: {"validation_loss": parameters[0][0], "score": next(scores)},
    )
    assert progress.scores == [0.1, 0.9, 0.3, 0.2, 0.2]
    # The stub counts epochs in its state: the second one was best.
    np.testing.assert_array_equal(loop.state[0], [2.0, 2.0])
    assert progress.history["validation_loss"] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_later_run_goes_on_from_the_progress_of_the_one_before(clock):
    loop = StubLoop(clock, losses=[3.0, 2.0, 1.0])
    progress = Progress(0.1)
    random_state = np.random.RandomState(0)
    for _ in range(3):
        Epochs(loop, Plan(5, 1, **ENDLESS), progress, random_state).run(warn=False)
    assert progress.losses == [3.0, 2.0, 1.0]
    assert progress.epochs == 1
    assert progress.history["epoch"] == [1, 2, 3]
    assert (progress.steps, progress.rows_seen) == (6, 30)


class Watch:
    """A callback that notes everything, and whether it was entered and left."""

    def __init__(self, answer=None):
        self.moments, self.answer, self.state = [], answer, "new"

    def __enter__(self):
        self.state = "entered"

    def __call__(self, moment):
        self.moments.append(moment)
        return self.answer(moment) if self.answer else None

    def __exit__(self, *error):
        self.state = "left"


def test_callbacks_hear_of_every_call_and_epoch(clock):
    loop, watch = StubLoop(clock, n_rows=1000), Watch()
    train(loop, Plan(10, 2, **ENDLESS), callbacks=[watch])
    assert watch.state == "left"
    assert [each.epoch for each in watch.moments if each.epoch_ended] == [1, 2]
    assert [each.step for each in watch.moments] == [last for _, last in loop.calls]
    assert all(each.loss == 1.0 and each.steps == 100 for each in watch.moments)


def test_a_callback_stops_training_at_the_end_of_an_epoch(clock):
    loop = StubLoop(clock, n_rows=1000)
    stop, watch = Watch(lambda moment: moment.epoch == 2), Watch()
    progress = train(loop, Plan(10, 9, **ENDLESS), warn=True, callbacks=[stop, watch])
    assert progress.epochs == 2
    assert len(watch.moments) == len(stop.moments)


def test_ctrl_c_leaves_what_was_learned(clock):
    def press(moment):
        if moment.epoch == 3:
            raise KeyboardInterrupt

    loop, watch = StubLoop(clock, n_rows=1000), Watch(press)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        progress = train(loop, Plan(10, 9, **ENDLESS), callbacks=[watch])
    assert progress.epochs == 2
    assert progress.losses == [1.0, 1.0]
    assert progress.steps == loop.steps_done
    assert watch.state == "left"


def test_the_progress_bar_shows_epochs_and_can_be_used_again(clock, capsys):
    bar = ProgressBar()
    for _ in range(2):
        train(StubLoop(clock), Plan(5, 3, **ENDLESS), callbacks=[bar])
    assert "epoch 3/3" in capsys.readouterr().out
    assert vars(bar).keys() == vars(ProgressBar()).keys()  # nothing that cannot be pickled


def test_verbose_prints_the_lines_of_scikit_learn(clock, capsys):
    loop = StubLoop(clock, losses=[2.0, 1.0])
    plan = Plan(5, 9, tol=0.1, patience=1)
    train(loop, plan, verbose=True)
    assert capsys.readouterr().out.splitlines() == [
        "Iteration 1, loss = 2.00000000",
        "Iteration 2, loss = 1.00000000",
        "Iteration 3, loss = 1.00000000",
        "Iteration 4, loss = 1.00000000",
        "Training loss did not improve more than tol=0.100000 for 1 consecutive epochs. Stopping.",
    ]
