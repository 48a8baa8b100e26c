"""The perceptrons beyond scikit-learn's: losses, solvers, validation, faults, and thrift."""

from __future__ import annotations

import _thread
import pickle
import re
import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import NonFiniteLossError
from chainrule.estimators import compiled as compiled_module
from chainrule.networks.activations import ACTIVATIONS
from chainrule.training import blocks as blocks_module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
X, Y = scale(IRIS[0]), IRIS[1]
TWO = (Y == 1).astype(int)
NAMES = np.array(["a", "b", "c"])
VALUES_X, VALUES = load_diabetes(return_X_y=True)
VALUES_X, VALUES = scale(VALUES_X), scale(VALUES)
SMALL = {"hidden_layer_sizes": (6,), "random_state": 0, "engine": "reference"}


def classifier(**parameters):
    return MLPClassifier(**{**SMALL, "max_iter": 20, **parameters})


def regressor(**parameters):
    return MLPRegressor(**{**SMALL, "max_iter": 20, **parameters})


# --- activations, solvers, losses --------------------------------------------------------


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_trains(activation):
    model = classifier(activation=activation, max_iter=100, learning_rate_init=0.02).fit(X, Y)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "adagrad", "rmsprop", "lbfgs"])
def test_every_solver_learns_iris(solver, engine):
    model = classifier(solver=solver, engine=engine, max_iter=150, learning_rate_init=0.05)
    assert model.fit(X, Y).score(X, Y) > 0.95


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "adagrad", "rmsprop"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_engines_agree_on_a_whole_fit_with_dropout(solver, n_threads):
    parameters = {"solver": solver, "dropout": 0.3, "batch_size": 37, "max_iter": 5}
    models = [
        regressor(engine=engine, n_threads=n_threads, **parameters).fit(VALUES_X, VALUES)
        for engine in ("native", "reference")
    ]
    for native, reference in zip(models[0].coefs_, models[1].coefs_, strict=True):
        np.testing.assert_allclose(native, reference, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(models[0].loss_curve_, models[1].loss_curve_, rtol=1e-10)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "squared_error"])
def test_losses_of_regression_learn(loss):
    model = regressor(loss=loss, max_iter=200, learning_rate_init=0.01).fit(VALUES_X, VALUES)
    assert model.score(VALUES_X, VALUES) > 0.5


def test_a_robust_loss_does_not_chase_an_outlier():
    spoilt = VALUES.copy()
    spoilt[:5] = 1000.0
    scores = {
        loss: regressor(loss=loss, solver="lbfgs", max_iter=100)
        .fit(VALUES_X, spoilt)
        .score(VALUES_X[5:], VALUES[5:])
        for loss in ("squared_error", "huber")
    }
    assert scores["huber"] > 0.4 > scores["squared_error"]


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_quantiles_lie_where_they_should(quantile):
    model = regressor(loss="quantile", quantile=quantile, max_iter=300, learning_rate_init=0.02)
    below = (model.fit(VALUES_X, VALUES).predict(VALUES_X) > VALUES).mean()
    assert abs(below - quantile) < 0.07


def test_hinge_learns_and_has_no_probabilities():
    for y in (TWO, Y):
        model = classifier(loss="hinge", solver="lbfgs", max_iter=200).fit(X, y)
        assert model.score(X, y) > 0.95
        assert not hasattr(model, "predict_proba")
        with pytest.raises(AttributeError, match="predict_proba"):
            model.predict_proba(X)


def test_a_loss_of_ones_own_is_the_built_in_one_if_it_says_the_same():
    def half_square(y, output):
        return 0.5 * cr.sum(cr.square(output - y), axes=1)

    own = regressor(loss=half_square).fit(VALUES_X, VALUES)
    built_in = regressor().fit(VALUES_X, VALUES)
    for mine, other in zip(own.coefs_, built_in.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-14)

    def log_loss_by_hand(y, output):
        return cr.sum(cr.logsumexp(output, 1), 1) - cr.sum(y * output, 1)

    own = classifier(loss=log_loss_by_hand).fit(X, Y)
    np.testing.assert_allclose(own.predict_proba(X), classifier().fit(X, Y).predict_proba(X))


