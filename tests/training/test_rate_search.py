"""The rise of the learning rate: what each step is given, what is kept, and what ends it."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.engines.base import RunReport, TrainingLoop, TrainingStep
from chainrule.graph.node import variable
from chainrule.training.rate_search import LearningRates, RisingRates, SearchEndedError


class StubLoop(TrainingLoop):
    """Stands for an engine: gives the losses that it is told to, and changes its state."""

    def __init__(self, losses):
        x, w, rate = variable("x", ("rows", 1)), variable("w", (2,)), variable("learning_rate")
        step = TrainingStep((x,), (w,), (w,), (rate,), rate)
        super().__init__(step, [np.zeros((12, 1))], [np.zeros(2)], {"learning_rate": 0.0}, seed=0)
        self.losses, self.seen = iter(losses), []

    def _run(self, order, batch_size, first, last, loss_sum):
        assert last == first + 1
        loss = next(self.losses)
        self.seen.append((first, self.settings["learning_rate"], self.steps_done))
        if not np.isfinite(loss):
            return RunReport(failed_step=first)
        self.state[0] += 1.0
        self.steps_done += 1
        return RunReport(steps=1, rows=batch_size, loss_sum=loss * batch_size)


def rising(losses, n_rates=100):
    loop = StubLoop(losses)
    return loop, RisingRates(loop, np.geomspace(1e-6, 1.0, n_rates))


def run_to_the_end(loop):
    with pytest.raises(SearchEndedError):
        run_epochs(loop)
    return loop.found()


def run_epochs(loop):
    while True:
        loop.run(None, 4, 0, 3)


def curve(rates, best=1e-2, low=0.1):
    """A loss that falls from 1 to ``low`` at the best rate, and explodes at ten times of it."""
    return np.where(rates > 10 * best, 1e3, low + (1 - low) / (1 + (30 * rates / best) ** 2))


def test_each_step_has_the_next_rate():
    loop, search = rising([1.0] * 25, n_rates=25)
    found = run_to_the_end(search)
    first, rates, done = zip(*loop.seen, strict=True)
    assert list(first) == [0, 1, 2] * 8 + [0]
    np.testing.assert_array_equal(rates, np.geomspace(1e-6, 1.0, 25))
    assert list(done) == list(range(25))
    np.testing.assert_array_equal(found.rates, rates)
    np.testing.assert_array_equal(found.losses, 1.0)
    assert not found.diverged


def test_the_state_ends_as_it_began():
    loop, search = rising([1.0] * 100)
    run_to_the_end(search)
    assert not loop.state[0].any()


@pytest.mark.parametrize("sudden", [np.nan, np.inf, 50.0])
def test_a_loss_that_explodes_ends_it(sudden):
    _, search = rising([*np.linspace(2.0, 1.0, 40), *[sudden] * 60])
    found = run_to_the_end(search)
    assert found.diverged
    assert 40 <= len(found.losses) <= 42


def test_a_loss_that_is_not_finite_before_any_step_is_reported():
    _, search = rising([np.nan])
    assert search.run(None, 4, 0, 3).failed_step == 0


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("best", [1e-4, 1e-2, 1e-1])
def test_the_suggestion_lies_where_the_loss_falls(best, noise):
    rates = np.geomspace(1e-7, 10.0, 150)
    draws = np.random.default_rng(0).normal(size=150)
    losses = iter(curve(rates, best) * np.exp(noise * draws))
    search = RisingRates(StubLoop(losses), rates)
    found = run_to_the_end(search)
    assert found.diverged
    assert best / 50 < found.suggestion < best


@pytest.mark.parametrize("shift", [0.0, -5.0])
def test_losses_may_be_negative(shift):
    rates = np.geomspace(1e-6, 1.0, 100)
    losses = curve(rates, low=-1.0) + shift
    found = run_to_the_end(RisingRates(StubLoop(iter(losses)), rates))
    assert found.diverged
    assert 1e-4 < found.suggestion < 1e-2


def test_noise_alone_does_not_end_it():
    draws = np.random.default_rng(0).normal(size=100)
    _, search = rising(1.0 + 0.1 * draws)
    assert not run_to_the_end(search).diverged


def test_it_says_what_it_found():
    rates = np.geomspace(1e-6, 1.0, 100)
    text = repr(LearningRates(rates, np.minimum(curve(rates), 2.0), False))
    assert "suggested; the loss is lowest at" in text
    assert "rises nowhere" in text


def test_it_can_be_drawn():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    rates = np.geomspace(1e-6, 1.0, 100)
    found = LearningRates(rates, curve(rates), True)
    ax = found.plot()
    ax.figure.canvas.draw()
    assert ax.get_xscale() == "log"
    assert f"{found.suggestion:.2g}" in ax.get_legend().get_texts()[-1].get_text()
    matplotlib.pyplot.close("all")
