"""Learning rates: scikit-learn's, PyTorch's, and what warm-up makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

import chainrule as cr
from chainrule.training.schedules import SCHEDULES

SCIKIT_LEARNS = {
    "constant": cr.ConstantSchedule(),
    "invscaling": cr.InverseScalingSchedule(power_t=0.4),
    "adaptive": cr.AdaptiveSchedule(),
}


@pytest.mark.parametrize("kind", SCIKIT_LEARNS)
def test_rates_are_scikit_learns(kind):
    schedule = SCIKIT_LEARNS[kind]
    peer = SGDOptimizer([np.zeros(1)], 0.3, kind, power_t=0.4)
    rate = 0.3
    for epoch in range(1, 60):
        rate = schedule.after_epoch(0.3, rate, epoch, rows_seen=150 * epoch)
        peer.iteration_ends(150 * epoch)
        assert rate == peer.learning_rate
        if epoch % 5 == 0:
            lower = schedule.without_progress(rate)
            assert (lower is None) == peer.trigger_stopping("", verbose=False)
            rate = rate if lower is None else lower
            assert rate == peer.learning_rate


def test_adaptive_gives_up_when_the_rate_is_tiny():
    schedule = cr.AdaptiveSchedule()
    assert schedule.without_progress(5e-6) == pytest.approx(1e-6)
    assert schedule.without_progress(1e-6) is None


def test_steps_follow_the_epochs():
    rates = cr.StepSchedule(every=3, gamma=0.5).rates(8, initial=0.8)
    np.testing.assert_allclose(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])


def test_the_cosine_is_half_of_one():
    time = np.arange(1, 11) / 10
    np.testing.assert_allclose(
        cr.CosineSchedule(final=0.1).rates(10), 0.1 + 0.45 * (1 + np.cos(math.pi * time))
    )


def test_the_cycle_goes_up_and_down_along_two_cosines():
    rates = cr.OneCycleSchedule(rising=0.3, first=0.1, final=0.01).rates(1000)
    assert rates.argmax() == 299
    assert rates.max() == pytest.approx(1.0)
    assert rates[149] == pytest.approx(0.55)  # in the middle of the rise
    assert rates[649] == pytest.approx(0.505)  # and of the fall
    assert rates[-1] == pytest.approx(0.01)
    assert (np.diff(rates[:300]) > 0).all()
    assert (np.diff(rates[299:]) < 0).all()


@pytest.mark.parametrize("name", SCHEDULES)
def test_warm_up_rises_by_the_same_amount_at_every_step_and_then_gets_out_of_the_way(name):
    kind = type(SCHEDULES[name])
    plain, warm = kind(), kind(warmup=4)
    shares = [warm.factor_at(time, 20) for time in (1, 2, 3, 4)]
    if name == "cosine":  # which begins after warm-up
        np.testing.assert_allclose(shares, [0.25, 0.5, 0.75, 1.0])
        assert warm.factor_at(12, 20) == pytest.approx(0.5)
    else:
        unwarmed = [plain.factor_at(time, 20) for time in (1, 2, 3, 4)]
        np.testing.assert_allclose(shares, np.multiply(unwarmed, [0.25, 0.5, 0.75, 1.0]))
        assert warm.factor_at(12, 20) == plain.factor_at(12, 20)


def test_warm_up_may_take_all_epochs():
    rates = cr.CosineSchedule(warmup=5).rates(5)
    np.testing.assert_allclose(rates[:4], [0.2, 0.4, 0.6, 0.8])
    assert np.isfinite(rates).all()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: cr.ConstantSchedule(warmup=-1), "warmup"),
        (lambda: cr.ConstantSchedule(warmup=math.inf), "warmup"),
        (lambda: cr.InverseScalingSchedule(power_t=-0.5), "power_t"),
        (lambda: cr.AdaptiveSchedule(divisor=1.0), "divisor"),
        (lambda: cr.AdaptiveSchedule(least=0.0), "least"),
        (lambda: cr.StepSchedule(every=0), "every"),
        (lambda: cr.StepSchedule(every=2.5), "every"),
        (lambda: cr.StepSchedule(gamma=0.0), "gamma"),
        (lambda: cr.CosineSchedule(final=2.0), "final"),
        (lambda: cr.OneCycleSchedule(rising=1.0), "rising"),
        (lambda: cr.OneCycleSchedule(first=-1.0), "first"),
        (lambda: cr.OneCycleSchedule(final=math.nan), "final"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=f"The '{name}' of .*Schedule must be"):
        make()
