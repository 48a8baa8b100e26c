from __future__ import annotations

import builtins
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.datasets.frames import read_frame
from chainrule.datasets.read import read_table
from chainrule.errors import DataError


def test_parquet_gives_numbers_and_text(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    path = tmp_path / "table.parquet"
    polars.DataFrame(
        {"n": [1, None, 3], "x": [0.5, float("nan"), 2.0], "t": ["a", None, "b"], "f": [True] * 3}
    ).write_parquet(path)
    table = read_table(path)
    np.testing.assert_array_equal(table.columns["n"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(table.columns["x"], [0.5, np.nan, 2.0])
    assert table.columns["t"].tolist() == ["a", "", "b"]
    assert table.columns["f"].tolist() == ["True"] * 3


def test_a_damaged_parquet_file_is_a_clear_error(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(path)


def test_without_a_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str, *rest: Any) -> Any:
        if name in ("polars", "pandas", "pyarrow"):
            raise ImportError(name)
        return builtins.__import__(name, *rest)

    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(DataError, match=r"chainrule\[frames\]"):
        read_table(path)


def test_whatever_pandas_takes_for_missing_is_missing() -> None:
    pandas = pytest.importorskip("pandas")
    table = read_frame(
        pandas.DataFrame(
            {
                0: pandas.array([1, None], dtype="Int64"),
                "when": [pandas.Timestamp("2020-01-01"), pandas.NaT],
                "what": pandas.Series([np.int64(3), pandas.NA], dtype=object),
            }
        )
    )
    np.testing.assert_array_equal(table.columns["0"], [1.0, np.nan])
    np.testing.assert_array_equal(table.columns["what"], [3.0, np.nan])
    assert table.columns["when"].tolist() == ["2020-01-01 00:00:00", ""]


def test_two_columns_of_one_name_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="two columns called 'a'"):
        read_frame(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_tables_of_arrow_are_tables() -> None:
    arrow = pytest.importorskip("pyarrow")
    columns = {"n": [1, None, 3], "t": ["a", None, "b"]}
    for made in (arrow.table(columns), arrow.record_batch(columns)):
        table = read_table(made)
        np.testing.assert_array_equal(table.columns["n"], [1.0, np.nan, 3.0])
        assert table.columns["t"].tolist() == ["a", "", "b"]
    with pytest.raises(DataError, match="no rows"):
        read_table(arrow.table({"n": []}))
