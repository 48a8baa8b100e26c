"""Weights of PyTorch predict here what they predict there; the forward pass is written out."""

from __future__ import annotations

import itertools
import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

import chainrule as cr
from tests.helpers.hostile_files import damaged_file

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Array = np.ndarray[Any, Any]
State = dict[str, Array]

ROWS, STEPS, FEATURES, UNITS = 7, 5, 3, 4
REFERENCE: dict[str, Any] = {"engine": "reference"}


def draws(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return (0.7 * np.random.default_rng(seed).normal(size=shape)).astype(dtype)


def dense_state(*sizes: int, names: Any = None, dtype: Any = np.float64) -> State:
    """Linear modules as an ``nn.Sequential`` with activations between them names them."""
    names = names or [str(2 * k) for k in range(len(sizes) - 1)]
    state: State = {}
    for k, name in enumerate(names):
        state[f"{name}.weight"] = draws(sizes[k + 1], sizes[k], seed=k, dtype=dtype)
        state[f"{name}.bias"] = draws(sizes[k + 1], seed=50 + k, dtype=dtype)
    return state


def recurrent_state(
    kind: str,
    outputs: int = 2,
    layers: int = 1,
    bidirectional: bool = False,
    bias: bool = True,
    dtype: Any = np.float64,
) -> State:
    wide = {"rnn": 1, "gru": 3, "lstm": 4}[kind] * UNITS
    width = UNITS * (2 if bidirectional else 1)
    state: State = {}
    seeds = itertools.count(100)
    for layer, suffix in itertools.product(range(layers), ("", "_reverse")[: 1 + bidirectional]):
        below = FEATURES if layer == 0 else width
        shapes = {"weight_ih": (wide, below), "weight_hh": (wide, UNITS)}
        if bias:
            shapes |= {"bias_ih": (wide,), "bias_hh": (wide,)}  # type: ignore[dict-item]
        for name, shape in shapes.items():
            state[f"{kind}.{name}_l{layer}{suffix}"] = draws(*shape, seed=next(seeds), dtype=dtype)
    return state | {
        "head.weight": draws(outputs, width, seed=1, dtype=dtype),
        "head.bias": draws(outputs, seed=2, dtype=dtype),
    }


# --- the forward pass, after PyTorch's documentation ------------------------------------------


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def forward(state: State, X: Array, activation: Callable[[Array], Array]) -> Array:
    names = [name.removesuffix(".weight") for name in state if name.endswith("weight")]
    for k, name in enumerate(names):
        X = X @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0.0)
        X = activation(X) if k < len(names) - 1 else X
    return X


def run(kind: str, x: Array, arrays: Callable[[str], Array]) -> Array:
    """The states of one layer in one direction, step by step: (steps, units)."""
    h = c = np.zeros(UNITS)
    states = []
    for row in x:
        given = arrays("weight_ih") @ row + arrays("bias_ih")
        own = arrays("weight_hh") @ h + arrays("bias_hh")
        if kind == "rnn":
            h = np.tanh(given + own)
        elif kind == "lstm":
            i, f, g, o = np.split(given + own, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r, z, n), (r_own, z_own, n_own) = np.split(given, 3), np.split(own, 3)
            n = np.tanh(n + sigmoid(r + r_own) * n_own)
            z = sigmoid(z + z_own)
            h = (1 - z) * n + z * h
        states.append(h)
    return np.array(states)


def unroll(state: State, kind: str, X: Array, pooling: str) -> Array:
    results = []
    for x in X:
        layer = 0
        while f"{kind}.weight_ih_l{layer}" in state:
            passes, ends = [], []
            for back in ("", "_reverse"):
                if f"{kind}.weight_ih_l{layer}{back}" not in state:
                    continue

                def arrays(name: str, layer: int = layer, back: str = back) -> Array:
                    return state.get(f"{kind}.{name}_l{layer}{back}", np.zeros(()))

                states = run(kind, x[::-1] if back else x, arrays)
                ends.append(states[-1])
                passes.append(states[::-1] if back else states)
            x, layer = np.concatenate(passes, axis=1), layer + 1
        pooled = {"last": np.concatenate(ends), "mean": x.mean(0), "max": x.max(0), "each": x}
        results.append(pooled[pooling] @ state["head.weight"].T + state["head.bias"])
    return np.array(results)


# --- multi-layer perceptrons ------------------------------------------------------------------

