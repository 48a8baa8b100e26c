"""Gradient descent, and the curvature that says how long its steps may be."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.engines.reference import ReferenceEngine
from chainrule.graph.node import variable
from chainrule.networks.linear import LinearModel
from chainrule.training.curvature import hessian_product, largest_curvature
from chainrule.training.descent import descend
from chainrule.training.step import Objective


def linear_objective(n_features, n_targets=1, weighted=False):
    model = LinearModel(n_features, n_targets)
    weight = variable("sample_weight", ("rows",)) if weighted else None
    minibatch = (model.X, model.y) if weight is None else (model.X, model.y, weight)
    return Objective(model.row_losses, minibatch, model.parameters, weight)


def start_at_zero(n_features, n_targets=1):
    return [np.zeros((n_features, n_targets)), np.zeros(n_targets)]


@pytest.mark.parametrize("n_features, n_targets", [(1, 1), (4, 1), (4, 3), (40, 1)])
@pytest.mark.parametrize("weighted", [True, False])
def test_curvature_is_the_largest_eigenvalue_of_the_hessian(n_features, n_targets, weighted):
    random = np.random.default_rng(0)
    X, y = random.normal(1.0, 1.0, (60, n_features)), random.normal(size=(60, n_targets))
    weight = random.uniform(0, 2, 60)
    objective = linear_objective(n_features, n_targets, weighted)
    function = ReferenceEngine().compile(hessian_product(objective), "float64")
    data = [X, y, weight] if weighted else [X, y]
    share = weight if weighted else np.ones(60)
    found = largest_curvature(
        function, data, start_at_zero(n_features, n_targets), float(share.sum())
    )
    with_ones = np.column_stack([X, np.ones(60)])
    hessian = 2 * (with_ones.T * share) @ with_ones / share.sum()
    assert found == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=0.01)


def test_a_flat_loss_has_no_curvature():
    objective = linear_objective(2)
    objective = Objective(objective.row_losses, objective.minibatch, objective.parameters[:1])
    function = ReferenceEngine().compile(hessian_product(objective), "float64")
    assert (
        largest_curvature(function, [np.zeros((3, 2)), np.ones((3, 1))], [np.ones((2, 1))], 3) == 0
    )


def follow(X, y, n_steps, learning_rate):
    """The lecture's rule, by hand."""
    w, b = np.zeros((X.shape[1], 1)), np.zeros(1)
    path = [(w, b)]
    for _ in range(n_steps):
        error = X @ w + b - y
        w = w - learning_rate * 2 / len(X) * X.T @ error
        b = b - learning_rate * 2 * error.mean(axis=0)
        path.append((w, b))
    return path


def test_each_step_is_the_learning_rate_times_the_gradient():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(30, 3)), random.normal(size=(30, 1))
    with pytest.warns(UserWarning, match="has not settled after 20 iterations"):
        result = descend(
            linear_objective(3),
            [X, y],
            start_at_zero(3),
            ReferenceEngine(),
            learning_rate=0.05,
            batch_size=30,
            max_epochs=20,
            tol=0.0,
            random_state=np.random.RandomState(0),
            keep_path=True,
        )
    for found, expected in zip(result.path, follow(X, y, 20, 0.05), strict=True):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-12)
        np.testing.assert_allclose(found[1], expected[1], atol=1e-12)