def test_a_loss_that_is_not_one_number_per_row_says_so():
    with pytest.raises(cr.GraphError, match="one number per row"):
        regressor(loss=lambda y, output: cr.square(output - y)).fit(VALUES_X, VALUES)


def test_alpha_shrinks_weights():
    sizes = [
        [np.abs(classifier(solver=solver, alpha=alpha).fit(X, Y).coefs_[0]).sum() for alpha in pair]
        for solver, pair in (("adam", (0.0, 50.0)), ("adamw", (0.0, 5.0)), ("lbfgs", (0.0, 5.0)))
    ]
    assert all(shrunk < free for free, shrunk in sizes)


@pytest.mark.parametrize("solver, share", [("adam", 1.0), ("sgd", 1.0), ("adamw", 0.0)])
def test_the_loss_has_its_penalty_except_with_adamw(solver, share):
    # One step over all rows, at a rate that leaves the weights as they are.
    parameters = {"solver": solver, "max_iter": 1, "learning_rate_init": 1e-12, "batch_size": 442}
    plain = regressor(alpha=0.0, **parameters).fit(VALUES_X, VALUES)
    model = regressor(alpha=50.0, **parameters).fit(VALUES_X, VALUES)
    penalty = 50.0 * sum(np.sum(each**2) for each in plain.coefs_) / 2 / 442
    assert model.loss_ - plain.loss_ == pytest.approx(share * penalty, abs=1e-6)


def test_dropout_is_for_training_only_and_not_for_lbfgs():
    model = classifier(dropout=0.5).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    other = classifier(dropout=0.5, random_state=1).fit(X, Y)
    assert (model.coefs_[0] != other.coefs_[0]).any()
    with pytest.raises(ValueError, match=r"'lbfgs'.*dropout=0"):
        classifier(dropout=0.5, solver="lbfgs").fit(X, Y)


def test_class_weights_are_sample_weights():
    weight = np.array([1.0, 5.0, 0.5])
    by_class = classifier(class_weight={0: 1.0, 1: 5.0, 2: 0.5}).fit(X, Y)
    by_row = classifier().fit(X, Y, sample_weight=weight[Y])
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])
    both = classifier(class_weight={0: 1.0, 1: 5.0, 2: 0.5}).fit(X, Y, sample_weight=weight[Y])
    squared = classifier().fit(X, Y, sample_weight=weight[Y] ** 2)
    np.testing.assert_array_equal(both.coefs_[0], squared.coefs_[0])
    with pytest.raises(ValueError, match="give the weights as a dict"):
        classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


# --- validation, history, callbacks ------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_history_has_a_row_for_each_epoch(solver):
    model = classifier(solver=solver)
    model.fit(X[::2], Y[::2], validation_data=(X[1::2], Y[1::2]))
    columns = {"epoch", "loss", "validation_loss", "validation_score", "seconds"}
    assert columns <= model.history_.keys()
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}
    np.testing.assert_allclose(
        model.history_["validation_loss"][-1],
        log_loss(Y[1::2], model.predict_proba(X[1::2])),
        rtol=1e-6,
    )
    assert model.history_["validation_score"][-1] == model.score(X[1::2], Y[1::2])
    if solver == "adam":
        assert model.history_["loss"] == model.loss_curve_


def test_watching_does_not_change_training():
    watched = classifier().fit(X, Y, validation_data=(X[:30], Y[:30]))
    np.testing.assert_array_equal(watched.coefs_[0], classifier().fit(X, Y).coefs_[0])
    assert watched.validation_scores_ is None


def test_validation_weights_count():
    weight = np.linspace(0.1, 3.0, 75)
    model = classifier().fit(X[::2], Y[::2], validation_data=(X[1::2], Y[1::2], weight))
    expected = model.score(X[1::2], Y[1::2], sample_weight=weight)
    assert model.history_["validation_score"][-1] == pytest.approx(expected)


