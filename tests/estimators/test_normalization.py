"""``normalization`` of perceptrons: the numbers of PyTorch, and everything else still works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 5))
Y = np.sin(X @ RNG.normal(size=(5, 2)))
SIZES = (5, 7, 6, 2)
each_kind = pytest.mark.parametrize("kind", ["batch", "layer"])


def perceptron(kind: str | None, **options: Any) -> cr.MLPRegressor:
    given = {"activation": "tanh", "solver": "sgd", "nesterovs_momentum": False, "alpha": 0.0}
    given |= {"learning_rate_init": 0.05, "batch_size": 6, "shuffle": False, "max_iter": 12}
    given |= {"tol": 0.0, "n_iter_no_change": 1000, "random_state": 0}
    return cr.MLPRegressor(
        hidden_layer_sizes=SIZES[1:-1], normalization=kind, **{**given, **options}
    )


@pytest.mark.parametrize("engine", ["native", "reference"])
@each_kind
def test_training_follows_the_trajectory_of_pytorch(kind: str, engine: str) -> None:
    torch = pytest.importorskip("torch")
    norm = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}[kind]
    first = perceptron(kind, learning_rate_init=1e-300, max_iter=1).fit(X, Y)
    parts = []
    for k, (W, b) in enumerate(zip(first.coefs_, first.intercepts_, strict=True)):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        parts += [linear]
        if k < 2:
            parts += [norm(W.shape[1], dtype=torch.float64), torch.nn.Tanh()]
    theirs = torch.nn.Sequential(*parts)
    descent = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(12):
        total = 0.0
        for start in range(0, 23, 6):
            x, y = (torch.from_numpy(each[start : start + 6]) for each in (X, Y))
            loss = 0.5 * ((theirs(x) - y) ** 2).sum(1).mean()
            descent.zero_grad()
            loss.backward()
            descent.step()
            total += loss.item() * len(x)
        losses.append(total / 23 / 2)  # the loss reported is the mean over both outputs
    mine = perceptron(kind, engine=engine).fit(X, Y)
    np.testing.assert_allclose(mine.loss_curve_, losses, rtol=1e-10)
    for k in range(2):
        np.testing.assert_allclose(mine.scales_[k], parts[3 * k + 1].weight.detach(), rtol=1e-10)
        np.testing.assert_allclose(
            mine.shifts_[k], parts[3 * k + 1].bias.detach(), rtol=1e-9, atol=1e-12
        )
        if kind == "batch":
            module = parts[3 * k + 1]
            np.testing.assert_allclose(
                mine.running_means_[k], module.running_mean, rtol=1e-9, atol=1e-12
            )
            np.testing.assert_allclose(mine.running_variances_[k], module.running_var, rtol=1e-10)
    theirs.eval()
    np.testing.assert_allclose(
        mine.predict(X), theirs(torch.from_numpy(X)).detach().numpy(), rtol=1e-9, atol=1e-12
    )


@each_kind
def test_it_is_the_list_of_layers_that_says_the_same(kind: str) -> None:
    norm = cr.BatchNorm() if kind == "batch" else cr.LayerNorm()
    layers: list[Any] = []
    for size in SIZES[1:-1]:
        layers += [cr.Dense(size), norm, cr.Activation("tanh"), cr.Dropout(0.2)]
    mine = perceptron(kind, dropout=0.2, n_threads=1)
    options = {
        name: value
        for name, value in mine.get_params().items()
        if name not in ("hidden_layer_sizes", "activation", "dropout", "normalization")
    }
    network = cr.NetworkRegressor(layers, **options).fit(X, Y)
    mine.fit(X, Y)
    np.testing.assert_array_equal(network.weights_["scale2"], mine.scales_[1])
    np.testing.assert_array_equal(network.predict(X), mine.predict(X))


def test_without_it_there_are_no_more_attributes_than_there_were() -> None:
    model = perceptron("batch").fit(X, Y)
    model.set_params(normalization=None).fit(X, Y)
    names = ("scales_", "shifts_", "running_means_", "running_variances_")
    assert not any(hasattr(model, name) for name in names)
    layer = model.set_params(normalization="layer").fit(X, Y)
    assert [hasattr(layer, name) for name in names] == [True, True, False, False]
    assert [each.shape for each in layer.scales_] == [(7,), (6,)]


@each_kind
def test_it_is_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    model = perceptron(kind).fit(X, Y)
    model.set_params(normalization=None)  # what it was trained with stays
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.set_params(normalization=kind, warm_start=True).fit(X, Y)


def test_a_file_whose_arrays_do_not_fit_is_refused(tmp_path: Path) -> None:
    model = perceptron("batch").fit(X, Y)
    model.running_means_ = model.running_means_[:1]
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(cr.FileError, match=r"running_mean2 is of shape \(7,\), but \(6,\)"):
        cr.load(tmp_path / "model.safetensors")


@each_kind
def test_numbers_are_derived_and_the_update_is_the_step_that_follows(kind: str) -> None:
    model = perceptron(kind, alpha=0.1, max_iter=3).fit(X, Y)
    work = model.explain(X[4], Y[4], parameter="scale1[2]")
    assert work.chains[0].check.agrees
    assert model.explain(X[4], Y[4], parameter="h1_norm[2]").chains[0].check.agrees
    model.set_params(batch_size=1).partial_fit(X[4:5], Y[4:5])
    assert work.to_dict()["update"]["after"] == pytest.approx(model.scales_[0][2], rel=1e-9)


@each_kind
def test_saturation_is_measured_after_the_normalisation(kind: str) -> None:
    model = perceptron(kind).fit(X, Y)
    assert model.diagnose(X, Y).examination.layers[0].saturated < 0.5
    for scales in model.scales_:
        scales[:] = 1e3
    assert model.diagnose(X, Y).examination.layers[0].saturated > 0.9


@each_kind
def test_what_is_more_than_matrices_is_not_written_as_matrices(kind: str) -> None:
    model = perceptron(kind).fit(X, Y)
    for write in (model.matrix_form, model.collapse):
        with pytest.raises(cr.FormulaError, match=f"normalization='{kind}'.*use explain"):
            write(X)


def test_lbfgs_has_no_minibatches_to_normalise_over() -> None:
    with pytest.raises(ValueError, match=r"'lbfgs' does not have: .*normalization='layer'"):
        perceptron("batch", solver="lbfgs").fit(X, Y)
    assert perceptron("layer", solver="lbfgs", max_iter=50).fit(X, Y).score(X, Y) > 0.9


def test_training_does_not_go_on_with_another_normalization() -> None:
    model = perceptron("batch", warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="normalization='batch', but now 'layer'"):
        model.set_params(normalization="layer").fit(X, Y)


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'normalization' parameter .* 'group'"):
        perceptron("group").fit(X, Y)


@each_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_are_learned_in_both_precisions(kind: str, dtype: Any) -> None:
    rows, labels = X.astype(dtype), np.array(["no", "yes"])[(Y[:, 0] > 0).astype(int)]
    model = cr.MLPClassifier((20,), normalization=kind, learning_rate_init=0.05, random_state=0)
    assert model.fit(rows, labels).score(rows, labels) == 1.0
    assert {each.dtype for each in model._parameters} == {np.dtype(dtype)}
