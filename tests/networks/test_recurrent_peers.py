"""States equal those of ONNX Runtime's operators, and gradients those of PyTorch and of JAX.

Each peer has its own order of gates and its own biases; the translations are here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from chainrule.networks import cells
from tests.helpers.recurrent_networks import (
    CELLS,
    FEATURES,
    LENGTHS,
    MASK,
    UNITS,
    Array,
    Case,
    make_case,
)

SHAPES = [(1, False), (2, False), (1, True), (2, True)]
each_shape = pytest.mark.parametrize("layers, bidirectional", SHAPES)
each_cell = pytest.mark.parametrize("cell", CELLS)

TOLERANCE = 1e-5


def gates_in_order(values: Array, cell: str, order: str) -> Array:
    """The gates of W, U or b, side by side, in the order of a peer."""
    ours = cells.CELLS[cell].gates
    blocks = dict(zip(ours, np.split(values, len(ours), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in order], axis=-1)


# --- ONNX Runtime ------------------------------------------------------------------------

ONNX_GATES = {"lstm": "iofg", "gru": "zrn", "gru_reset_before": "zrn"}


def by_onnxruntime(case: Case, lengths: Array | None) -> Array:
    """The top layer's states, (time, rows, units), zeros after the ends of sequences."""
    states = np.swapaxes(case.inputs[case.network.X], 0, 1)
    for layer in range(1, case.network.num_layers + 1):
        by_direction = _onnx_layer(case, layer, states, lengths)  # (time, direction, rows, units)
        states = np.concatenate(list(np.moveaxis(by_direction, 1, 0)), axis=2)
    return states


def _onnx_layer(case: Case, layer: int, states: Array, lengths: Array | None) -> Array:
    cell, network = case.network.cell, case.network
    directions = [False, True] if network.bidirectional else [False]
    order = ONNX_GATES.get(cell, "h")
    W, R, B = [], [], []
    for backward in directions:
        Wk, Uk, bk, own = (case.part(name, layer, backward) for name in ("W", "U", "b", "b_n"))
        W.append(gates_in_order(Wk, cell, order).T)
        R.append(gates_in_order(Uk, cell, order).T)
        recurrent = np.zeros_like(bk)
        if own is not None:
            recurrent[-UNITS:] = own
        B.append(np.concatenate([gates_in_order(bk, cell, order), recurrent]))
    options: dict[str, Any] = {"hidden_size": UNITS}
    options["direction"] = "bidirectional" if network.bidirectional else "forward"
    if cell.startswith("rnn"):
        options["activations"] = [cell.removeprefix("rnn_").capitalize()] * len(directions)
    if cell.startswith("gru"):
        options["linear_before_reset"] = int(cell == "gru")
    feeds = {"X": states, "W": np.stack(W), "R": np.stack(R), "B": np.stack(B)}
    feeds = {name: value.astype(np.float32) for name, value in feeds.items()}
    names = [*feeds]
    if lengths is not None:
        feeds["lengths"] = lengths.astype(np.int32)
        names.append("lengths")
    operator = cell.split("_")[0].upper()
    node = helper.make_node(operator, names, ["Y"], **options)
    inputs = [
        helper.make_tensor_value_info(
            name, TensorProto.INT32 if name == "lengths" else TensorProto.FLOAT, value.shape
        )
        for name, value in feeds.items()
    ]
    output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None] * 4)
    graph = helper.make_graph([node], "layer", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["Y"], feeds)[0])


@each_cell
@each_shape
@pytest.mark.parametrize("masked", [False, True])
def test_states_are_those_of_onnxruntime(
    cell: str, layers: int, bidirectional: bool, masked: bool
) -> None:
    case = make_case(cell, layers, bidirectional, masked)
    expected = by_onnxruntime(case, LENGTHS if masked else None)
    counted = MASK.T[:, :, np.newaxis] if masked else 1.0
    np.testing.assert_allclose(case.states() * counted, expected, TOLERANCE, TOLERANCE)


def test_swapped_z_and_1_minus_z_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = cells.gated_recurrent_unit

    def swapped(r: Any, z: Any, new_state: Any, h: Any, suffix: str = "") -> Any:
        return right(r, -z, new_state, h, suffix)  # σ(-z) = 1 - σ(z)

    monkeypatch.setattr(cells, "gated_recurrent_unit", swapped)
    case = make_case("gru")
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(case.states(), by_onnxruntime(case, None), TOLERANCE, TOLERANCE)


# --- PyTorch -----------------------------------------------------------------------------

TORCH_GATES = {"lstm": "ifgo", "gru": "rzn"}


