"""LinearRegression: scikit-learn's contract, the solvers against each other, and bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from scipy.linalg import LinAlgWarning
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.engines.native.loop import NativeLoop
from chainrule.engines.registry import ENGINES
from chainrule.errors import NonFiniteLossError
from chainrule.estimators.linear import LinearRegression
from chainrule.estimators.loading import load

ENGINE = "native"


@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression("gradient_descent", engine=ENGINE),
        LinearRegression("gradient_descent", engine=ENGINE, batch_size=16, random_state=0),
        LinearRegression("random_search", engine=ENGINE, random_state=0),
    ],
    expected_failed_checks=lambda estimator: (
        {"check_sample_weight_equivalence_on_dense_data": "other rows make other minibatches"}
        if estimator.batch_size
        else {}
    ),
)
# The checks cut max_iter to 5, and some of their data has dependent columns.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def peer(X, y, sample_weight=None, **parameters):
    return sklearn.linear_model.LinearRegression(**parameters).fit(X, y, sample_weight)


def assert_same_solution(model, expected, atol):
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=atol)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=0, atol=atol)


# --- the normal equation -----------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("order", ["C", "F"])
def test_normal_equation_equals_scikit_learn(fit_intercept, weighted, targets, order):
    random = np.random.default_rng(0)
    X = np.asarray(random.normal(1.0, 2.0, (200, 7)), order=order)
    y = random.normal(size=200 if targets is None else (200, targets)) + X[:, :1].sum(axis=1).mean()
    weight = random.uniform(0, 2, 200) if weighted else None
    model = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    expected = peer(X, y, weight, fit_intercept=fit_intercept)
    assert_same_solution(model, expected, atol=1e-8)
    assert model.coef_.shape == expected.coef_.shape
    assert np.shape(model.intercept_) == np.shape(expected.intercept_)
    assert model.rank_ == expected.rank_
    np.testing.assert_allclose(model.singular_, expected.singular_)
    np.testing.assert_allclose(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["normal_equation", "gradient_descent", "random_search"])
def test_coefficients_have_the_precision_of_the_input(diabetes, dtype, solver):
    X, y = diabetes
    model = LinearRegression(solver, engine=ENGINE, n_trials=10, tol=1e-3)
    model.fit(X.astype(dtype), y)
    assert model.coef_.dtype == dtype
    assert model.intercept_.dtype == dtype
    assert model.predict(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize(
    "solver, parameter",
    [("gradient_descent", {"tol": 1e-3}), ("random_search", {"n_trials": 10})],
)
def test_no_intercept_leaves_it_at_zero(diabetes, solver, parameter):
    X, y = diabetes
    model = LinearRegression(solver, fit_intercept=False, engine=ENGINE, **parameter).fit(X, y)
    assert model.intercept_ == 0.0


def test_dependent_columns_give_the_smallest_coefficients_and_a_warning():
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(100, 3)), columns=["width", "depth", "price"])
    table["both"] = table["width"] + 2 * table["depth"]
    y = random.normal(size=100)
    with pytest.warns(LinAlgWarning, match="'width', 'depth', 'both' .*rank 3 of 4") as caught:
        model = LinearRegression().fit(table, y)
    assert caught[0].filename == __file__
    assert_same_solution(model, peer(table, y), atol=1e-8)
    assert model.rank_ == 3


def test_fewer_rows_than_columns_give_the_smallest_coefficients_and_a_warning():
    random = np.random.default_rng(2)
    X, y = random.normal(size=(4, 9)), random.normal(size=4)
    with pytest.warns(LinAlgWarning, match="4 rows cannot determine 9 coefficients"):
        model = LinearRegression().fit(X, y)
    assert_same_solution(model, peer(X, y), atol=1e-8)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_input_is_neither_changed_nor_copied(order, monkeypatch):
    X = np.asarray(np.random.default_rng(3).normal(size=(50, 3)), order=order)
    before = X.copy()
    seen = []
    solve = LinearRegression._solve
    monkeypatch.setattr(
        LinearRegression, "_solve", lambda self, X, *rest: seen.append(X) or solve(self, X, *rest)
    )
    LinearRegression().fit(X, X[:, 0])
    assert np.shares_memory(seen[0], X)
    np.testing.assert_array_equal(X, before)


# --- gradient descent --------------------------------------------------------------------


@pytest.mark.parametrize("learning_rate_init", ["auto", 0.2])
def test_gradient_descent_reaches_the_normal_equation(diabetes, learning_rate_init):
    X, y = diabetes
    model = LinearRegression(
        "gradient_descent", engine=ENGINE, learning_rate_init=learning_rate_init
    ).fit(X, y)
    assert_same_solution(model, LinearRegression().fit(X, y), atol=1e-4)
    assert model.n_iter_ < model.max_iter


def test_the_first_step_of_gradient_descent_is_that_of_the_lecture():
    """L3 and L6: for y = 0.5x + 4 at x = 3, the gradient at w = b = 0 is (-2·5.5·3, -2·5.5)."""
    model = LinearRegression(
        "gradient_descent", engine=ENGINE, learning_rate_init=0.01, max_iter=1, record_path=True
    )
    with pytest.warns(ConvergenceWarning, match="not settled after 1 iterations"):
        model.fit([[3.0]], [5.5])
    np.testing.assert_allclose(model.path_, [[0.0, 0.0], [0.33, 0.11]])
    assert model.history_["loss"] == [30.25]


def test_a_path_leads_from_zero_to_the_coefficients(diabetes):
    X, y = diabetes
    Y = np.column_stack([y, -y, X[:, 0]])
    model = LinearRegression("gradient_descent", engine=ENGINE, tol=1e-4, record_path=True)
    model.fit(X, Y)
    assert model.path_.shape == (model.n_iter_ + 1, 3, 11)
    assert not model.path_[0].any()
    np.testing.assert_array_equal(model.path_[-1, :, :-1], model.coef_)
    np.testing.assert_array_equal(model.path_[-1, :, -1], model.intercept_)
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}
    assert (np.diff(model.history_["loss"]) <= 0).all()


def test_a_learning_rate_just_above_the_limit_diverges_and_just_below_does_not(diabetes):
    X, y = diabetes
    largest = max(np.linalg.eigvalsh(2 / len(X) * X.T @ X).max(), 2.0)
    below = LinearRegression(
        "gradient_descent", engine=ENGINE, learning_rate_init=1.99 / largest, tol=1e-4
    ).fit(X, y)
    assert below.loss_ < 2900
    above = LinearRegression("gradient_descent", engine=ENGINE, learning_rate_init=2.1 / largest)
    limit = rf"2/λmax = {2 / largest:.4g} on"
    with pytest.raises(NonFiniteLossError, match=f"too large: from {limit}"):
        above.fit(X, y)
    with pytest.warns(ConvergenceWarning, match=f"moves away .* from {limit}") as caught:
        above.set_params(max_iter=40).fit(X, y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("batch_size", [None, 50])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_engines_take_the_same_path(diabetes, batch_size, weighted):
    X, y = diabetes
    weight = np.random.default_rng(0).uniform(0, 2, len(X)) if weighted else None
    native, reference = (
        LinearRegression(
            "gradient_descent",
            engine=engine,
            batch_size=batch_size,
            max_iter=20,
            random_state=0,
            record_path=True,
        ).fit(X, y, weight)
        for engine in ENGINES
    )
    np.testing.assert_allclose(native.path_, reference.path_, rtol=1e-10, atol=1e-10)


def test_minibatches_come_near_the_normal_equation(diabetes):
    X, y = diabetes
    model = LinearRegression(
        "gradient_descent",
        engine=ENGINE,
        batch_size=32,
        learning_rate_init=0.001,
        random_state=0,
    ).fit(X, y)
    assert model.loss_ < 1.01 * LinearRegression().fit(X, y).loss_
    again = LinearRegression(**model.get_params()).fit(X, y)
    np.testing.assert_array_equal(model.coef_, again.coef_)


def test_minibatches_that_diverge_are_not_taken_for_settled():
    X = np.random.default_rng(0).normal(size=(50, 3))
    model = LinearRegression(
        "gradient_descent", batch_size=5, learning_rate_init=1.0, engine=ENGINE, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="moves away from the minimum"):
        model.fit(X, X.sum(axis=1))


@pytest.mark.parametrize("learning_rate_init", ["auto", 0.1])
def test_gradient_descent_on_values_whose_squares_overflow_says_to_scale_them(learning_rate_init):
    X = np.random.default_rng(0).normal(size=(20, 2)) * 1e200
    model = LinearRegression(
        "gradient_descent", learning_rate_init=learning_rate_init, engine=ENGINE
    )
    with pytest.raises(NonFiniteLossError, match="to one scale"):
        model.fit(X, np.ones(20))


def test_ctrl_c_leaves_the_model_usable(diabetes, monkeypatch):
    X, y = diabetes
    steps = iter(range(20))
    run = NativeLoop.run

    def run_until_interrupted(*arguments):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return run(*arguments)

    monkeypatch.setattr(NativeLoop, "run", run_until_interrupted)
    model = LinearRegression("gradient_descent", engine="native")
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.n_iter_ == 20
    assert model.loss_ < np.var(y) + y.mean() ** 2
    assert model.predict(X).shape == y.shape


def test_a_row_of_weight_two_counts_as_two_rows(diabetes):
    X, y = diabetes
    X, y = X[:60], y[:60]
    weight = np.arange(60) % 3
    parameters = {"solver": "gradient_descent", "engine": ENGINE, "learning_rate_init": 0.1}
    weighted = LinearRegression(**parameters, tol=1e-6).fit(X, y, weight)
    repeated = LinearRegression(**parameters, tol=1e-6).fit(X.repeat(weight, 0), y.repeat(weight))
    assert_same_solution(weighted, repeated, atol=1e-8)
    assert weighted.loss_ == pytest.approx(repeated.loss_)


# --- random search -----------------------------------------------------------------------


def test_random_search_keeps_the_best_of_its_guesses(diabetes):
    X, y = diabetes
    model = LinearRegression(
        "random_search", engine=ENGINE, n_trials=200, random_state=0, record_path=True
    ).fit(X, y)
    guesses = model.path_
    losses = np.mean((X @ guesses[:, :-1].T + guesses[:, -1] - y[:, np.newaxis]) ** 2, axis=0)
    np.testing.assert_allclose(model.history_["loss"], np.minimum.accumulate(losses))
    assert model.loss_ == pytest.approx(losses.min())
    np.testing.assert_array_equal(model.coef_, guesses[losses.argmin(), :-1])
    assert model.history_["trial"] == list(range(1, 201))
    assert model.loss_ > LinearRegression().fit(X, y).loss_


# --- what all solvers promise ------------------------------------------------------------


@pytest.mark.parametrize("solver", ["normal_equation", "gradient_descent", "random_search"])
@pytest.mark.parametrize("weighted", [True, False])
def test_loss_is_the_mean_squared_error(diabetes, solver, weighted):
    X, y = diabetes
    weight = np.random.default_rng(0).uniform(0, 2, len(X)) if weighted else None
    model = LinearRegression(solver, engine=ENGINE, tol=1e-4, n_trials=20, random_state=0)
    model.fit(X, y, weight)
    assert model.loss_ == pytest.approx(np.average((model.predict(X) - y) ** 2, weights=weight))


def test_loss_of_a_perfect_fit_keeps_its_digits():
    X = np.random.default_rng(0).normal(size=(100, 3))
    assert LinearRegression().fit(X, X @ [1.0, 2.0, 3.0] + 4.0).loss_ < 1e-28


@pytest.mark.parametrize("solver", ["normal_equation", "gradient_descent", "random_search"])
@pytest.mark.parametrize(
    "value, message", [(np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")]
)
def test_values_that_are_not_finite_are_refused(solver, value, message):
    X = np.ones((5, 3))
    X[3, 1] = value
    with pytest.raises(ValueError, match=message):
        LinearRegression(solver, engine=ENGINE).fit(X, np.ones(5))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("rows", [5, 100_000])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_message_names_row_and_column(value, rows, fit_intercept):
    table = pd.DataFrame(np.ones((rows, 3)), columns=["a", "b", "c"])
    table.loc[rows - 2, "b"] = value
    table.loc[rows - 1, "a"] = np.nan
    with pytest.raises(ValueError, match=rf"in row {rows - 2} \(counted from 0\), column 'b'"):
        LinearRegression(fit_intercept=fit_intercept).fit(table, np.ones(rows))


def test_a_place_that_is_not_finite_is_found_under_weight_zero():
    X = np.ones((5, 2))
    X[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"row 1 .* column 0"):
        LinearRegression().fit(X, np.ones(5), sample_weight=[1, 0, 1, 1, 1])


def test_values_whose_squares_overflow_are_solved_all_the_same():
    X = np.random.default_rng(0).normal(size=(20, 2)) * 1e200
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearRegression().fit(X, X[:, 0] / 1e200)
    np.testing.assert_allclose(model.coef_, [1e-200, 0.0], atol=1e-210)


def test_sparse_input_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="dense data is required"):
        LinearRegression().fit(sparse.csr_array(np.eye(3)), np.ones(3))


# --- callbacks ---------------------------------------------------------------------------

LINE_X = np.random.default_rng(0).normal(size=(40, 3))
LINE_Y = LINE_X @ [1.0, -2.0, 0.5] + 3.0


@pytest.mark.parametrize("y", [LINE_Y, np.column_stack([LINE_Y, LINE_X[:, 0]])])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_callbacks_are_told_of_gradient_descent_with_coefficients_that_predict(y, fit_intercept):
    seen = []

    def look(moment):
        if moment.epoch_ended:
            coefficients = (moment.estimator.coef_, moment.estimator.intercept_)
            assert moment.estimator.predict(LINE_X).shape == y.shape
            seen.append((moment.epoch, *(np.copy(each) for each in coefficients)))
        return moment.epoch == 4

    options = {"fit_intercept": fit_intercept, "record_path": True, "engine": ENGINE}
    model = LinearRegression("gradient_descent", callbacks=[look], **options).fit(LINE_X, y)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3, 4]
    assert model.n_iter_ == len(model.history_["loss"]) == 4
    for (_, coef, intercept), point in zip(seen, model.path_[1:], strict=True):
        np.testing.assert_array_equal(coef, point[..., :-1])
        np.testing.assert_array_equal(np.broadcast_to(intercept, y.shape[1:]), point[..., -1])


def test_callbacks_change_nothing_that_is_learned():
    plain = LinearRegression("gradient_descent", engine=ENGINE).fit(LINE_X, LINE_Y)
    seen = []
    watched = LinearRegression("gradient_descent", engine=ENGINE, callbacks=[seen.append])
    watched.fit(LINE_X, LINE_Y)
    np.testing.assert_array_equal(watched.coef_, plain.coef_)
    assert watched.n_iter_ == plain.n_iter_ == sum(each.epoch_ended for each in seen)


def test_after_a_callback_that_raises_the_model_is_as_the_last_step_left_it(tmp_path):
    def fragile(moment):
        if moment.epoch == 3 and moment.epoch_ended:
            raise ConnectionError("the server is gone")

    model = LinearRegression("gradient_descent", engine=ENGINE, callbacks=[fragile])
    with pytest.raises(ConnectionError):
        model.fit(LINE_X, LINE_Y)
    stopped = LinearRegression("gradient_descent", engine=ENGINE, max_iter=3)
    with pytest.warns(ConvergenceWarning):
        stopped.fit(LINE_X, LINE_Y)
    np.testing.assert_array_equal(model.predict(LINE_X), stopped.predict(LINE_X))
    assert model.n_iter_ == len(model.history_["loss"]) == 3
    model.set_params(callbacks=None).save(tmp_path / "line.safetensors")
    np.testing.assert_array_equal(load(tmp_path / "line.safetensors").coef_, model.coef_)


@pytest.mark.parametrize("solver", ["normal_equation", "random_search"])
def test_without_epochs_there_is_nothing_to_tell(solver):
    seen = []
    LinearRegression(solver, callbacks=[seen.append], random_state=0).fit(LINE_X, LINE_Y)
    assert not seen


@pytest.mark.parametrize("level", [True, 1, 2])
def test_verbose_prints_a_line_for_each_epoch(capsys, level):
    model = LinearRegression("gradient_descent", engine=ENGINE, verbose=level).fit(LINE_X, LINE_Y)
    assert capsys.readouterr().out.count("Iteration ") == model.n_iter_


def test_what_is_no_callback_is_refused():
    with pytest.raises(ValueError, match="must hold functions or other callables"):
        LinearRegression("gradient_descent", callbacks=[3]).fit(LINE_X, LINE_Y)
