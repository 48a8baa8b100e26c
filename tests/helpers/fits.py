"""Fits to break off and to compare: with all that training may have to go on from."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import chainrule as cr

IRIS_X, IRIS_Y = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(DIABETES[0])
VALUES = (DIABETES[1] - DIABETES[1].mean()) / DIABETES[1].std()
DRAWN = np.random.default_rng(0)
SEQUENCES = [DRAWN.normal(size=(length, 2)) for length in DRAWN.integers(2, 30, size=80)]
SIGNS = np.array([int(each[0, 0] > 0) for each in SEQUENCES])
SERIES = DRAWN.normal(size=(3, 40, 1)).cumsum(axis=1)

QUICK = {"max_iter": 7, "random_state": 0, "batch_size": 16}

FITS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "adam": (cr.MLPClassifier((6,), **QUICK), (IRIS_X, IRIS_Y), {}),
    "rows held out": (
        cr.MLPClassifier((6,), early_stopping=True, solver="sgd", momentum=0.5, **QUICK),
        (IRIS_X, IRIS_Y),
        {},
    ),
    "rows of the user's own, and scorers": (
        cr.MLPClassifier((6,), early_stopping=True, scoring=["neg_log_loss", "accuracy"], **QUICK),
        (IRIS_X[::2], IRIS_Y[::2]),
        {"validation_data": (IRIS_X[1::2], IRIS_Y[1::2])},
    ),
    "best weights long ago": (
        cr.MLPClassifier((6,), early_stopping=True, learning_rate_init=0.5, **QUICK),
        (IRIS_X, IRIS_Y),
        {},
    ),
    "dropout in single precision": (
        cr.MLPRegressor(hidden_layer_sizes=(8,), dropout=0.3, solver="adagrad", **QUICK),
        (X.astype(np.float32), VALUES),
        {},
    ),
    "the reference engine": (
        cr.MLPRegressor(hidden_layer_sizes=(5,), dropout=0.3, engine="reference", **QUICK),
        (X[:64], VALUES[:64]),
        {},
    ),
    "every rule of a step": (
        cr.MLPRegressor(
            hidden_layer_sizes=(8,),
            solver="adamw",
            learning_rate=cr.CosineSchedule(warmup=1.5),
            clip_norm=0.5,
            accumulate_steps=3,
            l1_ratio=0.4,
            weight_decay=0.01,
            **QUICK,
        ),
        (X, VALUES),
        {},
    ),
    "a rate that adapts": (
        cr.MLPRegressor(
            hidden_layer_sizes=(4,),
            solver="sgd",
            learning_rate="adaptive",
            tol=0.1,
            n_iter_no_change=1,
            **QUICK,
        ),
        (X, VALUES),
        {},
    ),
    "a rate that falls with the rows seen": (
        cr.MLPRegressor(hidden_layer_sizes=(4,), solver="sgd", learning_rate="invscaling", **QUICK),
        (X, VALUES),
        {},
    ),
    "rows in their order, with weights": (
        cr.MLPClassifier((6,), solver="rmsprop", shuffle=False, class_weight={0: 2.0}, **QUICK),
        (IRIS_X, IRIS_Y, np.linspace(0, 1, len(IRIS_X))),
        {},
    ),
    "sparse rows": (
        cr.MLPRegressor(hidden_layer_sizes=(4,), early_stopping=True, **QUICK),
        (sparse.random_array((300, 5000), density=0.01, format="csr", rng=0), VALUES[:300]),
        {},
    ),
    "layers of the user's own, with batch normalisation": (
        cr.NetworkClassifier(
            [cr.Dense(8, "relu"), cr.BatchNorm(), cr.Dropout(0.2), cr.LayerNorm()],
            early_stopping=True,
            **QUICK,
        ),
        (IRIS_X, IRIS_Y),
        {},
    ),
    "quantiles": (
        cr.MLPRegressor("quantile", (4,), quantile=(0.1, 0.9), **QUICK),
        (X, VALUES),
        {},
    ),
    "logistic regression": (cr.LogisticRegression(solver="adam", **QUICK), (IRIS_X, IRIS_Y), {}),
    "bumps": (
        cr.RBFRegressor(8, fine_tune=True, solver="adam", early_stopping=True, **QUICK),
        (X, VALUES),
        {},
    ),
    "sequences in buckets": (
        cr.LSTMClassifier(4, early_stopping=True, dropout=0.2, num_layers=2, **QUICK),
        (SEQUENCES, SIGNS),
        {},
    ),
    "series cut into windows": (cr.GRURegressor(4, truncation=6, **QUICK), (SERIES,), {}),
    "codes that are drawn": (
        cr.VariationalAutoencoder(2, (6,), early_stopping=True, **QUICK),
        (X,),
        {},
    ),
    "inputs with noise": (cr.DenoisingAutoencoder(2, (6,), **QUICK), (X,), {}),
    "running means": (cr.SparseAutoencoder(5, accumulate_steps=2, **QUICK), (X,), {}),
}


def quietly(model: Any, *data: Any, method: str = "fit", **options: Any) -> Any:
    """Train for as many epochs as asked for, whether or not they suffice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return getattr(model, method)(*data, **options)


def outcome(model: Any, *data: Any) -> dict[str, Any]:
    """All that a fit has brought, as arrays and plain values."""
    history = {name: column for name, column in model.history_.items() if name != "seconds"}
    progress = model._progress
    found: dict[str, Any] = {
        "history": history,
        "memory": model._memory,
        "parameters": list(model._parameters),
        "best": progress.best_parameters,
        "counts": (progress.steps, progress.rows_seen, progress.epochs_without_progress),
        "draws": model._random_state.get_state()[1:3],
    }
    for name in ("loss_", "loss_curve_", "n_iter_", "t_", "validation_scores_", "best_loss_"):
        found[name] = getattr(model, name)
    used = model.predict if hasattr(model, "predict") else model.transform
    found["predictions"] = used(data[0]) if data else None
    return found


def assert_same(one: Any, other: Any, name: str = "") -> None:
    """Whether two outcomes have the same bits."""
    assert type(one) is type(other), name
    if isinstance(one, dict):
        assert list(one) == list(other), name
        for key in one:
            assert_same(one[key], other[key], f"{name} {key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), name
        for k, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{name} {k}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, name
        assert one.shape == other.shape, name
        assert one.tobytes() == other.tobytes() or one.dtype == object, name
    else:
        assert one == other or (one != one and other != other), name