def by_torch(case: Case) -> dict[str, Array]:
    """The gradients of Σ shares·states."""
    torch = pytest.importorskip("torch")
    cell, network = case.network.cell, case.network
    kind = getattr(torch.nn, cell.split("_")[0].upper())
    options = {"nonlinearity": cell.removeprefix("rnn_")} if cell.startswith("rnn") else {}
    module = kind(
        FEATURES,
        UNITS,
        network.num_layers,
        batch_first=True,
        bidirectional=network.bidirectional,
        dtype=torch.float64,
        **options,
    )
    order = TORCH_GATES.get(cell, "h")
    theirs = dict(module.named_parameters())
    places = []
    for layer in range(1, network.num_layers + 1):
        for backward in [False, True] if network.bidirectional else [False]:
            suffix = f"_l{layer - 1}" + "_reverse" * backward
            W, U, b, own = (case.part(name, layer, backward) for name in ("W", "U", "b", "b_n"))
            recurrent = np.zeros_like(b)
            if own is not None:
                recurrent[-UNITS:] = own
            for name, value in (
                ("weight_ih", gates_in_order(W, cell, order).T),
                ("weight_hh", gates_in_order(U, cell, order).T),
                ("bias_ih", gates_in_order(b, cell, order)),
                ("bias_hh", recurrent),
            ):
                with torch.no_grad():
                    theirs[name + suffix].copy_(torch.from_numpy(value.copy()))
            places.append((f"{layer}" + "_back" * backward, suffix, own is not None))
    X = torch.from_numpy(case.inputs[network.X]).requires_grad_()
    (module(X)[0] * torch.from_numpy(case.shares)).sum().backward()
    gradients = {"X": X.grad.numpy()}
    for ours, suffix, has_own in places:
        for name, peer in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
            gradients[name + ours] = theirs[peer + suffix].grad.numpy().T
        if has_own:
            gradients[f"b{ours}_n"] = theirs["bias_hh" + suffix].grad.numpy()[-UNITS:]
    return gradients


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "gru_reset_before"])
@each_shape
def test_gradients_are_those_of_pytorch(cell: str, layers: int, bidirectional: bool) -> None:
    case = make_case(cell, layers, bidirectional)
    expected, order = by_torch(case), TORCH_GATES.get(cell, "h")
    slopes = case.gradients()
    assert slopes.keys() == expected.keys()
    for name, slope in slopes.items():
        whole = name != "X" and not name.endswith("_n")
        actual = gates_in_order(slope, cell, order) if whole else slope
        np.testing.assert_allclose(actual, expected[name], TOLERANCE, TOLERANCE, err_msg=name)


# --- JAX ---------------------------------------------------------------------------------


@pytest.fixture
def double_precision() -> Iterator[None]:
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def jax_cells() -> dict[str, Callable[..., Any]]:
    """The cells as their papers have them: (x, h, c, gate's W, gate's U, gate's b) → h, c."""
    import jax
    import jax.numpy as jnp

    sigmoid, tanh = jax.nn.sigmoid, jnp.tanh

    def sums(x: Any, h: Any, W: Any, U: Any, b: Any, gates: int) -> list[Any]:
        return [
            x @ Wg + h @ Ug + bg
            for Wg, Ug, bg in zip(*(jnp.split(each, gates, -1) for each in (W, U, b)), strict=True)
        ]

    def lstm(x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, own: Any) -> tuple[Any, Any]:
        i, f, o, g = sums(x, h, W, U, b, 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def gru(x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, own: Any) -> tuple[Any, Any]:
        r, z, _ = map(sigmoid, sums(x, h, W, U, b, 3))
        Wn, Un, bn = (jnp.split(each, 3, -1)[2] for each in (W, U, b))
        n = tanh(x @ Wn + bn + r * (h @ Un + own))
        return (1 - z) * n + z * h, c

    def gru_reset_before(
        x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, own: Any
    ) -> tuple[Any, Any]:
        r, z, _ = map(sigmoid, sums(x, h, W, U, b, 3))
        Wn, Un, bn = (jnp.split(each, 3, -1)[2] for each in (W, U, b))
        n = tanh(x @ Wn + bn + (r * h) @ Un)
        return (1 - z) * n + z * h, c

    def elman(activation: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda x, h, c, W, U, b, own: (activation(x @ W + h @ U + b), c)

    return {
        "rnn_tanh": elman(tanh),
        "rnn_relu": elman(jax.nn.relu),
        "lstm": lstm,
        "gru": gru,
        "gru_reset_before": gru_reset_before,
    }


@pytest.mark.usefixtures("double_precision")
@each_cell
def test_gradients_of_padded_sequences_are_those_of_jax_without_padding(cell: str) -> None:
    import jax
    import jax.numpy as jnp

    step = jax_cells()[cell]
    case = make_case(cell, layers=2, bidirectional=True, masked=True)

    def one_way(x: Any, weights: dict[str, Any], suffix: str) -> Any:
        h, c, states = jnp.zeros(UNITS), jnp.zeros(UNITS), []
        own = weights.get(f"b{suffix}_n")
        for t in range(len(x)):
            h, c = step(x[t], h, c, *(weights[f"{name}{suffix}"] for name in "WUb"), own)
            states.append(h)
        return jnp.stack(states)

    def loss(weights: dict[str, Any]) -> Any:
        total = 0.0
        for row, length in enumerate(LENGTHS):
            states = weights["X"][row, :length]
            for layer in "12":
                forward = one_way(states, weights, layer)
                backward = one_way(states[::-1], weights, f"{layer}_back")[::-1]
                states = jnp.concatenate([forward, backward], axis=1)
            total += jnp.sum(states * case.shares[row, :length])
        return total

    slopes = case.gradients()
    weights = {name: case.weights[name] for name in slopes.keys() - {"X"}}
    expected = jax.grad(loss)({**weights, "X": case.inputs[case.network.X]})
    assert slopes.keys() == expected.keys()
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, expected[name], TOLERANCE, TOLERANCE, err_msg=name)
