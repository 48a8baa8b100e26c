"""The perceptrons take scikit-learn's place: parameters, attributes, exceptions and warnings.

What is refused here is compared with what the installed scikit-learn says; its weights are those of
test_mlp_follows_scikit_learn.py.
"""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network as peer
from scipy import sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.preprocessing import scale

import chainrule as cr

X, Y = load_iris(return_X_y=True)
X = scale(X)
ONES = np.ones(len(Y))
LABELS_X, LABELS = make_multilabel_classification(80, 6, n_classes=4, random_state=0)
NAMED = pd.DataFrame(X, columns=list("abcd"))


def mlp(library, kind, **parameters):
    return getattr(library, f"MLP{kind}")(random_state=0, **{"max_iter": 3, **parameters})


# --- what there is -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_parameters_stand_in_the_same_order_with_the_same_defaults(name):
    theirs, ours = (inspect.signature(getattr(each, name)).parameters for each in (peer, cr))
    assert list(ours)[: len(theirs)] == list(theirs)
    for parameter, described in theirs.items():
        assert (
            ours[parameter].replace(annotation=described.annotation) == described
        )  # ours has types
    assert all(each.kind == each.KEYWORD_ONLY for each in list(ours.values())[len(theirs) :])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_methods_take_the_same_arguments(name):
    theirs, ours = getattr(peer, name), getattr(cr, name)
    for method in dir(theirs):
        if method.startswith("_"):
            continue
        expected = [*inspect.signature(getattr(theirs, method)).parameters.values()]
        found = [*inspect.signature(getattr(ours, method)).parameters.values()]
        for mine, other in zip(found, expected, strict=False):
            assert (mine.name, mine.default) == (other.name, other.default), method
        assert {each.name for each in expected} <= {each.name for each in found}, method


