"""Recurrent estimators: what they learn, how they read sequences, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

CLASSIFIERS = (cr.RNNClassifier, cr.LSTMClassifier, cr.GRUClassifier)
REGRESSORS = (cr.RNNRegressor, cr.LSTMRegressor, cr.GRURegressor)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1"),
]


def first_step_task(n: int = 120, steps: int = 8, seed: int = 0) -> tuple[Any, Any]:
    """The class of a sequence is the sign of its first value."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, steps, 2))
    return X, np.where(X[:, 0, 0] > 0, "up", "down")


def ragged(n: int = 60, seed: int = 0) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(length, 3)) for length in draw.integers(2, 25, size=n)]


# --- the contract ------------------------------------------------------------------------


@parametrize_with_checks(
    [
        *(each(8, max_iter=30, random_state=0) for each in CLASSIFIERS),
        *(each(8, max_iter=100, learning_rate_init=0.02, random_state=0) for each in REGRESSORS),
    ]
)
def test_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


# --- learning ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_classifier_remembers_the_first_step(kind: Any) -> None:
    X, y = first_step_task()
    model = kind(8, learning_rate_init=0.02, max_iter=100, random_state=0).fit(X, y)
    X_new, y_new = first_step_task(seed=1)
    assert model.score(X_new, y_new) > 0.9
    assert np.allclose(model.predict_proba(X_new).sum(axis=1), 1.0)
    assert np.allclose(np.exp(model.predict_log_proba(X_new)), model.predict_proba(X_new))


def test_the_backward_direction_sees_the_future() -> None:
    X = np.random.default_rng(0).normal(size=(80, 6, 1))
    y = np.concatenate([X[:, 1:, 0], np.zeros((80, 1))], axis=1)  # the next value, at each step
    scores = [
        cr.RNNRegressor(
            8,
            output="each",
            bidirectional=both,
            max_iter=150,
            learning_rate_init=0.02,
            random_state=0,
        )
        .fit(X, y)
        .score(X, y)
        for both in (False, True)
    ]
    assert scores[0] < 0.5 < 0.9 < scores[1]


@pytest.mark.parametrize("output", ["last", "mean", "max", "each"])
def test_padding_changes_no_prediction(output: str) -> None:
    sequences = ragged()
    y: Any = [each[:, 0].cumsum() for each in sequences]
    if output != "each":
        y = [each[-1] for each in y]
    model = cr.GRURegressor(
        6, num_layers=2, bidirectional=True, output=output, max_iter=5, random_state=0
    ).fit(sequences, y)
    together = model.predict(sequences)
    for k, sequence in enumerate(sequences[:10]):
        alone = model.predict([sequence])[0]
        assert np.allclose(together[k], alone, rtol=0, atol=1e-12)


def test_the_lengths_of_sequences_change_no_gradient() -> None:
    """One full-batch step of gradient descent: in buckets by length as in a padded whole."""
    sequences = ragged(24)
    y = [each[-1, 0] for each in sequences]
    options = {"solver": "sgd", "momentum": 0.0, "max_iter": 1, "random_state": 0}
    whole = cr.LSTMRegressor(5, batch_size=24, clip_norm=None, **options).fit(sequences, y)
    start = cr.LSTMRegressor(5, batch_size=24, clip_norm=None, **options)
    start.set_params(learning_rate_init=1e-12).fit(sequences, y)
    total = {name: np.zeros_like(array) for name, array in start.weights_.items()}
    for sequence, target in zip(sequences, y, strict=True):
        one = cr.LSTMRegressor(5, clip_norm=None, **options).fit([sequence], [target])
        for name, array in one.weights_.items():
            total[name] += (array - start.weights_[name]) / len(sequences)
    for name, array in whole.weights_.items():
        assert np.allclose(array - start.weights_[name], total[name], rtol=1e-6, atol=1e-9), name


@pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])
def test_both_engines_learn_the_same_weights(kind: Any) -> None:
    X, y = first_step_task(40)
    if kind in REGRESSORS:
        y = X[:, 0, 0]
    models = [
        kind(4, num_layers=2, dropout=0.2, max_iter=3, random_state=0, engine=engine).fit(X, y)
        for engine in ("native", "reference")
    ]
    for name, array in models[0].weights_.items():
        assert np.allclose(array, models[1].weights_[name], rtol=0, atol=1e-9), name


