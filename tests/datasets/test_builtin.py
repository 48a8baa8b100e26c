from __future__ import annotations

import numpy as np
import pytest

from chainrule.datasets.builtin import BUILT_IN, load_dataset, table_of


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_set_is_complete_and_named(name: str) -> None:
    X, y, feature_names, target_names = load_dataset(name)
    assert X.shape == (len(y), len(feature_names))
    assert np.isfinite(X).all()
    assert len(set(feature_names)) == len(feature_names)
    if BUILT_IN[name].task == "classification":
        assert set(y.tolist()) == set(range(len(target_names)))
    else:
        assert target_names == ()


@pytest.mark.parametrize("name", BUILT_IN)
def test_its_table_has_the_same_rows_and_says_what_to_predict(name: str) -> None:
    X, y, feature_names, target_names = load_dataset(name)
    table = table_of(name)
    assert list(table.columns) == [*feature_names, BUILT_IN[name].target]
    assert table.target == BUILT_IN[name].target
    np.testing.assert_array_equal(table.columns[feature_names[0]], X[:, 0])
    expected = np.array(target_names)[y] if target_names else y
    np.testing.assert_array_equal(table.columns[table.target], expected)
