"""Model files as damage, or somebody who means harm, would make them."""

from __future__ import annotations

import copy
import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

import chainrule as cr
from chainrule.datasets.features import Feature
from chainrule.datasets.targets import Target

_DRAW = np.random.default_rng(0)
_X = _DRAW.uniform(0.1, 0.9, size=(40, 3))
_SEQUENCES = _DRAW.normal(size=(12, 4, 2))
_NAMES = np.array(["no", "yes", "maybe"])[np.arange(40) % 3]
_QUICK = {"max_iter": 2, "random_state": 0}
_NETWORK: dict[str, Any] = {**_QUICK, "engine": "reference"}


def small_models() -> dict[str, Any]:
    """A fitted model of each kind; most run on the engine that needs no compiling."""
    shape: dict[str, Any] = {"hidden_size": 2, **_NETWORK}
    code: dict[str, Any] = {"n_components": 2, "encoder_sizes": (3,), "alpha": 0.1, **_NETWORK}
    labels = (_X > 0.5).astype(int)
    models = [
        cr.MLPClassifier((2, 3), **_NETWORK).fit(_X, _NAMES),
        cr.MLPClassifier(2, loss="hinge", **_NETWORK).fit(_X, labels[:, 0]),
        cr.MLPClassifier((), class_weight="balanced", **_NETWORK).fit(_X, labels),
        cr.MLPRegressor("huber", 2, early_stopping=True, **_NETWORK).fit(_X.astype("f4"), _X[:, 0]),
        cr.MLPRegressor("quantile", 2, quantile=[0.2, 0.8], **_NETWORK).fit(_X, _X[:, 0]),
        cr.LinearRegression(engine="reference").fit(_X, _X[:, 0]),
        cr.LinearRegression("random_search", n_trials=3, record_path=True, random_state=0).fit(
            _X, _X[:, :2]
        ),
        cr.LogisticRegression(**_NETWORK).fit(_X, _NAMES),
        cr.Perceptron(**_NETWORK).fit(_X, _NAMES),
        cr.Adaline(**_NETWORK).fit(_X, labels[:, 0]),
        cr.RBFClassifier(4, **_NETWORK).fit(_X, _NAMES),
        cr.RBFRegressor(4, **_NETWORK).fit(_X, _X[:, 0]),
        cr.RNNClassifier(**shape).fit(_SEQUENCES, _NAMES[:12]),
        cr.RNNRegressor(**shape, output="each").fit(_SEQUENCES, _SEQUENCES[:, :, 0]),
        cr.LSTMClassifier(**shape, bidirectional=True).fit(_SEQUENCES, labels[:12, 0]),
        cr.LSTMRegressor(**shape).fit(_SEQUENCES[:, :, 0]),
        cr.GRUClassifier(**shape, num_layers=2).fit(_SEQUENCES[:, :, 0], labels[:12, 0]),
        cr.GRURegressor(**shape, reset_after=False).fit(_SEQUENCES, _SEQUENCES[:, 0]),
        cr.Autoencoder(**code, tied_weights=True).fit(_X),
        cr.DenoisingAutoencoder(**code).fit(_X),
        cr.SparseAutoencoder(**code).fit(_X),
        cr.VariationalAutoencoder(**code).fit(_X),
        cr.Autoencoder(**code, tied_weights=True, normalization="batch").fit(_X),
        cr.MLPClassifier(2, normalization="batch", **_NETWORK).fit(_X, _NAMES),
        cr.NetworkClassifier(
            [cr.Dense(2), cr.Residual([cr.BatchNorm(), cr.Dense(2, "tanh")]), cr.Dropout(0.1)],
            learning_rate=cr.CosineSchedule(warmup=1),
            **_NETWORK,
        ).fit(_X, _NAMES),
        cr.NetworkRegressor([cr.LayerNorm(), cr.Dense(3, "relu")], **_NETWORK).fit(_X, _X[:, 0]),
    ]
    named = {f"{k} {type(each).__name__}": each for k, each in enumerate(models)}
    features = (
        Feature("a", "number"),
        Feature("b", "category", categories=("left", "right")),
    )
    line = cr.LinearRegression(engine="reference").fit(_X, _X[:, 0])
    named["of a table"] = cr.TableModel(line, features, Target("y", "regression"))
    return named


def use(model: Any) -> None:
    """Predict, and whatever else a model offers that needs no targets."""
    if isinstance(model, cr.TableModel):
        use(model.estimator)
        return
    X = np.full((2, model.n_features_in_), 0.5)
    if hasattr(model, "_is_table"):
        model.predict(X if model._is_table else np.full((2, 3, model.n_features_in_), 0.5))
        return
    model.predict(X)
    if hasattr(model, "predict_quantiles"):
        model.predict_quantiles(X)
    if hasattr(model, "transform"):
        model.inverse_transform(model.transform(X))


# --- damage -------------------------------------------------------------------------------

Change = Callable[[random.Random, bytes], bytes]


def _flip_bits(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    # Half of them in the header, where they tell.
    end = len(data) if draw.random() < 0.5 else 8 + _header_length(data)
    for _ in range(draw.choice([1, 1, 2, 5])):
        changed[draw.randrange(end)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))]