X = draws(ROWS, FEATURES, seed=9)
SEQUENCES = draws(ROWS, STEPS, FEATURES, seed=10)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_regressor(engine: str, dtype: Any, tolerance: float, tmp_path: Path) -> None:
    state = dense_state(FEATURES, 5, 4, 2, dtype=dtype)
    save_file(state, tmp_path / "net.safetensors")
    expected = forward(state, X.astype(dtype), np.tanh)
    for source in (state, tmp_path / "net.safetensors", str(tmp_path / "net.safetensors")):
        model = cr.from_torch(source, activation="tanh", engine=engine)
        assert isinstance(model, cr.MLPRegressor)
        assert model.hidden_layer_sizes == (5, 4)
        assert model.coefs_[0].dtype == dtype
        np.testing.assert_allclose(
            model.predict(X.astype(dtype)), expected, rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize(
    "name, function",
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("logistic", sigmoid),
        ("silu", lambda x: x * sigmoid(x)),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(x))),
        ("softplus", lambda x: np.log1p(np.exp(x))),
        ("identity", lambda x: x),
    ],
)
def test_activations_are_those_of_pytorch(name: str, function: Any) -> None:
    state = dense_state(FEATURES, 5, 1)
    model = cr.from_torch(state, activation=name, **REFERENCE)
    expected = forward(state, X, function)[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12, atol=1e-12)


def test_classes_keep_their_outputs() -> None:
    state = dense_state(FEATURES, 5, 3)
    classes = ["pear", "apple", "fig"]
    model = cr.from_torch(state, activation="tanh", classes=classes, **REFERENCE)
    expected = softmax(forward(state, X, np.tanh))
    assert model.classes_.tolist() == ["apple", "fig", "pear"]
    np.testing.assert_allclose(model.predict_proba(X), expected[:, [1, 2, 0]], rtol=1e-12)
    assert model.predict(X).tolist() == [classes[k] for k in expected.argmax(axis=1)]


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"], [1, 0], [False, True]])
@pytest.mark.parametrize("outputs", [1, 2])
def test_two_classes_with_one_output_or_two(outputs: int, classes: list[Any]) -> None:
    state = dense_state(FEATURES, 5, outputs)
    model = cr.from_torch(state, activation="tanh", classes=classes, **REFERENCE)
    raw = forward(state, X, np.tanh)
    both = softmax(raw) if outputs == 2 else np.hstack([1 - sigmoid(raw), sigmoid(raw)])
    for k, label in enumerate(classes):
        found = model.predict_proba(X)[:, model.classes_.tolist().index(label)]
        np.testing.assert_allclose(found, both[:, k], rtol=1e-11)
    assert model.predict(X).tolist() == [classes[k] for k in both.argmax(axis=1)]


def test_several_labels() -> None:
    state = dense_state(FEATURES, 5, 3)
    model = cr.from_torch(state, activation="tanh", multilabel=True, **REFERENCE)
    expected = sigmoid(forward(state, X, np.tanh))
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-12)
    assert model.predict(X).tolist() == (expected > 0.5).astype(int).tolist()


def test_a_loss_may_bring_its_activation() -> None:
    state = dense_state(FEATURES, 1)
    model = cr.from_torch(state, loss="poisson", **REFERENCE)
    expected = np.exp(forward(state, X, np.tanh))[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)


def test_layers_without_biases() -> None:
    state = dense_state(FEATURES, 5, 2)
    del state["0.bias"]
    model = cr.from_torch(state, activation="tanh", **REFERENCE)
    np.testing.assert_allclose(model.predict(X), forward(state, X, np.tanh), rtol=1e-12)


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    state = dense_state(FEATURES, 5, 1, dtype=np.float16)
    save_file(state, tmp_path / "half.safetensors")
    model = cr.from_torch(tmp_path / "half.safetensors", activation="tanh", **REFERENCE)
    assert model.coefs_[0].dtype == np.float32
    assert (model.coefs_[0] == state["0.weight"].T).all()


# --- the order of layers ----------------------------------------------------------------------


def shuffled(state: State) -> State:
    names = sorted(state, key=lambda name: name[::-1])
    return {name: state[name] for name in names}