def test_clipping_bounds_the_first_step() -> None:
    X, _ = first_step_task(40)
    options = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "max_iter": 1}
    moved = {}
    start = cr.RNNRegressor(4, batch_size=40, random_state=0, **options)
    start.set_params(learning_rate_init=1e-12).fit(X, 1e3 * X[:, 0, 0])
    for clip in (None, 0.5):
        model = cr.RNNRegressor(4, batch_size=40, clip_norm=clip, random_state=0, **options)
        model.fit(X, 1e3 * X[:, 0, 0])
        moved[clip] = np.sqrt(
            sum(np.sum((model.weights_[k] - start.weights_[k]) ** 2) for k in model.weights_)
        )
    assert moved[0.5] == pytest.approx(0.5, rel=1e-6)
    assert moved[None] > 10


def test_dropout_draws_in_training_only() -> None:
    X, y = first_step_task(60)
    model = cr.LSTMClassifier(8, dropout=0.5, max_iter=5, random_state=0).fit(X, y)
    assert (model.predict_proba(X) == model.predict_proba(X)).all()
    plain = cr.LSTMClassifier(8, max_iter=5, random_state=0).fit(X, y)
    assert not np.allclose(model.weights_["W1"], plain.weights_["W1"])


def test_the_forget_gate_starts_open() -> None:
    X, y = first_step_task(40)
    model = cr.LSTMClassifier(4, learning_rate_init=1e-12, max_iter=1, random_state=0).fit(X, y)
    i, f, o, g = model.weights_["b1"].reshape(4, 4)
    assert np.allclose(f, 1.0)
    assert np.allclose([i, o, g], 0.0)


def test_early_stopping_and_validation_data_measure_rows_held_out() -> None:
    X, y = first_step_task()
    model = cr.GRUClassifier(6, early_stopping=True, max_iter=8, random_state=0).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    model = cr.GRUClassifier(6, max_iter=4, random_state=0)
    model.fit(X, y, validation_data=first_step_task(30, seed=1))
    assert len(model.history_["validation_score"]) == 4
    assert model.history_["validation_score"][-1] == pytest.approx(
        model.score(*first_step_task(30, seed=1))
    )


def test_weights_of_rows_count_like_repetitions() -> None:
    X, y = first_step_task(30)
    options = {"max_iter": 20, "solver": "lbfgs", "random_state": 0}
    weighted = cr.RNNClassifier(4, **options).fit(X, y, sample_weight=[2] * 10 + [1] * 20)
    repeated = cr.RNNClassifier(4, **options).fit(
        np.concatenate([X[:10], X]), np.concatenate([y[:10], y])
    )
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=1e-4)


def test_partial_fit_goes_on() -> None:
    X, y = first_step_task()
    model = cr.LSTMClassifier(6, learning_rate_init=0.02, random_state=0)
    for _ in range(40):
        model.partial_fit(X, y, classes=["down", "up"])
    assert model.score(X, y) > 0.9
    assert len(model.loss_curve_) == 40


# --- series ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REGRESSORS)
@pytest.mark.parametrize("truncation", [None, 25])
def test_a_sine_goes_on(kind: Any, truncation: int | None) -> None:
    series = np.sin(0.3 * np.arange(200))
    model = kind(12, truncation=truncation, max_iter=150, tol=0, random_state=0).fit(series)
    ahead = model.forecast(10)
    assert ahead.shape == (10,)
    assert np.abs(ahead - np.sin(0.3 * np.arange(200, 210))).max() < 0.3


def test_a_forecast_is_a_prediction_fed_back() -> None:
    draw = np.random.default_rng(0)
    series = [draw.normal(size=(length, 2)) for length in (20, 33, 9)]
    model = cr.LSTMRegressor(5, num_layers=2, max_iter=3, random_state=0).fit(series)
    ahead = model.forecast(4)
    for k, one in enumerate(series):
        grown = one
        for step in range(4):
            value = model.predict([grown])[0][-1]
            assert np.allclose(ahead[k, step], value, rtol=0, atol=1e-10)
            grown = np.concatenate([grown, value[np.newaxis]])


def test_windows_carry_the_state_and_cut_the_gradient() -> None:
    """A window as long as the series is the series; a shorter one learns another gradient."""
    series = np.sin(0.5 * np.arange(41))
    options = {"max_iter": 2, "solver": "sgd", "momentum": 0.0, "random_state": 0}
    whole = cr.RNNRegressor(4, **options).fit(series)
    one_window = cr.RNNRegressor(4, truncation=40, **options).fit(series)
    short = cr.RNNRegressor(4, truncation=5, batch_size=8, **options).fit(series)
    for name, array in whole.weights_.items():
        assert np.allclose(array, one_window.weights_[name], rtol=0, atol=1e-12)
    assert not np.allclose(whole.weights_["U1"], short.weights_["U1"], rtol=0, atol=1e-6)
    # The first epoch's loss is that of the whole series: no window started from nothing.
    assert short.loss_curve_[0] == pytest.approx(whole.loss_curve_[0], rel=1e-9)