def _stretch(draw: random.Random, data: bytes) -> bytes:
    place = draw.choice([len(data), 8, draw.randrange(len(data))])
    return data[:place] + draw.randbytes(draw.choice([1, 8, 100])) + data[place:]


def _lie_about_the_header(draw: random.Random, data: bytes) -> bytes:
    true = _header_length(data)
    lie = draw.choice([0, 1, true - 1, true + 1, len(data), 2**31, 2**40, 2**63, 2**64 - 1])
    return struct.pack("<Q", lie) + data[8:]


def _header_length(data: bytes) -> int:
    return int(struct.unpack("<Q", data[:8])[0])


def _change_header(draw: random.Random, data: bytes) -> bytes:
    """Types, shapes and places of tensors that are not those of the bytes."""
    length = _header_length(data)
    header = json.loads(data[8 : 8 + length])
    tensors = [each for name, each in header.items() if name != "__metadata__"]
    if tensors:
        entry = draw.choice(tensors)
        match draw.randrange(4):
            case 0:
                entry["dtype"] = draw.choice(["BF16", "F8_E4M3", "F16", "C64", "I32", "X", 3])
            case 1:
                entry["shape"] = draw.choice(
                    [[], [0], [-1], [2**62, 4], [2**63, 0], [1] * 70, [1e3], "4", None]
                )
            case 2:
                entry["data_offsets"] = draw.choice([[0, 0], [0, 2**60], [8, 0], [-8, 0], [0]])
            case 3:
                header["another"] = entry
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    2**31,
    2**70,
    10**400,
    0.0,
    0.5,
    -1e300,
    1e-320,
    "",
    "x",
    "a" * 1000,
    "native",
    [],
    [[]],
    [1, 2],
    ["a", "b"],
    {},
    {"float": "nan"},
    {"float": "-inf"},
    {"tuple": []},
    {"tuple": [3, 3]},
    {"tuple": [2**40]},
    {"dict": []},
    {"dict": [["a", 1]]},
    {"text": [], "as": "U"},
    {"text": ["a", "b"], "as": "O"},
    {"tensor": "classes_"},
    {"tensor": "coefs_.0"},
    {"tensor": "weights_.W1"},
    {"tensor": "absent"},
    {"function": "print"},
]


def _change_description(draw: random.Random, data: bytes) -> bytes:
    """An entry, anywhere in the description, that is another, is gone, or is there twice."""
    description, tensors = parts(data)
    for _ in range(draw.choice([1, 1, 1, 2])):
        holder, key = draw.choice(list(places(description)))
        match draw.randrange(6):
            case 0:
                del holder[key]
            case 1:
                other, place = draw.choice(list(places(description)))
                holder[key] = copy.deepcopy(other[place])
            case 2 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2:
                holder[f"{key}2"] = holder[key]
            case _:
                holder[key] = copy.deepcopy(draw.choice(VALUES))
    return whole(description, tensors)


def _change_tensor(draw: random.Random, data: bytes) -> bytes:
    description, tensors = parts(data)
    if tensors:
        name = draw.choice(list(tensors))
        array = tensors[name]
        match draw.randrange(8):
            case 0:
                array = array.astype(draw.choice(["f2", "f4", "f8", "i8", "u1", "?"]))
            case 1:
                array = np.full_like(array, np.nan if array.dtype.kind == "f" else 255)
            case 2:
                array = array[..., :0]
            case 3:
                array = array[np.newaxis]
            case 4:
                array = array.ravel()
            case 5:
                array = np.concatenate([array, array])
            case 6:
                array = array.T[::-1]
            case 7:
                array = tensors[draw.choice(list(tensors))]
        tensors[name] = np.array(array, order="C")
    return whole(description, tensors)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each list or dictionary in a value, with each of its keys."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], (list, dict)):
            yield from places(value[key])


def parts(data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    length = _header_length(data)
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    return json.loads(metadata["chainrule"]), load(data)


def whole(description: Any, tensors: dict[str, np.ndarray]) -> bytes:
    return save(tensors, {"chainrule": json.dumps(description)})


OF_ANY_FILE: tuple[Change, ...] = (
    _flip_bits,
    _cut,
    _stretch,
    _lie_about_the_header,
    _change_header,
)
CHANGES: tuple[Change, ...] = (
    *OF_ANY_FILE,
    _change_description,
    _change_description,
    _change_description,
    _change_tensor,
    _change_tensor,
)


def damaged(data: bytes, seed: int) -> bytes:
    """A model file, changed in one of the ways above, drawn by the seed."""
    draw = random.Random(seed)
    return draw.choice(CHANGES)(draw, data)


def damaged_file(data: bytes, seed: int) -> bytes:
    """The same for a safetensors file that is no model of ours."""
    draw = random.Random(seed)
    return draw.choice(OF_ANY_FILE)(draw, data)


def outcome(path: Path) -> str:
    """What becomes of a file: "refused" or "predicts"; any other error is not caught."""
    try:
        model = cr.load(path)
    except cr.FileError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, message
        assert len(message) < 600 + 2 * len(str(path)), message
        return "refused"
    use(model)
    return "predicts"