@pytest.mark.parametrize(
    "names, sizes",
    [
        (["0", "2", "10"], (FEATURES, 4, 4, 1)),
        (["fc1", "fc2", "fc10"], (FEATURES, 4, 4, 1)),
        (["encode", "decode", "answer"], (FEATURES, 4, 5, 1)),
        (["body.0", "body.2", "body.10", "a_head"], (FEATURES, 4, 4, 4, 1)),
    ],
)
def test_the_order_follows_from_numbers_and_shapes(names: list[str], sizes: tuple[int]) -> None:
    state = dense_state(*sizes, names=names)
    model = cr.from_torch(shuffled(state), activation="tanh", **REFERENCE)
    expected = forward(state, X, np.tanh)[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)


def test_an_order_in_doubt_is_asked_for() -> None:
    state = dense_state(FEATURES, 4, 4, 4, 1, names=["enter", "north", "east", "leave"])
    with pytest.raises(cr.FileError, match=r"more than one order of .* layers=\[...\], of 'east'"):
        cr.from_torch(state, activation="tanh")
    expected = forward(state, X, np.tanh)[:, 0]
    for options in ({"layers": ["enter", "north", "east", "leave"]}, {}):
        source = state if options else OrderedDict(state)  # a state_dict in memory has an order
        model = cr.from_torch(source, activation="tanh", **options, **REFERENCE)
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)


def test_many_layers_in_doubt_are_given_up_soon() -> None:
    names = ["".join(letters) for letters in itertools.product("abcdef", repeat=2)]
    state = dense_state(*[4] * (len(names) + 1), names=names)
    state["aa.weight"] = draws(5, 9)
    state["aa.bias"] = draws(5)
    with pytest.raises(cr.FileError, match="order of the Linear modules"):
        cr.from_torch(state, activation="tanh")


@pytest.mark.parametrize("layers", [["0"], ["0", "2", "2"], ["0", "1"], []])
def test_the_order_names_each_layer_once(layers: list[str]) -> None:
    with pytest.raises(cr.FileError, match=r"each of the Linear modules once: '0', '2'\."):
        cr.from_torch(dense_state(FEATURES, 4, 1), activation="tanh", layers=layers)