# --- files and explanations --------------------------------------------------------------


@pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])
def test_a_saved_model_predicts_the_same(kind: Any, tmp_path: Path) -> None:
    sequences = ragged(20)
    y = [len(each) % 2 for each in sequences]
    model = kind(4, num_layers=2, bidirectional=True, max_iter=2, random_state=0)
    model.fit(sequences, y).save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert type(again) is kind
    assert (again.predict(sequences) == model.predict(sequences)).all()
    again.partial_fit(sequences, y)  # training goes on


@pytest.mark.parametrize(
    "parameter", ["W1[1, 5]", "U1[2, 3]", "b1[0]", "V[1, 0]", "x[2, 1]", "h1[3, 2]", "h1[0][1]"]
)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_any_number_of_a_trained_network_explains_itself(kind: Any, parameter: str) -> None:
    X, y = first_step_task(40, steps=5)
    model = kind(4, max_iter=3, random_state=0).fit(X, y)
    if kind is cr.RNNClassifier and parameter in ("W1[1, 5]", "U1[2, 3]"):
        parameter = parameter.replace("5", "3")
    work = model.explain(X[0], y[0], parameter=parameter)
    assert work.chains[0].check.agrees
    assert (work.worksheet.update is not None) == parameter.startswith(("W", "U", "b", "V"))


@pytest.mark.parametrize("clip_norm", [None, 100.0, 0.01])
def test_the_update_of_a_weight_is_that_of_a_real_step(clip_norm: float | None) -> None:
    X, y = first_step_task(30, steps=4)
    options = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1}
    model = cr.GRUClassifier(3, max_iter=4, clip_norm=clip_norm, random_state=0, **options)
    work = model.fit(X, y).explain(X[0], y[0], parameter="U1[1, 4]")
    model.partial_fit(X[:1], y[:1], classes=["down", "up"])
    update = work.worksheet.update
    assert update.after == pytest.approx(model.weights_["U1"][1, 4], rel=1e-9)
    assert ("g_clipped" in str(work)) == (clip_norm == 0.01)


def test_a_place_that_does_not_exist_is_named() -> None:
    X, y = first_step_task(20, steps=3)
    model = cr.LSTMClassifier(3, max_iter=2, random_state=0).fit(X, y)
    with pytest.raises(cr.FormulaError, match=r"from h1\[0\] to h1\[2\]"):
        model.explain(X[0], y[0], parameter="h1[3, 0]")
    with pytest.raises(cr.FormulaError, match=r"U1 \(3, 12\)"):
        model.explain(X[0], y[0], parameter="U2[0, 0]")


def test_the_doctor_finds_a_state_that_explodes() -> None:
    X, y = first_step_task()
    model = cr.RNNClassifier(
        8, activation="relu", learning_rate_init=0.02, max_iter=60, random_state=0
    ).fit(X, y)
    assert model.diagnose(X, y).findings == []
    model.weights_["U1"] *= 6.0
    first = model.diagnose(X, y).findings[0]
    assert (first.illness, first.where) == ("exploding", "steps 1 to 8")


# --- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([np.zeros((0, 3)), np.zeros((2, 3))], [0, 1], r"X\[0\] has no time steps"),
        (np.zeros((4, 0, 3)), [0, 1, 0, 1], "X has no time steps"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], [0, 1], r"X\[1\] has 4 and X\[0\] has 3"),
        ([np.zeros((2, 1)), np.full((3, 1), np.nan)], [0, 1], r"X\[1\] contains NaN at step 0"),
        (np.full((2, 3, 1), np.inf), [0, 1], "infinity at sequence 0, step 0, feature 0"),
        (np.zeros((2, 2, 2, 2)), [0, 1], "n_samples, n_timesteps, n_features"),
        (np.zeros((7, 3)), [1], r"A single sequence .* is\s+X\[np.newaxis\]"),
        (np.zeros((3, 2, 1)), [0, 1], "inconsistent numbers of samples"),
        (np.zeros((2, 2, 1)), [0, 0], "one class only"),
        (np.zeros((2, 2, 1)), None, "requires y"),
        ([["a", "b"], ["c"]], [0, 1], "must hold numbers"),
        ([], [], "no sequences"),
        (np.zeros((2, 3, 1)), [["a", "b", "a"], ["b", "a", "b"]], "set output='each'"),
        ([np.zeros((2, 1)), np.zeros((3, 1))], [[0, 1], [1, 0, 1]], "set output='each'"),
    ],
)
def test_bad_sequences_are_refused_by_name(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cr.LSTMClassifier(3, max_iter=1).fit(X, y)


def test_sequences_unlike_those_of_the_fit_are_refused() -> None:
    X, y = first_step_task(20)
    model = cr.GRUClassifier(3, max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"is X\[np.newaxis\]"):
        model.predict(X[0])
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.predict(X[:, :, :1])
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"truncation": 3}, "output='each'"),
        ({"truncation": 3, "output": "each", "bidirectional": True}, "bidirectional=True"),
        ({"truncation": 3, "output": "each", "solver": "lbfgs"}, "another solver"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "dropout"),
        ({"output": "each"}, "a target for each step"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters: Any, message: str) -> None:
    X, y = first_step_task(20)
    if "truncation" in parameters and parameters.get("output") == "each":
        y = X[:, :, 0]
    with pytest.raises(ValueError, match=message):
        cr.LSTMRegressor(3, max_iter=1, **parameters).fit(X, y if np.ndim(y) > 1 else X[:, 0, 0])


