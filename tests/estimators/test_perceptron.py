"""The perceptron and the adaline: scikit-learn's weights, the sources' rules, faults."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Perceptron as TheirPerceptron
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import chainrule as cr
from chainrule import Adaline, Perceptron
from chainrule.errors import NonFiniteLossError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETS = {
    "iris": load_iris(return_X_y=True),
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
}
X, Y = scale(SETS["iris"][0]), SETS["iris"][1]
TWO = (Y == 1).astype(int)


def their_adaline(eta0, **parameters):
    return SGDClassifier(
        loss="squared_error",
        penalty=None,
        learning_rate="constant",
        eta0=eta0,
        shuffle=False,
        **parameters,
    )


# --- the weights of scikit-learn ---------------------------------------------------------


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {0: 4.0, 1: 0.5}},
        {"tol": None, "max_iter": 7},
        {"n_iter_no_change": 2, "tol": 0.1},
        {"eta0": 0.25},
    ],
    ids=str,
)
def test_weights_equal_scikit_learns_perceptron(name, scaled, parameters):
    rows, labels = SETS[name]
    rows = scale(rows) if scaled else rows
    ours = Perceptron(shuffle=False, **parameters).fit(rows, labels)
    theirs = TheirPerceptron(shuffle=False, **parameters).fit(rows, labels)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    np.testing.assert_array_equal(ours.intercept_, theirs.intercept_)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))
    # The order in which products are added up may differ.
    np.testing.assert_allclose(
        ours.decision_function(rows), theirs.decision_function(rows), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("labels", [TWO, Y], ids=["two", "three"])
def test_sample_weights_scale_updates_as_in_scikit_learn(labels):
    weight = np.random.default_rng(0).integers(0, 4, len(labels)) / 2
    ours = Perceptron(shuffle=False, class_weight="balanced").fit(X, labels, weight)
    theirs = TheirPerceptron(shuffle=False, class_weight="balanced")
    theirs.fit(X, labels, sample_weight=weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-12)
    assert ours.n_iter_ == theirs.n_iter_


def test_partial_fit_and_warm_start_go_on_as_in_scikit_learn():
    ours, theirs = Perceptron(shuffle=False), TheirPerceptron(shuffle=False)
    for part in (slice(0, 100), slice(50, 150), slice(0, 150)):
        ours.partial_fit(X[part], Y[part], classes=[0, 1, 2])
        theirs.partial_fit(X[part], Y[part], classes=[0, 1, 2])
        np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.history_["epoch"] == [1, 2, 3]
    for model in (ours, theirs):
        model.set_params(warm_start=True, max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.t_ == 350 + 3 * 150


def test_early_stopping_holds_out_the_rows_and_stops_at_the_epoch_of_scikit_learns():
    rows, labels = SETS["breast_cancer"]
    parameters = {"shuffle": False, "early_stopping": True, "random_state": 3}
    ours = Perceptron(**parameters).fit(scale(rows), labels)
    theirs = TheirPerceptron(**parameters).fit(scale(rows), labels)
    assert ours.n_iter_ == theirs.n_iter_
    scores = ours.history_["validation_score"]
    # Ours returns to the best epoch: so it is theirs, ended there.
    best = 1 + int(np.argmax(scores))
    theirs.set_params(max_iter=best).fit(scale(rows), labels)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("parameters", [{}, {"fit_intercept": False}], ids=str)
def test_weights_equal_scikit_learns_adaline(name, parameters):
    rows, labels = scale(SETS[name][0]), SETS[name][1]
    ours = Adaline(shuffle=False, **parameters).fit(rows, labels)
    theirs = their_adaline(ours.eta0_, **parameters).fit(rows, labels)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-13)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-13)
    assert ours.n_iter_ == theirs.n_iter_


def test_class_weights_of_the_adaline_equal_scikit_learns():
    parameters = {"class_weight": "balanced", "tol": None, "max_iter": 20}
    ours = Adaline(shuffle=False, **parameters).fit(X, Y)
    theirs = their_adaline(ours.eta0_, **parameters).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-13)


# --- figures -----------------------------------------------------------------------------


def test_the_perceptron_reaches_the_accuracy_of_scikit_learns_documentation_on_digits():
    rows, labels = SETS["digits"]
    assert Perceptron(tol=1e-3, random_state=0).fit(rows, labels).score(rows, labels) >= 0.939


@pytest.mark.parametrize("model", [Perceptron(random_state=0), Adaline(random_state=0)])
def test_accuracy_on_breast_cancer(model):
    figure = {"Perceptron": 0.963, "Adaline": 0.955}[type(model).__name__]
    pipeline = make_pipeline(StandardScaler(), model)
    assert cross_val_score(pipeline, *SETS["breast_cancer"], cv=10).mean() >= figure - 5e-4


def test_the_adaline_comes_near_least_squares():
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 3))
    labels = rows @ [1.0, -2.0, 0.5] + random.normal(size=200) > 0.3
    model = Adaline(eta0=1e-3, tol=None, max_iter=200).fit(rows, labels)
    targets = np.where(labels, 1.0, -1.0)
    best = np.linalg.lstsq(np.column_stack([rows, np.ones(200)]), targets, rcond=None)[0]
    # Steps of one row keep it moving about the minimum.
    np.testing.assert_allclose([*model.coef_[0], *model.intercept_], best, atol=0.02)


# --- rules of the sources ----------------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_row_on_the_line_is_an_error_and_moves_it(engine):
    model = Perceptron(max_iter=1, tol=None, engine=engine).fit([[2.0, 1.0], [2.0, 1.0]], [0, 1])
    # Both rows lie on the line through the origin when they come up, and undo each other.
    np.testing.assert_array_equal(model.coef_, [[0.0, 0.0]])
    one = Perceptron(tol=None, max_iter=1, shuffle=False).fit([[2.0, 1.0], [-2.0, -1.0]], [1, 0])
    np.testing.assert_array_equal(one.coef_, [[2.0, 1.0]])
    np.testing.assert_array_equal(one.intercept_, [1.0])


def test_a_separable_set_is_learned_without_an_error_left():
    model = Perceptron(tol=None, max_iter=50).fit(X, Y == 0)
    assert model.score(X, Y == 0) == 1.0
    assert model.loss_ == 0.0


@pytest.mark.parametrize("kind", [Perceptron, Adaline])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engines_agree_on_a_whole_fit(kind, dtype):
    models = [
        kind(max_iter=4, class_weight="balanced", engine=engine).fit(X.astype(dtype), Y)
        for engine in ("native", "reference")
    ]
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, rtol=0, atol=tolerance)
    assert models[0].coef_.dtype == models[1].coef_.dtype == dtype
    np.testing.assert_allclose(models[0].history_["loss"], models[1].history_["loss"], rtol=1e-4)


def test_the_history_adds_up_what_the_outputs_did():
    model = Perceptron(shuffle=False).fit(X, Y)
    alone = [Perceptron(shuffle=False).fit(X, k == Y) for k in range(3)]
    assert model.n_iter_ == max(each.n_iter_ for each in alone)
    assert model.loss_ == pytest.approx(sum(each.loss_ for each in alone))
    assert model.history_["loss"][-1] == pytest.approx(model.loss_)
    assert model.history_["loss"][0] == pytest.approx(sum(e.history_["loss"][0] for e in alone))


# --- rows of the user's own to measure on ------------------------------------------------


@pytest.mark.parametrize("labels", [TWO, Y], ids=["two classes", "three"])
@pytest.mark.parametrize("kind", [Perceptron, Adaline])
def test_rows_of_the_users_own_decide_when_to_stop(kind, labels):
    # The rows that early stopping would draw, given instead, are as good.
    asked = {"shuffle": False, "early_stopping": True, "n_iter_no_change": 3, "max_iter": 40}
    drawn = kind(**asked).fit(X, labels)
    train, held_out = train_test_split(
        np.arange(len(X)), test_size=0.1, random_state=0, stratify=labels
    )
    train, held_out = np.sort(train), np.sort(held_out)
    given = (X[held_out], labels[held_out])
    options = {} if kind is Perceptron else {"eta0": drawn.eta0_}
    mine = kind(**asked, **options).fit(X[train], labels[train], validation_data=given)
    np.testing.assert_array_equal(mine.coef_, drawn.coef_)
    for name in ("validation_loss", "validation_score"):
        assert mine.history_[name] == drawn.history_[name]


@pytest.mark.parametrize("kind", [Perceptron, Adaline])
def test_rows_to_measure_on_change_nothing_that_is_learned(kind):
    options = {"tol": None, "max_iter": 4, "random_state": 0}
    plain = kind(**options).fit(X[::2], TWO[::2])
    model = kind(**options).fit(
        X[::2], TWO[::2], validation_data=(X[1::2], TWO[1::2], np.arange(75))
    )
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    weighted = model.score(X[1::2], TWO[1::2], sample_weight=np.arange(75))
    assert model.history_["validation_score"][-1] == pytest.approx(weighted)
    outputs = model.decision_function(X[1::2])
    signs = np.where(TWO[1::2], 1.0, -1.0)
    losses = np.maximum(0, -signs * outputs) if kind is Perceptron else (signs - outputs) ** 2 / 2
    loss = np.average(losses, weights=np.arange(75))
    assert model.history_["validation_loss"][-1] == pytest.approx(loss)
    model.partial_fit(X, TWO, validation_data=(X, TWO))
    assert model.history_["validation_score"][-1] == pytest.approx(model.score(X, TWO))


def test_rows_to_measure_on_that_do_not_fit_are_refused_before_anything_is_learned():
    model = Perceptron()
    for wrong, message in (
        ((X[:, :2], Y), "X has 2 features"),
        ((X, np.full(150, 7)), "7"),
        (X, r"\(X, y\) or \(X, y, sample_weight\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, validation_data=wrong)
    assert not hasattr(model, "coef_")


def test_callbacks_see_every_epoch():
    seen = []
    Perceptron(tol=None, max_iter=3, callbacks=[lambda moment: seen.append(moment.epoch)]).fit(
        X, TWO
    )
    assert sorted(set(seen)) == [1, 2, 3]


# --- explaining, saving, faults ----------------------------------------------------------


@pytest.mark.parametrize("kind", [Perceptron, Adaline])
def test_explains_its_update_rule(kind):
    model = kind(random_state=0).fit(X, Y)
    wrong = int(np.argmax(model.predict(X) != Y))
    k = int(Y[wrong])
    for parameter in (f"w[2, {k}]", f"b[{k}]", "x[1]", None):
        work = model.explain(X[wrong], Y[wrong], parameter=parameter)
        assert work.chains[0].check.agrees
    work = model.explain(X[wrong], Y[wrong], parameter=f"w[2, {k}]")
    assert "Update by gradient descent" in str(work)
    output = model.decision_function(X[wrong : wrong + 1])[0, k]
    error = -1.0 if kind is Perceptron else output - 1.0
    if kind is Adaline or output <= 0:
        assert work.gradients[f"w[2, {k}]"] == pytest.approx(error * X[wrong, 2])


@pytest.mark.parametrize("kind", [Perceptron, Adaline])
@pytest.mark.parametrize("labels", [np.array(["no", "yes"])[TWO], Y], ids=["two", "three"])
def test_a_saved_model_predicts_and_goes_on_as_before(kind, labels, tmp_path):
    model = kind(max_iter=3, fit_intercept=False).fit(X, labels)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    copy = pickle.loads(pickle.dumps(model))
    for each in (model, again, copy):
        each.partial_fit(X, labels)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    np.testing.assert_array_equal(copy.coef_, model.coef_)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, np.zeros(len(X)), "one class only"),
        (np.where(X > 2, np.nan, X), Y, "NaN"),
        (X, np.linspace(0, 1, len(X)), "Unknown label type"),
        (X, np.column_stack([TWO, TWO]), "one class, but y has 2 columns"),
    ],
)
def test_bad_data_is_named(rows, labels, message):
    with pytest.raises(ValueError, match=message):
        Perceptron().fit(rows, labels)


def test_wrong_widths_and_parameters_are_named():
    model = Perceptron().fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="eta0"):
        Perceptron(eta0=0.0).fit(X, Y)
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        Perceptron(callbacks=[3]).fit(X, Y)
    with pytest.raises(ValueError, match="class_weight"):
        Perceptron(class_weight={7: 1.0}).fit(X, Y)
    with pytest.raises(ValueError, match="early_stopping"):
        Perceptron(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])


def test_a_rate_that_is_too_large_for_the_adaline_is_an_error_that_says_where():
    with pytest.raises(NonFiniteLossError, match=r"of epoch (.|\n)*lower eta0"):
        Adaline(eta0=1.0, tol=None).fit(1e3 * X, Y)


def test_warns_where_training_was_ended_by_max_iter():
    with pytest.warns(ConvergenceWarning):
        Perceptron(max_iter=2).fit(X, Y)
