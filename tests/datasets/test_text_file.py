from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainrule.datasets.read import read_table
from chainrule.errors import DataError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def test_columns_are_read_as_text_with_the_line_of_each_row(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'a,b\n1,x\n\n2,"y, or\nz"\n3,w\n'))
    assert {name: values.tolist() for name, values in table.columns.items()} == {
        "a": ["1", "2", "3"],
        "b": ["x", "y, or\nz", "w"],
    }
    assert [table.place(row) for row in range(3)] == ["line 2", "line 4", "line 6"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_usual_separators_are_told_from_the_header(tmp_path: Path, delimiter: str) -> None:
    table = read_table(written(tmp_path, f"a{delimiter}b\n1{delimiter}2\n"))
    assert list(table.columns) == ["a", "b"]


def test_windows_files_are_read(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n"))
    assert list(table.columns) == ["a", "b"]
    np.testing.assert_array_equal(table.columns["b"], ["2", "4"])


FAULTS = {
    "an empty file": (b"", ["is empty", "first line must name the columns"]),
    "a file of blank lines": (b"\n\n", ["is empty"]),
    "a header only": (b"a,b\n", ["no rows"]),
    "a line too short": (b"a,b,c\n1,2,3\n4\n", ["line 3", "1 value", "3 columns", "'b', 'c'"]),
    "a line too long": (b"a,b\n1,2\n3,4,oops\n", ["line 3", "3 values", "'oops'"]),
    "a name twice": (b"a,b,a\n1,2,3\n", ["2 columns", "'a'"]),
    "a nameless column": (b",a\n0,1\n", ["column 1", "index=False"]),
    "another encoding": (b"a,b\n1,2\nGr\xfc\xdfe,3\n", ["line 3", "0xfc", "UTF-8"]),
    "a quotation mark left open": (b'a,b\n1,2\n3,"4\n5,6\n', ["line 3", "quotation mark"]),
    "an archive": (b"PK\x03\x04\x14\x00\x08\x80\xff", ["line 1", "not UTF-8"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(tmp_path: Path, fault: str) -> None:
    content, parts = FAULTS[fault]
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    for part in [str(path), *parts]:
        assert part in str(caught.value)


def test_a_misspelt_data_set_is_guessed() -> None:
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        read_table("digts")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


def test_a_file_is_preferred_where_a_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "iris").write_text("a,b\n1,2\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert list(read_table("./iris").columns) == ["a", "b"]
    assert read_table("iris").n_rows == 150
