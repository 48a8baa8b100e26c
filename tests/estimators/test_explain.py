"""``model.explain``: the gradient, its proof and its update are those of real training."""

from __future__ import annotations

import json
import re
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.engines.reference import ReferenceEngine
from chainrule.training.step import training_step

X, y = load_iris(return_X_y=True)


def fitted(solver: str = "adam", **parameters: Any) -> cr.MLPClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier(
            **{
                "hidden_layer_sizes": (8, 6),
                "solver": solver,
                "max_iter": 20,
                "random_state": 0,
                **parameters,
            }
        )
        return model.fit(X, y)


SOLVERS: list[dict[str, Any]] = [
    {"solver": "adam"},
    {"solver": "adamw", "alpha": 0.1},
    {"solver": "sgd"},
    {"solver": "sgd", "nesterovs_momentum": False},
    {"solver": "sgd", "momentum": 0.0},
    {"solver": "sgd", "learning_rate": "invscaling"},
    {"solver": "rmsprop"},
    {"solver": "adagrad", "alpha": 0.0},
]


@pytest.mark.parametrize("parameters", SOLVERS, ids=str)
@pytest.mark.parametrize("name", ["W1[2, 3]", "W3[5, 1]", "b2[4]"])
def test_the_update_is_that_of_a_training_step_on_this_row(
    parameters: dict[str, Any], name: str
) -> None:
    model = fitted(**parameters)
    work = model.explain(X[60], y[60], name)
    update = work.worksheet.update
    assert update is not None

    objective = model._objective(weighted=False)
    step = training_step(objective, model._optimizer())
    state = [np.array(each) for each in [*model._parameters, *model._memory.values()]]
    target = model._columns(y[[60]], np.float64)
    settings = {"learning_rate": model._progress.learning_rate, "alpha": model.alpha}
    loop = ReferenceEngine().compile_step(step, "float64", [X[[60]], target], state, settings)
    loop.run(None, 1, 0, 1)
    position = [each.name for each in step.state].index(name.partition("[")[0])
    index = tuple(int(each) for each in name.partition("[")[2].rstrip("]").split(","))
    assert update.after == pytest.approx(float(state[position][index]), rel=1e-12)
    assert update.before == pytest.approx(float(model._parameters[position][index]))


def test_the_gradient_is_that_of_the_row_and_checked_on_the_whole_network() -> None:
    model = fitted()
    for name in ("W1[0, 0]", "W2[7, 5]", "b3[2]", "x[3]", "h1_out[2]", "h2_in[1]", "output_in[0]"):
        work = model.explain(X[3], y[3], name)
        (chain,) = work.chains
        assert list(work.gradients) == [name]
        assert chain.check.agrees is not False
        assert chain.check.agrees or chain.check.reason


def test_a_chain_of_named_units_multiplies_to_the_gradient() -> None:
    model = fitted(activation="tanh", alpha=0.0)
    work = model.explain(X[0], y[0], "W1[2, 3]")
    (chain,) = work.chains
    assert [each.by for each in chain.paths[0].factors] == ["h1_out[3]", "h1_in[3]", "W1[2, 3]"]
    assert sum(path.product for path in chain.paths) == pytest.approx(work.gradients["W1[2, 3]"])


def test_the_largest_terms_of_a_sum_over_units_are_named() -> None:
    work = fitted(activation="tanh").explain(X[0], y[0], "W1[2, 3]")
    step = next(each for each in work.backward if each.symbol == "h1_out[3]")
    (use,) = step.uses
    assert use.n_terms == 6
    assert len(use.largest) == 3
    sizes = [abs(term.value) for term in use.largest]
    assert sizes == sorted(sizes, reverse=True)
    assert "and 3 more" in str(work)


