"""Centres and widths of bumps, and probabilities of what they give."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.training.centres import (
    draw_centres,
    gamma_of_centres,
    gamma_of_scale,
    usual_number,
)
from chainrule.training.simplex import nearest_probabilities

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("rows", "number"), [(3, 3), (10, 10), (99, 10), (500, 50), (9999, 300)])
def test_the_usual_number_of_centres(rows, number):
    assert usual_number(rows) == number


def test_k_means_finds_heaps():
    heaps = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    rows = np.repeat(heaps, 30, axis=0) + 0.1 * RANDOM.normal(size=(90, 2))
    centres = draw_centres(rows, 3, "kmeans", np.random.RandomState(0), None)
    apart = np.linalg.norm(heaps[:, np.newaxis] - centres, axis=2)
    assert (apart.min(axis=1) < 0.1).all()


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_widths_have_the_unit_of_the_data(unit):
    centres = RANDOM.normal(size=(20, 3))
    assert gamma_of_centres(unit * centres) == pytest.approx(gamma_of_centres(centres) / unit**2)
    assert gamma_of_scale(unit * centres) == pytest.approx(gamma_of_scale(centres) / unit**2)


def test_centres_that_are_all_alike_say_nothing_of_a_width():
    assert gamma_of_centres(np.ones((1, 2))) is None
    assert gamma_of_centres(np.ones((4, 2))) is None
    assert gamma_of_scale(np.ones((4, 2))) == 1.0


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_nearest_probabilities_are_nearer_than_any_others(n_classes):
    outputs = RANDOM.normal(0.3, 1.0, (50, n_classes))
    found = nearest_probabilities(outputs)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_array_equal(found.argmax(axis=1), outputs.argmax(axis=1))
    np.testing.assert_allclose(nearest_probabilities(found), found, atol=1e-15)
    distance = np.linalg.norm(found - outputs, axis=1)
    for _ in range(200):
        others = RANDOM.dirichlet(np.full(n_classes, 0.5), size=50)
        assert (np.linalg.norm(others - outputs, axis=1) >= distance - 1e-12).all()
