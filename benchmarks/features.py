"""What each feature of training costs: the time of an epoch with it over the time without any."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.neural_network import MLPRegressor as TheirMLPRegressor

import chainrule as cr
from benchmarks import machine
from benchmarks.report import Table, progress

NETWORKS = {"20-64-64-1": (20, (64, 64), 20_000), "784-128-1": (784, (128,), 10_000)}
"""Features, hidden layers, rows."""

BATCH_SIZE, EPOCHS = 128, 5

PAUSE = 0.1
"""Seconds before each fit: idle threads of the one before may still spin."""

FEATURES: dict[str, dict[str, Any]] = {
    "none": {},
    "sample_weight": {},
    "l1_ratio=0.5": {"l1_ratio": 0.5},
    "weight_decay=0.01": {"weight_decay": 0.01},
    "clip_norm=1": {"clip_norm": 1.0},
    "accumulate_steps=4": {"accumulate_steps": 4},
    'learning_rate="one_cycle"': {"learning_rate": "one_cycle"},
    "dropout=0.2": {"dropout": 0.2},
    'normalization="layer"': {"normalization": "layer"},
    'normalization="batch"': {"normalization": "batch"},
    'loss="huber"': {"loss": "huber"},
    "quantile=[0.1, 0.5, 0.9]": {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
    "validation_data, a tenth": {},
    'scoring="r2" on them': {"scoring": "r2"},
    "callbacks=[...]": {"callbacks": [lambda moment: None]},
    "checkpoint, each epoch": {},
}

Fit = Callable[[], Any]


def data(n_features: int, n_rows: int) -> tuple[Any, Any, Any]:
    """Rows, targets and weights."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(n_rows, n_features)).astype(np.float32)
    y = np.tanh(X[:, 0]) + 0.1 * draw.normal(size=n_rows).astype(np.float32)
    return X, y, draw.uniform(0.5, 1.5, n_rows).astype(np.float32)


def fits(name: str, folder: Path) -> dict[str, Fit]:
    """A fit of the same epochs with each feature, and scikit-learn's without any."""
    n_features, hidden, n_rows = NETWORKS[name]
    X, y, weight = data(n_features, n_rows)
    held_out = (X[: n_rows // 10], y[: n_rows // 10])
    shared = {
        "hidden_layer_sizes": hidden,
        "batch_size": BATCH_SIZE,
        "max_iter": EPOCHS,
        "tol": 0.0,
        "n_iter_no_change": EPOCHS,
        "random_state": 0,
    }
    found: dict[str, Fit] = {}
    for feature, parameters in FEATURES.items():
        given: dict[str, Any] = {}
        if feature == "sample_weight":
            given["sample_weight"] = weight
        if "validation" in feature or "scoring" in feature:
            given["validation_data"] = held_out
        model = cr.MLPRegressor(**{**shared, **parameters})
        found[feature] = lambda model=model, given=given: model.fit(X, y, **given)
        if feature.startswith("checkpoint"):
            found[feature] = _into_fresh_folders(model, folder, X, y)
    theirs = TheirMLPRegressor(**shared)
    found["scikit-learn, none"] = lambda: theirs.fit(X, y)
    return found


def _into_fresh_folders(model: Any, folder: Path, X: Any, y: Any) -> Fit:
    """Each fit into a folder of its own: in one that is there, it would go on, or be done."""
    numbers = iter(range(1_000_000))

    def fit() -> Any:
        return model.set_params(checkpoint=str(folder / str(next(numbers)))).fit(X, y)

    return fit


def main(arguments: list[str]) -> int:
    """Train in turn with each feature, and print medians over those of a plain fit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks features", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # a few epochs are not enough for any of them
    about = machine.description()
    print(machine.summary(about))

    seconds: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            ready = fits(name, Path(folder) / name)
            times: dict[str, list[float]] = {feature: [] for feature in ready}
            for turn in range(options.rounds + 1):
                for feature, fit in ready.items():
                    progress(f"{name}, round {turn} of {options.rounds}, {feature}")
                    time.sleep(PAUSE)
                    start = time.perf_counter()
                    fit()
                    if turn > 0:  # the first one compiles
                        times[feature].append((time.perf_counter() - start) / EPOCHS)
            seconds[name] = times
    progress("")
    table = Table("feature", *(f"{name}, x plain" for name in NETWORKS))
    for feature in seconds[next(iter(NETWORKS))]:
        ratios = [median(times[feature]) / median(times["none"]) for times in seconds.values()]
        table.row(feature, *(f"{ratio:.2f}" for ratio in ratios))
    plain = ", ".join(
        f"{name} {1e3 * median(times['none']):.1f} ms" for name, times in seconds.items()
    )
    print(f"\nTime of an epoch with a feature over that of a plain one ({plain}):\n{table}")
    if options.json:
        document = {"machine": about, "seconds per epoch": seconds}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0