def test_other_names_mean_the_same() -> None:
    frame = pd.DataFrame(X, columns=["sepal length", "b", "<script>", "W1[0, 0]"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((5,), max_iter=5, random_state=0).fit(frame, y)
    same = [("coefs_[1][3, 1]", "W2[3, 1]"), ("intercepts_[0][2]", "b1[2]"), ("X[1]", "x[1]")]
    same += [("sepal length", "x[0]"), ("<script>", "x[2]"), (" W2[ 3,1 ] ", "W2[3, 1]")]
    for other, name in same:
        assert list(model.explain(frame.iloc[0], 0, other).gradients) == [name]
    assert "sepal length" in str(model.explain(frame.iloc[0], 0, "x[0]"))


def test_a_column_called_like_a_weight_does_not_hide_it() -> None:
    model = fitted()
    work = model.explain(X[0], y[0], "W1[0, 0]", names=["a", "W1[0, 0]", "c", "d"])
    assert list(work.gradients) == ["W1[0, 0]"]


def test_networks_without_activation_have_their_sums_too() -> None:
    model = fitted(activation="identity")
    assert list(model.explain(X[0], y[0], "h1_in[2]").gradients) == ["h1_out[2]"]


def test_without_a_name_the_steepest_parameter_is_taken() -> None:
    model = fitted()
    (steepest,) = model.explain(X[0], y[0]).gradients.values()
    others = [f"W1[{i}, {j}]" for i in range(4) for j in range(8)]
    slopes = [abs(model.explain(X[0], y[0], each).gradients[each]) for each in others]
    assert abs(float(steepest)) >= max(slopes)
    assert "the largest" in str(model.explain(X[0], y[0]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("W9[0, 0]", "It has W1 (4, 8), W2 (8, 6), W3 (6, 3), b1 (8,), b2 (6,), b3 (3,), x (4,)"),
        ("h9_out[0]", "Did you mean"),
        ("W1[4, 0]", "W1 goes from W1[0, 0] to W1[3, 7]"),
        ("W1[0]", "W1 goes from W1[0, 0] to W1[3, 7]"),
        ("", "write it as 'W1[0, 0]'"),
        ("y[0]", "There is no 'y[0]'"),
    ],
)
def test_a_name_that_does_not_exist_lists_those_that_do(name: str, words: str) -> None:
    with pytest.raises(cr.FormulaError) as caught:
        fitted().explain(X[0], y[0], name)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("row", "target", "words"),
    [
        (X[0, :3], 0, "x_row has 3 features, but MLPClassifier was fitted to 4"),
        (X[:2], 0, "explain takes one row, but got 2"),
        ("abc", 0, "must hold 4 numbers"),
        ([1, 2, np.nan, 4], 0, "NaN or infinity at place 2"),
        (X[0], 3, "one of the classes 0, 1, 2, but got 3"),
        (X[0], "setosa", "one of the classes 0, 1, 2, but got 'setosa'"),
    ],
)
def test_bad_rows_are_told(row: Any, target: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        fitted().explain(row, target)


def test_a_named_row_goes_by_its_names() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((5,), max_iter=5, random_state=0).fit(frame, y)
    right = model.explain(frame.iloc[0], 0, "W1[0, 0]").value
    assert model.explain(frame.iloc[0][::-1], 0, "W1[0, 0]").value == right
    assert model.explain(frame.iloc[[0], ::-1], 0, "W1[0, 0]").value == right
    with pytest.raises(ValueError, match="x_row has the features q, b, c, d"):
        model.explain(frame.iloc[0].rename({"a": "q"}), 0)
    with pytest.raises(ValueError, match="names has 1 names, but there are 4"):
        model.explain(X[0], 0, names=["q"])


def test_class_weights_are_in_the_step() -> None:
    weights = {0: 1.0, 1: 5.0, 2: 1.0}
    model = fitted("sgd", alpha=0.1, momentum=0.0, class_weight=weights)
    update = model.explain(X[60], y[60], "W2[3, 1]").worksheet.update
    before = [each.copy() for each in model.coefs_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(X[[60]], y[[60]])
    assert update is not None
    assert update.after - update.before == pytest.approx(
        float(model.coefs_[1][3, 1] - before[1][3, 1]), rel=1e-6
    )


def test_several_labels_are_0_or_1() -> None:
    labels = np.column_stack([y > 0, y > 1]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((5,), max_iter=5, random_state=0).fit(X, labels)
    assert model.explain(X[0], [1, 0]).chains[0].check.agrees
    for wrong in ([2, 0], [1, 0.5], [1]):
        with pytest.raises(ValueError, match="2 labels, 0 or 1"):
            model.explain(X[0], wrong)


def test_an_unfitted_model_says_so() -> None:
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().explain(X[0], 0)


def test_regressors_explain_too() -> None:
    values = X[:, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for loss in ("squared_error", "absolute_error", "huber", "quantile", "poisson"):
            model = cr.MLPRegressor(hidden_layer_sizes=(5,), loss=loss, max_iter=10, random_state=0)
            work = model.fit(X[:, :3], values).explain(X[0, :3], values[0], "W1[0, 2]")
            assert work.chains[0].check.agrees, loss
        both = np.column_stack([values, values**2])
        model = cr.MLPRegressor(hidden_layer_sizes=(5,), max_iter=10, random_state=0).fit(
            X[:, :3], both
        )
    assert model.explain(X[0, :3], both[0], "W2[1, 1]").chains[0].check.agrees
    with pytest.raises(ValueError, match="target of one row"):
        model.explain(X[0, :3], 1.0)


def test_linear_regression_explains_its_descent() -> None:
    model = cr.LinearRegression(solver="gradient_descent", tol=1e-4).fit(X[:, :2], X[:, 2])
    work = model.explain(X[0, :2], X[0, 2], "w[1]")
    error = float(model.predict(X[:1, :2])[0] - X[0, 2])
    assert work.gradients["w[1, 0]"] == pytest.approx(2 * error * X[0, 1])
    update = work.worksheet.update
    assert update is not None
    slope = float(work.gradients["w[1, 0]"])
    assert update.after == pytest.approx(model.coef_[1] - model.learning_rate_ * slope)
    assert list(model.explain(X[0, :2], X[0, 2], "W1[1, 0]").gradients) == ["w[1, 0]"]
    normal = cr.LinearRegression().fit(X[:, :2], X[:, 2]).explain(X[0, :2], X[0, 2], "b")
    assert normal.worksheet.update is None
    assert "takes no steps along a gradient" in str(normal)


def test_a_saved_model_explains_itself(tmp_path: Path) -> None:
    model = fitted()
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors").explain(X[0], y[0], "W2[0, 0]")
    assert again.gradients == model.explain(X[0], y[0], "W2[0, 0]").gradients
    assert "not saved with the model" in str(again)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make", [cr.MLPClassifier, cr.LogisticRegression])
def test_a_solver_that_has_not_trained_remembers_nothing(make) -> None:
    model = make(solver="adam", max_iter=3, random_state=0).fit(X, y)
    model.set_params(solver="sgd")
    assert "not the one that has trained so far" in str(model.explain(X[0], y[0]))
    model.partial_fit(X, y)
    assert "it starts anew" not in str(model.explain(X[0], y[0]))


def test_lbfgs_says_why_there_is_no_update() -> None:
    assert "L-BFGS looks at all rows" in str(fitted("lbfgs").explain(X[0], y[0], "W1[0, 0]"))


def test_the_data_of_an_explanation_is_plain() -> None:
    data = json.loads(json.dumps(fitted().explain(X[0], y[0], "W2[3, 1]").to_dict()))
    assert data["title"].startswith("W2[3, 1] in one row's loss")
    assert data["update"]["symbol"] == "W2[3, 1]"
    assert data["notes"]


def test_one_weight_of_a_large_network_takes_less_than_a_second() -> None:
    images, digits = load_digits(return_X_y=True)
    images = np.tile(images, (1, 13))[:, :784] / 16
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((512, 512), max_iter=1, random_state=0).fit(images, digits)
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        text = str(model.explain(images[0], digits[0], "W1[5, 5]"))
        best = min(best, time.perf_counter() - start)
    assert "∂loss/∂W1[5, 5]" in text
    assert best < 1.0


def test_where_nothing_moves_no_gradient_is_called_the_largest() -> None:
    model = cr.Perceptron().fit(X, y)
    first, *_ = model.explain(X[0], 0).worksheet.notes
    assert "no parameter's gradient differs from 0 for this row: nothing moves" in first
    assert "on the right side" in first
    wrong = np.flatnonzero(model.predict(X) != y)[0]
    assert "the largest" in model.explain(X[wrong], y[wrong]).worksheet.notes[0]


def test_one_number_that_is_left_out_is_in_the_singular() -> None:
    model = cr.MLPClassifier((8,), random_state=0).partial_fit(X[:, :2], y, classes=[0, 1, 2])
    text = " ".join(str(model.explain(X[0, :2], 0, "x[0]")).split())
    assert "the other 1 row of W1, each times its number" in text