def described(value):
    """The type of a learned attribute, with the shapes and precisions of arrays."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype
    if isinstance(value, list):
        return [described(each) for each in value]
    return float if isinstance(value, float) else type(value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize(
    "kind, rows, targets",
    [
        ("Classifier", X, Y),
        ("Classifier", NAMED, np.array(["a", "b"])[Y % 2]),
        ("Classifier", LABELS_X, LABELS),
        ("Regressor", X.astype(np.float32), Y),
        ("Regressor", X, np.stack([Y, Y], axis=1)),
    ],
    ids=["classes", "two names", "labels", "single precision", "two outputs"],
)
def test_attributes_after_a_fit(kind, rows, targets, solver, early_stopping):
    models = [
        mlp(library, kind, solver=solver, early_stopping=early_stopping).fit(rows, targets)
        for library in (peer, cr)
    ]
    theirs, ours = (
        {name: described(value) for name, value in vars(each).items() if name.endswith("_")}
        for each in models
    )
    if solver == "lbfgs" and getattr(rows, "dtype", None) == np.float32:
        # SciPy works in double precision, and scikit-learn keeps what it is given back; here,
        # weights and predictions stay as the rows are.
        assert {each.dtype for each in models[1].coefs_} == {np.dtype(np.float32)}
        assert models[1].predict(rows).dtype == np.float32
        for each in (theirs, ours):
            del each["coefs_"], each["intercepts_"]
    else:
        for method in {"predict", "predict_proba", "predict_log_proba"} & set(dir(models[0])):
            results = [described(getattr(each, method)(rows)) for each in models]
            assert results[0] == results[1]
    assert {name: ours.get(name) for name in theirs} == theirs
    assert ours.keys() - theirs.keys() == {"history_"}


# --- what is refused, and what is warned of ----------------------------------------------


def fitted(library, kind="Classifier", **parameters):
    return mlp(library, kind, **parameters).fit(X, Y)


def first_part(library, **parameters):
    return mlp(library, "Classifier", **parameters).partial_fit(X, Y, classes=[0, 1, 2])


SAME = {
    "alpha": lambda lib: fitted(lib, alpha=-1),
    "batch_size": lambda lib: fitted(lib, batch_size=0),
    "learning_rate_init": lambda lib: fitted(lib, learning_rate_init=0),
    "momentum": lambda lib: fitted(lib, momentum=2),
    "max_fun": lambda lib: fitted(lib, max_fun=0),
    "n_iter_no_change": lambda lib: fitted(lib, n_iter_no_change=0.5),
    "early_stopping": lambda lib: fitted(lib, early_stopping="yes"),
    "validation_fraction": lambda lib: fitted(lib, validation_fraction=1),
    "max_iter": lambda lib: fitted(lib, max_iter=0),
    "an unknown parameter": lambda lib: mlp(lib, "Classifier", units=3),
    "not fitted": lambda lib: mlp(lib, "Classifier").predict(X),
    "no probabilities before a fit": lambda lib: mlp(lib, "Classifier").predict_proba(X),
    "NaN": lambda lib: mlp(lib, "Classifier").fit(np.where(X > 2, np.nan, X), Y),
    "infinity in a sparse matrix": lambda lib: mlp(lib, "Classifier").fit(
        sparse.csr_matrix(np.where(X > 2, np.inf, X)), Y
    ),
    "NaN in y": lambda lib: mlp(lib, "Regressor").fit(X, np.where(Y > 1, np.nan, Y)),
    "one dimension": lambda lib: mlp(lib, "Classifier").fit(X[:, 0], Y),
    "no rows": lambda lib: mlp(lib, "Classifier").fit(X[:0], Y[:0]),
    "no y": lambda lib: mlp(lib, "Classifier").fit(X, None),
    "y too short": lambda lib: mlp(lib, "Classifier").fit(X, Y[:-1]),
    "y a column": lambda lib: mlp(lib, "Classifier").fit(X, Y[:, None]),
    "y of fractions": lambda lib: mlp(lib, "Classifier").fit(X, Y + 0.5 * X[:, 0]),
    "y of two columns of classes": lambda lib: mlp(lib, "Classifier").fit(X, np.stack([Y, Y], 1)),
    "y of mixed types": lambda lib: mlp(lib, "Classifier").fit(X, np.array(["a", 1, "c"], "O")[Y]),
    "complex numbers": lambda lib: mlp(lib, "Classifier").fit(X + 1j, Y),
    "text": lambda lib: mlp(lib, "Classifier").fit(np.full(X.shape, "a"), Y),
    "weights too short": lambda lib: mlp(lib, "Classifier").fit(X, Y, ONES[:-1]),
    "weights of two dimensions": lambda lib: mlp(lib, "Classifier").fit(X, Y, ONES[:, None]),
    "weights of NaN": lambda lib: mlp(lib, "Classifier").fit(X, Y, np.nan * ONES),
    "weights of 0": lambda lib: mlp(lib, "Classifier").fit(X, Y, 0 * ONES),
    "fewer features": lambda lib: fitted(lib).predict(X[:, :2]),
    "names lost": lambda lib: mlp(lib, "Classifier").fit(NAMED, Y).predict(X),
    "names that are new": lambda lib: fitted(lib).predict(NAMED),
    "names in another order": lambda lib: (
        mlp(lib, "Classifier").fit(NAMED, Y).predict(NAMED[list("abdc")])
    ),
    "not converged": lambda lib: fitted(lib),
    "not converged, L-BFGS": lambda lib: fitted(lib, solver="lbfgs"),
    "too few evaluations": lambda lib: fitted(lib, solver="lbfgs", max_fun=2),
    "batch too large": lambda lib: fitted(lib, batch_size=1000),
    "partial_fit with L-BFGS": lambda lib: first_part(lib, solver="lbfgs"),
    "partial_fit without classes": lambda lib: mlp(lib, "Classifier").partial_fit(X, Y),
    "partial_fit, wrong classes": lambda lib: mlp(lib, "Classifier").partial_fit(
        X, Y, classes=[0, 1]
    ),
    "partial_fit, other classes": lambda lib: first_part(lib).partial_fit(X, Y, classes=[0, 1, 3]),
    "partial_fit, new class": lambda lib: first_part(lib).partial_fit(X, Y + 1),
    "partial_fit, fewer features": lambda lib: first_part(lib).partial_fit(X[:, :2], Y),
    "partial_fit, labels": lambda lib: (
        mlp(lib, "Classifier")
        .partial_fit(LABELS_X, LABELS, classes=[0, 1, 2, 3])
        .partial_fit(LABELS_X[:3], LABELS[:3])
    ),
    "partial_fit, fewer labels": lambda lib: (
        mlp(lib, "Classifier")
        .partial_fit(LABELS_X, LABELS, classes=[0, 1, 2, 3])
        .partial_fit(LABELS_X, LABELS[:, :2])
    ),
    "warm start, other classes": lambda lib: fitted(lib, warm_start=True).fit(X, Y + 1),
    "warm start, fewer features": lambda lib: fitted(lib, warm_start=True).fit(X[:, :2], Y),
    "too few rows to validate": lambda lib: mlp(lib, "Regressor", early_stopping=True).fit(
        X[:5], Y[:5]
    ),
    "scored with too few rows": lambda lib: fitted(lib).score(X[:3], Y),
    "sparse labels": lambda lib: mlp(lib, "Classifier").fit(LABELS_X, sparse.csr_matrix(LABELS)),
    "lists": lambda lib: mlp(lib, "Classifier").fit(X.tolist(), Y.tolist()),
    "half precision": lambda lib: mlp(lib, "Regressor").fit(X.astype(np.float16), Y),
    "a sparse matrix of coordinates": lambda lib: mlp(lib, "Classifier").fit(
        sparse.coo_matrix(X), Y
    ),
    "text among rows to predict": lambda lib: fitted(lib).predict(np.full(X.shape, "a")),
}


def outcome(act, library):
    """The exception and the warnings of an action: types and texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act(library)
            error = None
        except Exception as raised:
            # They list all parameters that there are, and ours are more.
            error = type(raised).__name__, str(raised).partition("Valid parameters")[0]
    said = {(each.category.__name__, str(each.message)) for each in caught}
    return error, {(kind, text) for kind, text in said if kind != "RuntimeWarning"}


