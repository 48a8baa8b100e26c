"""docs/derivation-data.md lists every key of a derivation's data, and no other."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris

import chainrule as cr

PAGE = Path(__file__).parents[2] / "docs" / "derivation-data.md"


def documented() -> dict[str, set[str]]:
    """The keys under each heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: {
            key
            for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
            for key in re.findall(r"`(\w+)`", row)
        }
        for section in sections
    }


def example() -> dict[str, Any]:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((8, 6), max_iter=5, random_state=0).fit(X, y)
    return json.loads(json.dumps(model.explain(X[0], y[0], "W1[2, 1]").to_dict()))


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    page, data = documented(), example()
    assert set(data) == page["The whole"]
    assert set(data["forward"][0]) == page["A forward step"]
    assert set(data["backward"][0]) == page["A backward step"]
    uses = [use for step in data["backward"] for use in step["uses"]]
    assert set(uses[0]) == page["A use"]
    assert set(data["chains"][0]) == page["A chain"]
    assert set(data["update"]) == page["An update"]
    text = PAGE.read_text(encoding="utf-8")
    path = data["chains"][0]["paths"][0]
    for key in {*path, *path["factors"][0], *data["chains"][0]["check"]}:
        assert f"`{key}`" in text


def test_the_data_is_complete() -> None:
    work = cr.explain("q = x + y; q*z", x=-2, y=5, z=-4)
    data = work.to_dict()
    assert data["format"] == 1
    assert [step["symbol"] for step in data["forward"]] == [step.symbol for step in work.forward]
    assert [step["symbol"] for step in data["backward"]] == [s.symbol for s in work.backward]
    assert data["chains"][0]["paths"][0]["product"] == -4.0
