"""Estimators work inside scikit-learn's own tools: searches, ensembles, inspection, pipelines."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  searches by halving
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale
from sklearn.semi_supervised import SelfTrainingClassifier

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True, as_frame=True)
X, Y = IRIS[0].iloc[::2], IRIS[1].iloc[::2]
TWO = (Y == 1).astype(int)
VALUES_X, VALUES = load_diabetes(return_X_y=True)
VALUES_X, VALUES = scale(VALUES_X[::4]), scale(VALUES[::4])


def classifier(**parameters):
    settings = {"max_iter": 40, "learning_rate_init": 0.05, "random_state": 0, **parameters}
    return cr.MLPClassifier((6,), **settings)


def regressor(**parameters):
    return cr.MLPRegressor(
        hidden_layer_sizes=(6,), max_iter=60, learning_rate_init=0.02, random_state=0, **parameters
    )


SCALED = make_pipeline(StandardScaler(), classifier())


@pytest.mark.parametrize(
    "tool",
    [
        SCALED,
        CalibratedClassifierCV(SCALED, cv=2),
        CalibratedClassifierCV(SCALED, method="temperature", cv=2),
        VotingClassifier([("a", SCALED), ("b", clone(SCALED))], voting="soft"),
        StackingClassifier([("a", SCALED), ("b", LogisticRegression())], cv=2),
        AdaBoostClassifier(classifier(), n_estimators=2, random_state=0),
        OneVsRestClassifier(SCALED),
        OneVsOneClassifier(SCALED),
        OutputCodeClassifier(SCALED, random_state=0),
        GridSearchCV(SCALED, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2),
        RandomizedSearchCV(
            SCALED, {"mlpclassifier__alpha": [1e-4, 1e-2]}, n_iter=2, cv=2, random_state=0
        ),
        HalvingGridSearchCV(
            SCALED,
            {"mlpclassifier__alpha": [1e-4, 1e-2]},
            cv=2,
            resource="mlpclassifier__max_iter",
            min_resources=20,
            max_resources=40,
            random_state=0,
        ),
        make_pipeline(
            SequentialFeatureSelector(classifier(max_iter=15), n_features_to_select=2, cv=2),
            SCALED,
        ),
    ],
    ids=lambda tool: type(tool).__name__,
)
def test_a_tool_for_classifiers_learns_iris(tool):
    assert clone(tool).fit(X, Y).score(X, Y) > 0.85


@pytest.mark.parametrize(
    "tool",
    [
        VotingRegressor([("a", regressor()), ("b", regressor(activation="tanh"))]),
        StackingRegressor([("a", regressor()), ("b", regressor(activation="tanh"))], cv=2),
        BaggingRegressor(regressor(), n_estimators=2, random_state=0),
        TransformedTargetRegressor(regressor(), transformer=StandardScaler()),
        GridSearchCV(regressor(), {"loss": ["huber", "squared_error"]}, cv=2),
    ],
    ids=lambda tool: type(tool).__name__,
)
def test_a_tool_for_regressors_learns(tool):
    assert clone(tool).fit(VALUES_X, VALUES).score(VALUES_X, VALUES) > 0.4


@pytest.mark.parametrize("tool", [MultiOutputRegressor, RegressorChain])
def test_tools_for_several_numbers(tool):
    pair = np.stack([VALUES, VALUES_X[:, 2]], axis=1)
    assert tool(regressor()).fit(VALUES_X, pair).score(VALUES_X, pair) > 0.4


@pytest.mark.parametrize("tool", [MultiOutputClassifier, ClassifierChain])
def test_tools_for_several_labels(tool):
    labels = np.stack([TWO, (Y == 0)], axis=1).astype(int)
    assert tool(SCALED).fit(X, labels).score(X, labels) > 0.8


def test_a_threshold_is_tuned():
    tuned = TunedThresholdClassifierCV(SCALED, cv=2, scoring="f1").fit(X, TWO)
    assert 0 < tuned.best_threshold_ < 1
    assert tuned.score(X, TWO) > 0.85


def test_rows_without_labels_are_labelled():
    partly = np.where(np.arange(len(Y)) % 3 == 0, -1, Y)
    assert SelfTrainingClassifier(SCALED).fit(X, partly).score(X, Y) > 0.85


def test_a_fitted_network_is_frozen():
    fitted = clone(SCALED).fit(X, TWO)
    frozen = CalibratedClassifierCV(FrozenEstimator(fitted)).fit(X, TWO)
    assert frozen.score(X, TWO) > 0.85


def test_importance_by_permutation_finds_what_matters():
    found = permutation_importance(
        clone(SCALED).fit(X, Y), X, Y, n_repeats=3, random_state=0, scoring="neg_log_loss"
    )
    by_name = dict(zip(X.columns, found.importances_mean, strict=True))
    assert by_name["petal length (cm)"] > by_name["sepal width (cm)"]


def test_partial_dependence_is_that_of_the_predictions():
    model = clone(SCALED).fit(X, TWO)
    found = partial_dependence(model, X, ["petal width (cm)"], grid_resolution=3)
    for value, average in zip(found["grid_values"][0], found["average"][0], strict=True):
        changed = X.assign(**{"petal width (cm)": value})
        assert average == pytest.approx(model.predict_proba(changed)[:, 1].mean())


def test_curves_of_learning_and_validation():
    _, train, test = learning_curve(SCALED, X, Y, cv=3, train_sizes=[0.5, 1.0], shuffle=True)
    assert train.shape == test.shape == (2, 3)
    assert test[1].mean() > 0.85
    _, partly = learning_curve(
        classifier(), scale(X), Y, cv=3, train_sizes=[0.5, 1.0], exploit_incremental_learning=True
    )[1:]
    assert partly.shape == (2, 3)
    curve = validation_curve(
        SCALED, X, Y, param_name="mlpclassifier__max_iter", param_range=[1, 40], cv=3
    )[1]
    assert curve[1].mean() > curve[0].mean()


def test_cross_validation_returns_fitted_estimators():
    found = cross_validate(SCALED, X, Y, cv=3, return_estimator=True, return_train_score=True)
    for pipeline, score in zip(found["estimator"], found["test_score"], strict=True):
        assert pipeline[-1].n_iter_ > 0
        assert score > 0.8
    votes = cross_val_predict(SCALED, X, Y, cv=3, method="predict_proba")
    np.testing.assert_allclose(votes.sum(axis=1), 1.0)


def test_features_are_eliminated_by_a_getter_of_importance():
    found = RFE(
        classifier(),
        n_features_to_select=2,
        importance_getter=lambda model: np.abs(model.coefs_[0]).sum(axis=1),
    ).fit(scale(X), Y)
    assert found.support_.sum() == 2


def test_columns_of_a_table_keep_their_names_through_a_pipeline():
    table = X.assign(garden=np.where(np.arange(len(X)) % 2, "north", "south"))
    numbers = ["petal length (cm)", "petal width (cm)"]
    columns = ColumnTransformer(
        [
            ("kept", "passthrough", numbers),
            ("coded", OneHotEncoder(sparse_output=False), ["garden"]),
        ]
    ).set_output(transform="pandas")
    model = make_pipeline(columns, classifier()).fit(table, Y)
    expected = [f"kept__{name}" for name in numbers] + [
        "coded__garden_north",
        "coded__garden_south",
    ]
    assert model[-1].feature_names_in_.tolist() == expected
    assert model.score(table, Y) > 0.85


# --- estimators that transform ------------------------------------------------------------

TRANSFORMERS = [
    cr.Autoencoder(n_components=2, max_iter=3),
    cr.DenoisingAutoencoder(n_components=2, max_iter=3),
    cr.SparseAutoencoder(n_components=2, max_iter=3),
    cr.VariationalAutoencoder(n_components=2, max_iter=3),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_codes_are_named_columns_of_a_table_where_one_is_asked_for(transformer, kind):
    if kind == "polars":
        pytest.importorskip("polars")
    model = clone(transformer).set_output(transform=kind)
    codes = model.fit(X, Y).transform(X)
    assert list(codes.columns) == list(model.get_feature_names_out())
    plain = clone(transformer).set_params(random_state=model.random_state).fit(X, Y)
    assert plain.transform(X).shape == codes.shape
    union = FeatureUnion([("code", clone(transformer)), ("same", "passthrough")])
    both = union.set_output(transform="pandas").fit(X, Y).transform(X)
    assert both.columns[-1] == f"same__{X.columns[-1]}"


# --- weights and other metadata that are passed on ---------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_search_and_a_pipeline():
    weight = np.where(Y == 2, 0.0, 1.0)
    model = classifier()
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    search = GridSearchCV(make_pipeline(scaler, model), {"mlpclassifier__alpha": [0.1]}, cv=3)
    search.fit(X, Y, sample_weight=weight)
    # Classes 0 and 1 alone count, in training and in scores.
    assert search.best_score_ > 0.95
    assert 2 not in search.predict(X)


@pytest.mark.usefixtures("routing")
def test_rows_to_validate_on_are_routed_whole_to_each_fit():
    model = classifier().set_fit_request(validation_data=True)
    rows = scale(X)
    validation = (rows[1::2], Y[1::2])
    search = GridSearchCV(model, {"alpha": [0.1, 0.2]}, cv=2)
    search.fit(rows[::2], Y[::2], validation_data=validation)
    best = search.best_estimator_
    assert best.history_["validation_score"][-1] == best.score(*validation)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("name", ["sample_weight", "validation_data"])
def test_metadata_that_nobody_asked_for_are_refused(name):
    with pytest.raises(ValueError, match=rf"\[{name}\] are passed but are not explicitly set"):
        GridSearchCV(classifier(), {"alpha": [0.1]}, cv=2).fit(X, Y, **{name: [1.0] * len(Y)})