@pytest.mark.parametrize("case", SAME)
def test_what_is_refused_or_warned_of_is_said_in_scikit_learns_words(case):
    expected, found = (outcome(SAME[case], library) for library in (peer, cr))
    if case == "an unknown parameter":
        assert found[0][0] == expected[0][0] == "TypeError"
    else:
        assert found == expected


REFUSED_HERE = {
    "one class only": (lambda lib: mlp(lib, "Classifier").fit(X, 0 * Y), "one class only, 0"),
    "a negative weight": (
        lambda lib: mlp(lib, "Classifier").fit(X, Y, np.where(Y == 0, -1.0, 1.0)),
        "Negative values in data passed to `sample_weight`",
    ),
    "negative counts": (
        lambda lib: mlp(lib, "Regressor", loss="poisson").fit(X, Y - 1),
        "y has negative values",
    ),
    "other layers in a warm start": (
        lambda lib: fitted(lib, warm_start=True).set_params(hidden_layer_sizes=(3,)).fit(X, Y),
        r"layers of sizes \(4, 100, 3\), but now \(4, 3, 3\) are asked for",
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", REFUSED_HERE)
def test_what_scikit_learn_takes_and_is_refused_here(case):
    act, message = REFUSED_HERE[case]
    act(peer)
    with pytest.raises(ValueError, match=message):
        act(cr)


@pytest.mark.parametrize("y", [np.array(["1", "b", "3"])[Y], sparse.csr_matrix(LABELS)])
def test_targets_that_are_no_numbers_are_named(y):
    with pytest.raises(ValueError, match="y must hold numbers in a dense array"):
        mlp(cr, "Regressor").fit(X[: y.shape[0]], y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_starts_from_weights_that_were_set_by_hand():
    models = []
    for library in (peer, cr):
        model = mlp(library, "Regressor", solver="sgd", hidden_layer_sizes=(2,))
        model.fit(X, Y)
        model.set_params(warm_start=True, max_iter=5)
        model.coefs_ = [np.full((4, 2), 0.1), np.full((2, 1), -0.2)]
        model.intercepts_ = [np.array([0.3, -0.1]), np.array([0.5])]
        models.append(model.fit(X, Y))
    for theirs, ours in zip(*(each.coefs_ for each in models), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_weights_set_by_hand_must_fit_together():
    model = mlp(cr, "Regressor", hidden_layer_sizes=(2,), n_iter_no_change=1, tol=10, max_iter=50)
    model.fit(X, Y)
    model.coefs_[1] = np.ones((3, 1))
    with pytest.raises(ValueError, match="Training goes on from layers of"):
        model.partial_fit(X, Y)