def test_early_stopping_may_watch_data_of_ones_own():
    model = regressor(early_stopping=True, max_iter=300, learning_rate_init=0.05)
    model.fit(VALUES_X[:300], VALUES[:300], validation_data=(VALUES_X[300:], VALUES[300:]))
    assert model.n_iter_ < 300
    assert model.validation_scores_ == model.history_["validation_score"]
    assert model.score(VALUES_X[300:], VALUES[300:]) == pytest.approx(max(model.validation_scores_))


def test_a_warm_start_never_loses_the_best_weights():
    model = classifier(early_stopping=True, warm_start=True, max_iter=4, learning_rate_init=0.5)
    for _ in range(6):
        model.fit(X[::2], TWO[::2], validation_data=(X[1::2], TWO[1::2]))
        assert model.best_validation_score_ == max(model.validation_scores_)
        assert model.score(X[1::2], TWO[1::2]) == model.best_validation_score_
    # The scores went down at times, or this would have been no test.
    assert model.validation_scores_ != sorted(model.validation_scores_)


@pytest.mark.parametrize(
    "data, message",
    [
        ("validation", r"must be \(X, y\)"),
        ((X,), r"must be \(X, y\)"),
        ((X[:, :2], Y), "X has 2 features, but MLPClassifier is expecting 4"),
        ((X, Y + 1), r"has \[3\], which are not among the classes \[0, 1, 2\]"),
        ((X, np.full(150, np.nan)), "NaN"),
    ],
)
def test_validation_data_that_does_not_fit_is_named(data, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, Y, validation_data=data)


@pytest.mark.parametrize(
    "y, other, message",
    [
        (TWO, Y, r"has \[2\], which are not among the classes \[0, 1\]"),
        (NAMES[TWO], NAMES[Y], r"has \['c'\], which are not among the classes \['a', 'b'\]"),
        (NAMES[Y], Y, r"has \[0, 1, 2\], which are not among the classes \['a', 'b', 'c'\]"),
        (Y, np.array(["a", *Y[1:].tolist()], object), r"has \['a'\], which are not among"),
    ],
    ids=["number", "text", "numbers for text", "text among numbers"],
)
def test_unknown_classes_of_validation_data_are_named(y, other, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y, validation_data=(X, other))


def test_validation_data_with_other_outputs_is_named():
    pair = np.stack([VALUES, VALUES], axis=1)
    with pytest.raises(ValueError, match="has 2 outputs, but that of the training data has 1"):
        regressor().fit(VALUES_X, VALUES, validation_data=(VALUES_X, pair))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_are_told_and_may_stop(solver):
    seen = []

    def watch(moment):
        seen.append(moment.epoch)
        return moment.epoch == 4

    model = classifier(solver=solver, callbacks=[watch]).fit(X, Y)
    assert seen[-1] == model.n_iter_ == 4


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_ctrl_c_leaves_a_model_that_predicts(solver):
    def press(moment):
        if moment.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = classifier(solver=solver, callbacks=[press], max_iter=200).fit(X, Y)
    assert model.n_iter_ == 3
    assert model.predict(X).shape == (150,)
    np.testing.assert_allclose(model.history_["loss"][-1], model.loss_)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_interrupts_machine_code(n_threads):
    # It would not end by itself.
    model = classifier(engine="native", n_threads=n_threads, batch_size=1, tol=0.0, max_iter=10**9)
    model.set_params(n_iter_no_change=np.inf)
    rows = np.tile(X, (10000, 1))
    timer = threading.Timer(0.8, _thread.interrupt_main)

    def press_soon(moment):
        # Not before training has begun, however busy the machine is.
        if timer.ident is None:
            timer.start()

    model.set_params(callbacks=[press_soon])
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(rows, np.tile(Y, 10000))
    assert time.perf_counter() - start < 10
    assert model.score(X, Y) > 0.9


