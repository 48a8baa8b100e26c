"""The pages say which estimator has which feature of training, and the estimators agree."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import sklearn.neural_network as peer
from sklearn.base import is_classifier

import chainrule as cr
from chainrule.estimators.loading import ESTIMATORS

DOCS = Path(__file__).parents[1] / "docs"

FEATURES = (
    *("loss", "alpha", "dropout", "normalization", "l1_ratio", "weight_decay", "clip_norm"),
    *("accumulate_steps", "learning_rate", "scoring", "checkpoint", "validation_data"),
    *("find_learning_rate", "fit_stream", "hidden_activations"),
    *("early_stopping", "callbacks", "warm_start", "partial_fit", "sample_weight"),
)


def features_of(estimator: type) -> set[str]:
    """Its parameters, those of ``fit``, and its methods."""
    parameters = {
        *inspect.signature(estimator).parameters,
        *inspect.signature(estimator.fit).parameters,
    }
    return parameters | {each for each in dir(estimator) if callable(getattr(estimator, each))}


def said_to_lack() -> dict[str, set[str]]:
    text = (DOCS / "training.md").read_text(encoding="utf-8").partition("## Which estimator")[2]
    rows = re.findall(r"^\| (`.*?) \|(.*?)\|", text, re.MULTILINE)
    lacks: dict[str, set[str]] = {}
    before: set[str] = set()
    for names, lacking in rows:
        here = set(re.findall(r"`(\w+)`", lacking)) | (
            before if "all of those" in lacking else set()
        )
        lacks |= dict.fromkeys(re.findall(r"`(\w+)`", names), here)
        before = here
    return lacks


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_an_estimator_has_all_features_but_those_that_the_page_says_it_lacks(name: str) -> None:
    has = features_of(getattr(cr, name))
    assert {each for each in FEATURES if each not in has} == said_to_lack()[name]
    assert ("class_weight" in has) == is_classifier(getattr(cr, name)())


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_page_from_scikit_learn_names_each_parameter_that_is_new(name: str) -> None:
    text = (DOCS / "from-scikit-learn.md").read_text(encoding="utf-8")
    table = text.partition("## Parameters")[2].partition("\n## ")[0]
    theirs = inspect.signature(getattr(peer, name)).parameters
    new = set(inspect.signature(getattr(cr, name)).parameters) - set(theirs)
    assert new <= set(re.findall(r"`(\w+)`", table))
