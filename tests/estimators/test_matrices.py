"""``matrix_form`` and ``collapse`` of fitted estimators show what they compute."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr

X, Y = load_iris(return_X_y=True)


def fitted(model: Any, y: Any = Y) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def classifier(**parameters: Any) -> Any:
    return fitted(cr.MLPClassifier((5, 4), max_iter=20, random_state=0, **parameters))


def test_the_last_matrix_is_the_prediction() -> None:
    model = classifier()
    form = model.matrix_form(X[:7], entry=(6, 2))
    np.testing.assert_allclose(form.layers[-1].out.value, model.predict_proba(X[:7]), atol=1e-12)
    for k, layer in enumerate(form.layers):
        np.testing.assert_array_equal(layer.W.value, model.coefs_[k])
        np.testing.assert_array_equal(layer.b.value, model.intercepts_[k])
    assert form.entry.value == form.layers[-1].Z.value[6, 2]


def test_one_layer_of_a_model() -> None:
    form = classifier().matrix_form(X[:3], layer=2, entry=(1, 3))
    assert form.entry_layer == form.only == 2
    assert "Layer 2" in str(form)
    assert "Layer 1\n" not in str(form)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_the_loss_of_a_regressor_is_its_own(loss: str) -> None:
    model = fitted(
        cr.MLPRegressor(
            hidden_layer_sizes=(4,), loss=loss, activation="tanh", max_iter=5, random_state=0
        )
    )
    form = model.matrix_form(X[:9], y=Y[:9])
    output = model.predict(X[:9])
    expected = {
        "squared_error": 0.5 * np.mean((output - Y[:9]) ** 2),
        "absolute_error": np.mean(np.abs(output - Y[:9])),
    }
    if loss in expected:
        np.testing.assert_allclose(form.loss.value, expected[loss])
    assert form.notes == ("The penalty on the weights is left out.",)
    assert ("(output − y)/rows" in str(form)) == (loss in ("squared_error", "poisson"))


def test_gradients_of_a_classifier_are_those_of_its_log_loss() -> None:
    model = classifier(alpha=0.0)
    form = model.matrix_form(X, y=Y)
    chosen = model.predict_proba(X)[np.arange(len(Y)), Y]
    np.testing.assert_allclose(form.loss.value, -np.log(chosen).mean())
    assert form.notes == ()
    one_hot = np.eye(3)[Y]
    np.testing.assert_allclose(
        form.layers[-1].gradients.b.value, (model.predict_proba(X) - one_hot).mean(axis=0)
    )


def test_labels_of_every_kind() -> None:
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    model = fitted(cr.MLPClassifier((3,), max_iter=5, random_state=0), names)
    assert model.matrix_form(X[:2], y=names[:2]).loss.y.value.tolist() == [[1, 0, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match=r"\['rose'\], which are not among the classes"):
        model.matrix_form(X[:1], y=["rose"])
    two = fitted(cr.MLPClassifier((3,), max_iter=5, random_state=0), Y > 0)
    assert two.matrix_form(X[:2], y=Y[:2] > 0).loss.y.value.tolist() == [[0], [0]]
    several = np.column_stack([Y > 0, Y > 1]).astype(int)
    labels = fitted(cr.MLPClassifier((3,), max_iter=5, random_state=0), several)
    form = labels.matrix_form(X[-2:], y=several[-2:])
    assert form.loss.y.value.tolist() == [[1, 1], [1, 1]]


def test_linear_regression_is_one_layer() -> None:
    model = cr.LinearRegression().fit(X, Y)
    form = model.matrix_form(X, entry=(149, 0), y=Y)
    (layer,) = form.layers
    np.testing.assert_allclose(layer.Z.value[:, 0], model.predict(X))
    assert "output[149, 0] is row 149 of X times column 0 of w, plus b[0]:" in str(form)
    # At the least squares there is no slope left.
    np.testing.assert_allclose(layer.gradients.W.value, 0.0, atol=1e-10)
    np.testing.assert_allclose(form.loss.value, model.loss_)
    targets = np.column_stack([Y, -Y])
    both = cr.LinearRegression(fit_intercept=False).fit(X, targets)
    (layer,) = both.matrix_form(X, y=targets).layers
    np.testing.assert_allclose(layer.out.value, both.predict(X))
    assert layer.b.value.tolist() == [0.0, 0.0]


def test_a_network_without_activations_collapses() -> None:
    model = classifier(activation="identity")
    one = model.collapse(X)
    assert one.agrees
    scores = X @ one.W + one.b
    np.testing.assert_array_equal(model.classes_[scores.argmax(axis=1)], model.predict(X))
    assert "What follows, softmax, is applied to the one layer's output." in str(one)
    refused = classifier(activation="relu").collapse()
    assert not refused.holds
    assert refused.halfway is not None


def test_sparse_and_single_precision_rows() -> None:
    model = fitted(cr.MLPClassifier((3,), max_iter=5, random_state=0))
    expected = model.matrix_form(X[:4]).to_dict()
    assert model.matrix_form(sparse.csr_array(X[:4])).to_dict() == expected
    single = cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single.fit(X.astype(np.float32), Y)
    assert single.matrix_form(X.astype(np.float32)[:2]).layers[0].Z.value.dtype == np.float64


@pytest.mark.parametrize("model", [cr.MLPClassifier(), cr.MLPRegressor(), cr.LinearRegression()])
def test_an_unfitted_model_says_so(model: Any) -> None:
    with pytest.raises(NotFittedError):
        model.matrix_form(X)
    if hasattr(model, "collapse"):
        with pytest.raises(NotFittedError):
            model.collapse()


def test_rows_and_targets_that_do_not_fit_are_refused() -> None:
    model = classifier()
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        model.matrix_form(X[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        model.collapse([[np.nan, 0, 0, 0]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.matrix_form(X[:3], y=Y[:2])
    with pytest.raises(cr.ShapeError, match="no layer 4: layers are counted from 1 to 3"):
        model.matrix_form(X, layer=4)
    linear = cr.LinearRegression().fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 outputs, but the model has 1"):
        linear.matrix_form(X, y=np.column_stack([Y, Y]))