# --- recurrent networks -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers, bidirectional", [(1, False), (2, True)])
@pytest.mark.parametrize("output", ["last", "mean", "max", "each"])
def test_recurrent_regressors(kind: str, layers: int, bidirectional: bool, output: str) -> None:
    state = recurrent_state(kind, 2, layers, bidirectional)
    model = cr.from_torch(state, output=output, **REFERENCE)
    assert type(model).__name__ == f"{kind.upper()}Regressor"
    expected = unroll(state, kind, SEQUENCES, output)
    np.testing.assert_allclose(model.predict(SEQUENCES), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_recurrent_classifiers_from_a_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    state = recurrent_state(kind, 3, 2, dtype=np.float32)
    save_file(state, path)
    model = cr.from_torch(path, classes=["b", "c", "a"])
    expected = softmax(unroll(load_file(path), kind, SEQUENCES.astype(np.float32), "last"))
    found = model.predict_proba(SEQUENCES.astype(np.float32))
    np.testing.assert_allclose(found, expected[:, [2, 0, 1]], rtol=1e-5)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_recurrent_layers_without_biases(kind: str) -> None:
    state = recurrent_state(kind, bias=False)
    model = cr.from_torch(state, **REFERENCE)
    expected = unroll(state, kind, SEQUENCES, "last")
    np.testing.assert_allclose(model.predict(SEQUENCES), expected, rtol=1e-12)


# --- afterwards -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "rnn", "gru"])
def test_what_came_over_is_saved_and_learns_on(kind: str, tmp_path: Path) -> None:
    if kind == "mlp":
        state, rows = dense_state(FEATURES, 4, 1), X
    else:
        state, rows = recurrent_state(kind, 1), SEQUENCES
    target = draws(ROWS, seed=4)
    options = {"activation": "tanh"} if kind == "mlp" else {}
    model = cr.from_torch(state, solver="sgd", **options, **REFERENCE)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    before = np.mean((model.predict(rows) - target) ** 2)
    for _ in range(20):
        model.partial_fit(rows, target)
    assert np.mean((model.predict(rows) - target) ** 2) < 0.9 * before
    assert model.n_iter_ == 1
    assert len(model.loss_curve_) == 20


# --- refusals ---------------------------------------------------------------------------------


def without(state: State, *names: str) -> State:
    return {name: array for name, array in state.items() if name not in names}


LSTM = recurrent_state("lstm", layers=2, bidirectional=True)
MLP = dense_state(FEATURES, 4, 2)

FAULTS: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "no tensor"),
    "another object": (3, "but got int"),
    "no file": ("/nowhere/net.safetensors", "cannot be read: No such file"),
    "text": ({"0.weight": np.array(["a"])}, r"'0\.weight' is of <U1"),
    "objects": ({"0.weight": [[1], [2, 3]]}, r"'0\.weight' cannot be read"),
    "whole numbers": ({"0.weight": np.ones((2, 2), int)}, r"'0\.weight' is of int64"),
    "NaN": ({**MLP, "2.bias": np.full(2, np.nan)}, r"'2\.bias' holds NaN"),
    "no weights": (without(MLP, "2.weight"), r"'2\.weight' is missing"),
    "a bias of another size": ({**MLP, "2.bias": draws(3)}, r"'2\.bias' is of shape \(3,\)"),
    "layers that do not fit": ({**MLP, "2.weight": draws(2, 5)}, r"no order of .*\(2, 5\)"),
    "a layer without units": (
        {"0.weight": np.ones((0, 3)), "0.bias": np.ones(0)},
        r"'0\.weight' of shape \(0, 3\) is empty",
    ),
    "a convolution": ({"0.weight": draws(2, 3, 3)}, r"'0\.weight' of shape \(2, 3, 3\) is unexp"),
    "a normalisation": ({**MLP, "1.weight": draws(4)}, r"'1\.weight' of shape \(4,\) is unexp"),
    "means": ({**MLP, "1.running_mean": draws(4)}, r"'1\.running_mean' of shape"),
    "counts": (
        {**MLP, "1.num_batches_tracked": np.array(3)},
        r"'1\.num_batches_tracked'.* batch normalisation",
    ),
    "no top": (without(LSTM, "head.weight", "head.bias"), r"'head\.weight', for one.*\(outputs, 8"),
    "two tops": (
        {**LSTM, "more.weight": draws(2, 2), "more.bias": draws(2)},
        "one Linear layer, but there are 2: 'head', 'more'",
    ),
    "a top of another width": ({**LSTM, "head.weight": draws(2, 4)}, r"no order.*the 8 outputs"),
    "two modules": ({**LSTM, "gru.weight_ih_l0": draws(2, 2)}, "'lstm' and 'gru'"),
    "no input weights": (without(LSTM, "lstm.weight_ih_l1"), r"'lstm\.weight_ih_l1' is missing"),
    "no recurrent weights": (
        without(LSTM, "lstm.weight_hh_l0_reverse"),
        r"'lstm\.weight_hh_l0_reverse' is missing",
    ),
    "no bias": (without(LSTM, "lstm.bias_hh_l1"), r"'lstm\.bias_hh_l1' is missing"),
    "a layer left out": (
        {**without(LSTM), "lstm.weight_ih_l999999": draws(2, 2)},
        r"'lstm\.weight_ih_l2' is missing",
    ),
    "recurrent weights of another shape": (
        {**LSTM, "lstm.weight_hh_l0": draws(8, 4)},
        r"'lstm\.weight_hh_l0' is of shape \(8, 4\)",
    ),
    "input weights of another shape": (
        {**LSTM, "lstm.weight_ih_l1_reverse": draws(16, 4)},
        r"'lstm\.weight_ih_l1_reverse' is of shape \(16, 4\), but \(16, 8\)",
    ),
    "a projection": ({**LSTM, "lstm.weight_hr_l0": draws(2, 4)}, r"'lstm\.weight_hr_l0' is unexp"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_tensor_at_fault_is_named(name: str) -> None:
    source, message = FAULTS[name]
    with pytest.raises(cr.FileError, match=message) as caught:
        cr.from_torch(source, activation=None if source is LSTM else "tanh", **REFERENCE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"PK\x03\x04archive/data.pkl", "is a pickle of PyTorch"),
        (b"", "not a safetensors file"),
        (b"\x80\x02}q\x00.", "not a safetensors file"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(cr.FileError, match=message):
        cr.from_torch(path, activation="tanh")


def test_damage_to_a_file_is_refused_or_harmless(tmp_path: Path) -> None:
    path, whole = tmp_path / "net.safetensors", save(recurrent_state("gru", 1))
    messages = []
    for seed in range(300):
        path.write_bytes(damaged_file(whole, seed))
        try:
            model = cr.from_torch(path, classes=[0, 1], **REFERENCE)
        except cr.FileError as error:
            messages.append(str(error))
        else:
            model.predict(SEQUENCES)
    assert 100 < len(messages) < 300
    assert all(len(each.splitlines()) == 1 for each in messages)


@pytest.mark.parametrize("shape", [[1] * 70, [0, 2**62, 2**62]])
def test_shapes_that_no_array_has_are_refused(shape: list[int], tmp_path: Path) -> None:
    length = 0 if 0 in shape else 4
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, length]}
    text = json.dumps({"0.weight": entry}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(length))
    with pytest.raises(cr.FileError, match=r"'0\.weight' cannot be read|is damaged"):
        cr.from_torch(path)


