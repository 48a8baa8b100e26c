"""``normalization`` of auto encoders: the numbers of PyTorch, and everything else still works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.helpers.hostile_files import parts, whole

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 5))
NAMES = ("scales_", "shifts_", "running_means_", "running_variances_")
each_kind = pytest.mark.parametrize("kind", ["batch", "layer"])
each_encoder = pytest.mark.parametrize(
    "encoder",
    [cr.Autoencoder, cr.DenoisingAutoencoder, cr.SparseAutoencoder, cr.VariationalAutoencoder],
)


def model_of(encoder: Any, kind: str | None, **options: Any) -> Any:
    given = {"n_components": 2, "encoder_sizes": (7,), "activation": "tanh", "solver": "sgd"}
    given |= {
        "nesterovs_momentum": False,
        "alpha": 0.0,
        "learning_rate_init": 0.02,
        "engine": "reference",
    }
    given |= {"batch_size": 6, "shuffle": False, "max_iter": 12, "tol": 0.0}
    given |= {"n_iter_no_change": 1000, "random_state": 0, "normalization": kind}
    return encoder(**{**given, **options})


def assert_near(mine: Any, theirs: Any) -> None:
    np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("engine", ["native", "reference"])
@each_kind
def test_training_follows_the_trajectory_of_pytorch(kind: str, engine: str, tied: bool) -> None:
    torch = pytest.importorskip("torch")
    norm = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}[kind]
    first = model_of(
        cr.Autoencoder, kind, tied_weights=tied, learning_rate_init=1e-300, max_iter=1
    ).fit(X)
    learned = [torch.tensor(each.copy(), requires_grad=True) for each in first.coefs_]
    weights = [*learned[:2], learned[1].T, learned[0].T] if tied else learned
    biases = [torch.tensor(each.copy(), requires_grad=True) for each in first.intercepts_]
    norms = [norm(7, dtype=torch.float64) for _ in range(2)]
    descent = torch.optim.SGD(
        [*learned[: 2 if tied else 4], *biases, *(p for each in norms for p in each.parameters())],
        lr=0.02,
        momentum=0.9,
    )

    def restored(x: Any) -> Any:
        for k, norm_of in enumerate((norms[0], None, norms[1], None)):
            x = x @ weights[k] + biases[k]
            x = x if norm_of is None else torch.tanh(norm_of(x))
        return x

    losses = []
    for _ in range(12):
        total = 0.0
        for start in range(0, 23, 6):
            x = torch.from_numpy(X[start : start + 6])
            loss = 0.5 * ((restored(x) - x) ** 2).sum(1).mean()
            descent.zero_grad()
            loss.backward()
            descent.step()
            total += loss.item() * len(x)
        losses.append(total / 23)
    mine = model_of(cr.Autoencoder, kind, tied_weights=tied, engine=engine).fit(X)
    np.testing.assert_allclose(mine.loss_curve_, losses, rtol=1e-10)
    for k, each in enumerate(norms):
        each.eval()
        assert_near(mine.scales_[k], each.weight)
        assert_near(mine.shifts_[k], each.bias)
        if kind == "batch":
            assert_near(mine.running_means_[k], each.running_mean)
            assert_near(mine.running_variances_[k], each.running_var)
    assert_near(mine.reconstruct(X), restored(torch.from_numpy(X)))


@each_kind
@each_encoder
def test_each_learns_with_the_hidden_layers_normalised_and_nothing_else(
    encoder: Any, kind: str
) -> None:
    model = model_of(encoder, kind, encoder_sizes=(7, 6), dropout=0.1, engine="native").fit(X)
    sizes = [(7,), (6,), (6,), (7,)]
    for name in NAMES[: 4 if kind == "batch" else 2]:
        assert [each.shape for each in getattr(model, name)] == sizes
        first = float(name in ("scales_", "running_variances_"))
        assert all((each != first).any() for each in getattr(model, name)), name
    inside = X @ model.coefs_[0] + model.intercepts_[0]
    if kind == "batch":
        mean, variance = model.running_means_[0], model.running_variances_[0]
    else:
        mean, variance = inside.mean(1, keepdims=True), inside.var(1, keepdims=True)
    inside = (inside - mean) / np.sqrt(variance + 1e-5)
    by_hand = np.tanh(model.scales_[0] * inside + model.shifts_[0])
    np.testing.assert_allclose(model.hidden_activations(X, 0), by_hand, rtol=1e-12, atol=1e-14)
    inside = model.hidden_activations(X, 1) @ model.coefs_[2] + model.intercepts_[2]
    if encoder in (cr.DenoisingAutoencoder, cr.SparseAutoencoder):
        inside = 1 / (1 + np.exp(-inside))
    np.testing.assert_allclose(model.transform(X), inside[:, :2], rtol=1e-12, atol=1e-14)


@each_encoder
def test_without_it_there_are_no_more_attributes_than_there_were(encoder: Any) -> None:
    model = model_of(encoder, "batch", max_iter=2).fit(X)
    model.set_params(normalization=None).fit(X)
    assert not any(hasattr(model, name) for name in NAMES)
    model.set_params(normalization="layer").fit(X)
    assert [hasattr(model, name) for name in NAMES] == [True, True, False, False]
    # Without hidden layers there is nothing to normalise.
    model.set_params(normalization="batch", encoder_sizes=()).fit(X)
    assert not any(hasattr(model, name) for name in NAMES)


@each_kind
@each_encoder
def test_it_is_saved_and_loaded_and_training_goes_on(
    encoder: Any, kind: str, tmp_path: Path
) -> None:
    model = model_of(encoder, kind).fit(X)
    model.set_params(normalization=None)  # what it was trained with stays
    model.save(tmp_path / "model.safetensors", training_state=True)
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    for each in (model, again):
        each.set_params(normalization=kind).partial_fit(X)
    for mine, theirs in zip(again._parameters, model._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    again.set_params(warm_start=True).fit(X)


def test_files_whose_arrays_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = model_of(cr.Autoencoder, "batch", encoder_sizes=(7, 6), max_iter=2).fit(X)
    means = model.running_means_
    for wrong, message in (
        ([means[0][:3], *means[1:]], r"running_mean1 is of shape \(3,\), but \(7,\)"),
        (means[:2], "running_means_ is not a list of 4 arrays"),
    ):
        model.running_means_ = wrong
        model.save(path)
        with pytest.raises(cr.FileError, match=message):
            cr.load(path)
    del model.running_means_
    model.save(path)
    with pytest.raises(cr.FileError, match=r"for normalization='batch' it needs scales_, shifts_"):
        cr.load(path)


def test_a_file_of_before_there_was_any_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = model_of(cr.Autoencoder, None, max_iter=2).fit(X)
    model.save(path)
    description, tensors = parts(path.read_bytes())
    text = json.dumps(description)
    for known in (', ["normalization", null]', ', "normalization": null'):
        text = text.replace(known, "")
    assert "normalization" not in text
    path.write_bytes(whole(json.loads(text), tensors))
    np.testing.assert_array_equal(cr.load(path).transform(X), model.transform(X))


@each_kind
@each_encoder
def test_numbers_are_derived(encoder: Any, kind: str) -> None:
    model = model_of(encoder, kind, alpha=0.1).fit(X)
    for number in ("W1[0, 1]", "scale3[2]", "shift1[0]", "h1_norm[2]"):
        assert model.explain(X[4], number).chains[0].check.agrees, number
    assert "the scale of unit 2 of hidden layer 3" in str(model.explain(X[4], "scale3[2]"))


@each_kind
def test_the_update_of_a_derivation_is_the_step_that_follows(kind: str) -> None:
    model = model_of(cr.Autoencoder, kind, alpha=0.1, max_iter=3).fit(X)
    work = model.explain(X[4], parameter="scale3[2]")
    model.set_params(batch_size=1).partial_fit(X[4:5])
    assert work.to_dict()["update"]["after"] == pytest.approx(model.scales_[1][2], rel=1e-9)


@each_kind
@each_encoder
def test_it_is_exported(encoder: Any, kind: str) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = model_of(encoder, kind).fit(X)
    session = runtime.InferenceSession(model.to_onnx().SerializeToString())
    restored, code = session.run(["reconstruction", "code"], {"X": X})
    np.testing.assert_allclose(restored, model.reconstruct(X), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(code, model.transform(X), rtol=1e-5, atol=1e-7)


@each_encoder
def test_early_stopping_puts_back_the_running_moments_of_the_best_epoch(encoder: Any) -> None:
    options = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 60, "shuffle": True}
    model = model_of(encoder, "batch", learning_rate_init=0.3, **options).fit(X)
    best = int(np.argmax(model.validation_scores_))
    assert best + 1 < model.n_iter_
    unbroken = model_of(
        encoder, "batch", learning_rate_init=0.3, **{**options, "max_iter": best + 1}
    )
    for mine, theirs in zip(model._parameters, unbroken.fit(X)._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@each_encoder
def test_a_broken_fit_goes_on_from_its_checkpoint(encoder: Any, tmp_path: Path) -> None:
    def stop(moment: Any) -> None:
        if moment.epoch == 7 and moment.epoch_ended:
            raise ConnectionError

    unbroken = model_of(encoder, "batch").fit(X)
    broken = model_of(encoder, "batch", checkpoint=str(tmp_path), callbacks=[stop])
    with pytest.raises(ConnectionError):
        broken.fit(X)
    resumed = model_of(encoder, "batch", checkpoint=str(tmp_path)).fit(X)
    for mine, theirs in zip(resumed._parameters, unbroken._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


# The first noise of a variational one is measured on the first batch.
@pytest.mark.parametrize("encoder", [cr.Autoencoder, cr.DenoisingAutoencoder, cr.SparseAutoencoder])
def test_a_stream_gives_the_weights_of_fit(encoder: Any) -> None:
    whole_fit = model_of(encoder, "batch", max_iter=3).fit(X)
    stream = model_of(encoder, "batch", max_iter=3).fit_stream([X[:10], X[10:]])
    for mine, theirs in zip(stream._parameters, whole_fit._parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_row_of_weight_two_counts_as_two() -> None:
    weight = np.where(np.arange(23) % 3 == 0, 2.0, 1.0)
    one = model_of(cr.Autoencoder, "batch", batch_size=23).fit(X, sample_weight=weight)
    rows = np.repeat(X, weight.astype(int), axis=0)
    other = model_of(cr.Autoencoder, "batch", batch_size=len(rows)).fit(rows)
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-9)
    np.testing.assert_allclose(one.running_means_[1], other.running_means_[1], rtol=1e-9)


def test_penalties_count_weights_alone() -> None:
    model = model_of(cr.VariationalAutoencoder, "batch", alpha=1.0, weight_decay=0.1).fit(X)
    objective = model._objective(False)
    for nodes in (objective.penalised, objective.decayed):
        assert [node.name for node in nodes] == ["W1", "W2", "W3", "W4"]


def test_lbfgs_has_no_minibatches_to_normalise_over() -> None:
    with pytest.raises(ValueError, match=r"'lbfgs' does not have: .*normalization='layer'"):
        model_of(cr.Autoencoder, "batch", solver="lbfgs").fit(X)
    before = model_of(cr.Autoencoder, "layer", solver="lbfgs", max_iter=1).fit(X).loss_
    assert model_of(cr.Autoencoder, "layer", solver="lbfgs", max_iter=50).fit(X).loss_ < before


def test_training_does_not_go_on_with_another_normalization() -> None:
    model = model_of(cr.Autoencoder, "batch", warm_start=True).fit(X)
    with pytest.raises(ValueError, match="normalization='batch', but now normalization='layer'"):
        model.set_params(normalization="layer").fit(X)


def test_both_precisions_are_kept() -> None:
    for dtype in (np.float32, np.float64):
        model = model_of(cr.VariationalAutoencoder, "batch").fit(X.astype(dtype))
        assert {each.dtype for each in model._parameters} == {np.dtype(dtype)}
