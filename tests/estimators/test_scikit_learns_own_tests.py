"""scikit-learn's own tests of its perceptrons pass on ours, but for differences that are named.

The tests are those that the installed scikit-learn brings along: its file is executed here with
our estimators in the place of its own.
"""

from __future__ import annotations

import functools
import importlib.util
from types import ModuleType

import pytest
import sklearn.neural_network as peer

import chainrule as cr

THEIRS = "sklearn.neural_network.tests.test_mlp"

DIFFERENCES = {
    "test_gradient": (
        "calls a private method for the gradient of L-BFGS; ours are derived, and tested in "
        "tests/calculus and tests/engines"
    ),
    "test_nonfinite_params": (
        "a ValueError too, but one that names the operation, the row and the feature"
    ),
    "test_predict_proba_multilabel": (
        "takes for granted that probabilities near 1 have equal logarithms; ours are exact where "
        "a probability is rounded to 1"
    ),
    "test_early_stopping_stratified": (
        "the class with too few rows is called by its label, 1, not 'True'"
    ),
    "test_mlp_partial_fit_after_fit[MLPClassifier]": "partial_fit with early stopping works here",
    "test_mlp_partial_fit_after_fit[MLPRegressor]": "partial_fit with early stopping works here",
    "test_preserve_feature_names[MLPClassifier]": (
        "a y of one class only is refused: there is nothing to tell apart"
    ),
}


class ShowingPrivateNames:
    """What their tests read of how training went, under the private names that they know."""

    @property
    def _no_improvement_count(self):
        return self._progress.epochs_without_progress

    @_no_improvement_count.setter
    def _no_improvement_count(self, count):
        """One test sets the count of a model without any fit, to none."""
        assert count == 0

    @property
    def _optimizer(self):
        showing = functools.partial(super()._optimizer)
        showing.learning_rate = self._progress.learning_rate
        return showing


class MLPClassifier(ShowingPrivateNames, cr.MLPClassifier):
    pass


class MLPRegressor(ShowingPrivateNames, cr.MLPRegressor):
    pass


def with_changed_imports() -> ModuleType:
    """Their tests, with our estimators."""
    spec = importlib.util.find_spec(THEIRS)
    if spec is None or spec.loader is None:
        pytest.skip("this scikit-learn was installed without its tests", allow_module_level=True)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer, "MLPClassifier", MLPClassifier)
        patch.setattr(peer, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return module


THEIR_TESTS = {
    name: each for name, each in vars(with_changed_imports()).items() if name.startswith("test_")
}
globals().update(THEIR_TESTS)


@pytest.fixture
def global_random_seed() -> int:
    """A fixture of scikit-learn's own test sessions."""
    return 42


@pytest.fixture(autouse=True)
def named_differences(request: pytest.FixtureRequest) -> None:
    if request.node.name in DIFFERENCES:
        request.node.add_marker(pytest.mark.xfail(reason=DIFFERENCES[request.node.name]))


def test_differences_are_of_tests_that_there_are() -> None:
    assert len(THEIR_TESTS) >= 40
    assert {name.partition("[")[0] for name in DIFFERENCES} <= THEIR_TESTS.keys()