def test_an_epoch_cut_short_still_leaves_a_model():
    class Impatient:
        """Presses Ctrl-C before the first epoch is over."""

        def __call__(self, moment):
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = classifier(callbacks=[Impatient()], batch_size=5).fit(X, Y)
    assert model.n_iter_ == 0
    assert model.predict(X).shape == (150,)


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_loss_that_is_not_finite_names_operation_and_row(solver, engine):
    large = VALUES_X.copy()
    large[7] = 1e200
    with pytest.raises(NonFiniteLossError, match=r"\(output − y\)².*= ∞, .*for row 7 of the data"):
        regressor(solver=solver, engine=engine).fit(large, VALUES)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_loss_that_is_not_finite_names_the_feature(solver):
    frame = pd.DataFrame(VALUES_X, columns=[f"column {k}" for k in range(VALUES_X.shape[1])])
    frame.iloc[7, 1] = 1e200
    with pytest.raises(NonFiniteLossError, match=r"X\[1\] is the column 'column 1'") as caught:
        regressor(solver=solver).fit(frame, VALUES)
    assert "How it came about" in str(caught.value)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_divergence_is_called_that(engine):
    model = regressor(
        solver="sgd", learning_rate_init=1e160, engine=engine, max_iter=10, momentum=0.0
    )
    with pytest.raises(NonFiniteLossError, match=r"of epoch \d: .*learning_rate_init"):
        model.fit(VALUES_X, VALUES)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_minibatch_without_weight_is_called_that(engine):
    weight = np.where(np.arange(150) < 20, 0.0, 1.0)
    model = classifier(batch_size=10, shuffle=False, engine=engine)
    message = "step 1 of epoch 1: all 10 rows .* weight 0.* Leave the rows .* batch_size larger"
    with pytest.raises(NonFiniteLossError, match=message) as caught:
        model.fit(X, Y, weight)
    assert "learning_rate_init" not in str(caught.value)


def test_divergence_with_early_stopping_keeps_the_best_weights():
    model = regressor(
        solver="sgd", activation="identity", learning_rate_init=1.0, early_stopping=True
    )
    with pytest.warns(UserWarning, match="the weights with the best validation score are kept"):
        model.fit(VALUES_X, VALUES)
    assert np.isfinite(model.predict(VALUES_X)).all()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"activation": "swish"}, "'activation' parameter of MLPClassifier must be a str among"),
        ({"solver": "newton"}, "'solver' parameter of MLPClassifier must be"),
        ({"loss": "squared_error"}, "'loss' parameter of MLPClassifier must be"),
        ({"engine": "fast"}, "'engine' parameter of MLPClassifier must be"),
        ({"dropout": 1.0}, "'dropout' parameter of MLPClassifier must be"),
        ({"callbacks": [print, 3]}, "'callbacks' parameter of MLPClassifier must hold.* Got 3 in"),
        ({"callbacks": print}, "'callbacks' parameter of MLPClassifier must be a list"),
        ({"n_threads": 0}, "'n_threads' parameter of MLPClassifier must be"),
        ({"hidden_layer_sizes": (4, 0)}, r"hidden_layer_sizes must be > 0, got \[4, 0\]"),
    ],
    ids=str,
)
def test_unknown_values_of_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(X, Y)


@pytest.mark.parametrize("size", [10.5, 10.0, True, "a", [4], np.nan, None], ids=repr)
def test_sizes_of_layers_that_are_not_whole_numbers_are_refused(size):
    message = f"hidden_layer_sizes must hold whole numbers, but got {size!r}: give the units"
    with pytest.raises(ValueError, match=re.escape(message)):
        classifier(hidden_layer_sizes=[4, size]).fit(X, Y)


@pytest.mark.parametrize("sizes", [3, np.int32(3), np.array([3]), [np.int64(3)]], ids=repr)
def test_sizes_of_layers_may_be_whole_numbers_of_any_type(sizes):
    assert classifier(hidden_layer_sizes=sizes, max_iter=1).fit(X, Y).coefs_[0].shape == (4, 3)


