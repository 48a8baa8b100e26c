"""The report: sentences with evidence and remedy, data, a page; and what cannot be examined."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import chainrule as cr
from chainrule.cli.main import main
from chainrule.doctor.examination import MOST_ROWS
from tests.doctor.cases import (
    classifier,
    data,
    dead_relus,
    fit,
    nan_from_log_0,
    rate_times_100,
    unscaled_feature,
)


def test_a_finding_is_a_sentence_with_evidence_and_remedy() -> None:
    case = dead_relus(0)
    text = " ".join(str(case.model.diagnose(case.X, case.y)).split())
    assert (
        "1. dead units: layer 2: 32 of 64 units are dead: they output 0 for all 1,797 rows; lower "
        "learning_rate_init from 0.001 or use activation='leaky_relu'." in text
    )


def test_measures_are_right() -> None:
    X, y = data("wine")
    case = fit(classifier(0, hidden_layer_sizes=(8,), activation="tanh", alpha=0.0), X, y)
    exam = case.model.diagnose(X, y).examination
    (layer,) = exam.layers
    hidden = np.tanh(X @ case.model.coefs_[0] + case.model.intercepts_[0])
    assert layer.activation_size == pytest.approx(float(np.sqrt(np.mean(hidden**2))))
    assert layer.saturated == pytest.approx(float(np.mean(1 - hidden**2 < 0.01)))
    assert layer.rank == 8
    chance = case.model.predict_proba(X)
    error = chance - np.eye(3)[y]
    slopes = (error @ case.model.coefs_[1].T) * (1 - hidden**2)
    assert layer.gradient_size == pytest.approx(float(np.sqrt(np.mean(slopes**2))), rel=1e-6)
    assert exam.gradient_sizes[0] == pytest.approx(
        float(np.sqrt(np.mean((X.T @ slopes / len(X)) ** 2))), rel=1e-6
    )
    assert exam.loss == pytest.approx(float(-np.mean(np.log(chance[np.arange(len(y)), y]))))


def test_columns_are_named() -> None:
    case = unscaled_feature(0)
    frame = pd.DataFrame(case.X, columns=[f"<b>{k}" for k in range(case.X.shape[1])])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = classifier(0).fit(frame, case.y)
    diagnosis = model.diagnose(frame, case.y)
    assert diagnosis.findings[0].where == "column '<b>4'"
    page = diagnosis.to_html()
    assert "<b>4" not in page
    assert "&lt;b&gt;4" in page


def test_the_data_is_plain_and_the_page_stands_alone() -> None:
    case = rate_times_100(0)
    diagnosis = case.model.diagnose(case.X, case.y)
    plain = json.loads(json.dumps(diagnosis.to_dict()))
    assert plain["findings"][0]["illness"] == "learning rate too high"
    assert len(plain["layers"]) == 2
    page = diagnosis.to_html()
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert page.count("<svg") >= 5
    assert len(page) < 300_000
    assert "Learning rate too high" in diagnosis._repr_html_()


def test_a_fit_that_failed_can_be_examined() -> None:
    case = nan_from_log_0(0)
    diagnosis = case.model.diagnose(case.X, case.y)
    assert "log(0) = −∞" in str(diagnosis)
    assert "Not finite" in diagnosis.to_html()


def test_many_rows_are_examined_by_some_of_them() -> None:
    X, y = data("wine")
    model = fit(classifier(0, hidden_layer_sizes=(4,), max_iter=5), X, y).model
    exam = model.diagnose(np.tile(X, (60, 1)), np.tile(y, 60)).examination
    assert exam.n_rows == MOST_ROWS
    assert exam.n_given == 60 * len(X)


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adagrad"])
def test_every_solver_and_several_outputs_can_be_examined(solver: str) -> None:
    X, y = data("diabetes")
    both = np.column_stack([y, y**2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPRegressor(
            hidden_layer_sizes=(6,), solver=solver, max_iter=5, random_state=0
        ).fit(X, both)
    assert isinstance(str(model.diagnose(X, both)), str)
    labels = np.column_stack([y > 0, y > 1]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        many = classifier(0, solver=solver, max_iter=5).fit(X, labels)
    assert isinstance(str(many.diagnose(X, labels)), str)


def test_one_row_and_no_hidden_layer_are_no_obstacle() -> None:
    X, y = data("wine")
    model = fit(classifier(0, hidden_layer_sizes=(), max_iter=30), X, y).model
    assert model.diagnose(X, y).examination.layers == ()
    assert isinstance(str(model.diagnose(X[:1], y[:1])), str)


def test_what_cannot_be_examined_is_told() -> None:
    X, y = data("wine")
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().diagnose(X, y)
    model = fit(classifier(0, max_iter=2), X, y).model
    with pytest.raises(ValueError, match="features"):
        model.diagnose(X[:, :3], y)
    with pytest.raises(ValueError, match="NaN"):
        model.diagnose(np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        model.diagnose(X[:0], y[:0])
    with pytest.raises(ValueError, match=r"^y has \[7, 8, 9\], which are not among the classes"):
        model.diagnose(X, y + 7)


def test_some_of_the_rows_are_no_reason_to_complain() -> None:
    X, y = data("digits")
    model = fit(classifier(0, max_iter=40), X, y).model
    for rows in (slice(0, 5), slice(0, 60), y < 3):
        diagnosis = model.diagnose(X[rows], y[rows])
        assert diagnosis.healthy, str(diagnosis)


def test_findings_do_not_invent_other_columns() -> None:
    X, y = data("wine")
    large = 400.0 + 20.0 * X
    diagnosis = fit(classifier(0, max_iter=3), large, y).model.diagnose(large, y)
    assert diagnosis.findings[0].illness == "unscaled feature"
    assert "the others" not in diagnosis.findings[0].evidence


def test_two_categories_of_one_column_are_no_duplicates(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"age": draw.normal(size=200), "sex": draw.choice(["f", "m"], 200)})
    frame["bought"] = np.where(frame["age"] + (frame["sex"] == "m") > 0.5, "yes", "no")
    frame.to_csv(tmp_path / "shop.csv", index=False)
    model = str(tmp_path / "shop.safetensors")
    path = str(tmp_path / "shop.csv")
    assert main(["fit", path, "--target", "bought", "--out", model]) == 0
    diagnosis = cr.load(model).diagnose(path)
    assert "duplicated column" not in [each.illness for each in diagnosis.findings]


def test_fits_that_a_line_cannot_judge_are_not_accused() -> None:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(400, 2))
    wide = draw.normal(size=(60, 100))
    skewed = X[:, 0] + draw.exponential(size=400)
    bits = np.array([[int(each) for each in f"{k:08b}"] for k in range(256)])
    cases = [
        (cr.MLPClassifier((8,), "identity", random_state=0), X, X[:, 0] > 0),
        (_regressor(early_stopping=True), wide, wide[:, 0]),
        (_regressor(), X, np.ones(400)),
        (_regressor(loss="quantile", quantile=0.9), X, skewed),
        (classifier(1, solver="lbfgs", max_iter=500), bits, bits.sum(axis=1) % 2),
    ]
    for model, rows, target in cases:
        diagnosis = fit(model, rows, target).model.diagnose(rows, target)
        assert diagnosis.healthy, str(diagnosis)


def _regressor(**parameters: object) -> cr.MLPRegressor:
    return cr.MLPRegressor(
        hidden_layer_sizes=(32,),
        learning_rate_init=0.01,
        max_iter=200,
        random_state=0,
        **parameters,
    )


def test_the_command_line_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, report = tmp_path / "m.safetensors", tmp_path / "doctor.html"
    assert main(["fit", "iris", "--out", str(model)]) == 0
    capsys.readouterr()
    assert main(["doctor", str(model), "iris", "--report", str(report)]) == 0
    out, err = capsys.readouterr()
    assert "layer  units  dead" in out
    assert "written to" in err
    assert report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(["doctor", str(model), "wine"]) == 1
    assert main(["doctor", str(tmp_path / "none"), "iris"]) == 1
    assert main(["fit", "diabetes", "--network", "linear", "--out", str(model)]) == 0
    capsys.readouterr()
    assert main(["doctor", str(model), "diabetes"]) == 1
    refused = " ".join(capsys.readouterr().err.split())
    assert "LinearRegression cannot be examined" in refused
    assert "multi-layer perceptrons and recurrent networks can be" in refused


def test_of_many_steps_some_are_shown_from_the_first_to_the_last() -> None:
    series = np.sin(0.3 * np.arange(60))
    model = cr.RNNRegressor(4, max_iter=60, tol=0.0, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(series)
    diagnosis = model.diagnose(series)
    shown = [layer.number for layer in diagnosis.examination.shown_layers]
    assert len(shown) == 16
    assert (shown[0], shown[-1]) == (1, 59)
    assert len(str(diagnosis).splitlines()) < 25
    assert len(diagnosis.to_dict()["layers"]) == 59
