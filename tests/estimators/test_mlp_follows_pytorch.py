"""The page "From PyTorch or Keras" is right about what a parameter is called there."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

import chainrule as cr

torch = pytest.importorskip("torch")

X, Y = load_iris(return_X_y=True)
X = scale(X)
BATCH = 50


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "solver, optimizer, options",
    [
        ("sgd", "SGD", {"momentum": 0.9, "nesterov": True}),
        ("adagrad", "Adagrad", {"eps": 1e-8}),
        ("rmsprop", "RMSprop", {"alpha": 0.9, "eps": 1e-8}),
        # Adam's epsilon is added elsewhere: without any to speak of, the steps are the same.
        ("adam", "Adam", {"eps": 1e-300}),
    ],
)
def test_weights_follow_pytorchs(solver, optimizer, options):
    alpha, epsilon = 0.5, options.get("eps", 1e-8)
    model = cr.MLPClassifier(
        (6,), activation="tanh", solver=solver, alpha=alpha, learning_rate_init=0.01,
        batch_size=BATCH, shuffle=False, max_iter=10, random_state=0, epsilon=epsilon,
    )  # fmt: skip
    first = cr.MLPClassifier(
        (6,), activation="tanh", solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=0
    ).fit(X, Y)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)
    ).double()
    layers = net[0], net[2]
    with torch.no_grad():
        for layer, weights, biases in zip(layers, first.coefs_, first.intercepts_, strict=True):
            layer.weight.copy_(torch.from_numpy(weights.T.copy()))
            layer.bias.copy_(torch.from_numpy(biases))
    groups = [
        {"params": [layer.weight for layer in layers], "weight_decay": alpha / BATCH},
        {"params": [layer.bias for layer in layers]},
    ]
    steps = getattr(torch.optim, optimizer)(groups, lr=0.01, **options)
    for _ in range(10):
        for start in range(0, 150, BATCH):
            rows = slice(start, start + BATCH)
            steps.zero_grad()
            output = net(torch.from_numpy(X[rows]))
            torch.nn.functional.cross_entropy(output, torch.from_numpy(Y[rows])).backward()
            steps.step()
    model.fit(X, Y)
    for layer, weights, biases in zip(layers, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(weights, layer.weight.detach().numpy().T, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(biases, layer.bias.detach().numpy(), rtol=1e-7, atol=1e-9)