@pytest.mark.parametrize(
    "rows, targets, message",
    [
        (np.where(np.arange(600).reshape(150, 4) == 9, np.nan, X), Y, "Input X contains NaN"),
        (np.where(np.arange(600).reshape(150, 4) == 9, np.inf, X), Y, "Input X contains infinity"),
        (X[:0], Y[:0], "0 sample"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X, np.where(Y == 1, np.nan, Y), "Input y contains NaN"),
    ],
)
def test_bad_data_is_refused(rows, targets, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(rows, targets)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_negative_sample_weights_are_refused(make):
    weight = np.where(np.arange(150) == 3, -1.0, 1.0)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        make().fit(X, Y, weight)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        make().fit(X, Y, validation_data=(X, Y, weight))


@pytest.mark.parametrize("factor", [-1, np.nan, np.inf])
def test_class_weights_that_are_negative_or_not_finite_are_refused(factor):
    with pytest.raises(ValueError, match=f"finite factor of 0 or more, but got .*{factor}"):
        classifier(class_weight={0: 1, 1: factor, 2: 1}).fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_that_leave_no_row_are_refused(solver):
    with pytest.raises(ValueError, match="leaves no row of a weight above 0"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}, solver=solver).fit(X, Y)


def test_one_class_only_is_refused():
    with pytest.raises(ValueError, match=r"one class only, 'a'.*at least two classes"):
        classifier().fit(X, np.full(150, "a"))


def test_a_refused_refit_leaves_the_model_as_it_was():
    model = classifier().fit(X, Y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="one class only"):
        model.fit(X, np.zeros(150))
    np.testing.assert_array_equal(model.predict(X), before)


def test_columns_must_be_those_of_the_fit():
    model = classifier().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        model.predict(X[:, :3])


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match=r"'poisson' is for counts, but y has negative values"):
        regressor(loss="poisson").fit(VALUES_X, VALUES)


def test_a_warm_start_needs_the_same_layers():
    model = classifier(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"layers of sizes \(4, 6, 3\), but now \(4, 9, 3\)"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, Y)


def test_the_hinge_loss_has_margins_in_the_place_of_probabilities():
    model = classifier(loss="hinge").fit(X, Y)
    margins = model.decision_function(X)
    assert margins.shape == (len(X), 3)
    np.testing.assert_array_equal(model.classes_[margins.argmax(axis=1)], model.predict(X))
    two = classifier(loss="hinge", scoring="roc_auc").fit(X, Y == 1)
    assert two.decision_function(X).shape == (len(X),)
    np.testing.assert_array_equal(two.decision_function(X) > 0, two.predict(X))
    assert len(two.history_["training_roc_auc"]) == two.n_iter_
    assert not hasattr(classifier(), "decision_function")


def test_partial_fit_is_for_stochastic_solvers():
    for model in (classifier(solver="lbfgs"), regressor(solver="lbfgs")):
        assert not hasattr(model, "partial_fit")


def test_the_engine_asked_for_is_the_engine_used(monkeypatch):
    asked = []
    get_engine = compiled_module.get_engine
    monkeypatch.setattr(
        compiled_module, "get_engine", lambda name: asked.append(name) or get_engine(name)
    )
    classifier(engine="reference").fit(X, Y).predict(X)
    assert set(asked) == {"reference"}
    MLPClassifier(max_iter=1).fit(X, Y).predict(X)
    assert set(asked) == {"reference", "native"}


# --- prediction --------------------------------------------------------------------------


@pytest.mark.parametrize("y", [TWO, Y, make_multilabel_classification(150, 4, random_state=0)[1]])
def test_log_probabilities_are_those_of_the_probabilities_and_never_infinite(y):
    model = classifier(max_iter=50).fit(X, y)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(probabilities), rtol=1e-9)
    assert np.isfinite(model.predict_log_proba(1e6 * X)).all()
    if y.ndim == 1:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


def test_poisson_predicts_means():
    counts = np.random.default_rng(0).poisson(np.exp(VALUES_X[:, 2]))
    model = regressor(loss="poisson", solver="lbfgs", max_iter=100).fit(VALUES_X, counts)
    raw = np.maximum(VALUES_X @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1]
    np.testing.assert_allclose(model.predict(VALUES_X), np.exp(raw + model.intercepts_[1]).ravel())