@pytest.mark.parametrize(
    "state, options, message",
    [
        (MLP, {}, "does not tell the activation"),
        (MLP, {"activation": "swish"}, "There is no 'swish'"),
        (LSTM, {"activation": "relu"}, "LSTM layers have activations of their own"),
        (
            MLP,
            {"activation": "tanh", "hidden_layer_sizes": 3},
            "hidden_layer_sizes cannot be given",
        ),
        (MLP, {"activation": "tanh", "depth": 3}, "unexpected keyword argument 'depth'"),
        (MLP, {"activation": "tanh", "alpha": -1}, "'alpha' parameter"),
        (MLP, {"activation": "tanh", "classes": [0, 1, 2]}, "has 3 labels, but .* 2 outputs"),
        (MLP, {"activation": "tanh", "classes": [1, 1]}, "two or more different labels"),
        (MLP, {"activation": "tanh", "classes": [[0, 1]]}, "two or more different labels"),
        (MLP, {"activation": "tanh", "classes": "ab"}, "two or more different labels"),
    ],
)
def test_what_does_not_go_with_the_network_is_named(
    state: State, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cr.from_torch(state, **options)


# --- PyTorch itself ---------------------------------------------------------------------------


class _Recurrent:
    """A module with a recurrent layer and a head, as users write it."""

    def __init__(self, torch: Any, kind: str, double: bool, bidirectional: bool) -> None:
        torch.manual_seed(0)
        layer = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind]
        self.torch = torch
        self.module = torch.nn.ModuleDict(
            {
                "body": layer(FEATURES, 16, 2, batch_first=True, bidirectional=bidirectional),
                "head": torch.nn.Linear(32 if bidirectional else 16, 3),
            }
        )
        if double:
            self.module.double()
        self.bidirectional = bidirectional

    def __call__(self, x: Array) -> Array:
        with self.torch.no_grad():
            _, end = self.module["body"](self.torch.from_numpy(x))
            end = end[0] if isinstance(end, tuple) else end
            last = self.torch.cat([end[-2], end[-1]], 1) if self.bidirectional else end[-1]
            return self.module["head"](last).softmax(1).numpy()


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_predicts_as_pytorchs_recurrent_networks(
    kind: str, double: bool, bidirectional: bool, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    write = pytest.importorskip("safetensors.torch").save_file
    network = _Recurrent(torch, kind, double, bidirectional)
    write(network.module.state_dict(), tmp_path / "net.safetensors")
    x = draws(40, 12, FEATURES, dtype=np.float64 if double else np.float32)
    tolerance = 1e-12 if double else 1e-5
    for source in (tmp_path / "net.safetensors", network.module.state_dict()):
        model = cr.from_torch(source, classes=[0, 1, 2], **REFERENCE)
        np.testing.assert_allclose(model.predict_proba(x), network(x), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", ["float64", "float32", "bfloat16"])
def test_predicts_as_pytorchs_layers(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    write = pytest.importorskip("safetensors.torch").save_file
    torch.manual_seed(0)
    linear, gelu = torch.nn.Linear, torch.nn.GELU
    network = torch.nn.Sequential(linear(3, 64), gelu(), linear(64, 64), gelu(), linear(64, 4))
    network = network.to(getattr(torch, kind))
    write(network.state_dict(), tmp_path / "net.safetensors")
    wide = network.float() if kind == "bfloat16" else network
    x = draws(50, 3, dtype=np.float64 if kind == "float64" else np.float32)
    with torch.no_grad():
        expected = wide(torch.from_numpy(x)).numpy()
    tolerance = 1e-12 if kind == "float64" else 1e-5
    network = network.to(getattr(torch, kind))
    for source in (tmp_path / "net.safetensors", network.state_dict()):
        model = cr.from_torch(source, activation="gelu", **REFERENCE)
        np.testing.assert_allclose(model.predict(x), expected, rtol=0, atol=tolerance)
