"""Whatever is in a file, it is refused in one line, or it is a model that predicts.

There is no crash, no other exception, no code that runs, no hang, and no memory beyond a small
multiple of the file's size.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.estimators.loading import ESTIMATORS
from tests.helpers import hostile_files as hostile

# Weights that damage has made huge may overflow: such a model is of no use, but does no harm.
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(name="files", scope="module")
def the_bytes_of_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("models") / "model"
    files = {}
    for name, model in hostile.small_models().items():
        model.save(path)
        assert hostile.outcome(path) == "predicts"
        files[name] = path.read_bytes()
    return files


def test_models_of_every_estimator_are_damaged(files: dict[str, bytes]) -> None:
    assert {name.split()[-1] for name in files} == {*ESTIMATORS, "table"}


def test_damage_is_refused_or_harmless(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "model"
    found = []
    for number, (name, whole) in enumerate(files.items()):
        for seed in range(1000 * number, 1000 * number + 60):
            path.write_bytes(hostile.damaged(whole, seed))
            try:
                found.append(hostile.outcome(path))
            except Exception as error:
                pytest.fail(f"{name}, seed {seed}: {type(error).__name__}: {error}")
    # Both happen; else nothing would have been tried.
    assert found.count("refused") > 500
    assert found.count("predicts") > 50


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["float", "tensor", "text", "as", "tuple", "dict", "function", "x"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150)
@given(data=st.data())
def test_any_json_in_the_description_is_refused_or_harmless(
    data: st.DataObject, files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    description, tensors = hostile.parts(files[data.draw(st.sampled_from(sorted(files)))])
    places = list(hostile.places(description))
    holder, key = places[data.draw(st.integers(0, len(places) - 1))]
    holder[key] = data.draw(JSON)
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(hostile.whole(description, tensors))
    hostile.outcome(path)


@settings(max_examples=100)
@given(content=st.binary(max_size=200), header=JSON)
def test_any_bytes_are_refused(
    content: bytes, header: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.safetensors"
    text = json.dumps({"__metadata__": {"chainrule": json.dumps(header)}}).encode()
    for data in (content, len(text).to_bytes(8, "little") + text + content):
        path.write_bytes(data)
        assert hostile.outcome(path) == "refused"


# --- what a small file may ask for --------------------------------------------------------


def learned(description: Any, name: str) -> dict[str, Any]:
    """The entries of a learned dictionary, to be changed."""
    return {pair[0]: pair for pair in description["model"]["learned"][name]["dict"]}


def field(name: str, key: str, value: Any) -> Callable[[Any, Any], None]:
    def change(description: Any, tensors: Any) -> None:
        learned(description, name)[key][1] = value

    return change


def parameter(name: str, value: Any) -> Callable[[Any, Any], None]:
    def change(description: Any, tensors: Any) -> None:
        description["model"]["parameters"][name] = value

    return change


def one_long_text(description: Any, tensors: Any) -> None:
    names = {"text": ["a" * 100_000, *["b"] * 100_000], "as": "U"}
    description["model"]["learned"]["feature_names_in_"] = names


def one_tensor_many_times(description: Any, tensors: Any) -> None:
    tensors["coefs_.0"] = np.ones(100_000)
    for name in ("coefs_", "intercepts_"):
        description["model"]["learned"][name] = [{"tensor": "coefs_.0"}] * 1000


def thousands_of_layers(description: Any, tensors: Any) -> None:
    layers = range(2000)
    tensors |= {f"W{k}": np.eye(3) for k in layers} | {f"b{k}": np.ones(3) for k in layers}
    for name, letter in (("coefs_", "W"), ("intercepts_", "b")):
        description["model"]["learned"][name] = [{"tensor": f"{letter}{k}"} for k in layers]


def deep(description: Any, tensors: Any) -> None:
    value: Any = []
    for _ in range(400):
        value = [value]
    description["model"]["parameters"]["class_weight"] = value


GREEDY: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "layers of time": ("LSTMClassifier", field("_described", "num_layers", 10**9)),
    "units": ("LSTMClassifier", field("_described", "hidden_size", 2**30)),
    "features": ("GRURegressor", field("_described", "n_features", 2**30)),
    "layers of a code": ("Autoencoder", field("_layout", "encoder_sizes", {"tuple": [1] * 50_000})),
    "units of a code": ("Autoencoder", field("_layout", "encoder_sizes", {"tuple": [2**30]})),
    "lists": ("MLPClassifier", parameter("hidden_layer_sizes", [[] for _ in range(200_000)])),
    "dictionaries": ("MLPClassifier", parameter("hidden_layer_sizes", [{}] * 200_000)),
    "one long text": ("MLPClassifier", one_long_text),
    "one tensor many times": ("MLPClassifier", one_tensor_many_times),
    "thousands of layers": ("MLPClassifier", thousands_of_layers),
    "deep nesting": ("MLPClassifier", deep),
}

MODEST = """
import resource, signal, sys, time, warnings
from pathlib import Path
import chainrule as cr
from tests.helpers import hostile_files as hostile

def size_of_process():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
for path in sorted(folder.glob("sound*")):
    assert hostile.outcome(path) == "predicts"
for path in sorted(folder.glob("greedy*")):
    signal.alarm(60)
    most = size_of_process() + 60 * path.stat().st_size + 64 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    print(path.name[7:], hostile.outcome(path), sep=": ")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits and tells memory so")
def test_no_small_file_takes_much_memory_or_time(files: dict[str, bytes], tmp_path: Path) -> None:
    by_kind: dict[str, bytes] = {}
    for name, data in files.items():
        by_kind.setdefault(name.split()[-1], data)
    for name, (kind, change) in GREEDY.items():
        (tmp_path / f"sound {kind}").write_bytes(by_kind[kind])
        description, tensors = hostile.parts(by_kind[kind])
        change(description, tensors)
        (tmp_path / f"greedy {name}").write_bytes(hostile.whole(description, tensors))
    run = subprocess.run(
        [sys.executable, "-c", MODEST, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    outcomes = dict(line.split(": ") for line in run.stdout.splitlines())
    harmless = {"lists", "thousands of layers"}
    assert outcomes == {
        name: "predicts" if name in harmless else "refused" for name in sorted(GREEDY)
    }


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files on Windows")
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "pipe"])
def test_reading_never_waits(path: str, tmp_path: Path) -> None:
    if path == "pipe":
        import os

        path = str(tmp_path / path)
        os.mkfifo(path)
    with pytest.raises(cr.FileError, match="a device or a pipe"):
        cr.load(path)


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "F8_E5M2", "C64"])
def test_types_of_numbers_that_no_model_has_are_named(
    kind: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    entry = {"dtype": kind, "shape": [0], "data_offsets": [0, 0]}
    header = {"__metadata__": {"chainrule": "{}"}, "coefs_.0": entry}
    text = json.dumps(header).encode()
    path = tmp_path / "model"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(cr.FileError, match=f"'coefs_.0' is of the type {kind}, which no model has"):
        cr.load(path)