def test_the_sum_of_several_outputs_is_descended_and_their_mean_reported():
    pair = np.stack([VALUES, VALUES_X[:, 0]], axis=1)
    model = regressor(solver="lbfgs", alpha=0.0, max_iter=300).fit(VALUES_X, pair)
    error = ((model.predict(VALUES_X) - pair) ** 2).mean()
    np.testing.assert_allclose(model.loss_, error / 2)


def test_large_inputs_are_predicted_in_blocks(monkeypatch):
    model = classifier().fit(X, Y)
    at_once = model.predict_proba(X)
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 0)  # 64 rows
    seen = []
    program = model._built[next(key for key in model._built if "outputs" in str(key))]
    kind = type(program)
    call = kind.__call__
    monkeypatch.setattr(
        kind, "__call__", lambda self, *given: seen.append(len(given[0])) or call(self, *given)
    )
    for n_threads in (1, 2):
        seen.clear()
        in_blocks = model.set_params(n_threads=n_threads).predict_proba(X)
        np.testing.assert_allclose(in_blocks, at_once, rtol=1e-13)
        assert sorted(seen) == [22, 64, 64]


def test_prediction_follows_weights_that_were_set_by_hand():
    model = regressor().fit(VALUES_X, VALUES)
    model.predict(VALUES_X)
    model.coefs_[1][:] = 0.0
    model.intercepts_[1] = np.array([7.0])
    np.testing.assert_array_equal(model.predict(VALUES_X), 7.0)


def test_sparse_rows_count_as_dense_ones():
    cut = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = classifier().fit(cut, Y)
    for kind in (sparse.csr_matrix, sparse.csc_array):
        model = classifier().fit(kind(cut), Y)
        np.testing.assert_array_equal(model.coefs_[0], dense.coefs_[0])
        np.testing.assert_array_equal(model.predict_proba(kind(cut)), dense.predict_proba(cut))


# --- copies, thrift ----------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_pickled_model_predicts_and_goes_on_learning(engine):
    model = classifier(engine=engine, batch_size=50).fit(X, Y)
    model.predict(X)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    for each in (model, copy):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(copy.coefs_[0], model.coefs_[0])


def test_a_clone_is_new():
    model = classifier().fit(X, Y)
    copy = clone(model)
    assert not hasattr(copy, "coefs_")
    np.testing.assert_array_equal(copy.fit(X, Y).coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_are_not_copied(monkeypatch, dtype, early_stopping):
    rows = np.ascontiguousarray(VALUES_X, dtype=dtype)
    given = []
    get_engine = compiled_module.get_engine

    def spying(name):
        engine = get_engine(name)
        compile_step = engine.compile_step
        engine.compile_step = lambda step, dtype, data, *rest, **more: (
            given.append(data[0]) or compile_step(step, dtype, data, *rest, **more)
        )
        return engine

    monkeypatch.setattr(compiled_module, "get_engine", spying)
    regressor(early_stopping=early_stopping, max_iter=2).fit(rows, VALUES)
    assert np.shares_memory(given[0], rows)


def test_partial_fit_builds_its_graphs_once():
    model = regressor(loss="huber")
    model.partial_fit(VALUES_X, VALUES)
    known = dict(model._built)
    for _ in range(3):
        model.partial_fit(VALUES_X, VALUES)
    assert model._built == known


def test_same_data_seed_and_threads_give_the_same_bits():
    fits = [
        regressor(
            engine="native", random_state=2, n_threads=2, batch_size=33, max_iter=4, dropout=0.2
        )
        .fit(VALUES_X, VALUES)
        .coefs_[0]
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*fits)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_documentation_names_every_parameter(estimator):
    documented = re.findall(r"^    ([a-z][\w, ]*) : ", estimator.__doc__, re.MULTILINE)
    names = {name for line in documented for name in line.split(", ")}
    assert names >= estimator().get_params().keys()
    assert not re.search(r"\{[a-z]+\}", estimator.__doc__)
