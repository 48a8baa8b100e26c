"""Learning rates: those of scikit-learn's optimizers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from chainrule.training.schedules import Schedule


@pytest.mark.parametrize("kind", ["constant", "invscaling", "adaptive"])
def test_rates_are_scikit_learns(kind):
    schedule = Schedule(kind, initial=0.3, power_t=0.4)
    peer = SGDOptimizer([np.zeros(1)], 0.3, kind, power_t=0.4)
    rate = 0.3
    for epoch in range(1, 60):
        rate = schedule.after_epoch(rate, rows_seen=150 * epoch)
        peer.iteration_ends(150 * epoch)
        assert rate == peer.learning_rate
        if epoch % 5 == 0:
            lower = schedule.without_progress(rate)
            assert (lower is None) == peer.trigger_stopping("", verbose=False)
            rate = rate if lower is None else lower
            assert rate == peer.learning_rate


def test_adaptive_gives_up_when_the_rate_is_tiny():
    schedule = Schedule("adaptive")
    assert schedule.without_progress(5e-6) == pytest.approx(1e-6)
    assert schedule.without_progress(1e-6) is None