def test_a_table_is_a_series_in_each_row_whatever_holds_it() -> None:
    table = np.random.default_rng(0).normal(size=(6, 9))
    shapes = []
    for X in (table, pd.DataFrame(table), table.tolist()):
        model = cr.GRURegressor(3, max_iter=1, random_state=0).fit(X)
        shapes.append((model.forecast(2).shape, model.predict(X).shape))
        assert model.forecast(2, table[:, :5]).shape == (6, 2)  # of another length
    assert set(shapes) == {((6, 2), (6, 9))}
    for one in (table[0], pd.Series(table[0]), table[0].tolist()):
        model = cr.GRURegressor(3, max_iter=1, random_state=0).fit(one)
        assert (model.forecast(2).shape, model.predict(one).shape) == ((2,), (9,))


def test_early_stopping_of_series_is_measured_on_series_that_are_given() -> None:
    series = np.sin(0.3 * np.arange(300))
    for truncation in (None, 20):
        model = cr.RNNRegressor(
            4, truncation=truncation, early_stopping=True, max_iter=3, random_state=0
        )
        with pytest.raises(ValueError, match=r"validation_data=\(X,\)"):
            model.fit(series)
        model.fit(series[:200], validation_data=(series[200:],))
        assert len(model.validation_scores_) == 3


def test_sequences_of_weight_0_are_as_if_left_out() -> None:
    sequences = ragged(60)
    y = [len(each) % 2 for each in sequences]
    weights = np.array([len(each) >= 12 for each in sequences], dtype=float)
    options = {"batch_size": 8, "max_iter": 3, "random_state": 0}
    weighted = cr.RNNClassifier(3, **options).fit(sequences, y, sample_weight=weights)
    kept = np.flatnonzero(weights)
    left_out = cr.RNNClassifier(3, **options).fit(
        [sequences[k] for k in kept], [y[k] for k in kept]
    )
    for name, array in left_out.weights_.items():
        assert np.allclose(array, weighted.weights_[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[0.1, 0.2]] * 5, [1.0, 2.0], "y has 2 targets, but the sequence 5 steps"),
        ([[0.1, 0.2]] * 5, None, "a target for each step"),
        ([[0.1, 0.2]] * 101, [1.0] * 101, "of 100 at most"),
        ([[0.1]] * 5, [1.0] * 5, "one sequence of shape"),
    ],
)
def test_a_sequence_that_cannot_be_explained_is_refused(x: Any, y: Any, message: str) -> None:
    X, _ = first_step_task(20)
    model = cr.LSTMRegressor(3, output="each", max_iter=1, random_state=0).fit(X, X[:, :, 0])
    with pytest.raises(ValueError, match=message):
        model.explain(x, y)


def test_forecasts_need_series_and_a_horizon() -> None:
    X, _ = first_step_task(20)
    with pytest.raises(ValueError, match="fit it without y"):
        cr.LSTMRegressor(3, max_iter=1).fit(X, X[:, 0, 0]).forecast(3)
    series = np.sin(np.arange(30.0))
    with pytest.raises(ValueError, match="at least 1"):
        cr.LSTMRegressor(3, max_iter=1).fit(series).forecast(0)
    with pytest.raises(ValueError, match="set bidirectional=False"):
        cr.LSTMRegressor(3, max_iter=1, bidirectional=True).fit(series)
    with pytest.raises(ValueError, match="at least 2 steps"):
        cr.LSTMRegressor(3, max_iter=1).fit(np.ones((2, 1, 1)))
    with pytest.raises(ValueError, match=r"a single series is X.ravel\(\)"):
        cr.LSTMRegressor(3, max_iter=1).fit(series[:, np.newaxis])
